#include "impl/machine/machine.h"

#include <bit>

#include "impl/defects/assertion.h"

namespace vmref::impl {

// Words in simulated RAM have the byte order of the i386.
static_assert(std::endian::native == std::endian::little);

namespace {

pte::Access<std::uint32_t> access_of(const Cpu& cpu, AccessKind kind, Privilege privilege, const DefectSet& defects) {
    return {.user = privilege == Privilege::user,
            .write = kind == AccessKind::store,
            .write_protect = cpu.cr0_wp && !defects.on(Defect::w01_wp_ignored)};
}

}  // namespace

Machine::Machine(const Config& config, const DefectSet& defects, Journal& journal)
    : memory_(config.frames + 1, journal), defects_(defects) {
    cpus_.reserve(config.cpus);
    for (std::uint32_t i = 0; i < config.cpus; ++i) {
        cpus_.push_back(Cpu{.tlb = Tlb(config.tlb_entries)});
    }
}

AccessResult Machine::access_crossing(CpuId cpu, AccessKind kind, Va va, unsigned size, Privilege privilege,
                                      std::uint32_t& value) {
    const Va second = trunc_page(va) + kPageSize;  // wraps from the last page to page 0
    const unsigned first_size = second - va;
    Pa first_pa = 0;
    Pa second_pa = 0;
    AccessResult result = translate(cpu, kind, va, privilege, first_pa);
    if (result.ok) {
        result = translate(cpu, kind, second, privilege, second_pa);
    }
    if (!result.ok) {
        return result;
    }
    auto* bytes = reinterpret_cast<std::uint8_t*>(&value);
    if (kind == AccessKind::store) {
        memory_.store(first_pa, first_size, bytes);
        memory_.store(second_pa, size - first_size, bytes + first_size);
    } else {
        value = 0;
        memory_.load(first_pa, first_size, bytes);
        memory_.load(second_pa, size - first_size, bytes + first_size);
    }
    return result;
}

// The directory entry gets A as soon as it leads to a table, even if the leaf then refuses; a leaf is marked only by an
// access that it allows.
AccessResult Machine::walk(Cpu& cpu, AccessKind kind, Va va, Privilege privilege, Pa& pa) {
    ++cpu.walks;
    const auto access = access_of(cpu, kind, privilege, defects_);
    if (cpu.cr3 == 0) {
        return fault(cpu, va, pte::error_code(false, access));
    }
    const Pa pde_address = (cpu.cr3 & kPteFrame) + 4 * pde_index(va);
    std::uint32_t pde = read_entry(pde_address);
    if ((pde & kPteV) == 0) {
        return fault(cpu, va, pte::error_code(false, access));
    }
    const bool big = cpu.cr4_pse && (pde & kPtePS) != 0;
    Pa leaf_address = pde_address;
    if (!big) {
        pde &= ~kPtePS;
        memory_.write32(pde_address, read_entry(pde_address) | (defects_.on(Defect::w03_pde_not_accessed) ? 0 : kPteA));
        leaf_address = (pde & kPteFrame) + 4 * pte_index(va);
    } else if (pte::mmu_refuses_big(pde)) [[unlikely]] {
        return fault(cpu, va, pte::error_code(true, access) | kFaultReserved);
    }
    const std::uint32_t leaf = read_entry(leaf_address);
    if ((leaf & kPteV) == 0) {
        return fault(cpu, va, pte::error_code(false, access));
    }
    if (!big && defects_.on(Defect::w02_user_by_pte_only)) {
        pde |= kPteU;
    }
    if (!pte::mmu_allows(pde, leaf, access)) {
        return fault(cpu, va, pte::error_code(!defects_.on(Defect::w06_rights_fault_not_present), access));
    }
    const std::uint32_t marked = pte::mmu_marks(leaf, access.write || defects_.on(Defect::w04_read_modifies));
    if (marked != leaf) {
        memory_.write32(leaf_address, marked);
    }
    fill(cpu, va, big ? marked : pde, marked);
    pa = (cpu.tlb.find(va)->frame << kPageShift) | (va & kPageMask);
    return {.ok = true};
}

// Delivering a page fault drops what the TLB holds for the address, as the manual says.
AccessResult Machine::fault(Cpu& cpu, Va va, std::uint32_t error_code) {
    cpu.tlb.invalidate(va);
    return {.ok = false, .error_code = error_code, .cr2 = va};
}

std::uint32_t Machine::read_entry(Pa pa) const {
    ensure((pa >> kPageShift) < memory_.frames(), "page tables lie in RAM");
    return memory_.read32(pa);
}

void Machine::fill(Cpu& cpu, Va va, std::uint32_t pde, std::uint32_t leaf) {
    const bool big = (pde & kPtePS) != 0;
    const std::uint32_t granted = pte::combined(pde, leaf);
    const Va inside = defects_.on(Defect::w05_big_page_offset_lost) ? leaf : va;
    const Pa page = big ? (leaf & kPteBigFrame) | (inside & ~kPteBigFrame) : leaf;
    const Frame frame = page >> kPageShift;
    ensure(frame < memory_.frames(), "mapped frames lie in RAM");
    cpu.tlb.insert({.page = page_of(va),
                    .frame = frame,
                    .valid = true,
                    .user = (granted & kPteU) != 0,
                    .writable = (granted & kPteRW) != 0,
                    .modified = (leaf & kPteM) != 0 || defects_.on(Defect::w10_clean_hit_keeps_m),
                    .global = cpu.cr4_pge && (leaf & kPteG) != 0,
                    .big = big});
}

void Machine::load_cr3(CpuId cpu, Pa directory) {
    cpus_[cpu].cr3 = directory;
    if (!defects_.on(Defect::w09_cr3_load_keeps_all)) {
        cpus_[cpu].tlb.flush(false);
    }
}

void Machine::load_cr0(CpuId cpu, bool wp) {
    cpus_[cpu].cr0_wp = wp;
}

void Machine::load_cr4(CpuId cpu_id, bool pse, bool pge) {
    Cpu& cpu = cpus_[cpu_id];
    const bool changed = cpu.cr4_pse != pse || cpu.cr4_pge != pge;
    cpu.cr4_pse = pse;
    cpu.cr4_pge = pge;
    if (changed) {
        cpu.tlb.flush(!defects_.on(Defect::w08_pge_toggle_keeps_global));
    }
}

void Machine::invlpg(CpuId cpu, Va va) {
    Tlb& tlb = cpus_[cpu].tlb;
    if (!defects_.on(Defect::w07_invlpg_keeps_big)) {
        tlb.invalidate(va);
    } else if (const TlbEntry* const entry = tlb.find(va); entry != nullptr && !entry->big) {
        tlb.evict(va);
    }
}

void Machine::flush_tlb(CpuId cpu) {
    cpus_[cpu].tlb.flush(true);
}

}  // namespace vmref::impl
