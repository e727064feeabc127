// Where the pmap world's addresses lie. Model and implementation keep to the same places.
#pragma once

#include "ops/types.h"

namespace vmref {

using PmapNumber = std::uint32_t;  // 0 is kernel_pmap
using PageNumber = std::uint32_t;

inline constexpr PmapNumber kKernelPmap = 0;
inline constexpr PmapNumber kMaxPmaps = 64;        // numbers end below
inline constexpr PageNumber kMaxDataPages = 4096;  // numbers of pages that can be made end below

// A 4 MiB aligned piece of physical memory beside the `frames` of the configuration; nobody makes or frees its pages.
inline constexpr PageNumber kDevicePage = 4096;  // number of its first page
inline constexpr std::uint32_t kDevicePages = 1024;
constexpr bool is_device(PageNumber page) {
    return page >= kDevicePage && page < kDevicePage + kDevicePages;
}

inline constexpr std::uint32_t kBigPageSize = 1U << 22;

// The kernel's part of every address space begins with its text, a 4 MiB page. What follows has page tables of the
// kernel, the first kKernelTables of them from the start; pmap_growkernel adds more.
inline constexpr Va kKernelBase = 0xC0000000U;
inline constexpr std::uint32_t kKernelTables = 2;
inline constexpr Va kKernelStart = kKernelBase + kBigPageSize;
inline constexpr Va kKernelFirstEnd = kKernelStart + kKernelTables * kBigPageSize;
inline constexpr Va kKernelLastEnd = 0xFE000000U;  // growth ends here

struct KernelRange {
    Va start;
    Va end;
    constexpr bool holds(Va va) const { return va >= start && va < end; }
    constexpr bool holds(Va va, std::uint32_t pages) const {
        return va >= start && va <= end && pages <= (end - va) >> kPageShift;
    }
};
// pmap_enter with kernel_pmap.
inline constexpr KernelRange kEnterRange{kKernelStart, kKernelStart + 0x180000U};
// The part of it whose A and M bits nobody looks at: the clean map of the buffer cache (pmap.c:682).
inline constexpr KernelRange kUntrackedRange{kKernelStart + 0x100000U, kKernelStart + 0x180000U};
// Mappings without pv entry or statistics: pmap_kenter and its relatives.
inline constexpr KernelRange kUnmanagedRange{kKernelStart + 0x180000U, kKernelStart + 0x300000U};
// The crash dump map, the windows of the CPUs, the directories of the pmaps.
inline constexpr KernelRange kCrashRange{kKernelStart + 0x300000U, kKernelStart + 0x310000U};
inline constexpr KernelRange kOwnRange{kKernelStart + 0x310000U, kKernelStart + 0x400000U};
// Where pmap_mapdev finds addresses.
inline constexpr KernelRange kDeviceRange{kKernelStart + 0x400000U, kKernelFirstEnd};

constexpr bool is_untracked(Va va) {
    return kUntrackedRange.holds(va);
}

// Frames that the kernel takes for itself before anything else: its directory, its tables, the page table of the
// CPUs' data.
inline constexpr std::uint32_t kBootFrames = 2 + kKernelTables;

}  // namespace vmref
