#include <string>

#include "impl/page/page_system_test.h"

namespace vmref::impl {
namespace {

class PageQueuesTest : public PageSystemTest {
  protected:
    PageQueuesTest() : PageSystemTest(Config{.frames = 64}) {}
};

// --- queues ------------------------------------------------------------------------------------------------------

TEST_F(PageQueuesTest, ActivateAndDeactivateMoveBetweenQueues) {
    Page& page = idle_page(5);
    pages_.activate(page);
    EXPECT_EQ(page.queue, Queue::active);
    EXPECT_EQ(page.act_count, 5U);
    page.act_count = 9;
    pages_.activate(page);
    EXPECT_EQ(page.act_count, 9U);
    pages_.deactivate(page);
    EXPECT_EQ(page.queue, Queue::inactive);
    EXPECT_TRUE(pages_.active().empty());
    EXPECT_EQ(pages_.inactive().size(), 1U);
    pages_.deactivate(page);
    EXPECT_EQ(pages_.inactive().size(), 1U);
    pages_.unqueue(page);
    pages_.unqueue(page);
    EXPECT_EQ(page.queue, Queue::none);
    EXPECT_TRUE(pages_.inactive().empty());
    EXPECT_EQ(pages_.reactivated(), 0U);
}

TEST_F(PageQueuesTest, OnlyLeavingTheCacheForActiveCountsAsReactivated) {
    Page& page = idle_page(5);
    pages_.to_cache(page);
    EXPECT_EQ(pages_.cache_count(), 1U);
    pages_.deactivate(page);
    EXPECT_EQ(pages_.reactivated(), 0U);
    pages_.to_cache(page);
    pages_.activate(page);
    EXPECT_EQ(pages_.reactivated(), 1U);
    EXPECT_EQ(pages_.cache_count(), 0U);
}

TEST_F(PageQueuesTest, WiredUnmanagedAndPageTablePagesAreOnNoQueue) {
    Page& wired = busy_page(0);
    pages_.activate(wired);
    pages_.wire(wired);
    Page& unmanaged = busy_page(1);
    unmanaged.set(kPageUnmanaged);
    Page& table = busy_page(tables_, 0);
    for (Page* page : {&wired, &unmanaged, &table}) {
        EXPECT_EQ(page->queue, Queue::none);
        pages_.activate(*page);
        EXPECT_EQ(page->queue, Queue::none);
        pages_.deactivate(*page);
        EXPECT_EQ(page->queue, Queue::none);
    }
}

TEST_F(PageQueuesTest, OnlyIdleCleanPagesAreCached) {
    Page& page = idle_page(5);
    const auto rule = [&] { return broken_rule([&] { pages_.to_cache(page); }); };
    pages_.dirty(page);
    EXPECT_EQ(rule(), "I-48");
    page.dirty = 0;
    page.set(kPageMapped);
    EXPECT_EQ(rule(), "I-48");
    page.clear(kPageMapped);
    pages_.hold(page);
    EXPECT_EQ(rule(), "assertion");
    pages_.unhold(page);
    page.set(kPageUnmanaged);
    EXPECT_EQ(rule(), "assertion");
    page.clear(kPageUnmanaged);
    ASSERT_TRUE(pages_.busy_try(page));
    pages_.wire(page);
    EXPECT_EQ(rule(), "I-50");
    pages_.unwire(page, true);
    EXPECT_EQ(rule(), "");
    EXPECT_EQ(page.queue, Queue::cache);
}

TEST_F(PageQueuesTest, FreePagesAreNotQueued) {
    Page& page = busy_page(5);
    pages_.free(page);
    EXPECT_EQ(broken_rule([&] { pages_.activate(page); }), "I-48");
    EXPECT_EQ(broken_rule([&] { pages_.deactivate(page); }), "I-48");
    EXPECT_EQ(broken_rule([&] { pages_.unqueue(page); }), "I-48");
}

// --- wiring ------------------------------------------------------------------------------------------------------

TEST_F(PageQueuesTest, WiredPagesAreCountedOnce) {
    Page& page = busy_page(5);
    pages_.wire(page);
    pages_.wire(page);
    EXPECT_EQ(page.wire_count, 2U);
    EXPECT_EQ(pages_.wired_count(), 1U);
    pages_.unwire(page, true);
    EXPECT_EQ(pages_.wired_count(), 1U);
    EXPECT_EQ(page.queue, Queue::none);
    pages_.unwire(page, true);
    EXPECT_EQ(pages_.wired_count(), 0U);
    EXPECT_EQ(page.queue, Queue::active);
    pages_.wire(page);
    EXPECT_EQ(page.queue, Queue::none);
    pages_.unwire(page, false);
    EXPECT_EQ(page.queue, Queue::inactive);
    EXPECT_EQ(broken_rule([&] { pages_.unwire(page, true); }), "I-52");
}

TEST_F(PageQueuesTest, QuickWiringNeverMakesTheFirstOrTakesTheLast) {
    Page& page = busy_page(5);
    EXPECT_EQ(broken_rule([&] { pages_.wire_quick(page); }), "I-47");
    EXPECT_EQ(broken_rule([&] { pages_.unwire_quick(page); }), "I-52");
    pages_.wire(page);
    pages_.wakeup(page);
    pages_.wire_quick(page);
    EXPECT_EQ(page.wire_count, 2U);
    EXPECT_FALSE(pages_.unwire_quick(page));
    EXPECT_EQ(page.wire_count, 1U);
    EXPECT_TRUE(pages_.unwire_quick(page));
    EXPECT_EQ(page.wire_count, 1U);
}

TEST_F(PageQueuesTest, FictitiousPagesAreNotWired) {
    Page fake;
    fake.set(kPageFictitious);
    fake.busy_owner = sched_.current();
    pages_.wire(fake);
    EXPECT_EQ(fake.wire_count, 0U);
    pages_.unwire(fake, true);
    EXPECT_EQ(pages_.wired_count(), 0U);
}

}  // namespace
}  // namespace vmref::impl
