// What remains of a violation that a campaign found: a short trace, written to a file.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/interrupt.h"
#include "cli/progress.h"
#include "props/campaign.h"
#include "props/shrink.h"

namespace vmref::cli {

struct Counterexample {
    std::string path;
    std::string problem;         // why the trace could not be written; empty: it was
    std::size_t found_with = 0;  // operations before shrinking
    props::ShrinkResult shrunk;
    std::vector<std::string> defects;
};

// "violation-I-16-42.json"
std::string default_trace_name(const std::string& rule, std::uint64_t seed);

// Shrinks and writes. Requires: result.violation. `path` may be empty: the default name, in the current directory.
// An interrupt cuts the shrinking short.
Counterexample keep_counterexample(const props::CampaignOptions& options, const props::CampaignResult& result,
                                   const std::vector<std::string>& defects, const std::string& path,
                                   Progress& progress);

// How short it became, its operations if they are few, the command that replays it.
void put_counterexample(std::ostream& out, const Counterexample& counterexample);

// The member "violation" of a JSON summary.
nlohmann::ordered_json violation_json(const Counterexample& counterexample);

}  // namespace vmref::cli
