#include "traces/mapped_ranges.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <vector>

namespace vmref {
namespace {

constexpr std::uint32_t kGrow = 4;  // pages

constexpr VaRange pages(std::uint32_t first, std::uint32_t end) {
    return {first * kPageSize, end * kPageSize};
}

// The sets of mapped and of locked pages, by the dullest means.
struct Sets {
    std::set<std::uint32_t> mapped;
    std::set<std::uint32_t> locked;

    void unmap(std::uint32_t first, std::uint32_t end) {
        for (std::uint32_t page = first; page < end; ++page) {
            mapped.erase(page);
            locked.erase(page);
        }
    }
    void map(std::uint32_t first, std::uint32_t end) {
        unmap(first, end);
        for (std::uint32_t page = first; page < end; ++page) {
            mapped.insert(page);
        }
    }
    void set_locked(std::uint32_t first, std::uint32_t end, bool lock) {
        for (std::uint32_t page = first; page < end; ++page) {
            if (lock && mapped.contains(page)) {
                locked.insert(page);
            } else {
                locked.erase(page);
            }
        }
    }
    void move(std::uint32_t first, std::uint32_t end, std::uint32_t to, std::uint32_t to_end) {
        if (first != to) {
            unmap(first, end);
            map(to, to_end);
            return;
        }
        unmap(std::min(end, to_end), end);
        map(std::min(end, to_end), to_end);
    }
};

std::vector<VaRange> runs(const std::set<std::uint32_t>& set) {
    std::vector<VaRange> result;
    for (const std::uint32_t page : set) {
        if (!result.empty() && result.back().end == page * kPageSize) {
            result.back().end += kPageSize;
        } else {
            result.push_back(pages(page, page + 1));
        }
    }
    return result;
}

TEST(MappedRanges, AgreesWithSetsOfPages) {
    std::mt19937 random(1);
    const auto below = [&](std::uint32_t n) { return static_cast<std::uint32_t>(random() % n); };
    constexpr std::uint32_t span = 40;
    MappedRanges ranges(kGrow);
    Sets sets;
    int moves = 0;
    for (int step = 0; step < 20000; ++step) {
        const std::uint32_t first = below(span);
        const std::uint32_t end = first + 1 + below(std::min(span - first, 12U));
        const std::uint32_t to = below(3) == 0 ? first : below(span);
        const std::uint32_t to_end = to + 1 + below(std::min(span - to, 12U));
        switch (below(5)) {
            case 0:
                ranges.map(pages(first, end));
                sets.map(first, end);
                break;
            case 1:
                ranges.unmap(pages(first, end));
                sets.unmap(first, end);
                break;
            case 2:
            case 3: {
                const bool lock = below(2) == 0;
                ranges.set_locked(pages(first, end), lock);
                sets.set_locked(first, end, lock);
                break;
            }
            default:
                if (ranges.covers(pages(first, end)) && (to == first || to >= end || to_end <= first)) {
                    ranges.move(pages(first, end), pages(to, to_end));
                    sets.move(first, end, to, to_end);
                    ++moves;
                }
        }
        ASSERT_EQ(ranges.mapped(pages(0, span)), runs(sets.mapped)) << step;
        ASSERT_EQ(ranges.locked(pages(0, span)), runs(sets.locked)) << step;
    }
    EXPECT_GT(moves, 200);
}

TEST(MappedRanges, RunsAreCutToTheRange) {
    MappedRanges ranges(kGrow);
    ranges.map(pages(2, 6));
    ranges.map(pages(6, 8));
    ranges.map(pages(10, 12));
    EXPECT_EQ(ranges.mapped(pages(3, 11)), (std::vector{pages(3, 8), pages(10, 11)}));
    EXPECT_TRUE(ranges.covers(pages(2, 8)));
    EXPECT_FALSE(ranges.covers(pages(7, 11)));
    EXPECT_TRUE(ranges.covers(pages(9, 9)));
}

TEST(MappedRanges, StacksGrowByWholeStepsInsideTheirReserve) {
    MappedRanges ranges(kGrow);
    ranges.map_stack(pages(100, 120));
    EXPECT_EQ(ranges.mapped(pages(0, 200)), (std::vector{pages(116, 120)}));
    ranges.touch(115 * kPageSize);
    EXPECT_EQ(ranges.mapped(pages(0, 200)), (std::vector{pages(112, 120)}));
    ranges.touch(107 * kPageSize);
    EXPECT_EQ(ranges.mapped(pages(0, 200)), (std::vector{pages(104, 120)}));
    ranges.touch(99 * kPageSize);
    EXPECT_EQ(ranges.mapped(pages(0, 200)), (std::vector{pages(104, 120)}));
    ranges.touch(103 * kPageSize);
    EXPECT_EQ(ranges.mapped(pages(0, 200)), (std::vector{pages(100, 120)}));
}

TEST(MappedRanges, StacksGrowNoFurtherThanTheMappingBelow) {
    MappedRanges ranges(kGrow);
    ranges.map_stack(pages(100, 120));
    ranges.map(pages(113, 114));
    ranges.touch(115 * kPageSize);
    EXPECT_EQ(ranges.mapped(pages(0, 200)), (std::vector{pages(113, 120)}));
    ranges.touch(112 * kPageSize);
    EXPECT_EQ(ranges.mapped(pages(0, 200)), (std::vector{pages(113, 120)}));
}

TEST(MappedRanges, AStackShorterThanAStepIsMappedAsAWhole) {
    MappedRanges ranges(kGrow);
    ranges.map_stack(pages(10, 12));
    EXPECT_TRUE(ranges.covers(pages(10, 12)));
}

TEST(MappedRanges, MovesGrowAndShrink) {
    MappedRanges ranges(kGrow);
    ranges.map(pages(10, 12));
    ranges.map(pages(12, 14));
    ranges.map(pages(20, 30));
    ranges.set_locked(pages(10, 14), true);
    ranges.move(pages(11, 14), pages(22, 27));
    EXPECT_EQ(ranges.mapped(pages(0, 50)), (std::vector{pages(10, 11), pages(20, 30)}));
    EXPECT_EQ(ranges.locked(pages(0, 50)), (std::vector{pages(10, 11)}));
    ranges.move(pages(22, 30), pages(22, 32));
    EXPECT_EQ(ranges.mapped(pages(0, 50)), (std::vector{pages(10, 11), pages(20, 32)}));
    ranges.move(pages(22, 32), pages(22, 24));
    EXPECT_EQ(ranges.mapped(pages(0, 50)), (std::vector{pages(10, 11), pages(20, 24)}));
    ranges.move(pages(20, 24), pages(40, 42));
    EXPECT_EQ(ranges.mapped(pages(0, 50)), (std::vector{pages(10, 11), pages(40, 42)}));
}

}  // namespace
}  // namespace vmref
