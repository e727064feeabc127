// The assembled kernel: takes the operations of the system world through the real fault, object and pmap code.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "impl/defects/defects.h"
#include "impl/vm/kernel.h"
#include "ops/config.h"
#include "ops/observation.h"
#include "ops/operation.h"

namespace vmref::impl {

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

    Kernel& kernel() { return kernel_; }
    const Kernel& kernel() const { return kernel_; }
    const std::map<Pid, std::unique_ptr<Process>>& processes() const { return processes_; }
    Process* find(Pid pid) const;
    // The process whose address space has this pmap; nullptr if there is none (any more).
    Process* find_by_pmap(PmapId pmap) const;

  private:
    Observation run(const Spawn& operation);
    Observation run(const Exec& operation);
    Observation run(const Exit& operation);
    Observation run(const Fork& operation);
    Observation run(const Threads& operation);
    Observation run(const Switch& operation);
    Observation run(const CreateFile& operation);
    Observation run(const Mmap& operation);
    Observation run(const Munmap& operation);
    Observation run(const Mremap& operation);
    Observation run(const Mprotect& operation);
    Observation run(const Minherit& operation);
    Observation run(const Madvise& operation);
    Observation run(const Msync& operation);
    Observation run(const Mlock& operation);
    Observation run(const Munlock& operation);
    Observation run(const Ftruncate& operation);
    Observation run(const FileRead& operation);
    Observation run(const FileWrite& operation);
    Observation run(const Access& operation);
    Observation run(const Pageout& operation);

    Process& process(Pid pid) { return *processes_.at(pid); }
    Process& create_process(Pid pid);
    bool new_address_space(Process& process);
    void leave_address_space(Process& process);
    void end_process(Pid pid);
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
    Observation move_bytes(Process& self, std::uint32_t offset, std::uint32_t length, Va buffer, MoveRun move_run);

    bool make_progress(BlockPoint point, const void* channel) override;
    bool kill_biggest() override;

    Kernel kernel_;
    std::map<Pid, std::unique_ptr<Process>> processes_;
    std::vector<Process*> running_;  // by cpu; nullptr: idle
    std::vector<Process*> by_pmap_;  // by pmap id
    std::vector<Pid> killed_;        // in the current operation
};

}  // namespace vmref::impl
