// The decisions of the fault handler and of the chain, case by case, and what each planted defect makes of them. That
// they are right for all inputs is proved (props/smt).
#include <gtest/gtest.h>

#include <cstdint>

#include "impl/page/swap_rule.h"
#include "impl/pmap_i386/step.h"
#include "impl/vm/rules/chain.h"
#include "impl/vm/rules/exits.h"
#include "impl/vm/rules/links.h"
#include "impl/vm/rules/rights.h"
#include "impl/vm/rules/runs.h"

namespace vmref::impl::rule {
namespace {

using Word32 = std::uint32_t;
using TestSlot = Slot<Word32>;

DefectSet with(Defect defect) {
    DefectSet set;
    set.switch_on(defect);
    return set;
}
const DefectSet kNone;

constexpr TestSlot kEmpty{.resident = false, .valid = false, .block = false};
constexpr TestSlot kInvalid{.resident = true, .valid = false, .block = false};
constexpr TestSlot kValid{.resident = true, .valid = true, .block = false};
constexpr TestSlot kPagedOut{.resident = false, .valid = false, .block = true};
constexpr TestSlot kBoth{.resident = true, .valid = true, .block = true};

TEST(CollapseChoice, MovesWhatTheParentShows) {
    EXPECT_TRUE(collapse_choice(kValid, kEmpty, true, kNone).moves);
    EXPECT_FALSE(collapse_choice(kValid, kValid, true, kNone).moves);
    EXPECT_FALSE(collapse_choice(kValid, kPagedOut, true, kNone).moves);
    EXPECT_FALSE(collapse_choice(kValid, kEmpty, false, kNone).moves);
    EXPECT_FALSE(collapse_choice(kInvalid, kEmpty, true, kNone).moves);
}

TEST(CollapseChoice, AnInvalidPageOfTheParentMakesRoom) {
    const auto choice = collapse_choice(kValid, kInvalid, true, kNone);
    EXPECT_TRUE(choice.moves && choice.frees_above);
    EXPECT_FALSE(collapse_choice(kValid, kInvalid, true, with(Defect::b40_invalid_page_counts)).moves);
}

TEST(CollapseChoice, OnlyABlockBesideDataGoes) {
    EXPECT_TRUE(collapse_choice(kBoth, kEmpty, true, kNone).frees_block);
    const TestSlot invalid_with_block{.resident = true, .valid = false, .block = true};
    EXPECT_FALSE(collapse_choice(invalid_with_block, kEmpty, true, kNone).frees_block);
}

TEST(LevelChoice, StopsAtDataAndAtPagers) {
    const auto choose = [](bool top, const TestSlot& slot, bool pager) {
        return level_choice<Word32>(
            {.top = top, .resident = slot.resident, .valid = slot.valid, .marked = false, .pager = pager}, kNone);
    };
    EXPECT_TRUE(choose(true, kValid, true).found);
    EXPECT_TRUE(choose(false, kEmpty, true).asks_pager);
    EXPECT_TRUE(choose(true, kEmpty, false).allocates);
    EXPECT_FALSE(choose(false, kEmpty, false).allocates);
    EXPECT_TRUE(choose(false, kInvalid, false).releases);
    EXPECT_FALSE(choose(true, kInvalid, false).releases);
}

TEST(Allocation, PrefaultStaysInTheObject) {
    EXPECT_TRUE(neighbour_fits<Word32>(3, 4, kNone));
    EXPECT_FALSE(neighbour_fits<Word32>(4, 4, kNone));
    EXPECT_TRUE(neighbour_fits<Word32>(4, 4, with(Defect::b25_prefault_beyond_size)));
}

TEST(LookupRights, EmulationAsksForAWriteOnlyWhereItMay) {
    const Asked<Word32> read{.fault_type = kProtRead, .override_write = false, .emulates_ad = true};
    EntryRights<Word32> entry{
        .protection = kProtRead, .max_protection = kProtAll, .needs_copy = true, .wired = false, .untouchable = false};
    EXPECT_FALSE(lookup_rights(entry, read, kNone).makes_copy);
    EXPECT_TRUE(lookup_rights(entry, read, with(Defect::b79_emulation_test_inverted)).makes_copy);
    entry.protection = kProtRead | kProtWrite;
    EXPECT_TRUE(lookup_rights(entry, read, kNone).makes_copy);
}

TEST(Runs, BeginInTheObject) {
    EXPECT_EQ(run_start<Word32>(5, 3, kNone), 2U);
    EXPECT_EQ(run_start<Word32>(2, 3, kNone), 0U);
    EXPECT_GT(run_start<Word32>(2, 3, with(Defect::b63_look_behind_wraps)), 2U);
    EXPECT_EQ(run_end<Word32>(5, 3, 100), 8U);
    EXPECT_EQ(run_end<Word32>(5, 3, 6), 6U);
    EXPECT_EQ(run_end<Word32>(0xFFFFFFF0U, 0x20, 0xFFFFFFFFU), 0xFFFFFFFFU);
}

TEST(Links, AddUp) {
    EXPECT_EQ(joined_offset<std::uint64_t>(0x1000, 0x2000, kNone), 0x3000U);
    EXPECT_EQ(joined_offset<std::uint64_t>(0x1000, 0x2000, with(Defect::m12_offsets_not_added)), 0x1000U);
    EXPECT_EQ(bypass_references(kNone), 1U);
    EXPECT_EQ(bypass_references(with(Defect::m13_bypass_not_referenced)), 0U);
    EXPECT_EQ(shadows_gained(kNone), 1U);
    EXPECT_EQ(shadows_gained(with(Defect::m14_shadow_not_counted)), 0U);
}

TEST(SwapRule, AMovedPageIsDirty) {
    EXPECT_TRUE(renamed<Word32>(kNone).dirties);
    EXPECT_FALSE(renamed<Word32>(with(Defect::m24_renamed_page_clean)).dirties);
}

TEST(ExitReleases, CountPerExit) {
    const auto below = exit_releases<Word32>(FaultExit::no_memory, true, kNone);
    EXPECT_EQ(below.level_holds, 1U);
    EXPECT_EQ(below.placeholders, 1U);
    EXPECT_EQ(exit_releases<Word32>(FaultExit::no_memory, false, kNone).level_holds, 0U);
    const DefectSet again = with(Defect::b102_no_memory_holds_again);
    EXPECT_EQ(exit_releases<Word32>(FaultExit::no_memory, true, again).level_holds, 0xFFFFFFFFU);
    EXPECT_EQ(exit_releases<Word32>(FaultExit::no_memory, false, again).level_holds, 0U);
    EXPECT_EQ(exit_releases<Word32>(FaultExit::dead, true, again).level_holds, 1U);
}

TEST(EnterStep, ALeafMayUseBit7) {
    EXPECT_FALSE(pte::leaf_refused(kPteV | kPtePS, kNone));
    EXPECT_TRUE(pte::leaf_refused(kPteV | kPtePS, with(Defect::b85_leaf_taken_for_big)));
}

}  // namespace
}  // namespace vmref::impl::rule
