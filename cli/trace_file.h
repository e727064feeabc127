// Traces as commands take them.
#pragma once

#include <string>

#include "traces/trace.h"

namespace vmref::cli {

// A trace or a recording that can be run here. Errors: BadInput, also for defects that nobody knows, and for a
// schedule: one thread runs.
Trace read_runnable(const std::string& path);

}  // namespace vmref::cli
