// The machine world: our MMU, its model and QEMU agree; and each planted fault of the walk is found by random probes.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "impl/defects/defects.h"
#include "impl/machine/pte.h"
#include "ops/machine_ram.h"
#include "props/campaign.h"
#include "props/lockstep.h"
#include "props/machine/qemu.h"
#include "props/prng.h"

namespace vmref::props {
namespace {

CampaignOptions machine_campaign(std::uint64_t operations) {
    CampaignOptions options;
    options.world = WorldName::machine;
    options.max_operations = operations;
    options.small_systems = true;
    return options;
}

struct Counted {
    std::uint64_t probes = 0;
    std::uint64_t hits = 0;
    std::uint64_t faults = 0;
    std::uint64_t images = 0;
    std::uint64_t pmap_images = 0;

    void add(const Operation& operation, const Observation& observation) {
        if (std::holds_alternative<Probe>(operation)) {
            ++probes;
            hits += observation.witness.cached ? 1 : 0;
            faults += observation.status != Status::success ? 1 : 0;
        }
        images += std::holds_alternative<RandomTables>(operation) ? 1 : 0;
        pmap_images += std::holds_alternative<PmapTables>(operation) ? 1 : 0;
    }
};

// Anywhere but in the guest's slot.
Probe drawn_probe(Prng& prng) {
    const std::uint64_t number = prng.next();
    const auto kind = static_cast<AccessKind>((number >> 32) % 3);
    const bool user = (number >> 40) % 2 == 1;
    Va va = static_cast<Va>(number) & ~0xFU;
    if (va >> impl::kPdeShift == machine_ram::kGuestSlot) {
        va = 0;
    }
    return {0, kind, kind == AccessKind::store ? va + 8 : va, kind == AccessKind::store ? (va >> 1) & ~1U : 0, user};
}

class MachineSuite : public testing::Test {
  protected:
    void SetUp() override {
        if (const std::string why = Qemu::problem(); !why.empty()) {
            GTEST_SKIP() << why;
        }
    }
};

TEST_F(MachineSuite, AgreesWithQemu) {
    CampaignOptions options = machine_campaign(200'000);
    Counted counted;
    options.observe = [&counted](const Operation& operation, const Observation& observation) {
        counted.add(operation, observation);
    };
    const CampaignResult result = run_campaign(options);
    EXPECT_FALSE(result.violation) << result.violation->rule << ": " << result.violation->message;
    EXPECT_GT(counted.probes, 130'000U);
    EXPECT_GT(counted.hits, counted.probes / 20);
    EXPECT_GT(counted.faults, counted.probes / 4);
    EXPECT_GE(counted.images, 20U);
    EXPECT_GE(counted.pmap_images, 20U);
}

// Nothing but accesses between the image and the comparison of all its words: no flush, whatever the TLBs hold.
TEST_F(MachineSuite, WholeImagesAgreeWithQemu) {
    for (std::uint32_t seed = 1; seed <= 20; ++seed) {
        Config config;
        config.cpus = 1;
        config.tlb_entries = 1U << (seed % 13);
        Lockstep<MachineWorld> lockstep(config, {}, {.checkpoint_every = 0});
        const auto take = [&](const Operation& operation) {
            const auto violation = lockstep.apply(operation);
            ASSERT_FALSE(violation) << seed << ": " << violation->rule << ": " << violation->message;
        };
        take(RandomTables{seed});
        take(Control{0, seed % 2 == 0, seed % 5 != 0, seed % 3 == 0});
        Prng prng(seed, 2);
        for (int n = 0; n < 5000; ++n) {
            take(drawn_probe(prng));
        }
        const auto violation = lockstep.checkpoint();
        ASSERT_FALSE(violation) << seed << ": " << violation->rule << ": " << violation->message;
    }
}

TEST_F(MachineSuite, EqualRunsAreEqual) {
    const CampaignOptions options = machine_campaign(10'000);
    EXPECT_EQ(run_campaign(options).digest, run_campaign(options).digest);
}

class WalkerFault : public testing::TestWithParam<const char*> {};

TEST_P(WalkerFault, IsFoundByRandomProbes) {
    CampaignOptions options = machine_campaign(100'000);
    options.own_cases = false;
    options.defects.switch_on(*impl::find_defect(GetParam()));
    if (const std::string why = Qemu::problem(); !why.empty()) {
        GTEST_SKIP() << why;
    }
    const CampaignResult result = run_campaign(options);
    EXPECT_TRUE(result.violation);
}

INSTANTIATE_TEST_SUITE_P(MachineSuite, WalkerFault,
                         testing::Values("W-01", "W-02", "W-03", "W-04", "W-05", "W-06", "W-07", "W-08", "W-09",
                                         "W-10"),
                         [](const auto& test) {
                             std::string name = test.param;
                             std::erase(name, '-');
                             return name;
                         });

}  // namespace
}  // namespace vmref::props
