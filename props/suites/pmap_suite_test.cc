// The pmap world held to its model: any list of records, on many machines; every function runs; every defect that needs
// one thread only is found.
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "impl/defects/defects.h"
#include "ops/codec.h"
#include "props/campaign.h"
#include "props/lockstep.h"
#include "props/pmap_world.h"
#include "props/prng.h"
#include "props/worlds.h"

namespace vmref::props {
namespace {

CampaignOptions campaign(std::uint64_t seed, std::uint64_t operations) {
    CampaignOptions options;
    options.world = WorldName::pmap;
    options.seed = seed;
    options.max_operations = operations;
    options.small_systems = true;
    return options;
}

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
    const CampaignResult result = run_campaign(campaign(1, 200000));
    EXPECT_FALSE(result.violation) << result.violation->rule << ": " << result.violation->message;
    ASSERT_FALSE(result.functions.empty());
    for (const FunctionCount& function : result.functions) {
        EXPECT_GT(function.count, 0U) << function.name;
    }
}

TEST(PmapSuite, RecordsOfZeroesAreOperationsToo) {
    const Record zeroes{};
    Lockstep<PmapWorld> lockstep(Config{}, {});
    for (int n = 0; n < 10; ++n) {
        Choices choices(zeroes);
        const Operation operation = PmapWorld::draw(choices, lockstep.model(), Config{});
        EXPECT_EQ(lockstep.refuse(operation), std::nullopt);
        EXPECT_FALSE(lockstep.apply(operation));
    }
}

std::vector<std::string> defects_for_one_thread() {
    std::vector<std::string> ids;
    for (const impl::DefectInfo& info : impl::defect_catalogue()) {
        if (info.world == "pmap" && info.reach == "seq") {
            ids.emplace_back(info.id);
        }
    }
    return ids;
}

class PmapSuiteCanFail : public testing::TestWithParam<std::string> {};

TEST_P(PmapSuiteCanFail, FindsThePlantedDefect) {
    CampaignOptions options = campaign(1, 300000);
    options.defects.switch_on(impl::find_defect(GetParam()).value());
    const CampaignResult result = run_campaign(options);
    ASSERT_TRUE(result.violation) << GetParam() << " went unnoticed";
    // It is the defect that was found: the same operations without it show nothing.
    Lockstep<PmapWorld> sound(result.config, {});
    for (const Operation& operation : result.trace) {
        if (!sound.refuse(operation)) {
            const auto violation = sound.apply(operation);
            ASSERT_FALSE(violation) << violation->rule << ": " << violation->message;
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Catalogue, PmapSuiteCanFail, testing::ValuesIn(defects_for_one_thread()),
                         [](const auto& instance) {
                             std::string name = instance.param;
                             std::erase(name, '-');
                             return name;
                         });

}  // namespace
}  // namespace vmref::props
