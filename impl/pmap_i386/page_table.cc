// Page-table pages: pages of pteobj whose wire count is the number of their valid leaves, and one more for each
// operation that has wired one without having installed a leaf yet. The last wiring takes the page with it.
#include <cstring>

#include "impl/pmap_i386/pmap.h"

namespace vmref::impl {

Pa PmapSystem::pde_address(const Pmap& pmap, Va va) const {
    return (pmap.directory->frame << kPageShift) + 4 * pde_index(va);
}

// 0 if there is no page table. Of a 4 MiB page: its directory entry (pmap.c:248).
Pa PmapSystem::pte_address(const Pmap& pmap, Va va) const {
    const std::uint32_t entry = pde(pmap, va);
    if ((entry & kPteV) == 0) {
        return 0;
    }
    if ((entry & kPtePS) != 0) {
        return pde_address(pmap, va);
    }
    return (entry & kPteFrame) + 4 * pte_index(va);
}

Pa PmapSystem::pte_address(const PvEntry& pv) {
    return (pv.page_table->frame << kPageShift) + 4 * pte_index(pv.va);
}

// The page-table page of `va` with one more wiring, which the caller gives to a leaf or gives back; nullptr if there
// is no memory for it. Blocks. Source: pmap_allocpte (pmap.c:1420).
Page* PmapSystem::wire_page_table(Pmap& pmap, Va va) {
    for (;;) {
        const bool has_table = (pde(pmap, va) & (kPteV | kPtePS)) == kPteV;
        coverage_.ran(has_table ? PmapFunction::allocpte : PmapFunction::allocpte_new);
        if (!has_table) {
            return add_page_table(pmap, va);
        }
        if (Page* const table = find_page_table(pmap, va)) {
            pages_.wire_quick(*table);
            return table;
        }
        ensure(!defects_.on(Defect::b77_vanished_table_not_tested), "a page-table page that was waited for is there");
    }
}

// A kernel page table is there from the time the kernel has grown to it.
Page* PmapSystem::kernel_table(Va va) {
    return &pages_.page_of_frame(pde(kernel_, va) >> kPageShift);
}

// _pmap_allocpte (pmap.c:1358). A 4 MiB mapping makes room once there is a page for the table (D-14, B-67).
Page* PmapSystem::add_page_table(Pmap& pmap, Va va) {
    Page* const table = pages_.alloc(*pmap.pteobj, pde_index(va), table_class());
    if (table == nullptr) {
        return nullptr;
    }
    if ((pde(pmap, va) & kPtePS) != 0) [[unlikely]] {
        if (defects_.on(Defect::b67_big_page_zeroed_only)) {
            machine_.memory().write32(pde_address(pmap, va), 0);
        } else {
            remove_big(pmap, va);
        }
    }
    pages_.zero_fill(*table);
    pages_.set_valid_clean(*table);
    pages_.wire(*table);
    attach_pv_table(*table);
    ++pmap.resident_count;
    set_pde(pmap, table->pindex, (table->frame << kPageShift) | kPteU | kPteRW | kPteV | kPteA | kPteM);
    pmap.ptphint = table;
    pages_.wakeup(*table);
    return table;
}

// nullptr if it went away while it was busy. Blocks.
Page* PmapSystem::find_page_table(Pmap& pmap, Va va) {
    Page* const hint = pmap.ptphint;
    if (hint != nullptr && hint->pindex == pde_index(va) && !hint->busied()) {
        return hint;
    }
    coverage_.ran(PmapFunction::page_lookup);
    Page* const table = pages_.lookup_busy_wait(*pmap.pteobj, pde_index(va));
    if (table != nullptr) {
        pmap.ptphint = table;
        pages_.wakeup(*table);
    }
    return table;
}

// Gives back one wiring. Whether it is the last is decided while the page is busy: two that both saw another one left
// would leave an empty table behind. Blocks. Source: pmap_unuse_pt (pmap.c:1109), _pmap_unwire_pte (pmap.c:1028).
void PmapSystem::unuse_page_table(Pmap& pmap, Va va) {
    if (va >= kUserEnd) {
        return;  // kernel page tables are permanent
    }
    coverage_.ran(PmapFunction::unuse_pt);
    sched_.yield(BlockPoint::pmap);
    Page* const table = find_page_table(pmap, va);
    ensure_rule(table != nullptr, "I-64", "a wired page table stays");
    coverage_.ran(PmapFunction::unwire_pte);
    if (!pages_.unwire_quick(*table)) {
        return;
    }
    coverage_.ran(PmapFunction::unwire_pte_last);
    const bool was_last = defects_.on(Defect::b76_last_wiring_tested_outside) && table->wire_count == 1;
    pages_.busy_wait(*table);
    if (was_last || pages_.unwire_quick(*table)) {
        free_page_table(pmap, *table);
    } else {
        pages_.wakeup(*table);
    }
}

// Requires: busied by us, one wiring left. The directory entry goes first: nothing leads to the page when it is freed.
void PmapSystem::free_page_table(Pmap& pmap, Page& table) {
    ensure_rule(table.queue == Queue::none, "I-52", "a page-table page is on no queue");
    const PageIndex index = table.pindex;
    if (pmap.ptphint == &table) {
        pmap.ptphint = nullptr;
    }
    detach_pv_table(table);
    const bool freed_first = defects_.on(Defect::b110_table_freed_first);
    if (freed_first) {
        release_zero_page(table);
        sched_.yield(BlockPoint::pmap);
    }
    const std::uint32_t stopped = interlock(pmap);
    set_pde(pmap, index, 0);
    if (booted_) {
        flush_all(pmap);  // the table was seen through the directory's own slot; leaves of it are in no TLB
    }
    deinterlock(pmap, 0, false, stopped);
    --pmap.resident_count;
    if (!freed_first) {
        release_zero_page(table);
    }
}

void PmapSystem::attach_pv_table(const Page& table) {
    if (pv_table_free_.empty()) {
        pv_table_free_.push_back(&pv_table_storage_.emplace_back());
    }
    pv_tables_[table.frame] = pv_table_free_.back();
    pv_table_free_.pop_back();
}

// The array is empty again: every pv entry left its slot with its leaf.
void PmapSystem::detach_pv_table(const Page& table) {
    pv_table_free_.push_back(pv_tables_[table.frame]);
    pv_tables_[table.frame] = nullptr;
}

void PmapSystem::set_pde(Pmap& pmap, PageIndex index, std::uint32_t word) {
    machine_.memory().write32((pmap.directory->frame << kPageShift) + 4 * index, word);
    pde_changed(pmap);
    if (journal_.narration != nullptr) {
        journal_.narration->pde_changed(pmap.id, index, word);
    }
}

// Every CPU that shows these entries in its alternate window looks again (pmap.c:1042).
void PmapSystem::pde_changed(Pmap& pmap) {
    if (!defects_.on(Defect::m20_cached_not_cleared)) {
        pmap.cached = 0;
    }
}

// Requires: busied by us, one wiring left.
void PmapSystem::release_zero_page(Page& page) {
    const std::uint8_t* const bytes = machine_.memory().frame(page.frame);
    const bool empty =
        bytes[0] == 0 && std::memcmp(bytes, bytes + 1, kPageSize - 1) == 0;  // each equals the one before
    ensure_rule(empty, "I-65", "a freed page-table page is empty");
    pages_.unwire(page, false);
    pages_.free(page);
}

}  // namespace vmref::impl
