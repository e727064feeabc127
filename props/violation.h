// A found disagreement or broken invariant.
#pragma once

#include <cstdint>
#include <string>

namespace vmref::props {

struct Violation {
    std::string
        rule;  // its identity: "I-16", "observation.value", "contents", "attributes", "deadlock", "assertion", ...
    std::string message;     // one line: where, expected, actual
    std::uint64_t step = 0;  // index of the operation; the number of operations for a final check
};

}  // namespace vmref::props
