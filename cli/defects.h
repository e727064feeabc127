// `vmref defects`: the catalogue of planted defects.
#pragma once

#include <CLI/App.hpp>

#include "cli/command.h"

namespace vmref::cli {

// Makes the command known; if the command line has it, `chosen` is set.
void add_defects(CLI::App& app, Command& chosen);

}  // namespace vmref::cli
