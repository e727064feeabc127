// The one JSON form of operations, observations and configurations, for traces, reports and the command line.
//
// An operation is an object: "op" names it, the other members are the fields of its struct (ops/operation.h) by name.
//   - addresses are texts like "0x0040a000"; a reader also takes a plain number;
//   - protections are "-" or the letters of "rwx" that apply, in this order;
//   - an Access is called "load", "store" or "fetch"; only a store has "value";
//   - fields with a default in the struct are left out while they have it, all others are always there.
// An observation is an object of "status", "signal", "value", "address", "discarded" and "killed", each left out while
// it has its default.
//
// Writing and reading follow the same table, one per struct. Reading takes nothing silently: a missing, unknown,
// mistyped or unrepresentable member is a DecodeError. Whether the values make sense is not judged here.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <stdexcept>
#include <string>
#include <string_view>

#include "ops/config.h"
#include "ops/observation.h"
#include "ops/operation.h"

namespace vmref {

class DecodeError : public std::runtime_error {
  public:
    // `problem` is "expected ...".
    DecodeError(std::string pointer, std::string problem);

    // JSON pointer (RFC 6901) from the value handed to the decoder; empty for that value itself.
    const std::string& pointer() const { return pointer_; }
    const std::string& problem() const { return problem_; }

    // The same problem, seen from a value that holds the decoded one as member or element `name`.
    DecodeError inside(std::string_view name) const;

  private:
    std::string pointer_;
    std::string problem_;
};

// The name in "op".
std::string_view operation_name(const Operation& operation);

// Members come in the order of the struct, "op" first.
nlohmann::ordered_json encode_operation(const Operation& operation);
nlohmann::ordered_json encode_observation(const Observation& observation);
nlohmann::ordered_json encode_config(const Config& config);

// Errors: DecodeError.
Operation decode_operation(const nlohmann::json& json);
Observation decode_observation(const nlohmann::json& json);

// Keys that `json` does not name keep their value in `base`. The ranges of config_keys() are held; whether the keys
// fit together (config_problem) is not asked. Errors: DecodeError.
Config decode_config(const nlohmann::json& json, const Config& base = {});

}  // namespace vmref
