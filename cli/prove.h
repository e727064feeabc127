// `vmref prove`: Z3 on every claim about the functions that run.
#pragma once

#include <CLI/App.hpp>

#include "cli/command.h"

namespace vmref::cli {

// Makes the command known; if the command line has it, `chosen` is set. Built without Z3 it only says so.
void add_prove(CLI::App& app, Command& chosen);

}  // namespace vmref::cli
