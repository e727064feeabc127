// The same seed gives the same observations in every build: release, debug, sanitized, by g++ and by clang.
//
// The constants change with whatever changes what a run does: the generator, the small configurations, a choice of the
// implementation that can be seen. Then the failing test prints the line to put here instead. That they fail in one
// build only is a defect: something that no build may decide reached an observation.
#include <gtest/gtest.h>

#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <string>

#include "ops/config.h"
#include "props/campaign.h"
#include "props/generators/configs.h"

namespace vmref::props {
namespace {

constexpr std::uint64_t kDefaultMachine = 0xcda1cbd7bdbbba5f;
constexpr std::uint64_t kSmallMachine = 0xa42ed0cafe5b5368;

CampaignResult campaign(const Config& config) {
    CampaignOptions options;
    options.config = config;
    options.seed = 7;
    options.max_operations = 20000;
    return run_campaign(options);
}

void expect_digest(const CampaignResult& result, std::uint64_t expected, const char* name) {
    ASSERT_FALSE(result.violation) << result.violation->rule << ": " << result.violation->message;
    ASSERT_EQ(result.counts.operations, 20000U);
    char line[100];
    std::snprintf(line, sizeof line, "constexpr std::uint64_t %s = 0x%016" PRIx64 ";", name, result.digest);
    EXPECT_EQ(result.digest, expected) << "if the change is meant, and all builds print the same: " << line;
}

TEST(Digest, DefaultMachineIsTheSameInEveryBuild) {
    expect_digest(campaign(Config{}), kDefaultMachine, "kDefaultMachine");
}

TEST(Digest, SmallMachineIsTheSameInEveryBuild) {
    expect_digest(campaign(small_config(7)), kSmallMachine, "kSmallMachine");
}

}  // namespace
}  // namespace vmref::props
