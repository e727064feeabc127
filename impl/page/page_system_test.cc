#include "impl/page/page_system.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace vmref::impl {
namespace {

constexpr Scheduler::ThreadId kStranger = 2;

Config small_config() {
    Config config;
    config.frames = 8;
    config.free_reserved = 2;
    config.free_severe = 3;
    config.free_min = 4;
    config.free_target = 6;
    return config;
}

// Stands in for whatever the sleeper waits for.
class Waiter : public InlineWaiter {
  public:
    bool make_progress(BlockPoint /*point*/, const void* channel) override {
        channel_ = channel;
        return action_ && action_();
    }
    void on_sleep(std::function<bool()> action) { action_ = std::move(action); }
    const void* channel() const { return channel_; }

  private:
    std::function<bool()> action_;
    const void* channel_ = nullptr;
};

template <typename Action>
std::string broken_rule(Action action) {
    try {
        action();
    } catch (const Finding& finding) {
        return finding.rule();
    }
    return "";
}

class PageSystemTest : public ::testing::Test {
  protected:
    PageSystemTest() { sched_.set_inline_waiter(&waiter_); }

    Page& busy_page(PageIndex index) { return busy_page(object_, index); }
    Page& busy_page(Object& object, PageIndex index) {
        Page* const page = pages_.alloc(object, index, AllocClass::system);
        if (page == nullptr) {
            throw std::logic_error("the test has no page");
        }
        return *page;
    }
    // A valid, clean page that nobody has busied.
    Page& idle_page(PageIndex index) {
        Page& page = busy_page(index);
        pages_.set_valid_clean(page);
        pages_.wakeup(page);
        return page;
    }
    bool cell_is_journaled(const Object& object, PageIndex index) const {
        return std::any_of(journal_.cells.begin(), journal_.cells.end(),
                           [&](const Journal::Cell& cell) { return cell.object == object.id && cell.index == index; });
    }

    const Config config_ = small_config();
    const DefectSet defects_{};
    Journal journal_{config_.frames + 1};
    Machine machine_{config_, defects_, journal_};
    Scheduler sched_;
    Waiter waiter_;
    ObjectStore objects_{journal_};
    PageSystem pages_{config_, defects_, machine_, sched_, journal_};
    Object& object_ = objects_.allocate(ObjectType::default_, 100);
    Object& file_ = objects_.allocate(ObjectType::vnode, 100);
};

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

// --- busying -----------------------------------------------------------------------------------------------------

TEST_F(PageSystemTest, BusyTryRefusesHardAndSoftBusyPages) {
    Page& page = busy_page(5);
    EXPECT_FALSE(pages_.busy_try(page));
    pages_.io_start(page);
    pages_.wakeup(page);
    EXPECT_FALSE(pages_.busy_try(page));
    bool error = false;
    EXPECT_EQ(pages_.lookup_busy_try(object_, 5, error), &page);
    EXPECT_TRUE(error);
    EXPECT_FALSE(page.busied());
    pages_.io_finish(page);
    EXPECT_EQ(pages_.lookup_busy_try(object_, 5, error), &page);
    EXPECT_FALSE(error);
    EXPECT_TRUE(page.busied());
    error = true;
    EXPECT_EQ(pages_.lookup_busy_try(object_, 6, error), nullptr);
    EXPECT_FALSE(error);
}

TEST_F(PageSystemTest, FreePagesCannotBeBusied) {
    Page& page = busy_page(5);
    pages_.free(page);
    EXPECT_EQ(broken_rule([&] { pages_.busy_try(page); }), "I-47");
}

TEST_F(PageSystemTest, OnlyTheOwnerEndsABusy) {
    Page& page = busy_page(5);
    page.busy_owner = kStranger;
    EXPECT_EQ(broken_rule([&] { pages_.wakeup(page); }), "I-47");
    EXPECT_EQ(broken_rule([&] { pages_.io_start(page); }), "I-47");
    EXPECT_EQ(broken_rule([&] { pages_.wire(page); }), "I-47");
    EXPECT_EQ(broken_rule([&] { pages_.unwire(page, true); }), "I-47");
    EXPECT_EQ(broken_rule([&] { pages_.remove(page); }), "I-47");
    EXPECT_EQ(broken_rule([&] { pages_.rename(page, file_, 1); }), "I-47");
    EXPECT_EQ(broken_rule([&] { pages_.undirty(page); }), "I-47");
    EXPECT_EQ(broken_rule([&] { pages_.set_valid_clean(page); }), "I-47");
    EXPECT_EQ(broken_rule([&] { pages_.set_invalid(page); }), "I-47");
    EXPECT_EQ(broken_rule([&] { pages_.zero_fill(page); }), "I-47");
    EXPECT_EQ(broken_rule([&] { pages_.zero_invalid(page); }), "I-47");
    EXPECT_EQ(broken_rule([&] { pages_.copy(page, page); }), "I-47");
    page.busy_owner = 0;
    EXPECT_EQ(broken_rule([&] { pages_.wakeup(page); }), "I-47");
    EXPECT_EQ(broken_rule([&] { pages_.io_finish(page); }), "I-46");
}

TEST_F(PageSystemTest, BusyWaitSleepsUntilThePageIsIdle) {
    Page& page = busy_page(5);
    page.busy_owner = kStranger;
    int sleeps = 0;
    waiter_.on_sleep([&] {
        EXPECT_TRUE(page.has(kPageWanted));
        EXPECT_TRUE(page.has(kPageReferenced));
        if (++sleeps == 2) {
            page.busy_owner = 0;
        }
        return true;
    });
    pages_.busy_wait(page);
    EXPECT_EQ(sleeps, 2);
    EXPECT_EQ(waiter_.channel(), &page);
    EXPECT_EQ(page.busy_owner, sched_.current());
    pages_.wakeup(page);
    EXPECT_FALSE(page.has(kPageWanted));
}

TEST_F(PageSystemTest, SleepBusySleepsOnceAndOwnsNothing) {
    Page& page = idle_page(5);
    pages_.sleep_busy(page);
    EXPECT_EQ(sched_.sleeps(), 0U);
    page.busy_owner = kStranger;
    waiter_.on_sleep([] { return true; });
    pages_.sleep_busy(page);
    EXPECT_EQ(sched_.sleeps(), 1U);
    EXPECT_EQ(page.busy_owner, kStranger);
}

TEST_F(PageSystemTest, ABusyPageThatNobodyReleasesIsADeadlock) {
    Page& page = busy_page(5);
    EXPECT_EQ(broken_rule([&] { pages_.busy_wait(page); }), "deadlock");
}

TEST_F(PageSystemTest, LookupBusyWaitLooksUpAgain) {
    Page& page = busy_page(5);
    Page* next = nullptr;
    waiter_.on_sleep([&] {
        pages_.free(page);
        busy_page(9);  // takes the frame, so that an old pointer would find a busy stranger
        next = &busy_page(5);
        pages_.wakeup(*next);
        return true;
    });
    EXPECT_EQ(pages_.lookup_busy_wait(object_, 5), next);
    EXPECT_NE(next, &page);
    EXPECT_TRUE(next->busied());

    waiter_.on_sleep([&] {
        pages_.free(*next);
        return true;
    });
    EXPECT_EQ(pages_.lookup_busy_wait(object_, 5), nullptr);
}

TEST_F(PageSystemTest, TheLastIoWakes) {
    Page& page = busy_page(5);
    pages_.io_start(page);
    pages_.io_start(page);
    page.set(kPageWanted);
    pages_.io_finish(page);
    EXPECT_TRUE(page.has(kPageWanted));
    pages_.io_finish(page);
    EXPECT_FALSE(page.has(kPageWanted));
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
