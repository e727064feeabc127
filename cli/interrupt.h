// Ctrl-C as a wish to see the results, not as their loss.
#pragma once

#include <signal.h>

#include <atomic>

namespace vmref::cli {

// While it lives, the first SIGINT sets flag(); a second one ends the process as usual. One at a time.
class Interrupt {
  public:
    Interrupt();
    ~Interrupt();
    Interrupt(const Interrupt&) = delete;
    Interrupt& operator=(const Interrupt&) = delete;

    const std::atomic<bool>* flag() const;
    bool requested() const { return flag()->load(); }

  private:
    struct sigaction before_ {};
};

}  // namespace vmref::cli
