// How the commands print numbers, operations and JSON.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "ops/operation.h"

namespace vmref::cli {

// 1234567 as "1,234,567".
std::string grouped(std::uint64_t number);
// One digit after the point; "0.0" of nothing.
std::string percent(std::uint64_t part, std::uint64_t whole);
std::string digest_text(std::uint64_t digest);
// As in a trace.
std::string operation_text(const Operation& operation);
// For a POSIX shell; quoted only where it must be.
std::string shell_word(const std::string& text);

// One line. Names of files and texts of traces may not be UTF-8; what is not is replaced.
std::string json_line(const nlohmann::ordered_json& json);

// Per second, rounded down; 0 before any time has passed.
std::uint64_t rate(std::uint64_t operations, double seconds);

}  // namespace vmref::cli
