// The pages that an operation on a range names.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "model/world.h"

namespace vmref::model {

inline AddressSpace& space_of(Step& step, Pid pid) {
    return step.world.find(pid)->space;
}

// The pages that an operation names.
struct Pages {
    AddressSpace* space;
    PageIndex first;
    PageIndex end;

    template <typename Visit>
    bool each(Visit visit) const {
        return space->each(first, end, visit);
    }
    std::span<Range> clip() const { return space->clip(first, end); }
    template <typename Value>
    void set(Value Range::*attribute, Value value) const {
        for (Range& range : clip()) {
            range.*attribute = value;
        }
    }
};

// nullopt: the operation ends here, with its status set. `on_hole`: the status if a page is not mapped.
template <typename Op>
std::optional<Pages> pages_of(Step& step, const Op& op, Status on_hole = Status::success) {
    const std::uint64_t end = std::uint64_t{op.addr} + op.length;
    if (op.length == 0) {
        return std::nullopt;
    }
    if (end > kUserEnd) {
        step.expected.status = Status::invalid_argument;
        return std::nullopt;
    }
    const Pages pages{&space_of(step, op.pid), page_of(op.addr), pages_in(static_cast<std::uint32_t>(end))};
    if (on_hole != Status::success && pages.space->has_hole(pages.first, pages.end)) {
        step.expected.status = on_hole;
        return std::nullopt;
    }
    return pages;
}

// Whether the pages would cut a mapping with a virtual page table: then the operation ends here.
inline bool cuts_table(Step& step, const Pages& pages) {
    const bool cuts = pages.space->would_cut_table(pages.first, pages.end);
    step.expected.status = cuts ? Status::invalid_argument : step.expected.status;
    return cuts;
}

}  // namespace vmref::model
