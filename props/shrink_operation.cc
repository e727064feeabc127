// One operation made simpler.
#include <algorithm>
#include <map>
#include <type_traits>
#include <utility>
#include <variant>

#include "props/machine/simpler.h"
#include "props/shrink_changes.h"

namespace vmref::props {

namespace {

// New numbers from `next` on, in the order of asking.
class Numbers {
  public:
    explicit Numbers(std::uint32_t next) : next_(next) {}
    std::uint32_t of(std::uint32_t old) {
        const auto [at, added] = numbers_.try_emplace(old, next_);
        next_ += added ? 1 : 0;
        return at->second;
    }

  private:
    std::map<std::uint32_t, std::uint32_t> numbers_;
    std::uint32_t next_;
};

template <typename Op>
class Simpler {
  public:
    explicit Simpler(const Op& op) : op_(op) {}

    template <typename Change>
    void add(Change change) {
        Op changed = op_;
        change(changed);
        if (!(changed == op_)) {
            list_.push_back(std::move(changed));
        }
    }
    // Whole pages stay whole pages; nothing is not simpler than something.
    void halve(std::uint32_t Op::*bytes) {
        const std::uint32_t now = op_.*bytes;
        const std::uint32_t half = now > kPageSize && (now & kPageMask) == 0 ? round_page(now / 2) : now / 2;
        if (half != 0) {
            add([&](Op& op) { op.*bytes = half; });
        }
    }
    Operations take() { return std::move(list_); }

  private:
    const Op& op_;
    Operations list_;
};

void simplify(Simpler<Access>& simpler) {
    simpler.add([](Access& op) { op.kernel = false; });
    simpler.add([](Access& op) { op.value = op.kind == AccessKind::store ? 1 : 0; });
    simpler.add([](Access& op) {
        op.addr &= ~kPageMask;
        op.size = 4;
    });
}

void simplify(Simpler<Mmap>& simpler) {
    simpler.add([](Mmap& op) { op.file = op.offset = 0; });
    simpler.add([](Mmap& op) { op.offset = 0; });
    simpler.add([](Mmap& op) { op.max_prot = kProtAll; });
    simpler.add([](Mmap& op) { op.prot = kProtRead | kProtWrite; });
    simpler.add([](Mmap& op) { op.stack = false; });
    simpler.add([](Mmap& op) { op.shared = false; });
    simpler.add([](Mmap& op) { op.vpagetable = false; });
    simpler.halve(&Mmap::length);
}

// What is named by a number gets a smaller one, what is long gets short, addresses go to the start of their page table.
template <typename Op>
void simplify_pmap_operation(Simpler<Op>& simpler) {
    simpler.add([](Op& op) { op.cpu = 0; });
    if constexpr (requires(Op & op) { op.pages; }) {
        simpler.add([](Op& op) { op.pages = std::min(op.pages, 1U); });
    }
    if constexpr (requires(Op & op) { op.wired; }) {
        simpler.add([](Op& op) { op.wired = false; });
        simpler.add([](Op& op) { op.nosync = false; });
        simpler.add([](Op& op) { op.prot = kProtRead | kProtWrite; });
    }
    if constexpr (std::is_same_v<Op, HardwareAccess>) {
        simpler.add([](HardwareAccess& op) { op.va = trunc_page(op.va); });
        simpler.add([](HardwareAccess& op) { op.size = 1; });
        simpler.add([](HardwareAccess& op) { op.value = op.kind == AccessKind::store ? 1 : 0; });
        simpler.add([](HardwareAccess& op) { op.supervisor = false; });
    } else if constexpr (std::is_same_v<Op, PmapCopyPage>) {
        simpler.add([](PmapCopyPage& op) { op.from_offset = op.to_offset = op.length = 0; });
    } else if constexpr (requires(Op & op) { op.va; }) {
        simpler.add([](Op& op) { op.va = trunc_page(op.va); });
    }
}

void simplify(Simpler<DebugAccess>& simpler) {
    simpler.add([](DebugAccess& op) { op.pid = op.target; });
    simpler.add([](DebugAccess& op) { op.value = op.call == DebugCall::debug_write ? 1 : 0; });
    simpler.add([](DebugAccess& op) {
        op.addr &= ~kPageMask;
        op.size = 4;
    });
}

void simplify(Simpler<NofaultAccess>& simpler) {
    simpler.add([](NofaultAccess& op) { op.value = op.call == NofaultCall::store_nofault ? 1 : 0; });
    simpler.add([](NofaultAccess& op) {
        op.addr &= ~kPageMask;
        op.size = 4;
    });
}

void simplify(Simpler<KernelAccess>& simpler) {
    simpler.add([](KernelAccess& op) { op.value = op.call == KernelCall::kernel_store ? 1 : 0; });
    simpler.add([](KernelAccess& op) {
        op.addr &= ~kPageMask;
        op.size = 4;
    });
}

void simplify(Simpler<KernelAlloc>& simpler) {
    simpler.add([](KernelAlloc& op) { op.pages = std::min(op.pages, op.use == KernelUse::stack ? 2U : 1U); });
    simpler.add([](KernelAlloc& op) { op.use = KernelUse::pageable; });
}

void simplify(Simpler<KernelGet>& simpler) {
    simpler.add([](KernelGet& op) { op.addr &= ~kPageMask; });
    simpler.add([](KernelGet& op) { op.write = false; });
}

// Nothing goes wrong by itself, objects are small, and the first page is as good as any.
template <typename Op>
void simplify_object_operation(Simpler<Op>& simpler) {
    if constexpr (requires(Op & op) { op.pager; }) {
        simpler.add([](Op& op) { op.pager = {}; });
        simpler.add([](Op& op) { op.pager.ordinal = 1; });
    }
    if constexpr (requires(Op & op) { op.event; }) {
        simpler.add([](Op& op) { op.event = PagerEvent::ok; });
    }
    if constexpr (requires(Op & op) { op.shortage; }) {
        simpler.add([](Op& op) { op.shortage = 0; });
        simpler.add([](Op& op) { op.value = op.value != 0 ? 1 : 0; });
    }
    if constexpr (requires(Op & op) { op.shared; }) {
        simpler.add([](Op& op) { op.shared = false; });
    }
    if constexpr (requires(Op & op) { op.pages; }) {
        simpler.add([](Op& op) { op.pages = 1; });
        simpler.halve(&Op::pages);
    }
    if constexpr (requires(Op & op) { op.offset; }) {
        simpler.add([](Op& op) { op.offset = 0; });
    }
    if constexpr (requires(Op & op) { op.index; }) {
        simpler.add([](Op& op) { op.index = 0; });
    }
}

template <typename Op>
void simplify(Simpler<Op>& simpler) {
    if constexpr (std::is_same_v<Op, Threads>) {
        simpler.add([](Threads& op) { op.count = 1; });
    } else if constexpr (std::is_same_v<Op, Pageout>) {
        simpler.add([](Pageout& op) { op.pages = kManyPages; });
    } else if constexpr (std::is_same_v<Op, Mremap>) {
        simpler.add([](Mremap& op) { op.new_length = std::min(op.new_length, op.length); });
        simpler.halve(&Mremap::new_length);
    } else if constexpr (std::is_same_v<Op, Msync>) {
        simpler.add([](Msync& op) { op.invalidate = false; });
    } else if constexpr (std::is_same_v<Op, WriteOut>) {
        simpler.add([](WriteOut& op) { op.unfinished = false; });
        simpler.add([](WriteOut& op) { op.fails = false; });
    } else if constexpr (std::is_same_v<Op, BusyPage>) {
        simpler.add([](BusyPage& op) { op.sleeps = 1; });
    } else if constexpr (std::is_same_v<Op, PlanIo>) {
        simpler.add([](PlanIo& op) { op.ahead = kAnyAhead; });
        simpler.add([](PlanIo& op) { op.ordinal = 1; });
    } else if constexpr (std::is_same_v<Op, PlanShortage>) {
        simpler.add([](PlanShortage& op) { op.ordinal = 1; });
    } else if constexpr (std::is_same_v<Op, CreateFile>) {
        simpler.add([](CreateFile& op) { op.path.clear(); });
    }
    if constexpr (kTakes<WorldName::machine, Op>) {
        simplify_machine<Op>(simpler);
    } else if constexpr (kTakes<WorldName::pmap, Op>) {
        simplify_pmap_operation(simpler);
    } else if constexpr (kTakes<WorldName::object, Op>) {
        simplify_object_operation(simpler);
    } else if constexpr (requires { &Op::length; }) {
        simpler.halve(&Op::length);
    } else if constexpr (requires { &Op::size; }) {
        simpler.halve(&Op::size);
    }
}

}  // namespace

Operations simpler_operations(const Operation& operation) {
    return std::visit(
        [](const auto& op) {
            Simpler simpler(op);
            simplify(simpler);
            return simpler.take();
        },
        operation);
}

Operations renumber_pages(Operations operations) {
    Numbers pages(0);
    Numbers pmaps(1);
    const auto renumber = [&]<typename Op>(Op& op) {
        if constexpr (kTakes<WorldName::pmap, Op>) {
            const auto page = [&](PageNumber& number) { number = is_device(number) ? number : pages.of(number); };
            if constexpr (requires { op.pmap; }) {
                op.pmap = op.pmap == kKernelPmap ? kKernelPmap : pmaps.of(op.pmap);
            }
            if constexpr (requires { op.from; }) {
                page(op.from);
                page(op.to);
            } else if constexpr (
                requires { op.page; } && !requires { op.pages; }) {
                page(op.page);
            }
        }
    };
    for (Operation& operation : operations) {
        std::visit(renumber, operation);
    }
    return operations;
}

}  // namespace vmref::props
