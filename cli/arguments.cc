#include "cli/arguments.h"

#include <fmt/format.h>

#include <CLI/Error.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace vmref::cli {

namespace {

[[noreturn]] void refuse(const std::string& name, const std::string& problem) {
    throw CLI::ValidationError(name, problem);
}

template <typename T>
bool parse_whole(std::string_view text, T& value) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

std::string expected_number(const NumberRange& range, std::string_view got) {
    if (range.max == std::numeric_limits<std::uint64_t>::max()) {
        return fmt::format("expected a number{}, got '{}'", range.min == 0 ? "" : fmt::format(" from {}", range.min),
                           got);
    }
    return fmt::format("expected a number from {} to {}, got '{}'", range.min, range.max, got);
}

bool parse_number(std::string_view text, const NumberRange& range, std::uint64_t& value) {
    std::uint64_t number = 0;
    if (!parse_whole(text, number) || number < range.min || number > range.max) {
        return false;
    }
    value = number;
    return true;
}

CLI::Option* add_number(CLI::App& command, const std::string& name, std::uint64_t& value, const NumberRange& range,
                        const std::string& help) {
    const auto take = [&value, name, range](const std::string& text) {
        if (!parse_number(text, range, value)) {
            refuse(name, expected_number(range, text));
        }
    };
    return command.add_option_function<std::string>(name, take, help)->type_name("N");
}

CLI::Option* add_seconds(CLI::App& command, const std::string& name, double& value, const std::string& help) {
    const auto take = [&value, name](const std::string& text) {
        if (!parse_whole(text, value) || !std::isfinite(value) || value <= 0) {
            refuse(name, fmt::format("expected a number of seconds above 0, got '{}'", text));
        }
    };
    return command.add_option_function<std::string>(name, take, help)->type_name("S");
}

CLI::Option* add_choice(CLI::App& command, const std::string& name, std::string& value,
                        const std::vector<std::string>& choices, const std::string& help) {
    const auto take = [&value, name, choices](const std::string& text) {
        if (std::find(choices.begin(), choices.end(), text) == choices.end()) {
            refuse(name, fmt::format("expected {}, got '{}'", fmt::join(choices, " or "), text));
        }
        value = text;
    };
    return command.add_option_function<std::string>(name, take, help)->type_name("NAME");
}

CLI::Option* add_world(CLI::App& command, WorldName& value) {
    const auto take = [&value](const std::string& text) {
        const auto* const found = std::find(kWorldNames.begin(), kWorldNames.end(), text);
        if (found == kWorldNames.end()) {
            refuse("--world", fmt::format("expected {}, got '{}'", fmt::join(kWorldNames, " or "), text));
        }
        value = static_cast<WorldName>(found - kWorldNames.begin());
    };
    return command
        .add_option_function<std::string>("--world", take,
                                          fmt::format("What is checked: {} (system)", fmt::join(kWorldNames, ", ")))
        ->type_name("NAME");
}

CLI::Option* add_file(CLI::App& command, const std::string& name, std::string& value, const std::string& help) {
    const auto take = [&value, name](const std::string& text) {
        if (text.empty()) {
            refuse(name, "expected the name of a file, got ''");
        }
        value = text;
    };
    return command.add_option_function<std::string>(name, take, help)->type_name("FILE");
}

CLI::Option* add_repeated(CLI::App& command, const std::string& name, std::vector<std::string>& values,
                          std::string (*problem)(const std::string&), const std::string& help) {
    const auto take = [&values, name, problem](const std::vector<std::string>& texts) {
        for (const std::string& text : texts) {
            if (const std::string why = problem(text); !why.empty()) {
                refuse(name, why);
            }
            values.push_back(text);
        }
    };
    return command.add_option_function<std::vector<std::string>>(name, take, help)->allow_extra_args(false);
}

}  // namespace vmref::cli
