// The swap rule: a clean page equals its block, and who has no block is dirty unless its data may be lost (I-09, I-11).
// What happens to the dirty mark, the M bits and the block of one page, event by event.
#pragma once

#include "impl/defects/defects.h"
#include "impl/machine/word.h"

namespace vmref::impl::rule {

// In this order: M goes, the old block goes, a new block is taken, the page becomes clean, the page becomes dirty.
template <word::Word W>
struct CellStep {
    word::Bool<W> clears_modified = word::Bool<W>(false);
    word::Bool<W> frees_block = word::Bool<W>(false);
    word::Bool<W> takes_block = word::Bool<W>(false);
    word::Bool<W> cleans = word::Bool<W>(false);
    word::Bool<W> dirties = word::Bool<W>(false);
};

// F5: a fault grants the write right (vm_fault.c:2230-2260). Only a page that is dirty from now on differs from its
// block (M-10).
template <word::Word W>
constexpr CellStep<W> write_granted(word::Same<word::Bool<W>> block, word::Same<word::Bool<W>> dirties,
                                    const DefectSet& defects) {
    const word::Bool<W> frees = defects.on(Defect::m10_block_freed_without_dirty) ? word::Bool<W>(true) : dirties;
    CellStep<W> step;
    step.dirties = dirties;
    step.frees_block = block && frees;
    return step;
}

// A write to swap begins: always to a fresh block (semantics.md 2.9). The page counts as dirty until it is complete.
template <word::Word W>
constexpr CellStep<W> swap_write_begins(word::Same<word::Bool<W>> block, const DefectSet& defects) {
    const word::Bool<W> skips = defects.on(Defect::b106_pageout_skips_write) ? block : word::Bool<W>(false);
    CellStep<W> step;
    step.clears_modified = word::Bool<W>(true);
    step.frees_block = block && !skips;
    step.takes_block = !skips;
    step.cleans = skips;
    step.dirties = !skips;
    return step;
}

// It is complete: clean, unless M says otherwise by then (catalogue D-12).
template <word::Word W>
constexpr CellStep<W> swap_write_ends() {
    CellStep<W> step;
    step.cleans = word::Bool<W>(true);
    return step;
}

// MADV_FREE: what was written may be lost from now on, on swap as well (vm_object.c:963-985, M-22).
template <word::Word W>
constexpr CellStep<W> advised_free(word::Same<word::Bool<W>> block, const DefectSet& defects) {
    CellStep<W> step;
    step.clears_modified = word::Bool<W>(true);
    step.cleans = word::Bool<W>(true);
    step.frees_block = defects.on(Defect::m22_free_keeps_block) ? word::Bool<W>(false) : block;
    return step;
}

// The page gets another place, and leaves its block behind (M-24).
template <word::Word W>
constexpr CellStep<W> renamed(const DefectSet& defects) {
    CellStep<W> step;
    step.dirties = word::Bool<W>(!defects.on(Defect::m24_renamed_page_clean));
    return step;
}

}  // namespace vmref::impl::rule
