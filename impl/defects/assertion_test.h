// What the tests of the implementation ask of an action: which promise it breaks.
#pragma once

#include <string>

#include "impl/defects/assertion.h"

namespace vmref::impl {

// The rule that `action` breaks, "" if none.
template <typename Action>
std::string broken_rule(Action action) {
    try {
        action();
    } catch (const Finding& finding) {
        return finding.rule();
    }
    return "";
}

}  // namespace vmref::impl
