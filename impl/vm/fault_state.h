// struct faultstate of vm_fault.c, and the steps that vm_fault and vm_fault_object share. Private to the handler.
#pragma once

#include <cstdint>

#include "impl/vm/fault.h"
#include "impl/vm/kernel.h"
#include "impl/vm/rules/exits.h"

namespace vmref::impl {

struct FaultState {
    Kernel& k;
    Map* map = nullptr;  // nullptr: a fault on an object, not on an address
    // Page aligned: the address, without a map the place in the object. With a virtual page table the place, in the
    // entry, of the page that is looked for.
    Va va = 0;
    MapEntry* entry = nullptr;

    Object* first_object = nullptr;  // top of the chain; held by the caller of vm_fault_object
    Page* first_m = nullptr;         // busied placeholder in the top object for a copy that may come
    Prot first_prot = kProtNone;
    Object* object = nullptr;  // the level looked at; held, and with paging in progress, below the top
    Page* m = nullptr;         // the page found there, busied by us
    Prot prot = kProtNone;     // what the PTE may grant

    Vnode* vp = nullptr;  // share-locked vnode at the end of the chain
    std::uint32_t map_generation = 0;
    std::uint32_t hardfault = 0;
    std::uint8_t fault_flags = kFaultNormal;
    bool lookup_still_valid = false;
    bool wired = false;         // FW_WIRED
    bool shared = false;        // holds of backing objects are shared
    bool first_shared = false;  // the hold of the top object is shared
    bool allow_nofault = true;
    bool hands_out = false;                // the page itself is asked for: vm_fault_page
    bool copied = false;                   // a page was copied up in this attempt
    Behavior behavior = Behavior::normal;  // read while the entry is safe: the map is unlocked for I/O (B-33)

    bool below_top() const { return object != first_object; }
    bool wiring() const { return (fault_flags & kFaultWiring) != 0; }
    // TRYPAGER: the level's pager might have the page (vm_fault.c:350-353).
    bool try_pager() const {
        return (object->type == ObjectType::vnode || object->type == ObjectType::swap) && (!wiring() || wired);
    }
};

static_assert(static_cast<std::size_t>(FaultExit::count) == kFaultExits);

// Tells the narrator what the search found at (fs.object, pindex).
void narrate_search(const FaultState& fs, PageIndex pindex, bool busy_elsewhere);

// A read of fs.m has failed: says for whom.
void report_read_error(const FaultState& fs);

// What cannot be read of the kernel's own map is given up, with its block, rather than that the kernel ends
// (vm_fault.c:1954-1960). False: it is not of that map.
bool give_up_data(FaultState& fs);

// Stacks grow for processes (vm_fault.c:440), and not for who must not wait: growing may wire, which waits.
inline bool may_grow_stack(const Kernel& k) {
    return k.curproc != nullptr && !k.curproc->nofault;
}
// The entry's object, index and rights for one attempt at `va`, the top object held. Not success: nothing is locked.
// `may_grow`: whether a stack may be grown for it still. Blocks
Status begin_attempt(FaultState& fs, Map& map, Va va, Prot fault_type, bool& may_grow, bool retried, PageIndex& pindex);
// The end of an attempt after that: nothing is held of a device (vm_fault.c:764, 1200).
Status drop_first_object(FaultState& fs, Status status);
// Every entry of the top object that shows `old` at `index` gives it up; a wired one gets `copy` at once, and its
// wiring.
void unmap_replaced_page(FaultState& fs, PageIndex index, Page& old, Page& copy);

// release_page (vm_fault.c:176): deactivates and unbusies fs.m.
void release_page(FaultState& fs);
void unlock_map(FaultState& fs);
// _cleanup_successful_fault (vm_fault.c:222) without relock: the placeholder goes, fs.object is the top again.
void cleanup_fault(FaultState& fs);
// unlock_things (vm_fault.c:247): cleanup, map, vnode.
void unlock_things(FaultState& fs);
// Releases the chain locks from `first` down to `last`.
void release_chain(FaultState& fs, Object& first, Object& last);
// Waits for memory with nothing locked: `then`, unless who waits is to die for it (vm_fault.c:1664-1667). Blocks
Status wait_in_fault(Kernel& k, Status then);
// The common tail of every exit, then the wait that its rule asks for. In this order: the page, the top's paging in
// progress, all chain locks, the level's hold, the placeholder, the level's paging in progress, the map, the vnode.
// Blocks.
Status leave(FaultState& fs, FaultExit exit);

// The attempt has copied a page and starts over: the copy stays, whatever becomes of the store (I-92).
void witness_early_copy(FaultState& fs, PageIndex first_pindex);

// vm_fault_vpagetable (vm_fault.c:1384): turns the entry's page number into that of the page which its tables name, and
// takes out of first_prot what they withhold. Not success: everything but the top's hold is released. Requires as
// vm_fault_object, and an entry with a virtual page table. Blocks
Status vm_fault_vpagetable(FaultState& fs, PageIndex& pindex, Prot fault_type);

// vm_fault_object (vm_fault.c:1543). Requires: first_object held; map read-locked or absent. On success: fs.m busied,
// fully valid, in fs.object at the right index; no chain locks; below the top an extra paging in progress on fs.object
// and the placeholder in first_object are left for cleanup; map locked. On anything else everything but the top's hold
// is released.
Status vm_fault_object(FaultState& fs, PageIndex first_pindex, Prot fault_type);

}  // namespace vmref::impl
