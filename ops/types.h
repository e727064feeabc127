// The words that both sides of the comparison speak: addresses, protections, outcomes.
#pragma once

#include <cstdint>

namespace vmref {

using Va = std::uint32_t;         // virtual address, bytes
using Pa = std::uint32_t;         // physical address, bytes
using Frame = std::uint32_t;      // physical page number
using PageIndex = std::uint32_t;  // page number inside an object or a file
using Pid = std::uint32_t;        // process; 0 is "no process"
using FileId = std::uint32_t;
using CpuId = std::uint32_t;

inline constexpr unsigned kPageShift = 12;
inline constexpr std::uint32_t kPageSize = 1U << kPageShift;
inline constexpr std::uint32_t kPageMask = kPageSize - 1;

// First address that user mappings may not reach (VM_MAXUSER_ADDRESS, VADDR(766,1024)).
inline constexpr Va kUserEnd = 0xBFC00000U;
// Largest file, in bytes: the largest offset whose page index still fits a mapping.
inline constexpr std::uint32_t kMaxFileSize = 0x40000000U;

constexpr Va trunc_page(Va va) {
    return va & ~kPageMask;
}
constexpr std::uint32_t round_page(std::uint32_t bytes) {
    return (bytes + kPageMask) & ~kPageMask;
}
constexpr std::uint32_t page_of(Va va) {
    return va >> kPageShift;
}
constexpr std::uint32_t pages_in(std::uint32_t bytes) {
    return (bytes >> kPageShift) + ((bytes & kPageMask) != 0 ? 1U : 0U);
}

// Machine-independent protection (vm_prot_t).
using Prot = std::uint8_t;
inline constexpr Prot kProtNone = 0;
inline constexpr Prot kProtRead = 1;
inline constexpr Prot kProtWrite = 2;
inline constexpr Prot kProtExecute = 4;
inline constexpr Prot kProtAll = 7;

// What a mapping becomes in the child of a fork (vm_inherit_t).
enum class Inherit : std::uint8_t { share, copy, none };

enum class Advice : std::uint8_t { normal, random, sequential, willneed, dontneed, free, nosync, autosync };

// KERN_* outcomes, as a system call or a fault reports them.
enum class Status : std::uint8_t {
    success,
    invalid_address,
    protection_failure,
    no_space,
    invalid_argument,
    failure,
    resource_shortage,
    failure_nofault,  // a lookup would have had to block; internal to the fault handler
    try_again,        // internal retry of the fault handler; never observed
};

// How a user access or a process ends.
enum class Signal : std::uint8_t { none, segv, bus, kill };

enum class AccessKind : std::uint8_t { load, store, fetch };

}  // namespace vmref
