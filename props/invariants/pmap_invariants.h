// The registered invariants of the pmap world.
#pragma once

#include <cstdint>
#include <vector>

#include "impl/pmap_host.h"
#include "ops/observation.h"
#include "ops/operation.h"
#include "props/invariants/pmap_rules.h"
#include "props/invariants/rule_book.h"

namespace vmref::props {

// Evaluations happen between operations.
class PmapInvariants final : public RuleBook {
  public:
    explicit PmapInvariants(impl::PmapHost& subject);

    // Everything that the journal names; a recount in turn.
    void check_changes();
    // Everything there is.
    void check_all();
    // What the operation promises of itself.
    void judge(const Operation& operation, const Observation& observed);

    PmapRules& pmap_rules() { return pmap_rules_; }

  private:
    void check_pte(impl::PmapId id, Va va);
    void check_leaf(const impl::Pmap& pmap, Va va, std::uint32_t word);
    void check_page(const impl::Page& page);
    void check_user_pmap(const impl::Pmap& pmap);
    void check_kernel_pmap();
    void check_kernel_part(const impl::Pmap& pmap);
    void check_kept();
    void check_generation(const impl::Pmap& pmap);
    void check_window(CpuId cpu);
    void check_pv_entries();

    struct Seen {
        std::uint64_t generation = 0;
        std::size_t pvs = 0;
    };

    impl::PmapHost& subject_;
    PmapRules pmap_rules_;
    std::vector<Seen> seen_;  // by pmap id
    std::uint64_t round_ = 0;
    bool collected_ = false;  // and not told again since
};

}  // namespace vmref::props
