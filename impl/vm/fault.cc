// vm_fault: from an address to an entered PTE (vm_fault.c:372-795).
#include "impl/vm/fault.h"

#include "impl/vm/device.h"
#include "impl/vm/fault_state.h"
#include "impl/vm/pageout.h"
#include "impl/vm/rules/rights.h"
#include "impl/vm/vm_object.h"

namespace vmref::impl {

namespace {

// Nothing could be entered for lack of memory; everything is released (catalogue D-14). Blocks
Status wait_after_shortage(Kernel& k) {
    if (k.curproc != nullptr && k.curproc->nofault) {
        ++k.stats.refused_without_sleep;
        return Status::failure;
    }
    return wait_in_fault(k, Status::try_again);
}

// The page is entered, wired or queued, and unbusied (vm_fault.c:690-713). Not success: nothing was entered, everything
// is released, memory has been waited for (catalogue D-14). Blocks
Status enter_page(FaultState& fs, Va va, PageIndex pindex) {
    Kernel& k = fs.k;
    fs.m->set(kPageReferenced);
    const auto prot = static_cast<Prot>(rule::entered_rights<std::uint32_t>(fs.prot));
    const bool wired = k.on(Defect::b73_enter_forgets_wiring) ? fs.wiring() : fs.wired;
    const Status entered = k.pmaps.enter(*fs.map->pmap, va, *fs.m, prot, wired);
    if (entered != Status::success) {
        ++k.stats.enters_refused;
        witness_early_copy(fs, pindex);
        if (!k.on(Defect::b103_failed_enter_stays_busy)) {
            release_page(fs);
        }
        unlock_things(fs);
        return wait_after_shortage(k);
    }
    if ((fs.prot & kProtWrite) != 0 && k.on(Defect::m09_flags_after_enter)) {
        k.sched.yield(BlockPoint::pmap);
        object_set_writeable_dirty(k, *fs.m->object);
    }
    if (fs.wiring()) {
        k.pages.wire(*fs.m);
    } else {
        k.pages.activate(*fs.m);
    }
    k.pages.wakeup(*fs.m);
    return Status::success;
}

void count_fault(FaultState& fs) {
    Statistics& stats = fs.k.stats;
    ++stats.faults_resolved;
    ++stats.vm_faults;
    if (fs.k.on(Defect::b02_minflt_twice)) {
        ++stats.minflt;  // the text counts every fault here and again below (vm_fault.c:742)
    }
    ++(fs.hardfault != 0 ? stats.majflt : stats.minflt);
}

// The neighbours: by the chain if nobody shares a hold, else what the top object has (vm_fault.c:725-735).
void prefault(FaultState& fs, Va va) {
    Kernel& k = fs.k;
    ensure_rule(fs.entry->map == fs.map, "I-41", "an entry is there while its map is locked");
    if (fs.entry->vpagetable) {
        return;  // its neighbours are anywhere (vm_fault.c:2737)
    }
    if (k.journal.narration != nullptr) {
        k.journal.narration->prefault_began();
    }
    const bool by_chain = !fs.first_shared && !fs.shared;
    if (k.probe != nullptr) {
        const bool stores = (fs.prot & kProtWrite) != 0 && (fs.fault_flags & kFaultDirty) != 0;
        k.probe->before_prefault(*fs.entry, va, fs.prot,
                                 by_chain ? PrefaultKind::chain
                                 : stores ? PrefaultKind::top_for_store
                                          : PrefaultKind::top);
    }
    if (by_chain) {
        vm_prefault(k, *fs.entry, va, fs.prot, fs.fault_flags);
    } else {
        vm_prefault_quick(k, *fs.entry, va, fs.prot, fs.fault_flags);
    }
    if (k.probe != nullptr) {
        k.probe->after_prefault(*fs.entry);
    }
}

// UKSMAP: what the device has at `va`, as a page that nobody manages (vm_fault.c:505-536). Blocks
Status map_device_page(FaultState& fs, Va va) {
    Kernel& k = fs.k;
    Page fake;
    fake.frame = uksmap_page(k, *fs.entry, va).frame;
    fake.flags = kPageFictitious | kPageUnmanaged;
    fake.valid = kPageBitsAll;
    fake.busy_owner = k.sched.current();
    const Status entered = k.pmaps.enter(*fs.map->pmap, va, fake, fs.prot, fs.wired);
    if (entered == Status::success) {
        ++k.stats.device_pages;
        count_fault(fs);
        if (k.probe != nullptr) {
            k.probe->device_mapped(*fs.entry, va);
        }
    }
    unlock_things(fs);
    return entered == Status::success ? entered : wait_after_shortage(k);
}

// One attempt. try_again: start over, the modes in `fs` may have changed. Blocks
Status attempt(FaultState& fs, Map& map, Va va, Prot& fault_type, bool& may_grow, bool retried) {
    Kernel& k = fs.k;
    PageIndex pindex = 0;
    const Status begun = begin_attempt(fs, map, va, fault_type, may_grow, retried, pindex);
    if (begun != Status::success) {
        return begun;
    }
    if (fs.entry->device != 0) {
        fs.prot = fs.first_prot;
        return drop_first_object(fs, map_device_page(fs, va));
    }
    const auto needed = static_cast<Prot>(
        rule::needed_rights<std::uint32_t>(fault_type, fs.first_prot, fs.wired, fs.wiring(), k.defects));
    if (k.on(Defect::b10_retry_keeps_raised_access)) {
        fault_type = needed;  // the next attempt asks for it, whatever the entry has become
    }
    k.walks_table = fs.entry->vpagetable;
    Status status = k.walks_table ? vm_fault_vpagetable(fs, pindex, needed) : Status::success;
    if (status == Status::success) {
        status = vm_fault_object(fs, pindex, needed);
    }
    if (status == Status::success) {
        ensure(fs.lookup_still_valid, "a successful fault has the map locked");
        status = enter_page(fs, va, pindex);
    }
    if (status == Status::success) {
        if ((fs.fault_flags & kFaultBurst) != 0 && !fs.wiring() && !fs.wired) {
            prefault(fs, va);
        }
        count_fault(fs);
        unlock_things(fs);
    }
    k.walks_table = false;
    return drop_first_object(fs, status);
}

// The resident limit, with its hysteresis: it costs something to enforce (vm_fault.c:770-791). Blocks
void hold_to_limit(const FaultState& fs, Map& map, Va va) {
    Kernel& k = fs.k;
    if ((fs.fault_flags & kFaultUserMode) == 0 || k.curproc == nullptr || &map != &k.curproc->map) {
        return;
    }
    const std::uint64_t limit = k.curproc->rss_limit;
    if (map.pmap->mapped_unwired() >= limit + k.config.rss_slop) {
        map_deactivate_pages(k, map, k.curproc->rss_limit, va);
    }
}

}  // namespace

Status vm_fault(Kernel& k, Map& map, Va va, Prot fault_type, std::uint8_t fault_flags) {
    FaultState fs{.k = k};
    fs.va = va;
    fs.fault_flags = fault_flags;
    fs.shared = k.config.shared_fault != 0;
    fs.first_shared = fs.shared;
    bool may_grow = may_grow_stack(k);
    Narration* const narration = k.journal.narration;
    if (narration != nullptr) {
        narration->fault_began(map.pmap->id, va, fault_type, fs.wiring());
    }
    for (std::uint32_t attempts = 1;; ++attempts) {
        const Status status = attempt(fs, map, va, fault_type, may_grow, attempts > 1);
        if (status != Status::try_again) {
            if (narration != nullptr) {
                narration->fault_ended(status, attempts);
            }
            hold_to_limit(fs, map, va);
            return status;
        }
        ++k.stats.fault_retries;
    }
}

}  // namespace vmref::impl
