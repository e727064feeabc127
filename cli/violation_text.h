// What a violation means: the rule behind its identity.
#pragma once

#include <ostream>
#include <string_view>
#include <vector>

#include "ops/operation.h"
#include "props/violation.h"

namespace vmref::cli {

// What the rule says, and the lines of the sources that it comes from.
struct RuleText {
    std::string_view statement;
    std::string_view source;
};
RuleText rule_text(std::string_view rule);

// "VIOLATED I-16: what was found and what was expected", then what the rule says and where it comes from.
void put_violation(std::ostream& out, const props::Violation& violation);

// The last five at most, in the form of a trace.
void put_last_operations(std::ostream& out, const std::vector<Operation>& operations);

}  // namespace vmref::cli
