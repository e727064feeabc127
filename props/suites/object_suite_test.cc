// The object world held to its model: any list of records, on many machines; every function runs; every defect that
// needs one thread only is found.
#include <gtest/gtest.h>

#include <cstdint>
#include <string>

#include "props/object_world.h"
#include "props/suites/world_suite.h"

namespace vmref::props {
namespace {

TEST(ObjectSuite, EveryFunctionRunsAndNothingIsFound) {
    const CampaignResult result = run_campaign(campaign_of<ObjectWorld>(1, 200000));
    EXPECT_FALSE(result.violation) << result.violation->rule << ": " << result.violation->message;
    ASSERT_FALSE(result.functions.empty());
    for (const FunctionCount& function : result.functions) {
        EXPECT_GT(function.count, 0U) << function.name;
    }
    for (const Invariant& invariant : result.invariants) {
        EXPECT_GT(invariant.applied, 0U) << invariant.id;
    }
}

TEST(ObjectSuite, SmallMachinesFollowTheModel) {
    for (std::uint64_t n = 1; n <= 12; ++n) {
        CampaignOptions options = campaign_of<ObjectWorld>(n, 5000);
        options.config = object_config(n);
        const CampaignResult result = run_campaign(options);
        EXPECT_FALSE(result.violation) << n << ": " << result.violation->rule << ": " << result.violation->message;
    }
}

TEST(ObjectSuite, RecordsOfZeroesAreOperationsToo) {
    expect_zeroes_are_operations<ObjectWorld>();
}

class ObjectSuiteCanFail : public testing::TestWithParam<std::string> {};

TEST_P(ObjectSuiteCanFail, FindsThePlantedDefect) {
    expect_found<ObjectWorld>(GetParam(), 1000000);
}

INSTANTIATE_TEST_SUITE_P(Catalogue, ObjectSuiteCanFail, testing::ValuesIn(defects_for_one_thread<ObjectWorld>()),
                         name_of_defect_test);

}  // namespace
}  // namespace vmref::props
