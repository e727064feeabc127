// The registered invariants of the system world, evaluated on what an operation touched.
#pragma once

#include <cstdint>
#include <vector>

#include "impl/system.h"
#include "props/invariants/pmap_rules.h"
#include "props/invariants/rule_book.h"
#include "props/invariants/visit_marks.h"

namespace vmref::props {

// Who uses objects and pages beside map entries.
class Outsiders {
  public:
    virtual ~Outsiders() = default;
    virtual std::uint32_t references(const impl::Object& object) const = 0;
    virtual std::uint32_t wirings(const impl::Page& page) const = 0;
    virtual std::uint32_t holds(const impl::Page& page) const = 0;
    // Whether everyone among them who sees the page's contents was told that they go.
    virtual bool told(const impl::Page& page) const = 0;
};

// Evaluations happen in quiescent states, after an operation, except those of the probe. The set must live as long as
// operations are applied to its subject.
class InvariantSet : public impl::Probe, public RuleBook {
  public:
    // Installs itself as the kernel's probe.
    explicit InvariantSet(impl::System& subject, WorldName world = WorldName::system,
                          const Outsiders* outsiders = nullptr);

    // Everything that the kernel's journal names, each thing once. Does not clear the journal.
    void check_changes();
    // Everything there is.
    void check_all();

    void before_zero_fill(const impl::Object& object, PageIndex index, const impl::Page& page) override;
    void before_copy(const impl::Page& from, const impl::Page& to) override;
    void before_free(const impl::Page& page) override;
    void fault_object_left(const impl::Object& first_object, bool success) override;
    void page_handed_out(const impl::Map& map, Va va, Prot asked, const impl::Page* m, bool busied) override;
    void wiring_undone(const impl::MapEntry& entry, Va start, Va failed) override;
    void entry_copied(const impl::MapEntry& from, const impl::MapEntry& to) override;
    void device_mapped(const impl::MapEntry& entry, Va va) override;
    void nofault_ended(bool success, std::uint64_t waits) override;
    void nosync_judged(const impl::Page& m, bool entry_nosync, bool was_set) override;
    void pages_cleaned(const impl::Object& object, PageIndex start, PageIndex end, bool undisturbed) override;
    void before_prefault(const impl::MapEntry& entry, Va va, Prot prot, impl::PrefaultKind kind) override;
    void after_prefault(const impl::MapEntry& entry) override;
    void before_table_marked(const impl::MapEntry& entry, std::uint32_t vpte, bool may_write) override;
    void table_walked(const impl::MapEntry& entry, PageIndex index, Prot fault_type, bool may_write,
                      Prot granted) override;

  protected:
    void check_page(const impl::Page& page);

  private:
    using Mappings = PmapRules::Mappings;

    // What a prefault must do at one address.
    struct Neighbour {
        Va va;
        const impl::Page* page;  // to be mapped; nullptr: a new page of zeroes, if memory is plenty
        const impl::Object* object;
        PageIndex index;
        std::uint8_t dirty;
        std::uint32_t slot;
    };
    void start_round(bool full);

    // Each thing once per round.
    void visit_page(const impl::Page& page);
    void visit_object(const impl::Object& object);
    void visit_pte(impl::PmapId pmap_id, Va va);
    void visit_entry(impl::PmapId map_id, Va start);
    void check_global();
    void check_unfinished();
    void check_failed_reads();

    // --- page_rules.cc ---------------------------------------------------------------------------------------------
    void check_identity(const impl::Page& page);
    void check_queue(const impl::Page& page);
    void check_dirtiness(const impl::Page& page);
    void check_all_queues();

    // --- wiring_rules.cc -------------------------------------------------------------------------------------------
    void check_wiring(const impl::Page& page);
    void check_wired_page(const impl::MapEntry& entry, Va va);
    void check_wired_entry(const impl::MapEntry& entry);
    bool copied_apart(const impl::MapEntry& from, const impl::MapEntry& to, PageIndex page);

    // --- prefault_rules.cc -----------------------------------------------------------------------------------------
    bool expect_neighbour(const impl::MapEntry& entry, Va va, Prot prot, impl::PrefaultKind kind);

    // --- content_rules.cc ------------------------------------------------------------------------------------------
    void check_contents(const impl::Page& page, bool modified);
    bool same_without(const impl::Page& page);
    void check_passed_by(const impl::Object& top, PageIndex index, const impl::Object* source);
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
    // What PTEs say about mappings, with the entries that allow them (pmap_rules.h has the rest).
    void check_leaf(const impl::Pmap& pmap, const impl::MapEntry* entry, Va va, std::uint32_t word);
    impl::Map* map_of(const impl::Pmap& pmap) const;
    void check_pmap(const impl::Pmap& pmap);
    bool is_frame(Frame frame) const { return frame != 0 && frame < kernel_.machine.memory().frames(); }

    // Recounts of what can be long are left to check_all() beyond this many steps.
    static constexpr std::uint32_t kShort = 64;

    impl::System& subject_;
    const Outsiders* outsiders_;  // nullptr: nobody
    impl::Kernel& kernel_;
    PmapRules pmap_rules_;

    bool full_ = false;  // in check_all()
    NumberMarks pages_seen_;
    NumberMarks objects_seen_;
    AddressMarks ptes_seen_;
    AddressMarks entries_seen_;
    std::uint64_t ptes_checked_ = 0;
    std::uint64_t faults_counted_ = 0;
    std::vector<Neighbour> neighbours_;  // of the prefault under way
    std::uint64_t prefaulted_ = 0;       // when it began
    std::uint64_t shortages_ = 0;        // planned ones, when it began
};

}  // namespace vmref::props
