// Z-1 to Z-3: what a chain shows at one index before and after a collapse, a bypass and a fault; the bounds of runs.
#include <array>
#include <string>

#include "impl/vm/rules/chain.h"
#include "impl/vm/rules/runs.h"
#include "props/smt/property.h"

namespace vmref::smt {

namespace {

namespace rule = impl::rule;
using impl::word::iff;
using impl::word::implies;
using impl::word::select;
using impl::word::Word;

// One object at one index, with the data of its page and of its block.
template <class W>
struct Cell {
    rule::Slot<W> slot;
    W page;
    W block;
};

template <class W>
Cell<W> any_cell(Session<W>& in, const std::string& name) {
    return {.slot = {.resident = in.flag(name + ".resident"),
                     .valid = in.flag(name + ".valid"),
                     .block = in.flag(name + ".has_block")},
            .page = in.word(name + ".page"),
            .block = in.word(name + ".block")};
}
// The first of valid page, block, what lies below (invariants.md, content).
template <class W>
W content(const Cell<W>& cell, const W& below) {
    return select(cell.slot.valid, cell.page, select(cell.slot.block, cell.block, below));
}
template <class W>
Bool<W> well_formed(const Cell<W>& cell) {
    return implies(cell.slot.valid, cell.slot.resident);
}

template <class W>
rule::CollapseChoice<W> out_choice(Session<W>& in, const rule::CollapseChoice<W>& choice) {
    return {.moves = in.out("moves", choice.moves),
            .frees_block = in.out("frees_block", choice.frees_block),
            .frees_above = in.out("frees_above", choice.frees_above)};
}

// The choice, carried out on the cells as scan_page does it (impl/vm/collapse.cc).
template <class W>
void carry_out(const rule::CollapseChoice<W>& choice, Cell<W>& below, Cell<W>& above) {
    const Bool<W> scanned = below.slot.resident;
    const Bool<W> moves = scanned && choice.moves;
    below.slot.block = below.slot.block && !(scanned && choice.frees_block);
    above.slot.resident = select(moves, Bool<W>(true), above.slot.resident);
    above.page = select(moves, below.page, above.page);
    above.slot.valid = select(moves, below.slot.valid, above.slot.valid);
    below.slot.resident = below.slot.resident && !scanned;
    below.slot.valid = below.slot.valid && !scanned;
}

constexpr auto kCollapse = [](auto& in) {
    using W = WordType<decltype(in)>;
    Cell<W> above = any_cell(in, "above");
    Cell<W> below = any_cell(in, "below");
    const W deeper = in.word("deeper");
    const Bool<W> above_pinned = in.flag("above.pinned") && above.slot.resident;
    const Bool<W> below_pinned = in.flag("below.pinned") && below.slot.resident;
    const Bool<W> premise = well_formed(above) && well_formed(below);
    const Bool<W> above_invalid = above.slot.resident && !above.slot.valid;
    const Bool<W> below_valid = below.slot.valid;
    const W before = content(above, content(below, deeper));

    const auto choice = out_choice(in, rule::collapse_choice<W>(below.slot, above.slot, Bool<W>(true), in.defects));
    const Bool<W> refused =
        in.out("refused", below.slot.resident && rule::destroys_pinned<W>(choice, below_pinned, above_pinned));
    const Bool<W> moved = below.slot.resident && choice.moves;
    carry_out(choice, below, above);
    // swap_pager_copy
    const Bool<W> block_moves =
        in.out("block_moves", below.slot.block && rule::block_moves<W>(above.slot, Bool<W>(true)));
    above.block = select(block_moves, below.block, above.block);
    const Bool<W> had_block = above.slot.block;
    above.slot.block = above.slot.block || block_moves;

    return Claim<W>{premise,
                    {{"content_is_kept", content(above, deeper) == before},
                     {"only_data_moves", implies(moved, below_valid)},
                     {"what_makes_room_is_invalid", implies(choice.frees_above, above_invalid)},
                     {"room_is_made", implies(moved && above_invalid, choice.frees_above)},
                     {"wired_below_survives", implies(below_pinned && !refused, moved)},
                     {"wired_above_survives", implies(above_pinned && !refused, !(moved && choice.frees_above))},
                     {"refused_only_for_wired", implies(refused, below_pinned || above_pinned)},
                     {"block_replaces_none", implies(block_moves, !had_block)}}};
};

// Outside the parent's window nobody sees the backing page.
constexpr auto kCollapseOutside = [](auto& in) {
    using W = WordType<decltype(in)>;
    const Cell<W> above = any_cell(in, "above");
    const Cell<W> below = any_cell(in, "below");
    const auto choice = out_choice(in, rule::collapse_choice<W>(below.slot, above.slot, Bool<W>(false), in.defects));
    const Bool<W> block_moves = in.out("block_moves", rule::block_moves<W>(above.slot, Bool<W>(false)));
    return Claim<W>{well_formed(above) && well_formed(below) && below.slot.resident,
                    {{"nothing_moves", !choice.moves && !block_moves},
                     {"parent_keeps_its_page", !choice.frees_above},
                     {"block_of_valid_data_goes", iff(choice.frees_block, below.slot.valid && below.slot.block)}}};
};

// What can be had without waiting: the backing object stays, and skips what somebody is filling.
constexpr auto kPartial = [](auto& in) {
    using W = WordType<decltype(in)>;
    Cell<W> above = any_cell(in, "above");
    Cell<W> below = any_cell(in, "below");
    const W deeper = in.word("deeper");
    const Bool<W> premise =
        well_formed(above) && below.slot.resident && below.slot.valid && implies(above.slot.resident, above.slot.valid);
    const W before = content(above, content(below, deeper));
    const auto choice = out_choice(in, rule::collapse_choice<W>(below.slot, above.slot, Bool<W>(true), in.defects));
    carry_out(choice, below, above);
    return Claim<W>{premise,
                    {{"content_is_kept", content(above, content(below, deeper)) == before},
                     {"no_page_is_in_the_way", !choice.frees_above}}};
};

// The parent looks past its backing object, which has no blocks, if no page of that is seen through.
constexpr auto kBypass = [](auto& in) {
    using W = WordType<decltype(in)>;
    const Cell<W> above = any_cell(in, "above");
    const Cell<W> below = any_cell(in, "below");
    const W deeper = in.word("deeper");
    const Bool<W> seen =
        in.out("seen_through", rule::seen_through<W>(below.slot, above.slot, Bool<W>(true), in.defects));
    const Bool<W> premise = well_formed(above) && well_formed(below) && !below.slot.block;
    return Claim<W>{
        premise,
        {{"content_is_kept", implies(!seen, content(above, deeper) == content(above, content(below, deeper)))},
         {"invalid_pages_do_not_hinder", implies(!below.slot.valid, !seen)},
         {"own_data_does_not_hinder", implies(above.slot.valid || above.slot.block, !seen)}}};
};

// --- Z-3: a fault's way down a chain of at most three objects -----------------------------------------------------
constexpr unsigned kLevels = 3;

template <class W>
struct FaultLevel {
    Cell<W> cell;
    Bool<W> marked;
    Bool<W> pager;
};

template <class W>
struct Walk {
    Bool<W> done = Bool<W>(false);
    Bool<W> at_end = Bool<W>(false);
    W data = W(0U);
    Bool<W> contradiction = Bool<W>(false);
    Bool<W> leaves_busy = Bool<W>(false);
    Bool<W> allocates_in_vain = Bool<W>(false);
    Bool<W> loses_page = Bool<W>(false);
};

template <class W>
void step_into(Session<W>& in, const FaultLevel<W>& level, bool top, const Bool<W>& here, Walk<W>& walk) {
    const rule::Slot<W>& slot = level.cell.slot;
    const rule::Level<W> facts{.top = Bool<W>(bool{top}),
                               .resident = slot.resident,
                               .valid = slot.valid,
                               .marked = level.marked,
                               .pager = level.pager};
    const auto raw = rule::level_choice(facts, in.defects);
    const rule::LevelChoice<W> choice{.found = in.out("found", raw.found),
                                      .allocates = in.out("allocates", raw.allocates),
                                      .asks_pager = in.out("asks_pager", raw.asks_pager),
                                      .releases = in.out("releases", raw.releases)};
    // A page that is all there stays as it is when the pager only reads ahead; otherwise the pager fills it, or fails.
    const Bool<W> read = choice.asks_pager && (slot.valid || slot.block);
    const Bool<W> found = choice.found || read;
    const W data = select(slot.valid, level.cell.page, level.cell.block);
    const Bool<W> stays = here && !found;
    walk.contradiction = walk.contradiction || (here && choice.found && choice.asks_pager);
    walk.leaves_busy =
        walk.leaves_busy || (stays && slot.resident && !Bool<W>(bool{top}) && !(choice.asks_pager || choice.releases));
    walk.allocates_in_vain =
        walk.allocates_in_vain || (here && choice.allocates && !level.pager && !Bool<W>(bool{top}));
    walk.loses_page = walk.loses_page || (here && choice.releases && (slot.valid || found));
    walk.data = select(here && found, data, walk.data);
    walk.done = walk.done || (here && found);
}

constexpr auto kFaultChoice = [](auto& in) {
    using W = WordType<decltype(in)>;
    std::array<FaultLevel<W>, kLevels> chain{};
    std::array<Bool<W>, kLevels> exists{};
    Bool<W> premise = Bool<W>(true);
    for (unsigned n = 0; n < kLevels; ++n) {
        const std::string name = "level" + std::to_string(n);
        chain[n] = {any_cell(in, name), in.flag(name + ".marked"), in.flag(name + ".pager")};
        // The top is there; a level has something below it only if it is there itself.
        const Bool<W> there = in.flag(name + ".exists");
        exists[n] = n == 0 ? Bool<W>(true) : exists[n - 1] && there;
        premise = premise && well_formed(chain[n].cell) && implies(chain[n].cell.slot.block, chain[n].pager);
    }
    W expected = W(0U);
    for (unsigned n = kLevels; n > 0; --n) {
        expected = select(exists[n - 1], content(chain[n - 1].cell, expected), expected);
    }
    Walk<W> walk;
    for (unsigned n = 0; n < kLevels; ++n) {
        step_into(in, chain[n], n == 0, exists[n] && !walk.done, walk);
    }
    Bool<W> has_data = Bool<W>(false);
    for (unsigned n = 0; n < kLevels; ++n) {
        has_data = has_data || (exists[n] && (chain[n].cell.slot.valid || chain[n].cell.slot.block));
    }
    const W data = select(walk.done, walk.data, W(0U));
    return Claim<W>{premise,
                    {{"data_is_the_content", data == expected},
                     {"zeroes_only_if_nobody_has_data", implies(!walk.done, !has_data)},
                     {"found_only_where_data_is", implies(walk.done, has_data)},
                     {"one_decision_at_a_level", !walk.contradiction},
                     {"no_page_below_stays_busy", !walk.leaves_busy},
                     {"below_the_top_only_for_a_pager", !walk.allocates_in_vain},
                     {"no_data_is_released", !walk.loses_page}}};
};

// The top has a page for the copy or the zeroes to go into.
constexpr auto kPlaceholder = [](auto& in) {
    using W = WordType<decltype(in)>;
    const rule::Level<W> top{.top = Bool<W>(true),
                             .resident = in.flag("resident"),
                             .valid = in.flag("valid"),
                             .marked = in.flag("marked"),
                             .pager = in.flag("pager")};
    const auto choice = rule::level_choice(top, in.defects);
    const Bool<W> allocates = in.out("allocates", choice.allocates);
    const Bool<W> releases = in.out("releases", choice.releases);
    return Claim<W>{implies(top.valid, top.resident),
                    {{"is_there_or_allocated", top.resident || allocates},
                     {"no_second_page", implies(top.resident, !allocates)},
                     {"is_kept", !releases}}};
};

constexpr auto kAllocation = [](auto& in) {
    using W = WordType<decltype(in)>;
    const W index = in.word("index");
    const W size = in.word("size");
    const Bool<W> fits = in.out("fits", rule::fits(index, size));
    const Bool<W> neighbour = in.out("neighbour_fits", rule::neighbour_fits(index, size, in.defects));
    return Claim<W>{Bool<W>(true),
                    {{"fault_within_the_object", implies(fits, index < size)},
                     {"prefault_within_the_object", implies(neighbour, index < size)},
                     {"all_of_the_object", implies(index < size, fits && neighbour)}}};
};

constexpr auto kRuns = [](auto& in) {
    using W = WordType<decltype(in)>;
    const W index = in.word("index");
    const W count = in.word("count");
    const W room = in.word("room");
    const W limit = in.word("end");
    const W start = in.out("run_start", rule::run_start(index, room, in.defects), 0x80000001U);
    const W end = in.out("run_end", rule::run_end(index, count, limit), 0x80000001U);
    return Claim<W>{index < limit && W(0U) < count,
                    {{"starts_at_or_before", start <= index},
                     {"no_more_in_front_than_room", index - start <= room},
                     {"all_the_room_is_used", index - start == room || start == W(0U)},
                     {"ends_behind", index < end},
                     {"ends_in_time", end <= limit},
                     {"no_longer_than_count", end - index <= count},
                     {"as_long_as_may_be", end == limit || end - index == count}}};
};

}  // namespace

void add_chain_properties(std::vector<Property>& list) {
    list.push_back(property("Z-1.collapse", "I-11, I-37, I-39", "vm_object.c:1187-1275,1350-1395", kCollapse));
    list.push_back(property("Z-1.collapse_outside", "I-37", "vm_object.c:1236-1245", kCollapseOutside));
    list.push_back(property("Z-1.partial_collapse", "I-37", "vm_object.c:1283-1297", kPartial));
    list.push_back(property("Z-2.bypass", "I-38", "vm_object.c:1140-1180,1441-1485", kBypass));
    list.push_back(property("Z-3.fault_choice", "I-02, I-05, I-46", "vm_fault.c:1593-2058", kFaultChoice));
    list.push_back(property("Z-3.placeholder", "I-29", "vm_fault.c:1700-1778", kPlaceholder));
    list.push_back(property("Z-3.allocation", "I-30", "vm_fault.c:1731,2845-2857", kAllocation));
    list.push_back(property("runs.flush", "I-30", "vm_object.c:642-750", kRuns));
}

}  // namespace vmref::smt
