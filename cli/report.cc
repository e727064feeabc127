#include "cli/report.h"

#include <fmt/format.h>

#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/arguments.h"
#include "cli/counterexample.h"
#include "cli/interrupt.h"
#include "cli/output_file.h"
#include "cli/progress.h"
#include "cli/report_text.h"
#include "cli/settings.h"
#include "cli/text.h"
#include "props/campaign.h"
#include "props/lockstep.h"
#include "traces/bad_input.h"
#include "traces/replace_file.h"

namespace vmref::cli {

namespace {

constexpr std::uint64_t kMaxOperations = 1'000'000;

struct ReportOptions {
    WorldName world = WorldName::system;
    Settings settings;
    std::string format = "md";
    std::string output;
    std::uint64_t operations = 20'000;
    std::uint64_t seed = 1;
};

// The counters of a kernel that was asked the same operations; a run is nothing but its operations.
impl::Statistics kernel_counters(const props::CampaignOptions& campaign, const std::vector<Operation>& operations) {
    props::LockstepOptions alone;
    alone.compare = false;
    props::SystemLockstep lockstep(campaign.config, campaign.defects, alone);
    for (const Operation& operation : operations) {
        if (lockstep.apply(operation)) {
            break;
        }
    }
    return lockstep.subject().kernel().stats;
}

Report make_report(props::CampaignOptions& campaign, Progress& progress) {
    Report report;
    report.world = campaign.world;
    report.seed = campaign.seed;
    std::vector<Operation> operations;
    campaign.observe = [&](const Operation& operation, const Observation& observation) {
        report.tally.add(operation, observation);
        operations.push_back(operation);
    };
    report.result = props::run_campaign(campaign, [&](const props::CampaignResult& done) {
        progress.show([&] {
            return fmt::format("{} operations/s  {} of {} operations",
                               grouped(rate(done.counts.operations, done.seconds)), grouped(done.counts.operations),
                               grouped(campaign.max_operations));
        });
    });
    progress.clear();
    campaign.observe = nullptr;
    if (campaign.world == WorldName::system) {
        report.kernel = kernel_counters(campaign, operations);
    }
    return report;
}

int run_report(const ReportOptions& options, const Streams& streams) {
    props::CampaignOptions campaign;
    campaign.world = options.world;
    campaign.config = Configuration(options.settings).over();
    campaign.defects = defect_set(options.settings);
    campaign.seed = options.seed;
    campaign.max_operations = options.operations;
    campaign.operations_per_system = options.operations;  // one system, so that one kernel has all counters
    std::optional<ReplaceFile> file;
    writing([&] { file.emplace(options.output); });

    const Interrupt interrupt;
    campaign.stop = interrupt.flag();
    Progress progress(streams.err);
    const Report report = make_report(campaign, progress);
    writing([&] {
        file->write(options.format == "json" ? json_line(report_json(report)) + "\n" : report_markdown(report));
        file->commit();
    });
    streams.out << fmt::format("{}: {} operations, {} invariants: ", options.output,
                               grouped(report.result.counts.operations), report.result.invariants.size());
    if (!report.result.violation) {
        streams.out << (interrupt.requested() ? "interrupted, holds so far\n" : "holds\n");
        return kHolds;
    }
    streams.out << fmt::format("VIOLATED {}: {}\n", report.result.violation->rule, report.result.violation->message);
    const Counterexample counterexample =
        keep_counterexample(campaign, report.result, options.settings.defects, "", progress);
    put_counterexample(streams.out, counterexample);
    if (!counterexample.problem.empty()) {
        throw CannotRun(counterexample.problem);
    }
    return kViolated;
}

}  // namespace

void add_report(CLI::App& app, Command& chosen) {
    CLI::App* const command = app.add_subcommand("report", "What a short campaign checked, and how often");
    const auto options = std::make_shared<ReportOptions>();
    add_world(*command, options->world);
    add_choice(*command, "--format", options->format, {"md", "json"}, "md (Markdown) or json");
    add_file(*command, "-o,--output", options->output, "The file that gets the report")->required();
    add_number(*command, "--ops", options->operations, {1, kMaxOperations}, "Length of the campaign (20000)");
    add_number(*command, "--seed", options->seed, {0, std::numeric_limits<std::uint64_t>::max()},
               "Decides every choice (1)");
    add_settings(*command, options->settings);
    command->callback(
        [options, &chosen] { chosen = [options](const Streams& streams) { return run_report(*options, streams); }; });
}

}  // namespace vmref::cli
