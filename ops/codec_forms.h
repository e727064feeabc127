// How a single member looks in JSON: one form per kind of value. For ops/codec.cc.
//
// A form has write(value), read(json, value) that is false if `json` is not of the form, and expected(), which
// completes "expected ...".
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "ops/codec.h"
#include "ops/injection_operation.h"
#include "ops/observation.h"
#include "ops/types.h"
#include "ops/world.h"

namespace vmref::codec {

using Json = nlohmann::json;
using OrderedJson = nlohmann::ordered_json;

// The value as an error message shows it: short, one line, plain ASCII.
std::string excerpt(const Json& json);

// The whole number in `json` if there is one and it is between `min` and `max`.
bool read_whole(const Json& json, std::uint64_t min, std::uint64_t max, std::uint64_t& out);

template <typename T>
struct Number {
    static constexpr T kMax = std::numeric_limits<T>::max();

    static std::string expected() { return "a whole number from 0 to " + std::to_string(kMax); }
    static OrderedJson write(T value) { return value; }
    static bool read(const Json& json, T& value) {
        std::uint64_t whole = 0;
        if (!read_whole(json, 0, kMax, whole)) {
            return false;
        }
        value = static_cast<T>(whole);
        return true;
    }
};

struct Address {
    static std::string expected() { return "an address: \"0x\" and 1 to 8 hexadecimal digits, or a number below 2^32"; }
    static OrderedJson write(Va value);
    static bool read(const Json& json, Va& value);
};

struct Protection {
    static std::string expected() { return "a protection: \"-\" or letters of \"rwx\" in this order"; }
    static OrderedJson write(Prot value);
    static bool read(const Json& json, Prot& value);
};

struct Flag {
    static std::string expected() { return "true or false"; }
    static OrderedJson write(bool value) { return value; }
    static bool read(const Json& json, bool& value) {
        value = json.is_boolean() && json.get<bool>();
        return json.is_boolean();
    }
};

struct Text {
    static std::string expected() { return "a text"; }
    static OrderedJson write(const std::string& value) { return value; }
    static bool read(const Json& json, std::string& value) {
        if (json.is_string()) {
            value = json.get_ref<const std::string&>();
        }
        return json.is_string();
    }
};

// The names of an enumeration, in the order of its values.
template <typename Enum>
inline constexpr std::array<std::string_view, 0> kNames{};
template <>
inline constexpr std::array<std::string_view, 3> kNames<Inherit>{"share", "copy", "none"};
template <>
inline constexpr std::array<std::string_view, 8> kNames<Advice>{"normal",   "random", "sequential", "willneed",
                                                                "dontneed", "free",   "nosync",     "autosync"};
template <>
inline constexpr std::array<std::string_view, 9> kNames<Status>{
    "success", "invalid_address",   "protection_failure", "no_space", "invalid_argument",
    "failure", "resource_shortage", "failure_nofault",    "try_again"};
template <>
inline constexpr std::array<std::string_view, 4> kNames<Signal>{"none", "segv", "bus", "kill"};
template <>
inline constexpr std::array<std::string_view, 3> kNames<AccessKind>{"load", "store", "fetch"};

template <>
inline constexpr std::array<std::string_view, 2> kNames<IoCall>{"get", "put"};
template <>
inline constexpr std::array<std::string_view, 9> kNames<IoAnswer>{"ok",         "error",    "bad",   "again", "pend",
                                                                  "pend_error", "replaced", "taken", "lost"};
template <>
inline constexpr std::array<std::string_view, 3> kNames<Scarce>{"page", "page_table", "pv"};
template <>
inline constexpr std::array<std::string_view, 3> kNames<HookTime>{"during", "after", "never"};

template <>
inline constexpr auto kNames<WorldName> = kWorldNames;

template <typename Enum>
struct Name {
    static std::string expected() {
        std::string names;
        for (const std::string_view name : kNames<Enum>) {
            names.append(names.empty() ? "" : ", ").append(name);
        }
        return "one of " + names;
    }
    static std::string_view text(Enum value) { return kNames<Enum>.at(static_cast<std::size_t>(value)); }
    static OrderedJson write(Enum value) { return text(value); }
    static bool read(const Json& json, Enum& value) {
        if (!json.is_string()) {
            return false;
        }
        const auto at = std::find(kNames<Enum>.begin(), kNames<Enum>.end(), json.get_ref<const std::string&>());
        if (at == kNames<Enum>.end()) {
            return false;
        }
        value = static_cast<Enum>(at - kNames<Enum>.begin());
        return true;
    }
};

template <typename Form, typename T>
void read_value(const Json& json, T& value) {
    if (!Form::read(json, value)) {
        throw DecodeError("", "expected " + Form::expected() + ", found " + excerpt(json));
    }
}

template <typename Form>
struct List {
    static std::string expected() { return "a list"; }

    template <typename T>
    static OrderedJson write(const std::vector<T>& values) {
        OrderedJson list = OrderedJson::array();
        for (const T& value : values) {
            list.push_back(Form::write(value));
        }
        return list;
    }

    template <typename T>
    static bool read(const Json& json, std::vector<T>& values) {
        if (!json.is_array()) {
            return false;
        }
        values.resize(json.size());
        for (std::size_t n = 0; n < values.size(); ++n) {
            try {
                read_value<Form>(json[n], values[n]);
            } catch (const DecodeError& error) {
                throw error.inside(std::to_string(n));
            }
        }
        return true;
    }
};

}  // namespace vmref::codec
