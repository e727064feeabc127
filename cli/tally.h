// How often each kind of operation was seen, and how it ended.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "ops/observation.h"
#include "ops/operation.h"

namespace vmref::cli {

class Tally {
  public:
    struct Row {
        std::uint64_t count = 0;
        // By the name of the signal, or of the status if there was no signal.
        std::map<std::string, std::uint64_t> outcomes;
    };

    void add(const Operation& operation, const Observation& observation);

    // By the name of the operation.
    std::map<std::string_view, Row> rows() const;
    nlohmann::ordered_json json() const;

  private:
    static constexpr std::size_t kStatuses = 9;
    static constexpr std::size_t kSignals = 4;
    using Counts = std::array<std::array<std::uint64_t, kSignals>, kStatuses>;

    std::map<std::string_view, Counts> counts_;
};

// "success 120, segv 3": the most frequent first.
std::string outcomes_text(const Tally::Row& row);

}  // namespace vmref::cli
