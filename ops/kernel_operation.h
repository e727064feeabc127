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
// no stack grows; target 0 is the kernel's own memory (KernelAlloc). 1, 2 or 4 bytes, little endian, at any address;
// they may cross a page boundary. All pages are found, in order, before a byte moves; what the first page that refuses
// says is the status, and no byte moves then. A read needs the right to read, always. A write is judged by the maximum
// protection instead: it may go to a private mapping that the process cannot store to, which gets its own value as by
// any store; the mapping's protection does not change, and the process cannot store there afterwards either. But of a
// wired page the protection itself must have write. Not mapped or not user space: invalid_address. No right, or past
// the end of the file: protection_failure. If `pid` or `target` is killed for memory meanwhile, the observation has
// Signal::kill.
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

enum class NofaultCall : std::uint8_t { load_nofault, store_nofault };

// A kernel access (Access::kernel) by who must not wait for I/O or memory: one access of 1, 2 or 4 bytes at `addr`
// rounded down to a multiple of `size`. Where it would have to wait, or might have to, it fails with invalid_address
// and has no effect; it may fail wherever a page is not mapped by the page tables. No stack grows for it.
struct NofaultAccess {
    NofaultCall call;
    Pid pid;
    Va addr;
    std::uint8_t size;
    std::uint32_t value = 0;  // stores only
    bool operator==(const NofaultAccess&) const = default;
};

// mlockall(2): from now on (`on`), or no longer, every mapping that Mmap makes or that a stack grows by is locked as by
// Mlock, without limit, right after it was made; what cannot be locked as a whole is mapped all the same. Exec ends it,
// and a child begins without.
struct LockFuture {
    Pid pid;
    bool on = true;
    bool operator==(const LockFuture&) const = default;
};

using DeviceId = std::uint16_t;
inline constexpr DeviceId kUserDevices = 2;
inline constexpr std::uint32_t kUserDevicePages = 3;

// Maps memory of device `device` (1 to kUserDevices), from byte `offset` on, at [addr, addr + length), rounded up to
// pages; whatever is mapped there goes first. Zeroes at first, shared by all who map it, for ever. addr and offset must
// be page aligned, the range in user space and cut through no mapping with a virtual page table, and the device must
// reach that far (kUserDevicePages), else invalid_argument. Its inheritance starts as share; copy is as share, the
// maximum protection is everything. madvise(free) concerns none of it, and it does not grow: Mremap that would make it
// longer gives invalid_argument.
struct MapDevice {
    Pid pid;
    DeviceId device;
    Va addr;
    std::uint32_t length;
    Prot prot;
    std::uint32_t offset = 0;
    bool operator==(const MapDevice&) const = default;
};

// The kernel's own memory (kernel_map): kKernelPages pages at kKernelMemory, addresses of its own that no process has.
// From page kFirstOfSubmap on they belong to a submap. Where an operation may name it, it is process 0.
inline constexpr Va kKernelMemory = 0x40000000;
inline constexpr std::uint32_t kKernelPages = 6;
inline constexpr std::uint32_t kFirstOfSubmap = 4;

enum class KernelUse : std::uint8_t {
    pageable,  // zeroes, which may be paged out
    stack,     // of a kernel thread: a guard page, where nothing ever is, and above it zeroes, wired
    reserved,  // addresses alone: nobody may fault there
};

// The kernel allocates `pages` pages of its memory at addr. no_space if any of them is allocated; invalid_argument if
// addr is not page aligned, there are no pages (for a stack: fewer than two), or they do not lie all in the submap or
// all outside of it. Processes may be killed for the memory.
struct KernelAlloc {
    Va addr;
    std::uint32_t pages;
    KernelUse use = KernelUse::pageable;
    bool operator==(const KernelAlloc&) const = default;
};

// What was allocated at addr is free again, as a whole. invalid_argument if no allocation begins there.
struct KernelFree {
    Va addr;
    bool operator==(const KernelFree&) const = default;
};

enum class KernelCall : std::uint8_t { kernel_load, kernel_store };

// A kernel thread's access of 1, 2 or 4 bytes at `addr`, rounded down to a multiple of `size`; pages are faulted in.
// Nothing allocated: invalid_address. A guard page or reserved addresses: failure (where the sources panic), also for
// DebugAccess. What cannot be read (Witness::failed): in the submap, failure; outside, it is lost, and zeroes take its
// place, rather than that the kernel ends. What its pager calls out of range: protection_failure, anywhere.
struct KernelAccess {
    KernelCall call;
    Va addr;
    std::uint8_t size;
    std::uint32_t value = 0;  // stores only
    bool operator==(const KernelAccess&) const = default;
};

// setrlimit(RLIMIT_RSS): a user's access that faults, and finds more pages of the process mapped than `pages` and
// Config::rss_slop, leaves at most `pages` mapped; wired ones do not count. Changes no value. A child begins with its
// parent's limit.
struct LimitResident {
    Pid pid;
    std::uint32_t pages;
    bool operator==(const LimitResident&) const = default;
};

// All pages in swap space come back into memory, but for those that cannot be read; meanwhile nothing can be written to
// it. Changes no value, but may cost processes their lives.
struct Swapoff {
    bool operator==(const Swapoff&) const = default;
};

}  // namespace vmref
