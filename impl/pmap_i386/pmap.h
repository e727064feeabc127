// The i386 physical map: page tables in simulated RAM, pv entries, invalidation (pmap.c, semantics.md section 5).
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "impl/arena/containers.h"
#include "impl/machine/pte.h"
#include "impl/page/page_system.h"
#include "impl/pmap_i386/coverage.h"
#include "impl/pmap_i386/step.h"
#include "ops/pmap_layout.h"

namespace vmref::impl {

// One address space's physical map. Invariants I-60 to I-66: every managed leaf PTE has one pv entry; counts equal what
// the page tables hold; a page-table page's wire count is the number of its valid leaves.
struct Pmap {
    PmapId id = 0;
    Page* directory = nullptr;  // pm_pdirm: wired page of pteobj at kDirectoryIndex
    Object* pteobj = nullptr;   // page-table pages, indexed by PDE index
    PmapPvList pv_list;
    std::uint32_t active = 0;      // mask of the CPUs that have it loaded (pm_active)
    std::uint32_t cached = 0;      // mask of the CPUs whose alternate window shows its directory entries (pm_cached)
    std::uint32_t references = 1;  // pm_count
    Page* ptphint = nullptr;       // last page-table page used (I-66)
    std::uint64_t generation = 0;  // grows with every pv insertion and removal (I-75)
    std::uint32_t resident_count = 0;
    std::uint32_t wired_count = 0;
    bool interlocked = false;  // CPUMASK_LOCK

    // pmap_resident_tlnw_count: pages, without page tables and wired mappings. Unmanaged ones are left out.
    std::uint32_t mapped_unwired() const {
        const auto managed = static_cast<std::uint32_t>(pv_list.size());
        return managed - std::min(managed, wired_count);
    }
};

inline constexpr PageIndex kDirectoryIndex = 767;  // PTDPTDI: the directory itself, mapped at its own slot
inline constexpr PageIndex kKernelIndex = 768;     // KPTDI: the first entry that all address spaces share
inline constexpr PageIndex kCpuDataIndex = 1022;   // MPPTDI: the CPUs' data

class PmapSystem {
  public:
    PmapSystem(const Config& config, const DefectSet& defects, Machine& machine, PageSystem& pages,
               ObjectStore& objects, Scheduler& sched, Journal& journal);

    // --- the kernel's part (bootstrap.cc, kernel_map.cc, windows.cc) -----------------------------------------------
    // pmap_bootstrap, pmap_init, pmap_init2, pmap_pinit0: kernel_pmap, its tables and windows; every CPU runs in
    // process 0's pmap. Who does not call it has no kernel map, and its PTEs are found without windows (decision 0010).
    // Requires: called first, kBootFrames free frames.
    void bootstrap();
    bool booted() const { return booted_; }
    Pmap& kernel_pmap() { return kernel_; }
    Pmap& initial_pmap() { return initial_; }
    // The CPU on which the kernel runs from now on.
    void run_on(CpuId cpu) { cpu_ = cpu; }

    void kenter(Va va, Pa pa);
    void kenter_quick(Va va, Pa pa);  // other CPUs may keep what they have cached; so with all "quick" ones
    void kenter_sync(Va va);
    void kenter_sync_quick(Va va);
    Va kenter_temporary(Pa pa, std::uint32_t index);
    void kremove(Va va);
    void kremove_quick(Va va);
    void kmodify_rw(Va va);
    void kmodify_nc(Va va);
    Va map(Va virt, Pa start, Pa end);
    void qenter(Va va, std::span<Page* const> pages);
    void qremove(Va va, std::uint32_t count);
    // 0: no free addresses. Else where byte `pa` is seen.
    Va mapdev(Pa pa, std::uint32_t size, bool uncacheable);
    void unmapdev(Va va, std::uint32_t size);
    Page* kvtom(Va va);
    // The kernel's end afterwards; resource_shortage if a page table could not be had (D-14).
    Status growkernel(Va kend);
    Va kernel_end() const { return kernel_end_; }

    // --- the life of a pmap (pmap.cc, release.cc) ------------------------------------------------------------------
    // pmap_pinit + pinit2: nullptr if there is no memory for the directory. A directory that release() kept is used
    // again.
    Pmap* create();
    // pmap_release: the pmap is empty and off the list; its directory is kept. Requires: active on no CPU, no user
    // mapping left. Blocks.
    void release(Pmap& pmap);
    // pmap_puninit: gives the directory of a released pmap back; false if none is kept.
    bool puninit();
    // release() and puninit() of this pmap.
    void destroy(Pmap& pmap);
    void reference(Pmap& pmap);
    void unreference(Pmap& pmap);  // pmap_destroy. Requires: not the last reference
    Pmap* find(PmapId id) const;
    const Vector<Pmap*>& kept() const { return kept_; }  // released pmaps with their directories

    // pmap_setlwpvm: CPU `cpu` runs in `next` (nullptr: no user address space) instead of `previous`.
    // New active bit, cr3, then the old bit goes (pmap.c:3524-3557).
    void activate(CpuId cpu, Pmap* previous, Pmap* next);
    // pmap_replacevm: the same for a process that is the only one in `previous`.
    void replacevm(CpuId cpu, Pmap* previous, Pmap* next);

    // pmap_enter (pmap.c:2192): maps m at va with q(prot), W iff wired. Requires: m busied by us, va < kUserEnd or
    // kernel_pmap, prot not none. resource_shortage if no pv entry or page-table page can be had; nothing changed then
    // (D-14). `nosync`: no CPU can have used va. Blocks.
    Status enter(Pmap& pmap, Va va, Page& m, Prot prot, bool wired, bool nosync = false);
    // pmap_enter_quick: maps m for reading unless something is there. Requires: as enter, no 4 MiB mapping at va.
    // Blocks.
    Status enter_quick(Pmap& pmap, Va va, Page& m);
    // pmap_object_init_pt: enter_quick for the resident valid pages [pindex, pindex + count) of a vnode object. Blocks.
    void object_init_pt(Pmap& pmap, Va va, Prot prot, Object& object, PageIndex pindex, std::uint32_t count,
                        bool partial);
    // A 4 MiB mapping. Requires: va and pa are multiples of 4 MiB, nothing is mapped there.
    void install_4m(Pmap& pmap, Va va, Pa pa, Prot prot);
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

    bool is_modified(const Page& m);       // testbit(M)
    bool is_referenced(const Page& m);     // testbit(A)
    void clear_modify(Page& m);            // invalidates on all CPUs: a cached M would lose stores
    void clear_modify_in_tables(Page& m);  // without invalidation: only B-59 asks for it
    void clear_reference(Page& m);
    // pmap_ts_referenced: clears A bits, at most 5; how many were set.
    unsigned ts_referenced(Page& m);

    // --- contents (page_content.cc); through the windows of the CPU. No M bit says so: the caller dirties the page
    void zero_page(const Page& m);
    void zero_page_area(const Page& m, std::uint32_t offset, std::uint32_t size);
    bool page_is_zero(const Page& m);  // pmap_page_assertzero, which panics
    void copy_page(const Page& from, const Page& to);
    void copy_page_frag(const Page& from, std::uint32_t from_offset, const Page& to, std::uint32_t to_offset,
                        std::uint32_t size);

    // --- queries (query.cc) ----------------------------------------------------------------------------------------
    Pa extract(Pmap& pmap, Va va);             // pmap_extract; 0 if nothing is mapped
    bool prefault_ok(Pmap& pmap, Va va);       // page table there, PTE empty
    std::uint32_t mincore(Pmap& pmap, Va va);  // kMincore bits (ops/pmap_operation.h)
    bool page_exists_quick(const Pmap& pmap, const Page& m);
    Va addr_hint(bool device, std::uint32_t pages, Va va);
    std::uint32_t pde(const Pmap& pmap, Va va) const;
    std::uint32_t pte(const Pmap& pmap, Va va) const;  // 0 if there is no page table
    Page* page_at(const Pmap& pmap, Va va);            // of a valid PTE, else nullptr

    // pmap_collect: if the pv entries were nearly used up since the last time, the mappings of every page that is
    // neither wired, held nor busy go. Whether it did anything. Blocks.
    bool collect();
    bool pv_woken() const { return pv_woken_; }
    std::uint32_t stopped_cpus() const { return sched_.cpus().stopped(); }

    // A and M of kernel addresses in the clean map are nobody's business (pmap.c:682).
    bool tracked(Va va) {
        coverage_.ran(PmapFunction::track_modified);
        return !is_untracked(va);
    }

    std::uint32_t pv_count() const { return pv_count_; }              // on the lists
    std::uint32_t pv_entry_count() const { return pv_entry_count_; }  // taken
    std::uint32_t pv_high_water() const { return pv_high_water_; }
    // Live pmaps by id; nullptr where an id is free. Id 0 is kernel_pmap, if there is one.
    const Vector<Pmap*>& all() const { return by_id_; }
    std::uint64_t pte_writes() const { return pte_writes_; }
    // How often a PTE's change counted a mapping or a wiring more, or one less (pm_stats).
    struct StepCounts {
        std::uint64_t mapped = 0;
        std::uint64_t unmapped = 0;
        std::uint64_t wired = 0;
        std::uint64_t unwired = 0;
    };
    const StepCounts& step_counts() const { return step_counts_; }
    std::uint64_t invalidations() const { return invalidations_; }
    const PmapCoverage& coverage() const { return coverage_; }
    // The directory entry of the alternate window of a CPU (APTDPTDI of cpu 0).
    static PageIndex alternate_index(CpuId cpu) { return cpu == 0 ? kCpuDataIndex + 1 : kCpuDataIndex - cpu; }

  private:
    using PteStep = pte::Step<std::uint32_t>;
    // The pv entries of one page-table page by PTE index: (pmap, va) leads to its pv entry without a search.
    struct PvTable {
        std::array<PvEntry*, kPtesPerTable> entries{};
    };

    // Where a PTE is seen until the next blocking point (I-74): page table and window may be another's after it.
    struct PtePointer {
        Pa address = 0;  // 0: there is no page table
        std::uint64_t blocks = 0;
        bool there() const { return address != 0; }
    };
    PtePointer pointer_to(Pa address) const { return {address, sched_.blocks()}; }
    std::uint32_t word_at(PtePointer pointer) const {
        ensure_rule(pointer.blocks == sched_.blocks(), "I-74", "a PTE is looked up again after a blocking point");
        return machine_.memory().read32(pointer.address);
    }

    // --- interlock.cc: the way of every PTE change (semantics.md 2.11) ---------------------------------------------
    // `always`: CPUs may have cached an earlier word that they were not told of; they are now.
    template <typename StepOf>
    PteStep change(Pmap& pmap, Va va, PtePointer pointer, StepOf step_of, bool always = false);
    // As change, but only this CPU is told: what the others have cached stays.
    template <typename StepOf>
    PteStep change_here(Pmap& pmap, Va va, PtePointer pointer, StepOf step_of);
    std::uint32_t interlock(Pmap& pmap);
    void interlock_wait(const Pmap& pmap);
    void commit(Pmap& pmap, Va va, Pa address, std::uint32_t old, const PteStep& step);
    void deinterlock(Pmap& pmap, Va va, bool invalidate, std::uint32_t stopped);
    void flush_all(const Pmap& pmap);
    void flush(CpuId cpu);

    // --- bootstrap.cc ----------------------------------------------------------------------------------------------
    Page& boot_page(PageIndex index);
    void boot_kernel_pmap();
    void boot_text();
    void init();
    void pinit0();
    Va kmem_choose(Va address);
    Page* add_kernel_table(PageIndex index);

    // --- windows.cc ------------------------------------------------------------------------------------------------
    enum class WindowUse : std::uint8_t { copy_from, copy_to, zero, page_table };
    static Va window_va(CpuId cpu, WindowUse use) {
        return kOwnRange.start + ((4 * cpu + static_cast<std::uint32_t>(use)) << kPageShift);
    }
    static Va directory_va(const Pmap& pmap) { return kOwnRange.start + ((kMaxWindows + pmap.id) << kPageShift); }
    Va ptbase(Pmap& pmap);
    PtePointer leaf(Pmap& pmap, Va va);
    PtePointer quick_leaf(const PvEntry& pv);
    void see_through(Va window, Pa expected);
    void set_window(Va va, std::uint32_t word);
    std::uint8_t* open_window(WindowUse use, const Page& m, std::uint32_t bits);
    void close_window(WindowUse use);

    // --- kernel_map.cc ---------------------------------------------------------------------------------------------
    PtePointer kernel_leaf(Va va);
    PteStep kernel_step(std::uint32_t old, Va va, Pa pa, std::uint32_t more = 0) const;
    void flush_every_cpu();

    // --- page_table.cc ---------------------------------------------------------------------------------------------
    Pa pde_address(const Pmap& pmap, Va va) const;
    Pa pte_address(const Pmap& pmap, Va va) const;
    static Pa pte_address(const PvEntry& pv);
    Page* wire_page_table(Pmap& pmap, Va va);
    Page* kernel_table(Va va);
    Page* add_page_table(Pmap& pmap, Va va);
    Page* find_page_table(Pmap& pmap, Va va);
    void unuse_page_table(Pmap& pmap, Va va);
    void free_page_table(Pmap& pmap, Page& table);
    void attach_pv_table(const Page& table);
    void detach_pv_table(const Page& table);
    void set_pde(Pmap& pmap, PageIndex index, std::uint32_t word);
    void pde_changed(Pmap& pmap);
    void release_zero_page(Page& page);
    AllocClass table_class() const {
        return defects_.on(Defect::b107_tables_from_normal_memory) ? AllocClass::normal : AllocClass::system;
    }
    bool is_kernel(const Pmap& pmap) const { return &pmap == &kernel_; }

    // --- pmap.cc ---------------------------------------------------------------------------------------------------
    bool pinit(Pmap& pmap);
    void pinit2(Pmap& pmap);
    void clear_kernel_part(Pmap& pmap);
    void give_back(Pmap& pmap);

    // --- pv.cc -----------------------------------------------------------------------------------------------------
    PvEntry* get_pv_entry();
    void free_pv_entry(PvEntry* pv);
    void insert_pv(PvEntry& pv, Pmap& pmap, Va va, Page& table, Page& m);
    void remove_pv(PvEntry& pv);
    PvEntry*& pv_slot(Pa address) { return pv_tables_[address >> kPageShift]->entries[(address & kPageMask) / 4]; }

    // --- enter.cc, enter_quick.cc ----------------------------------------------------------------------------------
    bool make_room(Pmap& pmap, Va va, PtePointer pointer, const Page& m, bool nosync);
    void store_over(Pmap& pmap, Va va, PtePointer pointer);
    PteStep enter_step(Pmap& pmap, Va va, PtePointer pointer, const pte::Request<std::uint32_t>& request, bool nosync);

    // --- remove.cc -------------------------------------------------------------------------------------------------
    void remove_pte(Pmap& pmap, Va va, PtePointer pointer);
    void after_removal(Pmap& pmap, Va va, PtePointer pointer, const PteStep& step);
    void remove_then_harvest(Pmap& pmap, Va va, PtePointer pointer);
    void remove_unheld(Pmap& pmap, Va va);
    void remove_page(Pmap& pmap, Va va);
    void remove_in_table(Pmap& pmap, Va sva, Va eva);
    void remove_big(Pmap& pmap, Va va);

    // --- protect.cc, bits.cc ---------------------------------------------------------------------------------------
    void protect_in_table(Pmap& pmap, Va sva, Va eva, Prot prot);
    void protect_big(Pmap& pmap, Va va, Prot prot);
    PteStep protect_step(std::uint32_t old, Va va, Prot prot);
    bool test_bit(const Page& m, std::uint32_t bit);
    bool write_protect(Page& m);

    static constexpr std::uint32_t kMaxWindows = 64;
    static constexpr PmapId kMaxPmapId = 0xFFFFFFFFU;  // of process 0's: on no list

    const DefectSet& defects_;
    Machine& machine_;
    PageSystem& pages_;
    ObjectStore& objects_;
    Scheduler& sched_;
    Journal& journal_;
    PmapCoverage coverage_;

    Deque<Pmap> storage_;  // type-stable; the pmap with id i is storage_[i - 1]
    Vector<Pmap*> by_id_;  // nullptr where no pmap lives
    Vector<PmapId> free_ids_;
    Vector<Pmap*> kept_;  // released, with their directories

    bool booted_ = false;
    CpuId cpu_ = 0;
    std::uint32_t pgeflag_ = 0;
    Pmap kernel_;   // id 0
    Pmap initial_;  // process 0: runs in the kernel's own directory
    Object* kptobj_ = nullptr;
    Page* cpu_data_ = nullptr;
    Va kernel_end_ = 0;
    Vector<std::uint8_t> device_pages_used_;  // by page of kDeviceRange

    Deque<PvEntry> pv_storage_;
    Vector<PvEntry*> pv_free_;
    Deque<PvTable> pv_table_storage_;
    Vector<PvTable*> pv_table_free_;
    PerFrame<PvTable*> pv_tables_;  // by frame of the page-table page

    std::uint32_t pv_max_ = 0;
    std::uint32_t pv_high_water_ = 0;
    std::uint32_t pv_count_ = 0;        // on lists
    std::uint32_t pv_entry_count_ = 0;  // and being installed
    bool pv_woken_ = false;
    std::uint64_t pte_writes_ = 0;
    StepCounts step_counts_;
    std::uint64_t invalidations_ = 0;
};

// Inside the interlock reads the word at `pointer`, asks `step_of(word)` what becomes of it, and commits that. After
// it no CPU in `pmap` holds a translation of `va` that the new word does not grant. `pointer` may also be that of a
// 4 MiB directory entry. Never sleeps.
template <typename StepOf>
PmapSystem::PteStep PmapSystem::change(Pmap& pmap, Va va, PtePointer pointer, StepOf step_of, bool always) {
    const std::uint32_t stopped = interlock(pmap);
    const std::uint32_t old = word_at(pointer);
    const PteStep step = step_of(old);
    commit(pmap, va, pointer.address, old, step);
    const bool invalidate = always || pte::needs_invalidation(old, step.pte);
    deinterlock(pmap, va, invalidate, stopped);
    if (journal_.narration != nullptr && step.pte != old) {
        journal_.narration->pte_changed(pmap.id, va, old, step.pte, invalidate ? pmap.active : 0);
    }
    return step;
}

template <typename StepOf>
PmapSystem::PteStep PmapSystem::change_here(Pmap& pmap, Va va, PtePointer pointer, StepOf step_of) {
    const std::uint32_t stopped = interlock(pmap);
    const std::uint32_t old = word_at(pointer);
    const PteStep step = step_of(old);
    commit(pmap, va, pointer.address, old, step);
    deinterlock(pmap, va, false, stopped);
    machine_.invlpg(cpu_, va);
    ++invalidations_;
    return step;
}

}  // namespace vmref::impl
