// vm_fault_vpagetable: through the page table that a process keeps in the mapping's own memory (vm_fault.c:1384-1513).
#include "impl/vm/fault_state.h"
#include "ops/virtual_page_table.h"

namespace vmref::impl {

namespace {

// Everything is released; the access may not go on.
Status refuse(FaultState& fs, Status status) {
    ++fs.k.stats.vptes_refused;
    unlock_things(fs);
    return status;
}

bool allows(std::uint32_t vpte, bool stores) {
    return (vpte & kVpteV) != 0 && (!stores || (vpte & kVpteRW) != 0);
}

// The word as the walk leaves it (vm_fault.c:1463-1470).
std::uint32_t marked(std::uint32_t vpte, Prot fault_type) {
    if ((vpte & kVpteV) == 0) {
        return vpte;
    }
    if ((fault_type & kProtWrite) != 0 && (vpte & kVpteRW) != 0) {
        vpte |= kVpteM | kVpteA;
    }
    if ((fault_type & (kProtRead | kProtExecute)) != 0) {
        vpte |= kVpteA;
    }
    return vpte;
}

// The page of a table, busied in fs.m. The mapping's memory ends with it: a shadow would have no page further on
// (decision 0040). Not success: released. Blocks
Status find_table(FaultState& fs, PageIndex frame, bool marks) {
    if (frame >= fs.entry->page_count()) {
        return refuse(fs, Status::protection_failure);
    }
    fs.va = fs.entry->va_of(frame);
    return vm_fault_object(fs, frame, marks ? kProtRead | kProtWrite : kProtRead);
}

// Reads the word at `offset` of the table in fs.m, marks it, and lets go of the table.
std::uint32_t pass_through(FaultState& fs, std::uint32_t offset, Prot fault_type, bool marks) {
    Kernel& k = fs.k;
    const Pa pa = (fs.m->frame << kPageShift) | offset;
    const std::uint32_t vpte = k.machine.memory().read32(pa);
    const std::uint32_t now = marks ? marked(vpte, fault_type) : vpte;
    k.pages.activate(*fs.m);
    if (now != vpte) {
        if (k.probe != nullptr) {
            k.probe->before_table_marked(*fs.entry, vpte, (fs.first_prot & kProtWrite) != 0);
        }
        std::uint8_t bytes[4];
        for (unsigned i = 0; i < sizeof bytes; ++i) {
            bytes[i] = static_cast<std::uint8_t>(now >> (8 * i));
        }
        k.machine.memory().store(pa, sizeof bytes, bytes);
        k.pages.dirty(*fs.m);
        ++k.stats.vptes_marked;
    }
    if (k.journal.narration != nullptr) {
        k.journal.narration->table_passed(narrated(*fs.m), offset / 4, vpte, now);
    }
    ++k.stats.tables_passed;
    fs.m->set(kPageReferenced);
    k.pages.wakeup(*fs.m);
    fs.m = nullptr;
    cleanup_fault(fs);
    return now;
}

}  // namespace

Status vm_fault_vpagetable(FaultState& fs, PageIndex& pindex, Prot fault_type) {
    Kernel& k = fs.k;
    const bool stores = (fault_type & kProtWrite) != 0;
    const bool may_write = (fs.first_prot & kProtWrite) != 0;
    const bool marks = may_write || k.on(Defect::b38_table_marked_anyway);
    const PageIndex asked = pindex;
    k.walked.push_back({fs.map->pid, fs.entry->va_of(asked)});
    std::uint32_t vpte = fs.entry->master_pde;
    unsigned shift = kVpteIndexBits;
    for (;;) {
        if (!allows(vpte, stores)) {
            return refuse(fs, Status::failure);
        }
        if ((vpte & kVptePS) != 0 || shift == 0) {
            break;
        }
        const Status status = find_table(fs, vpte >> kVpteFrameShift, marks);
        if (status != Status::success) {
            return status;
        }
        shift -= kVpteLevelBits;
        const std::uint32_t slot = (asked >> shift) & ((1U << kVpteLevelBits) - 1U);
        vpte = pass_through(fs, 4 * slot, fault_type, marks);
        ++k.walked.back().depth;
    }
    // Who may store has to fault for it once, so that M is seen (vm_fault.c:1496).
    constexpr std::uint32_t kStored = kVpteRW | kVpteM;
    if (!stores && (vpte & kStored) != kStored) {
        fs.first_prot = static_cast<Prot>(fs.first_prot & ~kProtWrite);
    }
    pindex = (vpte >> kVpteFrameShift) + (asked & ((1U << shift) - 1U));
    if (pindex >= fs.entry->page_count()) {
        return refuse(fs, Status::protection_failure);
    }
    fs.va = fs.entry->va_of(pindex);
    if (k.probe != nullptr) {
        k.probe->table_walked(*fs.entry, asked, fault_type, may_write, fs.first_prot);
    }
    return Status::success;
}

}  // namespace vmref::impl
