// The kernel's own memory: what is allocated, and where nobody may fault.
#include "model/world.h"

namespace vmref::model {

namespace {

constexpr PageIndex kFirst = page_of(kKernelMemory);

bool in_submap(PageIndex page) {
    return page >= kFirst + kFirstOfSubmap;
}

}  // namespace

std::optional<Status> forbidden(const Range& range, PageIndex page) {
    const bool guard = range.use == KernelUse::stack && page == range.start;
    return guard || range.use == KernelUse::reserved ? std::optional(Status::failure) : std::nullopt;
}

bool outlives_loss(Pid pid, PageIndex page) {
    return pid == 0 && !in_submap(page);
}

void run(Step& step, const KernelAlloc& op) {
    const PageIndex first = page_of(op.addr);
    const std::uint64_t end = std::uint64_t{first} + op.pages;
    const std::uint32_t least = op.use == KernelUse::stack ? 2 : 1;
    if ((op.addr & kPageMask) != 0 || op.pages < least || first < kFirst || end > kFirst + kKernelPages ||
        in_submap(first) != in_submap(static_cast<PageIndex>(end) - 1)) {
        step.expected.status = Status::invalid_argument;
        return;
    }
    AddressSpace& space = step.world.kernel.space;
    if (!space.each(first, static_cast<PageIndex>(end), [](const Range&, PageIndex, std::uint32_t) { return false; })) {
        step.expected.status = Status::no_space;
        return;
    }
    space.insert({.start = first,
                  .pages = op.pages,
                  .container = Ref<Container>(new Container),
                  .prot = kProtRead | kProtWrite,
                  .inherit = Inherit::none,
                  .kernel_wirings = op.use == KernelUse::stack ? 1U : 0U,
                  .use = op.use});
}

void run(Step& step, const KernelFree& op) {
    AddressSpace& space = step.world.kernel.space;
    const Range* const range = space.at(page_of(op.addr));
    if ((op.addr & kPageMask) != 0 || range == nullptr || range->start != page_of(op.addr)) {
        step.expected.status = Status::invalid_argument;
        return;
    }
    space.unmap(range->start, range->end());
}

}  // namespace vmref::model
