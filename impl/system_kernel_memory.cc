// The kernel's own memory: kernel_map and a submap of it.
#include <algorithm>

#include "impl/system.h"
#include "impl/vm/fault.h"
#include "impl/vm/map.h"
#include "impl/vm/vm_object.h"

namespace vmref::impl {

namespace {

constexpr Va kSubmapStart = kKernelMemory + (kFirstOfSubmap << kPageShift);
constexpr Va kKernelMapEnd = kKernelMemory + (kKernelPages << kPageShift);
constexpr unsigned kMaxFaults = 1000;  // I-81

}  // namespace

// The kernel's map gets its pmap, and the entry of its submap, when it is used first. Blocks
void System::open_kernel_map() {
    Map& map = kernel_space_.map;
    if (map.pmap != nullptr) {
        return;
    }
    new_address_space(kernel_space_);
    map.system = submap_.system = true;
    submap_.pmap = map.pmap;
    kernel_.kernel_map = &map;
    EntrySpec spec;
    spec.submap = &submap_;
    const MapLock lock(kernel_, map);
    map_insert(kernel_, map, kSubmapStart, kKernelMapEnd, spec);
}

// kmem_alloc and its relatives. Blocks
Outcome System::run(const KernelAlloc& operation) {
    const std::uint64_t end = std::uint64_t{operation.addr} + (std::uint64_t{operation.pages} << kPageShift);
    const bool stack = operation.use == KernelUse::stack;
    const bool in_submap = operation.addr >= kSubmapStart;
    if ((operation.addr & kPageMask) != 0 || operation.pages < (stack ? 2U : 1U) || operation.addr < kKernelMemory ||
        end > (in_submap ? kKernelMapEnd : kSubmapStart)) {
        return {.status = Status::invalid_argument};
    }
    open_kernel_map();
    Map& map = in_submap ? submap_ : kernel_space_.map;
    {
        const MapLock lock(kernel_, map);
        const MapEntry* const after = map_entry_at_or_after(map, operation.addr);
        if (after != nullptr && after->start < end) {
            return {.status = Status::no_space};
        }
        EntrySpec spec;
        spec.protection = kProtRead | kProtWrite;
        spec.inheritance = Inherit::none;
        if (operation.use == KernelUse::reserved) {
            spec.eflags = kEntryNoFault;
        } else {
            spec.object = &kernel_.objects.allocate(ObjectType::default_, operation.pages);
            spec.eflags = stack ? kEntryKstack : 0;
        }
        map_insert(kernel_, map, operation.addr, static_cast<Va>(end), spec);
    }
    return {.status = stack ? map_kernel_wire(kernel_, map, operation.addr, static_cast<Va>(end)) : Status::success};
}

Outcome System::run(const KernelFree& operation) {
    const MapEntry* const entry = map_entry_through(kernel_space_.map, operation.addr);
    if (entry == nullptr || entry->start != operation.addr) {
        return {.status = Status::invalid_argument};
    }
    Map& map = *entry->map;
    const MapLock lock(kernel_, map);
    map_delete(kernel_, map, entry->start, entry->end);
    return {};
}

// A kernel thread runs on the first CPU, in the kernel's pmap, which no process has; afterwards the CPU is idle.
Outcome System::run(const KernelAccess& operation) {
    constexpr CpuId kCpu = 0;
    Map& map = kernel_space_.map;
    if (map.pmap == nullptr) {
        return {.status = Status::invalid_address};
    }
    idle(kCpu);
    kernel_.pmaps.activate(kCpu, nullptr, map.pmap);
    const bool stores = operation.call == KernelCall::kernel_store;
    const Va va = operation.addr & ~(operation.size - 1U);
    Outcome outcome;
    AccessResult result;
    for (unsigned faults = 0; outcome.status == Status::success && !result.ok; ++faults) {
        ensure_rule(faults < kMaxFaults, "I-81", "a kernel access ends");
        outcome.value = operation.value;
        result = kernel_.machine.access(kCpu, stores ? AccessKind::store : AccessKind::load, va, operation.size,
                                        Privilege::supervisor, outcome.value);
        if (!result.ok) {
            ++kernel_.stats.traps;
            outcome.status = va >= kUserEnd ? Status::invalid_address
                                            : vm_fault(kernel_, map, trunc_page(va), stores ? kProtWrite : kProtRead,
                                                       stores ? kFaultDirty : kFaultNormal);
        }
    }
    kernel_.pmaps.activate(kCpu, map.pmap, nullptr);
    if (stores || outcome.status != Status::success) {
        outcome.value = 0;
    }
    return outcome;
}

}  // namespace vmref::impl
