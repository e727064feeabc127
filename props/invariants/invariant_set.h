// The registered invariants of the system world, evaluated on what an operation touched.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "impl/system.h"
#include "props/invariants/registry.h"
#include "props/invariants/visit_marks.h"
#include "props/violation.h"

namespace vmref::props {

// In the order of the table in invariant_set.cc.
enum class Rule : std::uint8_t {
    i01,
    i02,
    i03,
    i04,
    i05,
    i06,
    i09,
    i11,
    i14,
    i15,
    i16,
    i17,
    i18,
    i19,
    i21,
    i24,
    i25,
    i26,
    i27,
    i29,
    i30,
    i31,
    i33,
    i35,
    i46,
    i48,
    i50,
    i60,
    i61,
    i62,
    i63,
    i64,
    i67,
    i69,
    i72,
    i91,
    count,
};

// In the order of Rule, nothing counted yet.
std::span<const Invariant> invariant_table();

// Evaluations happen in quiescent states, after an operation, except those of the probe. The first violation is
// kept; later ones only count. The set must live as long as operations are applied to its subject.
class InvariantSet final : public impl::Probe {
  public:
    explicit InvariantSet(impl::System& subject);  // installs itself as the kernel's probe
    InvariantSet(const InvariantSet&) = delete;
    InvariantSet& operator=(const InvariantSet&) = delete;

    // Everything that the kernel's journal names, each thing once. Does not clear the journal.
    void check_changes();
    // Everything there is.
    void check_all();

    // For the comparison: one evaluation of `rule`; on a violation `describe()` gives the message.
    template <class Describe>
    bool evaluate(Rule rule, bool premise, bool holds, Describe&& describe) {
        if (invariants_[static_cast<std::size_t>(rule)].evaluate(premise, holds)) [[likely]] {
            return true;
        }
        report(rule, describe());
        return false;
    }

    // The implementation itself found `rule` broken, which may be one of these.
    void count_violation(std::string_view rule);

    const std::optional<Violation>& violation() const { return violation_; }
    std::span<const Invariant> invariants() const { return invariants_; }

    void before_zero_fill(const impl::Object& object, PageIndex index, const impl::Page& page) override;
    void before_copy(const impl::Page& from, const impl::Page& to) override;
    void before_free(const impl::Page& page) override;
    void fault_object_left(const impl::Object& first_object, bool success) override;

  private:
    // What the PTEs of a page say together.
    struct Mappings {
        bool modified = false;
        const impl::PvEntry* writable = nullptr;  // one that grants stores
    };

    void report(Rule rule, std::string message);
    void start_round(bool full);

    // Each thing once per round.
    void visit_page(const impl::Page& page);
    void visit_object(const impl::Object& object);
    void visit_pte(impl::PmapId pmap_id, Va va);
    void visit_entry(impl::PmapId map_id, Va start);
    void check_global();

    // --- page_rules.cc ---------------------------------------------------------------------------------------------
    void check_page(const impl::Page& page);
    void check_identity(const impl::Page& page);
    void check_queue(const impl::Page& page);
    void check_all_queues();

    // --- content_rules.cc ------------------------------------------------------------------------------------------
    void check_contents(const impl::Page& page, bool modified);
    bool same_without(const impl::Page& page);
    bool views_gone_or_discarded(const impl::Page& page);

    // --- object_rules.cc -------------------------------------------------------------------------------------------
    void check_object(const impl::Object& object);
    bool check_chain(const impl::Object& object);
    void check_references(const impl::Object& object);
    void check_shadows(const impl::Object& object);
    void check_members(const impl::Object& object);
    void check_entry(const impl::MapEntry& entry);

    // --- protection_rules.cc ---------------------------------------------------------------------------------------
    void check_rights(const impl::Pmap& pmap, const impl::MapEntry* entry, Va va, std::uint32_t word);
    void check_isolation(const impl::Page& page, const impl::PvEntry* writable);
    void check_entry_rights(const impl::MapEntry& entry);
    void check_directory_entry(const impl::Pmap& pmap, PageIndex index, std::uint32_t word);

    // --- pmap_rules.cc ---------------------------------------------------------------------------------------------
    void check_leaf(const impl::Pmap& pmap, const impl::MapEntry* entry, Va va, std::uint32_t word);
    Mappings check_mappings(const impl::Page& page);
    impl::Map* map_of(const impl::Pmap& pmap) const;
    void check_cached(const impl::Pmap& pmap, Va va);
    void check_tlb_entry(const impl::Pmap& pmap, CpuId cpu, const impl::TlbEntry& cached);
    void check_all_tlbs();
    void check_pmap(const impl::Pmap& pmap);
    void check_pmap_counts(const impl::Pmap& pmap);
    void check_table_counts(const impl::Pmap& pmap, PageIndex index, std::uint32_t& leaves, std::uint32_t& wired);
    void check_pv_total();
    bool is_frame(Frame frame) const { return frame != 0 && frame < kernel_.machine.memory().frames(); }

    // Recounts of what can be long are left to check_all() beyond this many steps.
    static constexpr std::uint32_t kShort = 64;

    impl::System& subject_;
    impl::Kernel& kernel_;
    std::array<Invariant, static_cast<std::size_t>(Rule::count)> invariants_;
    std::optional<Violation> violation_;

    bool full_ = false;  // in check_all()
    NumberMarks pages_seen_;
    NumberMarks objects_seen_;
    AddressMarks ptes_seen_;
    AddressMarks entries_seen_;
    std::uint64_t ptes_checked_ = 0;
    std::uint64_t faults_counted_ = 0;
};

}  // namespace vmref::props
