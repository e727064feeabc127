// mlock and munlock (vm_map_unwire), and what the kernel wires (vm_map_wire); semantics.md 2.5.
#include <algorithm>
#include <vector>

#include "impl/vm/fault.h"
#include "impl/vm/kernel.h"
#include "impl/vm/map.h"
#include "impl/vm/vm_object.h"

namespace vmref::impl {

namespace {

bool wires_too_much(Kernel& k, Map& map, Va start, Va end) {
    std::uint64_t pages = 0;
    for (MapEntry* entry = map_entry_at(map, start); entry != nullptr && entry->start < end;
         entry = map_next(map, *entry)) {
        if (entry->wired_count == 0) {
            pages += (std::min(end, entry->end) - std::max(start, entry->start)) >> kPageShift;
        }
    }
    const std::uint64_t limit = std::uint64_t{k.config.frames} * k.config.wired_percent / 100;
    return pages != 0 && k.pages.wired_count() + pages > limit;
}

// Gives the entry what a wiring fault needs: an object, and its own one if stores are allowed.
void prepare_for_wiring(Kernel& k, MapEntry& entry) {
    if (entry.has(kEntryNeedsCopy)) {
        if ((entry.protection & kProtWrite) != 0) {
            map_entry_shadow(k, entry, false);
        }
    } else if (entry.object == nullptr && entry.device == 0) {
        map_entry_allocate_object(k, entry);
    }
}

// Wires one entry for the user. On failure the entry is as it was. Requires: map locked exclusively, entry clipped.
// Blocks: the map is unlocked meanwhile, IN_TRANSITION keeps the entry.
Status wire_entry(Kernel& k, Map& map, MapEntry& entry) {
    entry.set(kEntryUserWired);
    if (++entry.wired_count > 1) {
        return Status::success;
    }
    prepare_for_wiring(k, entry);
    entry.set(kEntryInTransition);
    const Status status = fault_wire(k, map, entry, Wirer::user);
    entry.clear(kEntryInTransition);
    if (status != Status::success) {
        entry.wired_count = 0;
        entry.clear(kEntryUserWired);
    }
    return status;
}

// The pages are given back with the last wiring of the entry only (I-53).
void drop_wiring(Kernel& k, Map& map, MapEntry& entry) {
    if (--entry.wired_count == 0 || k.on(Defect::b104_every_unwire_gives_pages_back)) {
        const bool unlocked = k.on(Defect::b105_unwires_without_lock);
        if (unlocked) {
            map_unlock(map);
        }
        fault_unwire(k, map, entry);
        if (unlocked) {
            map_lock(k, map);
        }
    }
    entry_changed(k, entry);
}

void unwire_entry(Kernel& k, Map& map, MapEntry& entry) {
    entry.clear(kEntryUserWired);
    drop_wiring(k, map, entry);
}

}  // namespace

namespace {

// Requires: map locked exclusively, no hole. Blocks: the map is unlocked meanwhile.
Status wire_for_user(Kernel& k, Map& map, Va start, Va end) {
    std::vector<MapEntry*> wired;
    for (MapEntry* entry = map_clip_range(k, map, start, end); entry != nullptr && entry->start < end;
         entry = map_next(map, *entry)) {
        if (entry->has(kEntryUserWired)) {
            continue;
        }
        const Status status = wire_entry(k, map, *entry);
        entry_changed(k, *entry);
        if (status != Status::success) {
            for (MapEntry* const earlier : wired) {
                unwire_entry(k, map, *earlier);
            }
            return status;
        }
        wired.push_back(entry);
    }
    return Status::success;
}

}  // namespace

Status map_user_wire(Kernel& k, Map& map, Va start, Va end) {
    const MapLock lock(k, map);
    if (map_has_hole(map, start, end)) {
        return Status::invalid_address;
    }
    if (map_has_table(map, start, end)) {
        return Status::invalid_argument;
    }
    if (wires_too_much(k, map, start, end)) {
        return Status::resource_shortage;
    }
    return wire_for_user(k, map, start, end);
}

void map_wire_new(Kernel& k, Map& map, Va start, Va end) {
    if (map.wire_future && !map_has_table(map, start, end)) {
        const MapLock lock(k, map);
        wire_for_user(k, map, start, end);
    }
}

Status map_user_unwire(Kernel& k, Map& map, Va start, Va end) {
    const MapLock lock(k, map);
    if (map_has_hole(map, start, end)) {
        return Status::invalid_address;
    }
    for (MapEntry* entry = map_entry_at(map, start); entry != nullptr && entry->start < end;
         entry = map_next(map, *entry)) {
        if (!entry->has(kEntryUserWired)) {
            return Status::invalid_argument;
        }
    }
    for (MapEntry* entry = map_clip_range(k, map, start, end); entry != nullptr && entry->start < end;
         entry = map_next(map, *entry)) {
        unwire_entry(k, map, *entry);
    }
    return Status::success;
}

namespace {

// The first pass of vm_map_wire: every entry counts its wiring and has what a wiring fault needs.
std::vector<MapEntry*> count_kernel_wirings(Kernel& k, Map& map, Va start, Va end) {
    std::vector<MapEntry*> entries;
    for (MapEntry* entry = map_clip_range(k, map, start, end); entry != nullptr && entry->start < end;
         entry = map_next(map, *entry)) {
        if (++entry->wired_count == 1) {
            prepare_for_wiring(k, *entry);
            entry->set(kEntryInTransition);
        }
        entries.push_back(entry);
    }
    return entries;
}

// The second pass: pages of entries that nobody had wired. Blocks: the map is unlocked meanwhile.
Status wire_counted(Kernel& k, Map& map, MapEntry& entry) {
    Status status = Status::success;
    if (entry.has(kEntryInTransition)) {
        status = fault_wire(k, map, entry, Wirer::kernel);
        entry.clear(kEntryInTransition);
        k.stats.pages_wired_for_kernel += status == Status::success ? entry.page_count() : 0;
    }
    entry_changed(k, entry);
    return status;
}

// Entry number `failed` could not be wired: those before it lose what they got, the others what was counted.
void forget_kernel_wirings(Kernel& k, Map& map, const std::vector<MapEntry*>& entries, std::size_t failed) {
    for (std::size_t n = 0; n < entries.size(); ++n) {
        MapEntry& entry = *entries[n];
        if (n < failed) {
            drop_wiring(k, map, entry);
            continue;
        }
        --entry.wired_count;
        entry.clear(kEntryInTransition);
        entry_changed(k, entry);
    }
}

}  // namespace

Status map_kernel_wire(Kernel& k, Map& map, Va start, Va end) {
    const MapLock lock(k, map);
    if (map_has_hole(map, start, end)) {
        return Status::invalid_address;
    }
    if (map_has_table(map, start, end)) {
        return Status::invalid_argument;
    }
    if (!map.system && wires_too_much(k, map, start, end)) {
        return Status::resource_shortage;
    }
    const std::vector<MapEntry*> entries = count_kernel_wirings(k, map, start, end);
    for (std::size_t n = 0; n < entries.size(); ++n) {
        const Status status = wire_counted(k, map, *entries[n]);
        if (status != Status::success) {
            forget_kernel_wirings(k, map, entries, n);
            return status;
        }
    }
    return Status::success;
}

Status map_kernel_unwire(Kernel& k, Map& map, Va start, Va end) {
    const MapLock lock(k, map);
    if (map_has_hole(map, start, end)) {
        return Status::invalid_address;
    }
    for (MapEntry* entry = map_entry_at(map, start); entry != nullptr && entry->start < end;
         entry = map_next(map, *entry)) {
        if (entry->kernel_wirings() == 0) {
            return Status::invalid_argument;
        }
    }
    for (MapEntry* entry = map_clip_range(k, map, start, end); entry != nullptr && entry->start < end;
         entry = map_next(map, *entry)) {
        drop_wiring(k, map, *entry);
    }
    return Status::success;
}

}  // namespace vmref::impl
