#include "cli/progress.h"

#include <unistd.h>

#include <iostream>

namespace vmref::cli {

namespace {

constexpr std::chrono::milliseconds kInterval{200};
constexpr const char* kClearToEnd = "\x1b[K";
constexpr std::size_t kColumns = 79;

}  // namespace

Progress::Progress(std::ostream& err) : err_(err), enabled_(&err == &std::cerr && isatty(STDERR_FILENO) == 1) {}

bool Progress::due() {
    const Clock::time_point now = Clock::now();
    if (now < next_) {
        return false;
    }
    next_ = now + kInterval;
    return true;
}

void Progress::draw(const std::string& text) {
    err_ << '\r' << text.substr(0, kColumns) << kClearToEnd << std::flush;
    drawn_ = true;
}

void Progress::clear() {
    if (drawn_) {
        err_ << '\r' << kClearToEnd << std::flush;
        drawn_ = false;
    }
}

}  // namespace vmref::cli
