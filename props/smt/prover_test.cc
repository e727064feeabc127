// That the obligations are proved, and refuted where a planted defect breaks them; that the symbolic functions are the
// compiled ones. That each obligation can fail: mutants_test.cc.
#include "props/smt/prover.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <random>
#include <set>

#include "props/smt/refuted_test.h"
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

INSTANTIATE_TEST_SUITE_P(Prover, RefutedDefect, testing::ValuesIn(kRefuted), [](const auto& row) {
    std::string name = row.param.first;
    name.erase(std::remove(name.begin(), name.end(), '-'), name.end());
    return name;
});

// Which world shows the counterexample.
TEST(Scenario, TurnsCounterexamplesIntoTraces) {
    const std::map<std::string, WorldName> expected{
        {"B-15", WorldName::system}, {"B-20", WorldName::system}, {"B-65", WorldName::pmap},
        {"B-66", WorldName::pmap},   {"M-01", WorldName::system}, {"M-16", WorldName::pmap},
        {"B-40", WorldName::object}, {"M-12", WorldName::object}, {"M-13", WorldName::object},
        {"M-14", WorldName::object}, {"M-24", WorldName::object}};
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
