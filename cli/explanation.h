// What `vmref replay` tells about one file beyond its verdict.
#pragma once

#include <CLI/App.hpp>
#include <cstdint>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "cli/narrator.h"
#include "cli/scene.h"
#include "ops/observation.h"
#include "ops/operation.h"

namespace vmref::cli {

struct ExplanationArguments {
    bool narrate = false;
    std::vector<std::string> show;  // of show_kinds()
    std::string dot;                // files; empty: none
    std::string svg;

    bool any() const { return writes_text() || !dot.empty() || !svg.empty(); }
    bool writes_text() const { return narrate || !show.empty(); }
};

// --narrate, --show, --dot and --svg. `arguments` must outlive the parsing of `command`.
void add_explanation(CLI::App& command, ExplanationArguments& arguments);

// Follows one replay, which must outlive it.
class Explanation {
  public:
    Explanation(const ExplanationArguments& arguments, const Scene& scene, std::ostream& out);

    void before(std::uint64_t number, const Operation& operation);
    // `observed` is nullptr if the operation ended in a violation.
    void after(const Operation& operation, const Observation* observed);
    // The last operation is over. Errors: BadInput, CannotRun.
    void finish();

  private:
    const ExplanationArguments& arguments_;
    const Scene scene_;
    std::ostream& out_;
    std::unique_ptr<Narrator> narrator_;
};

}  // namespace vmref::cli
