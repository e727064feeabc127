// Z-7: every exit of vm_fault_object gives back what was taken. Z-10: every retry that nobody else causes brings the
// fault nearer to its end.
#include "impl/vm/rules/exits.h"

#include <array>
#include <string>

#include "impl/vm/rules/chain.h"
#include "props/smt/property.h"

namespace vmref::smt {

namespace {

namespace rule = impl::rule;
using impl::FaultExit;
using impl::word::bits_if;
using impl::word::iff;
using impl::word::implies;
using impl::word::select;

// Whether the fault has a page of its own, busy, when it leaves there (semantics.md 3.14.4): the one that it found or
// allocated, until the pager or nobody has it.
enum class Owns : std::uint8_t { nothing, page, perhaps };
constexpr std::array<Owns, static_cast<std::size_t>(FaultExit::count)> kOwns{
    Owns::nothing,  // dead
    Owns::nothing,  // page_busy: somebody else's
    Owns::page,     // cache_page_severe
    Owns::perhaps,  // top_needs_exclusive: an invalid page, or none
    Owns::perhaps,  // backing_needs_exclusive
    Owns::nothing,  // beyond_size
    Owns::nothing,  // no_memory
    Owns::page,     // top_pager_exclusive
    Owns::page,     // backing_pager_exclusive
    Owns::nothing,  // page_vanished
    Owns::page,     // pager_error
    Owns::page,     // pager_bad
    Owns::page,     // map_changed
    Owns::page,     // swap_needs_exclusive
    Owns::page,     // pager_again
    Owns::nothing,  // pager_pend: the pager's, until it is done
};

template <class S>
auto ledger(S& in, FaultExit exit) {
    using W = WordType<S>;
    const Bool<W> below = in.flag("below_top");
    const W deeper = in.word("levels_below_the_top");
    const auto raw = rule::exit_releases<W>(exit, below, in.defects);
    const W top_paging = in.out("top_paging", raw.top_paging, 0);
    const W level_holds = in.out("level_holds", raw.level_holds, 0);
    const W placeholders = in.out("placeholders", raw.placeholders, 0);
    const W level_paging = in.out("level_paging", raw.level_paging, 0);
    // The walk locks every object that it comes to.
    const W locked = W(1U) + deeper;
    const Bool<W> whole = in.out("whole_chain", Bool<W>(bool{rule::releases_whole_chain(in.defects)}));
    const W unlocked = select(whole, locked, W(1U));
    const W once_below = bits_if(below, W(1U));
    const impl::ExitRule& row = impl::exit_rule(exit);
    const Owns owns = kOwns[static_cast<std::size_t>(exit)];
    const Bool<W> disposes = in.out("disposes", Bool<W>(bool{row.page != impl::PageFate::not_ours}));
    return Claim<W>{iff(below, deeper != W(0U)) && deeper < W(0x1000U),
                    {{"top_paging", top_paging == W(1U)},
                     {"chain_locks", unlocked == locked},
                     {"level_hold", level_holds == once_below},
                     {"placeholder", placeholders == once_below},
                     {"level_paging", level_paging == once_below},
                     {"page", iff(disposes, Bool<W>(bool{owns != Owns::nothing}))}}};
}

// What the modes of the next attempt are. An exit never takes a shared hold that was not taken before (I-80).
template <class S>
auto modes(S& in, FaultExit exit) {
    using W = WordType<S>;
    const Bool<W> first_shared = in.flag("first_shared");
    const Bool<W> shared = in.flag("shared");
    const impl::ExitRule& row = impl::exit_rule(exit);
    const Bool<W> next_first = in.out("next_first_shared", first_shared && Bool<W>(bool{!row.clears_first_shared}));
    const Bool<W> next = in.out("next_shared", shared && Bool<W>(bool{!row.clears_shared}));
    const W before = bits_if(first_shared, W(1U)) + bits_if(shared, W(1U));
    const W after = bits_if(next_first, W(1U)) + bits_if(next, W(1U));
    const bool top = exit == FaultExit::top_needs_exclusive || exit == FaultExit::top_pager_exclusive ||
                     exit == FaultExit::swap_needs_exclusive;
    const bool backing = exit == FaultExit::backing_needs_exclusive || exit == FaultExit::backing_pager_exclusive;
    // These five are nobody else's doing: the fault leaves because it holds a level shared that it has to change.
    Bool<W> premise = Bool<W>(true);
    if (top || backing) {
        premise = in.out("held_shared", rule::held_shared(Bool<W>(bool{top}), first_shared, shared));
    }
    Claim<W> claim{premise, {{"no_new_sharing", implies(next_first, first_shared) && implies(next, shared)}}};
    if (top || backing) {
        claim.goals.push_back({"retry_shares_less", after < before});
    }
    if (!backing) {
        claim.goals.push_back(
            {"what_need_not_change_stays", iff(next, shared) && (Bool<W>(bool{top}) || iff(next_first, first_shared))});
    }
    return claim;
}

constexpr auto kHeldShared = [](auto& in) {
    using W = WordType<decltype(in)>;
    const Bool<W> top = in.flag("top");
    const Bool<W> first_shared = in.flag("first_shared");
    const Bool<W> shared = in.flag("shared");
    const Bool<W> held = in.out("held_shared", rule::held_shared(top, first_shared, shared));
    return Claim<W>{Bool<W>(true),
                    {{"top_by_its_own_mode", implies(top, iff(held, first_shared))},
                     {"below_by_the_other", implies(!top, iff(held, shared))}}};
};

constexpr auto kGrowth = [](auto& in) {
    using W = WordType<decltype(in)>;
    const Bool<W> may_grow = in.flag("may_grow");
    const Bool<W> then = in.out("may_grow_again", Bool<W>(bool{rule::may_grow_again(in.defects)}));
    return Claim<W>{may_grow, {{"once_a_fault", !then}}};
};

}  // namespace

void add_exit_properties(std::vector<Property>& list) {
    for (std::size_t n = 0; n < impl::kExitRules.size(); ++n) {
        const auto exit = static_cast<FaultExit>(n);
        const std::string name(impl::exit_rule(exit).name);
        list.push_back(property("Z-7." + name, "I-33, I-34, I-35, I-46", "vm_fault.c:1543-2287",
                                [exit](auto& in) { return ledger(in, exit); }));
    }
    for (std::size_t n = 0; n < impl::kExitRules.size(); ++n) {
        const auto exit = static_cast<FaultExit>(n);
        const std::string name(impl::exit_rule(exit).name);
        list.push_back(property("Z-10." + name, "I-80, I-81", "vm_fault.c:1704-1833,2249-2251",
                                [exit](auto& in) { return modes(in, exit); }));
    }
    list.push_back(property("Z-10.held_shared", "I-47, I-80", "vm_fault.c:1704-1721,1818-1833", kHeldShared));
    list.push_back(property("Z-10.growth", "I-89", "vm_fault.c:440-447", kGrowth));
}

}  // namespace vmref::smt
