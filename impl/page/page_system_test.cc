// Allocation, freeing and identity of pages.
#include <vector>

#include "impl/page/page_system_test.h"

namespace vmref::impl {
namespace {

// --- allocation --------------------------------------------------------------------------------------------------

TEST_F(PageSystemTest, AllocatedPageIsBusyInvalidAndInItsObject) {
    const std::uint64_t generation = object_.generation;
    journal_.clear();
    Page& page = busy_page(5);
    EXPECT_EQ(page.busy_owner, sched_.current());
    EXPECT_EQ(page.object, &object_);
    EXPECT_EQ(page.pindex, 5U);
    EXPECT_EQ(page.valid, 0U);
    EXPECT_EQ(page.dirty, 0U);
    EXPECT_EQ(page.queue, Queue::none);
    EXPECT_NE(page.frame, 0U);
    EXPECT_EQ(pages_.lookup(object_, 5), &page);
    EXPECT_EQ(&pages_.page_of_frame(page.frame), &page);
    EXPECT_EQ(object_.resident_page_count, 1U);
    EXPECT_EQ(object_.generation, generation + 1);
    EXPECT_TRUE(cell_is_journaled(object_, 5));
    EXPECT_EQ(pages_.free_count(), 7U);
}

TEST_F(PageSystemTest, PagesAreFoundByIndexInWhateverOrderTheyCame) {
    for (const PageIndex index : {5U, 1U, 9U, 3U}) {
        busy_page(index);
    }
    std::vector<PageIndex> found;
    for (const Page& page : object_.pages) {
        found.push_back(page.pindex);
    }
    EXPECT_EQ(found, (std::vector<PageIndex>{1, 3, 5, 9}));
    EXPECT_EQ(pages_.lookup(object_, 4), nullptr);
    EXPECT_EQ(pages_.lookup(file_, 5), nullptr);
}

TEST_F(PageSystemTest, ATakenSlotIsNotAllocated) {
    busy_page(5);
    EXPECT_EQ(pages_.alloc(object_, 5, AllocClass::system), nullptr);
    EXPECT_EQ(pages_.free_count(), 7U);
}

TEST_F(PageSystemTest, NormalAllocationLeavesTheReserve) {
    PageIndex index = 0;
    while (pages_.alloc(object_, index, AllocClass::normal) != nullptr) {
        ++index;
    }
    EXPECT_EQ(index, 6U);
    EXPECT_NE(pages_.alloc(object_, 6, AllocClass::system), nullptr);
    EXPECT_NE(pages_.alloc(object_, 7, AllocClass::system), nullptr);
    EXPECT_EQ(pages_.alloc(object_, 8, AllocClass::system), nullptr);
    EXPECT_EQ(pages_.frames_used(), 8U);
    EXPECT_EQ(pages_.peak_frames(), 8U);
    pages_.free(*pages_.lookup(object_, 0));
    pages_.free(*pages_.lookup(object_, 1));
    ASSERT_NE(pages_.alloc(object_, 8, AllocClass::system), nullptr);
    EXPECT_EQ(pages_.frames_used(), 7U);
    EXPECT_EQ(pages_.peak_frames(), 8U);
}

TEST_F(PageSystemTest, ThresholdsCountFreeAndCachedPages) {
    std::vector<Page*> taken;
    for (PageIndex index = 0; index < 6; ++index) {
        taken.push_back(&idle_page(index));
    }
    EXPECT_TRUE(pages_.count_severe() && pages_.count_min() && pages_.count_target());
    pages_.to_cache(*taken[0]);
    EXPECT_TRUE(!pages_.count_severe() && pages_.count_min() && pages_.count_target());
    pages_.to_cache(*taken[1]);
    EXPECT_TRUE(!pages_.count_severe() && !pages_.count_min() && pages_.count_target());
    pages_.to_cache(*taken[2]);
    pages_.to_cache(*taken[3]);
    EXPECT_FALSE(pages_.count_target());
}

TEST_F(PageSystemTest, WithoutFreePagesTheOldestUsableCachePageIsRecycled) {
    std::vector<Page*> page;
    for (PageIndex index = 0; index < 8; ++index) {
        page.push_back(&idle_page(index));
    }
    for (const std::size_t index : {3U, 4U, 5U, 6U}) {
        pages_.to_cache(*page[index]);
    }
    page[3]->busy_owner = kStranger;
    pages_.hold(*page[4]);
    journal_.clear();
    Page* const recycled = pages_.alloc(file_, 0, AllocClass::normal);
    EXPECT_EQ(recycled, page[5]);
    EXPECT_EQ(pages_.lookup(object_, 5), nullptr);
    EXPECT_TRUE(cell_is_journaled(object_, 5));
    EXPECT_EQ(recycled->valid, 0U);
    EXPECT_EQ(recycled->busy_owner, sched_.current());

    EXPECT_EQ(pages_.alloc(file_, 1, AllocClass::system), page[6]);
    EXPECT_EQ(pages_.alloc(file_, 2, AllocClass::system), nullptr) << "the others are busy or held";
    EXPECT_EQ(pages_.cache_count(), 2U);
}

// --- free --------------------------------------------------------------------------------------------------------

TEST_F(PageSystemTest, AFreedPageIsNobodys) {
    Page& page = busy_page(5);
    pages_.set_valid_clean(page);
    page.set(kPageReferenced | kPageRam | kPageNoSync | kPageCleanChk);
    pages_.activate(page);
    pages_.dirty(page);
    machine_.memory().set_written(page.frame, true);
    journal_.clear();
    pages_.free(page);
    EXPECT_TRUE(cell_is_journaled(object_, 5));
    EXPECT_EQ(page.object, nullptr);
    EXPECT_EQ(page.queue, Queue::free);
    EXPECT_EQ(page.flags, 0U);
    EXPECT_EQ(page.valid, 0U);
    EXPECT_EQ(page.dirty, 0U);
    EXPECT_EQ(page.busy_owner, 0U);
    EXPECT_EQ(page.act_count, 0U);
    EXPECT_FALSE(machine_.memory().written(page.frame));
    EXPECT_EQ(object_.resident_page_count, 0U);
    EXPECT_TRUE(pages_.active().empty());
    EXPECT_EQ(pages_.free_count(), 8U);
}

TEST_F(PageSystemTest, AHeldPageIsFreeOnlyAfterTheLastUnhold) {
    Page& page = busy_page(5);
    pages_.hold(page);
    pages_.hold(page);
    pages_.free(page);
    EXPECT_EQ(page.queue, Queue::hold);
    EXPECT_EQ(pages_.lookup(object_, 5), nullptr);
    pages_.dirty(page);
    EXPECT_EQ(page.dirty, 0U);
    machine_.memory().set_written(page.frame, true);
    pages_.unhold(page);
    EXPECT_EQ(page.queue, Queue::hold);
    EXPECT_EQ(pages_.free_count(), 7U);
    pages_.unhold(page);
    EXPECT_EQ(page.queue, Queue::free);
    EXPECT_EQ(pages_.free_count(), 8U);
    EXPECT_FALSE(machine_.memory().written(page.frame));
    EXPECT_EQ(broken_rule([&] { pages_.unhold(page); }), "I-59");
    EXPECT_EQ(broken_rule([&] { pages_.hold(page); }), "I-59");
}

TEST_F(PageSystemTest, AHeldPageInUseStaysWhereItIs) {
    Page& page = idle_page(5);
    pages_.activate(page);
    pages_.hold(page);
    pages_.unhold(page);
    EXPECT_EQ(page.queue, Queue::active);
    EXPECT_EQ(pages_.lookup(object_, 5), &page);
}

TEST_F(PageSystemTest, FreeRefusesPagesThatAreInUse) {
    Page& page = busy_page(5);
    const auto rule = [&] { return broken_rule([&] { pages_.free(page); }); };
    pages_.wire(page);
    EXPECT_EQ(rule(), "I-50");
    pages_.unwire(page, false);
    pages_.io_start(page);
    EXPECT_EQ(rule(), "I-47");
    pages_.io_finish(page);
    page.set(kPageMapped);
    EXPECT_EQ(rule(), "I-48");
    page.clear(kPageMapped);
    PvEntry pv;
    page.pv_list.push_back(pv);
    EXPECT_EQ(rule(), "I-48");
    page.pv_list.clear();
    page.busy_owner = kStranger;
    EXPECT_EQ(rule(), "I-47");
    page.busy_owner = sched_.current();
    EXPECT_EQ(rule(), "");
    EXPECT_EQ(rule(), "I-47") << "freed twice";
}

TEST_F(PageSystemTest, AFictitiousPageIsOnlyUnbusied) {
    Page fake;
    fake.set(kPageFictitious | kPageUnmanaged);
    fake.busy_owner = sched_.current();
    pages_.free(fake);
    EXPECT_FALSE(fake.busied());
    EXPECT_TRUE(fake.has(kPageFictitious));
    EXPECT_EQ(pages_.free_count(), 8U);
}

// --- identity ----------------------------------------------------------------------------------------------------

TEST_F(PageSystemTest, RemoveLeavesABusyPageWithoutObject) {
    Page& page = busy_page(5);
    const std::uint64_t generation = object_.generation;
    journal_.clear();
    pages_.remove(page);
    EXPECT_EQ(page.object, nullptr);
    EXPECT_TRUE(page.busied());
    EXPECT_EQ(object_.resident_page_count, 0U);
    EXPECT_EQ(object_.generation, generation + 1);
    EXPECT_TRUE(cell_is_journaled(object_, 5));
    EXPECT_EQ(broken_rule([&] { pages_.remove(page); }), "I-29");
    pages_.insert(page, file_, 7);
    EXPECT_EQ(pages_.lookup(file_, 7), &page);
}

TEST_F(PageSystemTest, InsertRefusesAnOccupiedSlotAndAPageWithObject) {
    busy_page(5);
    busy_page(6);
    Page& page = busy_page(7);
    EXPECT_EQ(broken_rule([&] { pages_.insert(page, file_, 0); }), "I-29");
    pages_.remove(page);
    EXPECT_EQ(broken_rule([&] { pages_.insert(page, object_, 5); }), "I-29");
    EXPECT_EQ(broken_rule([&] { pages_.insert(page, object_, 6); }), "I-29");
    EXPECT_EQ(object_.pages.size(), 2U);
    EXPECT_EQ(object_.resident_page_count, 2U);
}

TEST_F(PageSystemTest, ADirtyOrWriteablePageMakesItsObjectSo) {
    Page& dirty = busy_page(5);
    pages_.dirty(dirty);
    pages_.remove(dirty);
    EXPECT_EQ(file_.flags, 0U);
    pages_.insert(dirty, file_, 1);
    EXPECT_EQ(file_.flags, kObjWriteable | kObjMightBeDirty);

    Page& writeable = busy_page(6);
    writeable.set(kPageWriteable);
    pages_.remove(writeable);
    file_.flags = 0;
    pages_.insert(writeable, file_, 2);
    EXPECT_EQ(file_.flags, kObjWriteable | kObjMightBeDirty);
}

TEST_F(PageSystemTest, RenameMovesAndDirties) {
    Page& page = busy_page(5);
    pages_.set_valid_clean(page);
    page.set(kPageRam | kPageMapped);
    journal_.clear();
    const std::uint64_t from = object_.generation;
    const std::uint64_t to = file_.generation;
    pages_.rename(page, file_, 9);
    EXPECT_EQ(pages_.lookup(object_, 5), nullptr);
    EXPECT_EQ(pages_.lookup(file_, 9), &page);
    EXPECT_EQ(page.dirty, kPageBitsAll);
    EXPECT_EQ(page.valid, kPageBitsAll);
    EXPECT_TRUE(page.busied());
    EXPECT_TRUE(page.has(kPageRam));
    EXPECT_TRUE(page.has(kPageMapped));
    EXPECT_TRUE(file_.has(kObjWriteable) && file_.has(kObjMightBeDirty));
    EXPECT_GT(object_.generation, from);
    EXPECT_GT(file_.generation, to);
    EXPECT_TRUE(cell_is_journaled(object_, 5));
    EXPECT_TRUE(cell_is_journaled(file_, 9));
}

TEST_F(PageSystemTest, RenameRefusesAnOccupiedSlotAndChangesNothing) {
    Page& page = busy_page(5);
    busy_page(file_, 9);
    EXPECT_EQ(broken_rule([&] { pages_.rename(page, file_, 9); }), "I-29");
    EXPECT_EQ(pages_.lookup(object_, 5), &page);
}

TEST_F(PageSystemTest, RenameTakesAPageOffTheCacheQueue) {
    Page& page = idle_page(5);
    pages_.to_cache(page);
    ASSERT_TRUE(pages_.busy_try(page));
    pages_.rename(page, file_, 9);
    EXPECT_EQ(page.queue, Queue::inactive);
    EXPECT_EQ(pages_.cache_count(), 0U);
}

TEST_F(PageSystemTest, SwappedTellsWhetherTheSlotHasABlock) {
    object_.swap_slots = {kNoSwapSlot, 4};
    EXPECT_FALSE(busy_page(0).has(kPageSwapped));
    EXPECT_FALSE(busy_page(2).has(kPageSwapped));
    Page& page = busy_page(1);
    EXPECT_TRUE(page.has(kPageSwapped));
    pages_.rename(page, file_, 1);
    EXPECT_FALSE(page.has(kPageSwapped));
    pages_.rename(page, object_, 1);
    EXPECT_TRUE(page.has(kPageSwapped));
}

}  // namespace
}  // namespace vmref::impl
