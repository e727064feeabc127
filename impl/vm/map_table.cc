// Entries with a virtual page table: what their users may do to them (semantics.md 3.13, decision 0040).
#include <algorithm>

#include "impl/vm/kernel.h"
#include "impl/vm/map.h"

namespace vmref::impl {

namespace {

template <class Visit>
bool any_entry(Map& map, Va start, Va end, Visit visit) {
    for (MapEntry* entry = map_entry_at_or_after(map, start); entry != nullptr && entry->start < end;
         entry = map_next(map, *entry)) {
        if (visit(*entry)) {
            return true;
        }
    }
    return false;
}

}  // namespace

bool map_has_table(Map& map, Va start, Va end) {
    return any_entry(map, start, end, [](const MapEntry& entry) { return entry.vpagetable; });
}

bool map_would_clip_table(Map& map, Va start, Va end) {
    const MapEntry* const first = map_entry_at(map, start);
    const MapEntry* const last = map_entry_at(map, end - kPageSize);
    return (first != nullptr && first->vpagetable && first->start < start) ||
           (last != nullptr && last->vpagetable && last->end > end);
}

// What was translated by the old tables goes with them.
Status map_set_table(Kernel& k, Map& map, Va start, Va end, std::uint32_t master_pde) {
    const MapLock lock(k, map);
    const auto has_none = [](const MapEntry& entry) { return !entry.vpagetable; };
    if (map_would_clip_table(map, start, end) || any_entry(map, start, end, has_none)) {
        return Status::invalid_argument;
    }
    any_entry(map, start, end, [&](MapEntry& entry) {
        entry.master_pde = master_pde;
        k.pmaps.remove(*map.pmap, entry.start, entry.end);
        entry_changed(k, entry);
        return false;
    });
    return Status::success;
}

Status map_invalidate(Kernel& k, Map& map, Va start, Va end) {
    const MapLock lock(k, map);
    any_entry(map, start, end, [&](const MapEntry& entry) {
        if (entry.wired_count == 0) {
            k.pmaps.remove(*map.pmap, std::max(start, entry.start), std::min(end, entry.end));
        }
        return false;
    });
    return Status::success;
}

}  // namespace vmref::impl
