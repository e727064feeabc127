#include "cli/explanation.h"

#include <algorithm>

#include "cli/arguments.h"
#include "cli/chain_graph.h"
#include "cli/output_file.h"
#include "cli/show_state.h"
#include "traces/replace_file.h"

namespace vmref::cli {

namespace {

std::string show_problem(const std::string& kind) {
    const auto& kinds = show_kinds();
    return std::find(kinds.begin(), kinds.end(), kind) != kinds.end()
               ? std::string()
               : "expected chain, objects, pagetable, tlb or pages, got '" + kind + "'";
}

}  // namespace

void add_explanation(CLI::App& command, ExplanationArguments& arguments) {
    command.add_flag("--narrate", arguments.narrate, "Tells for every operation what the kernel did");
    add_repeated(command, "--show", arguments.show, show_problem,
                 "Prints the state at the end: chain, objects, pagetable, tlb or pages (repeatable)");
    add_file(command, "--dot", arguments.dot, "Writes the processes and their object chains at the end, for graphviz");
    add_file(command, "--svg", arguments.svg, "Draws them (needs the program dot of graphviz)");
}

Explanation::Explanation(const ExplanationArguments& arguments, const Scene& scene, std::ostream& out)
    : arguments_(arguments), scene_(scene), out_(out) {
    for (const std::string& path : {arguments.dot, arguments.svg}) {
        if (!path.empty()) {
            expect_writable(path);
        }
    }
    if (arguments.narrate) {
        narrator_ = std::make_unique<Narrator>(scene_, out_);
    }
}

void Explanation::before(std::uint64_t number, const Operation& operation) {
    if (narrator_ != nullptr) {
        narrator_->before(number, operation);
    }
}

void Explanation::after(const Operation& operation, const Observation* observed) {
    if (narrator_ != nullptr) {
        narrator_->after(operation, observed);
    }
}

void Explanation::finish() {
    narrator_.reset();
    for (const std::string& kind : arguments_.show) {
        out_ << "--- " << kind << '\n';
        show_state(kind, scene_, out_);
    }
    if (!arguments_.dot.empty()) {
        writing([&] {
            ReplaceFile file(arguments_.dot);
            file.write(chain_graph(scene_));
            file.commit();
        });
    }
    if (!arguments_.svg.empty()) {
        draw_graph(chain_graph(scene_), arguments_.svg);
    }
}

}  // namespace vmref::cli
