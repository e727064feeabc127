// Processes, CPUs and what stands in for the other threads.
#include "impl/system.h"

#include <algorithm>

#include "impl/vm/fault.h"
#include "impl/vm/pageout.h"
#include "impl/vm/pager.h"
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
    const ArenaScope scope(arena_);
    kernel_.journal.clear();
    if (keeps_next_back_) {
        keeps_next_back_ = false;
        kept_ = operation;
        return {};
    }
    if (!kept_) [[likely]] {
        return carry_out(operation);
    }
    Hooked beside;
    beside_ = &beside;
    kernel_.sched.set_others_wait(lets_others_run(operation));
    Observation observation = carry_out(operation);
    kernel_.sched.set_others_wait(false);
    if (kept_) {
        run_kept(HookTime::after);
    }
    beside_ = nullptr;
    observation.hooked.push_back(std::move(beside));
    return observation;
}

Observation System::carry_out(const Operation& operation) {
    kernel_.discarded.clear();
    kernel_.failed.clear();
    kernel_.copied.clear();
    kernel_.walked.clear();
    kernel_.injection.clear_fired();
    kernel_.bytes_moved = 0;
    killed_.clear();
    Outcome outcome = visit_operation<WorldName::system>(
        [this](const auto& op) {
            const Pid actor = acting_process(op);
            if (last_found_ == nullptr || last_found_->pid != actor) {
                last_found_ = find(actor);
            }
            kernel_.curproc = last_found_;
            if constexpr (requires { op.target; }) {
                kernel_.debuggee = find(op.target);
            }
            return run(op);
        },
        operation);
    if (kernel_.current_dying()) {
        end_the_dying();
        outcome = {.signal = Signal::kill, .value = kernel_.bytes_moved};
    }
    kernel_.curproc = nullptr;
    kernel_.debuggee = nullptr;
    Observation observation{
        .status = outcome.status, .signal = outcome.signal, .value = outcome.value, .address = outcome.address};
    if (!kernel_.discarded.empty()) {
        observation.witness.discarded.assign(kernel_.discarded.begin(), kernel_.discarded.end());
    }
    if (!killed_.empty()) {
        observation.witness.killed.assign(killed_.begin(), killed_.end());
    }
    if (!kernel_.failed.empty()) {
        observation.witness.failed.assign(kernel_.failed.begin(), kernel_.failed.end());
    }
    if (!kernel_.copied.empty()) {
        observation.witness.copied.assign(kernel_.copied.begin(), kernel_.copied.end());
    }
    if (!kernel_.walked.empty()) {
        observation.witness.walked.assign(kernel_.walked.begin(), kernel_.walked.end());
    }
    return observation;
}

// Who was chosen to die for memory while the operation worked for or on him.
void System::end_the_dying() {
    Process* const candidates[] = {kernel_.curproc, kernel_.debuggee == kernel_.curproc ? nullptr : kernel_.debuggee};
    kernel_.curproc = nullptr;
    kernel_.debuggee = nullptr;
    for (const Process* const candidate : candidates) {
        if (candidate != nullptr && candidate->lowmemkill) {
            const Pid pid = candidate->pid;
            end_process(pid);
            killed_.push_back(pid);
        }
    }
}

// The free queue gives out frames in ascending order as long as none comes back, and what came back first: frames above
// the peak are as they were at first, the queue links of the next one excepted.
TouchedCounts System::touched() const {
    constexpr std::size_t kFrameZero = 1;
    constexpr std::size_t kNextFree = 1;
    return {kFrameZero + kernel_.pages.peak_frames() + kNextFree, kernel_.swap.touched()};
}

bool System::make_progress(BlockPoint point, const void* channel) {
    const bool helped = stand_in_progress(kernel_, point, channel);
    if (point != BlockPoint::memory) {
        return helped;  // inline nobody else holds a lock or a page
    }
    // What is short may be pv entries: the daemon takes mappings back before it looks for pages (pmap_collect).
    kernel_.pmaps.collect();
    if (kernel_.pmaps.pv_count() >= kernel_.config.pv_entries && !kill_biggest()) {
        return kernel_.current_dying();
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
    if (victim == kernel_.curproc || victim == kernel_.debuggee) {
        victim->lowmemkill = true;
        return true;
    }
    killed_.push_back(victim->pid);
    end_process(victim->pid);
    return true;
}

// --- address spaces -------------------------------------------------------------------------------------------------

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
    map.wire_future = false;
    by_pmap_[map.pmap->id] = nullptr;
    kernel_.pmaps.destroy(*map.pmap);
    map.pmap = nullptr;
}

void System::end_process(Pid pid) {
    leave_address_space(process(pid));
    if (last_found_ != nullptr && last_found_->pid == pid) {
        last_found_ = nullptr;
    }
    processes_.erase(pid);
}

Outcome System::run(const Spawn& operation) {
    auto created = make_owned<Process>();
    created->pid = operation.pid;
    new_address_space(*created);
    processes_.emplace(operation.pid, std::move(created));
    return {};
}

Outcome System::run(const Exec& operation) {
    Process& self = process(operation.pid);
    leave_address_space(self);
    self.nthreads = 1;
    new_address_space(self);
    return {};
}

Outcome System::run(const Exit& operation) {
    kernel_.curproc = nullptr;
    end_process(operation.pid);
    return {};
}

Outcome System::run(const Fork& operation) {
    Process& parent = process(operation.parent);
    auto child = make_owned<Process>();
    child->pid = operation.child;
    child->cpu = parent.cpu;
    child->rss_limit = parent.rss_limit;
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

// --- CPUs -----------------------------------------------------------------------------------------------------------

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

Outcome System::run(const Threads& operation) {
    Process& self = process(operation.pid);
    self.nthreads = operation.count;
    limit_active_cpus(self, self.cpu);
    return {};
}

Outcome System::run(const Switch& operation) {
    if (operation.pid == 0) {
        idle(operation.cpu);
    } else {
        run_on(process(operation.pid), operation.cpu);
    }
    return {};
}

Outcome System::run(const Swapoff& /*operation*/) {
    swap_pager_off(kernel_);
    return {};
}

Outcome System::run(const Pageout& operation) {
    pageout_scan(kernel_, operation.pages, false);
    return {};
}

}  // namespace vmref::impl
