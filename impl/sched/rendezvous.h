// CPUs that are stopped while somebody changes what they translate by (pmap_inval.c's cpusync, semantics.md 2.11).
#pragma once

#include <cstdint>

#include "impl/defects/assertion.h"

namespace vmref::impl {

// Sets of CPUs are masks. A stopped CPU executes nothing until it is let go: whoever would run it asks `runs` first.
class CpuRendezvous {
  public:
    // Post: the CPUs have stopped. Requires: none of them is stopped by somebody else.
    void quiesce(std::uint32_t cpus) {
        ensure_rule((stopped_ & cpus) == 0, "I-68", "a CPU is stopped by one interlock at a time");
        stopped_ |= cpus;
        ++gathered_;
    }
    void release(std::uint32_t cpus) {
        ensure_rule((stopped_ & cpus) == cpus, "I-68", "a CPU that is let go was stopped");
        stopped_ &= ~cpus;
    }

    std::uint32_t stopped() const { return stopped_; }
    bool runs(std::uint32_t cpu) const { return (stopped_ >> cpu & 1U) == 0; }
    std::uint64_t gathered() const { return gathered_; }

  private:
    std::uint32_t stopped_ = 0;
    std::uint64_t gathered_ = 0;
};

}  // namespace vmref::impl
