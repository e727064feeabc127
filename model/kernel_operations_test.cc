// Debuggers, pages that the kernel holds, kernel wiring: statuses and values.
#include "model/system_test.h"

namespace vmref::model {
namespace {

class KernelOperationsTest : public SystemTest {
  protected:
    Observation poke(Pid pid, Va va, std::uint32_t value, std::uint8_t size = 4, Pid target = 1) {
        return run(DebugAccess{DebugCall::debug_write, pid, target, va, size, value});
    }
    Observation peek(Pid pid, Va va, std::uint8_t size = 4) {
        return run(DebugAccess{DebugCall::debug_read, pid, 1, va, size});
    }
};

TEST_F(KernelOperationsTest, DebuggersAreJudgedByTheMaximumProtectionWhenTheyWrite) {
    map(0, 1, 1, false, kProtRead);
    map(1, 1, 0, false, kProtNone);
    EXPECT_EQ(poke(1, at(0), 7), Observation{});
    EXPECT_EQ(get(1, 0), 7U);
    EXPECT_EQ(store(1, at(0), 8), bus(at(0)));
    EXPECT_EQ(poke(0, at(1), 9), Observation{});
    EXPECT_EQ(peek(1, at(1)), failed(Status::protection_failure)) << "reading has no override";
    EXPECT_EQ(poke(0, at(2), 9), failed(Status::invalid_address));
    EXPECT_EQ(poke(0, kUserEnd, 9), failed(Status::invalid_address));
    EXPECT_EQ(run(Mlock{1, at(0), kPageSize}), Observation{});
    EXPECT_EQ(poke(1, at(0), 1), failed(Status::protection_failure)) << "wired: its own protection counts";
    EXPECT_EQ(get(1, 0), 7U);
}

TEST_F(KernelOperationsTest, DebuggersMoveAllBytesOrNone) {
    map(0, 1);
    put(1, 0, 0);
    EXPECT_EQ(poke(0, at(0, kPageSize - 2), 0xffffffff), failed(Status::invalid_address));
    EXPECT_EQ(peek(0, at(0, kPageSize - 2), 2), loaded(0));
    map(1, 1);
    EXPECT_EQ(poke(0, at(0, kPageSize - 2), 0x04030201), Observation{});
    EXPECT_EQ(peek(0, at(0, kPageSize - 2)), loaded(0x04030201));
    EXPECT_EQ(get(1, 1), 0x0403U);
}

TEST_F(KernelOperationsTest, OnlyDebuggersInAProcessGrowStacks) {
    stack(0, 12);  // [8, 12) mapped
    EXPECT_EQ(peek(0, at(7)), failed(Status::invalid_address));
    EXPECT_EQ(peek(1, at(7)), loaded(0));
    EXPECT_EQ(peek(0, at(7)), loaded(0));
}

TEST_F(KernelOperationsTest, WhatTheKernelHoldsForWritingIsStoredToWhenItIsPutBack) {
    map(0, 2, 1, true);
    write_file(0, 5);
    EXPECT_EQ(run(KernelGet{1, 0, at(0, 3), true}), loaded(5));
    EXPECT_EQ(system.held(0), std::optional(true));
    EXPECT_EQ(system.held_at(0).pid, 1U);
    EXPECT_EQ(system.held_at(0).va, at(0, 3));
    EXPECT_EQ(system.held(1), std::nullopt);
    EXPECT_EQ(system.refuse(KernelGet{1, 0, at(0), true}), "slot 0 is in use");
    EXPECT_EQ(system.refuse(KernelGet{1, 4, at(0), true}), "slot 4 does not exist (there are 4)");
    EXPECT_EQ(system.refuse(KernelPut{1, 0}), "slot 1 is empty");
    EXPECT_EQ(system.refuse(Munmap{1, at(0), kPageSize})->substr(0, 26), "slot 0 is held for writing");
    EXPECT_EQ(store(1, at(0), 6), Observation{});
    EXPECT_EQ(get(1, 0), 6U);
    EXPECT_EQ(run(KernelPut{0, 7}), Observation{});
    EXPECT_EQ(get(1, 0), 7U);
    EXPECT_EQ(system.refuse(Munmap{1, at(0), kPageSize}), std::nullopt);
}

TEST_F(KernelOperationsTest, WhatTheKernelHoldsForReadingForbidsNothing) {
    map(0, 1, 0, false, kProtRead);
    EXPECT_EQ(run(KernelGet{1, 3, at(0)}), loaded(0));
    EXPECT_EQ(run(KernelGet{1, 2, at(0), true}), failed(Status::protection_failure));
    EXPECT_EQ(run(Exit{1}), Observation{});
    EXPECT_EQ(run(KernelPut{3, 1}), Observation{});
}

TEST_F(KernelOperationsTest, KernelWiringsAreCounted) {
    map(0, 2);
    map(2, 1, 0, false, kProtRead);
    EXPECT_EQ(status(KernelWire{1, at(0), 3 * kPageSize}), Status::protection_failure);
    EXPECT_EQ(status(KernelWire{1, at(0), 4 * kPageSize}), Status::invalid_address);
    EXPECT_EQ(status(KernelWire{1, at(0), kPageSize}), Status::success);
    EXPECT_EQ(status(KernelWire{1, at(0), 2 * kPageSize}), Status::success);
    EXPECT_EQ(system.mapping(1, 0).kernel_wirings, 2U);
    EXPECT_EQ(system.mapping(1, 1).kernel_wirings, 1U);
    EXPECT_EQ(status(Mlock{1, at(2), kPageSize}), Status::success);
    EXPECT_EQ(status(KernelWire{1, at(2), kPageSize}), Status::success) << "wired already: only counted";
    EXPECT_EQ(status(KernelUnwire{1, at(0), 2 * kPageSize}), Status::success);
    EXPECT_EQ(status(KernelUnwire{1, at(0), 2 * kPageSize}), Status::invalid_argument);
    EXPECT_EQ(system.mapping(1, 0).kernel_wirings, 1U);
    EXPECT_EQ(status(KernelWire{1, at(0), kPageSize}, failed(Status::resource_shortage)), Status::resource_shortage);
}

TEST_F(KernelOperationsTest, WhatTheKernelWiredIsCopiedAtFork) {
    map(0, 1, 1);
    EXPECT_EQ(status(KernelWire{1, at(0), kPageSize}), Status::success);
    EXPECT_EQ(run(Fork{1, 2}), Observation{});
    write_file(0, 5);
    EXPECT_EQ(get(2, 0), original(0));
    EXPECT_EQ(system.mapping(2, 0).kernel_wirings, 0U);
}

TEST_F(KernelOperationsTest, WhoMustNotWaitMayFailButNotSucceedWhereNothingIs) {
    map(0, 1);
    put(1, 0, 5);
    stack(2, 12);
    const NofaultAccess touch{NofaultCall::load_nofault, 1, at(0, 2), 4};
    EXPECT_EQ(run(touch), loaded(5));
    EXPECT_EQ(run(touch, failed(Status::invalid_address)), failed(Status::invalid_address));
    EXPECT_EQ(run(NofaultAccess{NofaultCall::load_nofault, 1, at(9), 4}), failed(Status::invalid_address));
    EXPECT_FALSE(system.page(1, at(9)).mapped) << "no stack grows";
    EXPECT_EQ(run(NofaultAccess{NofaultCall::store_nofault, 1, at(0), 2, 9}), Observation{});
    EXPECT_EQ(get(1, 0), 9U);
}

TEST_F(KernelOperationsTest, FutureMappingsAreLockedAsAWhole) {
    EXPECT_EQ(run(LockFuture{1}), Observation{});
    map(0, 2);
    map(2, 6, 1);  // ends behind the file
    EXPECT_TRUE(system.page(1, at(1)).wired);
    EXPECT_FALSE(system.page(1, at(2)).wired);
    stack(10, 12);  // [18, 22) mapped
    EXPECT_TRUE(system.page(1, at(18)).wired);
    put(1, 17, 1);
    EXPECT_TRUE(system.page(1, at(17)).wired);
    EXPECT_EQ(run(Fork{1, 2}), Observation{});
    EXPECT_FALSE(system.locks_future(2));
    EXPECT_EQ(run(LockFuture{1, false}), Observation{});
    map(30, 1);
    EXPECT_FALSE(system.page(1, at(30)).wired);
}

TEST_F(KernelOperationsTest, DevicesAreSharedByAllWhoMapThem) {
    const MapDevice whole{1, 2, at(0), kUserDevicePages * kPageSize, kRw};
    EXPECT_EQ(run(whole), Observation{});
    EXPECT_EQ(status(MapDevice{1, 2, at(0), kPageSize, kRw, kUserDevicePages * kPageSize}), Status::invalid_argument);
    EXPECT_EQ(status(MapDevice{1, 2, at(0, 1), kPageSize, kRw}), Status::invalid_argument);
    EXPECT_EQ(system.refuse(MapDevice{1, 3, at(0), kPageSize, kRw}), "device 3 does not exist (there are 1 and 2)");
    put(1, 1, 5);
    EXPECT_EQ(status(Minherit{1, at(0), kPageSize * 2, Inherit::copy}), Status::success);
    EXPECT_EQ(run(Fork{1, 2}), Observation{});
    EXPECT_EQ(status(MapDevice{2, 2, at(8), kPageSize, kRw, kPageSize}), Status::success);
    put(2, 8, 6);
    EXPECT_EQ(get(1, 1), 6U);
    EXPECT_EQ(get(2, 1), 6U);
    EXPECT_EQ(status(Madvise{1, at(0), 2 * kPageSize, Advice::free}), Status::success);
    EXPECT_NE(step(Pageout{1}, discarding(1, at(1))).illegal, "");
    EXPECT_EQ(status(Mremap{1, at(0), 3 * kPageSize, at(0), 4 * kPageSize}), Status::invalid_argument);
}

TEST_F(KernelOperationsTest, TheKernelsMemoryIsProcessZero) {
    const auto page = [](PageIndex n) { return kKernelMemory + (n << kPageShift); };
    const auto load = [&](PageIndex n) { return KernelAccess{KernelCall::kernel_load, page(n), 4}; };
    EXPECT_EQ(status(load(0)), Status::invalid_address);
    EXPECT_EQ(status(KernelAlloc{page(0), 3, KernelUse::stack}), Status::success);
    EXPECT_EQ(status(KernelAlloc{page(2), 1}), Status::no_space);
    EXPECT_EQ(status(KernelAlloc{page(kFirstOfSubmap - 1), 2}), Status::invalid_argument);
    EXPECT_EQ(status(load(0)), Status::failure) << "the guard page";
    EXPECT_EQ(run(KernelAccess{KernelCall::kernel_store, page(1), 4, 7}), Observation{});
    EXPECT_EQ(run(DebugAccess{DebugCall::debug_read, 0, 0, page(1), 4}), loaded(7));
    EXPECT_EQ(status(KernelFree{page(1)}), Status::invalid_argument);
    EXPECT_EQ(run(KernelFree{page(0)}), Observation{});
    EXPECT_EQ(status(KernelAlloc{page(0), 1, KernelUse::reserved}), Status::success);
    EXPECT_EQ(status(load(0)), Status::failure);
    EXPECT_EQ(system.refuse(Reclaim{0, page(0)}), std::nullopt);
    EXPECT_EQ(system.refuse(Exit{0}), "process 0 does not exist");
}

TEST_F(KernelOperationsTest, OnlyTheSubmapsLossesAreErrors) {
    const auto lost_read = [&](PageIndex n) {
        const Va va = kKernelMemory + (n << kPageShift);
        run(KernelAlloc{va, 1});
        run(KernelAccess{KernelCall::kernel_store, va, 4, 7});
        run(PlanIo{IoCall::get, 1, IoAnswer::error});
        Observation actual;
        actual.witness.failed = {{0, va, false}};
        return step(KernelAccess{KernelCall::kernel_load, va, 4}, actual);
    };
    EXPECT_EQ(lost_read(0).expected.status, Status::success);
    EXPECT_EQ(lost_read(1).expected.value, 0U);
    EXPECT_EQ(lost_read(kFirstOfSubmap).expected.status, Status::failure);
}

}  // namespace
}  // namespace vmref::model
