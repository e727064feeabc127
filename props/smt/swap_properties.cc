// Z-9: the swap rule is inductive. Whatever happens to a page of an anonymous object, a clean page equals its block,
// and a clean page without block may be lost.
#include "impl/page/swap_rule.h"

#include "props/smt/property.h"

namespace vmref::smt {

namespace {

namespace rule = impl::rule;
using impl::word::implies;
using impl::word::select;

template <class W>
struct PageState {
    Bool<W> dirty;
    Bool<W> modified;  // some PTE has M
    Bool<W> block;
    Bool<W> equal;    // the block holds what the page holds
    Bool<W> losable;  // nobody misses the data: zeroes over nothing, or given up by madvise
};

template <class W>
PageState<W> any_page(Session<W>& in) {
    return {.dirty = in.flag("dirty"),
            .modified = in.flag("modified"),
            .block = in.flag("has_block"),
            .equal = in.flag("block_equals_page"),
            .losable = in.flag("losable")};
}

template <class W>
Bool<W> clean(const PageState<W>& page) {
    return !page.dirty && !page.modified;
}
template <class W>
Bool<W> rule_holds(const PageState<W>& page) {
    return implies(clean(page) && page.block, page.equal) && implies(clean(page) && !page.block, page.losable);
}

// In the order that impl/page/swap_rule.h names. What is written into a new block is the page.
template <class W>
PageState<W> after(PageState<W> page, const rule::CellStep<W>& step) {
    page.modified = page.modified && !step.clears_modified;
    page.block = (page.block && !step.frees_block) || step.takes_block;
    page.equal = select(step.takes_block, Bool<W>(true), page.equal);
    page.dirty = (page.dirty && !step.cleans) || step.dirties;
    return page;
}

template <class W>
rule::CellStep<W> out_step(Session<W>& in, const rule::CellStep<W>& step) {
    return {.clears_modified = in.out("clears_modified", step.clears_modified),
            .frees_block = in.out("frees_block", step.frees_block),
            .takes_block = in.out("takes_block", step.takes_block),
            .cleans = in.out("cleans", step.cleans),
            .dirties = in.out("dirties", step.dirties)};
}

// A store through a PTE that may write.
template <class W>
PageState<W> stored(PageState<W> page) {
    page.modified = Bool<W>(true);
    page.equal = Bool<W>(false);
    page.losable = Bool<W>(false);
    return page;
}

template <class W>
Goal<W> clean_equals_block(const PageState<W>& page) {
    return {"clean_equals_block", implies(clean(page) && page.block, page.equal)};
}
template <class W>
Goal<W> clean_may_be_lost(const PageState<W>& page) {
    return {"clean_without_block_may_be_lost", implies(clean(page) && !page.block, page.losable)};
}
template <class W>
Claim<W> kept(const Bool<W>& premise, const PageState<W>& page) {
    return {premise, {clean_equals_block(page), clean_may_be_lost(page)}};
}

constexpr auto kWriteGranted = [](auto& in) {
    using W = WordType<decltype(in)>;
    const PageState<W> page = any_page(in);
    const Bool<W> dirties = in.flag("dirties");
    const auto step = out_step(in, rule::write_granted<W>(page.block, dirties, in.defects));
    Claim<W> claim = kept(rule_holds(page), after(page, step));
    claim.goals.push_back({"no_new_block", !step.takes_block});
    claim.goals.push_back({"dirty_if_it_stores", implies(dirties, after(page, step).dirty)});
    return claim;
};

// From the start of a write to its end, with a store while it is on its way or not.
constexpr auto kWritten = [](auto& in) {
    using W = WordType<decltype(in)>;
    const PageState<W> page = any_page(in);
    const Bool<W> stores = in.flag("store_meanwhile");
    const auto begun = out_step(in, rule::swap_write_begins<W>(page.block, in.defects));
    const PageState<W> writing = after(page, begun);
    const PageState<W> later = stored(writing);
    const PageState<W> ending{.dirty = writing.dirty,
                              .modified = select(stores, later.modified, writing.modified),
                              .block = writing.block,
                              .equal = select(stores, later.equal, writing.equal),
                              .losable = select(stores, later.losable, writing.losable)};
    const PageState<W> done = after(ending, rule::swap_write_ends<W>());
    Claim<W> claim = kept(rule_holds(page), done);
    claim.goals.push_back({"a_write_is_to_a_fresh_block", begun.takes_block && implies(page.block, begun.frees_block)});
    claim.goals.push_back({"dirty_on_its_way", writing.dirty});
    return claim;
};

constexpr auto kCompletion = [](auto& in) {
    using W = WordType<decltype(in)>;
    const PageState<W> page = any_page(in);
    const auto step = out_step(in, rule::swap_write_ends<W>());
    const PageState<W> done = after(page, step);
    Claim<W> claim = kept(page.block && implies(!page.modified, page.equal), done);
    claim.goals.push_back({"a_later_store_is_remembered", implies(page.modified, done.modified)});
    return claim;
};

// The caller has made sure that the data may be lost (I-13).
constexpr auto kAdvised = [](auto& in) {
    using W = WordType<decltype(in)>;
    PageState<W> page = any_page(in);
    const Bool<W> premise = rule_holds(page);
    page.losable = Bool<W>(true);
    const auto step = out_step(in, rule::advised_free<W>(page.block, in.defects));
    return Claim<W>{premise, {clean_equals_block(after(page, step)), {"clean_afterwards", clean(after(page, step))}}};
};

// The page leaves its block behind.
constexpr auto kRenamed = [](auto& in) {
    using W = WordType<decltype(in)>;
    PageState<W> page = any_page(in);
    const Bool<W> premise = rule_holds(page);
    page.block = Bool<W>(false);
    page.losable = Bool<W>(false);
    return Claim<W>{premise, {clean_may_be_lost(after(page, out_step(in, rule::renamed<W>(in.defects))))}};
};

constexpr auto kStore = [](auto& in) {
    using W = WordType<decltype(in)>;
    const PageState<W> page = any_page(in);
    PageState<W> now = stored(page);
    now.modified = in.out("modified", now.modified);
    return kept(rule_holds(page), now);
};

// M is folded into the dirty mark, with or without being cleared (vm_page_test_dirty, I-69).
constexpr auto kHarvest = [](auto& in) {
    using W = WordType<decltype(in)>;
    PageState<W> page = any_page(in);
    const Bool<W> premise = rule_holds(page);
    const Bool<W> stored_to = page.dirty || page.modified;
    page.dirty = in.out("dirty", stored_to);
    const Bool<W> clears = in.flag("clears");
    page.modified = page.modified && !clears;
    Claim<W> claim = kept(premise, page);
    claim.goals.push_back({"dirty_only_if_stored_to", implies(page.dirty, stored_to)});
    return claim;
};

}  // namespace

void add_swap_properties(std::vector<Property>& list) {
    const std::string invariants = "I-09, I-11, I-69";
    list.push_back(property("Z-9.write_granted", invariants, "vm_fault.c:2230-2260", kWriteGranted));
    list.push_back(property("Z-9.written_out", invariants, "swap_pager.c", kWritten));
    list.push_back(property("Z-9.write_completes", invariants, "swap_pager.c", kCompletion));
    list.push_back(property("Z-9.madvise_free", "I-09, I-11, I-13", "vm_object.c:963-985", kAdvised));
    list.push_back(property("Z-9.rename", invariants, "vm_object.c:1272, vm_page.c", kRenamed));
    list.push_back(property("Z-9.store", invariants, "i386 manual, dirty bit", kStore));
    list.push_back(property("Z-9.harvest", invariants, "vm_page.c", kHarvest));
}

}  // namespace vmref::smt
