// How often the fault handler, and what it leans on, went each way: for tables that show what no run reaches.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "impl/vm/kernel.h"

namespace vmref::impl {

struct PathCount {
    std::string name;
    std::uint64_t count = 0;
};

// Every path, also those never taken, in a fixed order: those of the fault handler, results of pagers, what counters
// count (semantics.md 6.4), and on how many frames and objects a flag has changed (6.5, 6.6).
std::vector<PathCount> fault_paths(const Kernel& k);

}  // namespace vmref::impl
