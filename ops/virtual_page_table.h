// The format of virtual page tables (VPTE_* of a 32-bit system): two levels of 1,024 words each, in the memory of the
// mapping that they translate. A word names a page of that memory, counted from the mapping's first.
#pragma once

#include <cstdint>

namespace vmref {

inline constexpr std::uint32_t kVpteV = 0x001;   // the word is valid
inline constexpr std::uint32_t kVpteRW = 0x002;  // what it maps may be stored to
inline constexpr std::uint32_t kVpteA = 0x020;   // set by the kernel: a fault went through the word
inline constexpr std::uint32_t kVpteM = 0x040;   // set by the kernel: a fault for a store did
inline constexpr std::uint32_t kVptePS = 0x080;  // the walk ends here: what it maps is contiguous
inline constexpr unsigned kVpteFrameShift = 12;
inline constexpr unsigned kVpteLevelBits = 10;  // of the page number, consumed by each level
inline constexpr unsigned kVpteIndexBits = 20;  // of the page number, before the first level

}  // namespace vmref
