// Stand-ins for other actors, one by one (ops/injection_operation.h).
#include <gtest/gtest.h>

#include "impl/system.h"
#include "impl/vm/fault_state.h"
#include "impl/vm/vm_test.h"

namespace vmref::impl {
namespace {

// A process with a shared mapping of a file of four pages at page 0, and four anonymous pages at page 8.
class InjectionTest : public testing::Test {
  protected:
    InjectionTest() {
        w.spawn(1);
        w.file(1, 4);
        Mmap shared{
            .pid = 1, .addr = va(0), .length = 4 * kPageSize, .prot = kReadWrite, .shared = true, .fixed = true};
        shared.file = 1;
        w.run(shared);
        w.map(1, 8, 4);
    }
    Observation load(std::uint32_t page) { return w.run(Access{1, AccessKind::load, va(page), 4}); }
    Observation store(std::uint32_t page, std::uint32_t value) {
        return w.run(Access{1, AccessKind::store, va(page), 4, value});
    }
    void plan_get(IoAnswer answer) { w.run(PlanIo{IoCall::get, 1, answer, 0}); }
    std::uint64_t exits(FaultExit exit) const { return w.k.stats.fault_exits[static_cast<std::size_t>(exit)]; }
    // Page 8 is in swap only.
    void swap_out() {
        store(8, 5);
        w.run(WriteOut{1, va(8)});
        w.run(Reclaim{1, va(8)});
        ASSERT_EQ(w.page(w.top(1, 8), 0), nullptr);
    }

    World w;
};

TEST_F(InjectionTest, WriteOutCleansAndReclaimFrees) {
    store(0, 7);
    Page& page = *w.mapped_page(1, 0);
    w.run(Reclaim{1, va(0)});
    EXPECT_EQ(w.page(w.file_object(1), 0), &page) << "a dirty page stays";
    EXPECT_EQ(w.mapped_page(1, 0), nullptr) << "but not its mappings";
    store(0, 7);
    w.run(WriteOut{1, va(0)});
    EXPECT_EQ(page.dirty, 0);
    EXPECT_EQ(w.mapped_page(1, 0), &page);
    w.run(Reclaim{1, va(0)});
    EXPECT_EQ(w.page(w.file_object(1), 0), nullptr);
    EXPECT_EQ(load(0).value, 7U);
    store(1, 8);
    w.run(WriteOut{1, va(1), false, true});
    EXPECT_NE(w.mapped_page(1, 1)->dirty, 0) << "the write has failed";
}

TEST_F(InjectionTest, AnUnfinishedWriteKeepsThePageBusyUntilItEnds) {
    store(8, 1);
    w.run(WriteOut{1, va(8), true});
    Page& page = *w.mapped_page(1, 8);
    EXPECT_EQ(page.soft_busy, 1U);
    store(8, 2);  // through the PTE that is there
    EXPECT_EQ(page.soft_busy, 1U);
    w.run(FinishIo{});
    EXPECT_EQ(page.soft_busy, 0U);
    w.run(Reclaim{1, va(8)});
    EXPECT_EQ(load(8).value, 2U) << "what was stored during the write is not lost";
    w.run(WriteOut{1, va(8), true});
    w.run(Mprotect{1, va(8), kPageSize, kProtNone});
    w.run(Mprotect{1, va(8), kPageSize, kRead});
    EXPECT_EQ(load(8).value, 2U) << "whoever needs the page waits for the write";
    EXPECT_TRUE(w.k.injection.quiet());
}

TEST_F(InjectionTest, ABusyPageIsWaitedFor) {
    load(0);
    w.run(BusyPage{1, va(0), 2});
    w.run(Mprotect{1, va(0), kPageSize, kProtNone});
    w.run(Mprotect{1, va(0), kPageSize, kRead});
    const std::uint64_t before = exits(FaultExit::page_busy);
    EXPECT_EQ(load(0).value, synthetic_word(1, 0, 0));
    EXPECT_EQ(exits(FaultExit::page_busy), before + 2);
}

TEST_F(InjectionTest, ReadsThatFailEndTheAccess) {
    plan_get(IoAnswer::error);
    const Observation error = load(0);
    EXPECT_EQ(error.signal, Signal::bus);
    EXPECT_EQ(error.witness.failed, (std::vector<FailedRead>{{1, va(0), false}}));
    plan_get(IoAnswer::bad);
    EXPECT_EQ(load(0).witness.failed, (std::vector<FailedRead>{{1, va(0), true}}));
    EXPECT_EQ(load(0).value, synthetic_word(1, 0, 0));
    swap_out();
    plan_get(IoAnswer::error);
    EXPECT_EQ(load(8).signal, Signal::bus);
    EXPECT_EQ(load(8).value, 5U) << "the block stays";
}

TEST_F(InjectionTest, OtherAnswersOfPagersAreNotNoticed) {
    const std::pair<IoAnswer, FaultExit> answers[] = {{IoAnswer::again, FaultExit::pager_again},
                                                      {IoAnswer::pend, FaultExit::pager_pend},
                                                      {IoAnswer::pend_error, FaultExit::pager_pend},
                                                      {IoAnswer::taken, FaultExit::page_busy},
                                                      {IoAnswer::lost, FaultExit::page_vanished}};
    for (const auto& [answer, exit] : answers) {
        swap_out();
        plan_get(answer);
        const std::uint64_t before = exits(exit);
        EXPECT_EQ(load(8).value, 5U);
        EXPECT_EQ(exits(exit), before + 1) << kExitRules[static_cast<std::size_t>(exit)].name;
    }
    swap_out();
    plan_get(IoAnswer::replaced);
    EXPECT_EQ(load(8).value, 5U);
    EXPECT_EQ(w.k.stats.pages_replaced, 2U);
}

TEST_F(InjectionTest, AnAllocationThatFailsIsWaitedFor) {
    for (const Scarce what : {Scarce::page, Scarce::page_table, Scarce::pv}) {
        w.run(Exec{1});
        w.map(1, 8, 1);
        w.run(PlanShortage{what, 1});
        EXPECT_EQ(store(8, 3).signal, Signal::none);
        EXPECT_EQ(load(8).value, 3U);
    }
    EXPECT_EQ(exits(FaultExit::no_memory), 1U);
    EXPECT_EQ(w.k.stats.enters_refused, 2U);
}

TEST_F(InjectionTest, AForkThatCannotReadWhatItCopiesFails) {
    w.run(Mlock{1, va(8), kPageSize});
    w.run(Mprotect{1, va(8), kPageSize, kRead});
    Mmap mapping{.pid = 1, .addr = va(20), .length = kPageSize, .prot = kRead, .fixed = true};
    mapping.file = 1;
    w.run(mapping);
    w.run(Mlock{1, va(20), kPageSize});
    w.run(Ftruncate{1, 0});
    w.run(Ftruncate{1, kPageSize});
    plan_get(IoAnswer::error);
    const Observation refused = w.run(Fork{1, 2});
    EXPECT_EQ(refused.status, Status::failure);
    EXPECT_EQ(refused.witness.failed.size(), 1U);
    EXPECT_EQ(w.system->find(2), nullptr);
    EXPECT_EQ(w.run(Fork{1, 2}).status, Status::success);
}

TEST_F(InjectionTest, AnotherThreadRunsWhileOneWaitsForItsPager) {
    w.run(Hook{});
    EXPECT_EQ(w.run(Mprotect{1, va(0), kPageSize, kRead}), Observation{});
    const Observation refused = store(0, 1);
    ASSERT_EQ(refused.hooked.size(), 1U);
    EXPECT_EQ(refused.hooked[0].time, HookTime::during);
    EXPECT_EQ(refused.signal, Signal::bus) << "the map has changed, and the fault starts over";
    EXPECT_EQ(exits(FaultExit::map_changed), 1U);

    w.run(Hook{});
    w.run(Munmap{1, va(0), kPageSize});
    const Observation kept = load(0);
    ASSERT_EQ(kept.hooked.size(), 1U);
    EXPECT_EQ(kept.hooked[0].time, HookTime::after) << "the page is in memory";
    EXPECT_EQ(load(0).signal, Signal::segv);

    w.run(Hook{});
    w.run(Munmap{1, va(1), kPageSize});
    const Observation ended = w.run(Exit{1});
    ASSERT_EQ(ended.hooked.size(), 1U);
    EXPECT_EQ(ended.hooked[0].time, HookTime::never);
}

TEST_F(InjectionTest, WhatWouldWaitForTheWaitingOneRunsAfterIt) {
    swap_out();
    w.run(Hook{});
    w.run(Munmap{1, va(8), 4 * kPageSize});
    const Observation loaded = load(8);
    EXPECT_EQ(loaded.value, 5U);
    EXPECT_EQ(loaded.hooked.at(0).time, HookTime::after) << "the object would be terminated under the fault";
    EXPECT_EQ(load(8).signal, Signal::segv);
}

TEST_F(InjectionTest, ADeviceMayComeWhereAFaultWaitsForItsPager) {
    w.run(MapDevice{1, 1, va(30), kPageSize, kReadWrite});
    store(30, 77);
    w.run(Hook{});
    w.run(MapDevice{1, 1, va(0), kPageSize, kReadWrite});
    const Observation loaded = load(0);
    ASSERT_EQ(loaded.hooked.size(), 1U);
    EXPECT_EQ(loaded.hooked[0].time, HookTime::during);
    EXPECT_EQ(loaded.value, 77U) << "the fault starts over, and nothing is held for a device (B-03)";
    w.run(Hook{});
    w.run(MapDevice{1, 2, va(1), kPageSize, kReadWrite});
    EXPECT_EQ(load(1).hooked.at(0).time, HookTime::after) << "opening a device takes memory";
}

TEST_F(InjectionTest, AKernelThreadMayMeetAReadError) {
    w.unmap(1, 0, 1);
    w.map(1, 0, 1, kRead, 1);
    plan_get(IoAnswer::error);
    EXPECT_EQ(w.run(DebugAccess{DebugCall::debug_read, 0, 1, va(0), 4}).status, Status::failure) << "B-04";
}

TEST_F(InjectionTest, ReadsRunBesideAnMsync) {
    store(0, 9);
    w.run(Hook{});
    w.run(Access{1, AccessKind::load, va(3), 4});
    const Observation synced = w.run(Msync{1, va(0), 4 * kPageSize});
    ASSERT_EQ(synced.hooked.size(), 1U);
    EXPECT_EQ(synced.hooked[0].time, HookTime::during);
    EXPECT_EQ(synced.hooked[0].seen.value, synthetic_word(1, 3, 0));
}

}  // namespace
}  // namespace vmref::impl
