// What a copy-on-write does to the mappings of the page that it replaces (vm_fault.c:2111-2142, catalogue D-1).
#include <algorithm>

#include "impl/vm/fault_state.h"
#include "impl/vm/page_ops.h"

namespace vmref::impl {

namespace {

// The text looks at one address space only: which one is the matter of three defects.
bool forgets_entry(const FaultState& fs, const MapEntry& entry) {
    const Kernel& k = fs.k;
    if (k.on(Defect::b07_copy_unmaps_one_map)) {
        return entry.map != fs.map;
    }
    const bool guarded = k.on(Defect::b06_copy_unmaps_current_only);
    if (!guarded && !k.on(Defect::b05_copy_unmaps_in_process)) {
        return false;
    }
    ensure(k.curproc != nullptr || guarded, "a thread that copies a page belongs to a process");
    return k.curproc == nullptr || entry.map != &k.curproc->map;
}

// The copy takes the place of the old page, with what that one's mapping had: where pmap_enter asks for a pv entry or a
// page table first and there is none, the old mapping gives its own back.
void replace_wired(Kernel& k, Pmap& pmap, Va va, Page& copy, Prot prot) {
    Status entered = k.pmaps.enter(pmap, va, copy, prot, true);
    for (unsigned shortages = 0; entered != Status::success; ++shortages) {
        ensure_rule(shortages < 3, "I-86", "replacing a wired PTE needs nothing that it did not have");
        k.pmaps.remove(pmap, va, va + kPageSize);
        entered = k.pmaps.enter(pmap, va, copy, prot, true);
    }
}

// The tables of an entry may name the page for any address of it.
void unmap_translated(Kernel& k, const MapEntry& entry, Page& old) {
    Pmap& pmap = *entry.map->pmap;
    const auto in_entry = [&](const PvEntry& pv) {
        return pv.pmap == &pmap && pv.va >= entry.start && pv.va < entry.end;
    };
    for (auto pv = std::ranges::find_if(old.pv_list, in_entry); pv != old.pv_list.end();
         pv = std::ranges::find_if(old.pv_list, in_entry)) {
        const Va va = pv->va;
        k.pmaps.remove(pmap, va, va + kPageSize);
    }
}

}  // namespace

// Every entry of the top object that covers the page gives up the old one (catalogue D-1; the text unmaps it in
// the current pmap only, vm_fault.c:2112-2141). A wired entry gets the new page at once, and its wiring with it.
void unmap_replaced_page(FaultState& fs, PageIndex index, Page& old, Page& copy) {
    Kernel& k = fs.k;
    for (MapEntry* entry = fs.first_object->first_entry; entry != nullptr; entry = entry->next_of_object) {
        if (!entry->covers_index(index)) {
            continue;
        }
        if (forgets_entry(fs, *entry)) {
            continue;
        }
        if (entry->vpagetable) {
            unmap_translated(k, *entry, old);
            continue;
        }
        Pmap& pmap = *entry->map->pmap;
        const Va va = entry->va_of(index);
        const bool mapped = k.pmaps.page_at(pmap, va) == &old;
        const bool keeps_wiring = entry->wired_count != 0 && !entry->has(kEntryInTransition);
        if (!keeps_wiring || k.on(Defect::b08_wiring_stays_with_old_page)) {
            if (mapped) {
                k.pmaps.remove(pmap, va, va + kPageSize);
            }
            continue;
        }
        page_move_wiring(k, old, copy);
        if (mapped && entry->pte_protection() == kProtNone) {
            k.pmaps.remove(pmap, va, va + kPageSize);
        } else if (mapped) {
            replace_wired(k, pmap, va, copy, entry->pte_protection());
        }
    }
}

}  // namespace vmref::impl
