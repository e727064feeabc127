// A claim that nothing refutes says nothing, and a wrong function that no claim notices is a missing claim.
#include "props/smt/mutants.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "props/smt/refuted_test.h"
#include "props/smt/sessions.h"

namespace vmref::smt {
namespace {

std::set<std::string> goals_of(const Property& property) {
    const impl::DefectSet none;
    ModelSession session({}, none);
    std::set<std::string> names;
    for (const Goal<std::uint32_t>& goal : property.concrete(session).goals) {
        names.insert(goal.name);
    }
    return names;
}

bool refuted_by_a_defect(const std::string& obligation) {
    return std::any_of(std::begin(kRefuted), std::end(kRefuted),
                       [&](const auto& row) { return obligation == row.second; });
}

// `refuted`: by the mutants tried so far. What is left is asked for by name.
void expect_all_can_fail(const Property& property, const std::vector<Mutation>& mutants,
                         const std::set<std::string>& refuted) {
    for (const std::string& goal : goals_of(property)) {
        const std::string name = property.name + "." + goal;
        const bool can_fail = refuted.contains(goal) || refuted_by_a_defect(name) ||
                              std::any_of(mutants.begin(), mutants.end(),
                                          [&](const Mutation& mutation) { return refutes(property, mutation, goal); });
        EXPECT_TRUE(can_fail) << name << " cannot fail";
    }
}

// A function is used by several properties: one of them has to notice.
TEST(Mutants, OfEveryFunctionAreNoticed) {
    const std::vector<Property> properties = all_properties(1, 1);
    std::map<std::string, bool> killed;
    std::map<std::string, std::vector<std::pair<const Property*, Mutation>>> uses;
    for (const Property& property : properties) {
        if (property.large) {
            continue;
        }
        std::set<std::string> refuted;
        const std::vector<Mutation> mutants = mutants_of(property);
        for (const Mutation& mutation : mutants) {
            const std::set<std::string> found = goals_refuted(property, mutation);
            refuted.insert(found.begin(), found.end());
            const std::string text = mutation_text(mutation);
            uses[text].emplace_back(&property, mutation);
            killed[text] = killed[text] || !found.empty();
        }
        expect_all_can_fail(property, mutants, refuted);
    }
    EXPECT_GT(killed.size(), 500U);
    for (const auto& [text, noticed] : killed) {
        const auto& where = uses[text];
        EXPECT_TRUE(noticed || std::all_of(where.begin(), where.end(),
                                           [](const auto& use) { return is_equivalent(*use.first, use.second); }))
            << text << " is not noticed by " << where.front().first->name;
    }
}

// Its functions have properties of their own: only as many mutants are tried as its goals need, those of the state
// first.
TEST(Mutants, OfTheWholePmapShowThatEveryInvariantCanFail) {
    for (const Property& property : all_properties(2, 2)) {
        if (!property.large) {
            continue;
        }
        std::vector<Mutation> mutants = mutants_of(property);
        std::reverse(mutants.begin(), mutants.end());
        std::set<std::string> refuted;
        const std::size_t goals = goals_of(property).size();
        for (auto mutation = mutants.begin(); mutation != mutants.end() && refuted.size() < goals; ++mutation) {
            const std::set<std::string> found = goals_refuted(property, *mutation);
            refuted.insert(found.begin(), found.end());
        }
        expect_all_can_fail(property, mutants, refuted);
    }
}

}  // namespace
}  // namespace vmref::smt
