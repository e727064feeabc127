// The pmap world held to its model: any list of records, on many machines; every function runs; every defect that needs
// one thread only is found.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "ops/codec.h"
#include "props/lockstep.h"
#include "props/pmap_world.h"
#include "props/prng.h"
#include "props/suites/world_suite.h"

namespace vmref::props {
namespace {

RC_GTEST_PROP(PmapSuite, EveryMachineFollowsTheModel, ()) {
    const auto words = rc::gen::resize(rc::kNominalSize, rc::gen::arbitrary<std::uint64_t>());
    const Config config = pmap_config(*words);
    const std::uint64_t seed = *words;
    Lockstep<PmapWorld> lockstep(config, {}, {.checkpoint_every = 256});
    Prng random(seed, 0);
    std::optional<Violation> violation;
    for (int n = 0; n < 2000 && !violation; ++n) {
        Record record;
        random.fill(record);
        Choices choices(record);
        const Operation operation = PmapWorld::draw(choices, lockstep.model(), config);
        RC_ASSERT(lockstep.refuse(operation) == std::nullopt);
        violation = lockstep.apply(operation);
    }
    violation = violation ? violation : lockstep.checkpoint();
    if (violation) {
        RC_LOG() << "seed " << seed << ", configuration " << encode_config(config).dump() << "\n";
        RC_FAIL(violation->rule + ": " + violation->message);
    }
}

TEST(PmapSuite, EveryFunctionRunsAndNothingIsFound) {
    const CampaignResult result = run_campaign(campaign_of<PmapWorld>(1, 200000));
    EXPECT_FALSE(result.violation) << result.violation->rule << ": " << result.violation->message;
    ASSERT_FALSE(result.functions.empty());
    for (const FunctionCount& function : result.functions) {
        EXPECT_GT(function.count, 0U) << function.name;
    }
}

TEST(PmapSuite, RecordsOfZeroesAreOperationsToo) {
    expect_zeroes_are_operations<PmapWorld>();
}

class PmapSuiteCanFail : public testing::TestWithParam<std::string> {};

TEST_P(PmapSuiteCanFail, FindsThePlantedDefect) {
    expect_found<PmapWorld>(GetParam(), 300000);
}

INSTANTIATE_TEST_SUITE_P(Catalogue, PmapSuiteCanFail, testing::ValuesIn(defects_for_one_thread<PmapWorld>()),
                         name_of_defect_test);

}  // namespace
}  // namespace vmref::props
