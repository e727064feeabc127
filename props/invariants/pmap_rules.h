// The rules on page tables, pv entries, counts and TLBs that hold whatever is above the pmaps.
#pragma once

#include <cstdint>

#include "impl/pmap_i386/pmap.h"
#include "props/invariants/rule_book.h"

namespace vmref::props {

class PmapRules {
  public:
    // What the PTEs of a page say together.
    struct Mappings {
        bool modified = false;
        const impl::PvEntry* writable = nullptr;  // one that grants stores
    };

    PmapRules(RuleBook& book, impl::Machine& machine, impl::PageSystem& pages, impl::PmapSystem& pmaps)
        : book_(book), machine_(machine), pages_(pages), pmaps_(pmaps) {}

    // A word of a page table that covers `va`; also an invalid one. The page it maps, if it maps one.
    const impl::Page* check_leaf(const impl::Pmap& pmap, Va va, std::uint32_t word);
    Mappings check_mappings(const impl::Page& page);
    void check_directory_entry(const impl::Pmap& pmap, PageIndex index, std::uint32_t word);
    void check_interlock(const impl::Pmap& pmap);
    void check_cached(const impl::Pmap& pmap, Va va);
    void check_tlb_entry(const impl::Pmap& pmap, CpuId cpu, const impl::TlbEntry& cached);
    void check_all_tlbs();
    void check_pmap_counts(const impl::Pmap& pmap);
    // Adds up what the page table at that directory index holds, if there is one.
    void check_table_counts(const impl::Pmap& pmap, PageIndex index, std::uint32_t& leaves, std::uint32_t& wired);
    void check_hint(const impl::Pmap& pmap);
    void check_pv_total();

  private:
    template <class Describe>
    bool evaluate(Rule rule, bool premise, bool holds, Describe&& describe) {
        return book_.evaluate(rule, premise, holds, describe);
    }
    bool is_frame(Frame frame) const { return frame != 0 && frame < machine_.memory().frames(); }

    RuleBook& book_;
    impl::Machine& machine_;
    impl::PageSystem& pages_;
    impl::PmapSystem& pmaps_;
};

}  // namespace vmref::props
