#include "cli/shrink.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>

#include "cli/arguments.h"
#include "cli/counterexample.h"
#include "cli/interrupt.h"
#include "cli/output_file.h"
#include "cli/progress.h"
#include "cli/settings.h"
#include "cli/trace_file.h"
#include "cli/violation_text.h"
#include "props/campaign.h"
#include "props/lockstep.h"
#include "props/worlds.h"
#include "traces/bad_input.h"
#include "traces/trace.h"

namespace vmref::cli {

namespace {

struct ShrinkArguments {
    Settings settings;
    std::string file;
    std::string output;
};

Config config_over(const Settings& settings, const std::string& file, const Config& base) {
    const Configuration configuration(settings);
    try {
        return configuration.over(base);
    } catch (const UsageError& error) {
        throw BadInput(file + ": with " + error.what());
    }
}

// The operations up to the first violation, as a campaign would have found them. What a trace expects beyond the model
// is no part of the search.
template <class World>
props::CampaignResult run_trace(const std::string& file, const Trace& trace, const props::CampaignOptions& options) {
    props::CampaignResult result;
    result.config = options.config;
    props::Lockstep<World> lockstep(options.config, options.defects);
    for (const Step& step : trace.steps) {
        if (const auto reason = lockstep.refuse(step.operation)) {
            throw BadInput(fmt::format("{}:{}: /operations/{}: {}", file, step.line, result.trace.size(), *reason));
        }
        result.trace.push_back(step.operation);
        result.violation = lockstep.apply(step.operation);
        if (result.violation) {
            return result;
        }
    }
    result.violation = lockstep.checkpoint();
    return result;
}

// The trace may be one that only fails with the defects that it names, or by what it says itself.
std::string why_nothing(const std::string& file, const Trace& trace) {
    std::string text = file + ": expected a run that the model or an invariant objects to; this one holds";
    const bool expects =
        std::any_of(trace.steps.begin(), trace.steps.end(), [](const Step& step) { return step.expect.has_value(); });
    if (expects || trace.recorded) {
        text += " (what a trace expects, and signals in a recording, are judged by replay alone)";
    }
    std::string options;
    for (const std::string& id : trace.defects) {
        options += " --defect " + id;
    }
    return options.empty() ? text : text + "; the trace was made with" + options;
}

int run_shrink(const ShrinkArguments& arguments, const Streams& streams) {
    const Trace trace = read_runnable(arguments.file);
    expect_writable(arguments.output);
    props::CampaignOptions options;
    options.world = trace.world;
    options.config = config_over(arguments.settings, arguments.file, trace.config);
    options.defects = defect_set(arguments.settings);
    options.seed = trace.seed;
    const props::CampaignResult result =
        props::with_world(trace.world, [&]<class World> { return run_trace<World>(arguments.file, trace, options); });
    if (!result.violation) {
        throw BadInput(why_nothing(arguments.file, trace));
    }
    const Interrupt interrupt;
    options.stop = interrupt.flag();
    Progress progress(streams.err);
    const Counterexample counterexample =
        keep_counterexample(options, result, arguments.settings.defects, arguments.output, progress);
    put_violation(streams.out, counterexample.shrunk.violation);
    put_counterexample(streams.out, counterexample);
    if (!counterexample.problem.empty()) {
        throw CannotRun(counterexample.problem);
    }
    return counterexample.shrunk.reproduced ? kHolds : kViolated;
}

}  // namespace

void add_shrink(CLI::App& app, Command& chosen) {
    CLI::App* const command = app.add_subcommand("shrink", "A shorter trace that fails by the same rule");
    command->footer(
        "Exit status: 0 the shorter trace was written, 1 a second run did not fail again,\n"
        "2 bad input, or the trace holds: there is nothing to shrink, 3 could not run.");
    const auto arguments = std::make_shared<ShrinkArguments>();
    command->add_option("FILE", arguments->file, "Trace (.json) or recording (.jsonl), also compressed (.gz)")
        ->required()
        ->type_name("");
    add_file(*command, "-o,--output", arguments->output, "Where the shorter trace goes")->required();
    add_settings(*command, arguments->settings);
    command->callback([arguments, &chosen] {
        chosen = [arguments](const Streams& streams) { return run_shrink(*arguments, streams); };
    });
}

}  // namespace vmref::cli
