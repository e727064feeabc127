// Operations of the system world that the kernel itself, or a debugger, does to the memory of a process without going
// through its page tables (vm_fault_page). The comments are the contract, as in ops/operation.h.
#pragma once

#include <cstdint>

#include "ops/types.h"

namespace vmref {

// Pages that the kernel holds from one operation to a later one, by slot number.
inline constexpr std::uint32_t kHoldSlots = 4;

enum class DebugCall : std::uint8_t { debug_read, debug_write };

// Process `pid` looks at, or pokes into, the memory of `target` (ptrace, procfs); pid 0 is a kernel thread, for which
// no stack grows. 1, 2 or 4 bytes, little endian, at any address; they may cross a page boundary. All pages are found,
// in order, before a byte moves; what the first page that refuses says is the status, and no byte moves then. A read
// needs the right to read, always. A write is judged by the maximum protection instead: it may go to a private mapping
// that the process cannot store to, which gets its own value as by any store; the mapping's protection does not change,
// and the process cannot store there afterwards either. But of a wired page the protection itself must have write.
// Not mapped or not user space: invalid_address. No right, or past the end of the file: protection_failure.
// If `pid` or `target` is killed for memory meanwhile, the observation has Signal::kill.
struct DebugAccess {
    DebugCall call;
    Pid pid;
    Pid target;
    Va addr;
    std::uint8_t size;        // 1, 2 or 4
    std::uint32_t value = 0;  // writes only
    bool operator==(const DebugAccess&) const = default;
};

// The kernel gets hold of the page of `pid` around `addr`, for reading, or for reading and writing (as for raw I/O),
// and reports the word there (addr rounded down to 4). Judged as by DebugAccess of the process itself, but by the
// protection, which must have all rights asked for. The page stays held in `slot` until KernelPut.
// Who holds for writing names a page, not an address: until it is put back, only operations that leave all mappings and
// file ends where they are may come (`refuse` says which).
struct KernelGet {
    Pid pid;
    std::uint32_t slot;  // below kHoldSlots; a slot in use is bad input
    Va addr;
    bool write = false;
    bool operator==(const KernelGet&) const = default;
};

// The kernel lets go of the page in `slot`, whatever became of its process. If it was held for writing, `value` is
// stored first into the word that KernelGet had reported.
struct KernelPut {
    std::uint32_t slot;  // an empty one is bad input
    std::uint32_t value = 0;
    bool operator==(const KernelPut&) const = default;
};

// Wires the range for the kernel, once more (physio). invalid_address if it has a hole. Pages that are wired already,
// by whomever, only count one wiring more. Every other page is faulted in for reading and writing, and must permit
// both; the first that cannot be gives protection_failure, and nothing is newly wired. resource_shortage as by Mlock.
struct KernelWire {
    Pid pid;
    Va addr;
    std::uint32_t length;
    bool operator==(const KernelWire&) const = default;
};

// Takes one wiring of KernelWire back. invalid_address if the range has a hole; invalid_argument, without effect, if
// the kernel has not wired some page. What the user has locked stays wired.
struct KernelUnwire {
    Pid pid;
    Va addr;
    std::uint32_t length;
    bool operator==(const KernelUnwire&) const = default;
};

}  // namespace vmref
