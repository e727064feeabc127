#include "props/campaign.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <optional>
#include <variant>

#include "props/generators/configs.h"

namespace vmref::props {
namespace {

CampaignOptions small(std::uint64_t seed, std::uint64_t operations) {
    CampaignOptions options;
    options.config = small_config(3);
    options.seed = seed;
    options.max_operations = operations;
    options.operations_per_system = 700;
    return options;
}

TEST(Campaign, SameSeedSameRun) {
    const CampaignResult one = run_campaign(small(1, 2000));
    const CampaignResult other = run_campaign(small(1, 2000));
    const CampaignResult different = run_campaign(small(2, 2000));
    EXPECT_EQ(one.digest, other.digest);
    EXPECT_EQ(one.faults, other.faults);
    EXPECT_EQ(one.peak_frames, other.peak_frames);
    EXPECT_NE(one.digest, different.digest);
}

TEST(Campaign, CountsWhatItDid) {
    const CampaignOptions options = small(1, 2000);
    const CampaignResult result = run_campaign(options);
    ASSERT_FALSE(result.violation) << result.violation->rule << ": " << result.violation->message;
    EXPECT_EQ(result.counts.operations, 2000U);
    EXPECT_EQ(result.systems, 3U);
    EXPECT_GE(result.counts.checkpoints, result.systems);
    EXPECT_GT(result.counts.cells_compared, 0U);
    EXPECT_GT(result.counts.accesses, 1000U);
    EXPECT_GE(result.faults, result.counts.faulting);
    EXPECT_GT(result.counts.faulting, 400U);
    EXPECT_GT(result.peak_frames, 0U);
    EXPECT_LE(result.peak_frames, options.config.frames);
    EXPECT_TRUE(result.trace.empty());
    ASSERT_FALSE(result.invariants.empty());
    EXPECT_TRUE(std::ranges::any_of(result.invariants, [](const Invariant& rule) { return rule.applied > 0; }));
}

TEST(Campaign, ShowsEveryOperationWithItsObservation) {
    CampaignOptions options = small(1, 1000);
    std::uint64_t operations = 0;
    std::uint64_t accesses = 0;
    std::uint64_t values = 0;
    options.observe = [&](const Operation& operation, const Observation& observation) {
        ++operations;
        accesses += std::holds_alternative<Access>(operation) ? 1 : 0;
        values += observation.value != 0 ? 1 : 0;
    };
    const CampaignResult result = run_campaign(options);
    ASSERT_FALSE(result.violation) << result.violation->rule << ": " << result.violation->message;
    EXPECT_EQ(operations, 1000U);
    EXPECT_EQ(accesses, result.counts.accesses);
    EXPECT_GT(values, 0U);
}

// The second system is seeded onwards: it is not the first one again.
TEST(Campaign, SumsOverSystems) {
    const CampaignResult first = run_campaign(small(1, 700));
    const CampaignResult both = run_campaign(small(1, 1400));
    ASSERT_EQ(first.systems, 1U);
    ASSERT_EQ(both.systems, 2U);
    EXPECT_GT(both.faults, first.faults);
    EXPECT_NE(both.faults, 2 * first.faults);
    ASSERT_EQ(both.invariants.size(), first.invariants.size());
    for (std::size_t n = 0; n < first.invariants.size(); ++n) {
        EXPECT_EQ(both.invariants[n].id, first.invariants[n].id);
        EXPECT_GE(both.invariants[n].checked, first.invariants[n].checked);
    }
}

TEST(Campaign, StopsWhenToldOrOutOfTime) {
    const std::atomic<bool> stop = true;
    CampaignOptions told = small(1, 0);
    told.stop = &stop;
    EXPECT_EQ(run_campaign(told).counts.operations, 256U);
    CampaignOptions timed = small(1, 0);
    timed.max_seconds = 0.3;
    std::uint64_t last = 0;
    std::uint64_t calls = 0;
    const CampaignResult result = run_campaign(timed, [&](const CampaignResult& so_far) {
        EXPECT_GT(so_far.counts.operations, last);
        last = so_far.counts.operations;
        ++calls;
    });
    ASSERT_FALSE(result.violation) << result.violation->rule << ": " << result.violation->message;
    EXPECT_GE(result.seconds, 0.3);
    EXPECT_GE(calls, 1U);
    EXPECT_GE(result.counts.operations, last);
}

TEST(Campaign, ViolationComesWithTheTraceThatShowsIt) {
    CampaignOptions options = small(1, 20000);
    options.defects.switch_on(impl::Defect::m01_backing_page_writable);
    const CampaignResult result = run_campaign(options);
    ASSERT_TRUE(result.violation);
    ASSERT_FALSE(result.trace.empty());
    SystemLockstep again(options.config, options.defects);
    std::optional<Violation> found;
    for (std::size_t n = 0; n < result.trace.size(); ++n) {
        ASSERT_FALSE(found) << "found before the last operation, at " << n - 1;
        found = again.apply(result.trace[n]);
    }
    found = found ? found : again.checkpoint();
    ASSERT_TRUE(found);
    EXPECT_EQ(found->rule, result.violation->rule);
    EXPECT_EQ(found->message, result.violation->message);
    EXPECT_EQ(found->step, result.violation->step);
}

}  // namespace
}  // namespace vmref::props
