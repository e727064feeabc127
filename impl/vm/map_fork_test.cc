// What a child gets, and what the parent keeps (catalogue D-9; wired entries: fault_wire_test.cc).
#include "impl/vm/vm_test.h"

namespace vmref::impl {
namespace {

class MapForkTest : public testing::Test {
  protected:
    void SetUp() override { world_.spawn(1); }
    World world_;
};

TEST_F(MapForkTest, CopiedEntryNeedsACopyOnBothSides) {
    world_.map(1, 0, 2);
    world_.fill(1, 0, 2, 100);
    Object& object = world_.top(1, 0);
    const std::uint32_t timestamp = world_.map_of(1).timestamp;
    world_.fork(1, 2);
    EXPECT_EQ(&world_.top(2, 0), &object);
    EXPECT_EQ(object.ref_count, 2U);
    EXPECT_EQ(object.shadow_count, 0U);
    EXPECT_FALSE(object.has(kObjOneMapping));
    for (const Pid pid : {1U, 2U}) {
        EXPECT_TRUE(world_.entry(pid, 0).has(kEntryNeedsCopy));
        EXPECT_TRUE(world_.entry(pid, 0).has(kEntryCow));
    }
    EXPECT_TRUE(world_.mapped(1, 0));
    EXPECT_FALSE(world_.mapped_writable(1, 0)) << "the parent's stores come through faults now";
    EXPECT_FALSE(world_.mapped(2, 0));
    EXPECT_GT(world_.map_of(1).timestamp, timestamp + 1) << "a fault under way must notice";
}

TEST_F(MapForkTest, FirstStoreMakesAShadowTheOtherSideKeepsTheObject) {
    world_.map(1, 0, 2);
    world_.fill(1, 0, 2, 100);
    Object& object = world_.top(1, 0);
    world_.fork(1, 2);
    world_.store(1, 0, 200);
    Object& shadow = world_.top(1, 0);
    EXPECT_EQ(shadow.backing, &object);
    EXPECT_EQ(object.ref_count, 2U);
    EXPECT_EQ(object.shadow_count, 1U);
    EXPECT_EQ(shadow.resident_page_count, 1U);
    EXPECT_EQ(&world_.top(2, 0), &object);
    EXPECT_EQ(world_.word(2, 0), 100U);
    EXPECT_EQ(world_.word(1, 1), 101U);
    EXPECT_EQ(world_.mapped_page(1, 1), world_.page(object, 1)) << "read in place";
}

TEST_F(MapForkTest, ChainIsMergedWhenTheChildEnds) {
    world_.map(1, 0, 2);
    world_.fill(1, 0, 2, 100);
    world_.fork(1, 2);
    world_.store(1, 0, 200);
    world_.run(Exit{2});
    Object& object = world_.top(1, 0);
    EXPECT_EQ(world_.k.stats.object_collapses, 1U);
    EXPECT_EQ(object.backing, nullptr);
    EXPECT_EQ(object.resident_page_count, 2U);
    EXPECT_EQ(world_.word(1, 0), 200U);
    EXPECT_EQ(world_.word(1, 1), 101U);
}

TEST_F(MapForkTest, UntouchedAnonymousEntryIsCopiedWithoutObject) {
    world_.map(1, 0, 2);
    world_.fork(1, 2);
    EXPECT_EQ(world_.entry(1, 0).object, nullptr);
    EXPECT_EQ(world_.entry(2, 0).object, nullptr);
    EXPECT_FALSE(world_.entry(1, 0).has(kEntryNeedsCopy));
    world_.store(1, 0, 5);
    EXPECT_EQ(world_.word(2, 0), 0U);
}

TEST_F(MapForkTest, SharedEntryNamesTheSameObject) {
    world_.map(1, 0, 1);
    world_.inherit(1, 0, 1, Inherit::share);
    world_.fork(1, 2);
    EXPECT_EQ(&world_.top(1, 0), &world_.top(2, 0));
    EXPECT_EQ(world_.top(1, 0).ref_count, 2U);
    EXPECT_FALSE(world_.top(1, 0).has(kObjOneMapping));
    EXPECT_FALSE(world_.entry(2, 0).has(kEntryNeedsCopy));
    world_.store(2, 0, 5);
    EXPECT_EQ(world_.word(1, 0), 5U);
}

TEST_F(MapForkTest, SharedEntryThatNeedsACopyIsShadowedFirst) {
    world_.file(1, 1);
    world_.map(1, 0, 1, kReadWrite, 1);
    world_.inherit(1, 0, 1, Inherit::share);
    world_.fork(1, 2);
    Object& shadow = world_.top(1, 0);
    EXPECT_EQ(&world_.top(2, 0), &shadow);
    EXPECT_EQ(shadow.ref_count, 2U);
    EXPECT_EQ(shadow.backing, &world_.file_object(1));
    EXPECT_FALSE(world_.entry(1, 0).has(kEntryNeedsCopy));
    EXPECT_FALSE(shadow.has(kObjOneMapping));
}

TEST_F(MapForkTest, NoneIsNotInherited) {
    world_.map(1, 0, 1);
    world_.inherit(1, 0, 1, Inherit::none);
    world_.fork(1, 2);
    EXPECT_EQ(world_.load(2, 0).signal, Signal::segv);
}

TEST_F(MapForkTest, CopyOfASharedTopIsMadeAtOnce) {
    world_.map(1, 0, 2);
    world_.store(1, 0, 1);
    world_.inherit(1, 0, 2, Inherit::share);
    world_.fork(1, 2);
    Object& shared = world_.top(1, 0);
    world_.inherit(1, 0, 2, Inherit::copy);
    world_.fork(1, 3);
    EXPECT_FALSE(world_.entry(1, 0).has(kEntryNeedsCopy)) << "the parent's entry is untouched (D-9)";
    EXPECT_EQ(&world_.top(1, 0), &shared);
    EXPECT_EQ(shared.ref_count, 2U);
    const Object& own = world_.top(3, 0);
    EXPECT_NE(&own, &shared);
    EXPECT_EQ(own.backing, nullptr);
    EXPECT_EQ(own.resident_page_count, 1U) << "what is zero is not copied";
    world_.store(2, 0, 2);
    world_.store(2, 1, 3);
    EXPECT_EQ(world_.word(3, 0), 1U) << "B-118: the snapshot holds";
    EXPECT_EQ(world_.word(3, 1), 0U);
    EXPECT_EQ(world_.word(1, 0), 2U) << "and so does the sharing";
}

TEST_F(MapForkTest, CopyOfASharedTopReadsBlocksBack) {
    world_.map(1, 0, 1, kReadWrite, 0, true);
    world_.store(1, 0, 9);
    world_.swap_out(world_.top(1, 0), 0);
    world_.fork(1, 2);
    world_.inherit(1, 0, 1, Inherit::copy);
    world_.fork(1, 3);
    EXPECT_NE(world_.page(world_.top(3, 0), 0), nullptr);
    EXPECT_EQ(world_.word(3, 0), 9U);
    EXPECT_EQ(world_.page(world_.top(1, 0), 0)->hold_count, 0U);
}

TEST_F(MapForkTest, CopyOfASharedFileSeesThroughToIt) {
    world_.file(1, 1);
    world_.map(1, 0, 1, kReadWrite, 1, true);
    world_.store(1, 0, 4);
    world_.inherit(1, 0, 1, Inherit::copy);
    world_.fork(1, 2);
    EXPECT_FALSE(world_.entry(1, 0).has(kEntryNeedsCopy));
    EXPECT_TRUE(world_.mapped_writable(1, 0));
    EXPECT_TRUE(world_.entry(2, 0).has(kEntryNeedsCopy));
    EXPECT_TRUE(world_.entry(2, 0).has(kEntryCow));
    world_.store(1, 0, 5);
    EXPECT_EQ(world_.word(2, 0), 5U);
    world_.store(2, 0, 6);
    EXPECT_EQ(world_.word(1, 0), 5U);
}

TEST_F(MapForkTest, GrandchildrenMakeAChainAndItsMiddleIsBypassed) {
    world_.map(1, 0, 1);
    world_.store(1, 0, 1);
    world_.fork(1, 2);
    world_.store(1, 0, 2);
    world_.fork(1, 3);
    world_.store(1, 0, 3);
    const Object* const top = &world_.top(1, 0);
    ASSERT_NE(top->backing, nullptr);
    ASSERT_NE(top->backing->backing, nullptr);
    EXPECT_EQ(world_.word(2, 0), 1U);
    EXPECT_EQ(world_.word(3, 0), 2U);
    world_.run(Exit{3});
    EXPECT_EQ(top, &world_.top(1, 0));
    EXPECT_EQ(top->backing, nullptr) << "the middle is merged, and then nothing below it shows any more";
    EXPECT_EQ(world_.k.stats.object_collapses, 1U);
    EXPECT_EQ(world_.k.stats.object_bypasses, 1U);
    EXPECT_EQ(world_.word(2, 0), 1U);
    EXPECT_EQ(world_.word(1, 0), 3U);
}

}  // namespace
}  // namespace vmref::impl
