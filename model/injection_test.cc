// Stand-ins: reads that may fail, and what runs beside another operation.
#include "model/system_test.h"

namespace vmref::model {
namespace {

Observation with_failure(Observation seen, Pid pid, Va va, bool bad = false) {
    seen.witness.failed.push_back({pid, va, bad});
    return seen;
}

Observation with_hooked(Observation seen, HookTime time, const Observation& beside = {}) {
    seen.hooked.push_back({time, beside});
    return seen;
}

TEST_F(SystemTest, AReadFailsOnlyIfThatWasPlanned) {
    map(0, 1, 1);
    const Observation failing = with_failure(bus(at(0)), 1, at(0));
    EXPECT_NE(step(Access{1, AccessKind::load, at(0), 4}, failing).illegal, "");
    run(PlanIo{IoCall::get, 1, IoAnswer::bad});
    EXPECT_NE(step(Access{1, AccessKind::load, at(0), 4}, failing).illegal, "") << "another failure was planned";
    run(PlanIo{IoCall::put, 1, IoAnswer::error});
    EXPECT_NE(step(Access{1, AccessKind::load, at(0), 4}, failing).illegal, "") << "a failing write was planned";
    run(PlanIo{IoCall::get, 1, IoAnswer::error});
    EXPECT_EQ(load(1, at(0), 4, failing), failing);
    EXPECT_NE(step(Access{1, AccessKind::load, at(0), 4}, failing).illegal, "") << "a plan comes true once";
    EXPECT_EQ(get(1, 0), original(0));
}

TEST_F(SystemTest, AStoreThatCannotReadItsPageStoresNothing) {
    map(0, 2, 1);
    run(PlanIo{IoCall::get, 1, IoAnswer::error});
    const Observation failing = with_failure(bus(at(1)), 1, at(1));
    EXPECT_EQ(run(Access{1, AccessKind::store, at(1) - 2, 4, 7}, failing), failing);
    EXPECT_EQ(get(1, 1), original(1));
    // The first page had been copied for the store by then, the second had not.
    write_file(0, 5);
    write_file(1, 6);
    EXPECT_EQ(get(1, 0), original(0));
    EXPECT_EQ(get(1, 1), 6U);
}

TEST_F(SystemTest, CallsEndWhereTheirPageCannotBeRead) {
    map(0, 2, 1);
    map(2, 1);
    run(PlanIo{IoCall::get, 1, IoAnswer::error});
    EXPECT_EQ(run(Mlock{1, at(0), 2 * kPageSize}, with_failure(failed(Status::failure), 1, at(1))).status,
              Status::failure);
    EXPECT_FALSE(system.page(1, at(0)).wired);
    run(PlanIo{IoCall::get, 1, IoAnswer::bad});
    EXPECT_EQ(run(Mlock{1, at(0), 1}, with_failure(failed(Status::protection_failure), 1, at(0), true)).status,
              Status::protection_failure);
    run(PlanIo{IoCall::get, 1, IoAnswer::error});
    const Observation cut = with_failure(failed(Status::invalid_address, kPageSize), 0, kPageSize);
    EXPECT_EQ(run(FileRead{1, 1, 0, 2 * kPageSize, at(1)}, cut), cut) << "the file's page 1 cannot be read";
    run(PlanIo{IoCall::get, 1, IoAnswer::error});
    EXPECT_EQ(run(Fork{1, 2}, with_failure(failed(Status::failure), 0, 0)).status, Status::failure);
    EXPECT_NE(system.refuse(Exit{2}), std::nullopt);
}

TEST_F(SystemTest, WhatAHookKeepsBackRunsBesideTheNextOperation) {
    map(0, 1, 1);
    run(Hook{});
    EXPECT_NE(system.refuse(Fork{1, 2}), std::nullopt);
    EXPECT_NE(system.refuse(Madvise{1, at(0), 1, Advice::free}), std::nullopt);
    EXPECT_NE(system.refuse(Access{1, AccessKind::load, at(1) - 1, 4}), std::nullopt);
    const Mprotect none{1, at(0), kPageSize, kProtNone};
    EXPECT_EQ(run(none), Observation{});
    EXPECT_EQ(system.mapping(1, 0).prot, kRw) << "it has not run";
    ASSERT_NE(system.kept_back(), nullptr);
    EXPECT_NE(step(Access{1, AccessKind::load, at(0), 4}, loaded(original(0))).illegal, "") << "it has to run";
    run(Hook{});
    run(none);
    const Observation during = with_hooked(bus(at(0)), HookTime::during);
    EXPECT_EQ(load(1, at(0), 4, during), during);
    run(Mprotect{1, at(0), kPageSize, kRw});
    run(Hook{});
    run(none);
    const Observation after = with_hooked(loaded(original(0)), HookTime::after);
    EXPECT_EQ(load(1, at(0), 4, after), after);
    EXPECT_EQ(load(1, at(0)), bus(at(0)));
}

TEST_F(SystemTest, WhatIsKeptBackRunsDuringAWaitOrAfterOrNever) {
    map(0, 1);
    run(Hook{});
    run(Munmap{1, at(0), kPageSize});
    EXPECT_NE(step(Threads{1, 2}, with_hooked({}, HookTime::during)).illegal, "") << "that does not wait";
    map(0, 1);
    run(Hook{});
    run(Munmap{1, at(0), kPageSize});
    EXPECT_NE(step(Threads{1, 2}, with_hooked({}, HookTime::never)).illegal, "") << "its process is there";
    run(Hook{});
    run(Munmap{1, at(0), kPageSize});
    EXPECT_EQ(step(Exit{1}, with_hooked({}, HookTime::after)).illegal, "what a hook kept back cannot run any more");
    run(Spawn{1});
    run(Hook{});
    run(Munmap{1, at(0), kPageSize});
    run(Exit{1}, with_hooked({}, HookTime::never));
    EXPECT_EQ(system.kept_back(), nullptr);
}

TEST_F(SystemTest, StandInsThatCannotBeAreRefused) {
    EXPECT_NE(system.refuse(BusyPage{1, at(0), 0}), std::nullopt);
    EXPECT_NE(system.refuse(BusyPage{2, at(0), 1}), std::nullopt);
    EXPECT_NE(system.refuse(PlanIo{IoCall::get, 0, IoAnswer::ok}), std::nullopt);
    EXPECT_NE(system.refuse(PlanIo{IoCall::put, 1, IoAnswer::lost}), std::nullopt);
    EXPECT_NE(system.refuse(PlanIo{IoCall::put, 1, IoAnswer::ok, 3}), std::nullopt);
    EXPECT_NE(system.refuse(PlanShortage{Scarce::pv, 0}), std::nullopt);
    EXPECT_EQ(system.refuse(PlanIo{IoCall::get, 1, IoAnswer::taken, 0}), std::nullopt);
}

}  // namespace
}  // namespace vmref::model
