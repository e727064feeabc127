// Mappings for reading, made ahead of their use.
#include "impl/pmap_i386/object_hold.h"
#include "impl/pmap_i386/pmap.h"

namespace vmref::impl {

// pmap_enter_quick (pmap.c:2423). An existing PTE is left alone whatever it maps (B-80).
Status PmapSystem::enter_quick(Pmap& pmap, Va va, Page& m) {
    coverage_.ran(PmapFunction::enter_quick);
    va = trunc_page(va);
    ensure_rule(va < kUserEnd, "I-78", "pmap_enter_quick is for user addresses");
    ensure_rule(m.busied(), "I-46", "a page is entered while it is busy");
    const ObjectHold hold(*pmap.pteobj, sched_);
    sched_.yield(BlockPoint::pmap);
    const bool managed = !m.has(kPageUnmanaged | kPageFictitious);
    PvEntry* const pv = managed ? get_pv_entry() : nullptr;
    if (managed && pv == nullptr) {
        return Status::resource_shortage;
    }
    ensure((pde(pmap, va) & kPtePS) == 0, "pmap_enter_quick meets no 4 MiB mapping");
    Page* const table = wire_page_table(pmap, va);
    if (table == nullptr) {
        free_pv_entry(pv);
        return Status::resource_shortage;
    }
    const PtePointer pointer = leaf(pmap, va);
    const PteStep step = change(
        pmap, va, pointer, [&](std::uint32_t word) { return pte::enter_quick(word, m.frame << kPageShift, managed); });
    if (step.pv_new) {
        insert_pv(*pv, pmap, va, *table, m);
    } else {
        free_pv_entry(pv);
    }
    if (step.d_resident == 0) {
        ensure(!defects_.on(Defect::b80_enter_quick_asserts_frame) || step.pte >> kPageShift == m.frame,
               "pmap_enter_quick finds its own page");
        ensure_rule(!pages_.unwire_quick(*table), "I-64", "the leaf that was there has its wiring");
    }
    return Status::success;
}

// pmap_object_init_pt (pmap.c:2587). Pages that are busy, not wholly valid or fictitious are passed by.
void PmapSystem::object_init_pt(Pmap& pmap, Va va, Prot prot, Object& object, PageIndex pindex, std::uint32_t count,
                                bool partial) {
    coverage_.ran(PmapFunction::object_init_pt);
    constexpr std::uint32_t kMany = 96;  // MAX_INIT_PT
    const bool unreadable = (prot & kProtRead) == 0 && !defects_.on(Defect::b92_init_pt_without_read);
    if (unreadable || object.type != ObjectType::vnode || object.size <= pindex ||
        (partial && count > kMany && object.resident_page_count > kMany)) {
        return;
    }
    count = std::min(count, object.size - pindex);
    const ObjectHold hold(object, sched_);
    // Entering may take a page table, and that a page of the cache queue: the next one is looked up again.
    PageIndex next = pindex;
    for (auto it = object.pages.lower_bound(next); it != object.pages.end() && it->pindex < pindex + count;
         it = object.pages.lower_bound(next)) {
        Page& page = *it;
        next = page.pindex + 1;
        if (!pages_.busy_try(page)) {
            continue;
        }
        Status status = Status::success;
        if (page.fully_valid() && !page.has(kPageFictitious)) {
            if (page.queue == Queue::cache) {
                pages_.deactivate(page);
            }
            status = enter_quick(pmap, va + ((page.pindex - pindex) << kPageShift), page);
        }
        pages_.wakeup(page);
        if (status != Status::success) {
            return;
        }
    }
}

}  // namespace vmref::impl
