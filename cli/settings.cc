#include "cli/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "cli/arguments.h"
#include "cli/command.h"
#include "ops/codec.h"
#include "traces/bad_input.h"
#include "traces/bounded_json.h"
#include "traces/text_file.h"

namespace vmref::cli {

namespace {

constexpr std::uint64_t kMaxConfigBytes = 1U << 20;

// The two halves of "key=value".
struct Assignment {
    explicit Assignment(std::string_view text)
        : key(text.substr(0, text.find('='))), value(text.substr(std::min(key.size() + 1, text.size()))) {}
    std::string_view key;
    std::string_view value;
};

const ConfigKey* find_key(std::string_view name) {
    const auto keys = config_keys();
    const auto key = std::find_if(keys.begin(), keys.end(), [name](const ConfigKey& k) { return k.name == name; });
    return key == keys.end() ? nullptr : &*key;
}

template <typename Range, typename Name>
std::string name_list(const Range& range, Name name) {
    std::string names;
    for (const auto& element : range) {
        names.append(names.empty() ? "" : ", ").append(name(element));
    }
    return names;
}

std::string assignment_problem(const std::string& text) {
    if (text.find('=') == std::string::npos) {
        return fmt::format("expected key=value, got '{}'", text);
    }
    const Assignment assignment(text);
    const ConfigKey* const key = find_key(assignment.key);
    if (key == nullptr) {
        return fmt::format("expected one of the keys {}; got '{}'",
                           name_list(config_keys(), [](const ConfigKey& k) { return k.name; }), assignment.key);
    }
    std::uint64_t value = 0;
    const NumberRange range{key->min, key->max};
    return parse_number(assignment.value, range, value)
               ? std::string()
               : fmt::format("{}: {}", key->name, expected_number(range, assignment.value));
}

std::string defect_problem(const std::string& id) {
    if (impl::find_defect(id)) {
        return {};
    }
    return fmt::format("expected one of {}; got '{}'",
                       name_list(impl::defect_catalogue(), [](const impl::DefectInfo& info) { return info.id; }), id);
}

nlohmann::json read_config(const std::string& path) {
    TextFile file(path, kMaxConfigBytes);
    nlohmann::json json = parse_json(file, [](int, nlohmann::json::parse_event_t, nlohmann::json&) { return true; });
    try {
        decode_config(json);
    } catch (const DecodeError& error) {
        throw BadInput(
            fmt::format("{}: {}{}{}", path, error.pointer(), error.pointer().empty() ? "" : ": ", error.problem()));
    }
    return json;
}

std::string options_given(const Settings& settings) {
    std::string text = settings.config_file.empty() ? "" : "--config " + settings.config_file;
    for (const std::string& assignment : settings.assignments) {
        text += (text.empty() ? "--set " : " --set ") + assignment;
    }
    return text;
}

}  // namespace

void add_settings(CLI::App& command, Settings& settings) {
    add_file(command, "--config", settings.config_file, "JSON object of configuration keys");
    add_repeated(command, "--set", settings.assignments, assignment_problem, "One configuration key, after --config")
        ->type_name("KEY=VALUE");
    add_defects_option(command, settings.defects);
}

void add_defects_option(CLI::App& command, std::vector<std::string>& ids) {
    add_repeated(command, "--defect", ids, defect_problem, "Switches on a planted defect (see: vmref defects)")
        ->type_name("ID");
}

Configuration::Configuration(const Settings& settings)
    : settings_(settings),
      file_(settings.config_file.empty() ? nlohmann::json::object() : read_config(settings.config_file)) {}

Config Configuration::over(const Config& base) const {
    Config config = decode_config(file_, base);
    for (const std::string& text : settings_.assignments) {
        const Assignment assignment(text);
        const ConfigKey& key = *find_key(assignment.key);
        std::uint64_t value = 0;
        parse_number(assignment.value, {key.min, key.max}, value);
        config.*key.field = static_cast<std::uint32_t>(value);
    }
    const std::string_view problem = config_problem(config);
    if (!problem.empty()) {
        throw UsageError(fmt::format("{}: expected keys that fit together: {}", options_given(settings_), problem));
    }
    return config;
}

impl::DefectSet defect_set(const std::vector<std::string>& ids) {
    impl::DefectSet defects;
    for (const std::string& id : ids) {
        defects.switch_on(*impl::find_defect(id));
    }
    return defects;
}

impl::DefectSet defect_set(const Settings& settings) {
    return defect_set(settings.defects);
}

}  // namespace vmref::cli
