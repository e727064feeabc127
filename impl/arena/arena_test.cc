#include "impl/arena/arena.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <vector>

#include "impl/arena/containers.h"
#include "impl/arena/resettable.h"

namespace vmref::impl {
namespace {

TEST(Arena, AFreedBlockServesTheNextOfItsSize) {
    Arena arena;
    void* const first = arena.allocate(40);
    void* const second = arena.allocate(40);
    EXPECT_NE(first, second);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(second) % 16, 0U);
    arena.deallocate(first, 40);
    EXPECT_NE(arena.allocate(100), first);
    EXPECT_EQ(arena.allocate(64), first) << "40 and 64 bytes are of one size class";
}

TEST(Arena, RestoreBringsBackContentsAndFreeBlocks) {
    Arena arena;
    auto* const kept = static_cast<int*>(arena.allocate(sizeof(int)));
    void* const freed = arena.allocate(100);
    arena.deallocate(freed, 100);
    *kept = 1;
    arena.save();
    for (int round = 0; round < 2; ++round) {
        *kept = 2;
        EXPECT_EQ(arena.allocate(100), freed);
        EXPECT_NE(arena.allocate(100), freed);
        arena.restore({});
        EXPECT_EQ(*kept, 1);
    }
}

TEST(Arena, OnlyTheTouchedFrontOfAnIndexedArrayIsRestored) {
    Arena arena;
    const auto array = [&](Indexed kind, bool starts_zero) {
        return static_cast<int*>(arena.allocate_indexed(kind, sizeof(int), 1000, starts_zero));
    };
    int* const zero = array(Indexed::by_frame, true);
    int* const numbered = array(Indexed::by_frame, false);
    int* const slots = array(Indexed::by_swap_slot, true);
    for (int i = 0; i < 1000; ++i) {
        EXPECT_EQ(zero[i], 0);
        numbered[i] = i;
    }
    arena.save();
    for (int* const changed : {zero, numbered, slots}) {
        std::fill_n(changed, 10, -1);
    }
    arena.restore({5, 7});
    EXPECT_EQ(zero[4], 0);
    EXPECT_EQ(zero[5], -1);
    EXPECT_EQ(numbered[4], 4);
    EXPECT_EQ(numbered[5], -1);
    EXPECT_EQ(slots[6], 0);
    EXPECT_EQ(slots[7], -1);
}

TEST(Arena, BlocksOfManyChunksComeBack) {
    constexpr std::size_t kBlock = std::size_t{1} << 20;
    Arena arena;
    const auto fill = [&](int blocks, int byte) {
        std::vector<std::byte*> filled;
        for (int n = 0; n < blocks; ++n) {
            filled.push_back(static_cast<std::byte*>(arena.allocate(n == 2 ? 8 * kBlock : kBlock)));
            std::memset(filled.back(), byte, kBlock);
        }
        return filled;
    };
    const std::vector<std::byte*> kept = fill(6, 1);
    arena.save();
    std::vector<std::byte*> first;
    for (int round = 0; round < 3; ++round) {
        const std::vector<std::byte*> later = fill(9, 2);
        EXPECT_EQ(first.empty() ? later : first, later) << "a reset run finds its blocks at the same addresses";
        first = later;
        std::memset(kept[0], 3, kBlock);
        arena.restore({});
        for (const std::byte* const block : kept) {
            EXPECT_EQ(block[0], std::byte{1});
            EXPECT_EQ(block[kBlock - 1], std::byte{1});
        }
    }
}

TEST(Arena, RefusesWhatTheHostDoesNotHave) {
    Arena arena;
    EXPECT_THROW(arena.allocate(std::size_t{1} << 50), std::bad_alloc);
    EXPECT_THROW(arena.allocate(~std::size_t{0}), std::bad_alloc);
    EXPECT_THROW(arena.allocate_indexed(Indexed::by_frame, 4096, std::size_t{1} << 40, true), std::bad_alloc);
}

TEST(Arena, ContainersTakeTheArenaOfTheirScope) {
    Arena arena;
    Vector<int> on_heap;
    EXPECT_EQ(on_heap.get_allocator().arena(), nullptr);
    {
        const ArenaScope scope(&arena);
        Vector<int> inside;
        EXPECT_EQ(inside.get_allocator().arena(), &arena);
        const Owned<int> owned = make_owned<int>(3);
        EXPECT_EQ(owned.get_deleter().arena, &arena);
        {
            const ArenaScope none(nullptr);
            EXPECT_EQ(make_owned<int>(3).get_deleter().arena, nullptr);
        }
        EXPECT_EQ(current_arena(), &arena);
    }
    EXPECT_EQ(current_arena(), nullptr);
}

// Something with memory of its own, as a system is.
struct Counter {
    explicit Counter(int first) : values{first} {}
    void add(int value) {
        const ArenaScope scope(arena);
        values.push_back(value);
        by_value.try_emplace(value, make_owned<int>(value));
        if (value < 0) {
            throw std::invalid_argument("negative");
        }
    }
    TouchedCounts touched() const { return {}; }

    Arena* arena = current_arena();
    Vector<int> values;
    OrderedMap<int, Owned<int>> by_value;
};

TEST(Resettable, IsAsNewAfterEveryReset) {
    Resettable<Counter> counter(7);
    const Counter* const address = &*counter;
    for (int round = 0; round < 3; ++round) {
        EXPECT_EQ(counter->values, (Vector<int>{7}));
        EXPECT_TRUE(counter->by_value.empty());
        for (int value = 0; value < 1000; ++value) {
            counter->add(value);
        }
        EXPECT_EQ(*counter->by_value.at(999), 999);
        EXPECT_THROW(counter->add(-1), std::invalid_argument);
        counter.reset();
        EXPECT_EQ(&*counter, address);
    }
}

}  // namespace
}  // namespace vmref::impl
