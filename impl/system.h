// The assembled kernel: takes the operations of the system world through the real fault, object and pmap code.
#pragma once

#include <array>
#include <optional>

#include "impl/arena/containers.h"
#include "impl/defects/defects.h"
#include "impl/vm/kernel.h"
#include "ops/config.h"
#include "ops/observation.h"
#include "ops/operation.h"

namespace vmref::impl {

// An observation without its witness.
struct Outcome {
    Status status = Status::success;
    Signal signal = Signal::none;
    std::uint32_t value = 0;
    Va address = 0;
};

// Whether what a Hook keeps back may run while this operation waits for a pager.
bool lets_others_run(const Operation& operation);

// One machine with its processes and files. Everything is deterministic: configuration and operations alone decide.
//
// Operations run inline, one after the other: whoever sleeps is served by make_progress. Invariant: between operations
// nothing is locked, busied or held (the quiescent state that the numbered invariants speak of).
class System final : private InlineWaiter, private MemoryKiller {
  public:
    System(const Config& config, const DefectSet& defects);
    ~System() override;
    System(const System&) = delete;
    System& operator=(const System&) = delete;

    // Requires: the operation names existing processes, CPUs and files (model::System::refuse).
    // Afterwards the kernel's journal names what this operation changed.
    // Errors: Finding, if a promise of the implementation is broken; the system is not usable any more then.
    Observation apply(const Operation& operation);

    // What Resettable must put back.
    TouchedCounts touched() const;

    Kernel& kernel() { return kernel_; }
    const Kernel& kernel() const { return kernel_; }
    const OrderedMap<Pid, Owned<Process>>& processes() const { return processes_; }
    Process* find(Pid pid) const;
    // The process whose address space has this pmap; nullptr if there is none (any more).
    Process* find_by_pmap(PmapId pmap) const;
    // The kernel's own memory, and its submap.
    std::array<const Map*, 2> kernel_maps() const { return {&kernel_space_.map, &submap_}; }
    // How many slots hold the page from one operation to the next (KernelGet).
    std::uint32_t kernel_holds(const Page& page) const;

  private:
    Outcome run(const Spawn& operation);
    Outcome run(const Exec& operation);
    Outcome run(const Exit& operation);
    Outcome run(const Fork& operation);
    Outcome run(const Threads& operation);
    Outcome run(const Switch& operation);
    Outcome run(const CreateFile& operation);
    Outcome run(const Mmap& operation);
    Outcome run(const Munmap& operation);
    Outcome run(const Mremap& operation);
    Outcome run(const Mprotect& operation);
    Outcome run(const Minherit& operation);
    Outcome run(const Madvise& operation);
    Outcome run(const Msync& operation);
    Outcome run(const Mlock& operation);
    Outcome run(const Munlock& operation);
    Outcome run(const Ftruncate& operation);
    Outcome run(const FileRead& operation);
    Outcome run(const FileWrite& operation);
    Outcome run(const Access& operation);
    Outcome run(const Pageout& operation);
    Outcome run(const DebugAccess& operation);
    Outcome run(const KernelGet& operation);
    Outcome run(const KernelPut& operation);
    Outcome run(const KernelWire& operation);
    Outcome run(const KernelUnwire& operation);
    Outcome run(const NofaultAccess& operation);
    Outcome run(const LockFuture& operation);
    Outcome run(const MapDevice& operation);
    Outcome run(const Swapoff& operation);
    Outcome run(const LimitResident& operation);
    Outcome run(const KernelAlloc& operation);
    Outcome run(const KernelFree& operation);
    Outcome run(const KernelAccess& operation);

    struct HeldPage {
        Page* page = nullptr;  // nullptr: the slot is empty
        std::uint32_t offset = 0;
        bool write = false;
    };
    Outcome run(const WriteOut& operation);
    Outcome run(const FinishIo& operation);
    Outcome run(const Reclaim& operation);
    Outcome run(const BusyPage& operation);
    Outcome run(const PlanIo& operation);
    Outcome run(const PlanShortage& operation);
    Outcome run(const Hook& operation);
    Outcome run(const Mcontrol& operation);

    // The operation without what runs beside it.
    Observation carry_out(const Operation& operation);
    // What a Hook kept back runs now.
    void run_kept(HookTime time);
    // The page that a load would find in memory at `va`; nullptr if there is none.
    Page* resident_page_at(Pid pid, Va va);
    // Whether the operation could run now, beside one that waits for a pager, and would wait for nothing that one has.
    bool can_run_beside(const Operation& operation);

    Process& process(Pid pid) {
        return last_found_ != nullptr && last_found_->pid == pid ? *last_found_ : *processes_.at(pid);
    }
    Map& map_of(Pid pid) { return pid == 0 ? kernel_space_.map : process(pid).map; }
    void open_kernel_map();
    bool new_address_space(Process& process);
    void leave_address_space(Process& process);
    void end_process(Pid pid);
    void end_the_dying();
    void run_on(Process& process, CpuId cpu);
    void idle(CpuId cpu);
    std::uint32_t active_cpus(const Process& process) const;
    void limit_active_cpus(Process& process, CpuId keep);

    Status map_file(const Mmap& operation, Map& map, Va start, Va end);
    Status grow_mapping(const Mremap& operation, Process& self);

    // Makes `va` accessible for an access of `kind` on the process's CPU: its physical address, after as many faults as
    // it takes. Returns false, with the outcome of the last fault in `status`, if it cannot be. Blocks
    bool translate_user(Process& self, AccessKind kind, Va va, Pa& pa, Status& status);
    Status handle_fault(Process& self, const AccessResult& fault, Privilege privilege);
    struct CopyRun;
    bool read_run(Process& self, Vnode& vnode, const CopyRun& run);
    bool write_run(Process& self, Vnode& vnode, const CopyRun& run);
    template <class MoveRun>
    Outcome move_bytes(Process& self, std::uint32_t offset, std::uint32_t length, Va buffer, MoveRun move_run);

    bool make_progress(BlockPoint point, const void* channel) override;
    void others_run() override;
    bool kill_biggest() override;

    Arena* const arena_ = current_arena();  // where all of this lies; nullptr: on the heap
    Kernel kernel_;
    OrderedMap<Pid, Owned<Process>> processes_;
    Process kernel_space_;  // pid 0: only its map is used
    Map submap_;
    Process* last_found_ = nullptr;  // by apply(): most operations are of the process of the one before
    Vector<Process*> running_;       // by cpu; nullptr: idle
    Vector<Process*> by_pmap_;       // by pmap id
    Vector<Pid> killed_;             // in the current operation
    std::array<HeldPage, kHoldSlots> held_{};
    bool keeps_next_back_ = false;   // after a Hook
    std::optional<Operation> kept_;  // by it
    Hooked* beside_ = nullptr;       // where what has run beside the current operation is reported
};

}  // namespace vmref::impl
