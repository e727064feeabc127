#include "cli/replay.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/arguments.h"
#include "cli/digest.h"
#include "cli/explanation.h"
#include "cli/progress.h"
#include "cli/replay_file.h"
#include "cli/settings.h"
#include "cli/text.h"
#include "cli/violation_text.h"
#include "traces/bad_input.h"

namespace vmref::cli {

namespace {

struct ReplayArguments {
    Settings settings;
    std::vector<std::string> files;
    ExplanationArguments explain;
    std::uint64_t until = 0;
    bool json = false;
};

int status_of(const Replayed& replayed) {
    return !replayed.problem.empty() ? kBadInput : replayed.violation ? kViolated : kHolds;
}

void put_replayed(std::ostream& out, const Replayed& replayed) {
    const props::RunCounts& counts = replayed.counts;
    out << fmt::format("{}: {} operations, {} accesses, {} faults, peak {} frames: ", replayed.file,
                       grouped(counts.operations), grouped(counts.accesses), grouped(replayed.faults),
                       grouped(replayed.peak_frames));
    if (!replayed.violation) {
        out << "holds";
        for (const std::string& id : replayed.made_with) {
            out << (&id == &replayed.made_with.front() ? " (made with" : "") << " --defect " << id;
        }
        out << (replayed.made_with.empty() ? "\n" : ")\n") << std::flush;
        return;
    }
    put_violation(out, *replayed.violation);
    if (!replayed.last.empty()) {
        out << fmt::format("  at operation {} ({}:{}); the last operations:\n", replayed.violation->step, replayed.file,
                           replayed.line);
    }
    put_last_operations(out, replayed.last);
    out << std::flush;
}

nlohmann::ordered_json violation_json(const Replayed& replayed) {
    if (!replayed.violation) {
        return nullptr;
    }
    return {{"rule", replayed.violation->rule},
            {"message", replayed.violation->message},
            {"step", replayed.violation->step},
            {"line", replayed.line},
            {"trace", replayed.file}};
}

nlohmann::ordered_json replayed_json(const Replayed& replayed) {
    if (!replayed.problem.empty()) {
        return {{"file", replayed.file}, {"error", replayed.problem}};
    }
    return {{"file", replayed.file},
            {"operations", replayed.counts.operations},
            {"accesses", replayed.counts.accesses},
            {"faulting", replayed.counts.faulting},
            {"faults", replayed.faults},
            {"cells_compared", replayed.counts.cells_compared},
            {"peak_frames", replayed.peak_frames},
            {"violations", replayed.violation ? 1 : 0},
            {"seconds", replayed.seconds},
            {"rate", rate(replayed.counts.operations, replayed.seconds)},
            {"seed", replayed.seed},
            {"digest", digest_text(replayed.digest)},
            {"violation", violation_json(replayed)}};
}

// What several files come to: sums, the highest peak, the first violation, a digest of the digests.
nlohmann::ordered_json totals_json(const std::vector<Replayed>& all) {
    Replayed sum;
    Digest digest;
    std::uint64_t violations = 0;
    nlohmann::ordered_json violation;
    nlohmann::ordered_json files = nlohmann::ordered_json::array();
    for (const Replayed& one : all) {
        files.push_back(replayed_json(one));
        sum.counts.operations += one.counts.operations;
        sum.counts.accesses += one.counts.accesses;
        sum.counts.faulting += one.counts.faulting;
        sum.counts.cells_compared += one.counts.cells_compared;
        sum.faults += one.faults;
        sum.seconds += one.seconds;
        sum.peak_frames = std::max(sum.peak_frames, one.peak_frames);
        violations += one.violation ? 1 : 0;
        violation = violation.is_null() ? violation_json(one) : violation;
        digest.add(one.digest);
    }
    sum.digest = all.size() == 1 ? all.front().digest : digest.value();
    nlohmann::ordered_json json = replayed_json(sum);
    json.erase("file");
    json["violations"] = violations;
    json["violation"] = violation;
    if (all.size() == 1) {
        json["seed"] = all.front().seed;
    } else {
        json.erase("seed");
    }
    json["files"] = files;
    return json;
}

// Errors: UsageError.
void check_explanation(const ReplayArguments& arguments) {
    if (arguments.files.size() != 1) {
        throw UsageError("--narrate, --show, --dot and --svg: expected one FILE, got " +
                         std::to_string(arguments.files.size()));
    }
    if (arguments.json && arguments.explain.writes_text()) {
        throw UsageError("--json: expected neither --narrate nor --show, which write text");
    }
}

int run_replay(const ReplayArguments& arguments, const Streams& streams) {
    const Configuration configuration(arguments.settings);
    ReplayOptions options{configuration, defect_set(arguments.settings), arguments.until};
    if (arguments.explain.any()) {
        check_explanation(arguments);
        options.explain = &arguments.explain;
        options.out = &streams.out;
    }
    std::vector<Replayed> all;
    int status = kHolds;
    for (const std::string& file : arguments.files) {
        Replayed replayed;
        {
            Progress progress(streams.err);
            try {
                replayed = replay_file(file, options, progress);
            } catch (const BadInput& error) {
                replayed.file = file;
                replayed.problem = error.what();
            }
        }
        status = std::max(status, status_of(replayed));
        if (!replayed.problem.empty()) {
            put_problem(streams.err, replayed.problem);
        } else if (!arguments.json) {
            put_replayed(streams.out, replayed);
        }
        all.push_back(std::move(replayed));
    }
    if (arguments.json) {
        streams.out << json_line(totals_json(all)) << '\n';
    }
    return status;
}

}  // namespace

void add_replay(CLI::App& app, Command& chosen) {
    CLI::App* const command = app.add_subcommand("replay", "Traces and recordings of programs, held against the model");
    const auto arguments = std::make_shared<ReplayArguments>();
    command->add_option("FILE", arguments->files, "Traces (.json) and recordings (.jsonl), also compressed (.gz)")
        ->required()
        ->type_name("");
    add_settings(*command, arguments->settings);
    add_number(*command, "--until", arguments->until, {1, std::numeric_limits<std::uint64_t>::max()},
               "Stops after N operations, then compares everything");
    add_explanation(*command, arguments->explain);
    command->add_flag("--json", arguments->json, "One JSON object on standard output");
    command->callback([arguments, &chosen] {
        chosen = [arguments](const Streams& streams) { return run_replay(*arguments, streams); };
    });
}

}  // namespace vmref::cli
