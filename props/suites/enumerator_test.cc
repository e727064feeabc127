// Small scopes, completely: nothing is found without a defect, and with one the shortest sequence that shows it.
#include "props/generators/enumerator.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <ostream>
#include <string>

#include "impl/defects/defects.h"
#include "props/lockstep.h"

namespace vmref::props {
namespace {

struct Case {
    const char* name;
    Scope (*scope)();
    std::size_t depth;
};

void PrintTo(const Case& test, std::ostream* out) {
    *out << test.name;
}

std::string describe(const EnumerationResult& result) {
    return result.violation ? result.violation->rule + ": " + result.violation->message + " after " +
                                  std::to_string(result.trace.size()) + " operations"
                            : "nothing found";
}

// VMREF_DEPTH, where it is set to a depth from 2 to 9, goes deeper or less deep than a test that nobody waits for.
std::size_t depth_of(const Case& test) {
    const char* const wanted = std::getenv("VMREF_DEPTH");
    const bool is_depth = wanted != nullptr && wanted[0] >= '2' && wanted[0] <= '9' && wanted[1] == '\0';
    return is_depth ? static_cast<std::size_t>(wanted[0] - '0') : test.depth;
}

class EnumeratedScope : public testing::TestWithParam<Case> {};

TEST_P(EnumeratedScope, HoldsCompletely) {
    const Scope scope = GetParam().scope();
    const std::size_t depth = depth_of(GetParam());
    const EnumerationResult result = enumerate(scope, {}, depth);
    EXPECT_FALSE(result.violation) << describe(result);
    RecordProperty("sequences", std::to_string(result.sequences));
    std::cout << GetParam().name << ": " << result.sequences << " sequences of " << depth << " letters, "
              << result.refused << " branches refused, " << result.operations << " operations\n";
    // A refused branch of length n stands for all that would begin with it: not more than everything is left.
    EXPECT_GT(result.sequences, scope.alphabet.size());
    EXPECT_GT(result.refused, 0U);
    const double all = std::pow(static_cast<double>(scope.alphabet.size()), static_cast<double>(depth));
    EXPECT_LT(static_cast<double>(result.sequences + result.refused), all);
}

INSTANTIATE_TEST_SUITE_P(Scopes, EnumeratedScope,
                         testing::Values(Case{"Anonymous", anonymous_scope, 4}, Case{"File", file_scope, 4},
                                         Case{"Inherited", inherited_scope, 5}, Case{"Wired", wired_scope, 4}),
                         [](const auto& instance) { return std::string(instance.param.name); });

struct Shortest {
    const char* id;
    Scope (*scope)();
    std::size_t letters;  // no sequence of fewer shows the defect
};

void PrintTo(const Shortest& test, std::ostream* out) {
    *out << test.id;
}

class EnumeratedDefect : public testing::TestWithParam<Shortest> {};

TEST_P(EnumeratedDefect, IsFoundWithTheFewestLetters) {
    const Scope scope = GetParam().scope();
    impl::DefectSet defects;
    defects.switch_on(impl::find_defect(GetParam().id).value());
    const EnumerationResult result = enumerate_shortest(scope, defects, GetParam().letters);
    ASSERT_TRUE(result.violation) << GetParam().id << " went unnoticed in " << result.sequences << " sequences";
    std::cout << GetParam().id << ": " << describe(result) << '\n';
    EXPECT_EQ(result.trace.size(), scope.setup.size() + GetParam().letters);
    SystemLockstep sound(scope.config, {});
    for (const Operation& operation : result.trace) {
        ASSERT_FALSE(sound.refuse(operation));
        ASSERT_FALSE(sound.apply(operation)) << "without the defect";
    }
    EXPECT_FALSE(sound.checkpoint());
}

INSTANTIATE_TEST_SUITE_P(Catalogue, EnumeratedDefect,
                         testing::Values(Shortest{"M-01", inherited_scope, 4}, Shortest{"B-07", inherited_scope, 5},
                                         Shortest{"B-08", wired_scope, 3}, Shortest{"M-08", file_scope, 2}),
                         [](const auto& instance) {
                             std::string name = instance.param.id;
                             std::erase(name, '-');
                             return name;
                         });

// Two letters, of which one is refused until the other has come.
TEST(Enumerator, RunsEverySequenceThatIsNotRefused) {
    const Scope scope{
        .config = anonymous_scope().config, .setup = {Spawn{1}}, .alphabet = {Fork{1, 2}, Exit{2}, Spawn{3}}};
    const EnumerationResult result = enumerate(scope, {}, 3);
    // fork-exit-fork, fork-exit-spawn, fork-spawn-exit, spawn-fork-exit; everything else names a process too few or
    // too many.
    EXPECT_EQ(result.sequences, 4U);
    EXPECT_FALSE(result.violation) << describe(result);
}

}  // namespace
}  // namespace vmref::props
