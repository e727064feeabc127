// What the suites of the pmap world and the object world have in common: campaigns on many machines, records of zeroes,
// and the search for a planted defect.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "impl/defects/defects.h"
#include "props/campaign.h"
#include "props/lockstep.h"
#include "props/worlds.h"

namespace vmref::props {

template <class World>
CampaignOptions campaign_of(std::uint64_t seed, std::uint64_t operations) {
    CampaignOptions options;
    options.world = World::kName;
    options.seed = seed;
    options.max_operations = operations;
    options.small_systems = true;
    return options;
}

template <class World>
void expect_zeroes_are_operations() {
    const Record zeroes{};
    Lockstep<World> lockstep(Config{}, {});
    for (int n = 0; n < 10; ++n) {
        Choices choices(zeroes);
        const Operation operation = World::draw(choices, lockstep.model(), Config{});
        EXPECT_EQ(lockstep.refuse(operation), std::nullopt);
        EXPECT_FALSE(lockstep.apply(operation));
    }
}

// Ids of the world's defects that one thread shows.
template <class World>
std::vector<std::string> defects_for_one_thread() {
    std::vector<std::string> ids;
    for (const impl::DefectInfo& info : impl::defect_catalogue()) {
        if (info.world == world_text(World::kName) && info.reach == "seq") {
            ids.emplace_back(info.id);
        }
    }
    return ids;
}

template <class World>
void expect_found(const std::string& id, std::uint64_t operations) {
    CampaignOptions options = campaign_of<World>(1, operations);
    options.defects.switch_on(impl::find_defect(id).value());
    const CampaignResult result = run_campaign(options);
    ASSERT_TRUE(result.violation) << id << " went unnoticed";
    // It is the defect that was found: the same operations without it show nothing.
    Lockstep<World> sound(result.config, {});
    for (const Operation& operation : result.trace) {
        if (!sound.refuse(operation)) {
            const auto violation = sound.apply(operation);
            ASSERT_FALSE(violation) << violation->rule << ": " << violation->message;
        }
    }
}

inline std::string name_of_defect_test(const testing::TestParamInfo<std::string>& instance) {
    std::string name = instance.param;
    std::erase(name, '-');
    return name;
}

}  // namespace vmref::props
