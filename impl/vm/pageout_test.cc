// The order in which pages leave memory, and what a thread that waits for memory sets going.
#include "impl/vm/pageout.h"

#include "impl/vm/vm_test.h"

namespace vmref::impl {
namespace {

class PageoutTest : public testing::Test {
  protected:
    void SetUp() override {
        world_.spawn(1);
        world_.map(1, 0, 2);
        world_.fill(1, 0, 2, 100);
        m = world_.mapped_page(1, 0);
    }
    // Unreferenced and on the inactive queue, as the daemon leaves it.
    void make_inactive(PageIndex at) { world_.advise(1, at, 1, Advice::dontneed); }
    // A TLB that knows the page would hide the reference.
    void reference(PageIndex at) {
        world_.k.machine.flush_tlb(0);
        world_.word(1, at);
    }

    World world_;
    Page* m = nullptr;
};

TEST_F(PageoutTest, DirtyPageIsWrittenThenCached) {
    make_inactive(0);
    EXPECT_EQ(pageout_scan(world_.k, 1, false), 1U);
    EXPECT_EQ(world_.k.stats.pageouts, 1U);
    EXPECT_EQ(m->queue, Queue::inactive);
    EXPECT_EQ(m->dirty, 0);
    EXPECT_TRUE(world_.has_block(world_.top(1, 0), 0));
    EXPECT_TRUE(world_.mapped_writable(1, 0)) << "a written page stays mapped";

    EXPECT_EQ(pageout_scan(world_.k, 1, false), 1U);
    EXPECT_EQ(world_.k.stats.pageouts, 1U);
    EXPECT_EQ(m->queue, Queue::cache);
    EXPECT_FALSE(world_.mapped(1, 0));
    EXPECT_EQ(world_.page(world_.top(1, 0), 0), m) << "still there for whoever comes back";
    const std::uint64_t reactivated = world_.k.pages.reactivated();
    EXPECT_EQ(world_.word(1, 0), 100U);
    EXPECT_EQ(m->queue, Queue::active);
    EXPECT_EQ(world_.k.stats.majflt, 0U);
    EXPECT_EQ(world_.k.pages.reactivated(), reactivated) << "the fault unqueues the page before it activates it";
}

TEST_F(PageoutTest, StoreBetweenWriteAndReclaimIsWrittenAgain) {
    make_inactive(0);
    pageout_scan(world_.k, 1, false);
    world_.store(1, 0, 200);
    EXPECT_EQ(m->dirty, 0) << "only the PTE knows";
    world_.k.pmaps.clear_reference(*m);
    const std::uint32_t first = world_.top(1, 0).swap_slot(0);
    EXPECT_EQ(pageout_scan(world_.k, 1, false), 1U);
    EXPECT_EQ(m->queue, Queue::inactive);
    EXPECT_NE(world_.top(1, 0).swap_slot(0), first);
    EXPECT_EQ(world_.k.stats.pageouts, 2U);
    pageout_scan(world_.k, 1, false);
    world_.drop(*m);
    EXPECT_EQ(world_.word(1, 0), 200U) << "B-106";
}

TEST_F(PageoutTest, ReferencedPageIsReactivated) {
    make_inactive(0);
    reference(0);
    EXPECT_NE(world_.pte(1, 0) & kPteA, 0U);
    EXPECT_EQ(pageout_scan(world_.k, 1, false), 0U);
    EXPECT_EQ(m->queue, Queue::active);
    EXPECT_EQ(world_.pte(1, 0) & kPteA, 0U);
    EXPECT_EQ(world_.blocks_used(), 0U);
}

TEST_F(PageoutTest, ForceDisregardsReferences) {
    make_inactive(0);
    reference(0);
    EXPECT_EQ(pageout_scan(world_.k, 1, true), 1U);
    EXPECT_EQ(m->queue, Queue::inactive);
    EXPECT_EQ(m->dirty, 0);
}

TEST_F(PageoutTest, HeldAndBusyPagesArePassedOver) {
    make_inactive(0);
    make_inactive(1);
    world_.k.pages.hold(*m);
    EXPECT_EQ(pageout_scan(world_.k, 2, false), 1U);
    EXPECT_EQ(m->dirty, kPageBitsAll);
    EXPECT_EQ(world_.mapped_page(1, 1)->dirty, 0);
    world_.k.pages.unhold(*m);
    m->busy_owner = 9;
    world_.k.pages.busy_try(*world_.mapped_page(1, 1));
    EXPECT_EQ(pageout_scan(world_.k, 2, true), 0U);
    EXPECT_EQ(m->queue, Queue::inactive);
}

TEST_F(PageoutTest, ActivePagesAgeUntilThereAreEnoughInactiveOnes) {
    for (int pass = 0; pass < 20 && m->queue == Queue::active; ++pass) {
        pageout_scan(world_.k, 2, false);
    }
    EXPECT_EQ(m->queue, Queue::inactive);
    EXPECT_EQ(m->act_count, 0);

    Config config = vm_config();
    config.inactive_target = 0;
    World other(config);
    other.spawn(1);
    other.map(1, 0, 1);
    other.store(1, 0, 1);
    for (int pass = 0; pass < 20; ++pass) {
        pageout_scan(other.k, 2, false);
    }
    EXPECT_EQ(other.mapped_page(1, 0)->queue, Queue::active);
    pageout_scan(other.k, 2, true);
    EXPECT_EQ(other.mapped_page(1, 0)->queue, Queue::inactive) << "force disregards the target";
}

TEST_F(PageoutTest, InvalidPageIsFreed) {
    Page& invalid = world_.grab(world_.anon(1), 0);
    world_.k.pages.deactivate(invalid);
    EXPECT_EQ(pageout_scan(world_.k, 1, false), 1U);
    EXPECT_EQ(invalid.queue, Queue::free);
}

TEST(PageoutWithoutSwapTest, DirtyPageGoesBackToTheActiveQueue) {
    Config config = vm_config();
    config.swap_slots = 0;
    World w(config);
    w.spawn(1);
    w.map(1, 0, 1);
    w.store(1, 0, 5);
    Page* const m = w.mapped_page(1, 0);
    w.advise(1, 0, 1, Advice::dontneed);
    EXPECT_EQ(pageout_scan(w.k, 1, false), 0U);
    EXPECT_EQ(m->queue, Queue::active);
    EXPECT_EQ(m->dirty, kPageBitsAll);
    EXPECT_EQ(w.k.stats.pageouts, 0U);
}

TEST(PageCacheTest, CleanOnlyCopyIsFreedOnlyWhereNothingOlderShows) {
    World w;
    w.spawn(1);
    w.map(1, 0, 1);
    w.word(1, 0);
    Page* const zero = w.mapped_page(1, 0);
    w.advise(1, 0, 1, Advice::dontneed);
    EXPECT_TRUE(w.run(Pageout{1}).witness.discarded.empty()) << "zero stays zero: nothing to witness";
    EXPECT_EQ(zero->queue, Queue::free);

    w.store(1, 0, 5);
    w.fork(1, 2);
    w.store(1, 0, 6);
    Page* const newer = w.mapped_page(1, 0);
    EXPECT_TRUE(w.k.pages.busy_try(*newer));
    w.k.pmaps.clear_modify(*newer);
    w.k.pages.undirty(*newer);
    page_cache(w.k, *newer);
    EXPECT_EQ(newer->queue, Queue::active);
    EXPECT_EQ(newer->dirty, kPageBitsAll) << "older data below would show (I-11)";
    EXPECT_EQ(w.word(1, 0), 6U);
}

TEST(PageCacheTest, StoreFoundOnTheWayKeepsThePage) {
    World w;
    w.spawn(1);
    w.map(1, 0, 1);
    w.word(1, 0);
    w.store(1, 0, 5);
    Page* const m = w.mapped_page(1, 0);
    EXPECT_EQ(m->dirty, 0);
    EXPECT_TRUE(w.k.pages.busy_try(*m));
    page_cache(w.k, *m);
    EXPECT_EQ(m->dirty, kPageBitsAll);
    EXPECT_EQ(m->queue, Queue::inactive);
    EXPECT_FALSE(m->busied());
    EXPECT_EQ(w.word(1, 0), 5U);
}

TEST(ResidentLimit, IsEnforcedByTheUsersFaultsAndOnlyBeyondTheSlop) {
    Config config = vm_config();
    config.rss_slop = 4;
    World w(config);
    w.spawn(1);
    w.map(1, 0, 12);
    w.run(LimitResident{1, 2});
    EXPECT_EQ(w.lock(1, 0, 1), Status::success);
    w.fill(1, 1, 5, 7);
    const Pmap& pmap = *w.map_of(1).pmap;
    EXPECT_EQ(pmap.mapped_unwired(), 5U) << "within the slop";
    Page* const oldest = w.mapped_page(1, 1);
    w.run(Access{1, AccessKind::store, va(6), 4, 12, true});
    EXPECT_EQ(pmap.mapped_unwired(), 6U) << "not by the kernel's accesses";
    w.store(1, 7, 13);
    EXPECT_EQ(pmap.mapped_unwired(), 2U);
    EXPECT_TRUE(w.mapped(1, 0)) << "wired";
    EXPECT_TRUE(w.mapped(1, 7)) << "just faulted in";
    EXPECT_EQ(oldest->queue, Queue::inactive);
    EXPECT_EQ(w.k.stats.unmapped_for_limit, 5U);
    EXPECT_EQ(w.word(1, 1), 7U);
    w.fork(1, 2);
    EXPECT_EQ(w.system->find(2)->rss_limit, 2U);
}

}  // namespace
}  // namespace vmref::impl
