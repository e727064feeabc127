// The wrong versions of the functions under proof: each changes one of their outputs, in every property that uses it.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "props/smt/property.h"

namespace vmref::smt {

std::vector<Mutation> mutants_of(const Property& property);

// The goals that fail, on some input that meets the premise, if the mutant takes the function's place. Found with
// random words or by Z3; not all that could fail need be named, but at least one is if there is any.
std::set<std::string> goals_refuted(const Property& property, const Mutation& mutation);
// Whether this goal can fail then.
bool refutes(const Property& property, const Mutation& mutation, const std::string& goal);
// Whether no input that meets the premise shows another output than without the mutation.
bool is_equivalent(const Property& property, const Mutation& mutation);

}  // namespace vmref::smt
