// `vmref replay`: traces and recordings, in lockstep with the model.
#pragma once

#include <CLI/App.hpp>

#include "cli/command.h"

namespace vmref::cli {

// Makes the command known; if the command line has it, `chosen` is set.
void add_replay(CLI::App& app, Command& chosen);

}  // namespace vmref::cli
