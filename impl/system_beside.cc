// Whether another thread's operation could run now without waiting for what the waiting one has: chain locks, paging in
// progress, busy pages, the map.
#include <algorithm>
#include <type_traits>

#include "impl/system.h"
#include "impl/vm/vm_object.h"

namespace vmref::impl {

namespace {

bool is_free(const Map& map) {
    return !map.exclusive && map.readers == 0;
}

// Nobody walks through the object or any below it, no I/O of theirs is under way but what ends by itself, and nobody
// has a page of theirs: who waits may be writing one out for want of memory.
bool is_quiet(const Kernel& k, const Object* object) {
    const auto taken = [](const Page& page) { return page.busied() && page.busy_owner != Scheduler::kStandIn; };
    for (; object != nullptr; object = object->backing) {
        if (object->chain_holders != 0 || object->paging_in_progress != k.injection.unfinished_in(*object) ||
            std::any_of(object->pages.begin(), object->pages.end(), taken)) {
            return false;
        }
    }
    return true;
}

// Whether letting go of the entry's reference disturbs nobody (vm_object.c:277-369).
bool can_be_dropped(const Kernel& k, const MapEntry& entry, Va start, Va end) {
    const Object* const object = entry.object;
    if (entry.wired_count != 0) {
        return false;
    }
    if (object == nullptr || object->type == ObjectType::vnode) {
        return true;
    }
    const bool part = start > entry.start || end < entry.end;  // the rest keeps a reference
    if (object->ref_count >= 3 && !object->has(kObjOneMapping)) {
        return true;
    }
    if (object->ref_count == 2 && object->shadow_count == 0 && !object->has(kObjOneMapping)) {
        return true;
    }
    const Object* const backing = object->backing;
    const bool ends_quietly = backing == nullptr || backing->type == ObjectType::vnode || backing->ref_count >= 3;
    return is_quiet(k, object) && ends_quietly && object->ref_count == 1 && (!part || backing == nullptr);
}

// Each entry that overlaps [start, end) satisfies `allows`.
template <class Allows>
bool all_entries(Map& map, Va start, Va end, Allows allows) {
    for (MapEntry* entry = map_entry_at_or_after(map, start); entry != nullptr && entry->start < end;
         entry = map_next(map, *entry)) {
        if (!allows(*entry)) {
            return false;
        }
    }
    return true;
}

bool can_unmap(const Kernel& k, Map& map, Va start, Va end) {
    unsigned entries = 0;
    return all_entries(map, start, end,
                       [&](const MapEntry& entry) { return ++entries == 1 && can_be_dropped(k, entry, start, end); });
}

// Of a wired entry only rights may go: whatever else would fault its pages (catalogue D-3).
bool can_protect(Map& map, Va start, Va end, Prot prot) {
    return all_entries(map, start, end, [prot](const MapEntry& entry) {
        const bool only_removes = (prot & ~entry.protection) == 0 && (prot & kProtWrite) == 0;
        const bool stays_readable = (prot & kProtRead) != 0 && (entry.protection & kProtRead) != 0;
        return entry.wired_count == 0 || prot == kProtNone || (only_removes && stays_readable);
    });
}

// A fault there finds its map, its chain and its pages free.
bool can_fault(Kernel& k, Map& map, Va va, bool stores) {
    const MapEntry* const entry = map_entry_at(map, va);
    const bool changes_map = entry == nullptr || entry->object == nullptr || (stores && entry->has(kEntryNeedsCopy));
    if (changes_map ? !is_free(map) : map.exclusive) {
        return false;
    }
    if (entry == nullptr) {
        return true;
    }
    if (entry->vpagetable) {
        return false;
    }
    PageIndex index = entry->index_of(va);
    for (Object* object = entry->object; object != nullptr; object = object->backing) {
        const Page* const page = k.pages.lookup(*object, index);
        const bool taken = page != nullptr && page->busied() && page->busy_owner != Scheduler::kStandIn;
        if (object->chain_holders != 0 || taken) {
            return false;
        }
        index = object->backing_index(index);
    }
    return entry->wired_count == 0;
}

// Memory does not run out on the way: nobody is to be killed.
bool memory_is_plenty(const Kernel& k) {
    constexpr std::uint32_t kPvEntriesOfOneFault = 64;
    const std::uint64_t pvs = k.pmaps.pv_count() + kPvEntriesOfOneFault + k.config.prefault_pages;
    return !k.pages.count_target() && pvs < k.config.pv_entries;
}

}  // namespace

bool System::can_run_beside(const Operation& operation) {
    const Process* const waiting = kernel_.curproc;
    return std::visit(
        [&]<typename Op>(const Op& op) {
            if constexpr (requires {
                              op.pid;
                              op.addr;
                          }) {
                Process* const self = find(op.pid);
                if (self == nullptr) {
                    return false;
                }
                Map& map = self->map;
                if constexpr (std::is_same_v<Op, Access>) {
                    const bool cpu_is_free = waiting == nullptr || waiting == self || waiting->cpu != self->cpu;
                    return cpu_is_free && memory_is_plenty(kernel_) &&
                           can_fault(kernel_, map, op.addr, op.kind == AccessKind::store);
                } else if constexpr (std::is_same_v<Op, Mprotect>) {
                    return is_free(map) && can_protect(map, op.addr, op.addr + op.length, op.prot);
                } else if constexpr (std::is_same_v<Op, Munmap>) {
                    return is_free(map) && can_unmap(kernel_, map, trunc_page(op.addr), op.addr + op.length);
                } else if constexpr (std::is_same_v<Op, MapDevice>) {
                    // Opening the device takes memory, and locking what is new faults.
                    return is_free(map) && !map.wire_future && kernel_.devices[op.device - 1U] != nullptr &&
                           can_unmap(kernel_, map, trunc_page(op.addr), op.addr + op.length);
                }
                return is_free(map);
            }
            return false;
        },
        operation);
}

}  // namespace vmref::impl
