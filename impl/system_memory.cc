// The memory system calls.
#include <algorithm>

#include "impl/system.h"
#include "impl/vm/pager.h"
#include "impl/vm/vm_object.h"

namespace vmref::impl {

namespace {

struct Range {
    Va start = 0;
    Va end = 0;
    Status status = Status::success;
    bool empty() const { return start == end; }
};

// [addr, addr + length) widened to pages.
Range widen(Va addr, std::uint32_t length) {
    if (length == 0) {
        return {};
    }
    const std::uint64_t end = (std::uint64_t{addr} + length + kPageMask) & ~std::uint64_t{kPageMask};
    if (end > kUserEnd) {
        return {0, 0, Status::invalid_argument};
    }
    return {trunc_page(addr), static_cast<Va>(end), Status::success};
}

// Runs `act(start, end)` on the widened range, if there is one.
template <class Act>
Outcome on_range(Va addr, std::uint32_t length, Act act) {
    const Range range = widen(addr, length);
    if (range.status != Status::success || range.empty()) {
        return {.status = range.status};
    }
    return {.status = act(range.start, range.end)};
}

bool page_aligned(std::uint32_t value) {
    return (value & kPageMask) == 0;
}

}  // namespace

Outcome System::run(const CreateFile& operation) {
    vnode_create(kernel_, operation.file, operation.size);
    return {};
}

// vm_mmap: the entry of one mapping. Requires: [start, end) is free, or a stack's to clear.
Status System::map_file(const Mmap& operation, Map& map, Va start, Va end) {
    EntrySpec spec;
    spec.protection = operation.prot;
    spec.max_protection = operation.shared ? operation.max_prot : kProtAll;
    spec.inheritance = operation.shared ? Inherit::share : Inherit::copy;
    if (operation.stack) {
        return map_stack(kernel_, map, start, end, spec);
    }
    if (operation.file != 0) {
        Vnode& vnode = *kernel_.vnodes.at(operation.file);
        spec.object = vnode.object;
        spec.offset = operation.offset;
        spec.eflags = operation.shared ? 0 : kEntryCow | kEntryNeedsCopy;
        object_reference(kernel_, *vnode.object);
    }
    spec.vpagetable = operation.vpagetable;
    const MapLock lock(kernel_, map);
    if (operation.fixed) {
        map_delete(kernel_, map, start, end);
    }
    const MapEntry& entry = map_insert(kernel_, map, start, end, spec);
    if (spec.object == nullptr && operation.shared) {
        // Shared anonymous memory has its object from the start: a later fork must find one to share.
        map_entry_allocate_object(kernel_, const_cast<MapEntry&>(entry));
    }
    return Status::success;
}

Outcome System::run(const Mmap& operation) {
    Map& map = process(operation.pid).map;
    const bool stack_ok = !operation.stack || (operation.fixed && !operation.shared && operation.file == 0);
    if (operation.length == 0) {
        return {};
    }
    const bool table_ok = !operation.vpagetable || (operation.offset == 0 && !operation.stack);
    if (!page_aligned(operation.offset) || (operation.fixed && !page_aligned(operation.addr)) || !stack_ok ||
        !table_ok) {
        return {.status = Status::invalid_argument};
    }
    if (operation.shared && (operation.prot & ~operation.max_prot) != 0) {
        return {.status = Status::protection_failure};
    }
    const std::uint32_t length = round_page(operation.length);
    Va start = operation.addr;
    if (operation.fixed && map_would_clip_table(map, start, start + length)) {
        return {.status = Status::invalid_argument};
    }
    if (!operation.fixed && !map_find_space(map, operation.addr, length, start)) {
        return {.status = Status::no_space};
    }
    const Status status = map_file(operation, map, start, start + length);
    if (status == Status::success) {
        // Of a stack, what is mapped and not its reserve.
        const MapEntry* const mapped = map_entry_at(map, start + length - kPageSize);
        map_wire_new(kernel_, map, std::max(start, mapped->start), start + length);
    }
    return {.status = status, .address = status == Status::success ? start : 0};
}

Outcome System::run(const Munmap& operation) {
    Map& map = process(operation.pid).map;
    return on_range(operation.addr, operation.length, [&](Va start, Va end) {
        const bool refused = map_has_hole(map, start, end) || map_would_clip_table(map, start, end);
        return refused ? Status::invalid_argument : map_remove(kernel_, map, start, end);
    });
}

// The added part of a grown mapping: attributes of its last page, fresh anonymous memory or the next pages of the file.
Status System::grow_mapping(const Mremap& operation, Process& self) {
    Map& map = self.map;
    const Va end = operation.new_addr + operation.length;
    const Va new_end = operation.new_addr + operation.new_length;
    const MapLock lock(kernel_, map);
    MapEntry& last = *map_entry_at(map, end - kPageSize);
    const MapEntry* const next = map_next(map, last);
    const bool occupied = last.end > end || (next != nullptr && next->start < new_end);
    if (operation.new_addr == operation.addr && occupied) {
        return Status::no_space;
    }
    map_delete(kernel_, map, end, new_end);
    EntrySpec spec;
    spec.protection = last.protection;
    spec.max_protection = last.max_protection;
    spec.inheritance = last.inheritance;
    spec.behavior = last.behavior;
    Object* bottom = last.object;
    std::uint64_t offset = last.offset + (end - last.start);
    while (bottom != nullptr && bottom->backing != nullptr) {
        offset += bottom->backing_offset;
        bottom = bottom->backing;
    }
    if (bottom != nullptr && bottom->type == ObjectType::vnode) {
        spec.object = bottom;
        spec.offset = offset;
        spec.eflags = last.object == bottom && !last.has(kEntryCow) ? 0 : kEntryCow | kEntryNeedsCopy;
        object_reference(kernel_, *bottom);
    }
    map_insert(kernel_, map, end, new_end, spec);
    return Status::success;
}

Outcome System::run(const Mremap& operation) {
    Process& self = process(operation.pid);
    const bool aligned = page_aligned(operation.addr) && page_aligned(operation.length) &&
                         page_aligned(operation.new_addr) && page_aligned(operation.new_length);
    const std::uint64_t end = std::uint64_t{operation.addr} + operation.length;
    const std::uint64_t new_end = std::uint64_t{operation.new_addr} + operation.new_length;
    const bool moves = operation.new_addr != operation.addr;
    const bool overlap = operation.new_addr < end && operation.addr < new_end;
    if (!aligned || operation.length == 0 || operation.new_length == 0 || end > kUserEnd || new_end > kUserEnd ||
        (moves && overlap)) {
        return {.status = Status::invalid_argument};
    }
    Map& map = self.map;
    if (map_has_hole(map, operation.addr, static_cast<Va>(end))) {
        return {.status = Status::invalid_address};
    }
    if (map_has_table(map, operation.addr, static_cast<Va>(end)) ||
        (moves && map_would_clip_table(map, operation.new_addr, static_cast<Va>(new_end))) ||
        (operation.new_length > operation.length && map_entry_at(map, static_cast<Va>(end) - kPageSize)->device != 0)) {
        return {.status = Status::invalid_argument};
    }
    if (!moves && operation.new_length > operation.length) {
        return {.status = grow_mapping(operation, self)};
    }
    const std::uint32_t kept = std::min(operation.length, operation.new_length);
    if (kept < operation.length) {
        map_remove(kernel_, map, operation.addr + kept, static_cast<Va>(end));
    }
    if (moves) {
        map_remove(kernel_, map, operation.new_addr, static_cast<Va>(new_end));
        map_relocate(kernel_, map, operation.addr, operation.addr + kept, operation.new_addr);
    }
    if (operation.new_length > operation.length) {
        return {.status = grow_mapping(operation, self)};
    }
    return {};
}

Outcome System::run(const Mprotect& operation) {
    return on_range(operation.addr, operation.length, [&](Va start, Va end) {
        return map_protect(kernel_, process(operation.pid).map, start, end, operation.prot);
    });
}

Outcome System::run(const Minherit& operation) {
    return on_range(operation.addr, operation.length, [&](Va start, Va end) {
        return map_inherit(kernel_, process(operation.pid).map, start, end, operation.inherit);
    });
}

Outcome System::run(const Madvise& operation) {
    return on_range(operation.addr, operation.length, [&](Va start, Va end) {
        return map_madvise(kernel_, process(operation.pid).map, start, end, operation.advice);
    });
}

Outcome System::run(const Msync& operation) {
    return on_range(operation.addr, operation.length, [&](Va start, Va end) {
        return map_clean(kernel_, process(operation.pid).map, start, end, operation.invalidate);
    });
}

Outcome System::run(const Mcontrol& operation) {
    Map& map = process(operation.pid).map;
    return on_range(operation.addr, operation.length, [&](Va start, Va end) {
        return operation.call == TableCall::set_map ? map_set_table(kernel_, map, start, end, operation.value)
                                                    : map_invalidate(kernel_, map, start, end);
    });
}

Outcome System::run(const Mlock& operation) {
    return on_range(operation.addr, operation.length,
                    [&](Va start, Va end) { return map_user_wire(kernel_, process(operation.pid).map, start, end); });
}

Outcome System::run(const Munlock& operation) {
    return on_range(operation.addr, operation.length,
                    [&](Va start, Va end) { return map_user_unwire(kernel_, process(operation.pid).map, start, end); });
}

Outcome System::run(const LockFuture& operation) {
    process(operation.pid).map.wire_future = operation.on;
    return {};
}

Outcome System::run(const LimitResident& operation) {
    process(operation.pid).rss_limit = operation.pages;
    return {};
}

Outcome System::run(const KernelWire& operation) {
    return on_range(operation.addr, operation.length,
                    [&](Va start, Va end) { return map_kernel_wire(kernel_, process(operation.pid).map, start, end); });
}

Outcome System::run(const KernelUnwire& operation) {
    return on_range(operation.addr, operation.length, [&](Va start, Va end) {
        return map_kernel_unwire(kernel_, process(operation.pid).map, start, end);
    });
}

Outcome System::run(const Ftruncate& operation) {
    vnode_pager_setsize(kernel_, *kernel_.vnodes.at(operation.file), operation.size);
    return {};
}

}  // namespace vmref::impl
