#include "cli/report_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <string_view>

#include "cli/text.h"
#include "props/invariants/asserted.h"

namespace vmref::cli {

namespace {

struct KernelCounter {
    std::string_view name;
    std::string_view meaning;
    std::uint64_t impl::Statistics::*field;
};

constexpr KernelCounter kCounters[] = {
    {"traps", "page faults taken by CPUs and kernel copies", &impl::Statistics::traps},
    {"vm_faults", "calls of the fault handler", &impl::Statistics::vm_faults},
    {"fault_retries", "faults that started over", &impl::Statistics::fault_retries},
    {"zero_fills", "pages filled with zeroes", &impl::Statistics::zfod},
    {"cow_faults", "pages copied on write", &impl::Statistics::cow_faults},
    {"cow_stolen", "pages moved up instead of copied", &impl::Statistics::cow_optim},
    {"object_collapses", "shadow objects merged into the one above", &impl::Statistics::object_collapses},
    {"object_bypasses", "shadow objects skipped", &impl::Statistics::object_bypasses},
    {"collapse_refusals", "collapses given up", &impl::Statistics::collapse_refusals},
    {"pageins", "pages read by pagers", &impl::Statistics::pageins},
    {"pageouts", "pages written by the pageout daemon", &impl::Statistics::pageouts},
    {"freed_by_exit", "pages freed with their object", &impl::Statistics::pfree},
};

// A bar would end the cell of a table.
std::string cell(std::string_view text) {
    std::string escaped;
    for (const char c : text) {
        escaped += c == '|' ? "\\|" : std::string(1, c);
    }
    return escaped;
}

std::string verdict(const props::CampaignResult& result) {
    return result.violation ? fmt::format("VIOLATED {}: {}", result.violation->rule, result.violation->message)
                            : std::string("holds");
}

unsigned violations_of(const props::Invariant& asserted, const props::CampaignResult& result) {
    return result.violation && result.violation->rule == asserted.id ? 1 : 0;
}

std::string invariant_table(const props::CampaignResult& result) {
    std::string text =
        "| invariant | statement | source | checked | applied | violated |\n|---|---|---|---:|---:|---:|\n";
    for (const props::Invariant& invariant : result.invariants) {
        text += fmt::format("| {} | {} | {} | {} | {} | {} |\n", invariant.id, cell(invariant.statement),
                            cell(invariant.source), grouped(invariant.checked), grouped(invariant.applied),
                            grouped(invariant.violated));
    }
    return text;
}

std::string asserted_table(const props::CampaignResult& result) {
    std::string text = "| invariant | statement | source | violated |\n|---|---|---|---:|\n";
    for (const props::Invariant& invariant : props::asserted_invariants()) {
        text += fmt::format("| {} | {} | {} | {} |\n", invariant.id, cell(invariant.statement), cell(invariant.source),
                            violations_of(invariant, result));
    }
    return text;
}

std::string operation_table(const Report& report) {
    std::string text = "| operation | count | outcomes |\n|---|---:|---|\n";
    for (const auto& [name, row] : report.tally.rows()) {
        text += fmt::format("| {} | {} | {} |\n", name, grouped(row.count), outcomes_text(row));
    }
    return text;
}

std::string kernel_table(const Report& report) {
    std::string text = "| counter | meaning | count |\n|---|---|---:|\n";
    for (const KernelCounter& counter : kCounters) {
        text += fmt::format("| {} | {} | {} |\n", counter.name, counter.meaning, grouped(report.kernel.*counter.field));
    }
    return text;
}

std::string path_table(const Report& report) {
    std::string text = "| path | count |\n|---|---:|\n";
    for (const impl::PathCount& path : report.result.paths) {
        text += fmt::format("| {} | {} |\n", path.name, grouped(path.count));
    }
    return text;
}

std::string function_table(const Report& report) {
    std::string text = "| function of pmap.c | count |\n|---|---:|\n";
    for (const props::FunctionCount& function : report.result.functions) {
        text += fmt::format("| {} | {} |\n", function.name, grouped(function.count));
    }
    return text;
}

}  // namespace

nlohmann::ordered_json paths_json(const props::CampaignResult& result) {
    nlohmann::ordered_json json = nlohmann::ordered_json::object();
    for (const impl::PathCount& path : result.paths) {
        json[path.name] = path.count;
    }
    return json;
}

nlohmann::ordered_json functions_json(const props::CampaignResult& result) {
    nlohmann::ordered_json json = nlohmann::ordered_json::object();
    for (const props::FunctionCount& function : result.functions) {
        json[std::string(function.name)] = function.count;
    }
    return json;
}

std::string report_markdown(const Report& report) {
    const props::CampaignResult& result = report.result;
    const auto idle = std::count_if(result.invariants.begin(), result.invariants.end(),
                                    [](const props::Invariant& invariant) { return invariant.applied == 0; });
    std::string text = "# What was checked\n\n";
    text += fmt::format("{} random operations of the {} world (seed {}) in lockstep with the model: **{}**\n\n",
                        grouped(result.counts.operations), world_text(report.world), report.seed, verdict(result));
    text += fmt::format(
        "{} accesses, {} page faults in {} operations ({} %), {} cells compared, {} full comparisons, at "
        "most {} frames in use; digest {}.\n\n",
        grouped(result.counts.accesses), grouped(result.faults), grouped(result.counts.faulting),
        percent(result.counts.faulting, result.counts.operations), grouped(result.counts.cells_compared),
        grouped(result.counts.checkpoints), grouped(result.peak_frames), digest_text(result.digest));
    text += "## Invariants\n\nApplied counts the evaluations whose premise held; only those could have failed. ";
    text += fmt::format("{} of {} invariants were never applied.\n\n", idle, result.invariants.size());
    text += invariant_table(result);
    text += "\nThe implementation asserts others where they would break; these are not counted.\n\n" +
            asserted_table(result);
    text += "\n## Operations\n\n" + operation_table(report);
    if (report.world == WorldName::system) {
        text += "\n## Inside the implementation\n\n" + kernel_table(report);
        text += "\n## Paths of a fault\n\n" + path_table(report);
    }
    text += "\n## Functions\n\n" + function_table(report);
    return text;
}

nlohmann::ordered_json report_json(const Report& report) {
    const props::CampaignResult& result = report.result;
    nlohmann::ordered_json json = {{"world", world_text(report.world)},
                                   {"operations", result.counts.operations},
                                   {"accesses", result.counts.accesses},
                                   {"faulting", result.counts.faulting},
                                   {"faults", result.faults},
                                   {"cells_compared", result.counts.cells_compared},
                                   {"checkpoints", result.counts.checkpoints},
                                   {"peak_frames", result.peak_frames},
                                   {"seed", report.seed},
                                   {"digest", digest_text(result.digest)},
                                   {"violations", result.violation ? 1 : 0},
                                   {"violation", nullptr}};
    if (result.violation) {
        json["violation"] = {{"rule", result.violation->rule}, {"message", result.violation->message}};
    }
    json["invariants"] = nlohmann::ordered_json::array();
    for (const props::Invariant& invariant : result.invariants) {
        json["invariants"].push_back({{"id", invariant.id},
                                      {"statement", invariant.statement},
                                      {"source", invariant.source},
                                      {"checked", invariant.checked},
                                      {"applied", invariant.applied},
                                      {"violated", invariant.violated}});
    }
    json["asserted"] = nlohmann::ordered_json::array();
    for (const props::Invariant& invariant : props::asserted_invariants()) {
        json["asserted"].push_back({{"id", invariant.id},
                                    {"statement", invariant.statement},
                                    {"source", invariant.source},
                                    {"violated", violations_of(invariant, result)}});
    }
    json["operation_counts"] = report.tally.json();
    json["functions"] = functions_json(result);
    json["paths"] = paths_json(result);
    for (const KernelCounter& counter : kCounters) {
        if (report.world != WorldName::system) {
            break;
        }
        json["kernel"][std::string(counter.name)] = report.kernel.*counter.field;
    }
    return json;
}

}  // namespace vmref::cli
