// Asks Z3 about every obligation: one goal of one property. A fresh solver for each; unknown is a failure.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "impl/defects/defects.h"
#include "props/smt/property.h"

namespace vmref::smt {

// vacuous: the premise cannot hold, so the claim says nothing. not_replayed: Z3 has a counterexample that the compiled
// function does not show, a mistake of the proof layer.
enum class Result : std::uint8_t { proved, refuted, unknown, vacuous, not_replayed };
std::string_view result_text(Result result);

struct Assignment {
    std::string name;
    std::uint32_t value = 0;
};
using Model = std::vector<Assignment>;  // in the order in which the text asked

struct Verdict {
    std::string name;  // "Z-5.enter.m_is_kept"
    std::string property;
    std::string invariants;
    std::string source;
    Result result = Result::unknown;
    double milliseconds = 0;
    Model counterexample;
    std::string reason;  // of unknown
};

struct Query {
    std::string name;
    std::string text;  // SMT-LIB 2
    bool satisfiable;  // what Z3 answered
};

struct ProveOptions {
    std::string filter;  // names that contain it; empty: all
    impl::DefectSet defects;
    unsigned slots = 4;
    unsigned pages = 3;
    unsigned timeout_ms = 120'000;  // of one query
    const Mutation* mutation = nullptr;
    std::function<void(const Query&)> on_query;  // every query that was answered; one call at a time
};

struct ProveReport {
    std::vector<Verdict> verdicts;  // in the order of the catalogue
    double seconds = 0;

    std::size_t count(Result result) const;
    bool all_proved() const { return !verdicts.empty() && count(Result::proved) == verdicts.size(); }
};

std::string z3_version();

// Every goal of one property; of those whose full name contains the filter.
std::vector<Verdict> prove_property(const Property& property, const ProveOptions& options);
// The whole catalogue, on as many threads as there are CPUs.
ProveReport prove_all(const ProveOptions& options);

// The property run on the given inputs; inputs that are not named are 0.
Claim<std::uint32_t> replay(const Property& property, const Model& inputs, const impl::DefectSet& defects,
                            const Mutation* mutation = nullptr);

}  // namespace vmref::smt
