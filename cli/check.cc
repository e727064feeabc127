#include "cli/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "cli/arguments.h"
#include "cli/counterexample.h"
#include "cli/interrupt.h"
#include "cli/output_file.h"
#include "cli/progress.h"
#include "cli/report_text.h"
#include "cli/settings.h"
#include "cli/tally.h"
#include "cli/text.h"
#include "cli/violation_text.h"
#include "props/campaign.h"

namespace vmref::cli {

namespace {

constexpr std::uint64_t kDefaultOperations = 1'000'000;
constexpr std::uint64_t kAnyNumber = std::numeric_limits<std::uint64_t>::max();

struct CheckOptions {
    Settings settings;
    WorldName world = WorldName::system;
    std::uint64_t operations = 0;
    double seconds = 0;
    std::uint64_t seed = 1;
    std::string trace_out;
    bool json = false;
    bool stats = false;
};

struct Checked {
    props::CampaignResult result;
    Tally tally;
    bool interrupted = false;
    std::uint64_t evaluated = 0;  // invariants
    std::uint64_t with_premise = 0;
};

std::string time_left(const props::CampaignResult& done, const props::CampaignOptions& options) {
    double seconds = std::numeric_limits<double>::max();
    if (options.max_seconds > 0) {
        seconds = options.max_seconds - done.seconds;
    }
    if (options.max_operations != 0 && done.counts.operations != 0) {
        const auto left = static_cast<double>(options.max_operations - done.counts.operations);
        seconds = std::min(seconds, left * done.seconds / static_cast<double>(done.counts.operations));
    }
    return fmt::format("{:.0f} s left", std::max(seconds, 0.0));
}

props::CampaignOptions campaign_options(const CheckOptions& options) {
    props::CampaignOptions campaign;
    campaign.world = options.world;
    campaign.config = Configuration(options.settings).over();
    campaign.small_systems = options.settings.default_machine();
    campaign.defects = defect_set(options.settings);
    campaign.seed = options.seed;
    campaign.max_operations = options.operations;
    campaign.max_seconds = options.seconds;
    if (options.operations == 0 && options.seconds == 0) {
        campaign.max_operations = kDefaultOperations;
    }
    return campaign;
}

Checked run_checks(props::CampaignOptions& campaign, const CheckOptions& options, const Interrupt& interrupt,
                   Progress& progress) {
    Checked checked;
    if (options.stats) {
        campaign.observe = [&checked](const Operation& operation, const Observation& observation) {
            checked.tally.add(operation, observation);
        };
    }
    checked.result = props::run_campaign(campaign, [&](const props::CampaignResult& done) {
        progress.show([&] {
            return fmt::format("{} operations/s  {} operations  {} violations  {}",
                               grouped(rate(done.counts.operations, done.seconds)), grouped(done.counts.operations),
                               done.violation ? 1 : 0, time_left(done, campaign));
        });
    });
    progress.clear();
    campaign.observe = nullptr;
    checked.interrupted = interrupt.requested();
    for (const props::Invariant& invariant : checked.result.invariants) {
        checked.evaluated += invariant.checked;
        checked.with_premise += invariant.applied;
    }
    return checked;
}

// The names of what no operation reached.
std::string blind_spots(const std::vector<impl::PathCount>& paths) {
    std::string names;
    for (const impl::PathCount& path : paths) {
        if (path.count == 0) {
            names += (names.empty() ? "" : ", ") + path.name;
        }
    }
    return names.empty() ? "nothing" : names;
}

void put_stats(std::ostream& out, const Checked& checked) {
    out << '\n';
    for (const auto& [name, row] : checked.tally.rows()) {
        out << fmt::format("{:<22} {:>11} {:>5} %  {}\n", name, grouped(row.count),
                           percent(row.count, checked.result.counts.operations), outcomes_text(row));
    }
    out << '\n';
    for (const impl::PathCount& path : checked.result.paths) {
        out << fmt::format("{:<36} {:>11}\n", path.name, grouped(path.count));
    }
    if (!checked.result.paths.empty()) {
        out << fmt::format("not reached: {}\n\n", blind_spots(checked.result.paths));
    }
    for (const props::FunctionCount& function : checked.result.functions) {
        out << fmt::format("{:<26} {:>11}\n", function.name, grouped(function.count));
    }
    out << '\n';
}

void put_summary(std::ostream& out, const Checked& checked, const CheckOptions& options) {
    const props::CampaignResult& result = checked.result;
    const auto line = [&out](const char* name, std::uint64_t number, const std::string& more = "") {
        out << fmt::format("{:<21}{:>13}{}\n", name, grouped(number), more.empty() ? "" : "  " + more);
    };
    line("operations", result.counts.operations, fmt::format("seed {}, systems {}", options.seed, result.systems));
    line("accesses", result.counts.accesses);
    line("faulting operations", result.counts.faulting,
         percent(result.counts.faulting, result.counts.operations) + " %");
    line("page faults", result.faults);
    line("cells compared", result.counts.cells_compared, fmt::format("full comparisons {}", result.counts.checkpoints));
    line("invariants evaluated", checked.evaluated, "with premise " + grouped(checked.with_premise));
    line("peak frames", result.peak_frames);
    line("operations/s", rate(result.counts.operations, result.seconds), fmt::format("in {:.2f} s", result.seconds));
    out << fmt::format("{:<21}{:>16}\n", "digest", digest_text(result.digest));
    if (options.stats) {
        put_stats(out, checked);
    }
    if (checked.interrupted) {
        out << "interrupted: these are the results so far\n";
    }
    if (result.violation) {
        put_violation(out, *result.violation);
        out << fmt::format("  at operation {} of system {}; the last operations:\n", result.violation->step,
                           result.systems);
        put_last_operations(out, result.trace);
    } else {
        out << "holds\n";
    }
    out << std::flush;
}

nlohmann::ordered_json summary_json(const Checked& checked, const CheckOptions& options,
                                    const std::optional<Counterexample>& counterexample) {
    const props::CampaignResult& result = checked.result;
    nlohmann::ordered_json json = {
        {"operations", result.counts.operations},
        {"accesses", result.counts.accesses},
        {"faulting", result.counts.faulting},
        {"faults", result.faults},
        {"cells_compared", result.counts.cells_compared},
        {"invariants_evaluated", checked.evaluated},
        {"invariants_with_premise", checked.with_premise},
        {"systems", result.systems},
        {"peak_frames", result.peak_frames},
        {"violations", result.violation ? 1 : 0},
        {"seconds", result.seconds},
        {"rate", rate(result.counts.operations, result.seconds)},
        {"world", world_text(options.world)},
        {"seed", options.seed},
        {"digest", digest_text(result.digest)},
        {"interrupted", checked.interrupted},
        {"violation", counterexample ? violation_json(*counterexample) : nlohmann::ordered_json()},
    };
    if (options.stats) {
        json["stats"] = checked.tally.json();
        json["functions"] = functions_json(result);
        json["paths"] = paths_json(result);
    }
    return json;
}

int run_check(const CheckOptions& options, const Streams& streams) {
    props::CampaignOptions campaign = campaign_options(options);
    expect_writable(options.trace_out.empty() ? default_trace_name("any", options.seed) : options.trace_out);
    const Interrupt interrupt;
    campaign.stop = interrupt.flag();
    Progress progress(streams.err);
    const Checked checked = run_checks(campaign, options, interrupt, progress);
    if (!options.json) {
        put_summary(streams.out, checked, options);
    }
    std::optional<Counterexample> counterexample;
    if (checked.result.violation) {
        counterexample =
            keep_counterexample(campaign, checked.result, options.settings.defects, options.trace_out, progress);
    }
    if (options.json) {
        streams.out << json_line(summary_json(checked, options, counterexample)) << '\n';
    } else if (counterexample) {
        put_counterexample(streams.out, *counterexample);
    }
    if (counterexample && !counterexample->problem.empty()) {
        throw CannotRun(counterexample->problem);
    }
    return counterexample ? kViolated : kHolds;
}

}  // namespace

void add_check(CLI::App& app, Command& chosen) {
    CLI::App* const command = app.add_subcommand("check", "Random operations, held against the model");
    const auto options = std::make_shared<CheckOptions>();
    add_world(*command, options->world);
    add_number(*command, "--ops", options->operations, {1, kAnyNumber}, "Stops after N operations (1000000)");
    add_seconds(*command, "--seconds", options->seconds, "Stops after S seconds");
    add_number(*command, "--seed", options->seed, {0, kAnyNumber}, "Decides every choice (1)");
    add_settings(*command, options->settings);
    add_file(*command, "--trace-out", options->trace_out, "Where the trace of a violation goes");
    command->add_flag("--json", options->json, "One JSON object on standard output");
    command->add_flag(
        "--stats", options->stats,
        "Also how often each operation was seen, how it ended, and how often each function of pmap.c ran");
    command->callback(
        [options, &chosen] { chosen = [options](const Streams& streams) { return run_check(*options, streams); }; });
}

}  // namespace vmref::cli
