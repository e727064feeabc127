#include "ops/codec_forms.h"

#include <charconv>
#include <system_error>

namespace vmref::codec {

namespace {

constexpr std::size_t kExcerptBytes = 40;
constexpr std::array<std::string_view, 8> kProtections{"-", "r", "w", "rw", "x", "rx", "wx", "rwx"};

}  // namespace

std::string excerpt(const Json& json) {
    if (json.is_object()) {
        return "an object";
    }
    if (json.is_array()) {
        return "a list";
    }
    const auto dump = [](const Json& value) { return value.dump(-1, ' ', true, Json::error_handler_t::replace); };
    if (!json.is_string()) {
        return dump(json);
    }
    const auto& text = json.get_ref<const std::string&>();
    return text.size() <= kExcerptBytes ? dump(json) : dump(text.substr(0, kExcerptBytes)) + "...";
}

bool read_whole(const Json& json, std::uint64_t min, std::uint64_t max, std::uint64_t& out) {
    if (!json.is_number_integer() || (!json.is_number_unsigned() && json.get<std::int64_t>() < 0)) {
        return false;
    }
    out = json.get<std::uint64_t>();
    return out >= min && out <= max;
}

OrderedJson Address::write(Va value) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text = "0x00000000";
    for (std::size_t at = text.size() - 1; value != 0; --at, value >>= 4) {
        text[at] = digits[value & 0xf];
    }
    return text;
}

bool Address::read(const Json& json, Va& value) {
    if (!json.is_string()) {
        return Number<Va>::read(json, value);
    }
    const std::string_view text = json.get_ref<const std::string&>();
    if (!text.starts_with("0x") || text.size() < 3 || text.size() > 10) {
        return false;
    }
    const auto [end, error] = std::from_chars(text.data() + 2, text.data() + text.size(), value, 16);
    return error == std::errc{} && end == text.data() + text.size();
}

OrderedJson Protection::write(Prot value) {
    return kProtections.at(value);
}

bool Protection::read(const Json& json, Prot& value) {
    if (!json.is_string()) {
        return false;
    }
    const auto at = std::find(kProtections.begin(), kProtections.end(), json.get_ref<const std::string&>());
    value = static_cast<Prot>(at - kProtections.begin());
    return at != kProtections.end();
}

}  // namespace vmref::codec
