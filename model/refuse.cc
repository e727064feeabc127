// What cannot be asked of a state. Each reason is one line.
#include <array>
#include <charconv>
#include <type_traits>

#include "model/world.h"

namespace vmref::model {

namespace {

using Reason = std::optional<std::string>;

constexpr std::size_t kMaxProcesses = 4096;
constexpr std::uint32_t kMaxThreads = 8;
constexpr std::uint32_t kMostSleeps = 1000;

Reason unless(bool good, const char* thing, std::uint64_t value, const std::string& problem) {
    if (good) {
        return std::nullopt;
    }
    std::string text = thing;
    return text.append(" ").append(std::to_string(value)).append(" ").append(problem);
}

// Whether a process or file of this number can be made.
Reason new_number(const char* thing, std::uint32_t number, bool exists) {
    const Reason zero = unless(number != 0, thing, number, "cannot be made: numbers start at 1");
    return zero ? zero : unless(!exists, thing, number, "exists already");
}

// Whether the operation leaves every page where it is for those who name it by address.
template <typename Op>
bool may_come_while_held(const Op& op) {
    if constexpr (std::is_same_v<Op, Madvise>) {
        return op.advice != Advice::free;
    }
    return std::is_same_v<Op, Access> || std::is_same_v<Op, FileRead> || std::is_same_v<Op, DebugAccess> ||
           std::is_same_v<Op, KernelAlloc> || std::is_same_v<Op, KernelFree> || std::is_same_v<Op, LimitResident> ||
           std::is_same_v<Op, KernelAccess> || std::is_same_v<Op, NofaultAccess> || std::is_same_v<Op, Msync> ||
           std::is_same_v<Op, Pageout> || std::is_same_v<Op, Spawn> || std::is_same_v<Op, Threads> ||
           std::is_same_v<Op, Switch> || std::is_same_v<Op, WriteOut> || std::is_same_v<Op, FinishIo> ||
           std::is_same_v<Op, Reclaim> || std::is_same_v<Op, BusyPage> || std::is_same_v<Op, PlanIo> ||
           std::is_same_v<Op, PlanShortage>;
}

template <typename Op>
Reason process_reason(World& world, const Op& op) {
    const auto missing = [&](Pid pid) {
        return unless(pid != 0 && world.find(pid) != nullptr, "process", pid, "does not exist");
    };
    const auto made = [&](Pid pid) {
        const Reason reason = new_number("process", pid, world.find(pid) != nullptr);
        return reason ? reason
                      : unless(world.pids.size() < kMaxProcesses, "process", pid, "is beyond the 4096 that fit");
    };
    if constexpr (std::is_same_v<Op, Spawn>) {
        return made(op.pid);
    } else if constexpr (std::is_same_v<Op, Fork>) {
        const Reason reason = missing(op.parent);
        return reason ? reason : made(op.child);
    } else if constexpr (requires { op.pid; }) {
        constexpr bool nobody_will_do = std::is_same_v<Op, Switch> || std::is_same_v<Op, DebugAccess> ||
                                        std::is_same_v<Op, WriteOut> || std::is_same_v<Op, Reclaim> ||
                                        std::is_same_v<Op, BusyPage>;
        const Reason reason = nobody_will_do && op.pid == 0 ? std::nullopt : missing(op.pid);
        if constexpr (requires { op.target; }) {
            return reason || op.target == 0 ? reason : missing(op.target);
        }
        return reason;
    } else {
        return std::nullopt;
    }
}

template <typename Op>
Reason file_reason(World& world, const Op& op) {
    if constexpr (requires { op.file; }) {
        const bool exists = world.find_file(op.file) != nullptr;
        if constexpr (std::is_same_v<Op, CreateFile>) {
            if (Reason reason = new_number("file", op.file, exists)) {
                return reason;
            }
        } else if (!exists && !(std::is_same_v<Op, Mmap> && op.file == 0)) {
            return unless(false, "file", op.file, "does not exist");
        }
    }
    if constexpr (std::is_same_v<Op, CreateFile> || std::is_same_v<Op, Ftruncate>) {
        return unless(op.size <= kMaxFileSize, "file size", op.size, "exceeds " + std::to_string(kMaxFileSize));
    }
    return std::nullopt;
}

// Slots of pages that the kernel holds, and what may come while one is held for writing.
template <typename Op>
Reason hold_reason(World& world, const Op& op) {
    if constexpr (std::is_same_v<Op, KernelGet> || std::is_same_v<Op, KernelPut>) {
        if (op.slot >= kHoldSlots) {
            return unless(false, "slot", op.slot, "does not exist (there are 4)");
        }
        if (std::is_same_v<Op, KernelGet> && world.kept) {
            return "what a hook keeps back has to run before a page is held";
        }
        const bool used = world.held[op.slot].used();
        return std::is_same_v<Op, KernelGet> ? unless(!used, "slot", op.slot, "is in use")
                                             : unless(used, "slot", op.slot, "is empty");
    }
    for (std::uint32_t slot = 0; slot < kHoldSlots; ++slot) {
        if (world.held[slot].write && !may_come_while_held(op)) {
            return unless(
                false, "slot", slot,
                "is held for writing: only accesses (load_nofault too), file_read, debug_read, debug_write, msync, "
                "pageout, spawn, threads, switch, madvise without free, kernel_get, kernel_put, operations "
                "on the kernel's own memory and stand-ins without hook may come");
        }
    }
    return std::nullopt;
}

template <typename Op>
Reason number_reason(World& world, const Op& op) {
    if constexpr (requires { op.prot; }) {
        if (op.prot > kProtAll) {
            return unless(false, "protection", op.prot, "is not 0 to 7");
        }
    }
    if constexpr (std::is_same_v<Op, MapDevice>) {
        return unless(op.device >= 1 && op.device <= kUserDevices, "device", op.device,
                      "does not exist (there are 1 and 2)");
    } else if constexpr (std::is_same_v<Op, Mmap>) {
        const std::uint64_t end = std::uint64_t{op.addr} + op.length;
        if (op.addr >= kUserEnd || op.length > kUserEnd || (op.fixed && end > kUserEnd)) {
            return "mapping [" + hex(op.addr) + ", " + hex(end) + ") lies outside user space";
        }
        return unless(op.max_prot <= kProtAll, "maximum protection", op.max_prot, "is not 0 to 7");
    } else if constexpr (std::is_same_v<Op, Threads>) {
        return unless(op.count >= 1 && op.count <= kMaxThreads, "thread count", op.count, "is not 1 to 8");
    } else if constexpr (std::is_same_v<Op, Access> || std::is_same_v<Op, DebugAccess> ||
                         std::is_same_v<Op, NofaultAccess> || std::is_same_v<Op, KernelAccess>) {
        return unless(op.size == 1 || op.size == 2 || op.size == 4, "access size", op.size, "is not 1, 2 or 4");
    } else if constexpr (std::is_same_v<Op, Switch>) {
        const std::uint32_t cpus = world.config.cpus;
        return unless(op.cpu < cpus, "cpu", op.cpu, "does not exist (" + std::to_string(cpus) + " are configured)");
    } else if constexpr (std::is_same_v<Op, BusyPage>) {
        return unless(op.sleeps >= 1 && op.sleeps <= kMostSleeps, "number of sleeps", op.sleeps, "is not 1 to 1000");
    } else if constexpr (std::is_same_v<Op, PlanIo>) {
        const bool of_read = op.answer == IoAnswer::bad || op.answer >= IoAnswer::replaced || op.ahead != kAnyAhead;
        const Reason reason = unless(op.ordinal != 0, "ordinal", op.ordinal, "is not 1 or more");
        return op.call == IoCall::put && of_read ? "only a read has this answer, or pages ahead" : reason;
    } else if constexpr (std::is_same_v<Op, PlanShortage>) {
        return unless(op.ordinal != 0, "ordinal", op.ordinal, "is not 1 or more");
    } else {
        return std::nullopt;
    }
}

}  // namespace

std::string hex(std::uint64_t value) {
    std::array<char, 16> digits{};
    const auto end = std::to_chars(digits.begin(), digits.end(), value, 16).ptr;
    std::string text = "0x";
    return text.append(digits.data(), end);
}

std::optional<std::string> reason_to_refuse(World& world, const Operation& operation) {
    if (!belongs_to<WorldName::system>(operation)) {
        return "the operation belongs to another world";
    }
    if (world.keeps_next_back) {
        if (Reason reason = reason_not_to_keep_back(operation)) {
            return reason;
        }
    }
    return visit_operation<WorldName::system>(
        [&](const auto& op) {
            Reason reason = process_reason(world, op);
            reason = reason ? reason : file_reason(world, op);
            reason = reason ? reason : hold_reason(world, op);
            return reason ? reason : number_reason(world, op);
        },
        operation);
}

}  // namespace vmref::model
