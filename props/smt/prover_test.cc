// That the obligations are proved; that each can fail; that the symbolic functions are the compiled ones.
#include "props/smt/prover.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <random>
#include <set>

#include "props/smt/mutants.h"
#include "props/smt/scenario.h"
#include "props/smt/sessions.h"
#include "props/smt/term_evaluator.h"

namespace vmref::smt {
namespace {

const impl::DefectSet kNone;

impl::DefectSet with(const std::string& id) {
    impl::DefectSet set;
    set.switch_on(*impl::find_defect(id));
    return set;
}

TEST(Prover, ProvesEveryObligation) {
    const ProveReport report = prove_all({});
    for (const Verdict& verdict : report.verdicts) {
        EXPECT_EQ(verdict.result, Result::proved)
            << verdict.name << ": " << result_text(verdict.result) << ' ' << verdict.reason;
    }
    EXPECT_GE(report.verdicts.size(), 150U);
    EXPECT_TRUE(report.all_proved());
    EXPECT_LE(report.seconds, 60.0);
}

TEST(Prover, KnowsEveryEncodingOfTheSpecificationByName) {
    std::set<std::string> names;
    for (const Property& property : all_properties(1, 1)) {
        EXPECT_TRUE(names.insert(property.name).second) << property.name << " twice";
        EXPECT_TRUE(property.invariants.starts_with("I-")) << property.name;
        EXPECT_FALSE(property.source.empty()) << property.name;
    }
    for (unsigned n = 1; n <= 10; ++n) {
        const std::string prefix = "Z-" + std::to_string(n) + ".";
        EXPECT_TRUE(std::any_of(names.begin(), names.end(), [&](const std::string& name) {
            return name.starts_with(prefix);
        })) << prefix;
    }
}

TEST(Prover, AContradictoryPremiseProvesNothing) {
    const Property property = smt::property("vacuous", "I-01", "nowhere", [](auto& in) {
        using W = WordType<decltype(in)>;
        const W word = in.word("word");
        return Claim<W>{word == W(0U) && word == W(1U), {{"anything", Bool<W>(false)}}};
    });
    const std::vector<Verdict> verdicts = prove_property(property, {});
    ASSERT_EQ(verdicts.size(), 1U);
    EXPECT_EQ(verdicts[0].result, Result::vacuous);
}

TEST(Prover, UnknownIsAFailure) {
    ProveOptions options;
    options.filter = "system.remove_all";
    options.slots = 8;
    options.pages = 4;
    options.timeout_ms = 1;
    const ProveReport report = prove_all(options);
    EXPECT_GT(report.count(Result::unknown), 0U);
    EXPECT_FALSE(report.all_proved());
    for (const Verdict& verdict : report.verdicts) {
        EXPECT_EQ(verdict.result == Result::unknown, !verdict.reason.empty()) << verdict.name;
    }
}

TEST(Prover, FilterLeavesTheNamedOnes) {
    ProveOptions options;
    options.filter = "Z-8.shadow";
    const ProveReport report = prove_all(options);
    ASSERT_EQ(report.verdicts.size(), 1U);
    EXPECT_EQ(report.verdicts[0].name, "Z-8.shadow.is_counted");
}

// The defect, and the obligation that it breaks.
class RefutedDefect : public testing::TestWithParam<std::pair<const char*, const char*>> {};

TEST_P(RefutedDefect, ByItsObligation) {
    const auto& [id, name] = GetParam();
    ProveOptions options;
    options.filter = name;
    ASSERT_TRUE(prove_all(options).all_proved());
    options.defects = with(id);
    const ProveReport report = prove_all(options);
    ASSERT_EQ(report.verdicts.size(), 1U);
    EXPECT_EQ(report.verdicts[0].result, Result::refuted) << result_text(report.verdicts[0].result);
    EXPECT_FALSE(report.verdicts[0].counterexample.empty());
}

constexpr std::pair<const char*, const char*> kRefuted[] = {
    {"B-11", "Z-3.fault_choice.data_is_the_content"},
    {"B-15", "Z-4.copied_entry.child_stores_within_protection"},
    {"B-20", "Z-4.fault.none_maps_nothing"},
    {"B-25", "Z-3.allocation.prefault_within_the_object"},
    {"B-40", "Z-1.collapse.content_is_kept"},
    {"B-63", "runs.flush.starts_at_or_before"},
    {"B-65", "Z-5.protect_big.counts_what_is_mapped"},
    {"B-66", "Z-5.protect_big.m_stays"},
    {"B-69", "Z-5.enter_race.m_is_not_lost"},
    {"B-79", "Z-4.fault.a_copy_only_if_it_may_be_written"},
    {"B-81", "Z-5.teardown.a_is_handed_over"},
    {"B-85", "Z-5.enter.no_leaf_is_refused"},
    {"B-95", "Z-4.fault.a_wired_page_grants_all"},
    {"B-102", "Z-7.no_memory.level_hold"},
    {"B-106", "Z-9.written_out.clean_equals_block"},
    {"M-01", "Z-4.fault.writable_only_at_the_top"},
    {"M-04", "Z-7.top_needs_exclusive.top_paging"},
    {"M-05", "Z-7.map_changed.chain_locks"},
    {"M-06", "Z-7.beyond_size.placeholder"},
    {"M-10", "Z-9.write_granted.clean_without_block_may_be_lost"},
    {"M-12", "Z-8.merge.offset_leads_to_the_same_page"},
    {"M-13", "Z-8.bypass.references_of_what_lies_below"},
    {"M-14", "Z-8.shadow.is_counted"},
    {"M-16", "Z-5.remove.m_is_handed_over"},
    {"M-22", "Z-9.madvise_free.clean_equals_block"},
    {"M-24", "Z-9.rename.clean_without_block_may_be_lost"},
    {"M-26", "Z-10.growth.once_a_fault"},
};
INSTANTIATE_TEST_SUITE_P(Prover, RefutedDefect, testing::ValuesIn(kRefuted), [](const auto& row) {
    std::string name = row.param.first;
    name.erase(std::remove(name.begin(), name.end(), '-'), name.end());
    return name;
});

// Which world shows the counterexample.
TEST(Scenario, TurnsCounterexamplesIntoTraces) {
    const std::map<std::string, WorldName> expected{{"B-15", WorldName::system}, {"B-20", WorldName::system},
                                                    {"B-65", WorldName::pmap},   {"B-66", WorldName::pmap},
                                                    {"M-01", WorldName::system}, {"M-16", WorldName::pmap}};
    for (const auto& [id, name] : kRefuted) {
        ProveOptions options;
        options.filter = name;
        options.defects = with(id);
        const ProveReport report = prove_all(options);
        const std::optional<Trace> trace = trace_of(report.verdicts.at(0), {id});
        const auto row = expected.find(id);
        ASSERT_EQ(trace.has_value(), row != expected.end()) << id;
        if (trace) {
            EXPECT_EQ(trace->world, row->second) << id;
            EXPECT_LE(trace->steps.size(), 12U) << id;
        }
    }
}

// --- mutants -------------------------------------------------------------------------------------------------------

struct Mutants {
    std::map<std::string, bool> killed;
    std::map<std::string, std::vector<std::pair<const Property*, Mutation>>> where;
};

std::set<std::string> goals_of(const Property& property) {
    ModelSession session({}, kNone);
    std::set<std::string> names;
    for (const Goal<std::uint32_t>& goal : property.concrete(session).goals) {
        names.insert(goal.name);
    }
    return names;
}

// Of a large property only as many mutants as its goals need, those of the state first: its functions have properties
// of their own.
std::set<std::string> refuted_by_mutants(const Property& property, Mutants& mutants) {
    const std::set<std::string> goals = goals_of(property);
    std::set<std::string> refuted;
    std::vector<Mutation> list = mutants_of(property);
    if (property.large) {
        std::reverse(list.begin(), list.end());
    }
    for (const Mutation& mutation : list) {
        if (property.large && refuted.size() == goals.size()) {
            break;
        }
        const std::set<std::string> found = goals_refuted(property, mutation);
        refuted.insert(found.begin(), found.end());
        if (!property.large) {
            const std::string text = mutation_text(mutation);
            mutants.where[text].emplace_back(&property, mutation);
            mutants.killed[text] = mutants.killed[text] || !found.empty();
        }
    }
    for (const std::string& goal : goals) {
        for (const Mutation& mutation : list) {
            if (refuted.contains(goal) || refutes(property, mutation, goal)) {
                refuted.insert(goal);
                break;
            }
        }
    }
    return refuted;
}

bool refuted_by_a_defect(const std::string& obligation) {
    return std::any_of(std::begin(kRefuted), std::end(kRefuted),
                       [&](const auto& row) { return obligation == row.second; });
}

TEST(Mutants, RefuteEveryObligationAndAreAllKilled) {
    const std::vector<Property> properties = all_properties(2, 2);
    Mutants mutants;
    for (const Property& property : properties) {
        const std::set<std::string> refuted = refuted_by_mutants(property, mutants);
        for (const std::string& goal : goals_of(property)) {
            const std::string name = property.name + "." + goal;
            EXPECT_TRUE(refuted.contains(goal) || refuted_by_a_defect(name)) << name << " cannot fail";
        }
    }
    EXPECT_GT(mutants.killed.size(), 500U);
    for (const auto& [text, killed] : mutants.killed) {
        const auto& uses = mutants.where[text];
        EXPECT_TRUE(killed || std::all_of(uses.begin(), uses.end(),
                                          [](const auto& use) { return is_equivalent(*use.first, use.second); }))
            << text << " is not noticed by " << uses.front().first->name;
    }
}

// --- two semantics, one text ---------------------------------------------------------------------------------------

constexpr unsigned kRandomInputs = 100'000;
constexpr unsigned kRandomStates = 2'000;  // of the whole pmap, whose functions are those of the other properties

TEST(Agreement, SymbolicAndCompiledFunctionsGiveTheSame) {
    for (const Property& property : all_properties(2, 2)) {
        z3::context context;
        SymbolicSession symbolic(context, kNone);
        const Claim<SymW> claim = property.symbolic(symbolic);
        TermEvaluator evaluator(symbolic.inputs);
        std::vector<std::size_t> outputs;
        for (const z3::expr& term : symbolic.outputs) {
            outputs.push_back(evaluator.add(term));
        }
        const std::size_t premise = evaluator.add(claim.premise.term(context));
        std::mt19937 random(7);
        const unsigned runs = property.large ? kRandomStates : kRandomInputs;
        for (unsigned n = 0; n < runs; ++n) {
            RandomSession compiled(random, kNone);
            const Claim<std::uint32_t> same = property.concrete(compiled);
            const std::vector<std::uint32_t>& values = evaluator.run(compiled.inputs);
            ASSERT_EQ(outputs.size(), compiled.outputs.size());
            for (std::size_t k = 0; k < outputs.size(); ++k) {
                ASSERT_EQ(values[outputs[k]], compiled.outputs[k]) << property.name << ", output " << k;
            }
            ASSERT_EQ(values[premise] != 0, same.premise) << property.name;
            // The third use of the text: random words.
            for (const Goal<std::uint32_t>& goal : same.goals) {
                ASSERT_TRUE(!same.premise || goal.holds) << property.name << '.' << goal.name;
            }
        }
    }
}

TEST(TermEvaluator, AgreesWithZ3) {
    z3::context context;
    std::mt19937 random(3);
    for (const Property& property : all_properties(1, 1)) {
        SymbolicSession symbolic(context, kNone);
        property.symbolic(symbolic);
        TermEvaluator evaluator(symbolic.inputs);
        RandomSession drawn(random, kNone);
        property.concrete(drawn);
        z3::expr_vector from(context);
        z3::expr_vector to(context);
        for (std::size_t n = 0; n < symbolic.inputs.size(); ++n) {
            from.push_back(symbolic.inputs[n]);
            to.push_back(symbolic.inputs[n].is_bool() ? context.bool_val(drawn.inputs[n] != 0)
                                                      : context.bv_val(drawn.inputs[n], 32));
        }
        for (z3::expr& term : symbolic.outputs) {
            const std::size_t position = evaluator.add(term);
            const z3::expr value = term.substitute(from, to).simplify();
            const std::uint32_t expected =
                value.is_bool() ? (value.is_true() ? 1U : 0U) : static_cast<std::uint32_t>(value.get_numeral_uint64());
            EXPECT_EQ(evaluator.run(drawn.inputs)[position], expected) << property.name;
        }
    }
}

// --- a second solver -----------------------------------------------------------------------------------------------

// What cvc5 says about one exported query: "sat" or "unsat".
std::string cvc5_answer(const std::string& path) {
    std::FILE* const pipe = popen(("cvc5 '" + path + "' 2>&1").c_str(), "r");
    std::string answer;
    for (int c = std::fgetc(pipe); c != EOF && c != '\n'; c = std::fgetc(pipe)) {
        answer += static_cast<char>(c);
    }
    pclose(pipe);
    return answer;
}

TEST(SecondSolver, AgreesOnEveryExportedQuery) {
    if (std::system("cvc5 --version > /dev/null 2>&1") != 0) {
        GTEST_SKIP() << "cvc5 is not installed";
    }
    std::vector<Query> queries;
    ProveOptions options;
    options.on_query = [&queries](const Query& query) { queries.push_back(query); };
    const ProveReport report = prove_all(options);
    EXPECT_GT(queries.size(), report.verdicts.size());
    const std::string path = testing::TempDir() + "vmref_query.smt2";
    for (const Query& query : queries) {
        std::ofstream(path, std::ios::trunc) << query.text;
        EXPECT_EQ(cvc5_answer(path), query.satisfiable ? "sat" : "unsat") << query.name;
    }
}

}  // namespace
}  // namespace vmref::smt
