// The operations of the pmap world: physical pages, pmaps, CPUs, and nothing above them. Model and implementation are
// both written from these comments. An operation that is called by a function of pmap.c has its name.
//
// Pages are named by numbers. A page that was made (page_alloc) is managed, or unmanaged: without pv entries, so that
// nobody can find its mappings or their A and M. The pages of the device are unmanaged and always there. A mapping of
// an address space says which page is seen at an address, whether it may be stored to, and whether it is wired; user
// addresses are those below kUserEnd, in a pmap of their own; kernel addresses (pmap 0) are the same in every pmap.
//
// Contract for all:
//   - An address space has exactly the mappings and rights that the operations gave it. Only pmap_collect may forget
//   one,
//     never a wired one.
//   - What an operation takes or restricts, no CPU can use from then on, whatever its TLB holds. After functions that
//     invalidate on their own CPU only (marked "local") other CPUs may still use the old mapping; they must not touch
//     the address until it is synchronised (pmap_kenter_sync, or _sync_quick for one CPU).
//   - A store through a managed mapping makes its page modified: a PTE or the page says so until pmap_clear_modify. A
//     use of a mapping is remembered in a PTE or in the page's REFERENCED mark until pmap_clear_reference, or until
//     pmap_ts_referenced or pmap_mincore have reported it; uses through a TLB entry that was there when the bit was
//     cleared need not be seen. Neither holds for addresses in kUntrackedRange.
//   - resource_shortage is the only outcome but success where none is named: no pv entry or no page table could be had,
//     and nothing has changed. Pages that are made leave free_reserved frames; everything else may use the last one.
//   - `cpu` is the CPU on which the kernel runs the operation.
// What the contract does not allow (a page that does not exist, an address outside its range, ...) never reaches either
// side: `refuse` (model/pmap_world.h) refuses it as bad input.
#pragma once

#include <cstdint>

#include "ops/pmap_layout.h"
#include "ops/types.h"

namespace vmref {

// One page.
enum class PageCallName : std::uint8_t {
    page_alloc,            // makes it: managed, zero, clean, neither wired nor referenced; resource_shortage
    page_alloc_unmanaged,  // the same, unmanaged
    page_free,             // all its mappings go, then the page. Not wired, no unmanaged mapping
    page_wire,             // one more wiring of the page
    page_unwire,           // one less. Some wiring is left while a wired mapping shows it
    pmap_remove_all,       // every mapping of it goes, wired ones too
    pmap_clear_modify,     // as after a finished write-out: no PTE has M, the page is clean
    pmap_clear_reference,  // no PTE has A, the page is not marked
    pmap_ts_referenced,    // value: how many A bits were found and cleared, at most 5; 0 only if there were none
    pmap_is_modified,      // value: 1 if a PTE has M, plus 2 if the page is dirty
    pmap_is_referenced,    // value: 1 if a PTE has A
    pmap_zero_page,        // its bytes become 0; it is dirty
    pmap_page_assertzero,  // success if all its bytes are 0, else failure
};
struct PageCall {
    PageCallName call;
    PageNumber page;
    CpuId cpu = 0;
    bool operator==(const PageCall&) const = default;
};

// Bytes [offset, offset + length) of the page become 0; the range lies in the page. It is dirty.
struct PmapZeroPageArea {
    PageNumber page;
    std::uint32_t offset;
    std::uint32_t length;
    CpuId cpu = 0;
    bool operator==(const PmapZeroPageArea&) const = default;
};

// pmap_copy_page (all 4096 bytes) if both offsets and `length` are 0, else pmap_copy_page_frag; neither range leaves
// its page. `to` is dirty.
struct PmapCopyPage {
    PageNumber from;
    PageNumber to;
    std::uint32_t from_offset = 0;
    std::uint32_t to_offset = 0;
    std::uint32_t length = 0;
    CpuId cpu = 0;
    bool operator==(const PmapCopyPage&) const = default;
};

// With write in `prot` nothing happens; with read or execute no managed mapping of the page may be stored to (those in
// kUntrackedRange excepted); with none all go.
struct PmapPageProtect {
    PageNumber page;
    Prot prot;
    CpuId cpu = 0;
    bool operator==(const PmapPageProtect&) const = default;
};

// The life of a pmap.
enum class PmapCallName : std::uint8_t {
    pmap_pinit,    // a pmap without mappings; takes a directory kept by pmap_release if there is one; resource_shortage
    pmap_release,  // ends it: its mappings go, its directory is kept. Active on no CPU, not referenced more than once
    pmap_puninit,  // one directory that was kept is given back, if there is one; `pmap` is 0
    pmap_reference,  // one more reference
    pmap_destroy,    // one less, never the last
};
struct PmapCall {
    PmapCallName call;
    PmapNumber pmap;
    CpuId cpu = 0;
    bool operator==(const PmapCall&) const = default;
};

// CPU `cpu` runs in that address space from now on; 0: process 0's, which has no user mapping. pmap_replacevm: the
// process that runs there gets another address space; it is the only one in the old one.
enum class SwitchCallName : std::uint8_t { pmap_setlwpvm, pmap_replacevm };
struct PmapSwitch {
    SwitchCallName call;
    CpuId cpu;
    PmapNumber pmap;
    bool operator==(const PmapSwitch&) const = default;
};

// `page` is mapped at `va` (truncated to a page) with read, and write if `prot` has it, instead of whatever was there.
// A wired mapping needs a wired page, and `prot` some right. An address in a 4 MiB mapping: all of that goes first.
// `nosync` says that no CPU can have used the address; it changes nothing if that is wrong.
struct PmapEnter {
    PmapNumber pmap;
    Va va;
    PageNumber page;
    Prot prot;
    bool wired = false;
    bool nosync = false;
    CpuId cpu = 0;
    bool operator==(const PmapEnter&) const = default;
};

// Mapped for reading, unless something is mapped at `va`: that stays. `pmap` runs on `cpu`; no 4 MiB mapping there.
struct PmapEnterQuick {
    PmapNumber pmap;
    Va va;
    PageNumber page;
    CpuId cpu = 0;
    bool operator==(const PmapEnterQuick&) const = default;
};

// As pmap_enter_quick for each page that exists, `page` at `va` and so on, `pages` of them; without read
// in `prot` nothing happens. `partial` gives up if there are more than 96 pages to look at and more than 96 that exist.
// Stops at the first shortage, which is not reported.
struct PmapObjectInitPt {
    PmapNumber pmap;
    Va va;
    Prot prot;
    PageNumber page;
    std::uint32_t pages;
    bool partial = false;
    CpuId cpu = 0;
    bool operator==(const PmapObjectInitPt&) const = default;
};

// A 4 MiB mapping of the device at `va`, a multiple of 4 MiB below kUserEnd with nothing mapped there.
struct PmapInstall4m {
    PmapNumber pmap;
    Va va;
    Prot prot;
    CpuId cpu = 0;
    bool operator==(const PmapInstall4m&) const = default;
};

// `pages` pages from `va`: a user range, or for pmap 0 one in kEnterRange.
enum class RangeCallName : std::uint8_t {
    pmap_remove,        // nothing is mapped there; 4 MiB mappings that begin in the range or before it go as a whole
    pmap_remove_pages,  // managed mappings that are not wired go. Not for pmap 0
};
struct PmapRange {
    RangeCallName call;
    PmapNumber pmap;
    Va va;
    std::uint32_t pages;
    CpuId cpu = 0;
    bool operator==(const PmapRange&) const = default;
};

// Without read in `prot`: pmap_remove. With write: nothing. Else no page of the range may be stored to; a 4 MiB mapping
// changes as a whole.
struct PmapProtect {
    PmapNumber pmap;
    Va va;
    std::uint32_t pages;
    Prot prot;
    CpuId cpu = 0;
    bool operator==(const PmapProtect&) const = default;
};

// One address.
enum class AddressCallName : std::uint8_t {
    pmap_extract,      // value: (number of the page + 1) * 4096 + offset; 0 if nothing is mapped
    pmap_prefault_ok,  // value: 1 if pmap_enter_quick would need no page table and find nothing mapped. Not for pmap 0
    pmap_mincore,      // value: kMincore bits. Not for pmap 0
    pmap_wire,         // pmap_change_wiring(TRUE): the mapping, if any, is wired. Its page is
    pmap_unwire,       // the mapping, if any, is not wired; value: number of its page + 1, or 0. No 4 MiB mapping there
};
struct PmapAddress {
    AddressCallName call;
    PmapNumber pmap;
    Va va;
    CpuId cpu = 0;
    bool operator==(const PmapAddress&) const = default;
};
inline constexpr std::uint32_t kMincoreIncore = 1;
inline constexpr std::uint32_t kMincoreReferenced = 2;       // through this mapping
inline constexpr std::uint32_t kMincoreModified = 4;         // through this mapping
inline constexpr std::uint32_t kMincoreReferencedOther = 8;  // by anybody
inline constexpr std::uint32_t kMincoreModifiedOther = 16;   // by anybody

// One address space and one managed page.
enum class PairCallName : std::uint8_t {
    pmap_page_exists_quick,  // value: 1 if one of 16 mappings of the page (all, if there are no more) is the pmap's
    pmap_remove_specific,    // every mapping of the page by the pmap goes
};
struct PmapPair {
    PairCallName call;
    PmapNumber pmap;
    PageNumber page;
    CpuId cpu = 0;
    bool operator==(const PmapPair&) const = default;
};

// If more than nine tenths of the pv entries were in use at some time since it last did so, it takes the mappings of
// every page that is not wired; value: 1 if so, else 0.
struct PmapCollect {
    CpuId cpu = 0;
    bool operator==(const PmapCollect&) const = default;
};

// Unmanaged kernel mappings, always writable, in kUnmanagedRange or behind kKernelFirstEnd up to the kernel's end
// (pmap_growkernel). `page` may be one of the device.
enum class KernelEnterName : std::uint8_t {
    pmap_kenter,
    pmap_kenter_quick,      // local
    pmap_kenter_temporary,  // local, at page `va` (0 to 15) of the crash dump map; address: where that begins
};
struct KernelEnter {
    KernelEnterName call;
    Va va;
    PageNumber page;
    CpuId cpu = 0;
    bool operator==(const KernelEnter&) const = default;
};

enum class KernelAddressName : std::uint8_t {
    pmap_kenter_sync,        // every CPU sees what is mapped at `va`
    pmap_kenter_sync_quick,  // `cpu` sees it
    pmap_kremove,
    pmap_kremove_quick,  // local
    pmap_kmodify_rw,     // something is mapped there: no visible change
    pmap_kmodify_nc,     // the same
    pmap_kvtom,          // value: number of the page mapped there + 1. Something is mapped there
};
struct KernelAddress {
    KernelAddressName call;
    Va va;
    CpuId cpu = 0;
    bool operator==(const KernelAddress&) const = default;
};

// `pages` pages, `page` at `va` and so on; every CPU sees them.
enum class KernelRangeName : std::uint8_t {
    pmap_qenter,
    pmap_map,      // of the device; address: behind the last one
    pmap_qremove,  // `page` is 0
};
struct KernelPages {
    KernelRangeName call;
    Va va;
    PageNumber page;
    std::uint32_t pages;
    CpuId cpu = 0;
    bool operator==(const KernelPages&) const = default;
};

// Maps bytes [offset, offset + length) of the device at free addresses of kDeviceRange, which the implementation
// chooses; address: where the first byte is. no_space if no free piece is long enough.
struct PmapMapdev {
    std::uint32_t offset;
    std::uint32_t length;
    bool uncacheable = false;
    CpuId cpu = 0;
    bool operator==(const PmapMapdev&) const = default;
};

// Undoes the pmap_mapdev that gave `va`.
struct PmapUnmapdev {
    Va va;
    CpuId cpu = 0;
    bool operator==(const PmapUnmapdev&) const = default;
};

// The kernel's end becomes the multiple of 4 MiB behind `end`, if it is not there already; address: the kernel's end.
// resource_shortage: it has become as large as it could.
struct PmapGrowkernel {
    Va end;
    CpuId cpu = 0;
    bool operator==(const PmapGrowkernel&) const = default;
};

// address: `va`, for a device of 4 MiB or more the next multiple of 4 MiB.
struct PmapAddrHint {
    Va va;
    std::uint32_t pages;
    bool device = false;
    CpuId cpu = 0;
    bool operator==(const PmapAddrHint&) const = default;
};

// One access of 1, 2 or 4 bytes by CPU `cpu` in the address space it runs in; nobody handles the fault. Success: value
// is what was loaded or fetched. invalid_address: nothing is mapped at `address`; protection_failure: the right is not
// there. `address` is `va` if its page refuses, else the start of the second page; the first page is judged first. A
// store that fails changes no byte, but the first of two pages counts as stored to if it did not refuse. Stores of the
// kernel (`supervisor`) obey the rights too. User accesses from kUserEnd on always fail, either way. The kernel does
// not touch addresses that it uses for itself.
struct HardwareAccess {
    CpuId cpu;
    AccessKind kind;
    Va va;
    std::uint8_t size;
    std::uint32_t value = 0;  // stores only
    bool supervisor = false;
    bool operator==(const HardwareAccess&) const = default;
};

// The TLB of the CPU loses its entry for the address, if it has one. Nothing can be seen of it.
struct EvictTlb {
    CpuId cpu;
    Va va;
    bool operator==(const EvictTlb&) const = default;
};

}  // namespace vmref
