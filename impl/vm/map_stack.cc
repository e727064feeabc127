// Stacks that grow down (semantics.md 2.3), and moving a range (mremap).
#include <algorithm>

#include "impl/vm/kernel.h"
#include "impl/vm/map.h"
#include "impl/vm/vm_object.h"

namespace vmref::impl {

Status map_stack(Kernel& k, Map& map, Va start, Va end, const EntrySpec& spec) {
    const MapLock lock(k, map);
    map_delete(k, map, start, end);
    const std::uint32_t pages = (end - start) >> kPageShift;
    const std::uint32_t initial = std::min(pages, k.config.stack_grow);
    EntrySpec stack = spec;
    stack.eflags |= kEntryStack;
    stack.avail_ssize = pages - initial;
    map_insert(k, map, end - (initial << kPageShift), end, stack);
    return Status::success;
}

namespace {

struct Grown {
    Va start = 0;
    Va end = 0;  // equal to start: nothing
};

// Requires: map locked exclusively.
Grown grow(Kernel& k, Map& map, Va va) {
    MapEntry* const stack = map_entry_at_or_after(map, va);
    if (stack == nullptr || stack->start <= va || !stack->has(kEntryStack)) {
        return {};
    }
    const MapEntry* const previous = map_previous(map, *stack);
    const std::uint32_t gap = (stack->start - (previous == nullptr ? 0 : previous->end)) >> kPageShift;
    const std::uint32_t needed = pages_in(stack->start - va);
    if (needed > stack->avail_ssize) {
        return {};
    }
    const std::uint32_t step = k.config.stack_grow;
    const std::uint32_t pages = std::min({(needed + step - 1) / step * step, stack->avail_ssize, gap});
    EntrySpec spec;
    spec.eflags = kEntryStack;
    spec.avail_ssize = stack->avail_ssize - pages;
    const Grown grown{stack->start - (pages << kPageShift), stack->start};
    map_insert(k, map, grown.start, grown.end, spec);
    return grown;
}

}  // namespace

// vm_map_growstack. Success does not mean that anything is mapped at `va`: only that nothing spoke against it.
Status map_growstack(Kernel& k, Map& map, Va va) {
    Grown grown;
    {
        const MapLock lock(k, map);
        grown = grow(k, map, va);
        if (k.on(Defect::b112_growth_wires_under_lock) && grown.start != grown.end) {
            map_wire_new(k, map, grown.start, grown.end);
        }
    }
    // The faults of wiring lock the map themselves (B-112).
    if (grown.start != grown.end && !k.on(Defect::b112_growth_wires_under_lock)) {
        map_wire_new(k, map, grown.start, grown.end);
    }
    return Status::success;
}

Status map_relocate(Kernel& k, Map& map, Va start, Va end, Va to) {
    const MapLock lock(k, map);
    if (map_has_hole(map, start, end)) {
        return Status::invalid_address;
    }
    map_delete(k, map, to, to + (end - start));
    for (MapEntry* entry = map_clip_range(k, map, start, end); entry != nullptr && entry->start < end;
         entry = map_next(map, *entry)) {
        EntrySpec spec;
        spec.object = entry->object;
        spec.offset = entry->offset;
        spec.protection = entry->protection;
        spec.max_protection = entry->max_protection;
        spec.inheritance = entry->inheritance;
        spec.eflags = static_cast<std::uint16_t>(entry->eflags & ~(kEntryUserWired | kEntryInTransition));
        spec.avail_ssize = entry->avail_ssize;
        spec.behavior = entry->behavior;
        spec.device = entry->device;
        if (entry->object != nullptr) {
            // The old entry's reference dies with it, and until then two entries name the same pages.
            object_reference(k, *entry->object);
            entry->object->clear(kObjOneMapping);
        }
        map_insert(k, map, to + (entry->start - start), to + (entry->end - start), spec);
    }
    map_delete(k, map, start, end);
    return Status::success;
}

}  // namespace vmref::impl
