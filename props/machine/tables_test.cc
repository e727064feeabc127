#include "props/machine/tables.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "impl/machine/pte.h"
#include "model/mmu.h"
#include "ops/machine_ram.h"

namespace vmref::props {
namespace {

using Words = std::vector<std::uint32_t>;

Words copy(std::span<const std::uint32_t> words) {
    return {words.begin(), words.end()};
}

// Counts the words that are present, and expects that each could have been set on its own.
std::uint32_t count_present(const Words& words) {
    const model::Mmu mmu{Config{}};
    std::uint32_t present = 0;
    Pa pa = machine_ram::kDirectoriesStart;
    for (const std::uint32_t word : words) {
        if (word != 0) {
            const auto reason = mmu.refuse(SetWord{pa, word});
            EXPECT_FALSE(reason) << *reason;
        }
        present += word & impl::kPteV;
        pa += 4;
    }
    return present;
}

TEST(RandomTables, AreAFunctionOfTheSeed) {
    const Words one = copy(tables_of(RandomTables{1}));
    const Words two = copy(tables_of(RandomTables{2}));
    EXPECT_NE(one, two);
    EXPECT_EQ(one, copy(tables_of(RandomTables{1})));
    EXPECT_GT(count_present(one), 200'000U);
}

TEST(PmapTables, HoldWhatThePmapBuilt) {
    const Words none = copy(tables_of(PmapTables{1, 0}));
    const Words some = copy(tables_of(PmapTables{1, 1000}));
    EXPECT_EQ(count_present(none), 0U);
    EXPECT_GT(count_present(some), 20U);
    EXPECT_EQ(some, copy(tables_of(PmapTables{1, 1000})));
    const auto has = [&some](std::uint32_t bits) {
        return std::any_of(some.begin(), some.end(), [bits](std::uint32_t word) { return (word & bits) == bits; });
    };
    EXPECT_TRUE(has(impl::kPteV | impl::kPteM | impl::kPteManaged)) << "pages were stored to";
}

}  // namespace
}  // namespace vmref::props
