#include "props/lockstep.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

#include "props/generators/configs.h"
#include "props/generators/system_generator.h"
#include "props/prng.h"

namespace vmref::props {
namespace {

// Everything that a run shows, and how much memory it took.
struct Shown {
    std::vector<Observation> observations;
    std::optional<Violation> violation;
    std::uint32_t peak_frames = 0;
    std::uint64_t pte_writes = 0;
};

Shown run(SystemLockstep& lockstep, const Config& config, std::uint64_t seed) {
    Shown shown;
    Prng random(seed, 0);
    for (int n = 0; n < 3000 && !shown.violation; ++n) {
        Record record;
        random.fill(record);
        Choices choices(record);
        shown.violation = lockstep.apply(draw(choices, lockstep.model(), config));
        shown.observations.push_back(lockstep.observed());
    }
    if (!shown.violation) {
        shown.violation = lockstep.checkpoint();
    }
    shown.peak_frames = lockstep.subject().kernel().pages.peak_frames();
    shown.pte_writes = lockstep.subject().kernel().pmaps.pte_writes();
    return shown;
}

void expect_equal(const Shown& actual, const Shown& expected) {
    EXPECT_EQ(actual.observations, expected.observations);
    EXPECT_EQ(actual.peak_frames, expected.peak_frames);
    EXPECT_EQ(actual.pte_writes, expected.pte_writes);
    ASSERT_EQ(actual.violation.has_value(), expected.violation.has_value())
        << (actual.violation ? actual.violation->message : "none");
    if (actual.violation) {
        EXPECT_EQ(actual.violation->rule, expected.violation->rule);
        EXPECT_EQ(actual.violation->step, expected.violation->step);
    }
}

TEST(Lockstep, AResetOneRunsLikeANewOne) {
    for (std::uint64_t n = 0; n < 8; ++n) {
        const Config config = n == 0 ? Config{} : small_config(n);
        SystemLockstep reused(config, {});
        for (std::uint64_t seed = 1; seed <= 3; ++seed) {
            SystemLockstep fresh(config, {});
            const Shown expected = run(fresh, config, seed);
            EXPECT_FALSE(expected.violation) << expected.violation->message;
            expect_equal(run(reused, config, seed), expected);
            reused.reset();
        }
    }
}

// A violation ends a run anywhere, in the middle of a change too.
TEST(Lockstep, AViolationLeavesNothingBehindAReset) {
    const Config config = small_config(3);
    for (const impl::Defect defect : {impl::Defect::m08_pip_not_added, impl::Defect::m01_backing_page_writable,
                                      impl::Defect::b106_pageout_skips_write}) {
        impl::DefectSet defects;
        defects.switch_on(defect);
        SystemLockstep reused(config, defects);
        unsigned violations = 0;
        for (std::uint64_t seed = 1; seed <= 6; ++seed) {
            SystemLockstep fresh(config, defects);
            const Shown expected = run(fresh, config, seed);
            violations += expected.violation ? 1 : 0;
            expect_equal(run(reused, config, seed), expected);
            reused.reset();
        }
        EXPECT_GT(violations, 0U) << "nothing was tested";
    }
}

}  // namespace
}  // namespace vmref::props
