// The i386 page-table word: its bits, and what the MMU does with it (non-PAE, no execute bit, 4 MiB pages by PS).
#pragma once

#include <cstdint>

#include "impl/machine/word.h"

namespace vmref::impl {

inline constexpr std::uint32_t kPteV = 0x001;        // valid
inline constexpr std::uint32_t kPteRW = 0x002;       // writable
inline constexpr std::uint32_t kPteU = 0x004;        // user mode may use it
inline constexpr std::uint32_t kPteN = 0x018;        // uncached: write-through and cache disable
inline constexpr std::uint32_t kPteA = 0x020;        // accessed; hardware sets it
inline constexpr std::uint32_t kPteM = 0x040;        // modified; hardware sets it
inline constexpr std::uint32_t kPtePS = 0x080;       // in a directory entry: a 4 MiB page. Unused in leaves (PAT)
inline constexpr std::uint32_t kPteG = 0x100;        // survives a load of cr3
inline constexpr std::uint32_t kPteW = 0x200;        // software: wired
inline constexpr std::uint32_t kPteManaged = 0x400;  // software: has a pv entry
inline constexpr std::uint32_t kPteFrame = 0xFFFFF000;
inline constexpr std::uint32_t kPteBigFrame = 0xFFC00000;  // of a 4 MiB page
// Of a 4 MiB page: a machine without 36-bit addresses refuses an entry with one of them. Bit 12 is its PAT bit.
inline constexpr std::uint32_t kPteBigReserved = 0x003FE000;

inline constexpr std::uint32_t kPtesPerTable = 1024;
inline constexpr unsigned kPdeShift = 22;

// Page-fault error code bits.
inline constexpr std::uint32_t kFaultPresent = 1;  // the page was present: a rights violation
inline constexpr std::uint32_t kFaultWrite = 2;
inline constexpr std::uint32_t kFaultUser = 4;
inline constexpr std::uint32_t kFaultReserved = 8;  // a present entry has reserved bits

constexpr std::uint32_t pde_index(std::uint32_t va) {
    return va >> kPdeShift;
}
constexpr std::uint32_t pte_index(std::uint32_t va) {
    return (va >> 12) & (kPtesPerTable - 1);
}

// Hardware rules. Fetches are reads: this MMU has no execute right.
namespace pte {

using word::all;
using word::any;
using word::bits_if;
using word::Bool;
using word::delta;
using word::iff;
using word::implies;
using word::none;
using word::Same;
using word::select;
using word::Word;

template <Word W>
struct Access {
    Bool<W> user;           // made in user mode
    Bool<W> write;          // otherwise a read or a fetch
    Bool<W> write_protect;  // CR0.WP: supervisor writes obey RW
};

// The bits that directory and table grant together; those of the directory alone for a 4 MiB page.
template <Word W>
constexpr W combined(W pde, Same<W> leaf) {
    return select(any(pde, kPtePS), pde, W(pde & leaf));
}

template <Word W>
constexpr Bool<W> mmu_allows(W pde, Same<W> leaf, Access<W> access) {
    const W granted = combined(pde, leaf);
    const Bool<W> write_ok = !access.write || any(granted, kPteRW);
    const Bool<W> user_ok = any(granted, kPteU) && write_ok;
    const Bool<W> supervisor_ok = write_ok || !access.write_protect;
    return any(granted, kPteV) && select(access.user, user_ok, supervisor_ok);
}

// The leaf as the MMU writes it back after an access that it allowed.
template <Word W>
constexpr W mmu_marks(W leaf, Same<Bool<W>> write) {
    return leaf | W(kPteA) | bits_if(write, W(kPteM));
}

// `pde` maps a 4 MiB page, or would if its reserved bits were clear.
template <Word W>
constexpr Bool<W> mmu_refuses_big(W pde) {
    return any(pde, kPteBigReserved);
}

template <Word W>
constexpr W error_code(Same<Bool<W>> present, Access<W> access) {
    return bits_if(present, W(kFaultPresent)) | bits_if(access.write, W(kFaultWrite)) |
           bits_if(access.user, W(kFaultUser));
}

}  // namespace pte
}  // namespace vmref::impl
