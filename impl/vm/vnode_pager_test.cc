// Pages of files.
#include "impl/vm/vm_object.h"
#include "impl/vm/vm_test.h"

namespace vmref::impl {
namespace {

class VnodePagerTest : public testing::Test {
  protected:
    void SetUp() override {
        world_.spawn(1);
        world_.file(1, 12);
        world_.map(1, 0, 12, kReadWrite, 1, true);
    }
    Object& object() { return world_.file_object(1); }
    Page* page(PageIndex index) { return world_.page(object(), index); }
    std::uint32_t first_word(PageIndex index) { return synthetic_word(1, index, 0); }

    World world_;
};

TEST_F(VnodePagerTest, ReadFillsAClusterAndMarksItsLastPage) {
    EXPECT_EQ(world_.word(1, 2), first_word(2));
    EXPECT_EQ(object().resident_page_count, 8U);
    EXPECT_EQ(page(1), nullptr) << "clusters go forward only";
    EXPECT_TRUE(page(9)->has(kPageRam));
    EXPECT_EQ(page(2)->queue, Queue::active);
    EXPECT_EQ(page(3)->queue, Queue::inactive);
    EXPECT_EQ(page(3)->dirty, 0);
    EXPECT_EQ(world_.k.stats.majflt, 1U);
    EXPECT_EQ(world_.k.vnodes.at(1)->shared_locks, 0U);
}

TEST_F(VnodePagerTest, ReadAheadStopsAtTheEndOfTheFile) {
    world_.word(1, 9);
    EXPECT_EQ(object().resident_page_count, 3U);
    EXPECT_TRUE(page(11)->has(kPageRam));
    world_.word(1, 11);
    EXPECT_FALSE(page(11)->has(kPageRam));
    EXPECT_EQ(object().resident_page_count, 3U);
}

TEST_F(VnodePagerTest, RandomBehaviourReadsOnePage) {
    world_.advise(1, 0, 12, Advice::random);
    world_.word(1, 2);
    EXPECT_EQ(object().resident_page_count, 1U);
    EXPECT_FALSE(page(2)->has(kPageRam));
}

TEST_F(VnodePagerTest, WriteOutCleansThePageAndLeavesItsMappingWritable) {
    world_.store(1, 0, 42);
    EXPECT_EQ(page(0)->dirty, kPageBitsAll);
    EXPECT_TRUE(world_.write_out(*page(0)));
    EXPECT_EQ(page(0)->dirty, 0);
    EXPECT_EQ(world_.pte(1, 0) & kPteM, 0U);
    EXPECT_TRUE(world_.mapped_writable(1, 0));
    EXPECT_EQ(world_.k.vnodes.at(1)->block(0)[0], 42);
    world_.store(1, 0, 43);
    EXPECT_NE(world_.pte(1, 0) & kPteM, 0U) << "no stale translation hides the store (D-12)";
}

TEST_F(VnodePagerTest, ShrinkingRemovesPagesAndMappingsBehindTheEnd) {
    world_.fill(1, 0, 4, 100);
    world_.resize(1, 2);
    EXPECT_EQ(object().size, 2U);
    EXPECT_EQ(object().resident_page_count, 2U);
    EXPECT_TRUE(world_.mapped(1, 1));
    EXPECT_FALSE(world_.mapped(1, 2));
    const Observation beyond = world_.load(1, 2);
    EXPECT_EQ(beyond.signal, Signal::bus);
    EXPECT_EQ(beyond.address, va(2));
    world_.resize(1, 4);
    EXPECT_EQ(world_.word(1, 2), 0U);
}

TEST_F(VnodePagerTest, PartialLastPageIsZeroedInMemoryAndUnmapped) {
    world_.run(Access{1, AccessKind::store, va(1) + 96, 4, 0x11111111});
    world_.run(Access{1, AccessKind::store, va(1) + 100, 4, 0x22222222});
    world_.run(Ftruncate{1, kPageSize + 100});
    EXPECT_FALSE(world_.mapped(1, 1)) << "a cached M of the old tail must not survive";
    EXPECT_EQ(page(1)->dirty, kPageBitsAll) << "what the PTE knew was harvested";
    EXPECT_EQ(world_.run(Access{1, AccessKind::load, va(1) + 96, 4}).value, 0x11111111U);
    EXPECT_EQ(world_.run(Access{1, AccessKind::load, va(1) + 100, 4}).value, 0U);
}

TEST_F(VnodePagerTest, TruncatedWiredPageStaysInvalidAndIsRefilledInPlace) {
    world_.store(1, 0, 5);
    world_.lock(1, 0, 1);
    Page* const wired = page(0);
    world_.resize(1, 0);
    EXPECT_EQ(page(0), wired);
    EXPECT_EQ(wired->valid, 0);
    EXPECT_EQ(wired->dirty, 0);
    EXPECT_EQ(wired->wire_count, 1U);
    EXPECT_FALSE(world_.mapped(1, 0));
    EXPECT_EQ(world_.load(1, 0).signal, Signal::bus) << "the pager says BAD, the wired page stays";
    EXPECT_EQ(page(0), wired);
    EXPECT_FALSE(wired->busied());
    world_.resize(1, 1);
    EXPECT_EQ(world_.word(1, 0), 0U);
    EXPECT_EQ(world_.mapped_page(1, 0), wired);
    EXPECT_NE(world_.pte(1, 0) & kPteW, 0U);
    EXPECT_EQ(wired->wire_count, 1U);
}

TEST_F(VnodePagerTest, LockIsThatOfTheFileAtTheEndOfTheChain) {
    Kernel& k = world_.k;
    std::uint64_t offset = 0;
    object_reference(k, object());
    Object& shadow = object_shadow(k, object(), offset, 12);
    Vnode* const locked = vnode_pager_lock(k, shadow);
    EXPECT_EQ(locked, k.vnodes.at(1).get());
    EXPECT_EQ(locked->shared_locks, 1U);
    vnode_unlock(*locked);
    EXPECT_EQ(broken_rule([&] { vnode_unlock(*locked); }), "I-34");
    Object& anonymous = world_.anon(1);
    EXPECT_EQ(vnode_pager_lock(k, anonymous), nullptr);
}

TEST_F(VnodePagerTest, FreepageKeepsWiredAndHeldPages) {
    Kernel& k = world_.k;
    Page& wired = world_.grab(object(), 0);
    Page& held = world_.grab(object(), 1);
    Page& plain = world_.grab(object(), 2);
    world_.wire(wired);
    k.pages.hold(held);
    for (Page* m : {&wired, &held, &plain}) {
        EXPECT_TRUE(k.pages.busy_try(*m));
        vnode_pager_freepage(k, *m);
        EXPECT_FALSE(m->busied());
    }
    EXPECT_EQ(page(0), &wired);
    EXPECT_EQ(page(1), &held);
    EXPECT_EQ(page(2), nullptr);
}

}  // namespace
}  // namespace vmref::impl
