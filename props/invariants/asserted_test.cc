#include "props/invariants/asserted.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>
#include <string>

#include "props/invariants/invariant_set.h"

namespace vmref::props {
namespace {

std::set<std::string> asserted_in_sources() {
    const std::regex number(R"re((?:ensure_rule|Finding)\([^;]*?"(I-[0-9]+)")re");
    std::set<std::string> found;
    for (const auto& file : std::filesystem::recursive_directory_iterator("impl")) {
        if (file.path().extension() != ".cc" && file.path().extension() != ".h") {
            continue;
        }
        std::ifstream in(file.path());
        const std::string text{std::istreambuf_iterator<char>(in), {}};
        for (std::sregex_iterator match(text.begin(), text.end(), number); match != std::sregex_iterator(); ++match) {
            found.insert((*match)[1]);
        }
    }
    return found;
}

bool in(std::span<const Invariant> table, const std::string& id) {
    return std::any_of(table.begin(), table.end(), [&](const Invariant& invariant) { return invariant.id == id; });
}

TEST(Asserted, EveryAssertedInvariantHasItsStatement) {
    const std::set<std::string> used = asserted_in_sources();
    EXPECT_GT(used.size(), 15U) << "the sources were not found";
    for (const std::string& id : used) {
        EXPECT_TRUE(in(invariant_table(), id) || in(asserted_invariants(), id)) << id << " is in no table";
    }
}

TEST(Asserted, NothingIsListedThatIsRegisteredOrNotAsserted) {
    const std::set<std::string> used = asserted_in_sources();
    for (const Invariant& invariant : asserted_invariants()) {
        const std::string id(invariant.id);
        EXPECT_FALSE(in(invariant_table(), id)) << id << " is registered";
        EXPECT_TRUE(used.contains(id)) << id << " is asserted nowhere";
        EXPECT_FALSE(invariant.statement.empty()) << id;
        EXPECT_FALSE(invariant.source.empty()) << id;
    }
}

TEST(Asserted, TheDocumentHasARowForEachInvariantAndNoOther) {
    std::ifstream file("docs/invariants.md");
    ASSERT_TRUE(file) << "run in the root of the repository";
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    for (const Invariant& invariant : asserted_invariants()) {
        std::string row = "| " + std::string(invariant.id);
        row += " | " + std::string(invariant.statement);
        row += " | " + std::string(invariant.source) + " |";
        EXPECT_NE(text.find(row), std::string::npos) << row;
    }
    const std::regex row("\n\\| I-[0-9]+ ");
    const auto rows = std::distance(std::sregex_iterator(text.begin(), text.end(), row), std::sregex_iterator());
    EXPECT_EQ(static_cast<std::size_t>(rows), invariant_table().size() + asserted_invariants().size());
}

}  // namespace
}  // namespace vmref::props
