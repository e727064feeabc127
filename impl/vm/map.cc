// Entries of a map: locks, insertion, clipping, deletion (semantics.md 1.8, 2.7).
#include "impl/vm/map.h"

#include <algorithm>

#include "impl/vm/fault.h"
#include "impl/vm/kernel.h"
#include "impl/vm/vm_object.h"

namespace vmref::impl {

MapEntry& EntryPool::allocate() {
    if (free_.empty()) {
        return storage_.emplace_back();
    }
    MapEntry& entry = *free_.back();
    free_.pop_back();
    entry = MapEntry{};
    return entry;
}

void EntryPool::release(MapEntry& entry) {
    entry.map = nullptr;
    free_.push_back(&entry);
}

void map_lock(Kernel& k, Map& map) {
    k.sched.yield(BlockPoint::map_lock);
    while ((map.exclusive || map.readers != 0) && k.sched.has_threads()) {
        k.sched.sleep_for_lock(BlockPoint::map_lock);
    }
    ensure_rule(!map.exclusive && map.readers == 0, "I-87", "an exclusively locked map has no other holder");
    map.exclusive = true;
    ++map.timestamp;
}

void map_unlock(Map& map) {
    ensure_rule(map.exclusive, "I-87", "an unlocked map was locked");
    map.exclusive = false;
}

bool map_try_lock(Map& map) {
    if (map.exclusive || map.readers != 0) {
        return false;
    }
    map.exclusive = true;
    return true;
}

void map_lock_read(Kernel& k, Map& map) {
    k.sched.yield(BlockPoint::map_lock);
    while (map.exclusive && k.sched.has_threads()) {
        k.sched.sleep_for_lock(BlockPoint::map_lock);
    }
    ensure_rule(!map.exclusive, "I-87", "a read-locked map has no writer");
    ++map.readers;
}

bool map_lock_read_to(Kernel& k, Map& map) {
    map_lock_read(k, map);
    return true;
}

void map_unlock_read(Map& map) {
    ensure_rule(map.readers > 0, "I-87", "a read-unlocked map was read-locked");
    --map.readers;
}

bool map_lock_upgrade(Kernel& k, Map& map) {
    k.sched.yield(BlockPoint::map_lock);
    if (map.readers != 1) {
        map_unlock_read(map);
        return false;
    }
    map.readers = 0;
    map.exclusive = true;
    ++map.timestamp;
    return true;
}

void map_lock_downgrade(Map& map) {
    map.exclusive = false;
    map.readers = 1;
}

MapEntry* map_entry_at_or_after(Map& map, Va va) {
    auto next = map.entries.upper_bound(va);
    if (next != map.entries.begin()) {
        const auto previous = std::prev(next);
        if (va < previous->end) {
            return &*previous;
        }
    }
    return next == map.entries.end() ? nullptr : &*next;
}

MapEntry* map_entry_at(Map& map, Va va) {
    if (map.hint != nullptr && map.hint->start <= va && va < map.hint->end) {
        return map.hint;
    }
    MapEntry* const entry = map_entry_at_or_after(map, va);
    if (entry == nullptr || entry->start > va) {
        return nullptr;
    }
    map.hint = entry;
    return entry;
}

MapEntry* map_entry_through(Map& map, Va va) {
    MapEntry* const entry = map_entry_at(map, va);
    return entry != nullptr && entry->submap != nullptr ? map_entry_at(*entry->submap, va) : entry;
}

MapEntry* map_next(Map& map, MapEntry& entry) {
    const auto next = std::next(map.entries.iterator_to(entry));
    return next == map.entries.end() ? nullptr : &*next;
}

MapEntry* map_previous(Map& map, MapEntry& entry) {
    const auto at = map.entries.iterator_to(entry);
    return at == map.entries.begin() ? nullptr : &*std::prev(at);
}

bool map_has_hole(Map& map, Va start, Va end) {
    MapEntry* entry = map_entry_at(map, start);
    while (entry != nullptr && entry->end < end) {
        MapEntry* const next = map_next(map, *entry);
        if (next == nullptr || next->start != entry->end) {
            return true;
        }
        entry = next;
    }
    return entry == nullptr;
}

void entry_changed(Kernel& k, const MapEntry& entry) {
    k.journal.entry_changed(entry.map->pmap->id, entry.start, entry.end);
    if (entry.object != nullptr) {
        k.journal.object_changed(entry.object->id);
    }
}

void entry_set_object(MapEntry& entry, Object* object) {
    if (entry.object != nullptr) {
        if (entry.prev_of_object != nullptr) {
            entry.prev_of_object->next_of_object = entry.next_of_object;
        } else {
            entry.object->first_entry = entry.next_of_object;
        }
        if (entry.next_of_object != nullptr) {
            entry.next_of_object->prev_of_object = entry.prev_of_object;
        }
    }
    entry.object = object;
    entry.prev_of_object = nullptr;
    entry.next_of_object = nullptr;
    if (object != nullptr) {
        entry.next_of_object = object->first_entry;
        if (object->first_entry != nullptr) {
            object->first_entry->prev_of_object = &entry;
        }
        object->first_entry = &entry;
    }
}

MapEntry& map_insert(Kernel& k, Map& map, Va start, Va end, const EntrySpec& spec) {
    const MapEntry* const after = map_entry_at_or_after(map, start);
    ensure(start < end && end <= kUserEnd && (after == nullptr || after->start >= end), "a new entry's range is free");
    MapEntry& entry = k.entries.allocate();
    entry.map = &map;
    entry.start = start;
    entry.end = end;
    entry.offset = spec.offset;
    entry.protection = spec.protection;
    entry.max_protection = spec.max_protection;
    entry.inheritance = spec.inheritance;
    entry.behavior = spec.behavior;
    entry.eflags = spec.eflags;
    entry.avail_ssize = spec.avail_ssize;
    entry.vpagetable = spec.vpagetable;
    entry.master_pde = spec.master_pde;
    entry.device = spec.device;
    entry.submap = spec.submap;
    entry_set_object(entry, spec.object);
    map.entries.insert(entry);
    entry_changed(k, entry);
    return entry;
}

namespace {

// Lowest address that the entry, or the stack reserve below it, occupies.
Va occupied_from(const MapEntry& entry) {
    const std::uint64_t reserve = std::uint64_t{entry.avail_ssize} << kPageShift;
    return !entry.has(kEntryStack) ? entry.start : reserve >= entry.start ? 0 : entry.start - static_cast<Va>(reserve);
}

bool find_space_in(Map& map, Va from, Va to, std::uint32_t length, Va& start) {
    std::uint64_t candidate = from;
    MapEntry* entry = map_entry_at_or_after(map, from);
    while (candidate + length <= to) {
        if (entry == nullptr || occupied_from(*entry) >= candidate + length) {
            start = static_cast<Va>(candidate);
            return true;
        }
        candidate = entry->end;
        entry = map_next(map, *entry);
    }
    return false;
}

}  // namespace

bool map_find_space(Map& map, Va hint, std::uint32_t length, Va& start) {
    hint = trunc_page(hint);
    return find_space_in(map, hint, kUserEnd, length, start) || find_space_in(map, 0, kUserEnd, length, start);
}

namespace {

// A copy of `entry` for [start, end), with a reference of its own. Both halves need an object to share.
void split_off(Kernel& k, MapEntry& entry, Va start, Va end) {
    ensure(!entry.vpagetable, "an entry with a virtual page table stays whole");
    MapEntry& part = k.entries.allocate();
    part = entry;
    part.map_hook = {};
    part.start = start;
    part.end = end;
    part.offset = entry.offset + (start - entry.start);
    part.object = nullptr;
    entry_set_object(part, entry.object);
    if (entry.object != nullptr) {
        object_reference(k, *entry.object);
    }
    if (start == entry.start) {
        entry.offset += end - start;
        entry.start = end;
    } else {
        entry.end = start;
    }
    entry.map->entries.insert(part);
    entry_changed(k, part);
    entry_changed(k, entry);
}

void need_object(Kernel& k, MapEntry& entry) {
    if (entry.object == nullptr && entry.device == 0) {
        map_entry_allocate_object(k, entry);
    }
}

}  // namespace

void map_clip_start(Kernel& k, Map& /*map*/, MapEntry& entry, Va start) {
    if (start > entry.start) {
        need_object(k, entry);
        split_off(k, entry, entry.start, start);
    }
}

void map_clip_end(Kernel& k, Map& /*map*/, MapEntry& entry, Va end) {
    if (end < entry.end) {
        need_object(k, entry);
        split_off(k, entry, end, entry.end);
    }
}

MapEntry* map_clip_range(Kernel& k, Map& map, Va start, Va end) {
    MapEntry* const first = map_entry_at_or_after(map, start);
    if (first == nullptr || first->start >= end) {
        return nullptr;
    }
    map_clip_start(k, map, *first, start);
    MapEntry* last = first;
    for (MapEntry* next = last; next != nullptr && next->start < end; next = map_next(map, *next)) {
        last = next;
    }
    map_clip_end(k, map, *last, end);
    return first;
}

namespace {

// Pages of an anonymous object that only this entry reached go with it, although the object stays (catalogue D-17).
void discard_entry_pages(Kernel& k, MapEntry& entry) {
    Object* const object = entry.object;
    if (object == nullptr || !object->anonymous() || object->ref_count == 1 || !object->has(kObjOneMapping)) {
        return;
    }
    object_collapse(k, *object);
    const PageIndex first = entry.first_index();
    const PageIndex end = first + entry.page_count();
    object_page_remove(k, *object, first, end, false);
    if (end >= object->size && first < object->size) {
        object->size = first;
    }
}

}  // namespace

void map_delete(Kernel& k, Map& map, Va start, Va end) {
    const bool exiting = start == 0 && end == kUserEnd;
    MapEntry* entry = map_clip_range(k, map, start, end);
    while (entry != nullptr && entry->start < end) {
        MapEntry* const next = map_next(map, *entry);
        if (entry->wired_count != 0) {
            entry->wired_count = 0;
            entry->clear(kEntryUserWired);
            fault_unwire(k, map, *entry);
        }
        if (!exiting || !k.on(Defect::b93_exit_leaves_wired)) {
            k.pmaps.remove(*map.pmap, entry->start, entry->end);
        }
        discard_entry_pages(k, *entry);
        entry_changed(k, *entry);
        if (map.hint == entry) {
            map.hint = nullptr;
        }
        map.entries.erase(map.entries.iterator_to(*entry));
        Object* const object = entry->object;
        entry_set_object(*entry, nullptr);
        k.entries.release(*entry);
        object_deallocate(k, object);
        entry = next;
    }
}

Status map_remove(Kernel& k, Map& map, Va start, Va end) {
    const MapLock lock(k, map);
    map_delete(k, map, start, end);
    return Status::success;
}

namespace {

// One more reference on a new shadow. It is taken under the hold, so that nobody collapses the object before (B-61).
void add_held_reference(Kernel& k, Object& object) {
    object_hold(object, k.sched);
    if (k.on(Defect::b61_reference_without_hold)) {
        object_drop(object);
    }
    ensure_rule(object.hold_count > 0, "I-34", "an extra reference is taken under a hold");
    object_reference(k, object);
    object.clear(kObjOneMapping);
    object_drop(object);
}

}  // namespace

void map_entry_shadow(Kernel& k, MapEntry& entry, bool add_reference) {
    Object* const source = entry.object;
    std::uint64_t offset = entry.offset;
    Object* result = nullptr;
    if (source == nullptr) {
        map_entry_allocate_object(k, entry);
        result = entry.object;
    } else {
        result = &object_shadow(k, *source, offset, entry.page_count());
        if (result != source) {
            entry_set_object(entry, result);
            entry.offset = offset;
        }
    }
    entry.clear(kEntryNeedsCopy);
    if (k.journal.narration != nullptr && source != nullptr) {
        k.journal.narration->entry_shadowed(entry.map->pmap->id, entry.start, source->id, result->id);
    }
    if (add_reference) {
        add_held_reference(k, *result);
    }
    entry_changed(k, entry);
}

void map_entry_allocate_object(Kernel& k, MapEntry& entry) {
    ensure(entry.object == nullptr, "an entry gets its first object");
    entry_set_object(entry, &k.objects.allocate(ObjectType::default_, entry.page_count()));
    entry.offset = 0;
    if (k.journal.narration != nullptr) {
        k.journal.narration->entry_shadowed(entry.map->pmap->id, entry.start, 0, entry.object->id);
    }
    entry_changed(k, entry);
}

}  // namespace vmref::impl
