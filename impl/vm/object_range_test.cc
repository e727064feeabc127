// Ranges of an object: removal and cleaning.
#include "impl/vm/vm_object.h"
#include "impl/vm/vm_test.h"

namespace vmref::impl {
namespace {

class PageRemoveTest : public ObjectTest {};

TEST_F(PageRemoveTest, PagesAndBlocksOfTheRangeGo) {
    Object& object = anon(4);
    for (PageIndex index = 0; index < 4; ++index) {
        put(object, index, static_cast<std::uint8_t>(index + 1));
    }
    swap_out(object, 1);
    write_out(*page(object, 2));
    swap_out(object, 3);
    object_page_remove(k, object, 1, 3, false);
    EXPECT_EQ(object.resident_page_count, 1U);
    EXPECT_EQ(value(object, 0), 1);
    EXPECT_EQ(value(object, 1), std::nullopt);
    EXPECT_EQ(value(object, 2), std::nullopt);
    EXPECT_EQ(value(object, 3), 4) << "the end of the range is not in it";
    EXPECT_EQ(blocks_used(), 1U);
    EXPECT_EQ(object.paging_in_progress, 0U);
}

TEST_F(PageRemoveTest, BlocksGoEvenWithoutResidentPages) {
    Object& object = anon(1);
    put(object, 0, 1);
    swap_out(object, 0);
    object_page_remove(k, object, 0, 1, false);
    EXPECT_EQ(blocks_used(), 0U) << "B-55";
    EXPECT_EQ(value(object, 0), std::nullopt);
}

TEST_F(PageRemoveTest, WiredPageStaysInvalidAndClean) {
    Object& object = anon(1);
    Page& m = put(object, 0, 1);
    wire(m);
    const std::uint64_t generation = object.generation;
    object_page_remove(k, object, 0, 1, false);
    EXPECT_EQ(page(object, 0), &m);
    EXPECT_EQ(m.valid, 0);
    EXPECT_EQ(m.dirty, 0) << "B-54";
    EXPECT_EQ(m.wire_count, 1U);
    EXPECT_FALSE(m.busied());
    EXPECT_GT(object.generation, generation);
}

TEST_F(PageRemoveTest, CleanOnlyKeepsDirtyHeldAndWiredPagesAndBlocks) {
    Object& object = anon(6);
    Page& dirty = put(object, 0, 1);
    Page& held = put(object, 1, 2);
    Page& wired = put(object, 2, 3);
    Page& clean = put(object, 3, 4);
    Page& invalid = grab(object, 4);
    put(object, 5, 6);
    swap_out(object, 5);
    for (Page* m : {&held, &wired, &clean}) {
        write_out(*m);
    }
    k.pages.hold(held);
    wire(wired);
    object_page_remove(k, object, 0, 6, true);
    EXPECT_EQ(page(object, 0), &dirty);
    EXPECT_EQ(dirty.dirty, kPageBitsAll);
    EXPECT_EQ(page(object, 1), &held) << "B-56";
    EXPECT_EQ(page(object, 2), &wired);
    EXPECT_TRUE(wired.fully_valid());
    EXPECT_EQ(page(object, 3), nullptr);
    EXPECT_EQ(clean.queue, Queue::free);
    EXPECT_EQ(page(object, 4), nullptr);
    EXPECT_EQ(invalid.queue, Queue::free);
    EXPECT_EQ(blocks_used(), 4U);
    EXPECT_EQ(value(object, 3), 4);
}

TEST_F(PageRemoveTest, HeldPageLeavesItsObjectButKeepsItsFrame) {
    Object& object = anon(1);
    Page& m = put(object, 0, 1);
    k.pages.hold(m);
    object_page_remove(k, object, 0, 1, false);
    EXPECT_EQ(m.object, nullptr);
    EXPECT_EQ(m.queue, Queue::hold);
    k.pages.unhold(m);
    EXPECT_EQ(m.queue, Queue::free);
}

TEST_F(PageRemoveTest, BusyTestComesBeforeTheWiredOne) {
    Object& object = anon(1);
    Page& m = put(object, 0, 1);
    wire(m);
    k.pages.busy_wait(m);
    k.pages.io_start(m);
    k.pages.wakeup(m);
    Helper writer([&](BlockPoint) {
        EXPECT_TRUE(m.fully_valid()) << "validity must not change under I/O (B-53)";
        k.pages.io_finish(m);
        return true;
    });
    k.sched.set_inline_waiter(&writer);
    object_page_remove(k, object, 0, 1, false);
    EXPECT_EQ(m.valid, 0);
    EXPECT_EQ(k.sched.sleeps(), 1U);
}

class PageCleanTest : public testing::Test {
  protected:
    void SetUp() override {
        world_.spawn(1);
        world_.file(1, 4);
        world_.map(1, 0, 4, kReadWrite, 1, true);
        world_.fill(1, 0, 3, 100);
        for (PageIndex index = 0; index < 3; ++index) {
            EXPECT_EQ(page(index).dirty, kPageBitsAll);
        }
    }
    Object& object() { return world_.file_object(1); }
    Page& page(PageIndex index) { return *world_.page(object(), index); }
    std::uint32_t on_disk(PageIndex index) {
        std::uint32_t word = 0;
        std::memcpy(&word, world_.k.vnodes.at(1)->block(index), 4);
        return word;
    }

    World world_;
};

TEST_F(PageCleanTest, PartOfAnObjectIsWrittenButItsFlagsStay) {
    world_.sync(1, 1, 1);
    EXPECT_EQ(on_disk(1), 101U);
    EXPECT_EQ(on_disk(0), synthetic_word(1, 0, 0));
    EXPECT_EQ(page(1).dirty, 0);
    EXPECT_FALSE(page(1).has(kPageWriteable | kPageCleanChk));
    EXPECT_TRUE(world_.mapped(1, 1));
    EXPECT_FALSE(world_.mapped_writable(1, 1));
    EXPECT_EQ(page(0).dirty, kPageBitsAll);
    EXPECT_TRUE(world_.mapped_writable(1, 0));
    EXPECT_TRUE(object().has(kObjWriteable));
    EXPECT_TRUE(object().has(kObjMightBeDirty));
    EXPECT_FALSE(object().has(kObjCleaning));
}

TEST_F(PageCleanTest, FlagsStayEvenIfThePartWasAllThatWasDirty) {
    world_.sync(1, 0, 4);
    world_.store(1, 1, 200);
    world_.sync(1, 1, 1);
    EXPECT_EQ(page(1).dirty, 0);
    EXPECT_TRUE(object().has(kObjMightBeDirty)) << "only a whole scan may say so (D-13)";
    world_.sync(1, 0, 4);
    EXPECT_FALSE(object().has(kObjMightBeDirty));
}

TEST_F(PageCleanTest, WholeObjectLosesItsFlagsToo) {
    world_.sync(1, 0, 4);
    for (PageIndex index = 0; index < 3; ++index) {
        EXPECT_EQ(on_disk(index), 100 + index);
        EXPECT_EQ(page(index).dirty, 0);
        EXPECT_FALSE(world_.mapped_writable(1, index));
        EXPECT_FALSE(page(index).busied());
    }
    EXPECT_FALSE(object().has(kObjWriteable));
    EXPECT_FALSE(object().has(kObjMightBeDirty));
    world_.store(1, 2, 7);
    EXPECT_TRUE(object().has(kObjMightBeDirty)) << "the next store comes through a fault";
    EXPECT_EQ(page(2).dirty, kPageBitsAll);
    EXPECT_EQ(on_disk(2), 102U);
}

TEST_F(PageCleanTest, StoreThatOnlyThePteKnowsIsWritten) {
    world_.sync(1, 0, 4);
    world_.store(1, 0, 200);
    world_.write_out(page(0));
    EXPECT_EQ(on_disk(0), 200U);
    EXPECT_TRUE(world_.mapped_writable(1, 0)) << "a single write-out leaves the PTE writable";
    EXPECT_TRUE(object().has(kObjMightBeDirty));
    world_.store(1, 0, 201);
    EXPECT_EQ(page(0).dirty, 0);
    world_.sync(1, 0, 4);
    EXPECT_EQ(on_disk(0), 201U);
}

TEST_F(PageCleanTest, InvalidateDropsCleanPagesAndKeepsHeldOnes) {
    Page& held = page(1);
    world_.k.pages.hold(held);
    world_.sync(1, 0, 4, true);
    EXPECT_EQ(object().resident_page_count, 1U);
    EXPECT_EQ(world_.page(object(), 1), &held);
    EXPECT_FALSE(world_.mapped(1, 0));
    world_.k.pages.unhold(held);
    EXPECT_EQ(world_.word(1, 0), 100U);
}

TEST_F(PageCleanTest, ObjectThatCannotBeDirtyIsLeftAlone) {
    world_.sync(1, 0, 4);
    const std::uint64_t writes = world_.k.pmaps.pte_writes();
    world_.sync(1, 0, 4);
    EXPECT_EQ(world_.k.pmaps.pte_writes(), writes);
}

}  // namespace
}  // namespace vmref::impl
