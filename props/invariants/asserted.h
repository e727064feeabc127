// Invariants that the implementation asserts itself (`ensure_rule`), where they would break: there is nothing to count.
#pragma once

#include <span>

#include "props/invariants/registry.h"

namespace vmref::props {

// By number. Those that are registered too (invariant_set.h) are not repeated.
std::span<const Invariant> asserted_invariants();

}  // namespace vmref::props
