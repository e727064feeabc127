#include "impl/sched/scheduler.h"

#include <gtest/gtest.h>

#include <string>

namespace vmref::impl {
namespace {

// Can do something `left` times; remembers what it was last asked.
class CountedWaiter : public InlineWaiter {
  public:
    explicit CountedWaiter(int left) : left_(left) {}
    bool make_progress(BlockPoint point, const void* channel) override {
        point_ = point;
        channel_ = channel;
        return left_-- > 0;
    }
    BlockPoint point() const { return point_; }
    const void* channel() const { return channel_; }

  private:
    int left_;
    BlockPoint point_ = BlockPoint::map_lock;
    const void* channel_ = nullptr;
};

std::string deadlock_message(Scheduler& sched, BlockPoint point) {
    try {
        sched.sleep(point, &sched);
    } catch (const Deadlock& deadlock) {
        EXPECT_EQ(deadlock.rule(), "deadlock");
        return deadlock.what();
    }
    return "no deadlock";
}

TEST(Scheduler, SleepWithoutWaiterIsADeadlock) {
    Scheduler sched;
    EXPECT_NE(deadlock_message(sched, BlockPoint::page_busy).find("a busy page"), std::string::npos);
    EXPECT_EQ(sched.sleeps(), 1U);
}

TEST(Scheduler, SleepAsksTheWaiterUntilNothingCanBeDone) {
    Scheduler sched;
    CountedWaiter waiter(2);
    const int channel = 0;
    sched.set_inline_waiter(&waiter);
    sched.sleep(BlockPoint::memory, &channel);
    EXPECT_EQ(waiter.point(), BlockPoint::memory);
    EXPECT_EQ(waiter.channel(), &channel);
    sched.sleep(BlockPoint::pager_io, &channel);
    EXPECT_EQ(waiter.point(), BlockPoint::pager_io);
    EXPECT_NE(deadlock_message(sched, BlockPoint::memory).find("free memory"), std::string::npos);
    EXPECT_EQ(sched.sleeps(), 3U);
}

TEST(Scheduler, EveryBlockPointHasItsOwnName) {
    Scheduler sched;
    std::string previous;
    for (int point = 0; point <= static_cast<int>(BlockPoint::interlock); ++point) {
        const std::string message = deadlock_message(sched, static_cast<BlockPoint>(point));
        EXPECT_EQ(message.find("unknown"), std::string::npos) << point;
        EXPECT_NE(message, previous);
        previous = message;
    }
}

TEST(Scheduler, YieldsAreCountedAndWaitForNothing) {
    Scheduler sched;
    sched.yield(BlockPoint::chain_lock);
    sched.yield(BlockPoint::object_hold);
    EXPECT_EQ(sched.yields(), 2U);
    EXPECT_EQ(sched.sleeps(), 0U);
    EXPECT_NE(sched.current(), 0U);
}

}  // namespace
}  // namespace vmref::impl
