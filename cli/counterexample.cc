#include "cli/counterexample.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/text.h"
#include "cli/violation_text.h"
#include "traces/bad_input.h"
#include "traces/trace.h"

namespace vmref::cli {

namespace {

constexpr std::size_t kFewOperations = 24;

Trace trace_of(const props::CampaignOptions& options, const Counterexample& counterexample) {
    Trace trace;
    trace.world = options.world;
    trace.seed = options.seed;
    trace.note = counterexample.shrunk.violation.rule + ": " + counterexample.shrunk.violation.message;
    trace.defects = counterexample.defects;
    trace.config = counterexample.shrunk.config;
    for (const Operation& operation : counterexample.shrunk.operations) {
        trace.steps.push_back(Step{operation, std::nullopt});
    }
    return trace;
}

}  // namespace

std::string default_trace_name(const std::string& rule, std::uint64_t seed) {
    std::string name = fmt::format("violation-{}-{}.json", rule, seed);
    std::replace(name.begin(), name.end(), '/', '-');
    return name;
}

Counterexample keep_counterexample(const props::CampaignOptions& options, const props::CampaignResult& result,
                                   const std::vector<std::string>& defects, const std::string& path,
                                   Progress& progress) {
    Counterexample counterexample;
    counterexample.path = path.empty() ? default_trace_name(result.violation->rule, options.seed) : path;
    counterexample.found_with = result.trace.size();
    counterexample.defects = defects;

    props::ShrinkOptions shrink_options;
    shrink_options.world = options.world;
    shrink_options.config = result.config;
    shrink_options.defects = options.defects;
    shrink_options.stop = options.stop;
    shrink_options.progress = [&progress](std::size_t operations, std::uint64_t runs) {
        progress.show([&] { return fmt::format("shrinking: {} operations left, {} runs", grouped(operations), runs); });
    };
    counterexample.shrunk = props::shrink(result.trace, result.violation->rule, shrink_options);
    if (!counterexample.shrunk.reproduced) {
        counterexample.shrunk.violation = *result.violation;
    }
    progress.clear();
    try {
        write_trace(counterexample.path, trace_of(options, counterexample));
    } catch (const BadInput& error) {
        counterexample.problem = error.what();
    }
    return counterexample;
}

void put_counterexample(std::ostream& out, const Counterexample& counterexample) {
    const props::ShrinkResult& shrunk = counterexample.shrunk;
    if (shrunk.reproduced) {
        out << fmt::format("shrunk to {} operations, from {} (in {} runs{})\n", grouped(shrunk.operations.size()),
                           grouped(counterexample.found_with), grouped(shrunk.runs),
                           shrunk.complete ? "" : ", not to the end");
    } else {
        out << fmt::format("not shrunk: a second run of the same {} operations did not violate the rule again\n",
                           grouped(counterexample.found_with));
    }
    if (shrunk.operations.size() <= kFewOperations) {
        for (const Operation& operation : shrunk.operations) {
            out << "  " << operation_text(operation) << '\n';
        }
    } else {
        out << "its last operations:\n";
        put_last_operations(out, shrunk.operations);
    }
    if (!counterexample.problem.empty()) {
        return;
    }
    std::string command = "vmref replay " + shell_word(counterexample.path);
    for (const std::string& id : counterexample.defects) {
        command += " --defect " + id;
    }
    out << "trace:  " << counterexample.path << "\nreplay: " << command << '\n';
}

nlohmann::ordered_json violation_json(const Counterexample& counterexample) {
    const props::ShrinkResult& shrunk = counterexample.shrunk;
    const RuleText text = rule_text(shrunk.violation.rule);
    nlohmann::ordered_json json = {{"rule", shrunk.violation.rule},
                                   {"statement", text.statement},
                                   {"source", text.source},
                                   {"message", shrunk.violation.message},
                                   {"step", shrunk.violation.step},
                                   {"trace", nullptr},
                                   {"operations", shrunk.operations.size()},
                                   {"found_with", counterexample.found_with},
                                   {"reproduced", shrunk.reproduced},
                                   {"complete", shrunk.complete}};
    if (counterexample.problem.empty()) {
        json["trace"] = counterexample.path;
    }
    return json;
}

}  // namespace vmref::cli
