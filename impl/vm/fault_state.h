// struct faultstate of vm_fault.c, and the steps that vm_fault and vm_fault_object share. Private to the handler.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "impl/vm/fault.h"
#include "impl/vm/kernel.h"

namespace vmref::impl {

struct FaultState {
    Kernel& k;
    Map* map = nullptr;  // nullptr: a fault on an object, not on an address
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
    Behavior behavior = Behavior::normal;  // read while the entry is safe: the map is unlocked for I/O (B-33)

    bool below_top() const { return object != first_object; }
    bool wiring() const { return (fault_flags & kFaultUserWire) != 0; }
    // TRYPAGER: the level's pager might have the page (vm_fault.c:350-353).
    bool try_pager() const {
        return (object->type == ObjectType::vnode || object->type == ObjectType::swap) && (!wiring() || wired);
    }
};

// How vm_fault_object leaves without a page (semantics.md 3.14.4, catalogue D-11).
enum class FaultExit : std::uint8_t {
    dead,                     // E1
    page_busy,                // E2
    cache_page_severe,        // E3
    top_needs_exclusive,      // E4
    backing_needs_exclusive,  // E5
    beyond_size,              // E6
    no_memory,                // E7
    top_pager_exclusive,      // E8
    backing_pager_exclusive,  // E9
    page_vanished,            // E10
    pager_error,              // E11
    pager_bad,                // E11
    map_changed,              // E12
    swap_needs_exclusive,     // E13
    pager_again,              // D-11
    pager_pend,               // D-11
    count,
};

static_assert(static_cast<std::size_t>(FaultExit::count) == kFaultExits);

enum class PageFate : std::uint8_t { not_ours, unbusy, activate, deactivate, scrap };
enum class ExitWait : std::uint8_t { none, page, memory };

// What an exit does to the page, to the modes of the next attempt, what it waits for and returns. Every exit also
// releases, in this order: the top's paging in progress, all chain locks, the level's hold, the placeholder, the
// level's paging in progress, the map, the vnode. The top's hold stays with the caller.
struct ExitRule {
    std::string_view name;
    PageFate page;
    bool clears_first_shared;
    bool clears_shared;
    ExitWait wait;
    Status status;
};

inline constexpr std::array<ExitRule, static_cast<std::size_t>(FaultExit::count)> kExitRules{{
    {"dead", PageFate::not_ours, false, false, ExitWait::none, Status::try_again},
    {"page_busy", PageFate::not_ours, false, false, ExitWait::page, Status::try_again},
    {"cache_page_severe", PageFate::activate, false, false, ExitWait::memory, Status::try_again},
    {"top_needs_exclusive", PageFate::deactivate, true, false, ExitWait::none, Status::try_again},
    {"backing_needs_exclusive", PageFate::deactivate, true, true, ExitWait::none, Status::try_again},
    {"beyond_size", PageFate::not_ours, false, false, ExitWait::none, Status::protection_failure},
    {"no_memory", PageFate::not_ours, false, false, ExitWait::memory, Status::try_again},
    {"top_pager_exclusive", PageFate::deactivate, true, false, ExitWait::none, Status::try_again},
    {"backing_pager_exclusive", PageFate::deactivate, true, true, ExitWait::none, Status::try_again},
    {"page_vanished", PageFate::not_ours, false, false, ExitWait::none, Status::try_again},
    {"pager_error", PageFate::scrap, false, false, ExitWait::none, Status::failure},
    {"pager_bad", PageFate::scrap, false, false, ExitWait::none, Status::protection_failure},
    {"map_changed", PageFate::deactivate, false, false, ExitWait::none, Status::try_again},
    {"swap_needs_exclusive", PageFate::unbusy, true, false, ExitWait::none, Status::try_again},
    {"pager_again", PageFate::scrap, false, false, ExitWait::memory, Status::try_again},
    {"pager_pend", PageFate::not_ours, false, false, ExitWait::page, Status::try_again},
}};

// release_page (vm_fault.c:176): deactivates and unbusies fs.m.
void release_page(FaultState& fs);
void unlock_map(FaultState& fs);
// _cleanup_successful_fault (vm_fault.c:222) without relock: the placeholder goes, fs.object is the top again.
void cleanup_fault(FaultState& fs);
// unlock_things (vm_fault.c:247): cleanup, map, vnode.
void unlock_things(FaultState& fs);
// Releases the chain locks from `first` down to `last`.
void release_chain(FaultState& fs, Object& first, Object& last);
// The common tail of every exit, then the wait that its rule asks for. Blocks.
Status leave(FaultState& fs, FaultExit exit);

// vm_fault_object (vm_fault.c:1543). Requires: first_object held; map read-locked or absent. On success: fs.m busied,
// fully valid, in fs.object at the right index; no chain locks; below the top an extra paging in progress on fs.object
// and the placeholder in first_object are left for cleanup; map locked. On anything else everything but the top's hold
// is released.
Status vm_fault_object(FaultState& fs, PageIndex first_pindex, Prot fault_type);

}  // namespace vmref::impl
