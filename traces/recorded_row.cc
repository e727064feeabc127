#include "traces/recorded_row.h"

#include <algorithm>

#include "ops/codec_forms.h"
#include "traces/bounded_json.h"

namespace vmref {

namespace {

constexpr const char* kFlagsExpected =
    "P or S, then of A (anonymous), F (fixed) and K (stack, with P and A) what applies, each once";

}  // namespace

RecordedRow::RecordedRow(const TextFile& file, std::string_view line)
    : file_(file), json_(parse_json_line(file, line)) {
    if (!json_.is_object()) {
        file_.fail_here("expected a JSON object, found " + codec::excerpt(json_));
    }
    op_ = "row";
    op_ = text("op");
}

std::uint32_t RecordedRow::number(const char* name, std::uint32_t min, std::uint32_t max) const {
    const auto member = json_.find(name);
    std::uint64_t whole = 0;
    if (member == json_.end() || !codec::read_whole(*member, min, max, whole)) {
        fail(name, "a whole number from " + std::to_string(min) + " to " + std::to_string(max));
    }
    return static_cast<std::uint32_t>(whole);
}

std::optional<std::uint32_t> RecordedRow::optional_number(const char* name, std::uint32_t min,
                                                          std::uint32_t max) const {
    return has(name) ? std::optional(number(name, min, max)) : std::nullopt;
}

std::string RecordedRow::text(const char* name) const {
    const auto member = json_.find(name);
    if (member == json_.end() || !member->is_string()) {
        fail(name, "a text");
    }
    return member->get<std::string>();
}

VaRange RecordedRow::pages(const char* addr, const char* len, RangeRule rule) const {
    const Va start = number(addr, 0, kUserEnd - 1);
    const std::uint64_t length = number(len, rule == kNotEmpty ? 1 : 0);
    if (rule != kAnyStart && (start & kPageMask) != 0) {
        fail(addr, "a multiple of the page size");
    }
    if (start + length > kUserEnd) {
        fail(len, "a range that ends at or below " + std::to_string(kUserEnd));
    }
    const Va first = trunc_page(start);
    return {first, length == 0 ? first : round_page(start + static_cast<std::uint32_t>(length))};
}

Prot RecordedRow::prot() const {
    const auto prot = static_cast<Prot>(number("prot", 0, kProtAll));
    return prot == kProtNone ? prot : static_cast<Prot>(prot | kProtRead);
}

MapFlags RecordedRow::map_flags() const {
    std::string letters = text("flags");
    std::sort(letters.begin(), letters.end());
    const auto has_letter = [&](char letter) { return letters.find(letter) != std::string::npos; };
    const MapFlags flags{has_letter('S'), has_letter('A'), has_letter('K')};
    if (letters.find_first_not_of("PSAFK") != std::string::npos ||
        std::adjacent_find(letters.begin(), letters.end()) != letters.end() || has_letter('P') == flags.shared ||
        (flags.stack && (flags.shared || !flags.anonymous))) {
        fail("flags", kFlagsExpected);
    }
    return flags;
}

AccessKind RecordedRow::access_kind() const {
    const std::string acc = text("acc");
    if (acc == "r") {
        return AccessKind::load;
    }
    if (acc == "w") {
        return AccessKind::store;
    }
    if (acc != "x") {
        fail("acc", "r, w or x");
    }
    return AccessKind::fetch;
}

void RecordedRow::fail(const char* name, const std::string& expected) const {
    const auto member = json_.find(name);
    file_.fail_here(op_ + "." + name + ": expected " + expected + ", found " +
                    (member == json_.end() ? "nothing" : codec::excerpt(*member)));
}

}  // namespace vmref
