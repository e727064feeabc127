// vm_fault_object: what happens to pages on the way down the chain and up again.
#include "impl/vm/fault.h"
#include "impl/vm/vm_test.h"

namespace vmref::impl {
namespace {

class ObjectFaultTest : public ObjectTest {};

TEST_F(ObjectFaultTest, BusyPageIsAwaitedOnceThenLookedUpAgain) {
    Object& object = anon(1);
    Page& m = put(object, 0, 3);
    m.busy_owner = 9;
    Helper owner([&](BlockPoint point) {
        EXPECT_EQ(point, BlockPoint::page_busy);
        EXPECT_EQ(object.paging_in_progress, 0U) << "everything is released before the sleep";
        EXPECT_EQ(object.chain_holders, 0U);
        EXPECT_TRUE(m.has(kPageWanted));
        m.busy_owner = 0;
        m.clear(kPageWanted);
        return true;
    });
    k.sched.set_inline_waiter(&owner);
    Status status = Status::failure;
    Page* const found = vm_fault_object_page(k, object, 0, kRead, kFaultNormal, status);
    EXPECT_EQ(found, &m);
    EXPECT_EQ(status, Status::success);
    EXPECT_EQ(k.stats.intrans, 1U);
    EXPECT_EQ(m.hold_count, 1U);
    EXPECT_FALSE(m.busied());
    EXPECT_EQ(object.hold_count, 0U);
}

TEST_F(ObjectFaultTest, PageFoundBusyMayBeGoneAfterTheSleep) {
    Object& object = anon(1);
    Page& m = put(object, 0, 3);
    m.busy_owner = 9;
    Helper owner([&](BlockPoint) {
        m.busy_owner = k.sched.current();
        page_free(k, m);
        return true;
    });
    k.sched.set_inline_waiter(&owner);
    Status status = Status::failure;
    Page* const found = vm_fault_object_page(k, object, 0, kRead, kFaultNormal, status);
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(value(object, 0), 0);
    EXPECT_EQ(k.stats.zfod, 1U);
}

TEST_F(ObjectFaultTest, InvalidTopPageIsThePlaceholderInvalidBackingPageIsReleased) {
    Object& source = anon(2);
    put(source, 1, 4);
    Page& below = grab(source, 0);
    object_reference(k, source);
    std::uint64_t offset = 0;
    Object& shadow = object_shadow(k, source, offset, 2);
    Page& above = grab(shadow, 1);
    Status status = Status::failure;
    Page* const zero = vm_fault_object_page(k, shadow, 0, kRead, kFaultNormal, status);
    ASSERT_NE(zero, nullptr);
    EXPECT_EQ(zero, page(shadow, 0));
    EXPECT_EQ(below.queue, Queue::free) << "B-12";
    EXPECT_EQ(page(source, 0), nullptr);
    Page* const copy = vm_fault_object_page(k, shadow, 1, kReadWrite, kFaultDirty, status);
    EXPECT_EQ(copy, &above);
    EXPECT_EQ(value(shadow, 1), 4);
    EXPECT_EQ(copy->dirty, kPageBitsAll);
}

TEST_F(ObjectFaultTest, WiredPlaceholderStays) {
    Object& source = anon(1);
    put(source, 0, 4);
    object_reference(k, source);
    std::uint64_t offset = 0;
    Object& shadow = object_shadow(k, source, offset, 1);
    Page& wired = put(shadow, 0, 5);
    wire(wired);
    object_page_remove(k, shadow, 0, 1, false);
    Status status = Status::failure;
    EXPECT_EQ(vm_fault_object_page(k, shadow, 0, kRead, kFaultNormal, status), page(source, 0));
    EXPECT_EQ(page(shadow, 0), &wired) << "B-32";
    EXPECT_FALSE(wired.busied());
}

TEST_F(ObjectFaultTest, DirtyUnswapFreesTheBlock) {
    Object& object = anon(1);
    put(object, 0, 6);
    swap_out(object, 0);
    Status status = Status::failure;
    Page* const m = vm_fault_object_page(k, object, 0, kRead, kFaultDirty | kFaultUnswap, status);
    ASSERT_NE(m, nullptr);
    EXPECT_EQ(m->dirty, kPageBitsAll);
    EXPECT_FALSE(m->has(kPageSwapped));
    EXPECT_EQ(blocks_used(), 0U);
    EXPECT_EQ(value(object, 0), 6);
}

class CopyTest : public testing::Test {
  protected:
    // Process 1 and its child 2 share the top object of a private file mapping (catalogue B-07).
    void share_private_file(Prot prot = kReadWrite) {
        world_.spawn(1);
        world_.file(1, 2);
        world_.map(1, 0, 2, prot, 1);
        world_.inherit(1, 0, 2, Inherit::share);
        world_.fork(1, 2);
    }

    World world_;
};

TEST_F(CopyTest, BackingPageIsMappedReadOnlyUntilTheStore) {
    world_.spawn(1);
    world_.file(1, 2);
    world_.map(1, 0, 2, kReadWrite, 1);
    world_.store(1, 1, 9);
    const std::uint32_t original = world_.word(1, 0);
    EXPECT_EQ(original, synthetic_word(1, 0, 0));
    Page* const below = world_.mapped_page(1, 0);
    EXPECT_EQ(below->object, &world_.file_object(1));
    EXPECT_FALSE(world_.mapped_writable(1, 0)) << "M-01";
    world_.store(1, 0, 8);
    Page* const copy = world_.mapped_page(1, 0);
    EXPECT_NE(copy, below);
    EXPECT_EQ(copy->object, &world_.top(1, 0));
    EXPECT_EQ(copy->dirty, kPageBitsAll);
    EXPECT_TRUE(world_.mapped_writable(1, 0));
    EXPECT_EQ(below->dirty, 0);
    EXPECT_EQ(below->queue, Queue::inactive) << "the copied page is not needed here any more";
    EXPECT_TRUE(below->pv_list.empty());
    EXPECT_EQ(world_.value(world_.file_object(1), 0), static_cast<std::uint8_t>(original));
    EXPECT_EQ(world_.k.stats.cow_faults, 2U);
    EXPECT_EQ(world_.k.stats.cow_optim, 0U);
}

TEST_F(CopyTest, EveryEntryOfTheSharedTopLosesTheOldPage) {
    share_private_file();
    ASSERT_EQ(&world_.top(1, 0), &world_.top(2, 0));
    world_.word(1, 0);
    world_.word(2, 0);
    Page* const below = world_.mapped_page(1, 0);
    EXPECT_EQ(below->pv_list.size(), 2U);
    world_.store(2, 0, 77);
    EXPECT_FALSE(world_.mapped(1, 0)) << "D-1, B-07";
    EXPECT_TRUE(below->pv_list.empty());
    EXPECT_EQ(world_.word(1, 0), 77U);
    EXPECT_EQ(world_.mapped_page(1, 0), world_.mapped_page(2, 0));
}

TEST_F(CopyTest, EntryOfAnotherTopKeepsTheOldPage) {
    share_private_file();
    world_.spawn(3);
    world_.map(3, 0, 2, kRead, 1, true);
    const std::uint32_t original = world_.word(3, 0);
    world_.store(2, 0, 77);
    EXPECT_TRUE(world_.mapped(3, 0));
    EXPECT_EQ(world_.word(3, 0), original);
}

TEST_F(CopyTest, WiringMovesToTheCopy) {
    world_.spawn(1);
    world_.file(1, 1);
    world_.map(1, 0, 1, kRead, 1);
    EXPECT_EQ(world_.lock(1, 0, 1), Status::success);
    Page* const below = world_.mapped_page(1, 0);
    EXPECT_EQ(below->wire_count, 1U);
    EXPECT_EQ(world_.protect(1, 0, 1, kReadWrite), Status::success);
    Page* const copy = world_.mapped_page(1, 0);
    ASSERT_NE(copy, nullptr);
    EXPECT_NE(copy, below);
    EXPECT_EQ(copy->wire_count, 1U);
    EXPECT_EQ(below->wire_count, 0U) << "B-08";
    EXPECT_EQ(world_.pte(1, 0) & (kPteW | kPteRW), kPteW | kPteRW);
    EXPECT_EQ(world_.map_of(1).pmap->wired_count, 1U);
    EXPECT_EQ(world_.unlock(1, 0, 1), Status::success);
    EXPECT_EQ(copy->wire_count, 0U);
    EXPECT_EQ(copy->queue, Queue::active);
}

TEST_F(CopyTest, SharersWiringMovesWithItsOwnRights) {
    share_private_file();
    EXPECT_EQ(world_.protect(1, 0, 1, kRead), Status::success);
    EXPECT_EQ(world_.lock(1, 0, 1), Status::success);
    Page* const below = world_.mapped_page(1, 0);
    EXPECT_EQ(below->object, &world_.file_object(1));
    world_.store(2, 0, 77);
    Page* const copy = world_.mapped_page(2, 0);
    EXPECT_EQ(world_.mapped_page(1, 0), copy);
    EXPECT_EQ(copy->wire_count, 1U) << "one wiring per wired entry";
    EXPECT_EQ(below->wire_count, 0U);
    EXPECT_EQ(world_.pte(1, 0) & (kPteW | kPteRW), kPteW) << "wired still, and no right that the entry lacks";
    EXPECT_EQ(world_.pte(2, 0) & kPteW, 0U);
}

// Catalogue B-30 and D-8: process 1's top S shadows O, which nobody else references but which could not be
// merged; page 0 is only in O's block.
class StealTest : public testing::Test {
  protected:
    void make_chain(World& w) {
        w.spawn(1);
        w.map(1, 0, 3);
        w.fill(1, 0, 3, 100);
        w.fork(1, 2);
        w.store(1, 1, 200);
        lower_ = w.top(1, 0).backing;
        held_ = w.page(*lower_, 1);
        w.k.pages.hold(*held_);
        w.run(Exit{2});
        EXPECT_EQ(w.k.stats.collapse_refusals, 1U);
        EXPECT_EQ(lower_->ref_count, 1U);
        EXPECT_EQ(lower_->shadow_count, 1U);
        w.swap_out(*lower_, 0);
    }

    Object* lower_ = nullptr;
    Page* held_ = nullptr;
};

TEST_F(StealTest, PageOfAnUnsharedBackingObjectMovesUp) {
    World w;
    make_chain(w);
    const std::uint64_t copies = w.k.stats.cow_faults;
    w.store(1, 0, 300);
    EXPECT_EQ(w.k.stats.cow_optim, 1U);
    EXPECT_EQ(w.k.stats.cow_faults, copies + 1);
    Page* const stolen = w.mapped_page(1, 0);
    EXPECT_EQ(stolen->object, &w.top(1, 0));
    EXPECT_EQ(stolen->dirty, kPageBitsAll);
    EXPECT_FALSE(stolen->has(kPageSwapped));
    EXPECT_EQ(w.page(*lower_, 0), nullptr);
    EXPECT_FALSE(w.has_block(*lower_, 0)) << "the old block goes with its page";
    EXPECT_EQ(w.word(1, 0), 300U);
    EXPECT_EQ(w.word(1, 1), 200U);
    EXPECT_EQ(w.word(1, 2), 102U);
    w.k.pages.unhold(*held_);
}

TEST_F(StealTest, ResidentPageIsCopiedBecauseTheMapStaysLocked) {
    World w;
    make_chain(w);
    Page* const below = w.page(*lower_, 2);
    w.store(1, 2, 300);
    EXPECT_EQ(w.k.stats.cow_optim, 0U);
    EXPECT_EQ(w.page(*lower_, 2), below);
    w.k.pages.unhold(*held_);
}

TEST(StealFromSharedTest, MappingOfTheBackingObjectForbidsIt) {
    World w;
    w.spawn(1);
    w.map(1, 0, 2);
    w.fill(1, 0, 2, 100);
    w.fork(1, 2);
    w.store(1, 1, 200);
    Object& lower = *w.top(1, 0).backing;
    EXPECT_EQ(lower.shadow_count, 1U);
    EXPECT_EQ(lower.ref_count, 2U);
    w.swap_out(lower, 0);
    w.store(1, 0, 300);
    EXPECT_EQ(w.k.stats.cow_optim, 0U) << "M-11";
    EXPECT_NE(w.page(lower, 0), nullptr);
    EXPECT_EQ(w.word(2, 0), 100U);
    EXPECT_EQ(w.word(1, 0), 300U);
}

TEST_F(StealTest, OnlyTheObjectDirectlyBelowIsRobbed) {
    World w;
    make_chain(w);
    w.fork(1, 3);
    w.store(1, 2, 300);
    ASSERT_EQ(w.top(1, 0).backing->backing, lower_);
    w.store(1, 0, 301);
    EXPECT_EQ(w.k.stats.cow_optim, 0U) << "test 7";
    EXPECT_EQ(w.word(3, 0), 100U);
    w.k.pages.unhold(*held_);
}

TEST_F(StealTest, SwitchedOff) {
    Config config = vm_config();
    config.virtual_copy_enable = 0;
    World w(config);
    make_chain(w);
    w.store(1, 0, 300);
    EXPECT_EQ(w.k.stats.cow_optim, 0U);
    EXPECT_NE(w.page(*lower_, 0), nullptr);
    EXPECT_TRUE(w.has_block(*lower_, 0));
    w.k.pages.unhold(*held_);
}

}  // namespace
}  // namespace vmref::impl
