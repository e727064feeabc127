// Collapse and bypass, seen from the objects (catalogue D-7).
#include "impl/vm/vm_object.h"
#include "impl/vm/vm_test.h"

namespace vmref::impl {
namespace {

class CollapseTest : public ObjectTest {
  protected:
    // `backing_` has `pages` pages and two references, one of them that of `shadow_`.
    void make_chain(PageIndex pages, PageIndex first = 0, PageIndex window = 0) {
        backing_ = &anon(pages);
        object_reference(k, *backing_);
        std::uint64_t offset = std::uint64_t{first} * kPageSize;
        shadow_ = &object_shadow(k, *backing_, offset, window == 0 ? pages : window);
    }
    // The mapping of the backing object goes: its shadow is left alone with it.
    void leave_alone() { object_deallocate(k, backing_); }
    void expect_merged() {
        EXPECT_EQ(k.stats.object_collapses, 1U);
        EXPECT_EQ(k.objects.count(), 1U);
        EXPECT_EQ(shadow_->backing, nullptr);
        EXPECT_EQ(shadow_->backing_offset, 0U);
        EXPECT_EQ(shadow_->ref_count, 1U);
        EXPECT_EQ(shadow_->chain_holders, 0U);
        EXPECT_EQ(shadow_->paging_in_progress, 0U);
        for (const Page& m : shadow_->pages) {
            EXPECT_FALSE(m.busied());
        }
    }
    void expect_refused() {
        EXPECT_EQ(k.stats.collapse_refusals, 1U);
        EXPECT_EQ(k.stats.object_collapses, 0U);
        EXPECT_EQ(shadow_->backing, backing_);
        EXPECT_EQ(backing_->ref_count, 1U);
        EXPECT_EQ(backing_->shadow_count, 1U);
        EXPECT_FALSE(backing_->has(kObjDead));
    }

    Object* backing_ = nullptr;
    Object* shadow_ = nullptr;
};

TEST_F(CollapseTest, PageMovesUpDirty) {
    make_chain(1);
    Page& m = put(*backing_, 0, 5);
    write_out(m);
    EXPECT_EQ(m.dirty, 0);
    leave_alone();
    expect_merged();
    EXPECT_EQ(page(*shadow_, 0), &m) << "the frame itself moves";
    EXPECT_EQ(m.dirty, kPageBitsAll) << "its block is gone, so only a dirty page is safe (M-24)";
    EXPECT_FALSE(m.has(kPageSwapped));
    EXPECT_EQ(blocks_used(), 0U);
    EXPECT_EQ(value(*shadow_, 0), 5);
}

TEST_F(CollapseTest, HiddenPageIsDestroyed) {
    make_chain(1);
    Page& below = put(*backing_, 0, 5);
    Page& above = put(*shadow_, 0, 6);
    leave_alone();
    expect_merged();
    EXPECT_EQ(page(*shadow_, 0), &above);
    EXPECT_EQ(below.queue, Queue::free);
    EXPECT_EQ(value(*shadow_, 0), 6);
}

TEST_F(CollapseTest, PageUnderABlockIsDestroyed) {
    make_chain(1);
    Page& below = put(*backing_, 0, 5);
    put(*shadow_, 0, 6);
    swap_out(*shadow_, 0);
    leave_alone();
    expect_merged();
    EXPECT_EQ(below.queue, Queue::free);
    EXPECT_EQ(value(*shadow_, 0), 6);
    EXPECT_EQ(blocks_used(), 1U);
}

TEST_F(CollapseTest, WindowDecidesWhichPagesAndBlocksSurvive) {
    make_chain(5, 1, 2);  // the shadow sees indexes 1 and 2
    for (PageIndex index = 0; index < 5; ++index) {
        put(*backing_, index, static_cast<std::uint8_t>(index + 1));
    }
    swap_out(*backing_, 2);
    swap_out(*backing_, 4);
    leave_alone();
    expect_merged();
    EXPECT_EQ(shadow_->resident_page_count, 1U);
    EXPECT_EQ(value(*shadow_, 0), 2);
    EXPECT_FALSE(page(*shadow_, 1));
    EXPECT_EQ(value(*shadow_, 1), 3);
    EXPECT_EQ(shadow_->type, ObjectType::swap);
    EXPECT_EQ(shadow_->swap_count, 1U);
    EXPECT_EQ(blocks_used(), 1U) << "the block outside the window is free";
}

TEST_F(CollapseTest, BlockYieldsToTheParentsPageAndBlock) {
    make_chain(3);
    for (PageIndex index = 0; index < 3; ++index) {
        put(*backing_, index, 1);
        swap_out(*backing_, index);
    }
    put(*shadow_, 0, 7);
    put(*shadow_, 1, 8);
    swap_out(*shadow_, 1);
    leave_alone();
    expect_merged();
    EXPECT_EQ(value(*shadow_, 0), 7);
    EXPECT_FALSE(has_block(*shadow_, 0));
    EXPECT_EQ(value(*shadow_, 1), 8) << "the destination's block wins (B-47)";
    EXPECT_EQ(value(*shadow_, 2), 1);
    EXPECT_EQ(blocks_used(), 2U);
}

TEST_F(CollapseTest, ParentsInvalidPageGivesWay) {
    make_chain(1);
    Page& data = put(*backing_, 0, 5);
    Page& invalid = grab(*shadow_, 0);
    leave_alone();
    expect_merged();
    EXPECT_EQ(page(*shadow_, 0), &data) << "an invalid page hides nothing (B-40)";
    EXPECT_EQ(invalid.queue, Queue::free);
}

TEST_F(CollapseTest, InvalidBackingPageGoesButItsBlockMoves) {
    make_chain(1);
    put(*backing_, 0, 5);
    swap_out(*backing_, 0);
    Page& invalid = grab(*backing_, 0);
    EXPECT_TRUE(invalid.has(kPageSwapped));
    leave_alone();
    expect_merged();
    EXPECT_EQ(page(*shadow_, 0), nullptr);
    EXPECT_EQ(invalid.queue, Queue::free);
    EXPECT_TRUE(has_block(*shadow_, 0)) << "the block was the only copy (B-41, B-43)";
    EXPECT_EQ(value(*shadow_, 0), 5);
}

TEST_F(CollapseTest, RefusedWhereAPinnedPageWouldBeDestroyed) {
    make_chain(2);
    Page& below = put(*backing_, 0, 5);
    Page& moving = put(*backing_, 1, 6);
    put(*shadow_, 0, 7);
    wire(below);
    leave_alone();
    expect_refused();
    EXPECT_EQ(page(*backing_, 0), &below);
    EXPECT_EQ(page(*backing_, 1), &moving) << "a refusal changes nothing";

    k.pages.busy_wait(below);
    k.pages.unwire(below, false);
    k.pages.wakeup(below);
    object_collapse(k, *shadow_);
    expect_merged();
    EXPECT_EQ(value(*shadow_, 0), 7);
    EXPECT_EQ(value(*shadow_, 1), 6);
}

TEST_F(CollapseTest, RefusedForAHeldPageAndForAPinnedInvalidParent) {
    make_chain(2, 1, 1);
    Page& outside = put(*backing_, 0, 5);
    k.pages.hold(outside);
    leave_alone();
    expect_refused();
    k.pages.unhold(outside);
    put(*backing_, 1, 6);
    Page& placeholder = grab(*shadow_, 0);
    wire(placeholder);
    object_collapse(k, *shadow_);
    EXPECT_EQ(k.stats.collapse_refusals, 2U);
    EXPECT_EQ(page(*shadow_, 0), &placeholder);
}

TEST_F(CollapseTest, PinnedPageThatOnlyMovesIsNoObstacle) {
    make_chain(1);
    Page& m = put(*backing_, 0, 5);
    wire(m);
    leave_alone();
    expect_merged();
    EXPECT_EQ(page(*shadow_, 0), &m);
    EXPECT_EQ(m.wire_count, 1U);
    EXPECT_EQ(k.stats.collapse_refusals, 0U);
}

TEST_F(CollapseTest, PagingInProgressAllowsOnlyWhatCanBeHadAtOnce) {
    make_chain(4);
    Page& free_to_move = put(*backing_, 0, 1);
    Page& held = put(*backing_, 1, 2);
    Page& busy = put(*backing_, 2, 3);
    Page& awaited = put(*backing_, 3, 4);
    Page& placeholder = grab(*shadow_, 3);
    k.pages.hold(held);
    busy.busy_owner = 9;
    --backing_->ref_count;  // alone, but the collapse comes only now
    pip_add(*shadow_);
    object_collapse(k, *shadow_);
    EXPECT_EQ(k.stats.object_collapses, 0U);
    EXPECT_EQ(shadow_->backing, backing_);
    EXPECT_EQ(page(*shadow_, 0), &free_to_move);
    EXPECT_EQ(page(*backing_, 1), &held);
    EXPECT_EQ(page(*backing_, 2), &busy);
    EXPECT_EQ(page(*backing_, 3), &awaited) << "somebody is filling the slot above";
    EXPECT_EQ(page(*shadow_, 3), &placeholder);
}

TEST_F(CollapseTest, BypassSkipsABackingObjectThatIsHiddenEntirely) {
    make_chain(2);
    put(*backing_, 0, 5);
    put(*shadow_, 0, 6);
    object_collapse(k, *shadow_);
    EXPECT_EQ(k.stats.object_bypasses, 1U);
    EXPECT_EQ(shadow_->backing, nullptr);
    EXPECT_EQ(backing_->ref_count, 1U);
    EXPECT_EQ(backing_->shadow_count, 0U);
    EXPECT_EQ(value(*backing_, 0), 5) << "its other reader keeps its page";
    EXPECT_EQ(value(*shadow_, 0), 6);
}

TEST_F(CollapseTest, BypassAddsOffsetsAndReferencesWhatLiesBelow) {
    Object& bottom = anon(4);
    put(bottom, 3, 9);
    object_reference(k, bottom);
    std::uint64_t offset = 1 * kPageSize;
    Object& middle = object_shadow(k, bottom, offset, 3);
    object_reference(k, middle);
    offset = 1 * kPageSize;
    Object& upper = object_shadow(k, middle, offset, 2);
    EXPECT_EQ(value(upper, 1), 9);
    object_collapse(k, upper);
    EXPECT_EQ(k.stats.object_bypasses, 1U);
    EXPECT_EQ(upper.backing, &bottom);
    EXPECT_EQ(upper.backing_offset, 2U * kPageSize);
    EXPECT_EQ(bottom.ref_count, 3U);
    EXPECT_EQ(bottom.shadow_count, 2U);
    EXPECT_EQ(middle.ref_count, 1U);
    EXPECT_EQ(value(upper, 1), 9);
}

TEST_F(CollapseTest, NoBypassWhereAnythingOfTheBackingObjectShows) {
    make_chain(2);
    put(*backing_, 1, 5);
    put(*shadow_, 0, 6);
    grab(*shadow_, 1);
    object_collapse(k, *shadow_);
    EXPECT_EQ(k.stats.object_bypasses, 0U) << "the invalid page above hides nothing";
    EXPECT_EQ(shadow_->backing, backing_);
}

TEST_F(CollapseTest, NoBypassOfABackingObjectWithBlocks) {
    make_chain(1);
    put(*backing_, 0, 5);
    put(*shadow_, 0, 6);
    write_out(*page(*backing_, 0));
    EXPECT_EQ(backing_->type, ObjectType::swap);
    object_collapse(k, *shadow_);
    EXPECT_EQ(k.stats.object_bypasses, 0U) << "blocks are not examined (B-48)";
    EXPECT_EQ(shadow_->backing, backing_);
}

}  // namespace
}  // namespace vmref::impl
