// How an attempt of a fault begins: lookup, and what the entry and the thread forbid (vm_fault.c:414-616).
#include "impl/vm/fault_state.h"
#include "impl/vm/pager.h"
#include "impl/vm/rules/rights.h"
#include "impl/vm/vm_object.h"

namespace vmref::impl {

namespace {

// Holds the top object and locks the vnode at the chain's end (vm_fault.c:589-616). Blocks
void hold_first_object(FaultState& fs) {
    Kernel& k = fs.k;
    Object& top = *fs.first_object;
    const bool shared_before = fs.first_shared;
    const bool single_threaded = k.curproc != nullptr && k.curproc->nthreads == 1;
    if (top.backing != nullptr && top.shadows.empty() && single_threaded) {
        fs.first_shared = false;  // saves a retry: a copy or zero-fill needs the exclusive hold anyway
    }
    if ((fs.fault_flags & kFaultUnswap) != 0) {
        fs.first_shared = false;
    }
    k.stats.exclusive_at_once += shared_before && !fs.first_shared ? 1 : 0;
    object_hold(top, k.sched);
    if (fs.vp == nullptr) {
        fs.vp = vnode_pager_lock(k, top);
    }
}

// The entry's object, index and rights for one attempt. Growing a stack is tried once per fault (I-89). Blocks
Status look_up(FaultState& fs, Map& map, Va va, Prot fault_type, bool& may_grow, PageIndex& pindex) {
    LookupResult found = map_lookup(fs.k, map, va, fault_type);
    for (bool grown = false; found.status == Status::invalid_address && may_grow; grown = true) {
        ensure_rule(!grown, "I-89", "a fault grows a stack once");
        may_grow = rule::may_grow_again(fs.k.defects);
        if (map_growstack(fs.k, map, va) != Status::success) {
            return Status::failure;
        }
        ++fs.k.stats.stacks_grown;
        found = map_lookup(fs.k, map, va, fault_type);
    }
    if (found.status != Status::success) {
        return found.status;
    }
    fs.map = found.map;
    fs.entry = found.entry;
    fs.behavior = found.entry->behavior;
    if (found.object != nullptr || !fs.k.on(Defect::b03_device_keeps_object)) {
        fs.first_object = found.object;
    }
    fs.first_prot = found.prot;
    fs.wired = found.wired;
    fs.map_generation = found.map->timestamp;
    fs.lookup_still_valid = true;
    fs.first_m = nullptr;
    fs.object = fs.first_object;
    pindex = found.pindex;
    return Status::success;
}

// TDF_NOFAULT: only a first try at plain anonymous memory may go on (vm_fault.c:546-566).
bool forbidden_by_nofault(const FaultState& fs, bool retried) {
    return fs.k.curproc != nullptr && fs.k.curproc->nofault &&
           (retried || fs.entry->vpagetable || fs.first_object->type != ObjectType::default_ ||
            fs.first_object->backing != nullptr);
}

// Where the sources panic: addresses without memory, and the page that a kernel stack must not reach
// (vm_fault.c:483-503).
bool forbidden_by_entry(const FaultState& fs, Va va) {
    const MapEntry& entry = *fs.entry;
    const bool guarded = !fs.hands_out || !fs.k.on(Defect::b28_page_of_guard);
    return entry.has(kEntryNoFault) || (guarded && entry.guards(va));
}

}  // namespace

Status drop_first_object(FaultState& fs, Status status) {
    if (fs.first_object != nullptr) {
        object_drop(*fs.first_object);
    }
    return status;
}

Status begin_attempt(FaultState& fs, Map& map, Va va, Prot fault_type, bool& may_grow, bool retried,
                     PageIndex& pindex) {
    Kernel& k = fs.k;
    const Status looked_up = look_up(fs, map, va, fault_type, may_grow, pindex);
    if (looked_up != Status::success) {
        return looked_up;
    }
    if (rule::maps_nothing<std::uint32_t>(fs.first_prot, k.defects)) {
        if (fs.wiring() && k.on(Defect::b19_wire_lowers_max_protection)) {
            fs.entry->max_protection = static_cast<Prot>(fs.entry->max_protection & ~kProtWrite);
        }
        unlock_map(fs);
        return Status::protection_failure;
    }
    if (forbidden_by_entry(fs, va)) {
        ++k.stats.refused_by_entry;
        unlock_map(fs);
        return Status::failure;
    }
    if (fs.entry->device != 0) {
        return Status::success;  // UKSMAP: no object, nothing to hold
    }
    if (forbidden_by_nofault(fs, retried)) {
        ++k.stats.refused_without_sleep;
        unlock_map(fs);
        return Status::failure;
    }
    hold_first_object(fs);
    return Status::success;
}

}  // namespace vmref::impl
