// `vmref shrink`: from a trace that fails to a short one that fails in the same way.
#pragma once

#include <CLI/App.hpp>

#include "cli/command.h"

namespace vmref::cli {

// Makes the command known; if the command line has it, `chosen` is set.
void add_shrink(CLI::App& app, Command& chosen);

}  // namespace vmref::cli
