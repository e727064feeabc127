// Rights and wiring of mappings that stay.
#include <algorithm>

#include "impl/pmap_i386/pmap.h"

namespace vmref::impl {

// pmap_protect (pmap.c:2090). Nothing here sleeps: the page tables stay where they are.
void PmapSystem::protect(Pmap& pmap, Va sva, Va eva, Prot prot) {
    if ((prot & kProtRead) == 0) {
        remove(pmap, sva, eva);
        return;
    }
    if ((prot & kProtWrite) != 0) {
        return;
    }
    ensure_rule(eva <= kUserEnd, "I-78", "a protected range lies below the page-table window");
    sched_.yield(BlockPoint::pmap);
    for (Va va = trunc_page(sva); va < eva;) {
        const Va next = std::min(eva, (pde_index(va) + 1) << kPdeShift);
        const std::uint32_t entry = pde(pmap, va);
        if ((entry & kPtePS) != 0) {
            change(pmap, va & kPteBigFrame, pde_address(pmap, va),
                   [prot](std::uint32_t word) { return pte::protect_big(word, prot); });
        } else if (entry != 0) {
            protect_in_table(pmap, va, next, prot);
        }
        va = next;
    }
}

// The range lies in one page table.
void PmapSystem::protect_in_table(Pmap& pmap, Va sva, Va eva, Prot prot) {
    Pa address = pte_address(pmap, sva);
    for (Va va = sva; va < eva; va += kPageSize, address += 4) {
        if (machine_.memory().read32(address) != 0) {
            change(pmap, va, address, [prot](std::uint32_t word) { return pte::protect(word, prot); });
        }
    }
}

// pmap_page_protect (pmap.c:3185).
void PmapSystem::page_protect(Page& m, Prot prot) {
    if ((prot & kProtWrite) != 0) {
        return;
    }
    if (prot == kProtNone) {
        remove_all(m);
        return;
    }
    sched_.yield(BlockPoint::pmap);
    for (const PvEntry& pv : m.pv_list) {
        change(*pv.pmap, pv.va, pte_address(pv), [prot](std::uint32_t word) { return pte::page_protect(word, prot); });
    }
    m.clear(kPageWriteable);
}

// Returns the page even if the mapping was not wired: the caller undoes the page's wiring by it.
Page* PmapSystem::unwire(Pmap& pmap, Va va) {
    Page* const page = page_at(pmap, va);
    if (page != nullptr) {
        change_wiring(pmap, va, false);
    }
    return page;
}

// pmap_change_wiring (pmap.c:2717).
void PmapSystem::change_wiring(Pmap& pmap, Va va, bool wired) {
    const Pa address = pte_address(pmap, va);
    if (address == 0 || (machine_.memory().read32(address) & kPteV) == 0) {
        return;
    }
    change(pmap, trunc_page(va), address, [wired](std::uint32_t word) { return pte::rewire(word, wired); });
}

}  // namespace vmref::impl
