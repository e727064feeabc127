// Advice about pages, madvise(free) above all (object_range.cc).
#include "impl/vm/vm_object.h"
#include "impl/vm/vm_test.h"

namespace vmref::impl {
namespace {

class MadviseTest : public testing::Test {
  protected:
    void SetUp() override {
        world_.spawn(1);
        world_.map(1, 0, 2);
        world_.fill(1, 0, 2, 100);
    }
    Page* page(PageIndex index) { return world_.page(world_.top(1, index), index); }

    World world_;
};

TEST_F(MadviseTest, FreeMakesThePageCleanAndFreesItsBlock) {
    world_.write_out(*page(0));
    world_.store(1, 0, 101);
    EXPECT_EQ(world_.blocks_used(), 1U);
    EXPECT_TRUE(world_.advise(1, 0, 1, Advice::free).witness.discarded.empty()) << "nothing is zero yet";
    EXPECT_EQ(world_.blocks_used(), 0U);
    EXPECT_EQ(page(0)->dirty, 0);
    EXPECT_FALSE(page(0)->has(kPageSwapped));
    EXPECT_EQ(page(0)->act_count, 0);
    EXPECT_EQ(page(0)->queue, Queue::inactive);
    EXPECT_EQ(world_.pte(1, 0) & (kPteA | kPteM), 0U);
    EXPECT_EQ(world_.word(1, 0), 101U) << "it may become zero, it need not";
}

TEST_F(MadviseTest, DiscardIsWitnessedWhenThePageGoes) {
    world_.advise(1, 0, 1, Advice::free);
    EXPECT_EQ(world_.run(Pageout{1}).witness.discarded, std::vector<Discard>{(Discard{1, va(0)})});
    EXPECT_EQ(page(0), nullptr);
    EXPECT_EQ(world_.word(1, 0), 0U);
}

TEST_F(MadviseTest, StoreAfterFreeKeepsThePage) {
    world_.advise(1, 0, 1, Advice::free);
    world_.store(1, 0, 200);
    EXPECT_NE(world_.pte(1, 0) & kPteM, 0U) << "the translation that had seen M is gone (B-59)";
    for (int pass = 0; pass < 8; ++pass) {
        EXPECT_TRUE(world_.run(Pageout{8}).witness.discarded.empty());
    }
    EXPECT_EQ(world_.word(1, 0), 200U);
}

TEST_F(MadviseTest, BlockWithoutPageIsDiscardedAtOnce) {
    world_.swap_out(world_.top(1, 0), 0);
    EXPECT_EQ(world_.advise(1, 0, 1, Advice::free).witness.discarded, std::vector<Discard>{(Discard{1, va(0)})});
    EXPECT_EQ(world_.blocks_used(), 0U);
    EXPECT_EQ(world_.word(1, 0), 0U);
}

TEST_F(MadviseTest, FreeIsRefusedWhereOlderDataWouldShow) {
    world_.fork(1, 2);
    world_.store(1, 0, 200);
    Page* const own = page(0);
    world_.advise(1, 0, 1, Advice::free);
    EXPECT_EQ(own->dirty, kPageBitsAll) << "B-58";
    EXPECT_EQ(own->queue, Queue::inactive) << "it is treated as unused instead";
    EXPECT_EQ(world_.word(1, 0), 200U);
}

TEST_F(MadviseTest, FreeLeavesSharedWiredAndHeldPagesAlone) {
    world_.lock(1, 0, 1);
    world_.k.pages.hold(*page(1));
    world_.advise(1, 0, 2, Advice::free);
    EXPECT_EQ(page(0)->dirty, kPageBitsAll);
    EXPECT_EQ(page(0)->queue, Queue::none);
    EXPECT_EQ(page(1)->dirty, kPageBitsAll);
    EXPECT_EQ(page(1)->queue, Queue::active);
    world_.k.pages.unhold(*page(1));

    world_.inherit(1, 1, 1, Inherit::share);
    world_.fork(1, 2);
    EXPECT_FALSE(world_.top(1, 1).has(kObjOneMapping));
    world_.advise(1, 1, 1, Advice::free);
    EXPECT_EQ(page(1)->dirty, kPageBitsAll);
}

TEST_F(MadviseTest, WillneedActivatesAndDontneedForgetsReferences) {
    world_.advise(1, 0, 2, Advice::dontneed);
    EXPECT_EQ(page(0)->queue, Queue::inactive);
    EXPECT_FALSE(page(0)->has(kPageReferenced));
    EXPECT_EQ(world_.pte(1, 0) & kPteA, 0U);
    EXPECT_EQ(page(0)->dirty, kPageBitsAll) << "what was stored stays";
    world_.advise(1, 0, 1, Advice::willneed);
    EXPECT_EQ(page(0)->queue, Queue::active);
    EXPECT_EQ(page(1)->queue, Queue::inactive);
}

}  // namespace
}  // namespace vmref::impl
