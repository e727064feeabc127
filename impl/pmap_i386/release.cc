// The end of a pmap: pmap_release keeps the directory for the next one, pmap_puninit gives it back.
#include <algorithm>

#include "impl/pmap_i386/object_hold.h"
#include "impl/pmap_i386/pmap.h"

namespace vmref::impl {

// pmap_release (pmap.c:1491) with pmap_release_free_page (pmap.c:1285). Nothing is left to scan but the directory: a
// page table goes with its last leaf. No interlock: no CPU is in this address space.
void PmapSystem::release(Pmap& pmap) {
    coverage_.ran(PmapFunction::release);
    ensure(find(pmap.id) == &pmap, "a pmap is released once");
    ensure_rule(pmap.active == 0, "I-77", "a released pmap is active on no CPU");
    sched_.yield(BlockPoint::pmap_release);
    if (!defects_.on(Defect::b91_release_without_token)) {
        sched_.yield(BlockPoint::pmap);  // vm_token (decision 0016: a lock that nobody else can hold)
    }
    // Somebody may be about to give a page-table page back whose last leaf he has removed (pmap.c:1293).
    while (pmap.resident_count != 1 && sched_.has_threads() && !defects_.on(Defect::b111_release_panics_on_users)) {
        sched_.sleep_for_lock(BlockPoint::pmap_release);
    }
    ensure(pmap.resident_count == 1 || !defects_.on(Defect::b111_release_panics_on_users),
           "nobody uses a page-table page of an address space that ends");
    by_id_[pmap.id] = nullptr;
    {
        const ObjectHold hold(*pmap.pteobj, sched_);
        ensure_rule(pmap.resident_count == 1 && pmap.wired_count == 0, "I-62", "a released pmap maps nothing");
        ensure_rule(pmap.pv_list.empty(), "I-77", "no pv entry refers to a released pmap");
        pages_.busy_wait(*pmap.directory);
        coverage_.ran(PmapFunction::release_free_page);
        set_pde(pmap, kDirectoryIndex, 0);
        clear_kernel_part(pmap);
        pmap.resident_count = 0;
        pages_.wakeup(*pmap.directory);
    }
    pmap.cached = 0;
    kept_.push_back(&pmap);
}

// Also the windows that CPUs opened in this directory.
void PmapSystem::clear_kernel_part(Pmap& pmap) {
    for (PageIndex index = kKernelIndex; booted_ && index < kPtesPerTable; ++index) {
        if (pde(pmap, index << kPdeShift) != 0) {
            set_pde(pmap, index, 0);
        }
    }
}

bool PmapSystem::puninit() {
    if (kept_.empty()) {
        return false;
    }
    Pmap& pmap = *kept_.back();
    kept_.pop_back();
    give_back(pmap);
    return true;
}

// pmap_puninit (pmap.c:1230).
void PmapSystem::give_back(Pmap& pmap) {
    coverage_.ran(PmapFunction::puninit);
    ensure_rule(pmap.active == 0, "I-77", "an ended pmap is active on no CPU");
    if (booted_) {
        kremove(directory_va(pmap));
    }
    {
        const ObjectHold hold(*pmap.pteobj, sched_);
        pages_.busy_wait(*pmap.directory);
        release_zero_page(*pmap.directory);
    }
    pmap.pteobj->ref_count = 0;
    objects_.release(*pmap.pteobj);
    pmap.directory = nullptr;
    pmap.pteobj = nullptr;
    free_ids_.push_back(pmap.id);
}

void PmapSystem::destroy(Pmap& pmap) {
    release(pmap);
    kept_.pop_back();
    give_back(pmap);
}

}  // namespace vmref::impl
