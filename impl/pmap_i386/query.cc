// What is mapped where.
#include "impl/pmap_i386/pmap.h"
#include "ops/pmap_operation.h"

namespace vmref::impl {

// pmap_extract (pmap.c:756).
Pa PmapSystem::extract(Pmap& pmap, Va va) {
    coverage_.ran(PmapFunction::extract);
    const std::uint32_t entry = pde(pmap, va);
    if (entry == 0) {
        return 0;
    }
    if ((entry & kPtePS) != 0) {
        return (entry & kPteBigFrame) | (va & ~kPteBigFrame);
    }
    const std::uint32_t word = word_at(leaf(pmap, va));
    if ((word & kPteV) == 0 && !defects_.on(Defect::b82_extract_without_valid)) {
        return 0;
    }
    return (word & kPteFrame) | (va & kPageMask);
}

// pmap_prefault_ok (pmap.c:2694). A 4 MiB page has no page table.
bool PmapSystem::prefault_ok(Pmap& pmap, Va va) {
    coverage_.ran(PmapFunction::prefault_ok);
    const std::uint32_t directory_entry = pde(pmap, va);
    if ((directory_entry & kPtePS) != 0 && defects_.on(Defect::b84_prefault_reads_big_page)) {
        return machine_.memory().read32((directory_entry & kPteFrame) + 4 * pte_index(va)) == 0;
    }
    if (directory_entry == 0 || (directory_entry & kPtePS) != 0) {
        return false;
    }
    return word_at(booted_ ? leaf(pmap, va) : pointer_to((directory_entry & kPteFrame) + 4 * pte_index(va))) == 0;
}

// pmap_mincore (pmap.c:3432). What ts_referenced takes from the PTEs stays with the page.
std::uint32_t PmapSystem::mincore(Pmap& pmap, Va va) {
    coverage_.ran(PmapFunction::mincore);
    const PtePointer pointer = leaf(pmap, va);
    const std::uint32_t word = pointer.there() ? word_at(pointer) : 0;
    if (word == 0) {
        return 0;
    }
    std::uint32_t bits = kMincoreIncore;
    if ((word & kPteManaged) == 0) {
        return bits;
    }
    Page& page = pages_.page_of_frame(word >> kPageShift);
    if ((word & kPteM) != 0) {
        bits |= kMincoreModified | kMincoreModifiedOther;
    } else if (page.dirty != 0 || is_modified(page)) {
        bits |= kMincoreModifiedOther;
    }
    if ((word & kPteA) != 0) {
        bits |= kMincoreReferenced | kMincoreReferencedOther;
    } else if (page.has(kPageReferenced) || ts_referenced(page) != 0) {
        bits |= kMincoreReferencedOther;
        page.set(kPageReferenced);
    }
    return bits;
}

// pmap_page_exists_quick (pmap.c:2914): looks at the first 16 only.
bool PmapSystem::page_exists_quick(const Pmap& pmap, const Page& m) {
    coverage_.ran(PmapFunction::page_exists_quick);
    unsigned looked_at = 0;
    for (const PvEntry& pv : m.pv_list) {
        if (pv.pmap == &pmap) {
            return true;
        }
        constexpr unsigned kEnough = 16;
        if (++looked_at >= kEnough) {
            break;
        }
    }
    return false;
}

// pmap_addr_hint (pmap.c:3594): so that a large device can be mapped by 4 MiB pages.
Va PmapSystem::addr_hint(bool device, std::uint32_t pages, Va va) {
    coverage_.ran(PmapFunction::addr_hint);
    return device && pages >= kPtesPerTable ? (va + ~kPteBigFrame) & kPteBigFrame : va;
}

std::uint32_t PmapSystem::pde(const Pmap& pmap, Va va) const {
    return machine_.memory().read32(pde_address(pmap, va));
}

std::uint32_t PmapSystem::pte(const Pmap& pmap, Va va) const {
    const Pa address = pte_address(pmap, va);
    return address != 0 ? machine_.memory().read32(address) : 0;
}

Page* PmapSystem::page_at(const Pmap& pmap, Va va) {
    const std::uint32_t word = pte(pmap, va);
    if ((word & kPteV) == 0) {
        return nullptr;
    }
    const Frame frame = word >> kPageShift;
    return &pages_.page_of_frame((word & kPtePS) != 0 ? frame + pte_index(va) : frame);
}

}  // namespace vmref::impl
