#include "impl/sched/fibers.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace vmref::impl {
namespace {

class FibersTest : public ::testing::Test {
  protected:
    FibersTest() : fibers_(sched_) {}

    // Writes its letter, then yields, `times` times.
    void add_writer(char letter, int times) {
        fibers_.add([this, letter, times] {
            for (int n = 0; n < times; ++n) {
                written_ += letter;
                sched_.yield(BlockPoint::pmap);
            }
        });
    }

    Scheduler sched_;
    Fibers fibers_;
    std::string written_;
};

TEST_F(FibersTest, RunsAsTheScheduleSaysAndThenInTurn) {
    add_writer('a', 5);
    add_writer('b', 3);
    const Turn schedule[] = {{0, 2}, {1, 1}, {0, 1}};
    fibers_.run(schedule);
    EXPECT_EQ(written_, "aabababa");
    EXPECT_EQ(fibers_.steps(0), 5U);
    EXPECT_EQ(fibers_.steps(1), 3U);
}

TEST_F(FibersTest, EachWorksInItsOwnName) {
    std::vector<Scheduler::ThreadId> names;
    for (int n = 0; n < 2; ++n) {
        fibers_.add([&] {
            names.push_back(sched_.current());
            sched_.yield(BlockPoint::pmap);
            names.push_back(sched_.current());
        });
    }
    fibers_.run({});
    EXPECT_EQ(names, (std::vector<Scheduler::ThreadId>{2, 1, 2, 1}));
    EXPECT_EQ(sched_.current(), 1U);
}

TEST_F(FibersTest, ASleeperIsWokenByItsChannelOnly) {
    const int channel = 0;
    const int other = 0;
    fibers_.add([&] {
        sched_.sleep(BlockPoint::page_busy, &channel);
        written_ += "woken ";
    });
    fibers_.add([&] {
        sched_.wakeup(&other);
        sched_.yield(BlockPoint::pmap);
        written_ += "not yet ";
        sched_.wakeup(&channel);
        sched_.yield(BlockPoint::pmap);
    });
    const Turn schedule[] = {{0, kToTheEnd}};
    fibers_.run(schedule);
    EXPECT_EQ(written_, "not yet woken ");
}

TEST_F(FibersTest, WhoWaitsForALockLooksAgainWhenAnotherHasRun) {
    bool locked = true;
    fibers_.add([&] {
        while (locked) {
            written_ += 'w';
            sched_.sleep_for_lock(BlockPoint::map_lock);
        }
    });
    fibers_.add([&] {
        sched_.yield(BlockPoint::pmap);
        locked = false;
    });
    const Turn schedule[] = {{0, kToTheEnd}};
    fibers_.run(schedule);
    EXPECT_EQ(written_, "ww");
}

TEST_F(FibersTest, AllAsleepIsADeadlock) {
    const int channel = 0;
    fibers_.add([&] { sched_.sleep(BlockPoint::page_busy, &channel); });
    fibers_.add([&] { sched_.sleep_for_lock(BlockPoint::map_lock); });
    EXPECT_THROW(fibers_.run({}), Deadlock);
}

TEST_F(FibersTest, AFailureUnwindsTheOthersOnTheirOwnStacks) {
    struct Leaving {
        std::string& written;
        ~Leaving() { written += "left "; }
    };
    fibers_.add([&] {
        const Leaving leaving{written_};
        sched_.yield(BlockPoint::pmap);
        written_ += "never";
    });
    fibers_.add([] { throw Finding("I-46", "said here"); });
    const Turn schedule[] = {{0, 1}};
    EXPECT_THROW(fibers_.run(schedule), Finding);
    EXPECT_EQ(written_, "left ");
    EXPECT_FALSE(sched_.has_threads());
}

TEST_F(FibersTest, TellsOfEverySwitch) {
    std::string told;
    Fibers fibers(
        sched_, [&](std::uint32_t thread) { told += std::to_string(thread); }, [&](std::uint32_t) { told += '.'; });
    fibers.add([&] { sched_.yield(BlockPoint::pmap); });
    fibers.add([] {});
    const Turn schedule[] = {{0, 1}};
    fibers.run(schedule);
    EXPECT_EQ(told, "0.1.0.");
}

}  // namespace
}  // namespace vmref::impl
