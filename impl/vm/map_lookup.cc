// vm_map_lookup: which object and page a fault is about, and with which rights (semantics.md 2.1).
#include "impl/vm/kernel.h"
#include "impl/vm/map.h"
#include "impl/vm/rules/rights.h"

namespace vmref::impl {

namespace {

void unlock(Map& map) {
    if (map.exclusive) {
        map_unlock(map);
    } else {
        map_unlock_read(map);
    }
}

// Turns the read lock into an exclusive one. False: the lock was lost on the way, the map is locked exclusively anew,
// and everything must be looked up again.
bool lock_for_change(Kernel& k, Map& map) {
    if (map.exclusive || map_lock_upgrade(k, map)) {
        return true;
    }
    map_lock(k, map);
    return false;
}

bool untouchable_when_wired(const Kernel& k, const MapEntry& entry) {
    return k.on(Defect::b18_wired_mprotect_not_copied) && entry.has(kEntryUserWired) &&
           !entry.has(kEntryInTransition) && entry.has(kEntryCow);
}

// The map that has the address, read-locked: a submap's are its own (rule 3). Blocks
Map& lock_map_of(Kernel& k, Map& asked, Va va) {
    map_lock_read(k, asked);
    const MapEntry* const entry = asked.system ? map_entry_at(asked, va) : nullptr;
    if (entry == nullptr || entry->submap == nullptr) {
        return asked;
    }
    Map& submap = *entry->submap;
    map_unlock_read(asked);
    map_lock_read(k, submap);
    return submap;
}

// One attempt, rules 2 to 12. False: start over. The map is locked, one way or the other, in every case.
bool look_up_once(Kernel& k, Map& map, Va va, Prot fault_type, LookupResult& result) {
    result = {};
    if (k.journal.narration != nullptr) {
        k.journal.narration->entry_looked_at(map.pmap->id, va);
    }
    MapEntry* const entry = map_entry_at(map, va);
    if (entry == nullptr) {
        result.status = Status::invalid_address;
        return true;
    }
    const rule::EntryRights<std::uint32_t> held{.protection = entry->protection,
                                                .max_protection = entry->max_protection,
                                                .needs_copy = entry->has(kEntryNeedsCopy),
                                                .wired = entry->wired_count != 0,
                                                .untouchable = untouchable_when_wired(k, *entry),
                                                .tabled = entry->vpagetable};
    const rule::Asked<std::uint32_t> asked{.fault_type = fault_type,
                                           .override_write = (fault_type & kProtOverrideWrite) != 0,
                                           .emulates_ad = rule::kPmapEmulatesAd};
    const rule::LookupRights<std::uint32_t> rights = rule::lookup_rights(held, asked, k.defects);
    if (rights.refused) {
        result.status = Status::protection_failure;
        return true;
    }
    result.wired = held.wired;
    if (rights.makes_copy) {
        if (!lock_for_change(k, map)) {
            return false;
        }
        map_entry_shadow(k, *entry, false);
    }
    if (entry->object == nullptr && entry->device == 0 && !map.system) {
        if (!lock_for_change(k, map)) {
            return false;
        }
        map_entry_allocate_object(k, *entry);
    }
    result.status = Status::success;
    result.entry = entry;
    result.object = entry->object;
    result.pindex = entry->index_of(va);
    result.prot = static_cast<Prot>(rights.prot);
    return true;
}

}  // namespace

LookupResult map_lookup(Kernel& k, Map& asked, Va va, Prot fault_type) {
    LookupResult result;
    Map& map = lock_map_of(k, asked, va);
    while (!look_up_once(k, map, va, fault_type, result)) {
    }
    result.map = &map;
    if (result.status != Status::success) {
        unlock(map);
        return result;
    }
    if (map.exclusive) {
        map_lock_downgrade(map);
    }
    return result;
}

void map_lookup_done(Map& map) {
    unlock(map);
}

}  // namespace vmref::impl
