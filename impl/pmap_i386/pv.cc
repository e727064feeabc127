// pv entries: which (pmap, va) map a page. There are config.pv_entries of them.
#include "impl/pmap_i386/pmap.h"

namespace vmref::impl {

// get_pv_entry (pmap.c:1681): nullptr if all are in use (the source's zone cannot say so, B-78). The daemon is told
// once that they become few.
PvEntry* PmapSystem::get_pv_entry() {
    coverage_.ran(PmapFunction::get_pv_entry);
    if (pv_entry_count_ + 1 > pv_high_water_) {
        pv_woken_ = true;
    }
    if (pv_entry_count_ >= pv_max_ || pages_.failing().fails(AllocationKind::pv)) {
        return nullptr;
    }
    ++pv_entry_count_;
    if (pv_free_.empty()) {
        pv_free_.push_back(&pv_storage_.emplace_back());
    }
    PvEntry* const pv = pv_free_.back();
    pv_free_.pop_back();
    return pv;
}

// free_pv_entry (pmap.c:1660).
void PmapSystem::free_pv_entry(PvEntry* pv) {
    if (pv == nullptr) {
        return;
    }
    coverage_.ran(PmapFunction::free_pv_entry);
    --pv_entry_count_;
    pv_free_.push_back(pv);
}

// pmap_insert_entry (pmap.c:1806). Never sleeps.
void PmapSystem::insert_pv(PvEntry& pv, Pmap& pmap, Va va, Page& table, Page& m) {
    coverage_.ran(PmapFunction::insert_entry);
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
    free_pv_entry(&pv);
}

// pmap_collect (pmap.c:1713).
bool PmapSystem::collect() {
    coverage_.ran(PmapFunction::collect);
    if (!pv_woken_) {
        return false;
    }
    pv_woken_ = false;
    for (Frame frame = 1; frame < pages_.pages().size(); ++frame) {
        Page& page = pages_.page_of_frame(frame);
        const bool pinned = page.wire_count != 0 || page.hold_count != 0;
        if (page.pv_list.empty() || pinned || !pages_.busy_try(page)) {
            continue;
        }
        remove_all(page);
        pages_.wakeup(page);
    }
    return true;
}

}  // namespace vmref::impl
