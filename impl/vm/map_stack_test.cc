// Stacks that grow, and ranges that move.
#include "impl/vm/map.h"
#include "impl/vm/vm_test.h"

namespace vmref::impl {
namespace {

class MapStackTest : public testing::Test {
  protected:
    static Config config() {
        Config config = vm_config();
        config.stack_grow = 4;
        return config;
    }
    void SetUp() override { w.spawn(1); }
    // A stack whose reserve and mapped part are the pages [at, at + pages).
    void stack(PageIndex at, PageIndex pages) {
        EXPECT_EQ(w.run(Mmap{.pid = 1,
                             .addr = va(at),
                             .length = pages * kPageSize,
                             .prot = kReadWrite,
                             .fixed = true,
                             .stack = true})
                      .status,
                  Status::success);
    }
    bool exists(PageIndex at) { return map_entry_at(w.map_of(1), va(at)) != nullptr; }

    World w{config()};
};

TEST_F(MapStackTest, OnlyTheTopIsMappedTheRestIsReserve) {
    w.map(1, 0, 20);
    stack(0, 20);
    EXPECT_FALSE(exists(0)) << "the whole range is cleared";
    EXPECT_FALSE(exists(15));
    const MapEntry& top = w.entry(1, 16);
    EXPECT_EQ(top.page_count(), 4U);
    EXPECT_EQ(top.avail_ssize, 16U);
    EXPECT_TRUE(top.has(kEntryStack));
}

TEST_F(MapStackTest, ShortStackHasNoReserve) {
    stack(0, 3);
    EXPECT_EQ(w.entry(1, 0).page_count(), 3U);
    EXPECT_EQ(w.entry(1, 0).avail_ssize, 0U);
    EXPECT_EQ(w.run(Access{1, AccessKind::load, va(0) - 1, 1}).signal, Signal::segv);
}

TEST_F(MapStackTest, FaultBelowGrowsInStepsAndMovesTheReserve) {
    stack(0, 20);
    w.store(1, 11, 5);
    const MapEntry& grown = w.entry(1, 11);
    EXPECT_EQ(grown.start, va(8)) << "five pages are needed, two steps are mapped";
    EXPECT_EQ(grown.end, va(16));
    EXPECT_EQ(grown.avail_ssize, 8U);
    EXPECT_EQ(grown.protection, kProtAll);
    EXPECT_TRUE(grown.has(kEntryStack));
    EXPECT_EQ(w.entry(1, 16).avail_ssize, 16U) << "the old mapping keeps its own";
    EXPECT_EQ(w.word(1, 11), 5U);
}

TEST_F(MapStackTest, GrowthIsCutToTheReserveAndToTheGap) {
    stack(10, 6);
    w.word(1, 11);
    EXPECT_EQ(w.entry(1, 11).start, va(10));
    EXPECT_EQ(w.entry(1, 11).avail_ssize, 0U);
    EXPECT_EQ(w.load(1, 9).signal, Signal::segv);

    stack(30, 20);
    w.map(1, 44, 1);
    w.word(1, 45);
    EXPECT_EQ(w.entry(1, 45).start, va(45)) << "one page is free";
    EXPECT_EQ(w.load(1, 43).signal, Signal::segv) << "what follows it is no stack";
}

TEST_F(MapStackTest, BeyondTheReserveNothingGrows) {
    stack(0, 20);
    EXPECT_EQ(map_growstack(w.k, w.map_of(1), va(0) - kPageSize), Status::success) << "which promises nothing";
    EXPECT_FALSE(exists(15));
    EXPECT_EQ(w.map_of(1).entries.size(), 1U);
}

TEST_F(MapStackTest, SpaceIsNotFoundInAReserve) {
    stack(0, 20);
    Va start = 0;
    EXPECT_TRUE(map_find_space(w.map_of(1), va(2), kPageSize, start));
    EXPECT_EQ(start, va(20));
    EXPECT_TRUE(map_find_space(w.map_of(1), va(0) - kPageSize, kPageSize, start));
    EXPECT_EQ(start, va(0) - kPageSize);
}

TEST_F(MapStackTest, MovedRangeKeepsItsObjectAndLosesItsWiring) {
    w.map(1, 0, 3);
    w.fill(1, 0, 3, 100);
    w.lock(1, 0, 3);
    Object& object = w.top(1, 0);
    Page* const m = w.mapped_page(1, 1);
    EXPECT_EQ(w.run(Mremap{1, va(1), kPageSize, va(8), kPageSize}).status, Status::success);
    const MapEntry& moved = w.entry(1, 8);
    EXPECT_EQ(moved.object, &object);
    EXPECT_EQ(moved.offset, kPageSize);
    EXPECT_EQ(moved.wired_count, 0U);
    EXPECT_FALSE(moved.has(kEntryUserWired));
    EXPECT_EQ(m->wire_count, 0U);
    EXPECT_EQ(object.ref_count, 3U);
    EXPECT_FALSE(exists(1));
    EXPECT_EQ(w.word(1, 8), 101U);
    EXPECT_EQ(w.mapped_page(1, 8), m);
    EXPECT_EQ(w.entry(1, 0).wired_count, 1U);
}

TEST_F(MapStackTest, MoveClearsItsTargetAndNeedsItsSource) {
    w.map(1, 0, 1);
    w.store(1, 0, 5);
    w.map(1, 8, 2);
    w.fill(1, 8, 2, 200);
    EXPECT_EQ(map_relocate(w.k, w.map_of(1), va(0), va(2), va(8)), Status::invalid_address);
    EXPECT_EQ(w.word(1, 8), 200U);
    EXPECT_EQ(map_relocate(w.k, w.map_of(1), va(0), va(1), va(8)), Status::success);
    EXPECT_EQ(w.word(1, 8), 5U);
    EXPECT_EQ(w.word(1, 9), 201U);
}

}  // namespace
}  // namespace vmref::impl
