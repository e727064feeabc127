// Debuggers, and the kernel's own use of user pages: what passes the page tables by.
#include <algorithm>
#include <array>
#include <utility>

#include "impl/system.h"
#include "impl/vm/device.h"
#include "impl/vm/fault.h"
#include "impl/vm/map.h"

namespace vmref::impl {

namespace {

using Word = std::array<std::uint8_t, 4>;

Word bytes_of(std::uint32_t value) {
    Word bytes;
    for (unsigned i = 0; i < bytes.size(); ++i) {
        bytes[i] = static_cast<std::uint8_t>(value >> (8 * i));
    }
    return bytes;
}

// The pages that a debugger works on, at most two, all found before a byte moves. One page is busied if it may be:
// two could be the same one (catalogue B-109: held, and let go of on every path).
class DebuggedPages {
  public:
    DebuggedPages(Kernel& k, Map& map, const DebugAccess& operation)
        : k_(k), map_(map), writes_(operation.call == DebugCall::debug_write) {
        const std::uint32_t in_page = kPageSize - (operation.addr & kPageMask);
        runs_[0] = {operation.addr, std::min<std::uint32_t>(operation.size, in_page), nullptr};
        runs_[1] = {trunc_page(operation.addr) + kPageSize, operation.size - runs_[0].length, nullptr};
    }

    // Blocks
    Status find() {
        for (Run& run : runs_) {
            if (run.length == 0) {
                continue;
            }
            Status status = Status::invalid_address;
            if (run.va < kUserEnd && map_.pmap != nullptr) {
                const Prot type = writes_ ? kProtWrite | kProtOverrideWrite : kProtRead;
                bool* const busied = runs_[1].length == 0 ? &busied_ : nullptr;
                run.page = vm_fault_page(k_, map_, {trunc_page(run.va), type}, status, busied);
            }
            if (run.page == nullptr) {
                return status;
            }
            if (k_.on(Defect::b109_debugger_wires)) {
                wire(*run.page);
            }
        }
        return Status::success;
    }

    // The bytes move; a page that was stored to is dirty afterwards.
    void move(std::uint8_t* bytes) {
        for (const Run& run : runs_) {
            if (run.length == 0) {
                continue;
            }
            const Pa pa = (run.page->frame << kPageShift) | (run.va & kPageMask);
            if (writes_) {
                k_.machine.memory().store(pa, run.length, bytes);
                k_.pages.dirty(*run.page);
            } else {
                k_.machine.memory().load(pa, run.length, bytes);
            }
            bytes += run.length;
        }
    }

    void release(bool failed) {
        for (const Run& run : runs_) {
            if (run.page == nullptr) {
                continue;
            }
            if (k_.on(Defect::b109_debugger_wires) && !failed) {
                unwire(*run.page);
            }
            if (busied_) {
                k_.pages.wakeup(*run.page);
            } else {
                k_.pages.unhold(*run.page);
            }
        }
    }

  private:
    struct Run {
        Va va = 0;
        std::uint32_t length = 0;
        Page* page = nullptr;
    };

    void wire(Page& page) {
        if (busied_) {
            k_.pages.wire(page);
            return;
        }
        k_.pages.busy_wait(page);
        k_.pages.wire(page);
        k_.pages.wakeup(page);
    }
    void unwire(Page& page) {
        if (busied_) {
            k_.pages.unwire(page, true);
            return;
        }
        k_.pages.busy_wait(page);
        k_.pages.unwire(page, true);
        k_.pages.wakeup(page);
    }

    Kernel& k_;
    Map& map_;
    bool writes_;
    bool busied_ = false;
    std::array<Run, 2> runs_;
};

}  // namespace

// procfs_rwmem. Blocks
Outcome System::run(const DebugAccess& operation) {
    DebuggedPages pages(kernel_, map_of(operation.target), operation);
    const Status status = pages.find();
    auto bytes = bytes_of(operation.value);
    if (status == Status::success) {
        pages.move(bytes.data());
    }
    pages.release(status != Status::success);
    Outcome outcome{.status = status};
    if (status == Status::success && operation.call == DebugCall::debug_read) {
        for (unsigned i = 0; i < operation.size; ++i) {
            outcome.value |= std::uint32_t{bytes[i]} << (8 * i);
        }
    }
    return outcome;
}

// The page of a buffer, as vmapbuf gets it. Who stores to it later must not keep it busy until then.
Outcome System::run(const KernelGet& operation) {
    Status status = Status::invalid_address;
    Page* page = nullptr;
    bool busied = false;
    if (operation.addr < kUserEnd) {
        const Prot type = operation.write ? kProtRead | kProtWrite : kProtRead;
        page =
            vm_fault_page_quick(kernel_, trunc_page(operation.addr), type, status, operation.write ? nullptr : &busied);
    }
    if (page == nullptr) {
        return {.status = status};
    }
    const std::uint32_t offset = operation.addr & kPageMask & ~3U;
    held_[operation.slot] = {page, offset, operation.write};
    return {.value = kernel_.machine.memory().read32((page->frame << kPageShift) | offset)};
}

// The page may have left its object meanwhile, with its process: then nobody sees the store.
Outcome System::run(const KernelPut& operation) {
    const HeldPage held = std::exchange(held_[operation.slot], HeldPage{});
    if (held.write) {
        const Pa pa = (held.page->frame << kPageShift) | held.offset;
        kernel_.machine.memory().store(pa, sizeof operation.value, bytes_of(operation.value).data());
        // Not before the store: a write-out in between would leave the page clean (B-27).
        if (!kernel_.on(Defect::b27_dirtied_before_the_store)) {
            kernel_.pages.dirty(*held.page);
        }
    }
    kernel_.pages.unhold(*held.page);
    return {};
}

// mmap of a device whose driver maps page by page, on demand.
Outcome System::run(const MapDevice& operation) {
    if (operation.length == 0) {
        return {};
    }
    const std::uint64_t device_end = std::uint64_t{operation.offset} + operation.length;
    const bool aligned = ((operation.addr | operation.offset) & kPageMask) == 0;
    if (!aligned || std::uint64_t{operation.addr} + operation.length > kUserEnd ||
        device_end > kUserDevicePages * kPageSize) {
        return {.status = Status::invalid_argument};
    }
    Map& map = process(operation.pid).map;
    const Va end = operation.addr + round_page(operation.length);
    if (map_would_clip_table(map, operation.addr, end)) {
        return {.status = Status::invalid_argument};
    }
    if (!device_open(kernel_, operation.device)) {
        return {};
    }
    EntrySpec spec;
    spec.offset = operation.offset;
    spec.protection = operation.prot;
    spec.inheritance = Inherit::share;
    spec.device = operation.device;
    {
        const MapLock lock(kernel_, map);
        map_delete(kernel_, map, operation.addr, end);
        map_insert(kernel_, map, operation.addr, end, spec);
    }
    map_wire_new(kernel_, map, operation.addr, end);
    return {};
}

// copyin and copyout of who has TDF_NOFAULT.
Outcome System::run(const NofaultAccess& operation) {
    Process& self = process(operation.pid);
    const Statistics& stats = kernel_.stats;
    const std::uint64_t waits = stats.memory_waits + stats.pageins;
    const AccessKind kind = operation.call == NofaultCall::load_nofault ? AccessKind::load : AccessKind::store;
    self.nofault = true;
    const Outcome outcome = run(Access{.pid = operation.pid,
                                       .kind = kind,
                                       .addr = operation.addr & ~(operation.size - 1U),
                                       .size = operation.size,
                                       .value = operation.value,
                                       .kernel = true});
    self.nofault = false;
    if (kernel_.probe != nullptr) {
        kernel_.probe->nofault_ended(outcome.status == Status::success, stats.memory_waits + stats.pageins - waits);
    }
    return outcome;
}

std::uint32_t System::kernel_holds(const Page& page) const {
    return static_cast<std::uint32_t>(
        std::count_if(held_.begin(), held_.end(), [&page](const HeldPage& held) { return held.page == &page; }));
}

}  // namespace vmref::impl
