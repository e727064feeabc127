#include "props/smt/mutants.h"

#include <random>

#include "impl/machine/pte.h"
#include "props/smt/prover.h"
#include "props/smt/sessions.h"

namespace vmref::smt {

namespace {

constexpr unsigned kRandomTries = 400;

// Words that stand where none should: one bit alone would be no leaf yet.
constexpr std::uint32_t kLeafWithM = impl::kPteV | impl::kPteManaged | impl::kPteM;
constexpr std::uint32_t kLeafOfSomePage = impl::kPteV | 0x1000U;

void add_failing(const Claim<std::uint32_t>& claim, std::set<std::string>& goals) {
    if (!claim.premise) {
        return;
    }
    for (const Goal<std::uint32_t>& goal : claim.goals) {
        if (!goal.holds) {
            goals.insert(goal.name);
        }
    }
}

// An input that meets the premise and fails one of the goals (all, or the named one).
std::optional<Model> find_failure(const Property& property, const Mutation& mutation, const std::string& only) {
    z3::context context;
    const impl::DefectSet none;
    SymbolicSession session(context, none, &mutation);
    const Claim<SymW> claim = property.symbolic(session);
    SymB all_hold(true);
    for (const Goal<SymW>& goal : claim.goals) {
        all_hold = only.empty() || goal.name == only ? all_hold && goal.holds : all_hold;
    }
    z3::solver solver(context, "QF_BV");
    solver.add(claim.premise.term(context));
    solver.add((!all_hold).term(context));
    if (solver.check() != z3::sat) {
        return std::nullopt;
    }
    return model_of(session.inputs, solver.get_model());
}

}  // namespace

std::vector<Mutation> mutants_of(const Property& property) {
    const impl::DefectSet none;
    ModelSession session({}, none);
    property.concrete(session);
    std::vector<Mutation> mutants;
    for (const Seam& seam : session.seams) {
        if (seam.truth) {
            for (const bool always : {false, true}) {
                mutants.push_back({.seam = seam.name, .truth = true, .always = always});
            }
            continue;
        }
        if (seam.bits == 0) {
            mutants.push_back({.seam = seam.name, .add = 1});
            mutants.push_back({.seam = seam.name, .clear = ~0U});
        }
        for (const std::uint32_t whole : {kLeafWithM, kLeafOfSomePage}) {
            if ((whole & ~seam.bits) == 0) {
                mutants.push_back({.seam = seam.name, .set = whole});
            }
        }
        for (std::uint32_t left = seam.bits; left != 0; left &= left - 1) {
            mutants.push_back({.seam = seam.name, .set = left & -left});
            mutants.push_back({.seam = seam.name, .clear = left & -left});
        }
    }
    return mutants;
}

std::set<std::string> goals_refuted(const Property& property, const Mutation& mutation) {
    const impl::DefectSet none;
    std::set<std::string> goals;
    std::mt19937 random(1);
    for (unsigned n = 0; n < kRandomTries; ++n) {
        RandomSession session(random, none, &mutation);
        add_failing(property.concrete(session), goals);
    }
    if (goals.empty()) {
        if (const std::optional<Model> model = find_failure(property, mutation, "")) {
            add_failing(replay(property, *model, none, &mutation), goals);
        }
    }
    return goals;
}

bool refutes(const Property& property, const Mutation& mutation, const std::string& goal) {
    const std::optional<Model> model = find_failure(property, mutation, goal);
    std::set<std::string> goals;
    if (model) {
        add_failing(replay(property, *model, {}, &mutation), goals);
    }
    return goals.contains(goal);
}

bool is_equivalent(const Property& property, const Mutation& mutation) {
    z3::context context;
    const impl::DefectSet none;
    SymbolicSession plain(context, none);
    SymbolicSession mutated(context, none, &mutation);
    const Claim<SymW> claim = property.symbolic(plain);
    property.symbolic(mutated);
    z3::expr differs = context.bool_val(false);
    for (std::size_t n = 0; n < plain.outputs.size(); ++n) {
        differs = differs || plain.outputs[n] != mutated.outputs[n];
    }
    z3::solver solver(context, "QF_BV");
    solver.add(claim.premise.term(context));
    solver.add(differs);
    return solver.check() == z3::unsat;
}

}  // namespace vmref::smt
