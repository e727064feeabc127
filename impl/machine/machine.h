// The simulated hardware: physical memory, CPUs with TLBs, the two-level page walk.
#pragma once

#include <cstdint>

#include "impl/arena/containers.h"
#include "impl/defects/defects.h"
#include "impl/machine/journal.h"
#include "impl/machine/physical_memory.h"
#include "impl/machine/pte.h"
#include "impl/machine/tlb.h"
#include "ops/config.h"
#include "ops/types.h"

namespace vmref::impl {

struct AccessResult {
    bool ok = false;
    std::uint32_t error_code = 0;  // of the #PF, if not ok
    Va cr2 = 0;                    // faulting address, if not ok
};

enum class Privilege : std::uint8_t { user, supervisor };

struct Cpu {
    Pa cr3 = 0;            // page directory; 0: none loaded, every access faults
    bool cr0_wp = true;    // supervisor writes obey RW
    bool cr4_pse = true;   // PS in a directory entry makes it a 4 MiB page
    bool cr4_pge = false;  // G in a leaf lets its translation survive a load of cr3
    Tlb tlb;
    std::uint64_t walks = 0;
};

class Machine {
  public:
    Machine(const Config& config, const DefectSet& defects, Journal& journal);

    PhysicalMemory& memory() { return memory_; }
    const PhysicalMemory& memory() const { return memory_; }
    std::uint32_t cpu_count() const { return static_cast<std::uint32_t>(cpus_.size()); }
    Cpu& cpu(CpuId id) { return cpus_[id]; }
    const Cpu& cpu(CpuId id) const { return cpus_[id]; }

    // One access of `size` bytes (1, 2, 4) on `cpu`; it may cross a page boundary. Both pages are translated, the first
    // first, before any byte moves: a fault leaves the data untouched (A and M bits of the first page may be set).
    // `value` is read for stores, written for loads and fetches.
    AccessResult access(CpuId cpu, AccessKind kind, Va va, unsigned size, Privilege privilege, std::uint32_t& value);

    // Translates one byte address as an access of `kind` would, with TLB fill and A/M updates.
    AccessResult translate(CpuId cpu, AccessKind kind, Va va, Privilege privilege, Pa& pa);

    void load_cr3(CpuId cpu, Pa directory);        // drops all but global translations
    void load_cr0(CpuId cpu, bool wp);             // drops none: WP is consulted at each access
    void load_cr4(CpuId cpu, bool pse, bool pge);  // if either changes, drops all, global ones too
    void invlpg(CpuId cpu, Va va);                 // drops the translation of the page, 4 MiB pages as a whole
    void flush_tlb(CpuId cpu);                     // drops all, global ones too
    void evict(CpuId cpu, Va va) { cpus_[cpu].tlb.evict(va); }  // a TLB may forget a translation at any time

    std::uint64_t accesses() const { return accesses_; }

  private:
    AccessResult access_crossing(CpuId cpu, AccessKind kind, Va va, unsigned size, Privilege privilege,
                                 std::uint32_t& value);
    AccessResult walk(Cpu& cpu, AccessKind kind, Va va, Privilege privilege, Pa& pa);
    AccessResult fault(Cpu& cpu, Va va, std::uint32_t error_code);
    std::uint32_t read_entry(Pa pa) const;
    void fill(Cpu& cpu, Va va, std::uint32_t pde, std::uint32_t leaf);

    PhysicalMemory memory_;
    DefectSet defects_;  // those of the walk and of what drops translations; a hit consults none
    Vector<Cpu> cpus_;
    std::uint64_t accesses_ = 0;
};

inline AccessResult Machine::translate(CpuId cpu_id, AccessKind kind, Va va, Privilege privilege, Pa& pa) {
    Cpu& cpu = cpus_[cpu_id];
    const TlbEntry* entry = cpu.tlb.find(va);
    const bool user = privilege == Privilege::user;
    // A hit that does not allow the access, or a store that has not seen M, walks: the table may say more by now.
    const bool usable = entry != nullptr && cpu.cr3 != 0 && (entry->user || !user) &&
                        (kind != AccessKind::store || (entry->modified && (entry->writable || (!user && !cpu.cr0_wp))));
    if (!usable) {
        return walk(cpu, kind, va, privilege, pa);
    }
    pa = (entry->frame << kPageShift) | (va & kPageMask);
    return {.ok = true};
}

inline AccessResult Machine::access(CpuId cpu, AccessKind kind, Va va, unsigned size, Privilege privilege,
                                    std::uint32_t& value) {
    ++accesses_;
    if ((va & kPageMask) + size > kPageSize) [[unlikely]] {
        return access_crossing(cpu, kind, va, size, privilege, value);
    }
    Pa pa = 0;
    const AccessResult result = translate(cpu, kind, va, privilege, pa);
    if (result.ok) {
        auto* bytes = reinterpret_cast<std::uint8_t*>(&value);
        if (kind == AccessKind::store) {
            memory_.store(pa, size, bytes);
        } else {
            value = 0;
            memory_.load(pa, size, bytes);
        }
    }
    return result;
}

}  // namespace vmref::impl
