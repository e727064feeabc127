// `vmref replay --dot` and `--svg`: processes, their entries, and the chains of objects behind them as a graph.
#pragma once

#include <string>

#include "cli/scene.h"

namespace vmref::cli {

// A digraph in graphviz's language.
std::string chain_graph(const Scene& scene);
// Draws `graph` into `path` with graphviz's dot. Errors: CannotRun, if there is no dot or it fails.
void draw_graph(const std::string& graph, const std::string& path);

}  // namespace vmref::cli
