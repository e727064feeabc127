#include "impl/vm/injection.h"

#include "impl/vm/fault_state.h"
#include "impl/vm/vm_test.h"

namespace vmref::impl {
namespace {

class Waiter final : public InlineWaiter {
  public:
    explicit Waiter(Kernel& k) : k_(k) {}
    bool make_progress(BlockPoint point, const void* channel) override { return stand_in_progress(k_, point, channel); }

  private:
    Kernel& k_;
};

class InjectionTest : public ObjectTest {
  protected:
    void SetUp() override { kernel_.sched.set_inline_waiter(&waiter_); }

    PagerResult write(Page& m) {
        EXPECT_TRUE(k.pages.busy_try(m));
        const PagerResult result = pager_put_page(k, m);
        k.pages.wakeup(m);
        return result;
    }
    void begin_write(Page& m, PagerResult finish = PagerResult::ok) {
        k.injection.plan({.call = PagerCall::put, .result = PagerResult::pend, .finish = finish});
        EXPECT_EQ(write(m), PagerResult::pend);
    }
    Status fault(Object& object, PageIndex index, Prot prot) {
        Status status = Status::success;
        if (Page* const m = vm_fault_object_page(k, object, index, prot, kFaultNormal, status)) {
            k.pages.unhold(*m);
        }
        return status;
    }

    Waiter waiter_{kernel_};
};

TEST_F(InjectionTest, WriteThatHasBegunEndsWhenItIsWaitedFor) {
    Object& object = anon(2);
    Page& m = put(object, 0, 7);
    begin_write(m);
    EXPECT_EQ(object.paging_in_progress, 1U);
    EXPECT_EQ(m.soft_busy, 1U);
    EXPECT_NE(m.dirty, 0);
    EXPECT_TRUE(k.injection.under_write(object.swap_slot(0)));
    EXPECT_TRUE(k.injection.may_be_busy(m));
    k.pages.busy_wait(m);
    EXPECT_EQ(object.paging_in_progress, 0U);
    EXPECT_EQ(m.dirty, 0);
    EXPECT_EQ(k.swap.read(object.swap_slot(0))[0], 7);
    EXPECT_TRUE(k.injection.quiet());
}

TEST_F(InjectionTest, WhatIsMarkedDuringAWriteStaysDirty) {
    Page& m = put(anon(1), 0, 7);
    begin_write(m);
    k.pages.dirty(m);
    finish_io(k, nullptr);
    EXPECT_EQ(m.dirty, kPageBitsAll);
}

TEST_F(InjectionTest, FailedWriteFreesItsBlock) {
    Object& object = anon(2);
    Page& m = put(object, 0, 7);
    begin_write(m, PagerResult::error);
    finish_io(k, &m);
    EXPECT_FALSE(has_block(object, 0));
    EXPECT_NE(m.dirty, 0);
    for (const PagerResult result : {PagerResult::error, PagerResult::bad, PagerResult::fail, PagerResult::again}) {
        k.injection.plan({.call = PagerCall::put, .result = result});
        EXPECT_EQ(write(m), result);
        EXPECT_FALSE(has_block(object, 0));
        EXPECT_NE(m.dirty, 0);
        EXPECT_EQ(m.soft_busy, 0U);
    }
    EXPECT_EQ(blocks_used(), 0U);
}

TEST_F(InjectionTest, BlockUnderWriteIsNotFreed) {
    Object& object = anon(1);
    begin_write(put(object, 0, 7));
    EXPECT_EQ(broken_rule([&] { swap_free_space(k, object, 0, 1); }), "I-10");
}

TEST_F(InjectionTest, ReadsEndAsPlanned) {
    Object& object = anon(4);
    for (PageIndex index = 0; index < 4; ++index) {
        put(object, index, 7);
    }
    for (PageIndex index = 0; index < 4; ++index) {
        swap_out(object, index);
    }
    k.injection.plan({.result = PagerResult::error});
    EXPECT_EQ(fault(object, 0, kRead), Status::failure);
    ASSERT_NE(page(object, 1), nullptr);
    EXPECT_EQ(page(object, 1)->valid, 0) << "the rest of the cluster has no data";
    EXPECT_TRUE(has_block(object, 1));
    EXPECT_EQ(page(object, 0), nullptr);
    k.injection.plan({.result = PagerResult::bad});
    EXPECT_EQ(fault(object, 0, kRead), Status::protection_failure);
    k.injection.plan({.result = PagerResult::pend});
    EXPECT_EQ(fault(object, 0, kRead), Status::success) << "waits for it, then finds the page";
    EXPECT_EQ(value(object, 0), 7);
    EXPECT_EQ(k.injection.fired().size(), 3U);
    EXPECT_TRUE(k.injection.quiet());
}

TEST_F(InjectionTest, ReadMayReplaceOrLoseThePage) {
    for (const PageSwitch how : {PageSwitch::replaced, PageSwitch::replaced_and_taken, PageSwitch::lost}) {
        Object& object = anon(1);
        put(object, 0, 7);
        swap_out(object, 0);
        k.injection.plan({.page = how});
        EXPECT_EQ(fault(object, 0, kRead), Status::success);
        EXPECT_EQ(value(object, 0), 7);
        EXPECT_TRUE(k.injection.quiet());
    }
    EXPECT_EQ(k.stats.fault_exits[static_cast<std::size_t>(FaultExit::page_vanished)], 1U);
    EXPECT_EQ(k.stats.fault_exits[static_cast<std::size_t>(FaultExit::page_busy)], 1U);
}

TEST_F(InjectionTest, StandInLetsGoAfterSoManySleeps) {
    Page& m = put(anon(1), 0, 7);
    take_for_other(k, m, 3);
    EXPECT_TRUE(k.injection.may_be_busy(m));
    EXPECT_FALSE(k.pages.busy_try(m));
    const std::uint64_t before = k.sched.sleeps();
    k.pages.busy_wait(m);
    EXPECT_EQ(k.sched.sleeps() - before, 3U);
    EXPECT_TRUE(k.injection.quiet());
}

TEST_F(InjectionTest, OrdinalsCountCallsOfTheirKind) {
    Page& m = put(anon(1), 0, 7);
    k.injection.plan({.call = PagerCall::put, .ordinal = 2, .result = PagerResult::error});
    k.injection.plan({.call = PagerCall::get, .result = PagerResult::error});
    EXPECT_EQ(write(m), PagerResult::ok);
    k.pages.dirty(m);
    EXPECT_EQ(write(m), PagerResult::error);
    EXPECT_EQ(k.injection.plans(), 1U);
}

TEST_F(InjectionTest, AllocationsFailByKindAndOrdinal) {
    Object& object = anon(4);
    k.pages.failing().plan(AllocationKind::page, 2);
    k.pages.failing().plan(AllocationKind::pv, 1);
    EXPECT_NE(k.pages.alloc(object, 0, AllocClass::normal), nullptr);
    EXPECT_EQ(k.pages.alloc(object, 1, AllocClass::normal), nullptr);
    EXPECT_NE(k.pages.alloc(object, 1, AllocClass::normal), nullptr);
    EXPECT_EQ(k.pages.failing().failed(AllocationKind::page), 1U);
    EXPECT_FALSE(k.pages.failing().planned(AllocationKind::page));
    EXPECT_TRUE(k.pages.failing().planned(AllocationKind::pv));
}

TEST_F(InjectionTest, FailedTableOrPvIsWaitedFor) {
    World world;
    world.spawn(1);
    world.map(1, 0, 1);
    for (const AllocationKind kind : {AllocationKind::page_table, AllocationKind::pv, AllocationKind::page}) {
        world.k.pages.failing().plan(kind, 1);
        world.store(1, 0, 5);
        EXPECT_EQ(world.word(1, 0), 5U);
        EXPECT_EQ(world.k.pages.failing().failed(kind), 1U);
        world.unmap(1, 0, 1);
        world.map(1, 0, 1);
    }
}

}  // namespace
}  // namespace vmref::impl
