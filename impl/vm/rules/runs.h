// The bounds of a run of pages written together (vm_object.c:642-750).
#pragma once

#include "impl/defects/defects.h"
#include "impl/machine/word.h"

namespace vmref::impl::rule {

using word::select;

// One past the last index that a run of `count` pages from `index` on may take. Requires: index < end.
template <word::Word W>
constexpr W run_end(W index, word::Same<W> count, word::Same<W> end) {
    return select(end - index < count, end, W(index + count));
}

// The first index, if `room` pages may go in front of `index`; an object begins at 0 (B-63).
template <word::Word W>
constexpr W run_start(W index, word::Same<W> room, const DefectSet& defects) {
    if (defects.on(Defect::b63_look_behind_wraps)) {
        return index - room;
    }
    return select(index < room, W(0U), W(index - room));
}

}  // namespace vmref::impl::rule
