// All sequences of operations of a small scope, in order: what random runs reach rarely is reached here for certain.
//
// A sequence is the scope's setup and then up to `depth` letters of its alphabet. The search goes depth first; a letter
// that the model refuses in the state reached (a process that does not exist) ends its branch, since every longer
// sequence would be refused at the same place. Every sequence runs from a fresh system, because a system cannot be
// copied; a sequence that others continue runs as their prefix only. Everything is compared at the end of each.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "impl/defects/defects.h"
#include "ops/config.h"
#include "ops/operation.h"
#include "props/violation.h"

namespace vmref::props {

struct Scope {
    Config config;
    std::vector<Operation> setup;     // before every sequence; never refused
    std::vector<Operation> alphabet;  // all processes, addresses and files that the scope has
};

struct EnumerationResult {
    std::uint64_t sequences = 0;   // of exactly `depth` letters, or up to the violation; each not refused
    std::uint64_t refused = 0;     // branches cut
    std::uint64_t operations = 0;  // applied, setups and repeated prefixes included
    std::optional<Violation> violation;
    std::vector<Operation> trace;  // with the setup, up to the violation
};

// Runs every sequence of `depth` letters, hence every shorter one as a prefix, up to the first violation.
// Requires: depth > 0, a scope with an alphabet.
EnumerationResult enumerate(const Scope& scope, const impl::DefectSet& defects, std::size_t depth);

// The same for 1, 2, ... up to `most` letters: a violation found has a sequence of the least length.
EnumerationResult enumerate_shortest(const Scope& scope, const impl::DefectSet& defects, std::size_t most);

// Two processes (1 exists, 2 is its child), two pages, one file of two pages, one processor. Memory that is private,
// forked, protected, paged out and discarded:
Scope anonymous_scope();
// A file mapped privately and shared, inherited shared, truncated:
Scope file_scope();
// A private mapping of the file that parent and child share, the smallest alphabet:
Scope inherited_scope();
// A file mapped privately and locked, with its protection changing:
Scope wired_scope();

}  // namespace vmref::props
