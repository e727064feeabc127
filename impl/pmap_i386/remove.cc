// Mappings go: of a range, of a page, of an exiting process.
#include <algorithm>

#include "impl/pmap_i386/object_hold.h"
#include "impl/pmap_i386/pmap.h"

namespace vmref::impl {

// pmap_remove_pte (pmap.c:1835). Requires: the PTE is valid. Blocks once the mapping is gone.
void PmapSystem::remove_pte(Pmap& pmap, Va va, Pa address) {
    after_removal(pmap, va, address, change(pmap, va, address, pte::remove<std::uint32_t>));
}

void PmapSystem::after_removal(Pmap& pmap, Va va, Pa address, const PteStep& step) {
    if (step.pv_gone) {
        PvEntry* const pv = pv_slot(address);
        ensure_rule(pv != nullptr && pv->va == va, "I-60", "a managed leaf has its pv entry");
        remove_pv(*pv);
    }
    unuse_page_table(pmap, va);
}

// pmap_remove (pmap.c:1911).
void PmapSystem::remove(Pmap& pmap, Va sva, Va eva) {
    ensure_rule(eva <= kUserEnd, "I-78", "a removed range lies below the page-table window");
    const ObjectHold hold(*pmap.pteobj, sched_);
    sched_.yield(BlockPoint::pmap);
    for (Va va = trunc_page(sva); va < eva;) {
        if (pmap.resident_count == 1) {
            return;  // only the directory is left
        }
        const Va next = std::min(eva, (pde_index(va) + 1) << kPdeShift);
        const std::uint32_t entry = pde(pmap, va);
        if ((entry & kPtePS) != 0) {
            // Part of the range or all of it: a 4 MiB page goes as a whole (pmap.c:1971).
            change(pmap, va & kPteBigFrame, pde_address(pmap, va), pte::remove_big<std::uint32_t>);
        } else if (entry != 0) {
            remove_in_table(pmap, va, next);
        }
        va = next;
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
            remove_pte(pmap, va, address);
        }
    }
}

// pmap_remove_pages (pmap.c:2947). Starts over if the list changed while a removal slept.
void PmapSystem::remove_pages(Pmap& pmap, Va sva, Va eva) {
    const ObjectHold hold(*pmap.pteobj, sched_);
    sched_.yield(BlockPoint::pmap);
    for (auto it = pmap.pv_list.begin(); it != pmap.pv_list.end();) {
        const PvEntry& pv = *it++;
        if (pv.va < sva || pv.va >= eva) {
            continue;
        }
        const Pa address = pte_address(pv);
        const PteStep step = change(pmap, pv.va, address, pte::teardown<std::uint32_t>);
        if (!step.pv_gone) {
            continue;  // wired
        }
        const std::uint64_t generation = pmap.generation + 1;
        after_removal(pmap, pv.va, address, step);
        if (pmap.generation != generation) {
            it = pmap.pv_list.begin();
        }
    }
}

// pmap_remove_all (pmap.c:2024). The pteobj of the first mapping's pmap is held before anything is unlinked, and the
// list is looked at again then: the mapping and its pmap may be gone.
void PmapSystem::remove_all(Page& m) {
    sched_.yield(BlockPoint::pmap);
    while (!m.pv_list.empty()) {
        Object& pteobj = *m.pv_list.front().pmap->pteobj;
        const ObjectHold hold(pteobj, sched_);
        if (m.pv_list.empty() || m.pv_list.front().pmap->pteobj != &pteobj) {
            continue;
        }
        const PvEntry& pv = m.pv_list.front();
        remove_pte(*pv.pmap, pv.va, pte_address(pv));
    }
    ensure_rule(!m.has(kPageMapped | kPageWriteable), "I-72", "a page without mappings is neither mapped nor writable");
}

void PmapSystem::remove_specific(Pmap& pmap, Page& m) {
    const ObjectHold hold(*pmap.pteobj, sched_);
    sched_.yield(BlockPoint::pmap);
    const auto mine = [&pmap](const PvEntry& pv) { return pv.pmap == &pmap; };
    for (auto it = std::find_if(m.pv_list.begin(), m.pv_list.end(), mine); it != m.pv_list.end();
         it = std::find_if(m.pv_list.begin(), m.pv_list.end(), mine)) {
        remove_pte(pmap, it->va, pte_address(*it));
    }
}

}  // namespace vmref::impl
