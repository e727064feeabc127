// One row of a recording: its members, checked when they are asked for.
#pragma once

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "ops/types.h"
#include "traces/mapped_ranges.h"
#include "traces/text_file.h"

namespace vmref {

struct MapFlags {
    bool shared = false;
    bool anonymous = false;
    bool stack = false;
};

// Every function throws the BadInput "FILE:LINE: op.member: expected ..., found ..." for a member that is missing or
// wrong. Members that nobody asks for are not looked at.
class RecordedRow {
  public:
    static constexpr std::uint32_t kMax = std::numeric_limits<std::uint32_t>::max();

    // `line` is the line of `file` taken last.
    RecordedRow(const TextFile& file, std::string_view line);

    const std::string& op() const { return op_; }
    bool has(const char* name) const { return json_.contains(name); }

    std::uint32_t number(const char* name, std::uint32_t min = 0, std::uint32_t max = kMax) const;
    std::optional<std::uint32_t> optional_number(const char* name, std::uint32_t min = 0,
                                                 std::uint32_t max = kMax) const;
    std::string text(const char* name) const;

    enum RangeRule { kAligned, kNotEmpty, kAnyStart };
    // The pages of the range in user space that `addr` and `len` name. Starts at a page border (kAligned), has also a
    // length (kNotEmpty), or starts anywhere (kAnyStart).
    VaRange pages(const char* addr, const char* len, RangeRule rule = kAligned) const;

    Prot prot() const;
    MapFlags map_flags() const;
    AccessKind access_kind() const;

    [[noreturn]] void fail(const char* name, const std::string& expected) const;

  private:
    const TextFile& file_;
    nlohmann::json json_;
    std::string op_;
};

}  // namespace vmref
