// The busy protocol: who owns a page, and who sleeps.
#include "impl/page/page_system_test.h"

namespace vmref::impl {
namespace {

class PageBusyTest : public PageSystemTest {};

TEST_F(PageBusyTest, BusyTryRefusesHardAndSoftBusyPages) {
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

TEST_F(PageBusyTest, FreePagesCannotBeBusied) {
    Page& page = busy_page(5);
    pages_.free(page);
    EXPECT_EQ(broken_rule([&] { pages_.busy_try(page); }), "I-47");
}

TEST_F(PageBusyTest, OnlyTheOwnerEndsABusy) {
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

TEST_F(PageBusyTest, BusyWaitSleepsUntilThePageIsIdle) {
    Page& page = busy_page(5);
    page.busy_owner = kStranger;
    int sleeps = 0;
    waiter_.on_sleep([&] {
        EXPECT_TRUE(page.has(kPageWanted));
        EXPECT_TRUE(page.has(kPageReferenced));
        if (++sleeps == 2) {
            page.busy_owner = 0;
            page.clear(kPageWanted);
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

TEST_F(PageBusyTest, SleepBusySleepsOnceAndOwnsNothing) {
    Page& page = idle_page(5);
    pages_.sleep_busy(page);
    EXPECT_EQ(sched_.sleeps(), 0U);
    page.busy_owner = kStranger;
    waiter_.on_sleep([] { return true; });
    pages_.sleep_busy(page);
    EXPECT_EQ(sched_.sleeps(), 1U);
    EXPECT_EQ(page.busy_owner, kStranger);
}

TEST_F(PageBusyTest, ABusyPageThatNobodyReleasesIsADeadlock) {
    Page& page = busy_page(5);
    EXPECT_EQ(broken_rule([&] { pages_.busy_wait(page); }), "deadlock");
}

TEST_F(PageBusyTest, LookupBusyWaitLooksUpAgain) {
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

TEST_F(PageBusyTest, TheLastIoWakes) {
    Page& page = busy_page(5);
    pages_.io_start(page);
    pages_.io_start(page);
    page.set(kPageWanted);
    pages_.io_finish(page);
    EXPECT_TRUE(page.has(kPageWanted));
    pages_.io_finish(page);
    EXPECT_FALSE(page.has(kPageWanted));
}

}  // namespace
}  // namespace vmref::impl
