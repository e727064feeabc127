#include "cli/interrupt.h"

namespace vmref::cli {

namespace {

std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may set it");

void on_interrupt(int /*signal*/) {
    interrupted.store(true);
}

}  // namespace

Interrupt::Interrupt() {
    interrupted.store(false);
    struct sigaction action {};
    action.sa_handler = on_interrupt;
    action.sa_flags = static_cast<int>(SA_RESTART | static_cast<int>(SA_RESETHAND));
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, &before_);
}

Interrupt::~Interrupt() {
    sigaction(SIGINT, &before_, nullptr);
}

const std::atomic<bool>* Interrupt::flag() const {
    return &interrupted;
}

}  // namespace vmref::cli
