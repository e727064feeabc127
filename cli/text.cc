#include "cli/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string_view>

#include "ops/codec.h"

namespace vmref::cli {

std::string grouped(std::uint64_t number) {
    std::string text = std::to_string(number);
    for (std::size_t at = text.size(); at > 3; at -= 3) {
        text.insert(at - 3, 1, ',');
    }
    return text;
}

std::string percent(std::uint64_t part, std::uint64_t whole) {
    return fmt::format("{:.1f}", whole == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

std::string digest_text(std::uint64_t digest) {
    return fmt::format("{:016x}", digest);
}

std::string operation_text(const Operation& operation) {
    return json_line(encode_operation(operation));
}

std::string shell_word(const std::string& text) {
    const auto plain = [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
               std::string_view("-_./+:,=@%").find(c) != std::string_view::npos;
    };
    if (!text.empty() && std::all_of(text.begin(), text.end(), plain)) {
        return text;
    }
    std::string quoted = "'";
    for (const char c : text) {
        quoted += c == '\'' ? "'\\''" : std::string(1, c);
    }
    return quoted + "'";
}

std::string json_line(const nlohmann::ordered_json& json) {
    return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::uint64_t rate(std::uint64_t operations, double seconds) {
    return seconds > 0 ? static_cast<std::uint64_t>(static_cast<double>(operations) / seconds) : 0;
}

}  // namespace vmref::cli
