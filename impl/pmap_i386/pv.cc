// pv entries: which (pmap, va) map a page.
#include "impl/pmap_i386/pmap.h"

namespace vmref::impl {

// pmap_insert_entry (pmap.c:1806). Never sleeps.
void PmapSystem::insert_pv(Pmap& pmap, Va va, Page& table, Page& m) {
    if (pv_free_.empty()) {
        pv_free_.push_back(&pv_storage_.emplace_back());
    }
    PvEntry& pv = *pv_free_.back();
    pv_free_.pop_back();
    ensure_rule(pv.page == nullptr, "I-60", "a new pv entry is unused");
    pv.pmap = &pmap;
    pv.va = va;
    pv.page = &m;
    pv.page_table = &table;
    PvEntry*& slot = pv_slot(pte_address(pv));
    ensure_rule(slot == nullptr, "I-60", "one pv entry per managed leaf");
    slot = &pv;
    m.pv_list.push_back(pv);
    pmap.pv_list.push_back(pv);
    ++pmap.generation;
    ++pv_count_;
    m.set(kPageMapped);
}

// The list part of pmap_remove_entry (pmap.c:1781). Never sleeps.
void PmapSystem::remove_pv(PvEntry& pv) {
    Page& m = *pv.page;
    pv_slot(pte_address(pv)) = nullptr;
    m.pv_list.erase(m.pv_list.iterator_to(pv));
    if (m.pv_list.empty()) {
        m.clear(kPageMapped | kPageWriteable);
    }
    pv.pmap->pv_list.erase(pv.pmap->pv_list.iterator_to(pv));
    ++pv.pmap->generation;
    pv.page = nullptr;
    --pv_count_;
    pv_free_.push_back(&pv);
}

}  // namespace vmref::impl
