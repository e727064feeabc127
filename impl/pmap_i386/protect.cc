// Rights and wiring of mappings that stay.
#include <algorithm>

#include "impl/pmap_i386/pmap.h"

namespace vmref::impl {

// pmap_protect (pmap.c:2090). Nothing here sleeps: the page tables stay where they are.
void PmapSystem::protect(Pmap& pmap, Va sva, Va eva, Prot prot) {
    coverage_.ran(PmapFunction::protect);
    if ((prot & kProtRead) == 0) {
        remove(pmap, sva, eva);
        return;
    }
    if ((prot & kProtWrite) != 0) {
        return;
    }
    ensure_rule(is_kernel(pmap) || eva <= kUserEnd, "I-78", "a protected range lies below the page-table window");
    sched_.yield(BlockPoint::pmap);
    for (Va va = trunc_page(sva); va < eva;) {
        const Va next = std::min(eva, (pde_index(va) + 1) << kPdeShift);
        const std::uint32_t entry = pde(pmap, va);
        if ((entry & kPtePS) != 0) {
            protect_big(pmap, va, prot);
        } else if (entry != 0) {
            protect_in_table(pmap, va, next, prot);
        }
        va = next;
    }
}

// All of a 4 MiB page, whatever part of it the range covers.
void PmapSystem::protect_big(Pmap& pmap, Va va, Prot prot) {
    change(pmap, va & kPteBigFrame, pointer_to(pde_address(pmap, va)),
           [&](std::uint32_t word) { return pte::protect_big(word, prot, defects_); });
    pde_changed(pmap);
}

// The range lies in one page table.
void PmapSystem::protect_in_table(Pmap& pmap, Va sva, Va eva, Prot prot) {
    PtePointer pointer = leaf(pmap, sva);
    for (Va va = sva; va < eva; va += kPageSize, pointer.address += 4) {
        const std::uint32_t sample = word_at(pointer);
        if (sample == 0) {
            continue;
        }
        const bool plainly = defects_.on(Defect::b87_protect_stores_plainly);
        if (plainly) {
            sched_.hardware_step();
        }
        change(pmap, va, pointer, [&](std::uint32_t word) { return protect_step(plainly ? sample : word, va, prot); });
    }
}

PmapSystem::PteStep PmapSystem::protect_step(std::uint32_t old, Va va, Prot prot) {
    return pte::heeding(pte::protect(old, prot), tracked(va));
}

// pmap_page_protect (pmap.c:3185).
void PmapSystem::page_protect(Page& m, Prot prot) {
    coverage_.ran(PmapFunction::page_protect);
    if ((prot & kProtWrite) != 0) {
        return;
    }
    if (prot == kProtNone) {
        remove_all(m);
        return;
    }
    sched_.yield(BlockPoint::pmap);
    // Who writes through the buffer cache's mapping says so: WRITEABLE stays for it (B-89).
    const bool writable_left = write_protect(m);
    if (!writable_left || defects_.on(Defect::b89_page_protect_clears_writeable)) {
        m.clear(kPageWriteable);
    }
}

// Returns the page even if the mapping was not wired: the caller undoes the page's wiring by it.
Page* PmapSystem::unwire(Pmap& pmap, Va va) {
    coverage_.ran(PmapFunction::unwire);
    Page* const page = page_at(pmap, va);
    if (page != nullptr) {
        change_wiring(pmap, va, false);
    }
    return page;
}

// pmap_change_wiring (pmap.c:2717).
void PmapSystem::change_wiring(Pmap& pmap, Va va, bool wired) {
    coverage_.ran(PmapFunction::change_wiring);
    const PtePointer pointer = leaf(pmap, va);
    const bool valid = pointer.there() && (word_at(pointer) & kPteV) != 0;
    if (!valid) {
        if (!defects_.on(Defect::b83_wiring_of_empty_pte)) {
            return;
        }
        ensure(pointer.there(), "a PTE whose wiring changes exists");
    }
    change(pmap, trunc_page(va), pointer, [wired](std::uint32_t word) { return pte::rewire(word, wired); });
}

}  // namespace vmref::impl
