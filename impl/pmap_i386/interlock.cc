// The interlock around a PTE change, and the only writer of PTEs.
#include <bit>

#include "impl/pmap_i386/pmap.h"

namespace vmref::impl {

namespace {

constexpr std::uint32_t kOneLess = 0xFFFFFFFFU;

}  // namespace

// pmap_inval_interlock: the CPUs that are in the address space stop. Whoever comes second waits; inline nobody does.
std::uint32_t PmapSystem::interlock(Pmap& pmap) {
    while (pmap.interlocked || (sched_.cpus().stopped() & pmap.active) != 0) {
        sched_.sleep(BlockPoint::interlock, &pmap.interlocked);
    }
    pmap.interlocked = true;
    sched_.cpus().quiesce(pmap.active);
    return pmap.active;
}

// pmap_interlock_wait (pmap.c:3569): no CPU enters an address space during a PTE change.
void PmapSystem::interlock_wait(const Pmap& pmap) {
    coverage_.ran(PmapFunction::interlock_wait);
    while (pmap.interlocked) {
        sched_.sleep(BlockPoint::interlock, &pmap.interlocked);
    }
}

// The page learns what the old word knew before its pv entry can go.
void PmapSystem::commit(Pmap& pmap, Va va, Pa address, std::uint32_t old, const PteStep& step) {
    ensure_rule(pmap.interlocked, "I-68", "PTEs change inside the interlock");
    if (step.pte != old) {
        machine_.memory().write32(address, step.pte);
        ++pte_writes_;
        journal_.pte_changed(pmap.id, va);
    }
    pmap.resident_count += step.d_resident;
    pmap.wired_count += step.d_wired;
    step_counts_.mapped += step.d_resident == 1 ? 1 : 0;
    step_counts_.unmapped += step.d_resident == kOneLess ? 1 : 0;
    step_counts_.wired += step.d_wired == 1 ? 1 : 0;
    step_counts_.unwired += step.d_wired == kOneLess ? 1 : 0;
    if (step.dirtied || step.referenced) {
        Page& page = pages_.page_of_frame(old >> kPageShift);
        if (step.dirtied) {
            pages_.dirty(page);
        }
        if (step.referenced) {
            page.set(kPageReferenced);
        }
    }
}

// pmap_inval_deinterlock: every CPU that was stopped invalidates before it goes on. One that is not in the address
// space dropped its translations when it left.
void PmapSystem::deinterlock(Pmap& pmap, Va va, bool invalidate, std::uint32_t stopped) {
    ensure_rule(pmap.active == stopped, "I-68", "no CPU enters or leaves an address space during an interlock");
    if (invalidate) {
        for (std::uint32_t cpus = stopped; cpus != 0; cpus &= cpus - 1) {
            machine_.invlpg(static_cast<CpuId>(std::countr_zero(cpus)), va);
            ++invalidations_;
        }
    }
    pmap.interlocked = false;
    sched_.cpus().release(stopped);
    sched_.wakeup(&pmap.interlocked);
}

// invltlb of the CPUs that are in the address space.
void PmapSystem::flush_all(const Pmap& pmap) {
    for (std::uint32_t cpus = pmap.active; cpus != 0; cpus &= cpus - 1) {
        flush(static_cast<CpuId>(std::countr_zero(cpus)));
    }
}

void PmapSystem::flush(CpuId cpu) {
    machine_.load_cr3(cpu, machine_.cpu(cpu).cr3);
    ++invalidations_;
}

}  // namespace vmref::impl
