// The options that describe the system under test: its configuration and its defects.
#pragma once

#include <CLI/App.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "impl/defects/defects.h"
#include "ops/config.h"

namespace vmref::cli {

// Filled in by the command line, which accepts known keys in their range and known defects only.
struct Settings {
    std::string config_file;
    std::vector<std::string> assignments;  // "key=value"
    std::vector<std::string> defects;      // ids

    // Nothing is said about the configuration.
    bool default_machine() const { return config_file.empty() && assignments.empty(); }
};

// --config, --set and --defect. `settings` must outlive the parsing of `command`.
void add_settings(CLI::App& command, Settings& settings);

// --defect alone.
void add_defects_option(CLI::App& command, std::vector<std::string>& ids);

// What the settings change about a configuration. Reads the file once. Errors: BadInput.
class Configuration {
  public:
    explicit Configuration(const Settings& settings);

    // `base`, with the file on top and the assignments on top of that. Errors: UsageError, if the keys do not fit
    // together.
    Config over(const Config& base = {}) const;

  private:
    const Settings& settings_;
    nlohmann::json file_;
};

// Requires: ids that the command line has accepted.
impl::DefectSet defect_set(const std::vector<std::string>& ids);
impl::DefectSet defect_set(const Settings& settings);

}  // namespace vmref::cli
