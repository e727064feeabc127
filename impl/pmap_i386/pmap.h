// The i386 physical map: page tables in simulated RAM, pv entries, invalidation (pmap.c, semantics.md section 5).
#pragma once

#include <array>
#include <cstdint>

#include "impl/arena/containers.h"
#include "impl/machine/pte.h"
#include "impl/page/page_system.h"
#include "impl/pmap_i386/step.h"

namespace vmref::impl {

// One address space's physical map. Invariants I-60 to I-66: every managed leaf PTE has one pv entry; counts equal what
// the page tables hold; a page-table page's wire count is the number of its valid leaves.
struct Pmap {
    PmapId id = 0;
    Page* directory = nullptr;  // pm_pdirm: wired page of pteobj at kDirectoryIndex
    Object* pteobj = nullptr;   // page-table pages, indexed by PDE index
    PmapPvList pv_list;
    std::uint32_t active = 0;      // mask of the CPUs that have it loaded (pm_active)
    Page* ptphint = nullptr;       // last page-table page used (I-66)
    std::uint64_t generation = 0;  // grows with every pv insertion and removal (I-75)
    std::uint32_t resident_count = 0;
    std::uint32_t wired_count = 0;
    bool interlocked = false;  // CPUMASK_LOCK
};

inline constexpr PageIndex kDirectoryIndex = 767;  // PTDPTDI: the directory itself, mapped at its own slot

class PmapSystem {
  public:
    PmapSystem(const Config& config, const DefectSet& defects, Machine& machine, PageSystem& pages,
               ObjectStore& objects, Scheduler& sched, Journal& journal);

    // pmap_pinit + pinit2: nullptr if there is no memory for the directory.
    Pmap* create();
    // pmap_release + puninit. Requires: active on no CPU, no user mapping left. Blocks.
    void destroy(Pmap& pmap);
    Pmap* find(PmapId id) const;

    // pmap_setlwpvm: CPU `cpu` runs in `next` (nullptr: no user address space) instead of `previous`.
    // New active bit, cr3, then the old bit goes (pmap.c:3524-3557).
    void activate(CpuId cpu, Pmap* previous, Pmap* next);

    // pmap_enter (pmap.c:2192): maps m at va with q(prot), W iff wired. Requires: m busied by us, va < kUserEnd, prot
    // not none. resource_shortage if no page-table page can be had; nothing changed then (D-14). Blocks.
    Status enter(Pmap& pmap, Va va, Page& m, Prot prot, bool wired);
    // pmap_remove: no valid PTE in [sva, eva) afterwards. Blocks.
    void remove(Pmap& pmap, Va sva, Va eva);
    // pmap_remove_pages: all unwired managed mappings of the range, by the pv list. For exit.
    void remove_pages(Pmap& pmap, Va sva, Va eva);
    // pmap_remove_all: every mapping of m, wired ones too. Post: m neither MAPPED nor WRITEABLE.
    void remove_all(Page& m);
    // pmap_remove_specific (vm_fault.c:2139; pmap.c lacks it): removes every mapping of m by `pmap`.
    void remove_specific(Pmap& pmap, Page& m);
    // pmap_protect: prot without read removes; with write nothing; else RW goes, M and A move to the page.
    void protect(Pmap& pmap, Va sva, Va eva, Prot prot);
    // vm_page_protect / pmap_page_protect: none removes all mappings of m; read write-protects them.
    void page_protect(Page& m, Prot prot);
    // pmap_unwire (vm_fault.c:2401; pmap.c lacks it): clears W. The frame's page, or nullptr if no valid PTE is at va
    // (no change).
    Page* unwire(Pmap& pmap, Va va);
    // pmap_change_wiring; nothing happens where there is no valid PTE.
    void change_wiring(Pmap& pmap, Va va, bool wired);

    bool is_modified(const Page& m) const;    // testbit(M)
    bool is_referenced(const Page& m) const;  // testbit(A)
    void clear_modify(Page& m);               // invalidates on all CPUs: a cached M would lose stores
    void clear_reference(Page& m);
    // pmap_ts_referenced: clears A bits, at most 5; how many were set.
    unsigned ts_referenced(Page& m);

    bool prefault_ok(const Pmap& pmap, Va va) const;  // page table there, PTE empty
    std::uint32_t pde(const Pmap& pmap, Va va) const;
    std::uint32_t pte(const Pmap& pmap, Va va) const;  // 0 if there is no page table
    Page* page_at(const Pmap& pmap, Va va);            // of a valid PTE, else nullptr

    std::uint32_t pv_count() const { return pv_count_; }
    // Live pmaps by id; nullptr where an id is free.
    const Vector<Pmap*>& all() const { return by_id_; }
    std::uint64_t pte_writes() const { return pte_writes_; }
    std::uint64_t invalidations() const { return invalidations_; }

  private:
    using PteStep = pte::Step<std::uint32_t>;
    // The pv entries of one page-table page by PTE index: (pmap, va) leads to its pv entry without a search.
    struct PvTable {
        std::array<PvEntry*, kPtesPerTable> entries{};
    };

    // --- interlock.cc: the way of every PTE change (semantics.md 2.11) ---------------------------------------------
    template <typename StepOf>
    PteStep change(Pmap& pmap, Va va, Pa address, StepOf step_of);
    void interlock(Pmap& pmap);
    void commit(Pmap& pmap, Va va, Pa address, std::uint32_t old, const PteStep& step);
    void deinterlock(Pmap& pmap, Va va, bool invalidate);

    // --- page_table.cc ---------------------------------------------------------------------------------------------
    Pa pde_address(const Pmap& pmap, Va va) const;
    Pa pte_address(const Pmap& pmap, Va va) const;
    static Pa pte_address(const PvEntry& pv);
    Page* wire_page_table(Pmap& pmap, Va va);
    Page* add_page_table(Pmap& pmap, Va va);
    Page* find_page_table(Pmap& pmap, Va va);
    void unuse_page_table(Pmap& pmap, Va va);
    void free_page_table(Pmap& pmap, Page& table);
    void attach_pv_table(const Page& table);
    void detach_pv_table(const Page& table);
    void set_pde(Pmap& pmap, PageIndex index, std::uint32_t word);
    void release_zero_page(Page& page);

    // --- pv.cc -----------------------------------------------------------------------------------------------------
    void insert_pv(Pmap& pmap, Va va, Page& table, Page& m);
    void remove_pv(PvEntry& pv);
    PvEntry*& pv_slot(Pa address) { return pv_tables_[address >> kPageShift]->entries[(address & kPageMask) / 4]; }

    // --- remove.cc -------------------------------------------------------------------------------------------------
    void remove_pte(Pmap& pmap, Va va, Pa address);
    void after_removal(Pmap& pmap, Va va, Pa address, const PteStep& step);
    void remove_in_table(Pmap& pmap, Va sva, Va eva);

    // --- protect.cc, bits.cc ---------------------------------------------------------------------------------------
    void protect_in_table(Pmap& pmap, Va sva, Va eva, Prot prot);
    bool test_bit(const Page& m, std::uint32_t bit) const;

    Machine& machine_;
    PageSystem& pages_;
    ObjectStore& objects_;
    Scheduler& sched_;
    Journal& journal_;

    Deque<Pmap> storage_;  // type-stable; the pmap with id i is storage_[i - 1]
    Vector<Pmap*> by_id_;  // nullptr where no pmap lives
    Vector<PmapId> free_ids_;

    Deque<PvEntry> pv_storage_;
    Vector<PvEntry*> pv_free_;
    Deque<PvTable> pv_table_storage_;
    Vector<PvTable*> pv_table_free_;
    PerFrame<PvTable*> pv_tables_;  // by frame of the page-table page

    std::uint32_t pv_count_ = 0;
    std::uint64_t pte_writes_ = 0;
    std::uint64_t invalidations_ = 0;
};

// Inside the interlock reads the word at `address`, asks `step_of(word)` what becomes of it, and commits that. After
// it no CPU in `pmap` holds a translation of `va` that the new word does not grant. `address` may also be that of a
// 4 MiB directory entry. Never sleeps.
template <typename StepOf>
PmapSystem::PteStep PmapSystem::change(Pmap& pmap, Va va, Pa address, StepOf step_of) {
    interlock(pmap);
    const std::uint32_t old = machine_.memory().read32(address);
    const PteStep step = step_of(old);
    commit(pmap, va, address, old, step);
    const bool invalidate = pte::needs_invalidation(old, step.pte);
    deinterlock(pmap, va, invalidate);
    if (journal_.narration != nullptr && step.pte != old) {
        journal_.narration->pte_changed(pmap.id, va, old, step.pte, invalidate ? pmap.active : 0);
    }
    return step;
}

}  // namespace vmref::impl
