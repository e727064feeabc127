// Structs as JSON objects: a table of fields serves writing and reading. For whoever has a Layout to define.
#pragma once

#include <cstddef>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>

#include "ops/codec.h"
#include "ops/codec_forms.h"

namespace vmref::codec {

// Specialised for every struct with a JSON form: kFields is the tuple of its fields; kName, for operations, their
// name in "op".
template <typename T>
struct Layout;

struct Always {
    bool operator()(const auto&) const { return true; }
};

// One member of an object. `access` leads from the struct to the value: a pointer to member, or a function.
// `applies` says whether this struct has the member at all.
template <typename FormT, typename AccessT, typename AppliesT>
struct Field {
    using Form = FormT;
    std::string_view name;
    AccessT access;
    bool optional;  // a reader does without: the value stays
    bool omitted;   // a writer leaves the default out
    AppliesT applies;
};

template <typename Form, typename AccessT, typename AppliesT = Always>
constexpr auto required(std::string_view name, AccessT access, AppliesT applies = {}) {
    return Field<Form, AccessT, AppliesT>{name, access, false, false, applies};
}

template <typename Form, typename AccessT>
constexpr auto optional(std::string_view name, AccessT access) {
    return Field<Form, AccessT, Always>{name, access, true, true, {}};
}

template <typename Form, typename AccessT>
constexpr auto always_written(std::string_view name, AccessT access) {
    return Field<Form, AccessT, Always>{name, access, true, false, {}};
}

template <typename T, typename Visit>
void for_each_field(Visit&& visit) {
    std::apply([&](const auto&... field) { (visit(field), ...); }, Layout<T>::kFields);
}

template <typename T>
const T& default_of() {
    static const T value{};
    return value;
}

template <typename T>
void write_members(const T& object, OrderedJson& json) {
    for_each_field<T>([&](const auto& field) {
        using Form = typename std::remove_cvref_t<decltype(field)>::Form;
        const auto& value = std::invoke(field.access, object);
        if (field.applies(object) && !(field.omitted && value == std::invoke(field.access, default_of<T>()))) {
            json[std::string(field.name)] = Form::write(value);
        }
    });
}

template <typename T>
[[noreturn]] void refuse_unknown(const Json& json, const T& object, std::string_view tag) {
    for (const auto& item : json.items()) {
        const std::string& name = item.key();
        bool known = name == tag;
        std::string members;
        for_each_field<T>([&](const auto& field) {
            if (field.applies(object)) {
                known = known || field.name == name;
                members.append(members.empty() ? "" : ", ").append(field.name);
            }
        });
        if (!known) {
            throw DecodeError("", "expected only the members " + members + ", found " + excerpt(name)).inside(name);
        }
    }
    throw std::logic_error("codec: no unknown member");
}

// `tag` names a member that is allowed although it is no field ("op"), or is empty.
template <typename T>
void read_members(const Json& json, T& object, std::string_view tag) {
    if (!json.is_object()) {
        throw DecodeError("", "expected an object, found " + excerpt(json));
    }
    std::size_t taken = json.count(tag);
    for_each_field<T>([&](const auto& field) {
        using Form = typename std::remove_cvref_t<decltype(field)>::Form;
        if (!field.applies(object)) {
            return;
        }
        const auto member = json.find(field.name);
        if (member == json.end()) {
            if (!field.optional) {
                throw DecodeError("", "expected " + Form::expected() + ", found nothing").inside(field.name);
            }
            return;
        }
        try {
            read_value<Form>(*member, std::invoke(field.access, object));
        } catch (const DecodeError& error) {
            throw error.inside(field.name);
        }
        ++taken;
    });
    if (taken != json.size()) {
        refuse_unknown(json, object, tag);
    }
}

template <typename T>
struct Object {
    static std::string expected() { return "an object"; }
    static OrderedJson write(const T& object) {
        OrderedJson json = OrderedJson::object();
        write_members(object, json);
        return json;
    }
    static bool read(const Json& json, T& object) {
        read_members(json, object, "");
        return true;
    }
};

}  // namespace vmref::codec
