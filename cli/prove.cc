#include "cli/prove.h"

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include "cli/arguments.h"
#include "cli/output_file.h"
#include "cli/settings.h"
#include "cli/text.h"
#include "traces/replace_file.h"
#ifdef VMREF_WITH_Z3
#include "props/smt/prover.h"
#include "props/smt/scenario.h"
#endif

namespace vmref::cli {

namespace {

struct Size {
    unsigned slots = 4;
    unsigned pages = 3;
};

struct ProveSettings {
    std::string filter;
    std::vector<std::string> defects;
    Size size;
    std::string smt2;
    std::string trace_out;
    bool json = false;
};

#ifdef VMREF_WITH_Z3

std::string hex_text(std::uint32_t word) {
    return fmt::format("{:#x}", word);
}

// Each query is a file of its own, named after its obligation.
void export_query(const std::string& directory, const smt::Query& query) {
    ReplaceFile file(directory + "/" + query.name + ".smt2");
    file.write(query.text);
    file.commit();
}

void make_directory(const std::string& path) {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (error) {
        throw CannotRun(path + ": " + error.message());
    }
}

smt::ProveOptions prove_options(const ProveSettings& settings) {
    smt::ProveOptions options;
    options.filter = settings.filter;
    options.defects = defect_set(settings.defects);
    options.slots = settings.size.slots;
    options.pages = settings.size.pages;
    if (!settings.smt2.empty()) {
        make_directory(settings.smt2);
        options.on_query = [&settings](const smt::Query& query) {
            writing([&] { export_query(settings.smt2, query); });
        };
    }
    return options;
}

// The first refuted obligation that operations can show.
struct Kept {
    std::string obligation;
    std::string path;
    Trace trace;
};

std::optional<Kept> keep_trace(const smt::ProveReport& report, const ProveSettings& settings) {
    for (const smt::Verdict& verdict : report.verdicts) {
        std::optional<Trace> trace = smt::trace_of(verdict, settings.defects);
        if (!trace) {
            continue;
        }
        Kept kept{verdict.name, settings.trace_out, std::move(*trace)};
        kept.path = kept.path.empty() ? "refuted-" + verdict.name + ".json" : kept.path;
        writing([&] { write_trace(kept.path, kept.trace); });
        return kept;
    }
    return std::nullopt;
}

std::string counterexample_text(const smt::Verdict& verdict) {
    std::string text;
    for (const smt::Assignment& assignment : verdict.counterexample) {
        text += fmt::format("{}{} {}", text.empty() ? "" : ", ", assignment.name, hex_text(assignment.value));
    }
    return text;
}

void put_verdict(std::ostream& out, const smt::Verdict& verdict) {
    out << fmt::format("{:<12} {:<60} {:>8.1f} ms  {}; {}\n", smt::result_text(verdict.result), verdict.name,
                       verdict.milliseconds, verdict.invariants, verdict.source);
    if (verdict.result == smt::Result::refuted) {
        out << "  counterexample: " << counterexample_text(verdict) << '\n'
            << "  run again, the compiled functions meet the premise and miss the claim\n";
    } else if (!verdict.reason.empty()) {
        out << "  reason: " << verdict.reason << '\n';
    }
}

std::size_t undecided(const smt::ProveReport& report) {
    return report.verdicts.size() - report.count(smt::Result::proved) - report.count(smt::Result::refuted);
}

void put_report(std::ostream& out, const smt::ProveReport& report) {
    for (const smt::Verdict& verdict : report.verdicts) {
        put_verdict(out, verdict);
    }
    out << fmt::format("{} obligations: {} proved, {} refuted, {} unknown, in {:.1f} s (Z3 {})\n",
                       report.verdicts.size(), report.count(smt::Result::proved), report.count(smt::Result::refuted),
                       undecided(report), report.seconds, smt::z3_version());
    out << std::flush;
}

void put_trace(std::ostream& out, const smt::ProveReport& report, const std::optional<Kept>& kept,
               const ProveSettings& settings) {
    if (kept) {
        std::string command = "vmref replay " + shell_word(kept->path);
        for (const std::string& id : settings.defects) {
            command += " --defect " + id;
        }
        out << "trace:  " << kept->path << " (" << kept->obligation << ")\nreplay: " << command << '\n';
    } else if (report.count(smt::Result::refuted) != 0) {
        out << "no trace: no operations of one thread lead to these counterexamples\n";
    }
}

nlohmann::ordered_json report_json(const smt::ProveReport& report, const std::optional<Kept>& kept,
                                   const ProveSettings& settings) {
    nlohmann::ordered_json obligations = nlohmann::ordered_json::array();
    for (const smt::Verdict& verdict : report.verdicts) {
        nlohmann::ordered_json json = {{"name", verdict.name},
                                       {"result", smt::result_text(verdict.result)},
                                       {"milliseconds", verdict.milliseconds},
                                       {"invariants", verdict.invariants},
                                       {"source", verdict.source}};
        for (const smt::Assignment& assignment : verdict.counterexample) {
            json["counterexample"][assignment.name] = assignment.value;
        }
        if (!verdict.reason.empty()) {
            json["reason"] = verdict.reason;
        }
        obligations.push_back(std::move(json));
    }
    nlohmann::ordered_json json = {{"obligations", std::move(obligations)},
                                   {"proved", report.count(smt::Result::proved)},
                                   {"refuted", report.count(smt::Result::refuted)},
                                   {"unknown", undecided(report)},
                                   {"seconds", report.seconds},
                                   {"z3", smt::z3_version()},
                                   {"size", fmt::format("{}x{}", settings.size.slots, settings.size.pages)},
                                   {"defects", settings.defects},
                                   {"trace", nullptr}};
    if (kept) {
        json["trace"] = kept->path;
    }
    return json;
}

int run_prove(const ProveSettings& settings, const Streams& streams) {
    const smt::ProveReport report = smt::prove_all(prove_options(settings));
    if (report.verdicts.empty()) {
        throw UsageError(
            fmt::format("--filter: expected a part of the name of an obligation, got '{}'", settings.filter));
    }
    if (!settings.json) {
        put_report(streams.out, report);
    }
    const std::optional<Kept> kept = keep_trace(report, settings);
    if (settings.json) {
        streams.out << json_line(report_json(report, kept, settings)) << '\n';
    } else {
        put_trace(streams.out, report, kept, settings);
    }
    return report.all_proved() ? kHolds : kViolated;
}

#else

int run_prove(const ProveSettings& /*settings*/, const Streams& /*streams*/) {
    throw CannotRun("prove: this vmref was built without Z3 (Debian's libz3-dev)");
}

#endif

// "4x3": virtual pages by physical pages.
void read_size(const std::string& text, Size& size) {
    const std::size_t x = text.find('x');
    std::uint64_t slots = 0;
    std::uint64_t pages = 0;
    if (x == std::string::npos || !parse_number(text.substr(0, x), {1, 16}, slots) ||
        !parse_number(text.substr(x + 1), {1, 8}, pages)) {
        throw CLI::ValidationError("--size", fmt::format("expected KxP, from 1x1 to 16x8, got '{}'", text));
    }
    size = {static_cast<unsigned>(slots), static_cast<unsigned>(pages)};
}

}  // namespace

void add_prove(CLI::App& app, Command& chosen) {
    CLI::App* const command = app.add_subcommand("prove", "Proves the claims about the functions that run, with Z3");
    const auto settings = std::make_shared<ProveSettings>();
    command->add_option("--filter", settings->filter, "Only obligations whose name contains it")->type_name("TEXT");
    add_defects_option(*command, settings->defects);
    command
        ->add_option_function<std::string>(
            "--size", [settings](const std::string& text) { read_size(text, settings->size); },
            "Virtual and physical pages of the whole pmap (4x3)")
        ->type_name("KxP");
    add_file(*command, "--smt2", settings->smt2, "Directory where every query goes, as SMT-LIB 2")->type_name("DIR");
    add_file(*command, "-o,--trace-out", settings->trace_out, "Where the trace of a refutation goes");
    command->add_flag("--json", settings->json, "One JSON object on standard output");
    command->callback(
        [settings, &chosen] { chosen = [settings](const Streams& streams) { return run_prove(*settings, streams); }; });
}

}  // namespace vmref::cli
