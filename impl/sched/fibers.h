// Several threads on one thread of the host: each is a fiber that runs until it yields, sleeps or ends. Who runs next
// is said by a schedule, so that every run can be had again.
//
// What is a thread's own and lies elsewhere (the current process) is kept by the caller: he is told of every switch.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "impl/sched/scheduler.h"

namespace vmref::impl {

// `thread` runs until it has yielded `steps` times, or sleeps or ends before.
struct Turn {
    std::uint32_t thread = 0;
    std::uint32_t steps = 0;
};
inline constexpr std::uint32_t kToTheEnd = 0xFFFFFFFFU;

class Fibers final : public Interleaving {
  public:
    // A thread's number, when it gets the processor and when it loses it.
    using Switched = std::function<void(std::uint32_t thread)>;

    explicit Fibers(Scheduler& sched, Switched begins = {}, Switched stops = {});
    ~Fibers() override;
    Fibers(const Fibers&) = delete;
    Fibers& operator=(const Fibers&) = delete;

    // Threads are numbered from 0 in the order in which they are added.
    void add(std::function<void()> body);
    // Runs all threads to their ends: as the schedule says, then in turn. A turn of a thread that cannot run is passed
    // over. The first exception that leaves a body ends the run: the others are unwound and it is thrown again here.
    void run(std::span<const Turn> schedule);
    // How often the thread has yielded.
    std::uint32_t steps(std::uint32_t thread) const;

    void yielded() override;
    bool slept(const void* channel) override;
    void woken(const void* channel) override;

  private:
    struct Fiber;
    Fiber* next_in_turn();
    void resume(Fiber& fiber, std::uint32_t steps);
    void suspend();
    void unwind_all();
    void enter(Fiber& fiber);

    Scheduler& sched_;
    Switched begins_;
    Switched stops_;
    std::vector<std::unique_ptr<Fiber>> fibers_;
    Fiber* current_ = nullptr;
    std::uint32_t left_ = 0;  // steps of the current turn
    std::size_t last_ = 0;    // whose turn it was
    bool unwinding_ = false;  // whoever gets the processor only clears his stack
};

}  // namespace vmref::impl
