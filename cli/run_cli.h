// The program vmref without its main().
#pragma once

#include <ostream>
#include <string>
#include <vector>

namespace vmref::cli {

// Runs the command that `args` (without the name of the program) ask for. Results go to `out`. Gives the exit status of
// the process; 2 and 3 come with one line on `err`, "vmref: ...", for every file or argument that is to blame.
int run_cli(const std::vector<std::string>& args, std::ostream& out, std::ostream& err);

}  // namespace vmref::cli
