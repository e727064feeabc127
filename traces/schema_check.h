// Holds traces to traces/schema.json.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "ops/codec.h"

namespace vmref {

// The text of traces/schema.json, put into the program when it is built.
extern const std::string_view kTraceSchema;

// A trace without its operations, and one operation with its "expect". Throws a DecodeError, relative to `json`, if the
// schema does not allow it.
void check_trace_schema(const nlohmann::json& json);
void check_operation_schema(const nlohmann::json& json);

}  // namespace vmref
