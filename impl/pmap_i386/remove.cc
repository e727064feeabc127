// Mappings go: of a range, of a page, of an exiting process.
#include <algorithm>

#include "impl/pmap_i386/object_hold.h"
#include "impl/pmap_i386/pmap.h"

namespace vmref::impl {

// pmap_remove_pte (pmap.c:1835). Requires: the PTE is valid. Blocks once the mapping is gone.
void PmapSystem::remove_pte(Pmap& pmap, Va va, PtePointer pointer) {
    coverage_.ran(PmapFunction::remove_pte);
    if (defects_.on(Defect::b88_harvest_after_unlinking)) {
        remove_then_harvest(pmap, va, pointer);
        return;
    }
    const auto step_of = [&](std::uint32_t word) { return pte::remove(word, tracked(va), defects_); };
    const PteStep step = defects_.on(Defect::b98_invalidation_deferred) ? change_here(pmap, va, pointer, step_of)
                                                                        : change(pmap, va, pointer, step_of);
    after_removal(pmap, va, pointer, step);
}

// As remove_pte, but the page learns only at the end that it was stored to: meanwhile it is unmapped and clean (B-88).
void PmapSystem::remove_then_harvest(Pmap& pmap, Va va, PtePointer pointer) {
    bool stored_to = false;
    const PteStep step = change(pmap, va, pointer, [&](std::uint32_t word) {
        PteStep removal = pte::remove(word, tracked(va), defects_);
        stored_to = removal.dirtied;
        removal.dirtied = false;
        return removal;
    });
    Page* const page = step.pv_gone ? pv_slot(pointer.address)->page : nullptr;
    after_removal(pmap, va, pointer, step);
    sched_.yield(BlockPoint::pmap);
    if (stored_to) {
        pages_.dirty(*page);
    }
}

// The rest of pmap_remove_entry (pmap.c:1753) or of pmap_remove_pte.
void PmapSystem::after_removal(Pmap& pmap, Va va, PtePointer pointer, const PteStep& step) {
    if (step.pv_gone) {
        coverage_.ran(PmapFunction::remove_entry);
        PvEntry* const pv = pv_slot(pointer.address);
        ensure_rule(pv != nullptr && pv->va == va, "I-60", "a managed leaf has its pv entry");
        remove_pv(*pv);
    }
    unuse_page_table(pmap, va);
}

// pmap_remove (pmap.c:1911).
void PmapSystem::remove(Pmap& pmap, Va sva, Va eva) {
    coverage_.ran(PmapFunction::remove);
    ensure_rule(is_kernel(pmap) || eva <= kUserEnd, "I-78", "a removed range lies below the page-table window");
    const ObjectHold hold(*pmap.pteobj, sched_);
    sched_.yield(BlockPoint::pmap);
    const std::uint32_t empty = is_kernel(pmap) ? 0 : 1;  // only the directory is left
    for (Va va = trunc_page(sva); va < eva;) {
        if (pmap.resident_count == empty) {
            return;
        }
        const Va next = std::min(eva, (pde_index(va) + 1) << kPdeShift);
        const std::uint32_t entry = pde(pmap, va);
        if ((entry & kPtePS) != 0) {
            remove_big(pmap, va);
        } else if (entry != 0) {
            if (eva - va == kPageSize) {
                remove_page(pmap, va);
            } else {
                remove_in_table(pmap, va, next);
            }
        }
        va = next;
    }
}

// Part of the range or all of it: a 4 MiB page goes as a whole (pmap.c:1971).
void PmapSystem::remove_big(Pmap& pmap, Va va) {
    change(pmap, va & kPteBigFrame, pointer_to(pde_address(pmap, va)), pte::remove_big<std::uint32_t>);
    pde_changed(pmap);
}

// pmap_remove_page (pmap.c:1885). Requires: a page table is there.
void PmapSystem::remove_page(Pmap& pmap, Va va) {
    coverage_.ran(PmapFunction::remove_page);
    const PtePointer pointer = leaf(pmap, va);
    if (word_at(pointer) != 0) {
        remove_pte(pmap, va, pointer);
    }
}

// The range lies in one page table. Each removal may sleep and may have been the table's last.
void PmapSystem::remove_in_table(Pmap& pmap, Va sva, Va eva) {
    for (Va va = sva; va < eva; va += kPageSize) {
        const Pa address = pte_address(pmap, va);
        if (address == 0 || address == pde_address(pmap, va)) {
            return;
        }
        if (machine_.memory().read32(address) != 0) {
            remove_pte(pmap, va, leaf(pmap, va));
        }
    }
}

// pmap_remove_pages (pmap.c:2947). Starts over if the list changed while a removal slept.
void PmapSystem::remove_pages(Pmap& pmap, Va sva, Va eva) {
    coverage_.ran(PmapFunction::remove_pages);
    const ObjectHold hold(*pmap.pteobj, sched_);
    sched_.yield(BlockPoint::pmap);
    for (auto it = pmap.pv_list.begin(); it != pmap.pv_list.end();) {
        const PvEntry& pv = *it++;
        if (pv.va < sva || pv.va >= eva) {
            continue;
        }
        const PtePointer pointer = quick_leaf(pv);
        const PteStep step =
            change(pmap, pv.va, pointer, [&](std::uint32_t word) { return pte::teardown(word, defects_); });
        if (!step.pv_gone) {
            continue;  // wired
        }
        const std::uint64_t generation = pmap.generation + 1;
        after_removal(pmap, pv.va, pointer, step);
        if (pmap.generation != generation) {
            it = pmap.pv_list.begin();
        }
    }
}

// pmap_remove_all (pmap.c:2024). The pteobj of the first mapping's pmap is held before anything is unlinked, and the
// list is looked at again then: the mapping and its pmap may be gone.
void PmapSystem::remove_all(Page& m) {
    coverage_.ran(PmapFunction::remove_all);
    sched_.yield(BlockPoint::pmap);
    while (!m.pv_list.empty()) {
        if (defects_.on(Defect::b74_removed_without_hold)) {
            remove_unheld(*m.pv_list.front().pmap, m.pv_list.front().va);
            continue;
        }
        Object& pteobj = *m.pv_list.front().pmap->pteobj;
        const ObjectHold hold(pteobj, sched_);
        if (m.pv_list.empty() || m.pv_list.front().pmap->pteobj != &pteobj) {
            continue;
        }
        const PvEntry& pv = m.pv_list.front();
        if (defects_.on(Defect::b75_remove_all_counts_early)) {
            --pv.pmap->resident_count;
            const PtePointer pointer = quick_leaf(pv);
            sched_.yield(BlockPoint::pmap);
            ++pv.pmap->resident_count;
            remove_pte(*pv.pmap, pv.va, pointer);
            continue;
        }
        remove_pte(*pv.pmap, pv.va, quick_leaf(pv));
    }
    ensure_rule(!m.has(kPageMapped | kPageWriteable), "I-72", "a page without mappings is neither mapped nor writable");
}

// A mapping whose pmap nobody keeps in place while this waits (B-74).
void PmapSystem::remove_unheld(Pmap& pmap, Va va) {
    sched_.yield(BlockPoint::pmap);
    ensure_rule(find(pmap.id) == &pmap, "I-77", "a pmap whose mapping is removed exists");
    remove_pte(pmap, va, leaf(pmap, va));
}

void PmapSystem::remove_specific(Pmap& pmap, Page& m) {
    coverage_.ran(PmapFunction::remove_specific);
    const ObjectHold hold(*pmap.pteobj, sched_);
    sched_.yield(BlockPoint::pmap);
    const auto mine = [&pmap](const PvEntry& pv) { return pv.pmap == &pmap; };
    for (auto it = std::find_if(m.pv_list.begin(), m.pv_list.end(), mine); it != m.pv_list.end();
         it = std::find_if(m.pv_list.begin(), m.pv_list.end(), mine)) {
        remove_pte(pmap, it->va, quick_leaf(*it));
    }
}

}  // namespace vmref::impl
