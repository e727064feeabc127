// `vmref check`: random operations in lockstep with the model, until a limit or a violation.
#pragma once

#include <CLI/App.hpp>

#include "cli/command.h"

namespace vmref::cli {

// Makes the command known; if the command line has it, `chosen` is set.
void add_check(CLI::App& app, Command& chosen);

}  // namespace vmref::cli
