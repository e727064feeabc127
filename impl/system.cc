// Processes, CPUs and what stands in for the other threads.
#include "impl/system.h"

#include <algorithm>

#include "impl/vm/fault.h"
#include "impl/vm/pageout.h"
#include "impl/vm/vm_object.h"

namespace vmref::impl {

namespace {

// The process an operation works for: it is the one that can be told to give up for memory.
template <class Op>
Pid acting_process(const Op& operation) {
    if constexpr (requires { operation.parent; }) {
        return operation.parent;
    } else if constexpr (requires { operation.pid; }) {
        return operation.pid;
    } else {
        return 0;
    }
}

}  // namespace

System::System(const Config& config, const DefectSet& defects)
    : kernel_(config, defects), running_(config.cpus, nullptr) {
    kernel_.sched.set_inline_waiter(this);
    kernel_.killer = this;
}

System::~System() = default;

Process* System::find(Pid pid) const {
    const auto found = processes_.find(pid);
    return found == processes_.end() ? nullptr : found->second.get();
}

Process* System::find_by_pmap(PmapId pmap) const {
    return pmap < by_pmap_.size() ? by_pmap_[pmap] : nullptr;
}

Observation System::apply(const Operation& operation) {
    kernel_.journal.clear();
    kernel_.discarded.clear();
    kernel_.bytes_moved = 0;
    killed_.clear();
    const Pid actor = visit_operation<WorldName::system>([](const auto& op) { return acting_process(op); }, operation);
    kernel_.curproc = find(actor);
    Observation observation = visit_operation<WorldName::system>([this](const auto& op) { return run(op); }, operation);
    if (kernel_.current_dying()) {
        kernel_.curproc = nullptr;
        end_process(actor);
        killed_.push_back(actor);
        observation = Observation{.signal = Signal::kill, .value = kernel_.bytes_moved};
    }
    kernel_.curproc = nullptr;
    observation.witness.discarded.assign(kernel_.discarded.begin(), kernel_.discarded.end());
    observation.witness.killed.assign(killed_.begin(), killed_.end());
    return observation;
}

bool System::make_progress(BlockPoint point, const void* /*channel*/) {
    if (point != BlockPoint::memory) {
        return false;  // inline nobody else holds a lock or a page
    }
    while (!pageout_until_plenty(kernel_)) {
        if (kernel_.current_dying() || !kill_biggest()) {
            return kernel_.current_dying();
        }
    }
    return true;
}

bool System::kill_biggest() {
    Process* victim = nullptr;
    for (const auto& [pid, candidate] : processes_) {
        if (candidate->map.pmap != nullptr && !candidate->lowmemkill &&
            (victim == nullptr || candidate->map.pmap->resident_count > victim->map.pmap->resident_count)) {
            victim = candidate.get();
        }
    }
    if (victim == nullptr) {
        return false;
    }
    if (victim == kernel_.curproc) {
        victim->lowmemkill = true;
        return true;
    }
    killed_.push_back(victim->pid);
    end_process(victim->pid);
    return true;
}

// --- address spaces
// ------------------------------------------------------------------------------------------------------

// False: the current process is dying for memory. Blocks
bool System::new_address_space(Process& process) {
    Pmap* pmap = kernel_.pmaps.create();
    while (pmap == nullptr) {
        kernel_.wait_for_memory();
        if (kernel_.current_dying()) {
            return false;
        }
        pmap = kernel_.pmaps.create();
    }
    process.map.pid = process.pid;
    process.map.pmap = pmap;
    if (by_pmap_.size() <= pmap->id) {
        by_pmap_.resize(pmap->id + 1, nullptr);
    }
    by_pmap_[pmap->id] = &process;
    return true;
}

// Takes the address space down: the unwired mappings by the pmap's own list, then entry by entry (catalogue B-93).
void System::leave_address_space(Process& process) {
    Map& map = process.map;
    if (map.pmap == nullptr) {
        return;
    }
    kernel_.pmaps.remove_pages(*map.pmap, 0, kUserEnd);
    map_remove(kernel_, map, 0, kUserEnd);
    for (CpuId cpu = 0; cpu < running_.size(); ++cpu) {
        if (running_[cpu] == &process) {
            idle(cpu);
        }
    }
    by_pmap_[map.pmap->id] = nullptr;
    kernel_.pmaps.destroy(*map.pmap);
    map.pmap = nullptr;
}

void System::end_process(Pid pid) {
    leave_address_space(process(pid));
    processes_.erase(pid);
}

Observation System::run(const Spawn& operation) {
    auto created = std::make_unique<Process>();
    created->pid = operation.pid;
    new_address_space(*created);
    processes_.emplace(operation.pid, std::move(created));
    return {};
}

Observation System::run(const Exec& operation) {
    Process& self = process(operation.pid);
    leave_address_space(self);
    self.nthreads = 1;
    new_address_space(self);
    return {};
}

Observation System::run(const Exit& operation) {
    kernel_.curproc = nullptr;
    end_process(operation.pid);
    return {};
}

Observation System::run(const Fork& operation) {
    Process& parent = process(operation.parent);
    auto child = std::make_unique<Process>();
    child->pid = operation.child;
    child->cpu = parent.cpu;
    if (!new_address_space(*child)) {
        return {};
    }
    const Status status = map_fork(kernel_, parent.map, child->map);
    // Discards count as before the fork: the child got the zeroes by it.
    std::erase_if(kernel_.discarded, [&](const Discard& discard) { return discard.pid == operation.child; });
    if (status != Status::success) {
        leave_address_space(*child);
        return {.status = status};
    }
    processes_.emplace(operation.child, std::move(child));
    return {};
}

// --- CPUs
// ----------------------------------------------------------------------------------------------------------------

void System::idle(CpuId cpu) {
    if (running_[cpu] != nullptr) {
        kernel_.pmaps.activate(cpu, running_[cpu]->map.pmap, nullptr);
        running_[cpu] = nullptr;
    }
}

std::uint32_t System::active_cpus(const Process& process) const {
    return static_cast<std::uint32_t>(std::count(running_.begin(), running_.end(), &process));
}

// A process leaves CPUs until it has a thread for each that it keeps.
void System::limit_active_cpus(Process& process, CpuId keep) {
    for (CpuId cpu = 0; cpu < running_.size() && active_cpus(process) > process.nthreads; ++cpu) {
        if (cpu != keep && running_[cpu] == &process) {
            idle(cpu);
        }
    }
}

void System::run_on(Process& process, CpuId cpu) {
    process.cpu = cpu;
    if (running_[cpu] == &process) {
        return;
    }
    Process* const previous = running_[cpu];
    kernel_.pmaps.activate(cpu, previous == nullptr ? nullptr : previous->map.pmap, process.map.pmap);
    running_[cpu] = &process;
    limit_active_cpus(process, cpu);
}

Observation System::run(const Threads& operation) {
    Process& self = process(operation.pid);
    self.nthreads = operation.count;
    limit_active_cpus(self, self.cpu);
    return {};
}

Observation System::run(const Switch& operation) {
    if (operation.pid == 0) {
        idle(operation.cpu);
    } else {
        run_on(process(operation.pid), operation.cpu);
    }
    return {};
}

Observation System::run(const Pageout& operation) {
    pageout_scan(kernel_, operation.pages, false);
    return {};
}

}  // namespace vmref::impl
