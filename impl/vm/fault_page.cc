// Faults that give the page itself and leave the page tables alone (vm_fault.c:804-1371).
#include "impl/vm/device.h"
#include "impl/vm/fault_state.h"
#include "impl/vm/pager.h"
#include "impl/vm/rules/rights.h"
#include "impl/vm/vm_object.h"

namespace vmref::impl {

namespace {

// The page is found and busied, everything else released: it becomes the caller's (vm_fault.c:1128-1196). True: busied;
// false: held.
bool hand_over(FaultState& fs, Prot returned_type, bool may_be_busied) {
    Kernel& k = fs.k;
    Page& m = *fs.m;
    const bool writes = (returned_type & kProtWrite) != 0;
    if (writes) {
        k.pages.dirty(m);
    }
    k.pages.activate(m);
    if (writes && may_be_busied) {
        return true;
    }
    k.pages.hold(m);
    k.pages.wakeup(m);
    return false;
}

// The map asks for more than it may grant: a store through a wired entry that forbids stores (vm_fault.c:1119-1125).
Status refuse_store(FaultState& fs) {
    if (!fs.k.on(Defect::b31_refused_page_stays_busy)) {
        release_page(fs);
    }
    unlock_things(fs);
    return Status::protection_failure;
}

// UKSMAP: the page that the device names. Its memory is nobody's to busy (vm_fault.c:1006-1043).
Status hand_over_device_page(FaultState& fs, Prot asked, Va va, bool* busied) {
    Kernel& k = fs.k;
    if (busied != nullptr) {
        *busied = false;
    }
    const bool granted = (asked & ~fs.first_prot) == 0;
    if (granted) {
        fs.m = &uksmap_page(k, *fs.entry, va);
        k.pages.hold(*fs.m);
        ++k.stats.device_pages;
        ++k.stats.pages_handed_out;
        ++k.stats.minflt;
    }
    unlock_things(fs);
    return granted ? Status::success : Status::protection_failure;
}

// One attempt. try_again: start over, the modes in `fs` may have changed. Blocks
Status page_attempt(FaultState& fs, Map& map, const PageRequest& request, bool& may_grow, bool retried, bool* busied) {
    Kernel& k = fs.k;
    PageIndex pindex = 0;
    const Status begun = begin_attempt(fs, map, request.va, request.fault_type, may_grow, retried, pindex);
    if (begun != Status::success) {
        return begun;
    }
    const Prot asked = request.fault_type & kProtAll;
    if (fs.entry->device != 0) {
        return drop_first_object(fs, hand_over_device_page(fs, asked, request.va, busied));
    }
    const auto needed =
        static_cast<Prot>(rule::needed_rights<std::uint32_t>(asked, fs.first_prot, fs.wired, false, k.defects));
    Status status = fs.entry->vpagetable ? vm_fault_vpagetable(fs, pindex, needed) : Status::success;
    if (status == Status::success) {
        status = vm_fault_object(fs, pindex, needed);
    }
    if (status == Status::success && (asked & ~fs.prot & kProtWrite) != 0) {
        status = refuse_store(fs);
    } else if (status == Status::success) {
        fs.m->set(kPageReferenced);
        if (k.on(Defect::b01_fault_page_unmaps)) {
            k.pmaps.remove(*map.pmap, request.va, request.va + kPageSize);
        }
        unlock_things(fs);
        ++k.stats.pages_handed_out;
        ++(fs.hardfault != 0 ? k.stats.majflt : k.stats.minflt);
        const Prot returned_type = k.on(Defect::b37_returns_as_raised) ? needed : asked;
        const bool stays_busied = hand_over(fs, returned_type, busied != nullptr);
        if (busied != nullptr) {
            *busied = stays_busied;
        }
    }
    return drop_first_object(fs, status);
}

}  // namespace

Page* vm_fault_page(Kernel& k, Map& map, const PageRequest& request, Status& status, bool* busied) {
    ensure((request.fault_flags & kFaultWiring) == 0, "a page that is asked for is not wired by the same fault");
    FaultState fs{.k = k};
    fs.va = request.va;
    fs.fault_flags = request.fault_flags;
    fs.hands_out = true;
    fs.shared = k.config.shared_fault != 0;
    fs.first_shared = fs.shared;
    bool may_grow = may_grow_stack(k);
    Narration* const narration = k.journal.narration;
    if (narration != nullptr) {
        narration->fault_began(map.pmap->id, request.va, request.fault_type & kProtAll, false);
    }
    std::uint32_t attempts = 1;
    status = page_attempt(fs, map, request, may_grow, false, busied);
    for (; status == Status::try_again; ++attempts) {
        ++k.stats.fault_retries;
        status = page_attempt(fs, map, request, may_grow, true, busied);
    }
    if (narration != nullptr) {
        narration->fault_ended(status, attempts);
    }
    Page* const m = status == Status::success ? fs.m : nullptr;
    if (k.probe != nullptr) {
        k.probe->page_handed_out(map, request.va, request.fault_type, m, busied != nullptr && *busied);
    }
    return m;
}

Page* vm_fault_page_quick(Kernel& k, Va va, Prot fault_type, Status& status, bool* busied) {
    ensure(k.curproc != nullptr, "who asks for a page of the current process is in one");
    return vm_fault_page(k, k.curproc->map, {va, fault_type, kFaultNormal}, status, busied);
}

Page* vm_fault_object_page(Kernel& k, Object& object, PageIndex index, Prot fault_type, std::uint8_t fault_flags,
                           Status& status, bool shared) {
    FaultState fs{.k = k};
    fs.va = index << kPageShift;
    fs.fault_flags = fault_flags;
    fs.first_object = &object;
    fs.first_prot = fault_type;
    fs.shared = shared && k.config.shared_fault != 0;
    fs.first_shared = fs.shared && (fault_flags & kFaultUnswap) == 0;
    object_hold(object, k.sched);
    Narration* const narration = k.journal.narration;
    if (narration != nullptr) {
        narration->object_fault_began(object.id, index, fault_type);
    }
    std::uint32_t attempts = 0;
    do {
        ++attempts;
        fs.lookup_still_valid = true;
        fs.first_m = nullptr;
        fs.vp = fs.vp != nullptr ? fs.vp : vnode_pager_lock(k, object);
        status = vm_fault_object(fs, index, fault_type);
    } while (status == Status::try_again);
    if (narration != nullptr) {
        narration->fault_ended(status, attempts);
    }
    Page* const m = fs.m;
    if (status == Status::success) {
        unlock_things(fs);
        k.pages.hold(*m);
        k.pages.activate(*m);
        if ((fault_type & kProtWrite) != 0 || (fault_flags & kFaultDirty) != 0) {
            k.pages.dirty(*m);
        }
        if ((fault_flags & kFaultUnswap) != 0) {
            // The page's own object, which may be below the one asked for.
            Object& owner = *m->object;
            const bool holds = !k.on(Defect::b39_unswap_without_hold);
            if (holds) {
                object_hold(owner, k.sched);
            }
            swap_pager_unswapped(k, *m);
            if (holds) {
                object_drop(owner);
            }
        }
        m->set(kPageReferenced);
        k.pages.wakeup(*m);
    }
    object_drop(object);
    return status == Status::success ? m : nullptr;
}

}  // namespace vmref::impl
