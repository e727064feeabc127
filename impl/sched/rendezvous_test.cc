#include "impl/sched/rendezvous.h"

#include <gtest/gtest.h>

#include "impl/defects/assertion_test.h"
#include "impl/sched/scheduler.h"

namespace vmref::impl {
namespace {

constexpr std::uint32_t kFirstAndThird = 0b101;

TEST(CpuRendezvous, StopsTheCpusOfTheMaskAndNoOther) {
    CpuRendezvous cpus;
    cpus.quiesce(kFirstAndThird);
    EXPECT_FALSE(cpus.runs(0));
    EXPECT_TRUE(cpus.runs(1));
    EXPECT_FALSE(cpus.runs(2));
    cpus.release(kFirstAndThird);
    EXPECT_EQ(cpus.stopped(), 0U);
    EXPECT_EQ(cpus.gathered(), 1U);
}

TEST(CpuRendezvous, IsNeitherDoubledNorEndedByWhoDidNotBeginIt) {
    CpuRendezvous cpus;
    cpus.quiesce(kFirstAndThird);
    EXPECT_EQ(broken_rule([&] { cpus.quiesce(0b100); }), "I-68");
    EXPECT_EQ(broken_rule([&] { cpus.release(0b10); }), "I-68");
}

TEST(CpuRendezvous, WhoStoppedCpusDoesNotSleep) {
    Scheduler sched;
    sched.cpus().quiesce(1);
    EXPECT_EQ(broken_rule([&] { sched.sleep(BlockPoint::memory, &sched); }), "I-68");
}

// Lets all CPUs go when somebody waits for one.
class Releaser : public InlineWaiter {
  public:
    explicit Releaser(Scheduler& sched) : sched_(sched) {}
    bool make_progress(BlockPoint point, const void* channel) override {
        EXPECT_EQ(point, BlockPoint::interlock);
        EXPECT_EQ(channel, &sched_.cpus());
        sched_.cpus().release(sched_.cpus().stopped());
        return true;
    }

  private:
    Scheduler& sched_;
};

TEST(CpuRendezvous, AStoppedCpuWaitsUntilItIsLetGo) {
    Scheduler sched;
    Releaser releaser(sched);
    sched.set_inline_waiter(&releaser);
    sched.cpus().quiesce(0b10);
    sched.wait_for_cpu(0);
    EXPECT_EQ(sched.sleeps(), 0U);
    sched.wait_for_cpu(1);
    EXPECT_EQ(sched.sleeps(), 1U);
}

TEST(CpuRendezvous, WithoutAnybodyToEndItIsADeadlock) {
    Scheduler sched;
    sched.cpus().quiesce(1);
    EXPECT_EQ(broken_rule([&] { sched.wait_for_cpu(0); }), "deadlock");
}

TEST(Scheduler, HardwareStepsAreNoBlockingPoints) {
    Scheduler sched;
    sched.hardware_step();
    EXPECT_EQ(sched.blocks(), 0U);
    sched.yield(BlockPoint::pmap);
    EXPECT_EQ(sched.blocks(), 1U);
}

}  // namespace
}  // namespace vmref::impl
