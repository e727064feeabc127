#include "impl/sched/fibers.h"

#include <algorithm>
#include <boost/context/fiber.hpp>
#include <boost/context/fixedsize_stack.hpp>
#include <exception>
#include <utility>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#endif

namespace vmref::impl {

namespace context = boost::context;

namespace {

constexpr std::size_t kStackBytes = std::size_t{256} << 10;

// AddressSanitizer has to know which stack is in use.
class StackSwitch {
  public:
#if defined(__SANITIZE_ADDRESS__)
    void leave(const void* bottom, std::size_t size) {
        __sanitizer_start_switch_fiber(&fake_, bottom, size);
    }
    void leave_for_ever(const void* bottom, std::size_t size) {
        __sanitizer_start_switch_fiber(nullptr, bottom, size);
    }
    void arrive(const void** bottom, std::size_t* size) {
        __sanitizer_finish_switch_fiber(fake_, bottom, size);
    }
#else
    void leave(const void* /*bottom*/, std::size_t /*size*/) {}
    void leave_for_ever(const void* /*bottom*/, std::size_t /*size*/) {}
    void arrive(const void** /*bottom*/, std::size_t* /*size*/) {}
#endif

  private:
    [[maybe_unused]] void* fake_ = nullptr;
};

// Ends a body that will not run on. Nobody else catches it.
struct Unwound {};

}  // namespace

// asleep: until its channel is woken. polls, idle: waits for a lock; idle: nobody has run since it looked.
enum class Doing : std::uint8_t { ready, asleep, polls, idle, over };

struct Fibers::Fiber {
    std::uint32_t number = 0;
    std::function<void()> body;
    context::fiber self{};  // where it goes on
    context::fiber main{};  // where it came from
    std::exception_ptr failure{};
    const void* channel = nullptr;
    const void* stack = nullptr;
    std::size_t stack_size = 0;
    const void* main_stack = nullptr;
    std::size_t main_stack_size = 0;
    StackSwitch here{};   // this fiber's part
    StackSwitch there{};  // the main stack's
    std::uint32_t steps = 0;
    Doing doing = Doing::ready;
    bool woken = false;
};

Fibers::Fibers(Scheduler& sched, Switched begins, Switched stops)
    : sched_(sched), begins_(std::move(begins)), stops_(std::move(stops)) {}

Fibers::~Fibers() {
    unwind_all();
}

// A stack is cleared by its own thread: destructors run where their objects lie.
void Fibers::unwind_all() {
    unwinding_ = true;
    for (const auto& fiber : fibers_) {
        if (fiber->doing != Doing::over) {
            resume(*fiber, kToTheEnd);
        }
    }
}

void Fibers::enter(Fiber& fiber) {
    fiber.here.arrive(&fiber.main_stack, &fiber.main_stack_size);
    try {
        if (!unwinding_) {
            fiber.body();
        }
    } catch (const Unwound&) {
        // Nothing is left to be done.
    } catch (...) {
        fiber.failure = std::current_exception();
    }
    fiber.doing = Doing::over;
    fiber.here.leave_for_ever(fiber.main_stack, fiber.main_stack_size);
}

void Fibers::add(std::function<void()> body) {
    auto fiber = std::make_unique<Fiber>();
    fiber->number = static_cast<std::uint32_t>(fibers_.size());
    fiber->body = std::move(body);
    fibers_.push_back(std::move(fiber));
    Fiber& added = *fibers_.back();
    context::fixedsize_stack allocator(kStackBytes);
    const context::stack_context stack = allocator.allocate();
    added.stack = static_cast<const char*>(stack.sp) - stack.size;
    added.stack_size = stack.size;
    const auto run = [this, &added](context::fiber&& main) {
        added.main = std::move(main);
        enter(added);
        return std::move(added.main);
    };
    added.self = context::fiber(std::allocator_arg, context::preallocated(stack.sp, stack.size, stack), allocator, run);
}

std::uint32_t Fibers::steps(std::uint32_t thread) const {
    return fibers_[thread]->steps;
}

// In turn, who can run, or may find his lock free; when all sleep, who asks the stand-ins.
Fibers::Fiber* Fibers::next_in_turn() {
    const auto rank = [](const Fiber& fiber) {
        return fiber.doing == Doing::ready || fiber.doing == Doing::polls ? 0
               : fiber.doing == Doing::asleep                             ? 1
               : fiber.doing == Doing::idle                               ? 2
                                                                          : 3;
    };
    Fiber* next = nullptr;
    for (std::size_t n = 1; n <= fibers_.size(); ++n) {
        Fiber& candidate = *fibers_[(last_ + n) % fibers_.size()];
        if (candidate.doing != Doing::over && (next == nullptr || rank(candidate) < rank(*next))) {
            next = &candidate;
        }
    }
    return next;
}

void Fibers::resume(Fiber& fiber, std::uint32_t steps) {
    const Scheduler::ThreadId before = sched_.current();
    current_ = &fiber;
    last_ = fiber.number;
    left_ = steps;
    fiber.woken = fiber.doing == Doing::ready || fiber.doing == Doing::polls;
    fiber.doing = Doing::ready;
    sched_.set_current(fiber.number + 1);
    if (begins_) {
        begins_(fiber.number);
    }
    fiber.there.leave(fiber.stack, fiber.stack_size);
    fiber.self = std::move(fiber.self).resume();
    fiber.there.arrive(nullptr, nullptr);
    if (stops_) {
        stops_(fiber.number);
    }
    // What it has done may let those go on who look at locks.
    for (const auto& other : fibers_) {
        other->doing = other->doing == Doing::idle && fiber.doing != Doing::idle ? Doing::polls : other->doing;
    }
    sched_.set_current(before);
    current_ = nullptr;
}

void Fibers::suspend() {
    Fiber& fiber = *current_;
    fiber.here.leave(fiber.main_stack, fiber.main_stack_size);
    fiber.main = std::move(fiber.main).resume();
    fiber.here.arrive(&fiber.main_stack, &fiber.main_stack_size);
    if (unwinding_) {
        throw Unwound{};
    }
}

void Fibers::run(std::span<const Turn> schedule) {
    sched_.set_threads(this);
    const auto failed = [this] {
        return std::ranges::find_if(fibers_, [](const auto& fiber) { return fiber->failure != nullptr; });
    };
    for (const Turn& turn : schedule) {
        Fiber& fiber = *fibers_[turn.thread];
        if (turn.steps != 0 && fiber.doing == Doing::ready && failed() == fibers_.end()) {
            resume(fiber, turn.steps);
        }
    }
    for (Fiber* next = next_in_turn(); next != nullptr && failed() == fibers_.end(); next = next_in_turn()) {
        resume(*next, 1);
    }
    sched_.set_threads(nullptr);
    if (const auto first = failed(); first != fibers_.end()) {
        const std::exception_ptr failure = (*first)->failure;
        unwind_all();
        std::rethrow_exception(failure);
    }
}

void Fibers::yielded() {
    if (current_ == nullptr) {
        return;  // between two turns
    }
    ++current_->steps;
    if (left_ != kToTheEnd && --left_ == 0) {
        suspend();
    }
}

bool Fibers::slept(const void* channel) {
    if (current_ == nullptr) {
        return false;
    }
    current_->channel = channel;
    current_->doing = channel == nullptr ? Doing::idle : Doing::asleep;
    suspend();
    return current_->woken;
}

void Fibers::woken(const void* channel) {
    for (const auto& fiber : fibers_) {
        if (fiber->doing == Doing::asleep && fiber->channel == channel) {
            fiber->doing = Doing::ready;
        }
    }
}

}  // namespace vmref::impl
