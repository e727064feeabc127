// Options whose values are judged while the command line is read. CLI11's own conversions accept octal numbers and
// signs, and their messages do not say what was expected.
#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "ops/world.h"

namespace vmref::cli {

struct NumberRange {
    std::uint64_t min;
    std::uint64_t max;
};

// "expected a number from 1 to 8, got 'x'"
std::string expected_number(const NumberRange& range, std::string_view got);
// Decimal digits only. False: not a number of the range.
bool parse_number(std::string_view text, const NumberRange& range, std::uint64_t& value);

CLI::Option* add_number(CLI::App& command, const std::string& name, std::uint64_t& value, const NumberRange& range,
                        const std::string& help);
// More than 0, finite.
CLI::Option* add_seconds(CLI::App& command, const std::string& name, double& value, const std::string& help);
CLI::Option* add_choice(CLI::App& command, const std::string& name, std::string& value,
                        const std::vector<std::string>& choices, const std::string& help);
// --world
CLI::Option* add_world(CLI::App& command, WorldName& value);
// Never empty.
CLI::Option* add_file(CLI::App& command, const std::string& name, std::string& value, const std::string& help);

// May be given several times, with one value each. `problem` says what is wrong with a value, or is empty.
CLI::Option* add_repeated(CLI::App& command, const std::string& name, std::vector<std::string>& values,
                          std::string (*problem)(const std::string&), const std::string& help);

}  // namespace vmref::cli
