// mlock, munlock, and what the kernel wires for itself.
#include "model/pages.h"
#include "model/world.h"

namespace vmref::model {

namespace {

// Faults `count` pages from `from` on in with everything their range permits. What the first that cannot be gives.
Status fault_in(const Step& step, Pid pid, const Range& range, PageIndex from, std::uint32_t count) {
    const bool is_file = range.container->file() != 0;
    if (range.pinned() || (range.prot != kProtNone && !is_file && step.actual.witness.failed.empty())) {
        return Status::success;
    }
    for (PageIndex page = from; page < from + count; ++page) {
        const PageIndex cell = range.cell(page);
        if (range.prot == kProtNone || range.container->refused(cell)) {
            return Status::protection_failure;
        }
        if (const FailedRead* const failed = failed_read(step, pid, page << kPageShift)) {
            return failed->bad ? Status::protection_failure : Status::failure;
        }
        if ((range.prot & kProtWrite) != 0) {
            range.container->settle(cell, 1);
        }
    }
    return Status::success;
}

// Faults in what `permits` allows; false: not all of it, and the status says why.
template <typename Permits>
bool fault_all_in(Step& step, Pid pid, const Pages& pages, Permits permits) {
    return pages.each([&](const Range& range, PageIndex from, std::uint32_t count) {
        step.expected.status = permits(range) ? fault_in(step, pid, range, from, count) : Status::protection_failure;
        return step.expected.status == Status::success;
    });
}

// The kernel reads and writes every page that nobody has wired yet.
bool permits_kernel(const Range& range) {
    constexpr Prot kBoth = kProtRead | kProtWrite;
    return range.pinned() || (range.prot & kBoth) == kBoth;
}

// Pages that a virtual page table translates are not wired.
bool has_table(Step& step, const Pages& pages) {
    const auto plain = [](const Range& range, PageIndex, std::uint32_t) { return !range.table; };
    const bool has = !pages.each(plain);
    step.expected.status = has ? Status::invalid_argument : step.expected.status;
    return has;
}

}  // namespace

void run(Step& step, const Mlock& op) {
    const auto pages = pages_of(step, op, Status::invalid_address);
    if (!pages || has_table(step, *pages)) {
        return;
    }
    if (step.actual.status == Status::resource_shortage) {
        step.expected.status = Status::resource_shortage;
    } else if (fault_all_in(step, op.pid, *pages, [](const Range&) { return true; })) {
        pages->set(&Range::wired, true);
    }
}

void run(Step& step, const Munlock& op) {
    const auto pages = pages_of(step, op, Status::invalid_address);
    const auto wired = [](const Range& range, PageIndex, std::uint32_t) { return range.wired; };
    if (pages && !pages->each(wired)) {
        step.expected.status = Status::invalid_argument;
    } else if (pages) {
        pages->set(&Range::wired, false);
    }
}

void run(Step& step, const LockFuture& op) {
    step.world.find(op.pid)->locks_future = op.on;
}

// Nobody can see which pages are mapped.
void run(Step& /*step*/, const LimitResident& /*op*/) {}

void lock_new(Step& step, Pid pid, PageIndex first, PageIndex end) {
    Process& process = *step.world.find(pid);
    const auto faults_in = [&](const Range& range, PageIndex from, std::uint32_t count) {
        return !range.table && fault_in(step, pid, range, from, count) == Status::success;
    };
    if (process.locks_future && process.space.each(first, end, faults_in)) {
        for (Range& range : process.space.clip(first, end)) {
            range.wired = true;
        }
    }
}

const Range* mapped_or_grown(Step& step, Pid pid, PageIndex page) {
    AddressSpace& space = step.world.find(pid)->space;
    if (const Range* range = space.at(page)) {
        return range;
    }
    if (const Range* grown = space.grow_stack(page, step.world.config.stack_grow)) {
        lock_new(step, pid, grown->start, grown->end());
    }
    return space.at(page);
}

void run(Step& step, const KernelWire& op) {
    const auto pages = pages_of(step, op, Status::invalid_address);
    if (!pages || has_table(step, *pages)) {
        return;
    }
    if (step.actual.status == Status::resource_shortage) {
        step.expected.status = Status::resource_shortage;
    } else if (fault_all_in(step, op.pid, *pages, permits_kernel)) {
        for (Range& range : pages->clip()) {
            ++range.kernel_wirings;
        }
    }
}

void run(Step& step, const KernelUnwire& op) {
    const auto pages = pages_of(step, op, Status::invalid_address);
    const auto wired = [](const Range& range, PageIndex, std::uint32_t) { return range.kernel_wirings != 0; };
    if (pages && !pages->each(wired)) {
        step.expected.status = Status::invalid_argument;
    } else if (pages) {
        for (Range& range : pages->clip()) {
            --range.kernel_wirings;
        }
    }
}

}  // namespace vmref::model
