// Mappings whose pages are found through tables in their own memory (ops/virtual_page_table.h).
#include "ops/virtual_page_table.h"

#include <algorithm>
#include <cstring>

#include "model/pages.h"
#include "model/world.h"

namespace vmref::model {

namespace {

// One walk, from the root down. The tables are marked on the way, even if the access comes to nothing.
class Walk {
  public:
    Walk(Step& step, Pid pid, const Range& range, Prot need, Prot allowed)
        : step_(step), pid_(pid), range_(range), need_(need), marks_((allowed & kProtWrite) != 0) {}

    // At most `most` tables; `unreadable`: a page that could not be read ends it.
    TableTarget to(PageIndex page, std::uint32_t most, bool unreadable) {
        const PageIndex number = page - range_.start;
        std::uint32_t word = range_.root;
        unsigned shift = kVpteIndexBits;
        for (; (word & kVpteV) != 0 && (word & kVptePS) == 0 && shift != 0 && permits(word); --most) {
            const TableTarget table = reach(word >> kVpteFrameShift, unreadable);
            if (table.status != Status::success || most == 0) {
                return table;
            }
            shift -= kVpteLevelBits;
            word = pass(table.cell, (number >> shift) % (1U << kVpteLevelBits));
        }
        if ((word & kVpteV) == 0 || !permits(word)) {
            return {.status = Status::failure};
        }
        stores_later_ = marks_ && (stores() || (word & (kVpteRW | kVpteM)) == (kVpteRW | kVpteM));
        return reach((word >> kVpteFrameShift) + number % (1U << shift), unreadable);
    }
    bool stores_later() const { return stores_later_; }

  private:
    bool stores() const { return (need_ & kProtWrite) != 0; }
    bool permits(std::uint32_t word) const { return !stores() || (word & kVpteRW) != 0; }

    TableTarget reach(PageIndex number, bool unreadable) const {
        if (number >= range_.pages || range_.container->refused(range_.offset + number)) {
            return {.status = Status::protection_failure};
        }
        const FailedRead* const failed =
            unreadable ? failed_read(step_, pid_, (range_.start + number) << kPageShift) : nullptr;
        if (failed != nullptr) {
            return {.status = failed->bad ? Status::protection_failure : Status::failure};
        }
        return {.cell = range_.offset + number};
    }

    // The word there, marked for this access.
    std::uint32_t pass(PageIndex cell, std::uint32_t slot) {
        Container& container = *range_.container;
        if (marks_) {
            container.settle(cell, 1);
        }
        std::uint32_t word = 0;
        if (const std::uint8_t* const bytes = container.read(cell)) {
            std::memcpy(&word, bytes + 4 * slot, sizeof word);
        }
        const bool modified = stores() && (word & kVpteRW) != 0;
        const std::uint32_t bits = modified ? kVpteA | kVpteM : (need_ & kProtRead) != 0 ? kVpteA : 0;
        if (marks_ && (word & kVpteV) != 0 && (word & bits) != bits) {
            word |= bits;
            std::memcpy(container.write(cell) + 4 * slot, &word, sizeof word);
        }
        return word;
    }

    Step& step_;
    Pid pid_;
    const Range& range_;
    Prot need_;
    bool marks_;
    bool stores_later_ = false;
};

const TableWalk* next_walk(const Step& step, Pid pid, PageIndex page) {
    const auto& walked = step.actual.witness.walked;
    const TableWalk* const next = step.next_walk < walked.size() ? &walked[step.next_walk] : nullptr;
    return next != nullptr && next->pid == pid && page_of(next->va) == page ? next : nullptr;
}

}  // namespace

TableTarget translate(Step& step, const TableAccess& access) {
    AddressSpace& space = space_of(step, access.pid);
    const Range& range = *space.at(access.page);
    if (next_walk(step, access.pid, access.page) == nullptr) {
        const Translation* const known = access.enters ? space.translation(access.page) : nullptr;
        if (known == nullptr || ((access.need & kProtWrite) != 0 && !known->writable)) {
            step.complain("page " + hex(access.page << kPageShift) + " of process " + std::to_string(access.pid) +
                          " was reached without a walk of its tables");
            return {.status = Status::failure};
        }
        const bool gone = range.container->refused(known->cell);
        return {.status = gone ? Status::protection_failure : Status::success, .cell = known->cell};
    }
    TableTarget target;
    for (; next_walk(step, access.pid, access.page) != nullptr; ++step.next_walk) {
        Walk walk(step, access.pid, range, access.need, access.allowed);
        target = walk.to(access.page, kVpteIndexBits, access.unreadable);
        if (target.status == Status::success && access.enters) {
            space.remember(access.page, {target.cell, walk.stores_later()});
        }
    }
    return target;
}

void translate_again(Step& step, Pid pid, Prot need, PageIndex first, PageIndex last) {
    const AddressSpace& space = space_of(step, pid);
    for (bool again = true; again;) {
        again = false;
        for (const PageIndex page : {first, last}) {
            if (next_walk(step, pid, page) != nullptr) {
                translate(step, {pid, page, need, space.at(page)->prot, false, true});
                again = true;
            }
        }
    }
}

void take_left_walks(Step& step, Prot need, bool overriding) {
    const auto& walked = step.actual.witness.walked;
    for (; step.next_walk < walked.size(); ++step.next_walk) {
        const TableWalk& walk = walked[step.next_walk];
        const Process* const process = step.world.find(walk.pid);
        const Range* const range = process != nullptr ? process->space.at(page_of(walk.va)) : nullptr;
        const auto taken = walked.begin() + static_cast<std::ptrdiff_t>(step.next_walk);
        const bool known = step.killed || std::any_of(walked.begin(), taken, [&walk](const TableWalk& earlier) {
                               return earlier.pid == walk.pid && earlier.va == walk.va;
                           });
        if (range == nullptr || !range->table || !known) {
            step.complain("the tables of page " + hex(walk.va) + " of process " + std::to_string(walk.pid) +
                          " were walked for no access");
            continue;
        }
        const Prot allowed = overriding && (need & kProtWrite) != 0 ? range->max_prot : range->prot;
        Walk(step, walk.pid, *range, need, allowed).to(page_of(walk.va), walk.depth, false);
    }
}

void run(Step& step, const Mcontrol& op) {
    const auto pages = pages_of(step, op);
    if (!pages) {
        return;
    }
    const auto tabled = [](const Range& range, PageIndex, std::uint32_t) { return range.table; };
    if (op.call == TableCall::set_map) {
        if (cuts_table(step, *pages)) {
            return;
        }
        if (!pages->each(tabled)) {
            step.expected.status = Status::invalid_argument;
            return;
        }
        pages->set(&Range::root, op.value);
    }
    pages->space->forget_translations(pages->first, pages->end);
}

}  // namespace vmref::model
