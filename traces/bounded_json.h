// Parses JSON that nobody vouches for: what it can cost is bounded before anything is built.
#pragma once

#include <nlohmann/json.hpp>
#include <string_view>

#include "traces/text_file.h"

namespace vmref {

inline constexpr int kMaxJsonDepth = 16;
inline constexpr std::size_t kMaxJsonToken = 1U << 22;   // bytes of one text, name, number or gap
inline constexpr std::size_t kMaxJsonValues = 1U << 21;  // values held at a time

// Sees the parts of the document as nlohmann::json::parser_callback_t does; false drops a finished value.
using JsonFilter = nlohmann::json::parser_callback_t;

// The rest of `file`. A problem, also a name twice in one object, is a BadInput that names the line.
nlohmann::json parse_json(TextFile& file, const JsonFilter& filter);

// One line of `file`, already taken.
nlohmann::json parse_json_line(const TextFile& file, std::string_view line);

}  // namespace vmref
