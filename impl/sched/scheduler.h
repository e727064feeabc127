// Who runs next. Every place where the sources sleep calls one of these (semantics.md 6.1, K1 to K24).
//
// Inline execution: there is one thread, a yield is a compare, and a sleep asks the inline waiter to do what the
// sleeper waits for. If nothing can be done, the sleep is a reported deadlock.
#pragma once

#include <cstdint>

#include "impl/defects/assertion.h"
#include "impl/sched/rendezvous.h"

namespace vmref::impl {

// The blocking points of the sources, in the order of semantics.md 6.1.
enum class BlockPoint : std::uint8_t {
    map_lock,            // K1, K9: map locks, object allocation and shadowing under them
    object_hold,         // K2, K5: an object's token
    vnode_lock,          // K3
    chain_lock,          // K4
    page_busy,           // K6, K13, K19, K21, K22
    memory,              // K7, K15: waiting for free pages
    pager_io,            // K8, K18
    swap_release,        // K10
    pmap,                // K11, K12: tokens, pv entries, page-table pages inside pmap operations
    wire_loop,           // K14
    paging_in_progress,  // K16, K17, K20
    prefault,            // K23
    pmap_release,        // K24
    interlock,           // an interlock of the same pmap, or a CPU that it stopped
};

// What stands in for the other threads when there are none.
class InlineWaiter {
  public:
    virtual ~InlineWaiter() = default;
    // Does something towards what a sleeper on `channel` at `point` waits for; false if nothing can be done.
    virtual bool make_progress(BlockPoint point, const void* channel) = 0;
    // Lets others run, for whom Scheduler::others_wait was set: somebody waits for a pager.
    virtual void others_run() {}
};

// Who runs when there are several threads (fibers.h). Inline there is none of these.
class Interleaving {
  public:
    virtual ~Interleaving() = default;
    // Another thread may run before this returns.
    virtual void yielded() = 0;
    // The thread sleeps. True: `channel` was woken, or, for nullptr, another thread has run. False: all threads sleep.
    virtual bool slept(const void* channel) = 0;
    virtual void woken(const void* channel) = 0;
};

class Scheduler {
  public:
    using ThreadId = std::uint32_t;

    // A point where another thread may run although nothing is waited for.
    void yield(BlockPoint point) {
        ++yields_;
        if (point == BlockPoint::pager_io && others_wait_) [[unlikely]] {
            others_wait_ = false;
            waiter_->others_run();
        }
        if (threads_ != nullptr) [[unlikely]] {
            threads_->yielded();
        }
    }
    // A point where CPUs may use memory, but no other thread runs: between two instructions of somebody who cannot be
    // interrupted.
    void hardware_step() { ++hardware_steps_; }
    // Inline: whether somebody else runs at the next wait for a pager.
    void set_others_wait(bool wait) { others_wait_ = wait && waiter_ != nullptr; }

    // Waits for a wakeup of `channel`. The caller re-tests its condition afterwards.
    // Requires: no CPU is stopped by us. Blocks: always. Errors: Deadlock, inline, if nothing can make progress.
    void sleep(BlockPoint point, const void* channel);
    void wakeup(const void* channel) {
        ++wakeups_;
        if (threads_ != nullptr) [[unlikely]] {
            threads_->woken(channel);
        }
    }
    // Waits until somebody else has run, for a lock that has no sleepers of its own. The caller tests it again.
    // Errors: Deadlock, inline and if nobody else can run.
    void sleep_for_lock(BlockPoint point) { ask_others(point, nullptr); }

    // Who is not a thread of ours: what stands in for other actors works in this name.
    static constexpr ThreadId kStandIn = 0xFFFFFFFFU;
    // Inline: whoever runs while the only thread waits.
    static constexpr ThreadId kOther = 2;

    ThreadId current() const { return current_; }  // 0 is "nobody"
    void set_current(ThreadId thread) { current_ = thread; }
    void set_inline_waiter(InlineWaiter* waiter) { waiter_ = waiter; }
    // nullptr: there is one thread.
    void set_threads(Interleaving* threads) { threads_ = threads; }
    bool has_threads() const { return threads_ != nullptr; }

    std::uint64_t yields() const { return yields_; }
    std::uint64_t sleeps() const { return sleeps_; }
    // How often this thread may have lost what a lock does not keep in place: unchanged, nobody else has run.
    std::uint64_t blocks() const { return yields_ + sleeps_; }

    CpuRendezvous& cpus() { return cpus_; }
    const CpuRendezvous& cpus() const { return cpus_; }
    // Before `cpu` executes anything: it may have been stopped. Blocks while it is.
    void wait_for_cpu(std::uint32_t cpu) {
        while (!cpus_.runs(cpu))
            [[unlikely]] {
                sleep_on_cpus();
            }
    }

  private:
    void sleep_on_cpus();
    void ask_others(BlockPoint point, const void* channel);

    InlineWaiter* waiter_ = nullptr;
    Interleaving* threads_ = nullptr;
    CpuRendezvous cpus_;
    std::uint64_t yields_ = 0;
    std::uint64_t wakeups_ = 0;
    std::uint64_t sleeps_ = 0;
    std::uint64_t hardware_steps_ = 0;
    ThreadId current_ = 1;
    bool others_wait_ = false;
};

// What runs in this scope runs in the name of `thread`.
class ActAs {
  public:
    ActAs(Scheduler& sched, Scheduler::ThreadId thread) : sched_(sched), before_(sched.current()) {
        sched_.set_current(thread);
    }
    ~ActAs() { sched_.set_current(before_); }
    ActAs(const ActAs&) = delete;
    ActAs& operator=(const ActAs&) = delete;

  private:
    Scheduler& sched_;
    Scheduler::ThreadId before_;
};

}  // namespace vmref::impl
