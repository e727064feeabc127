#include "cli/defects.h"

#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "cli/text.h"
#include "impl/defects/defects.h"

namespace vmref::cli {

namespace {

void put_json_catalogue(std::ostream& out) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const impl::DefectInfo& info : impl::defect_catalogue()) {
        list.push_back({{"id", info.id},
                        {"title", info.title},
                        {"world", info.world},
                        {"reach", info.reach},
                        {"source", info.source},
                        {"detectors", info.detectors}});
    }
    out << json_line(list) << '\n';
}

void put_catalogue(std::ostream& out) {
    for (const impl::DefectInfo& info : impl::defect_catalogue()) {
        out << fmt::format("{:<6} {}\n       world {}, reach {}; source {}; found by {}\n", info.id, info.title,
                           info.world, info.reach, info.source, info.detectors);
    }
}

}  // namespace

void add_defects(CLI::App& app, Command& chosen) {
    CLI::App* const command = app.add_subcommand("defects", "Lists the planted defects");
    const auto json = std::make_shared<bool>(false);
    command->add_flag("--json", *json, "One JSON list");
    command->callback([json, &chosen] {
        chosen = [json](const Streams& streams) {
            *json ? put_json_catalogue(streams.out) : put_catalogue(streams.out);
            return kHolds;
        };
    });
}

}  // namespace vmref::cli
