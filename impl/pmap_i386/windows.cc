// The addresses at which a CPU sees page tables and pages: its own directory's recursive slot, its alternate slot for
// another address space, and single pages of its own. What is seen there comes through the TLB like anything else: a
// missed invalidation shows a page table that is none any more.
#include "impl/pmap_i386/pmap.h"

namespace vmref::impl {

// get_ptbase (pmap.c:709): where this CPU sees the PTEs of `pmap`, until the next blocking point.
Va PmapSystem::ptbase(Pmap& pmap) {
    const Pa current = machine_.cpu(cpu_).cr3;
    const std::uint32_t frame = pmap.directory->frame << kPageShift;
    if (is_kernel(pmap) || frame == current) {
        coverage_.ran(PmapFunction::get_ptbase_current);
        return kDirectoryIndex << kPdeShift;
    }
    coverage_.ran(PmapFunction::get_ptbase_foreign);
    const PageIndex slot = alternate_index(cpu_);
    const Pa slot_address = current + 4 * slot;
    const std::uint32_t bit = 1U << cpu_;
    if ((machine_.memory().read32(slot_address) & kPteFrame) != frame) {
        machine_.memory().write32(slot_address, frame | kPteRW | kPteV);
        pmap.cached |= bit;
        flush(cpu_);
    } else if ((pmap.cached & bit) == 0) {
        pmap.cached |= bit;
        flush(cpu_);
    }
    return slot << kPdeShift;
}

// pmap_pte (pmap.c:248): where the PTE of `va` lies; address 0 if there is no page table; of a 4 MiB page its directory
// entry. Where there is a kernel map, the CPU's window must show it.
PmapSystem::PtePointer PmapSystem::leaf(Pmap& pmap, Va va) {
    const Pa address = pte_address(pmap, va);
    if (booted_ && address != 0 && address != pde_address(pmap, va)) {
        see_through(ptbase(pmap) + 4 * page_of(va), address);
    }
    return pointer_to(address);
}

// pmap_pte_quick (pmap.c:296): the same for a mapping that is known to be there, by a window of one page.
PmapSystem::PtePointer PmapSystem::quick_leaf(const PvEntry& pv) {
    const Pa address = pte_address(pv);
    if (!booted_) {
        return pointer_to(address);
    }
    coverage_.ran(PmapFunction::pte_quick);
    if (is_kernel(*pv.pmap) || pv.pmap->directory->frame << kPageShift == machine_.cpu(cpu_).cr3) {
        see_through((kDirectoryIndex << kPdeShift) + 4 * page_of(pv.va), address);
        return pointer_to(address);
    }
    const Va window = window_va(cpu_, WindowUse::page_table);
    const std::uint32_t word = pte(kernel_, window);
    if ((word & kPteFrame) != (address & kPteFrame)) {
        set_window(window, (address & kPteFrame) | kPteRW | kPteV | kPteA | kPteM);
    }
    see_through(window + (address & kPageMask), address);
    return pointer_to(address);
}

void PmapSystem::see_through(Va window, Pa expected) {
    Pa seen = 0;
    const bool ok = machine_.translate(cpu_, AccessKind::load, window, Privilege::supervisor, seen).ok;
    ensure_rule(ok && seen == expected, "I-73", "a window shows the page table that the directory names now");
}

// A window belongs to one CPU: only that one is told.
void PmapSystem::set_window(Va va, std::uint32_t word) {
    machine_.memory().write32(pte_address(kernel_, va), word);
    machine_.invlpg(cpu_, va);
}

std::uint8_t* PmapSystem::open_window(WindowUse use, const Page& m, std::uint32_t bits) {
    const Va va = window_va(cpu_, use);
    ensure(pte(kernel_, va) == 0, "a window is in use once");
    coverage_.ran(PmapFunction::phys_address);
    set_window(va, (m.frame << kPageShift) | kPteV | bits);
    see_through(va, m.frame << kPageShift);
    return machine_.memory().frame_for_write(m.frame);
}

void PmapSystem::close_window(WindowUse use) {
    set_window(window_va(cpu_, use), 0);
}

}  // namespace vmref::impl
