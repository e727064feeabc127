// From a counterexample to operations that show it: the bits of the word, the rights of the entry become calls and
// accesses, and the whole implementation runs them.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "props/smt/prover.h"
#include "traces/trace.h"

namespace vmref::smt {

// A trace that ends in a violation when the defects are on, and holds when they are off. nullopt: no world has
// operations that lead there.
std::optional<Trace> trace_of(const Verdict& verdict, const std::vector<std::string>& defects);

}  // namespace vmref::smt
