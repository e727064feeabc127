// Operations and what they gave, in one readable line.
#pragma once

#include <string>

#include "ops/observation.h"
#include "ops/operation.h"

namespace vmref::cli {

// "store pid=1 addr=0x00010004 size=4 value=0x00000007"
std::string operation_line(const Operation& operation);
// "success", "value 0x00000007", "signal segv at 0x00020000", ...
std::string observation_line(const Operation& operation, const Observation& observation);

}  // namespace vmref::cli
