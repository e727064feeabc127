// One line on the terminal that says how far a command has come.
#pragma once

#include <chrono>
#include <ostream>
#include <string>

namespace vmref::cli {

// Silent unless `err` is the process's own stderr and that is a terminal. The line vanishes with the object.
class Progress {
  public:
    explicit Progress(std::ostream& err);
    ~Progress() { clear(); }
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    // Redraws the line with text(), about five times a second at most.
    template <typename Text>
    void show(Text&& text) {
        if (enabled_ && due()) {
            draw(text());
        }
    }
    void clear();

  private:
    using Clock = std::chrono::steady_clock;

    bool due();
    void draw(const std::string& text);

    std::ostream& err_;
    bool enabled_;
    bool drawn_ = false;
    Clock::time_point next_ = Clock::now();
};

}  // namespace vmref::cli
