#include "props/machine/simpler.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "impl/defects/defects.h"
#include "ops/machine_ram.h"
#include "props/campaign.h"
#include "props/machine/qemu.h"
#include "props/shrink.h"

namespace vmref::props {
namespace {

TEST(SimplerMachine, SaysTablesInWords) {
    const Probe probe{1, AccessKind::load, 0x00400000};
    const std::vector<Operation> operations{LoadCr3{1, 2}, RandomTables{7}, probe, RandomTables{8}};
    const auto candidates = with_words_for_tables(operations);
    ASSERT_EQ(candidates.size(), 2U);
    const auto& first = candidates[0];
    ASSERT_GE(first.size(), 4U);
    EXPECT_EQ(first[0], operations[0]);
    EXPECT_EQ(std::get<SetWord>(first[1]).pa, machine_ram::directory_address(2) + 4);
    EXPECT_EQ(first[first.size() - 2], Operation{probe});
    EXPECT_EQ(candidates[1].size(), 3U) << "nothing comes after the second image";
}

// What random probes found ends as words, without an image.
TEST(SimplerMachine, ShrinksRandomRunsToAFewWords) {
    for (const char* const id : {"W-04", "W-07", "W-09"}) {
        ShrinkOptions shrink_options;
        shrink_options.world = WorldName::machine;
        shrink_options.defects.switch_on(*impl::find_defect(id));
        CampaignOptions options;
        options.world = WorldName::machine;
        options.max_operations = 20'000;
        options.defects = shrink_options.defects;
        options.own_cases = false;
        if (const std::string why = Qemu::problem(); !why.empty()) {
            GTEST_SKIP() << why;
        }
        const CampaignResult found = run_campaign(options);
        ASSERT_TRUE(found.violation) << id;
        const ShrinkResult shrunk = shrink(found.trace, found.violation->rule, shrink_options);
        EXPECT_TRUE(shrunk.complete) << id;
        EXPECT_LE(shrunk.operations.size(), 8U) << id;
        for (const Operation& operation : shrunk.operations) {
            EXPECT_FALSE(std::holds_alternative<RandomTables>(operation)) << id;
        }
    }
}

}  // namespace
}  // namespace vmref::props
