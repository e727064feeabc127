// pmap_enter (pmap.c:2192).
#include "impl/pmap_i386/object_hold.h"
#include "impl/pmap_i386/pmap.h"

namespace vmref::impl {

namespace {

bool is_managed(const Page& m) {
    return !m.has(kPageUnmanaged | kPageFictitious);
}

}  // namespace

Status PmapSystem::enter(Pmap& pmap, Va va, Page& m, Prot prot, bool wired, bool nosync) {
    coverage_.ran(PmapFunction::enter);
    va = trunc_page(va);
    const bool user = va < kUserEnd;
    ensure_rule(user != is_kernel(pmap) && (user || kEnterRange.holds(va)), "I-78",
                "user mappings end below the page-table window, the kernel's begin behind it");
    ensure(prot != kProtNone, "a mapping without rights is no mapping");
    ensure_rule(m.busied(), "I-46", "a page is entered while it is busy");
    const ObjectHold hold(*pmap.pteobj, sched_);
    sched_.yield(BlockPoint::pmap);

    PvEntry* const pv = is_managed(m) ? get_pv_entry() : nullptr;
    if (is_managed(m) && pv == nullptr) {
        ensure_rule(!defects_.on(Defect::b78_pv_not_tested), "I-86", "a pv entry that there is none of is not used");
        return Status::resource_shortage;
    }
    // A kernel page table is permanent: nobody counts its leaves.
    Page* const table = user ? wire_page_table(pmap, va) : kernel_table(va);
    if (table == nullptr) {
        free_pv_entry(pv);
        return Status::resource_shortage;
    }
    PtePointer pointer = leaf(pmap, va);
    if (make_room(pmap, va, pointer, m, nosync)) {
        pointer = leaf(pmap, va);
    }
    const pte::Request<std::uint32_t> request{.pa = m.frame << kPageShift,
                                              .va = va,
                                              .prot = prot,
                                              .wired = wired,
                                              .managed = is_managed(m),
                                              .global = !user && pgeflag_ != 0};
    const PteStep step = enter_step(pmap, va, pointer, request, nosync);
    const bool in_place = step.d_resident == 0;
    if (step.pv_new || (in_place && pv != nullptr && defects_.on(Defect::m17_second_pv))) {
        insert_pv(*pv, pmap, va, *table, m);
    } else {
        free_pv_entry(pv);
    }
    if ((step.pte & (kPteRW | kPteManaged)) == (kPteRW | kPteManaged)) {
        m.set(kPageWriteable);
    }
    if (in_place && (user || defects_.on(Defect::b70_kernel_table_unwired))) {
        ensure(user, "a page-table page whose wiring is given back exists (unwire_quick of nothing)");
        ensure_rule(!pages_.unwire_quick(*table), "I-64", "the leaf that was there has its wiring");
    }
    return Status::success;
}

// Another page's mapping goes first. Our wiring keeps the table while that page's leaf gives back its own. Whether
// anything went, which may have slept.
bool PmapSystem::make_room(Pmap& pmap, Va va, PtePointer pointer, const Page& m, bool nosync) {
    bool removed = false;
    std::uint32_t old = word_at(pointer);
    while ((old & kPteV) != 0 && old >> kPageShift != m.frame) {
        ensure_rule(!nosync || !defects_.on(Defect::b71_nosync_record_not_initialised), "I-67",
                    "an invalidation record is initialised before it is used");
        if (defects_.on(Defect::b86_enter_stores_over)) {
            store_over(pmap, va, pointer);
        } else {
            remove_pte(pmap, va, pointer);
        }
        removed = true;
        pointer = leaf(pmap, va);
        old = word_at(pointer);
    }
    return removed;
}

// B-86: only this CPU hears of it.
void PmapSystem::store_over(Pmap& pmap, Va va, PtePointer pointer) {
    const auto step_of = [](std::uint32_t word) { return pte::remove(word); };
    after_removal(pmap, va, pointer, change_here(pmap, va, pointer, step_of));
}

// NOSYNC says that no CPU can have a translation of an address that had none: then nobody is told anyway.
PmapSystem::PteStep PmapSystem::enter_step(Pmap& pmap, Va va, PtePointer pointer,
                                           const pte::Request<std::uint32_t>& request, bool nosync) {
    std::uint32_t sample = 0;  // only B-69 takes one
    const auto step_of = [&](std::uint32_t word) {
        const std::uint32_t old = pte::harvested(sample, word, defects_);
        ensure_rule(!pte::leaf_refused(old, defects_), "I-79", "pmap_enter meets no 4 MiB page");
        return pte::heeding(pte::enter(old, request), tracked(va));
    };
    if (defects_.on(Defect::b69_enter_harvests_sample)) {
        sample = word_at(pointer);
        sched_.hardware_step();
    }
    if (nosync && defects_.on(Defect::b72_nosync_always)) {
        return change_here(pmap, va, pointer, step_of);
    }
    return change(pmap, va, pointer, step_of);
}

}  // namespace vmref::impl
