#include "props/smt/prover.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>

#include "props/smt/sessions.h"

namespace vmref::smt {

namespace {

double milliseconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

// Bit-blasting beats the default strategy where many words meet.
z3::solver fresh_solver(z3::context& context, const Property& property, unsigned timeout_ms) {
    z3::solver solver(context, "QF_BV");
    if (property.large) {
        z3::tactic strategy(context, "simplify");
        for (const char* const next : {"propagate-values", "solve-eqs", "bit-blast", "sat"}) {
            strategy = strategy & z3::tactic(context, next);
        }
        solver = strategy.mk_solver();
    }
    z3::params parameters(context);
    parameters.set("timeout", timeout_ms);
    solver.set(parameters);
    return solver;
}

// A solver is complete in itself for any other program only with its logic and an end.
std::string smt2_text(z3::solver& solver) {
    return "(set-logic QF_BV)\n" + solver.to_smt2() + "(exit)\n";
}

// The claim of one property, and the questions about it.
class Asking {
  public:
    Asking(const Property& property, const ProveOptions& options)
        : property_(property),
          options_(options),
          session_(context_, options.defects, options.mutation),
          claim_(property.symbolic(session_)) {}

    const Claim<SymW>& claim() const { return claim_; }

    // The satisfiable twin: inputs that meet the premise exist.
    z3::check_result twin() {
        z3::solver solver = fresh_solver(context_, property_, options_.timeout_ms);
        solver.add(claim_.premise.term(context_));
        return ask(solver, property_.name + ".twin");
    }

    Verdict verdict(const Goal<SymW>& goal, z3::check_result twin_result) {
        const auto start = std::chrono::steady_clock::now();
        Verdict verdict;
        verdict.name = property_.name + "." + goal.name;
        verdict.property = property_.name;
        verdict.invariants = property_.invariants;
        verdict.source = property_.source;
        z3::solver solver = fresh_solver(context_, property_, options_.timeout_ms);
        solver.add(claim_.premise.term(context_));
        solver.add(!goal.holds.term(context_));
        switch (ask(solver, verdict.name)) {
            case z3::unsat:
                verdict.result = twin_result == z3::sat     ? Result::proved
                                 : twin_result == z3::unsat ? Result::vacuous
                                                            : Result::unknown;
                verdict.reason = twin_result == z3::unknown ? "whether the premise can hold" : "";
                break;
            case z3::sat:
                verdict.counterexample = model_of(session_.inputs, solver.get_model());
                verdict.result = shows(verdict.counterexample, goal.name) ? Result::refuted : Result::not_replayed;
                break;
            case z3::unknown:
                verdict.reason = solver.reason_unknown();
                break;
        }
        verdict.milliseconds = milliseconds_since(start);
        return verdict;
    }

  private:
    z3::check_result ask(z3::solver& solver, const std::string& name) {
        const std::string text = options_.on_query ? smt2_text(solver) : std::string();
        const z3::check_result result = solver.check();
        if (options_.on_query && result != z3::unknown) {
            static std::mutex one_at_a_time;
            const std::lock_guard<std::mutex> lock(one_at_a_time);
            options_.on_query({name, text, result == z3::sat});
        }
        return result;
    }

    bool shows(const Model& model, const std::string& goal_name) const {
        const Claim<std::uint32_t> claim = replay(property_, model, options_.defects, options_.mutation);
        return claim.premise && std::any_of(claim.goals.begin(), claim.goals.end(),
                                            [&](const auto& goal) { return goal.name == goal_name && !goal.holds; });
    }

    const Property& property_;
    const ProveOptions& options_;
    z3::context context_;
    SymbolicSession session_;
    Claim<SymW> claim_;
};

}  // namespace

std::string_view result_text(Result result) {
    switch (result) {
        case Result::proved:
            return "proved";
        case Result::refuted:
            return "refuted";
        case Result::unknown:
            return "unknown";
        case Result::vacuous:
            return "vacuous";
        case Result::not_replayed:
            return "not replayed";
    }
    return "";
}

Model model_of(const std::vector<z3::expr>& inputs, const z3::model& found) {
    Model model;
    for (const z3::expr& input : inputs) {
        const z3::expr value = found.eval(input, true);
        const std::uint32_t number = value.is_bool() ? (value.bool_value() == Z3_L_TRUE ? 1U : 0U)
                                                     : static_cast<std::uint32_t>(value.get_numeral_uint64());
        model.push_back({input.decl().name().str(), number});
    }
    return model;
}

std::string z3_version() {
    return Z3_get_full_version();
}

std::size_t ProveReport::count(Result result) const {
    return static_cast<std::size_t>(std::count_if(verdicts.begin(), verdicts.end(),
                                                  [&](const Verdict& verdict) { return verdict.result == result; }));
}

Claim<std::uint32_t> replay(const Property& property, const Model& inputs, const impl::DefectSet& defects,
                            const Mutation* mutation) {
    ModelSession session(inputs, defects, mutation);
    return property.concrete(session);
}

namespace {

// Much faster than to ask for terms.
bool any_goal_named(const Property& property, const std::string& filter) {
    const Claim<std::uint32_t> claim = replay(property, {}, {});
    return std::any_of(claim.goals.begin(), claim.goals.end(), [&](const Goal<std::uint32_t>& goal) {
        return (property.name + "." + goal.name).find(filter) != std::string::npos;
    });
}

}  // namespace

std::vector<Verdict> prove_property(const Property& property, const ProveOptions& options) {
    std::vector<Verdict> verdicts;
    if (!any_goal_named(property, options.filter)) {
        return verdicts;
    }
    Asking asking(property, options);
    std::optional<z3::check_result> twin;
    for (const Goal<SymW>& goal : asking.claim().goals) {
        if ((property.name + "." + goal.name).find(options.filter) == std::string::npos) {
            continue;
        }
        twin = twin ? twin : asking.twin();
        verdicts.push_back(asking.verdict(goal, *twin));
    }
    return verdicts;
}

ProveReport prove_all(const ProveOptions& options) {
    const auto start = std::chrono::steady_clock::now();
    const std::vector<Property> properties = all_properties(options.slots, options.pages);
    std::vector<std::vector<Verdict>> found(properties.size());
    // From the back: the large ones are the last of the catalogue.
    std::atomic<std::size_t> left = properties.size();
    std::exception_ptr problem;  // of who wants the queries
    std::mutex problem_lock;
    const auto work = [&] {
        try {
            for (std::size_t n = left.fetch_sub(1); n > 0 && n <= properties.size(); n = left.fetch_sub(1)) {
                found[n - 1] = prove_property(properties[n - 1], options);
            }
        } catch (...) {
            left = 0;
            const std::lock_guard<std::mutex> lock(problem_lock);
            problem = std::current_exception();
        }
    };
    std::vector<std::thread> threads;
    for (unsigned n = 1; n < std::max(1U, std::thread::hardware_concurrency()); ++n) {
        threads.emplace_back(work);
    }
    work();
    for (std::thread& thread : threads) {
        thread.join();
    }
    if (problem) {
        std::rethrow_exception(problem);
    }
    ProveReport report;
    for (std::vector<Verdict>& verdicts : found) {
        std::move(verdicts.begin(), verdicts.end(), std::back_inserter(report.verdicts));
    }
    report.seconds = milliseconds_since(start) / 1000;
    return report;
}

}  // namespace vmref::smt
