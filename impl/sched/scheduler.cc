#include "impl/sched/scheduler.h"

#include <string>
#include <string_view>

namespace vmref::impl {

namespace {

std::string_view describe(BlockPoint point) {
    switch (point) {
        case BlockPoint::map_lock:
            return "a map lock";
        case BlockPoint::object_hold:
            return "an object hold";
        case BlockPoint::vnode_lock:
            return "a vnode lock";
        case BlockPoint::chain_lock:
            return "a chain lock";
        case BlockPoint::page_busy:
            return "a busy page";
        case BlockPoint::memory:
            return "free memory";
        case BlockPoint::pager_io:
            return "pager I/O";
        case BlockPoint::swap_release:
            return "the release of swap";
        case BlockPoint::pmap:
            return "a pmap";
        case BlockPoint::wire_loop:
            return "the wiring of a range";
        case BlockPoint::paging_in_progress:
            return "paging in progress";
        case BlockPoint::prefault:
            return "a prefault";
        case BlockPoint::pmap_release:
            return "the release of a pmap";
        case BlockPoint::interlock:
            return "an interlock";
    }
    return "an unknown block point";
}

}  // namespace

void Scheduler::sleep(BlockPoint point, const void* channel) {
    ensure_rule(cpus_.stopped() == 0, "I-68", "nobody sleeps while CPUs are stopped for him");
    ask_others(point, channel);
}

// The sleeper is a CPU: that it is stopped keeps nobody from letting it go.
void Scheduler::sleep_on_cpus() {
    ask_others(BlockPoint::interlock, &cpus_);
}

// Of several threads another one may wake the sleeper; when all sleep, what stands in for others gets its turn.
void Scheduler::ask_others(BlockPoint point, const void* channel) {
    ++sleeps_;
    if (threads_ != nullptr && threads_->slept(channel)) {
        return;
    }
    if (waiter_ != nullptr && waiter_->make_progress(point, channel)) {
        return;
    }
    const std::string who = threads_ == nullptr ? "the only thread sleeps on " : "all threads sleep, one of them on ";
    throw Deadlock(who + std::string(describe(point)) + " and nobody will wake it");
}

}  // namespace vmref::impl
