// What every command shares: where it writes, how it ends, how it fails.
#pragma once

#include <functional>
#include <ostream>
#include <stdexcept>
#include <string>

#include "traces/bad_input.h"

namespace vmref::cli {

// Exit statuses, in the order of how much they matter: that of several files is the highest of theirs.
inline constexpr int kHolds = 0;
inline constexpr int kViolated = 1;
inline constexpr int kBadInput = 2;
inline constexpr int kCannotRun = 3;

struct Streams {
    std::ostream& out;
    std::ostream& err;
};

// What the command line asks for, once it has been read; gives the exit status.
using Command = std::function<int(const Streams&)>;

// Arguments that do not go together; the name of the command leads the line.
class UsageError : public BadInput {
  public:
    using BadInput::BadInput;
};

// The machine that vmref runs on refused something: exit status 3.
class CannotRun : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

inline void put_problem(std::ostream& err, const std::string& problem) {
    err << "vmref: " << problem << '\n';
}

}  // namespace vmref::cli
