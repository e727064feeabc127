// What a chain of objects shows at one index, and what a fault, a collapse and a bypass make of one page: the decisions
// of vm_fault.c:1593-2058 and vm_object.c:1126-1277 as pure functions. A word type is their parameter, as in
// impl/machine/word.h: the handler and the collapse run them on std::uint32_t, the proofs on symbolic words.
#pragma once

#include "impl/defects/defects.h"
#include "impl/machine/word.h"

namespace vmref::impl::rule {

using word::bits_if;
using word::Bool;
using word::Same;
using word::select;
using word::Word;

// What one object has at one index.
template <Word W>
struct Slot {
    Bool<W> resident;  // a page, with data or without
    Bool<W> valid;     // a page with data
    Bool<W> block;     // its pager has the page
};

// Data of the object's own: nothing below is seen through it. An invalid page is none (B-40).
template <Word W>
constexpr Bool<W> has_data(const Slot<W>& slot, const DefectSet& defects) {
    return (defects.on(Defect::b40_invalid_page_counts) ? slot.resident : slot.valid) || slot.block;
}

// The page in `below` is what the parent shows. `in_window`: the parent reaches that index at all.
template <Word W>
constexpr Bool<W> seen_through(const Slot<W>& below, const Slot<W>& above, Same<Bool<W>> in_window,
                               const DefectSet& defects) {
    return below.valid && in_window && !has_data(above, defects);
}

// What becomes of a resident page of the backing object (vm_object.c:1187-1275).
template <Word W>
struct CollapseChoice {
    Bool<W> moves;        // to the parent; otherwise it is destroyed
    Bool<W> frees_block;  // its block goes: it is an older copy. That of an invalid page stays (B-41, B-43)
    Bool<W> frees_above;  // the parent's invalid page makes room
};

template <Word W>
constexpr CollapseChoice<W> collapse_choice(const Slot<W>& below, const Slot<W>& above, Same<Bool<W>> in_window,
                                            const DefectSet& defects) {
    const Bool<W> moves = seen_through(below, above, in_window, defects);
    return {.moves = moves, .frees_block = below.valid && below.block, .frees_above = moves && above.resident};
}

// A wired or held page would be destroyed, on either side: the merge is refused (catalogue D-7, I-39).
template <Word W>
constexpr Bool<W> destroys_pinned(const CollapseChoice<W>& choice, Same<Bool<W>> below_pinned,
                                  Same<Bool<W>> above_pinned) {
    return select(choice.moves, above_pinned, below_pinned);
}

// swap_pager_copy: a block of the backing object moves to the parent; otherwise it is freed.
template <Word W>
constexpr Bool<W> block_moves(const Slot<W>& above, Same<Bool<W>> in_window) {
    return in_window && !above.valid && !above.block;
}

// One level of a fault's way down the chain.
template <Word W>
struct Level {
    Bool<W> top;
    Bool<W> resident;  // busied by the fault
    Bool<W> valid;     // wholly
    Bool<W> marked;    // where read-ahead goes on (PG_RAM)
    Bool<W> pager;     // TRYPAGER: its pager might have the page
};

// At most one of found, asks_pager; if neither, the next level is looked at.
template <Word W>
struct LevelChoice {
    Bool<W> found;
    Bool<W> allocates;   // a new page first: for the pager to fill, or as placeholder at the top
    Bool<W> asks_pager;  // readrest
    Bool<W> releases;    // an invalid page below the top is let go of before the step down (catalogue D-5)
};

// The mark is a hint: without a pager there is nothing to read ahead (catalogue D-15, B-11).
template <Word W>
constexpr LevelChoice<W> level_choice(const Level<W>& level, const DefectSet& defects) {
    const Bool<W> stops_at_mark = defects.on(Defect::b11_ram_page_zero_filled) ? Bool<W>(true) : level.pager;
    const Bool<W> found = level.resident && level.valid && !(level.marked && stops_at_mark);
    return {.found = found,
            .allocates = !level.resident && (level.pager || level.top),
            .asks_pager = !found && level.pager,
            .releases = !found && !level.pager && level.resident && !level.top};
}

// Whether a level that is to be changed is held shared only (vm_fault.c:1704-1721, 1818-1833).
template <class B>
constexpr B held_shared(B top, Same<B> first_shared, Same<B> shared) {
    return select(top, first_shared, shared);
}

// A page that is allocated for (object, index) lies below the object's end (I-30).
template <Word W>
constexpr Bool<W> fits(W index, Same<W> size) {
    return index < size;
}

// A neighbour that nobody has may get a zeroed page (vm_fault.c:2845-2857, catalogue D-16).
template <Word W>
constexpr Bool<W> neighbour_fits(W index, Same<W> size, const DefectSet& defects) {
    return defects.on(Defect::b25_prefault_beyond_size) ? Bool<W>(true) : fits<W>(index, size);
}

}  // namespace vmref::impl::rule
