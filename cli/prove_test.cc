// `vmref prove` on the command line.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "cli/cli_test.h"

namespace vmref::cli {
namespace {

class Prove : public Cli {
  protected:
    void SetUp() override {
#ifndef VMREF_WITH_Z3
        GTEST_SKIP() << "built without Z3";
#endif
    }
};

TEST_F(Prove, PrintsALinePerObligation) {
    const Outcome outcome = run({"prove", "--filter", "Z-8.shadow"});
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    EXPECT_TRUE(outcome.out.starts_with("proved ")) << outcome.out;
    EXPECT_NE(outcome.out.find("Z-8.shadow.is_counted"), std::string::npos);
    EXPECT_NE(outcome.out.find("I-26; vm_object.c:"), std::string::npos) << outcome.out;
    EXPECT_NE(outcome.out.find("1 obligations: 1 proved, 0 refuted, 0 unknown"), std::string::npos) << outcome.out;
}

TEST_F(Prove, ARefutationBecomesATraceThatReplays) {
    const std::string path = folder_.file("B-65.json");
    const Outcome outcome = run({"prove", "--filter", "Z-5.protect_big", "--defect", "B-65", "-o", path});
    EXPECT_EQ(outcome.status, 1) << outcome.err;
    EXPECT_NE(outcome.out.find("refuted      Z-5.protect_big.counts_what_is_mapped"), std::string::npos) << outcome.out;
    EXPECT_NE(outcome.out.find("counterexample: pde "), std::string::npos) << outcome.out;
    EXPECT_NE(outcome.out.find("replay: vmref replay "), std::string::npos) << outcome.out;
    EXPECT_EQ(run({"replay", path, "--defect", "B-65"}).status, 1);
    EXPECT_EQ(run({"replay", path}).status, 0);
}

TEST_F(Prove, SaysWhereNoTraceLeads) {
    const Outcome outcome = run({"prove", "--filter", "Z-3.allocation", "--defect", "B-25"});
    EXPECT_EQ(outcome.status, 1);
    EXPECT_NE(outcome.out.find("no trace: "), std::string::npos) << outcome.out;
}

TEST_F(Prove, SummarisesAsJson) {
    const Outcome outcome =
        run({"prove", "--filter", "Z-9.rename", "--defect", "M-24", "--json", "-o", folder_.file("M-24.json")});
    EXPECT_EQ(outcome.status, 1);
    const Json json = Json::parse(outcome.out);
    EXPECT_EQ(json["proved"], 0);
    EXPECT_EQ(json["refuted"], 1);
    EXPECT_EQ(json["unknown"], 0);
    EXPECT_TRUE(json["seconds"].is_number());
    ASSERT_EQ(json["obligations"].size(), 1U);
    EXPECT_EQ(json["obligations"][0]["name"], "Z-9.rename.clean_without_block_may_be_lost");
    EXPECT_EQ(json["obligations"][0]["result"], "refuted");
    EXPECT_TRUE(json["obligations"][0]["milliseconds"].is_number());
    EXPECT_EQ(json["obligations"][0]["counterexample"]["dirty"], 0);
}

TEST_F(Prove, ExportsEveryQuery) {
    const std::string folder = folder_.file("queries");
    EXPECT_EQ(run({"prove", "--filter", "Z-8.shadow", "--smt2", folder}).status, 0);
    std::ifstream file(folder + "/Z-8.shadow.is_counted.smt2");
    const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
    EXPECT_TRUE(text.starts_with("(set-logic QF_BV)\n")) << text;
    EXPECT_NE(text.find("(check-sat)"), std::string::npos);
    EXPECT_TRUE(text.ends_with("(exit)\n"));
    EXPECT_TRUE(std::filesystem::exists(folder + "/Z-8.shadow.twin.smt2"));
}

TEST_F(Prove, RefusesWhatItCannotRead) {
    expect_refused({"prove", "--size", "4"}, {"prove: --size: expected KxP", "'4'"});
    expect_refused({"prove", "--size", "0x3"}, {"expected KxP", "'0x3'"});
    expect_refused({"prove", "--filter", "no such claim"}, {"--filter: expected", "'no such claim'"});
    expect_refused({"prove", "--defect", "B-00"}, {"--defect: expected one of"});
}

}  // namespace
}  // namespace vmref::cli
