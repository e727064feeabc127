// What a child gets, and what the parent keeps (catalogue D-9; wired entries: fault_wire_test.cc).
#include "impl/vm/vm_test.h"

namespace vmref::impl {
namespace {

class MapForkTest : public testing::Test {
  protected:
    void SetUp() override { w.spawn(1); }
    World w;
};

TEST_F(MapForkTest, CopiedEntryNeedsACopyOnBothSides) {
    w.map(1, 0, 2);
    w.fill(1, 0, 2, 100);
    Object& object = w.top(1, 0);
    const std::uint32_t timestamp = w.map_of(1).timestamp;
    w.fork(1, 2);
    EXPECT_EQ(&w.top(2, 0), &object);
    EXPECT_EQ(object.ref_count, 2U);
    EXPECT_EQ(object.shadow_count, 0U);
    EXPECT_FALSE(object.has(kObjOneMapping));
    for (const Pid pid : {1U, 2U}) {
        EXPECT_TRUE(w.entry(pid, 0).has(kEntryNeedsCopy));
        EXPECT_TRUE(w.entry(pid, 0).has(kEntryCow));
    }
    EXPECT_TRUE(w.mapped(1, 0));
    EXPECT_FALSE(w.mapped_writable(1, 0)) << "the parent's stores come through faults now";
    EXPECT_FALSE(w.mapped(2, 0));
    EXPECT_GT(w.map_of(1).timestamp, timestamp + 1) << "a fault under way must notice";
}

TEST_F(MapForkTest, FirstStoreMakesAShadowTheOtherSideKeepsTheObject) {
    w.map(1, 0, 2);
    w.fill(1, 0, 2, 100);
    Object& object = w.top(1, 0);
    w.fork(1, 2);
    w.store(1, 0, 200);
    Object& shadow = w.top(1, 0);
    EXPECT_EQ(shadow.backing, &object);
    EXPECT_EQ(object.ref_count, 2U);
    EXPECT_EQ(object.shadow_count, 1U);
    EXPECT_EQ(shadow.resident_page_count, 1U);
    EXPECT_EQ(&w.top(2, 0), &object);
    EXPECT_EQ(w.word(2, 0), 100U);
    EXPECT_EQ(w.word(1, 1), 101U);
    EXPECT_EQ(w.mapped_page(1, 1), w.page(object, 1)) << "read in place";
}

TEST_F(MapForkTest, ChainIsMergedWhenTheChildEnds) {
    w.map(1, 0, 2);
    w.fill(1, 0, 2, 100);
    w.fork(1, 2);
    w.store(1, 0, 200);
    w.run(Exit{2});
    Object& object = w.top(1, 0);
    EXPECT_EQ(w.k.stats.object_collapses, 1U);
    EXPECT_EQ(object.backing, nullptr);
    EXPECT_EQ(object.resident_page_count, 2U);
    EXPECT_EQ(w.word(1, 0), 200U);
    EXPECT_EQ(w.word(1, 1), 101U);
}

TEST_F(MapForkTest, UntouchedAnonymousEntryIsCopiedWithoutObject) {
    w.map(1, 0, 2);
    w.fork(1, 2);
    EXPECT_EQ(w.entry(1, 0).object, nullptr);
    EXPECT_EQ(w.entry(2, 0).object, nullptr);
    EXPECT_FALSE(w.entry(1, 0).has(kEntryNeedsCopy));
    w.store(1, 0, 5);
    EXPECT_EQ(w.word(2, 0), 0U);
}

TEST_F(MapForkTest, SharedEntryNamesTheSameObject) {
    w.map(1, 0, 1);
    w.inherit(1, 0, 1, Inherit::share);
    w.fork(1, 2);
    EXPECT_EQ(&w.top(1, 0), &w.top(2, 0));
    EXPECT_EQ(w.top(1, 0).ref_count, 2U);
    EXPECT_FALSE(w.top(1, 0).has(kObjOneMapping));
    EXPECT_FALSE(w.entry(2, 0).has(kEntryNeedsCopy));
    w.store(2, 0, 5);
    EXPECT_EQ(w.word(1, 0), 5U);
}

TEST_F(MapForkTest, SharedEntryThatNeedsACopyIsShadowedFirst) {
    w.file(1, 1);
    w.map(1, 0, 1, kReadWrite, 1);
    w.inherit(1, 0, 1, Inherit::share);
    w.fork(1, 2);
    Object& shadow = w.top(1, 0);
    EXPECT_EQ(&w.top(2, 0), &shadow);
    EXPECT_EQ(shadow.ref_count, 2U);
    EXPECT_EQ(shadow.backing, &w.file_object(1));
    EXPECT_FALSE(w.entry(1, 0).has(kEntryNeedsCopy));
    EXPECT_FALSE(shadow.has(kObjOneMapping));
}

TEST_F(MapForkTest, NoneIsNotInherited) {
    w.map(1, 0, 1);
    w.inherit(1, 0, 1, Inherit::none);
    w.fork(1, 2);
    EXPECT_EQ(w.load(2, 0).signal, Signal::segv);
}

TEST_F(MapForkTest, CopyOfASharedTopIsMadeAtOnce) {
    w.map(1, 0, 2);
    w.store(1, 0, 1);
    w.inherit(1, 0, 2, Inherit::share);
    w.fork(1, 2);
    Object& shared = w.top(1, 0);
    w.inherit(1, 0, 2, Inherit::copy);
    w.fork(1, 3);
    EXPECT_FALSE(w.entry(1, 0).has(kEntryNeedsCopy)) << "the parent's entry is untouched (D-9)";
    EXPECT_EQ(&w.top(1, 0), &shared);
    EXPECT_EQ(shared.ref_count, 2U);
    const Object& own = w.top(3, 0);
    EXPECT_NE(&own, &shared);
    EXPECT_EQ(own.backing, nullptr);
    EXPECT_EQ(own.resident_page_count, 1U) << "what is zero is not copied";
    w.store(2, 0, 2);
    w.store(2, 1, 3);
    EXPECT_EQ(w.word(3, 0), 1U) << "B-118: the snapshot holds";
    EXPECT_EQ(w.word(3, 1), 0U);
    EXPECT_EQ(w.word(1, 0), 2U) << "and so does the sharing";
}

TEST_F(MapForkTest, CopyOfASharedTopReadsBlocksBack) {
    w.map(1, 0, 1, kReadWrite, 0, true);
    w.store(1, 0, 9);
    w.swap_out(w.top(1, 0), 0);
    w.fork(1, 2);
    w.inherit(1, 0, 1, Inherit::copy);
    w.fork(1, 3);
    EXPECT_NE(w.page(w.top(3, 0), 0), nullptr);
    EXPECT_EQ(w.word(3, 0), 9U);
    EXPECT_EQ(w.page(w.top(1, 0), 0)->hold_count, 0U);
}

TEST_F(MapForkTest, CopyOfASharedFileSeesThroughToIt) {
    w.file(1, 1);
    w.map(1, 0, 1, kReadWrite, 1, true);
    w.store(1, 0, 4);
    w.inherit(1, 0, 1, Inherit::copy);
    w.fork(1, 2);
    EXPECT_FALSE(w.entry(1, 0).has(kEntryNeedsCopy));
    EXPECT_TRUE(w.mapped_writable(1, 0));
    EXPECT_TRUE(w.entry(2, 0).has(kEntryNeedsCopy));
    EXPECT_TRUE(w.entry(2, 0).has(kEntryCow));
    w.store(1, 0, 5);
    EXPECT_EQ(w.word(2, 0), 5U);
    w.store(2, 0, 6);
    EXPECT_EQ(w.word(1, 0), 5U);
}

TEST_F(MapForkTest, GrandchildrenMakeAChainAndItsMiddleIsBypassed) {
    w.map(1, 0, 1);
    w.store(1, 0, 1);
    w.fork(1, 2);
    w.store(1, 0, 2);
    w.fork(1, 3);
    w.store(1, 0, 3);
    const Object* const top = &w.top(1, 0);
    ASSERT_NE(top->backing, nullptr);
    ASSERT_NE(top->backing->backing, nullptr);
    EXPECT_EQ(w.word(2, 0), 1U);
    EXPECT_EQ(w.word(3, 0), 2U);
    w.run(Exit{3});
    EXPECT_EQ(top, &w.top(1, 0));
    EXPECT_EQ(top->backing, nullptr) << "the middle is merged, and then nothing below it shows any more";
    EXPECT_EQ(w.k.stats.object_collapses, 1U);
    EXPECT_EQ(w.k.stats.object_bypasses, 1U);
    EXPECT_EQ(w.word(2, 0), 1U);
    EXPECT_EQ(w.word(1, 0), 3U);
}

}  // namespace
}  // namespace vmref::impl
