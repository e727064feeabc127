// The object world held to its model: any list of records, on many machines; every function runs; every defect that
// needs one thread only is found.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "impl/defects/defects.h"
#include "props/campaign.h"
#include "props/lockstep.h"
#include "props/object_world.h"
#include "props/worlds.h"

namespace vmref::props {
namespace {

CampaignOptions campaign(std::uint64_t seed, std::uint64_t operations) {
    CampaignOptions options;
    options.world = WorldName::object;
    options.seed = seed;
    options.max_operations = operations;
    options.small_systems = true;
    return options;
}

TEST(ObjectSuite, EveryFunctionRunsAndNothingIsFound) {
    const CampaignResult result = run_campaign(campaign(1, 200000));
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
        CampaignOptions options = campaign(n, 5000);
        options.config = object_config(n);
        const CampaignResult result = run_campaign(options);
        EXPECT_FALSE(result.violation) << n << ": " << result.violation->rule << ": " << result.violation->message;
    }
}

TEST(ObjectSuite, RecordsOfZeroesAreOperationsToo) {
    const Record zeroes{};
    Lockstep<ObjectWorld> lockstep(Config{}, {});
    for (int n = 0; n < 10; ++n) {
        Choices choices(zeroes);
        const Operation operation = ObjectWorld::draw(choices, lockstep.model(), Config{});
        EXPECT_EQ(lockstep.refuse(operation), std::nullopt);
        EXPECT_FALSE(lockstep.apply(operation));
    }
}

std::vector<std::string> defects_for_one_thread() {
    std::vector<std::string> ids;
    for (const impl::DefectInfo& info : impl::defect_catalogue()) {
        if (info.world == "object" && info.reach == "seq") {
            ids.emplace_back(info.id);
        }
    }
    return ids;
}

class ObjectSuiteCanFail : public testing::TestWithParam<std::string> {};

TEST_P(ObjectSuiteCanFail, FindsThePlantedDefect) {
    CampaignOptions options = campaign(1, 1000000);
    options.defects.switch_on(impl::find_defect(GetParam()).value());
    const CampaignResult result = run_campaign(options);
    ASSERT_TRUE(result.violation) << GetParam() << " went unnoticed";
    // It is the defect that was found: the same operations without it show nothing.
    Lockstep<ObjectWorld> sound(result.config, {});
    for (const Operation& operation : result.trace) {
        if (!sound.refuse(operation)) {
            const auto violation = sound.apply(operation);
            ASSERT_FALSE(violation) << violation->rule << ": " << violation->message;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Catalogue, ObjectSuiteCanFail, testing::ValuesIn(defects_for_one_thread()),
                         [](const auto& instance) {
                             std::string name = instance.param;
                             std::erase(name, '-');
                             return name;
                         });

}  // namespace
}  // namespace vmref::props
