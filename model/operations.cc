// The operations on processes, mappings and files; those that touch user memory are in access.cc.
#include <algorithm>
#include <tuple>
#include <type_traits>
#include <utility>

#include "model/pages.h"
#include "model/world.h"

namespace vmref::model {

namespace {

void run(Step& step, const Spawn& op) {
    step.world.add(op.pid);
}

void run(Step& step, const Exec& op) {
    *step.world.find(op.pid) = Process{};
}

void run(Step& step, const Exit& op) {
    step.world.remove(op.pid);
}

void run(Step& step, const Fork& op) {
    if (!step.actual.witness.failed.empty()) {
        step.expected.status = Status::failure;  // a page that had to be copied at once could not be read
        return;
    }
    AddressSpace& child = step.world.add(op.child).space;
    for (const Range& range : space_of(step, op.parent).ranges()) {
        if (range.inherit == Inherit::none) {
            continue;
        }
        Range copy = range;
        copy.wired = false;
        copy.kernel_wirings = 0;
        if (range.inherit == Inherit::copy && !range.device) {
            copy.shared = false;
            copy.container = range.container->snapshot(range.offset, range.pages);
            copy.offset = 0;
            if (range.pinned()) {
                copy.container->settle(0, range.pages);
            }
        }
        child.insert(std::move(copy));
    }
}

void run(Step& step, const Threads& op) {
    step.world.find(op.pid)->threads = op.count;
}

void run(Step&, const Switch&) {}

void run(Step& step, const CreateFile& op) {
    step.world.files.emplace(op.file, Ref<Container>(new Container(op.file, op.size)));
}

// What a new mapping refers to, from which cell on. `file` may be null: anonymous memory.
std::pair<Ref<Container>, PageIndex> content(const Ref<Container>& file, PageIndex page, bool shared) {
    if (!file) {
        return {Ref<Container>(new Container), 0};
    }
    return shared ? std::pair(file, page) : std::pair(Ref<Container>(new Container(file, page)), 0U);
}

// The first page of a mapping whose place is free to choose; nullopt if there is none, or the choice was wrong.
std::optional<PageIndex> chosen_place(Step& step, const AddressSpace& space, std::uint32_t pages) {
    if (step.actual.status == Status::no_space) {
        if (const auto room = space.room(pages)) {
            step.complain("no_space, but " + std::to_string(pages) + " pages fit at " +
                          hex(std::uint64_t{*room} << kPageShift));
        }
        step.expected.status = Status::no_space;
        return std::nullopt;
    }
    const Va va = step.actual.address;
    if ((va & kPageMask) != 0 || !space.fits(page_of(va), pages)) {
        step.complain(std::to_string(pages) + " pages cannot be mapped at " + hex(va) +
                      ": not page aligned, not unmapped, in the reserve of a stack or not in user space");
        return std::nullopt;
    }
    return page_of(va);
}

void run(Step& step, const Mmap& op) {
    AddressSpace& space = space_of(step, op.pid);
    const Prot max_prot = op.shared ? op.max_prot : kProtAll;
    if (op.length == 0) {
        return;
    }
    if ((op.fixed && (op.addr & kPageMask) != 0) || (op.offset & kPageMask) != 0 ||
        (op.stack && (!op.fixed || op.shared || op.file != 0)) || (op.vpagetable && (op.offset != 0 || op.stack))) {
        step.expected.status = Status::invalid_argument;
        return;
    }
    if ((op.prot & ~max_prot) != 0) {
        step.expected.status = Status::protection_failure;
        return;
    }
    const std::uint32_t pages = pages_in(op.length);
    if (op.fixed && space.would_cut_table(page_of(op.addr), page_of(op.addr) + pages)) {
        step.expected.status = Status::invalid_argument;
        return;
    }
    const auto first = op.fixed ? page_of(op.addr) : chosen_place(step, space, pages);
    if (!first) {
        return;
    }
    step.expected.address = *first << kPageShift;
    space.unmap(*first, *first + pages);
    const std::uint32_t mapped = op.stack ? std::min(pages, step.world.config.stack_grow) : pages;
    Range range{.start = *first + pages - mapped, .pages = mapped, .reserve = pages - mapped};
    std::tie(range.container, range.offset) =
        content(Ref<Container>(step.world.find_file(op.file)), page_of(op.offset), op.shared);
    range.prot = op.prot;
    range.max_prot = max_prot;
    range.inherit = op.shared ? Inherit::share : Inherit::copy;
    range.shared = op.shared;
    range.table = op.vpagetable;
    space.insert(std::move(range));
    lock_new(step, op.pid, *first + pages - mapped, *first + pages);
}

void run(Step& step, const MapDevice& op) {
    if (op.length == 0) {
        return;
    }
    const std::uint64_t end = std::uint64_t{op.offset} + op.length;
    if (((op.addr | op.offset) & kPageMask) != 0 || std::uint64_t{op.addr} + op.length > kUserEnd ||
        end > kUserDevicePages * kPageSize) {
        step.expected.status = Status::invalid_argument;
        return;
    }
    const PageIndex first = page_of(op.addr);
    const std::uint32_t pages = pages_in(op.length);
    AddressSpace& space = space_of(step, op.pid);
    if (space.would_cut_table(first, first + pages)) {
        step.expected.status = Status::invalid_argument;
        return;
    }
    Ref<Container>& device = step.world.devices[op.device - 1U];
    device = device ? device : Ref<Container>(new Container);
    space.unmap(first, first + pages);
    space.insert({.start = first,
                  .pages = pages,
                  .container = device,
                  .offset = page_of(op.offset),
                  .prot = op.prot,
                  .inherit = Inherit::share,
                  .shared = true,
                  .device = true});
    lock_new(step, op.pid, first, first + pages);
}

void run(Step& step, const Munmap& op) {
    const auto pages = pages_of(step, op, Status::invalid_argument);
    if (pages && !cuts_table(step, *pages)) {
        pages->space->unmap(pages->first, pages->end);
    }
}

Status mremap_status(const AddressSpace& space, const Mremap& op) {
    const std::uint64_t end = std::uint64_t{op.addr} + op.length;
    const std::uint64_t new_end = std::uint64_t{op.new_addr} + op.new_length;
    const bool aligned = ((op.addr | op.length | op.new_addr | op.new_length) & kPageMask) == 0;
    const bool moves = op.new_addr != op.addr;
    if (!aligned || op.length == 0 || op.new_length == 0 || end > kUserEnd || new_end > kUserEnd ||
        (moves && op.new_addr < end && op.addr < new_end)) {
        return Status::invalid_argument;
    }
    if (space.has_hole(page_of(op.addr), pages_in(static_cast<std::uint32_t>(end)))) {
        return Status::invalid_address;
    }
    if (op.new_length > op.length && space.at(page_of(op.addr + op.length) - 1)->device) {
        return Status::invalid_argument;
    }
    const auto mapped = [](const Range&, PageIndex, std::uint32_t) { return false; };
    const auto plain = [](const Range& range, PageIndex, std::uint32_t) { return !range.table; };
    if (!space.each(page_of(op.addr), pages_in(static_cast<std::uint32_t>(end)), plain) ||
        (moves && space.would_cut_table(page_of(op.new_addr), page_of(static_cast<std::uint32_t>(new_end))))) {
        return Status::invalid_argument;
    }
    const bool obstructed =
        !moves && end < new_end && !space.each(page_of(op.addr + op.length), page_of(op.addr + op.new_length), mapped);
    return obstructed ? Status::no_space : Status::success;
}

void run(Step& step, const Mremap& op) {
    AddressSpace& space = space_of(step, op.pid);
    step.expected.status = mremap_status(space, op);
    if (step.expected.status != Status::success) {
        return;
    }
    const PageIndex from = page_of(op.addr);
    const PageIndex to = page_of(op.new_addr);
    const std::uint32_t pages = page_of(op.new_length);
    const std::uint32_t kept = std::min(page_of(op.length), pages);
    space.unmap(from + kept, from + page_of(op.length));
    if (from != to) {
        space.unmap(to, to + pages);
        const std::span<Range> clipped = space.clip(from, from + kept);
        std::vector<Range> moved(clipped.begin(), clipped.end());
        space.unmap(from, from + kept);
        for (Range& range : moved) {
            range.start = range.start - from + to;
            range.wired = false;
            range.kernel_wirings = 0;
            space.insert(std::move(range));
        }
    }
    if (pages > kept) {
        Range added = *space.at(to + kept - 1);
        const Ref<Container> file = added.container->base();
        std::tie(added.container, added.offset) =
            content(file, added.container->file_page(added.cell(to + kept)), file.get() == added.container.get());
        added.start = to + kept;
        added.pages = pages - kept;
        added.wired = false;
        added.kernel_wirings = 0;
        added.reserve = 0;
        space.insert(std::move(added));
    }
}

void run(Step& step, const Mprotect& op) {
    const auto pages = pages_of(step, op);
    if (!pages || cuts_table(step, *pages)) {
        return;
    }
    const auto permits = [&](const Range& range, PageIndex, std::uint32_t) { return (op.prot & ~range.max_prot) == 0; };
    if (!pages->each(permits)) {
        step.expected.status = Status::protection_failure;
        return;
    }
    for (Range& range : pages->clip()) {
        // A wired page that becomes writable is copied at once (catalogue D-3).
        const bool copied_now = range.pinned() && (op.prot & ~range.prot & kProtWrite) != 0;
        for (PageIndex page = range.start; copied_now && page < range.end(); ++page) {
            if (failed_read(step, op.pid, page << kPageShift) == nullptr) {
                range.container->settle(range.cell(page), 1);
            }
        }
        range.prot = op.prot;
    }
}

void run(Step& step, const Minherit& op) {
    const auto pages = pages_of(step, op);
    if (pages && !cuts_table(step, *pages)) {
        pages->set(&Range::inherit, op.inherit);
    }
}

// Whether a range other than `self` maps this cell of its container.
bool reached_by_others(World& world, const Range& self, PageIndex cell) {
    const auto reaches = [&](const Range& range) {
        return &range != &self && range.container.get() == self.container.get() && cell >= range.offset &&
               cell - range.offset < range.pages;
    };
    return self.container->use_count() > 1 && std::ranges::any_of(world.processes, [&](const auto& process) {
               return std::ranges::any_of(process.second.space.ranges(), reaches);
           });
}

void run(Step& step, const Madvise& op) {
    const auto pages = pages_of(step, op);
    const bool of_pages = op.advice == Advice::willneed || op.advice == Advice::dontneed || op.advice == Advice::free;
    if (!pages || (!of_pages && cuts_table(step, *pages)) || op.advice != Advice::free) {
        return;
    }
    pages->each([&](const Range& range, PageIndex from, std::uint32_t count) {
        const auto [low, high] = range.container->values(range.cell(from), count);
        for (auto* cell = low; !range.pinned() && !range.device && !range.container->base() && cell != high; ++cell) {
            cell->discardable |= !reached_by_others(step.world, range, cell->page);
        }
        return true;
    });
}

void run(Step& step, const Msync& op) {
    pages_of(step, op, Status::invalid_address);
}

void run(Step& step, const Ftruncate& op) {
    step.world.find_file(op.file)->resize(op.size);
}

void run(Step&, const Pageout&) {}

void run(Step&, const Swapoff&) {}

void run(Step&, const WriteOut&) {}

void run(Step&, const FinishIo&) {}

void run(Step&, const Reclaim&) {}

void run(Step&, const BusyPage&) {}

void run(Step&, const PlanShortage&) {}

template <typename Op>
Pid own_process(const Op& op) {
    if constexpr (requires { op.parent; }) {
        return op.parent;
    } else if constexpr (requires { op.pid; }) {
        return op.pid;
    }
    return 0;
}

// What the operation needs of the pages that it reaches.
template <typename Op>
Prot needed_by(const Op& op) {
    if constexpr (std::is_same_v<Op, Access>) {
        return op.kind == AccessKind::store ? kProtWrite : kProtRead;
    } else if constexpr (std::is_same_v<Op, DebugAccess>) {
        return op.call == DebugCall::debug_write ? kProtWrite : kProtRead;
    } else if constexpr (std::is_same_v<Op, KernelGet>) {
        return op.write ? kProtRead | kProtWrite : kProtRead;
    }
    return std::is_same_v<Op, FileRead> ? kProtWrite : kProtRead;
}

template <typename Op>
void take(Step& step, const Op& op) {
    const std::vector<Pid>& killed = step.actual.witness.killed;
    const Pid own = own_process(op);
    const auto is_killed = [&](Pid pid) { return std::ranges::find(killed, pid) != killed.end(); };
    step.killed = own != 0 && !killed.empty() && is_killed(own);
    if constexpr (requires { op.target; }) {
        step.killed = step.killed || is_killed(op.target);
    }
    constexpr bool discards_follow = std::is_same_v<Op, Madvise>;
    // What was transferred before the kill stays.
    constexpr bool killed_half_way = std::is_same_v<Op, FileRead> || std::is_same_v<Op, FileWrite>;
    // Who locks what he maps has copied from the new mapping.
    constexpr bool copies_follow = std::is_same_v<Op, Mmap>;
    if (!copies_follow) {
        take_early_copies(step);
    }
    if (!discards_follow) {
        apply_discards(step, 0);
    }
    if (killed_half_way || !step.killed) {
        run(step, op);
        if (copies_follow) {
            take_early_copies(step);
        }
    }
    if (step.next_walk != step.actual.witness.walked.size()) {
        take_left_walks(step, needed_by(op), std::is_same_v<Op, DebugAccess>);
    }
    if (discards_follow) {
        apply_discards(step, 0);
    }
    if (step.killed) {
        step.expected.status = Status::success;
        step.expected.signal = Signal::kill;
    }
    if (step.next_discard != step.actual.witness.discarded.size()) {
        step.complain_of_discard("a discard after " +
                                 std::to_string(step.actual.witness.discarded[step.next_discard].after) +
                                 " bytes: no run ends there");
    }
    for (const Pid pid : killed) {
        if (step.world.find(pid) == nullptr && !(std::is_same_v<Op, Spawn> && pid == own)) {
            step.complain("process " + std::to_string(pid) + " was killed, but does not exist");
        }
        step.world.remove(pid);
    }
}

}  // namespace

void apply_discards(Step& step, std::uint32_t moved) {
    const std::vector<Discard>& discarded = step.actual.witness.discarded;
    for (std::size_t& n = step.next_discard; n < discarded.size() && discarded[n].after == moved; ++n) {
        const auto [pid, va, after] = discarded[n];
        const Process* process = step.world.find(pid);
        const Range* range = process != nullptr ? process->space.at(page_of(va)) : nullptr;
        if (range == nullptr || (va & kPageMask) != 0 || !range->container->discard(range->cell(page_of(va)))) {
            step.complain_of_discard("page " + hex(va) + " of process " + std::to_string(pid) +
                                     " was discarded, but madvise(free) did not permit it");
        }
    }
}

Outcome take_alone(World& world, const Operation& operation, const Observation& actual) {
    Outcome outcome;
    outcome.expected.witness = actual.witness;
    Step step{world, actual, outcome.expected, outcome.illegal, outcome.illegal_discard};
    judge_failed_reads(step);
    visit_operation<WorldName::system>([&](const auto& op) { take(step, op); }, operation);
    return outcome;
}

}  // namespace vmref::model
