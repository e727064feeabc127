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

// Every path, also those never taken, in a fixed order.
std::vector<PathCount> fault_paths(const Statistics& stats);

}  // namespace vmref::impl
