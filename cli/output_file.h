// Files that commands write. A problem with one is the machine's, not the input's: CannotRun.
#pragma once

#include <string>
#include <utility>

#include "cli/command.h"
#include "traces/bad_input.h"
#include "traces/replace_file.h"

namespace vmref::cli {

template <typename Write>
decltype(auto) writing(Write&& write) {
    try {
        return std::forward<Write>(write)();
    } catch (const BadInput& error) {
        throw CannotRun(error.what());
    }
}

// Nobody wants to learn after an hour that the result has no place to go.
inline void expect_writable(const std::string& path) {
    writing([&] { const ReplaceFile probe(path); });
}

}  // namespace vmref::cli
