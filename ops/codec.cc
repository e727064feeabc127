#include "ops/codec.h"

#include <algorithm>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "ops/codec_layout.h"
#include "ops/codec_layout_injection.h"
#include "ops/codec_layout_kernel.h"
#include "ops/codec_layout_machine.h"
#include "ops/codec_layout_object.h"
#include "ops/codec_layout_pmap.h"

namespace vmref {

namespace codec {
namespace {

constexpr std::string_view kTag = "op";

// Some structs serve several operations: a member says which, and names it.
template <typename T>
constexpr bool kNamedByCall = requires {
    Layout<T>::kCall;
};
template <typename T>
using CallOf = Name<std::remove_cvref_t<decltype(std::declval<T>().*Layout<T>::kCall)>>;

// Takes the alternative `T` if its name is `name`.
template <typename T>
bool try_decode(std::string_view name, const Json& json, std::optional<Operation>& out) {
    T operation{};
    if constexpr (kNamedByCall<T>) {
        if (!CallOf<T>::read(name, operation.*Layout<T>::kCall)) {
            return false;
        }
    } else if (name != Layout<T>::kName) {
        return false;
    }
    read_members(json, operation, kTag);
    out = std::move(operation);
    return true;
}

template <typename... T>
std::optional<Operation> decode_variant(std::string_view name, const Json& json,
                                        std::type_identity<std::variant<T...>>) {
    std::optional<Operation> result;
    static_cast<void>((try_decode<T>(name, json, result) || ...));
    return result;
}

}  // namespace
}  // namespace codec

DecodeError::DecodeError(std::string pointer, std::string problem)
    : std::runtime_error((pointer.empty() ? "/" : pointer) + ": " + problem),
      pointer_(std::move(pointer)),
      problem_(std::move(problem)) {}

DecodeError DecodeError::inside(std::string_view name) const {
    std::string pointer = "/";
    for (const char c : name) {
        pointer += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
    }
    return {pointer + pointer_, problem_};
}

std::string_view operation_name(const Operation& operation) {
    return std::visit(
        []<typename T>(const T& op) -> std::string_view {
            if constexpr (codec::kNamedByCall<T>) {
                return codec::CallOf<T>::text(op.*codec::Layout<T>::kCall);
            } else {
                return codec::Layout<T>::kName;
            }
        },
        operation);
}

nlohmann::ordered_json encode_operation(const Operation& operation) {
    nlohmann::ordered_json json{{codec::kTag, operation_name(operation)}};
    std::visit([&](const auto& op) { codec::write_members(op, json); }, operation);
    return json;
}

nlohmann::ordered_json encode_observation(const Observation& observation) {
    return codec::Object<Observation>::write(observation);
}

nlohmann::ordered_json encode_config(const Config& config) {
    nlohmann::ordered_json json = nlohmann::ordered_json::object();
    for (const ConfigKey& key : config_keys()) {
        json[std::string(key.name)] = config.*key.field;
    }
    return json;
}

Operation decode_operation(const nlohmann::json& json) {
    if (!json.is_object()) {
        throw DecodeError("", "expected an operation, found " + codec::excerpt(json));
    }
    const auto tag = json.find(codec::kTag);
    if (tag == json.end()) {
        throw DecodeError("/op", "expected the name of an operation, found nothing");
    }
    if (tag->is_string()) {
        const auto& name = tag->get_ref<const std::string&>();
        if (auto operation = codec::decode_variant(name, json, std::type_identity<Operation>{})) {
            return *std::move(operation);
        }
    }
    throw DecodeError("/op", "expected the name of an operation, found " + codec::excerpt(*tag));
}

Observation decode_observation(const nlohmann::json& json) {
    Observation observation;
    codec::read_members(json, observation, "");
    return observation;
}

Config decode_config(const nlohmann::json& json, const Config& base) {
    if (!json.is_object()) {
        throw DecodeError("", "expected an object of configuration keys, found " + codec::excerpt(json));
    }
    const auto keys = config_keys();
    Config config = base;
    for (const auto& item : json.items()) {
        const std::string& name = item.key();
        const nlohmann::json& value = item.value();
        const auto key = std::find_if(keys.begin(), keys.end(), [&](const ConfigKey& k) { return k.name == name; });
        if (key == keys.end()) {
            throw DecodeError("", "expected a configuration key, found " + codec::excerpt(name)).inside(name);
        }
        std::uint64_t number = 0;
        if (!codec::read_whole(value, key->min, key->max, number)) {
            throw DecodeError("", "expected a whole number from " + std::to_string(key->min) + " to " +
                                      std::to_string(key->max) + " (" + std::string(key->meaning) + "), found " +
                                      codec::excerpt(value))
                .inside(name);
        }
        config.*key->field = static_cast<std::uint32_t>(number);
    }
    return config;
}

}  // namespace vmref
