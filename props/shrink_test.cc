#include "props/shrink.h"

#include <gtest/gtest.h>

#include <variant>

#include "ops/codec.h"
#include "props/lockstep.h"

namespace vmref::props {
namespace {

constexpr Va kHere = 0x00400000;

Config small() {
    Config config;
    config.frames = 256;
    return config;
}

impl::DefectSet with(impl::Defect defect) {
    impl::DefectSet defects;
    defects.switch_on(defect);
    return defects;
}

Operation store(Pid pid, Va va, std::uint32_t value) {
    return Access{pid, AccessKind::store, va, 4, value};
}
Operation load(Pid pid, Va va) {
    return Access{pid, AccessKind::load, va, 4};
}

// After a fork the child reads a page of the parent, which M-01 maps with write access; much else happens around it.
std::vector<Operation> long_run() {
    std::vector<Operation> operations{Spawn{1}, Spawn{2}, CreateFile{1, 40000, "file"}};
    operations.push_back(Mmap{1, 0, 16 * kPageSize, kProtRead | kProtWrite});
    operations.push_back(Mmap{1, kHere, 64 * kPageSize, kProtRead | kProtWrite, kProtAll, false, true});
    operations.push_back(Mmap{2, kHere, 8 * kPageSize, kProtRead, kProtAll, true, true, false, 1});
    for (std::uint32_t n = 0; n < 60; ++n) {
        operations.push_back(store(1, kHere + n * kPageSize, 77 + n));
        operations.push_back(load(2, kHere + n % 8 * kPageSize));
    }
    operations.push_back(Fork{1, 3});
    for (std::uint32_t n = 0; n < 60; ++n) {
        operations.push_back(load(3, kHere + n * kPageSize));
        operations.push_back(store(3, kHere + n * kPageSize, n));
        operations.push_back(load(1, kHere + n * kPageSize));
    }
    return operations;
}

std::optional<Violation> first_violation(const std::vector<Operation>& operations, const ShrinkOptions& options) {
    SystemLockstep lockstep(options.config, options.defects);
    for (const Operation& operation : operations) {
        EXPECT_EQ(lockstep.refuse(operation), std::nullopt) << operation_name(operation);
        if (auto violation = lockstep.apply(operation)) {
            return violation;
        }
    }
    return lockstep.checkpoint();
}

class Shrink : public testing::Test {
  protected:
    Shrink() : options_{.config = small(), .defects = with(impl::Defect::m01_backing_page_writable)} {
        const auto violation = first_violation(long_run(), options_);
        rule_ = violation ? violation->rule : "";
    }

    ShrinkOptions options_;
    std::string rule_;
};

TEST_F(Shrink, KeepsWhatTheViolationNeeds) {
    ASSERT_NE(rule_, "");
    const ShrinkResult result = shrink(long_run(), rule_, options_);
    EXPECT_TRUE(result.reproduced);
    EXPECT_TRUE(result.complete);
    // Spawn, mmap, store, fork, a store that gives the child an object of its own, load.
    EXPECT_EQ(result.operations.size(), 6U);
    const auto violation = first_violation(result.operations, options_);
    ASSERT_TRUE(violation);
    EXPECT_EQ(violation->rule, rule_);
    EXPECT_EQ(violation->message, result.violation.message);
    EXPECT_EQ(violation->step, result.violation.step);
}

TEST_F(Shrink, SimplifiesArguments) {
    const ShrinkResult result = shrink(long_run(), rule_, options_);
    unsigned seen = 0;
    for (const Operation& operation : result.operations) {
        if (const auto* const mmap = std::get_if<Mmap>(&operation)) {
            EXPECT_LT(mmap->length, 64 * kPageSize);
            ++seen;
        }
        if (const auto* const access = std::get_if<Access>(&operation); access && access->kind == AccessKind::store) {
            EXPECT_EQ(access->value, 1U);
            ++seen;
        }
    }
    EXPECT_GE(seen, 2U);
}

TEST_F(Shrink, NoOperationOfTheResultCanGo) {
    const ShrinkResult result = shrink(long_run(), rule_, options_);
    for (std::size_t n = 0; n < result.operations.size(); ++n) {
        SystemLockstep lockstep(options_.config, options_.defects);
        std::optional<Violation> violation;
        for (std::size_t i = 0; i < result.operations.size() && !violation; ++i) {
            if (i != n && !lockstep.refuse(result.operations[i])) {
                violation = lockstep.apply(result.operations[i]);
            }
        }
        violation = violation ? violation : lockstep.checkpoint();
        EXPECT_TRUE(!violation || violation->rule != rule_) << "without operation " << n;
    }
}

TEST_F(Shrink, AnotherRuleIsNotTaken) {
    const ShrinkResult result = shrink(long_run(), "another rule", options_);
    EXPECT_FALSE(result.reproduced);
    EXPECT_EQ(result.operations, long_run());
    EXPECT_EQ(result.runs, 1U);
}

TEST_F(Shrink, StopsAtItsLimits) {
    options_.max_runs = 7;
    const ShrinkResult few = shrink(long_run(), rule_, options_);
    EXPECT_TRUE(few.reproduced);
    EXPECT_FALSE(few.complete);
    EXPECT_EQ(few.runs, 7U);

    const std::atomic<bool> stop{true};
    options_.stop = &stop;
    const ShrinkResult stopped = shrink(long_run(), rule_, options_);
    EXPECT_TRUE(stopped.reproduced);
    EXPECT_EQ(stopped.runs, 1U);
}

}  // namespace
}  // namespace vmref::props
