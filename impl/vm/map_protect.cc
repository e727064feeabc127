// Attributes of ranges: protection, inheritance, advice, cleaning (semantics.md 2.4).
#include <algorithm>

#include "impl/vm/fault.h"
#include "impl/vm/kernel.h"
#include "impl/vm/map.h"
#include "impl/vm/vm_object.h"

namespace vmref::impl {

namespace {

// Calls act(entry) for every entry of the range, clipped to it.
template <class Act>
void for_each_clipped(Kernel& k, Map& map, Va start, Va end, Act&& act) {
    for (MapEntry* entry = map_clip_range(k, map, start, end); entry != nullptr && entry->start < end;
         entry = map_next(map, *entry)) {
        act(*entry);
        entry_changed(k, *entry);
    }
}

bool exceeds_maximum(Map& map, Va start, Va end, Prot prot) {
    for (MapEntry* entry = map_entry_at_or_after(map, start); entry != nullptr && entry->start < end;
         entry = map_next(map, *entry)) {
        if ((prot & ~entry->max_protection) != 0) {
            return true;
        }
    }
    return false;
}

// Whether the wired pages of the entry must be faulted now that its protection went from `old` to `now`: their PTEs are
// missing (i386 cannot map without read), or stores became possible and must find a copy of their own (catalogue D-3),
// or the entry is COW, whose PTEs were just write-protected.
bool wired_pages_need_fault(Prot old, Prot now, bool cow) {
    if (now == kProtNone) {
        return false;
    }
    const bool unmapped = (old & kProtRead) == 0 || (now & kProtRead) == 0;
    const bool needs_write = (now & kProtWrite) != 0 && ((old & kProtWrite) == 0 || cow);
    return unmapped || needs_write;
}

struct Range {
    Va start;
    Va end;
};

// Faults every page of the ranges by ordinary faults. A page that cannot be had (past the end of its file) stays
// unmapped. Requires: map not locked. Blocks.
void fault_wired_ranges(Kernel& k, Map& map, const std::vector<Range>& ranges) {
    for (const Range& range : ranges) {
        for (Va va = range.start; va < range.end && !k.current_dying(); va += kPageSize) {
            const MapEntry* const entry = map_entry_at(map, va);
            if (entry != nullptr && entry->protection != kProtNone) {
                vm_fault(k, map, va, entry->protection, kFaultNormal);
            }
        }
    }
}

}  // namespace

Status map_protect(Kernel& k, Map& map, Va start, Va end, Prot prot) {
    std::vector<Range> to_fault;
    {
        const MapLock lock(k, map);
        if (map_would_clip_table(map, start, end)) {
            return Status::invalid_argument;
        }
        if (exceeds_maximum(map, start, end, prot)) {
            return Status::protection_failure;
        }
        for_each_clipped(k, map, start, end, [&](MapEntry& entry) {
            const Prot old = entry.protection;
            if (old == prot) {
                return;
            }
            entry.protection = prot;
            // Stores through a COW entry must come back to the fault handler.
            const bool cow = entry.has(kEntryCow);
            k.pmaps.protect(*map.pmap, entry.start, entry.end, static_cast<Prot>(cow ? prot & ~kProtWrite : prot));
            if (entry.wired_count != 0 && wired_pages_need_fault(old, prot, cow) &&
                !k.on(Defect::b18_wired_mprotect_not_copied)) {
                to_fault.push_back({entry.start, entry.end});
            }
        });
    }
    fault_wired_ranges(k, map, to_fault);
    return Status::success;
}

Status map_inherit(Kernel& k, Map& map, Va start, Va end, Inherit inherit) {
    const MapLock lock(k, map);
    if (map_would_clip_table(map, start, end)) {
        return Status::invalid_argument;
    }
    for_each_clipped(k, map, start, end, [inherit](MapEntry& entry) { entry.inheritance = inherit; });
    return Status::success;
}

Status map_madvise(Kernel& k, Map& map, Va start, Va end, Advice advice) {
    const MapLock lock(k, map);
    if (advice == Advice::normal || advice == Advice::random || advice == Advice::sequential) {
        if (map_would_clip_table(map, start, end)) {
            return Status::invalid_argument;
        }
        const Behavior behavior = advice == Advice::random       ? Behavior::random
                                  : advice == Advice::sequential ? Behavior::sequential
                                                                 : Behavior::normal;
        for_each_clipped(k, map, start, end, [behavior](MapEntry& entry) { entry.behavior = behavior; });
        return Status::success;
    }
    if (advice == Advice::nosync || advice == Advice::autosync) {
        if (map_would_clip_table(map, start, end)) {
            return Status::invalid_argument;
        }
        for_each_clipped(k, map, start, end, [advice](MapEntry& entry) {
            advice == Advice::nosync ? entry.set(kEntryNoSync) : entry.clear(kEntryNoSync);
        });
        return Status::success;
    }
    for (MapEntry* entry = map_entry_at_or_after(map, start); entry != nullptr && entry->start < end;
         entry = map_next(map, *entry)) {
        if (entry->object != nullptr) {
            const Va from = std::max(start, entry->start);
            const Va to = std::min(end, entry->end);
            const PageIndex count = (to - from) >> kPageShift;
            object_madvise(k, *entry->object, entry->index_of(from), count, advice);
            // What a file has in memory is mapped at once. Not where it is wired: it must be mapped so.
            if (advice == Advice::willneed && entry->wired_count == 0 && !entry->vpagetable) {
                k.pmaps.object_init_pt(*map.pmap, from, entry->protection, *entry->object, entry->index_of(from), count,
                                       true);
            }
        }
    }
    return Status::success;
}

Status map_clean(Kernel& k, Map& map, Va start, Va end, bool invalidate) {
    map_lock_read(k, map);
    if (map_has_hole(map, start, end)) {
        map_unlock_read(map);
        return Status::invalid_address;
    }
    for (MapEntry* entry = map_entry_at(map, start); entry != nullptr && entry->start < end;
         entry = map_next(map, *entry)) {
        Object* object = entry->object;
        const Va from = std::max(start, entry->start);
        const PageIndex count = (std::min(end, entry->end) - from) >> kPageShift;
        PageIndex index = entry->index_of(from);
        while (object != nullptr && object->backing != nullptr) {
            index = object->backing_index(index);
            object = object->backing;
        }
        if (object == nullptr || object->type != ObjectType::vnode) {
            continue;
        }
        object_page_clean(k, *object, index, index + count);
        if (invalidate) {
            object_page_remove(k, *object, index, index + count, true);
        }
    }
    map_unlock_read(map);
    return Status::success;
}

}  // namespace vmref::impl
