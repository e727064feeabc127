// How vm_fault_object leaves without a page, and what each exit gives back (semantics.md 3.14.4, catalogue D-11).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "impl/defects/defects.h"
#include "impl/machine/word.h"
#include "ops/types.h"

namespace vmref::impl {

enum class FaultExit : std::uint8_t {
    dead,                     // E1
    page_busy,                // E2
    cache_page_severe,        // E3
    top_needs_exclusive,      // E4
    backing_needs_exclusive,  // E5
    beyond_size,              // E6
    no_memory,                // E7
    top_pager_exclusive,      // E8
    backing_pager_exclusive,  // E9
    page_vanished,            // E10
    pager_error,              // E11
    pager_bad,                // E11
    map_changed,              // E12
    swap_needs_exclusive,     // E13
    pager_again,              // D-11
    pager_pend,               // D-11
    count,
};

enum class PageFate : std::uint8_t { not_ours, unbusy, activate, deactivate, scrap };
enum class ExitWait : std::uint8_t { none, page, memory };

// What an exit does to the page, to the modes of the next attempt, what it waits for and returns.
struct ExitRule {
    std::string_view name;
    PageFate page;
    bool clears_first_shared;
    bool clears_shared;
    ExitWait wait;
    Status status;
};

inline constexpr std::array<ExitRule, static_cast<std::size_t>(FaultExit::count)> kExitRules{{
    {"dead", PageFate::not_ours, false, false, ExitWait::none, Status::try_again},
    {"page_busy", PageFate::not_ours, false, false, ExitWait::page, Status::try_again},
    {"cache_page_severe", PageFate::activate, false, false, ExitWait::memory, Status::try_again},
    {"top_needs_exclusive", PageFate::deactivate, true, false, ExitWait::none, Status::try_again},
    {"backing_needs_exclusive", PageFate::deactivate, true, true, ExitWait::none, Status::try_again},
    {"beyond_size", PageFate::not_ours, false, false, ExitWait::none, Status::protection_failure},
    {"no_memory", PageFate::not_ours, false, false, ExitWait::memory, Status::try_again},
    {"top_pager_exclusive", PageFate::deactivate, true, false, ExitWait::none, Status::try_again},
    {"backing_pager_exclusive", PageFate::deactivate, true, true, ExitWait::none, Status::try_again},
    {"page_vanished", PageFate::not_ours, false, false, ExitWait::none, Status::try_again},
    {"pager_error", PageFate::scrap, false, false, ExitWait::none, Status::failure},
    {"pager_bad", PageFate::scrap, false, false, ExitWait::none, Status::protection_failure},
    {"map_changed", PageFate::deactivate, false, false, ExitWait::none, Status::try_again},
    {"swap_needs_exclusive", PageFate::unbusy, true, false, ExitWait::none, Status::try_again},
    {"pager_again", PageFate::scrap, false, false, ExitWait::memory, Status::try_again},
    {"pager_pend", PageFate::not_ours, false, false, ExitWait::page, Status::try_again},
}};

constexpr const ExitRule& exit_rule(FaultExit exit) {
    return kExitRules[static_cast<std::size_t>(exit)];
}

namespace rule {

// A fault grows the stack at most once (vm_fault.c:440-447, I-89).
constexpr bool may_grow_again(const DefectSet& defects) {
    return defects.on(Defect::m26_stack_grown_again);
}

// How often the placeholder of a fault below the top is freed in the end.
template <word::Word W>
constexpr W placeholder_frees(word::Same<word::Bool<W>> below_top, const DefectSet& defects) {
    return word::bits_if(below_top, W(defects.on(Defect::m06_placeholder_freed_twice) ? 2U : 1U));
}

// The chain locks go all, not the lowest object's only.
constexpr bool releases_whole_chain(const DefectSet& defects) {
    return !defects.on(Defect::m05_chain_released_partly);
}

// How often an exit gives a thing back, modulo 2^32 (-1: it is taken once more). Below the top the level has a hold and
// paging in progress of its own, and the placeholder waits at the top. The top's hold stays with the caller.
template <word::Word W>
struct ExitReleases {
    W top_paging;
    W level_holds;
    W placeholders;
    W level_paging;
};

template <word::Word W>
constexpr ExitReleases<W> exit_releases(FaultExit exit, word::Same<word::Bool<W>> below_top, const DefectSet& defects) {
    const W once_below = word::bits_if(below_top, W(1U));
    const bool forgets = exit == FaultExit::page_busy && defects.on(Defect::m04_exit_keeps_pip);
    const bool holds_again = exit == FaultExit::no_memory && defects.on(Defect::b102_no_memory_holds_again);
    return {.top_paging = W(forgets ? 0U : 1U),
            .level_holds = holds_again ? W(0U) - once_below : once_below,
            .placeholders = placeholder_frees<W>(below_top, defects),
            .level_paging = once_below};
}

}  // namespace rule
}  // namespace vmref::impl
