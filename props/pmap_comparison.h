// Page tables against partial maps, mapping by mapping, page by page, TLB by TLB.
#pragma once

#include <cstdint>
#include <optional>

#include "impl/pmap_host.h"
#include "model/mapping.h"
#include "props/invariants/pmap_invariants.h"
#include "props/violation.h"

namespace vmref::props {

class PmapComparison {
  public:
    PmapComparison(impl::PmapHost& subject, const model::Mappings& model, PmapInvariants& invariants)
        : subject_(subject), model_(model), invariants_(invariants) {}

    // What ends with a pmap is compared by its removal.
    std::optional<Violation> compare_before(const Operation& /*operation*/) { return std::nullopt; }
    // What the journal names.
    std::optional<Violation> compare_changes();
    // The TLB of one CPU, and one page, in turn.
    std::optional<Violation> compare_sample();
    // Every mapping in both directions, every page, every TLB.
    std::optional<Violation> compare_all();

    std::uint64_t cells_compared() const { return cells_compared_; }

  private:
    std::optional<Violation> compare_mapping(PmapNumber pmap, Va va);
    std::optional<Violation> compare_leaf(PmapNumber pmap, Va va, const model::Leaf& leaf, std::uint32_t word);
    std::optional<Violation> compare_big(PmapNumber pmap, Va va, const model::BigLeaf& big, std::uint32_t word);
    std::optional<Violation> compare_kernel_leaf(Va va);
    std::optional<Violation> compare_pmap(PmapNumber pmap);
    std::optional<Violation> compare_kernel();
    std::optional<Violation> compare_page(PageNumber page);
    void compare_tlb(CpuId cpu);

    impl::PmapHost& subject_;
    const model::Mappings& model_;
    PmapInvariants& invariants_;
    std::uint64_t cells_compared_ = 0;
    std::uint64_t turn_ = 0;
    PageNumber next_page_ = 0;
};

}  // namespace vmref::props
