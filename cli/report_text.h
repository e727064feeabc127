// The report of a campaign, as Markdown and as JSON. Nothing in it depends on a clock: equal campaigns, equal reports.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "cli/tally.h"
#include "impl/vm/kernel.h"
#include "props/campaign.h"

namespace vmref::cli {

struct Report {
    WorldName world = WorldName::system;
    std::uint64_t seed = 0;
    props::CampaignResult result;
    Tally tally;
    impl::Statistics kernel;  // of the system world
};

// By name, how often each function of pmap.c ran.
nlohmann::ordered_json functions_json(const props::CampaignResult& result);
nlohmann::ordered_json paths_json(const props::CampaignResult& result);

std::string report_markdown(const Report& report);
nlohmann::ordered_json report_json(const Report& report);

}  // namespace vmref::cli
