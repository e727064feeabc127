// Blocks of anonymous objects.
#include "impl/vm/vm_object.h"
#include "impl/vm/vm_test.h"

namespace vmref::impl {
namespace {

class SwapPagerTest : public ObjectTest {
  protected:
    // Busies a new page at `index` and lets the pager fill it.
    Page& read(Object& object, PageIndex index, PagerResult expected = PagerResult::ok,
               Behavior behavior = Behavior::normal) {
        Page* m = k.pages.alloc(object, index, AllocClass::normal);
        EXPECT_EQ(pager_get_page(k, object, index, m, behavior), expected);
        k.pages.wakeup(*m);
        return *m;
    }
    Object& swapped(PageIndex pages) {
        Object& object = anon(pages);
        for (PageIndex index = 0; index < pages; ++index) {
            put(object, index, static_cast<std::uint8_t>(index + 1));
            swap_out(object, index);
        }
        return object;
    }
};

TEST_F(SwapPagerTest, FirstWriteMakesTheObjectASwapObject) {
    Object& object = anon(2);
    Page& m = put(object, 1, 5);
    EXPECT_FALSE(pager_has_page(object, 1));
    EXPECT_TRUE(write_out(m));
    EXPECT_EQ(object.type, ObjectType::swap);
    EXPECT_EQ(object.swap_count, 1U);
    EXPECT_TRUE(pager_has_page(object, 1));
    EXPECT_FALSE(pager_has_page(object, 0));
    EXPECT_EQ(m.dirty, 0);
    EXPECT_TRUE(m.has(kPageSwapped));
    EXPECT_EQ(m.soft_busy, 0U);
    EXPECT_EQ(k.swap.read(object.swap_slot(1))[kPageSize - 1], 5);
}

TEST_F(SwapPagerTest, EveryWriteTakesAFreshBlock) {
    Object& object = anon(1);
    Page& m = put(object, 0, 5);
    write_out(m);
    const std::uint32_t first = object.swap_slot(0);
    write_out(m);
    EXPECT_NE(object.swap_slot(0), first);
    EXPECT_FALSE(k.swap.assigned(first));
    EXPECT_EQ(object.swap_count, 1U);
    EXPECT_EQ(blocks_used(), 1U);
}

TEST_F(SwapPagerTest, WithoutSpaceThePageStaysDirtyAndKeepsItsOldBlock) {
    Object& object = anon(65);
    for (PageIndex index = 0; index < 64; ++index) {
        write_out(put(object, index, 1));
    }
    Page& m = put(object, 64, 2);
    EXPECT_FALSE(write_out(m));
    EXPECT_EQ(m.dirty, kPageBitsAll);
    EXPECT_FALSE(has_block(object, 64));
    k.pages.dirty(*page(object, 0));
    EXPECT_FALSE(write_out(*page(object, 0)));
    EXPECT_TRUE(has_block(object, 0));
}

TEST_F(SwapPagerTest, ReadFillsAClusterAndMarksItsLastPage) {
    Object& object = swapped(12);
    Page& m = read(object, 0);
    EXPECT_EQ(value(object, 0), 1);
    EXPECT_FALSE(m.has(kPageRam));
    EXPECT_EQ(object.resident_page_count, 8U) << "swap_cluster pages";
    for (PageIndex index = 1; index < 8; ++index) {
        const Page& neighbour = *page(object, index);
        EXPECT_TRUE(neighbour.fully_valid());
        EXPECT_EQ(neighbour.dirty, 0);
        EXPECT_TRUE(neighbour.has(kPageSwapped));
        EXPECT_EQ(neighbour.queue, Queue::inactive);
        EXPECT_EQ(neighbour.has(kPageRam), index == 7);
    }
    EXPECT_EQ(k.stats.pageins, 8U);
    EXPECT_EQ(blocks_used(), 12U) << "a read keeps the block";
}

TEST_F(SwapPagerTest, MarkThatIsMetReadsTheNextCluster) {
    Object& object = swapped(12);
    read(object, 0);
    Page* mark = page(object, 7);
    EXPECT_TRUE(k.pages.busy_try(*mark));
    EXPECT_EQ(pager_get_page(k, object, 7, mark, Behavior::normal), PagerResult::ok);
    k.pages.wakeup(*mark);
    EXPECT_EQ(object.resident_page_count, 12U);
    EXPECT_TRUE(page(object, 11)->has(kPageRam));
}

TEST_F(SwapPagerTest, ClusterEndsAtAResidentPageAndRandomReadsHaveNone) {
    Object& object = swapped(6);
    read(object, 3, PagerResult::ok, Behavior::random);
    EXPECT_EQ(object.resident_page_count, 1U);
    read(object, 0);
    EXPECT_EQ(object.resident_page_count, 4U);
    EXPECT_TRUE(page(object, 2)->has(kPageRam));
    EXPECT_EQ(page(object, 4), nullptr);
}

TEST_F(SwapPagerTest, NoBlockIsNoData) {
    Object& object = swapped(2);
    swap_free_space(k, object, 1, 1);
    Page& m = read(object, 1, PagerResult::fail);
    EXPECT_EQ(m.valid, 0);
    EXPECT_EQ(k.stats.pageins, 0U);
}

TEST_F(SwapPagerTest, FreeingSpaceLooksAtNoPageUnswappedDoes) {
    Object& object = anon(3);
    for (PageIndex index = 0; index < 3; ++index) {
        write_out(put(object, index, 1));
    }
    swap_free_space(k, object, 1, 100);
    EXPECT_EQ(blocks_used(), 1U);
    EXPECT_TRUE(has_block(object, 0));
    EXPECT_TRUE(page(object, 1)->has(kPageSwapped)) << "the flag is the caller's affair";
    object_hold(object, k.sched);
    swap_pager_unswapped(k, *page(object, 0));
    object_drop(object);
    EXPECT_FALSE(page(object, 0)->has(kPageSwapped));
    EXPECT_EQ(object.swap_count, 0U);
}

TEST_F(SwapPagerTest, CopyMovesBlocksIntoTheWindowWhereTheDestinationHasNothing) {
    Object& source = swapped(5);
    Object& destination = anon(3);
    put(destination, 0, 9);
    grab(destination, 1);
    swap_pager_copy(k, source, destination, 1);
    EXPECT_EQ(source.swap_count, 0U);
    EXPECT_EQ(destination.type, ObjectType::swap);
    EXPECT_FALSE(has_block(destination, 0)) << "a valid page wins";
    EXPECT_EQ(value(destination, 1), 3) << "an invalid one does not";
    EXPECT_EQ(value(destination, 2), 4);
    EXPECT_EQ(blocks_used(), 2U) << "what the window does not show is free";
}

TEST_F(SwapPagerTest, PageInsertedOverABlockKnowsIt) {
    Object& object = swapped(1);
    EXPECT_TRUE(grab(object, 0).has(kPageSwapped));
    EXPECT_EQ(value(object, 0), 1) << "the block speaks as long as the page is invalid";
}

}  // namespace
}  // namespace vmref::impl
