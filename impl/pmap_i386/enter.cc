// pmap_enter (pmap.c:2192).
#include "impl/pmap_i386/object_hold.h"
#include "impl/pmap_i386/pmap.h"

namespace vmref::impl {

Status PmapSystem::enter(Pmap& pmap, Va va, Page& m, Prot prot, bool wired) {
    va = trunc_page(va);
    ensure_rule(va < kUserEnd, "I-78", "user mappings end below the page-table window");
    ensure(prot != kProtNone, "a mapping without rights is no mapping");
    ensure_rule(m.busied(), "I-46", "a page is entered while it is busy");
    const ObjectHold hold(*pmap.pteobj, sched_);
    sched_.yield(BlockPoint::pmap);

    Page* const table = wire_page_table(pmap, va);
    if (table == nullptr) {
        return Status::resource_shortage;
    }
    const Pa address = (table->frame << kPageShift) + 4 * pte_index(va);
    std::uint32_t old = machine_.memory().read32(address);
    while ((old & kPteV) != 0 && old >> kPageShift != m.frame) {
        // Our wiring keeps the table while the other page's leaf gives back its own.
        remove_pte(pmap, va, address);
        old = machine_.memory().read32(address);
    }

    const pte::Request<std::uint32_t> request{.pa = m.frame << kPageShift,
                                              .va = va,
                                              .prot = prot,
                                              .wired = wired,
                                              .managed = !m.has(kPageUnmanaged | kPageFictitious)};
    const PteStep step =
        change(pmap, va, address, [&request](std::uint32_t word) { return pte::enter(word, request); });
    if (step.pv_new) {
        insert_pv(pmap, va, *table, m);
    }
    if ((step.pte & (kPteRW | kPteManaged)) == (kPteRW | kPteManaged)) {
        m.set(kPageWriteable);
    }
    if (step.d_resident == 0) {
        ensure_rule(!pages_.unwire_quick(*table), "I-64", "the leaf that was there has its wiring");
    }
    return Status::success;
}

}  // namespace vmref::impl
