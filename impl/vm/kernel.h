// The kernel's globals as one value: what the sources keep in static variables.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "impl/arena/containers.h"
#include "impl/defects/defects.h"
#include "impl/machine/machine.h"
#include "impl/page/page_system.h"
#include "impl/pmap_i386/pmap.h"
#include "impl/sched/scheduler.h"
#include "impl/vm/injection.h"
#include "impl/vm/map.h"
#include "impl/vm/object_functions.h"
#include "impl/vm/storage.h"
#include "ops/config.h"
#include "ops/kernel_operation.h"
#include "ops/observation.h"

namespace vmref::impl {

inline constexpr std::size_t kFaultExits = 16;

// gd_cnt, rusage and vm_object.c's counters (semantics.md 6.4).
struct Statistics {
    std::uint64_t vm_faults = 0;  // v_vm_faults
    std::uint64_t minflt = 0;     // ru_minflt of all processes
    std::uint64_t majflt = 0;
    std::uint64_t intrans = 0;     // v_intrans
    std::uint64_t zfod = 0;        // v_zfod
    std::uint64_t cow_optim = 0;   // v_cow_optim
    std::uint64_t cow_faults = 0;  // v_cow_faults
    std::uint64_t pfree = 0;       // v_pfree
    std::uint64_t object_collapses = 0;
    std::uint64_t object_bypasses = 0;
    std::uint64_t collapse_refusals = 0;  // catalogue D-7
    std::uint64_t fault_retries = 0;
    std::uint64_t pageouts = 0;                            // pages written by the daemon
    std::uint64_t pageins = 0;                             // pages read by pagers
    std::uint64_t traps = 0;                               // page faults taken by CPUs and kernel copies
    std::array<std::uint64_t, kFaultExits> fault_exits{};  // by FaultExit (fault_state.h)
    std::array<std::uint64_t, kPagerResults> gets{};       // by PagerResult
    std::array<std::uint64_t, kPagerResults> puts{};
    std::uint64_t stacks_grown = 0;       // by a fault that started over
    std::uint64_t enters_refused = 0;     // for want of memory (catalogue D-14)
    std::uint64_t pages_replaced = 0;     // by a pager, while it read them
    std::uint64_t tables_passed = 0;      // pages of virtual page tables, by walks
    std::uint64_t vptes_marked = 0;       // A or M set in one
    std::uint64_t vptes_refused = 0;      // walks that ended at a word
    std::uint64_t exclusive_at_once = 0;  // faults that foresaw that a shared hold of the top would not do
    std::uint64_t shadows_linked = 0;
    std::uint64_t shadows_unlinked = 0;
    // Ghosts of I-91: counted where the events are, not where the statistics are.
    std::uint64_t faults_resolved = 0;
    std::uint64_t pages_prefaulted = 0;
    std::uint64_t pages_handed_out = 0;  // by vm_fault_page
    std::uint64_t pages_wired_for_kernel = 0;
    std::uint64_t memory_waits = 0;
    std::uint64_t device_pages = 0;           // given by a device to a fault
    std::uint64_t refused_without_sleep = 0;  // TDF_NOFAULT
    std::uint64_t refused_by_entry = 0;       // guard pages, addresses without memory
    std::uint64_t unmapped_for_limit = 0;     // mappings beyond a resident limit
    std::uint64_t faults_given_up = 0;        // by who is to die for memory (P_LOWMEMKILL)
    std::uint64_t data_given_up = 0;          // of the kernel's own, which could not be read
    std::uint64_t pages_unswapped = 0;        // by swapoff
    std::uint64_t pages_nosync = 0;           // got NOSYNC from a fault
    ObjectCoverage object_functions;
};

// The part of a process that the VM looks at (struct proc, struct lwp).
struct Process {
    Pid pid = 0;
    Map map;
    std::uint32_t nthreads = 1;
    CpuId cpu = 0;                          // where the next access runs
    bool lowmemkill = false;                // P_LOWMEMKILL: chosen to die for memory
    std::uint32_t rss_limit = 0xFFFFFFFFU;  // RLIMIT_RSS, pages
    bool nofault = false;                   // TDF_NOFAULT: must not wait for I/O or memory
};

// Which of the two prefaults: down the chain; or the top object only, which may be held shared then.
enum class PrefaultKind : std::uint8_t { chain, top, top_for_store };

// Listens to steps that no state shows afterwards. The checker implements it; none is installed by default.
class Probe {
  public:
    virtual ~Probe() = default;
    virtual void before_zero_fill(const Object& /*object*/, PageIndex /*index*/, const Page& /*page*/) {}
    virtual void before_copy(const Page& /*from*/, const Page& /*to*/) {}
    virtual void before_free(const Page& /*page*/) {}
    // vm_fault_object returned, whatever the result; no chain lock and no level's pip may be left below.
    virtual void fault_object_left(const Object& /*first_object*/, bool /*success*/) {}
    // vm_fault_page returned: `m` is held or busied; nullptr: it failed.
    virtual void page_handed_out(const Map& /*map*/, Va /*va*/, Prot /*asked*/, const Page* /*m*/, bool /*busied*/) {}
    // Wiring an entry failed at `failed`; what was wired before, from `start` on, is not wired any more.
    virtual void wiring_undone(const MapEntry& /*entry*/, Va /*start*/, Va /*failed*/) {}
    // vm_fault_copy_entry is done, and nobody else ran meanwhile.
    virtual void entry_copied(const MapEntry& /*from*/, const MapEntry& /*to*/) {}
    // An access that must not wait is over; `waits`: how often it slept for memory or asked a pager.
    virtual void nofault_ended(bool /*success*/, std::uint64_t /*waits*/) {}
    // A fault that grants stores through an entry (NOSYNC or not) has judged the page's NOSYNC mark.
    virtual void nosync_judged(const Page& /*m*/, bool /*entry_nosync*/, bool /*was_set*/) {}
    // A fault has mapped a page of a device.
    virtual void device_mapped(const MapEntry& /*entry*/, Va /*va*/) {}
    // vm_object_page_clean of [start, end) is complete. undisturbed: every write went well, nobody stored meanwhile.
    virtual void pages_cleaned(const Object& /*object*/, PageIndex /*start*/, PageIndex /*end*/, bool /*undisturbed*/) {
    }
    // The window around a fault at `va`, before and after what is at hand was mapped.
    virtual void before_prefault(const MapEntry& /*entry*/, Va /*va*/, Prot /*prot*/, PrefaultKind /*kind*/) {}
    virtual void after_prefault(const MapEntry& /*entry*/) {}
    // A fault is about to mark the word `vpte` of a page of the entry's tables; `may_write`: by the lookup's rights.
    virtual void before_table_marked(const MapEntry& /*entry*/, std::uint32_t /*vpte*/, bool /*may_write*/) {}
    // The tables of the entry translate its page `index` for an access of `fault_type`; the PTE may grant `granted`.
    virtual void table_walked(const MapEntry& /*entry*/, PageIndex /*index*/, Prot /*fault_type*/, bool /*may_write*/,
                              Prot /*granted*/) {}
};

// Ends a process that is not the current one, for memory. Installed by the system around this kernel.
class MemoryKiller {
  public:
    virtual ~MemoryKiller() = default;
    // Chooses the process that occupies most memory and ends it (or marks the current one). False: nobody left.
    virtual bool kill_biggest() = 0;
};

// Is told of contents that become zero because madvise(free) allowed it, before they do. Installed by who has objects
// without map entries; entries are in Kernel::discarded already.
class DiscardWitness {
  public:
    virtual ~DiscardWitness() = default;
    virtual void discarded(const Object& object, PageIndex index) = 0;
};

struct Kernel {
    Kernel(const Config& config_in, const DefectSet& defects_in);
    Kernel(const Kernel&) = delete;
    Kernel& operator=(const Kernel&) = delete;

    const Config config;
    const DefectSet defects;
    Journal journal;
    Scheduler sched;
    Machine machine;
    PageSystem pages;
    ObjectStore objects;
    PmapSystem pmaps;
    SwapSpace swap;
    EntryPool entries;
    OrderedMap<FileId, Owned<Vnode>> vnodes;
    std::array<Object*, kUserDevices> devices{};  // memory of device n + 1; nullptr: nobody has mapped it yet
    Statistics stats;
    Injection injection;

    Map* kernel_map = nullptr;    // the kernel's own memory
    Process* curproc = nullptr;   // whose operation runs; nullptr: the kernel's own
    Process* debuggee = nullptr;  // whose memory the operation works on, if it is another's: it must not go meanwhile
    Probe* probe = nullptr;
    MemoryKiller* killer = nullptr;
    DiscardWitness* discard_witness = nullptr;
    Vector<Discard> discarded;      // of the current operation (Witness)
    Vector<FailedRead> failed;      // of the current operation (Witness)
    Vector<EarlyCopy> copied;       // the same
    Vector<TableWalk> walked;       // the same
    bool walks_table = false;       // a fault in an entry with a virtual page table is under way
    std::uint64_t others_ran = 0;   // how often another's operation ran while one waited
    bool another_waits = false;     // such an operation runs now
    std::uint32_t bytes_moved = 0;  // progress of the current copy operation (Discard::after)

    bool on(Defect defect) const { return defects.on(defect); }
    // Whether the operation has to give up, because one that it works for or on is to die for memory.
    bool current_dying() const {
        return (curproc != nullptr && curproc->lowmemkill) || (debuggee != nullptr && debuggee->lowmemkill);
    }
    // vm_wait / vm_wait_pfault: sleeps until pages are freed. Blocks; must hold no lock and no busy page that the
    // pageout daemon could need (I-82).
    void wait_for_memory();
    // A function of vm_object.c begins.
    void ran(ObjectFunction function) { stats.object_functions.ran(function); }
};

// How a page is named to the narration.
inline NarratedPage narrated(const Page& page) {
    return {page.object->id, page.pindex, page.frame};
}

}  // namespace vmref::impl
