// Numbered invariants as objects: statement, source, and how often each check had teeth.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "props/violation.h"

namespace vmref::props {

// One invariant of ../docs/invariants.md. checked counts evaluations, applied those whose premise held (not vacuous).
struct Invariant {
    std::string_view id;         // "I-16"
    std::string_view statement;  // one sentence
    std::string_view source;     // "vm_fault.c:2181-2186"
    std::uint64_t checked = 0;
    std::uint64_t applied = 0;
    std::uint64_t violated = 0;
    bool elsewhere = false;  // a rule of other worlds only

    // Records one evaluation and passes `holds` on. A premise that does not hold makes it vacuous.
    bool evaluate(bool premise, bool holds) {
        ++checked;
        if (!premise) {
            return true;
        }
        ++applied;
        if (!holds) [[unlikely]] {
            ++violated;
        }
        return holds;
    }
};

}  // namespace vmref::props
