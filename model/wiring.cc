// mlock, munlock, and what the kernel wires for itself.
#include "model/pages.h"
#include "model/world.h"

namespace vmref::model {

namespace {

// Faults `pages` from `from` on in with everything their range permits; whether all of them can be.
bool fault_in(const Range& range, PageIndex from, std::uint32_t pages) {
    if (range.pinned() || (range.prot != kProtNone && range.container->file() == 0)) {
        return true;
    }
    for (PageIndex cell = range.cell(from); cell < range.cell(from) + pages; ++cell) {
        if (range.prot == kProtNone || range.container->refused(cell)) {
            return false;
        }
        if ((range.prot & kProtWrite) != 0) {
            range.container->settle(cell, 1);
        }
    }
    return true;
}

// The same for the kernel, which reads and writes every page that nobody has wired yet.
bool fault_in_for_kernel(const Range& range, PageIndex from, std::uint32_t pages) {
    constexpr Prot kBoth = kProtRead | kProtWrite;
    return range.pinned() || ((range.prot & kBoth) == kBoth && fault_in(range, from, pages));
}

}  // namespace

void run(Step& step, const Mlock& op) {
    const auto pages = pages_of(step, op, Status::invalid_address);
    if (!pages) {
        return;
    }
    if (step.actual.status == Status::resource_shortage) {
        step.expected.status = Status::resource_shortage;
    } else if (!pages->each(fault_in)) {
        step.expected.status = Status::protection_failure;
    } else {
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

void run(Step& step, const KernelWire& op) {
    const auto pages = pages_of(step, op, Status::invalid_address);
    if (!pages) {
        return;
    }
    if (step.actual.status == Status::resource_shortage) {
        step.expected.status = Status::resource_shortage;
    } else if (!pages->each(fault_in_for_kernel)) {
        step.expected.status = Status::protection_failure;
    } else {
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
