#include "cli/tally.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "cli/text.h"
#include "ops/codec.h"

namespace vmref::cli {

namespace {

std::string outcome_name(std::size_t status, std::size_t signal) {
    Observation observation;
    observation.status = static_cast<Status>(status);
    observation.signal = static_cast<Signal>(signal);
    const nlohmann::ordered_json json = encode_observation(observation);
    return json.value("signal", json.value("status", "success"));
}

}  // namespace

void Tally::add(const Operation& operation, const Observation& observation) {
    ++counts_[operation_name(operation)][static_cast<std::size_t>(observation.status)]
             [static_cast<std::size_t>(observation.signal)];
}

std::map<std::string_view, Tally::Row> Tally::rows() const {
    std::map<std::string_view, Row> rows;
    for (const auto& [name, counts] : counts_) {
        Row& row = rows[name];
        for (std::size_t status = 0; status < kStatuses; ++status) {
            for (std::size_t signal = 0; signal < kSignals; ++signal) {
                if (const std::uint64_t count = counts[status][signal]; count != 0) {
                    row.count += count;
                    row.outcomes[outcome_name(status, signal)] += count;
                }
            }
        }
    }
    return rows;
}

nlohmann::ordered_json Tally::json() const {
    nlohmann::ordered_json json = nlohmann::ordered_json::object();
    for (const auto& [name, row] : rows()) {
        json[std::string(name)] = {{"count", row.count}, {"outcomes", row.outcomes}};
    }
    return json;
}

std::string outcomes_text(const Tally::Row& row) {
    std::vector<std::pair<std::string, std::uint64_t>> outcomes(row.outcomes.begin(), row.outcomes.end());
    std::stable_sort(outcomes.begin(), outcomes.end(),
                     [](const auto& a, const auto& b) { return a.second > b.second; });
    std::string text;
    for (const auto& [name, count] : outcomes) {
        text += (text.empty() ? "" : ", ") + name + " " + grouped(count);
    }
    return text;
}

}  // namespace vmref::cli
