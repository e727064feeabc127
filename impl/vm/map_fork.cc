// vmspace_fork: entries of the child by inheritance (semantics.md 2.6, catalogue D-9 and D-10).
#include "impl/vm/fault.h"
#include "impl/vm/kernel.h"
#include "impl/vm/map.h"
#include "impl/vm/vm_object.h"

namespace vmref::impl {

namespace {

EntrySpec spec_of(const MapEntry& entry, Object* object, std::uint16_t eflags) {
    EntrySpec spec;
    spec.object = object;
    spec.offset = object == nullptr && entry.device == 0 ? 0 : entry.offset;
    spec.device = entry.device;
    spec.protection = entry.protection;
    spec.max_protection = entry.max_protection;
    spec.inheritance = entry.inheritance;
    spec.eflags = static_cast<std::uint16_t>(eflags & ~(kEntryUserWired | kEntryInTransition));
    spec.avail_ssize = entry.avail_ssize;
    spec.behavior = entry.behavior;
    spec.vpagetable = entry.vpagetable;
    spec.master_pde = entry.master_pde;
    return spec;
}

// Both name the same object from now on and may store to it.
void share_entry(Kernel& k, MapEntry& entry, Map& to) {
    if (entry.object == nullptr) {
        map_entry_allocate_object(k, entry);
    }
    if (entry.has(kEntryNeedsCopy)) {
        map_entry_shadow(k, entry, true);
    } else {
        object_reference(k, *entry.object);
        entry.object->clear(kObjOneMapping);
    }
    map_insert(k, to, entry.start, entry.end, spec_of(entry, entry.object, entry.eflags));
}

// Another entry may store directly to what this one maps. Then NEEDS_COPY on this one would break the sharing, and
// would not keep the other's stores from the child (catalogue D-9).
bool others_store(const Kernel& k, const MapEntry& entry) {
    if (k.on(Defect::b118_fork_ignores_sharers)) {
        return false;
    }
    for (const MapEntry* other = entry.object->first_entry; other != nullptr; other = other->next_of_object) {
        if (other != &entry && !other->has(kEntryNeedsCopy) &&
            other->first_index() < entry.first_index() + entry.page_count() &&
            entry.first_index() < other->first_index() + other->page_count()) {
            return true;
        }
    }
    return false;
}

// The child sees what the parent sees now; who stores first gets a copy (vm_map_copy_entry).
void copy_on_write_entry(Kernel& k, MapEntry& entry, Map& to) {
    const bool shared_file =
        entry.object != nullptr && entry.object->type == ObjectType::vnode && !entry.has(kEntryCow);
    if (entry.object == nullptr) {
        map_insert(k, to, entry.start, entry.end, spec_of(entry, nullptr, entry.eflags));
        return;
    }
    object_reference(k, *entry.object);
    if (entry.object->anonymous()) {
        entry.object->clear(kObjOneMapping);
    }
    if (!shared_file && !entry.has(kEntryNeedsCopy)) {
        k.pmaps.protect(*entry.map->pmap, entry.start, entry.end, static_cast<Prot>(entry.protection & ~kProtWrite));
        entry.set(kEntryCow | kEntryNeedsCopy);
        entry_changed(k, entry);
        ++entry.map->timestamp;
    }
    const auto eflags = static_cast<std::uint16_t>(entry.eflags | kEntryCow | kEntryNeedsCopy);
    map_insert(k, to, entry.start, entry.end, spec_of(entry, entry.object, eflags));
}

// The child gets its own pages at once. False: the process was killed for memory, or a page cannot be read. Blocks
bool copy_entry_now(Kernel& k, MapEntry& entry, Map& to) {
    const auto eflags = static_cast<std::uint16_t>((entry.eflags | kEntryCow) & ~kEntryNeedsCopy);
    MapEntry& copy = map_insert(k, to, entry.start, entry.end, spec_of(entry, nullptr, eflags));
    return fault_copy_entry(k, copy, entry);
}

bool copy_entry(Kernel& k, MapEntry& entry, Map& to) {
    if (entry.wired_count != 0) {
        return copy_entry_now(k, entry, to);
    }
    if (entry.object != nullptr && entry.object->anonymous() && !entry.has(kEntryNeedsCopy) && others_store(k, entry)) {
        return copy_entry_now(k, entry, to);
    }
    copy_on_write_entry(k, entry, to);
    return true;
}

}  // namespace

Status map_fork(Kernel& k, Map& from, Map& to) {
    const MapLock from_lock(k, from);
    const MapLock to_lock(k, to);
    for (MapEntry& entry : from.entries) {
        if (entry.device != 0 && entry.inheritance != Inherit::none) {
            map_insert(k, to, entry.start, entry.end, spec_of(entry, nullptr, entry.eflags));
            continue;
        }
        switch (entry.inheritance) {
            case Inherit::none:
                break;
            case Inherit::share:
                share_entry(k, entry, to);
                break;
            case Inherit::copy:
                if (!copy_entry(k, entry, to)) {
                    return k.current_dying() ? Status::resource_shortage : Status::failure;
                }
                break;
        }
    }
    return Status::success;
}

}  // namespace vmref::impl
