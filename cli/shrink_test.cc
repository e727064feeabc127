#include "cli/shrink.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "cli/cli_test.h"
#include "traces/trace.h"

namespace vmref::cli {
namespace {

// With M-01, the child's load maps the parent's page writable; the rest has nothing to do with it.
constexpr const char* kTrace = R"({"version":1,"seed":9,"operations":[
    {"op":"spawn","pid":4},
    {"op":"spawn","pid":2},
    {"op":"mmap","pid":4,"addr":"0x00010000","length":32768,"prot":"rw","fixed":true},
    {"op":"store","pid":4,"addr":"0x00010004","size":4,"value":7},
    {"op":"store","pid":4,"addr":"0x00011004","size":4,"value":7},
    {"op":"fork","parent":4,"child":9},
    {"op":"exit","pid":2},
    {"op":"store","pid":9,"addr":"0x00011004","size":4,"value":8},
    {"op":"load","pid":9,"addr":"0x00010004","size":4},
    {"op":"pageout","pages":4}
]})";

class ShrinkCommand : public testing::Test {
  protected:
    ShrinkCommand() : trace_(folder_.write("long.json", kTrace)), output_(folder_.file("short.json")) {}

    TestFolder folder_;
    std::string trace_;
    std::string output_;
};

TEST_F(ShrinkCommand, WritesAShorterTraceThatFailsByTheSameRule) {
    const Outcome outcome = run({"shrink", trace_, "-o", output_, "--defect", "M-01"});
    ASSERT_EQ(outcome.status, 0) << outcome.out << outcome.err;
    EXPECT_NE(outcome.out.find("VIOLATED I-16"), std::string::npos) << outcome.out;
    EXPECT_NE(outcome.out.find("  rule:   a writable PTE maps its entry's own page"), std::string::npos) << outcome.out;
    EXPECT_NE(outcome.out.find("  source: vm_fault.c:2181-2186, 2870"), std::string::npos) << outcome.out;

    const Trace shrunk = read_trace(output_);
    EXPECT_LT(shrunk.steps.size(), 8U);
    EXPECT_EQ(shrunk.seed, 9U);
    EXPECT_EQ(shrunk.defects, std::vector<std::string>{"M-01"});
    EXPECT_TRUE(shrunk.note.starts_with("I-16: ")) << shrunk.note;
    EXPECT_LT(shrunk.config.frames, Config{}.frames);
    EXPECT_EQ(shrunk.config.cpus, 1U);
    EXPECT_EQ(shrunk.steps.front().operation, Operation(Spawn{1}));
    EXPECT_EQ(run({"replay", output_}).status, 0);
    const Outcome with = run({"replay", output_, "--defect", "M-01"});
    EXPECT_EQ(with.status, 1);
    EXPECT_NE(with.out.find("VIOLATED I-16"), std::string::npos) << with.out;
}

TEST_F(ShrinkCommand, RefusesWhatHolds) {
    const Outcome outcome = run({"shrink", trace_, "-o", output_});
    EXPECT_EQ(outcome.status, 2);
    EXPECT_EQ(outcome.out, "");
    EXPECT_EQ(outcome.err,
              "vmref: " + trace_ + ": expected a run that the model or an invariant objects to; this one holds\n");
    EXPECT_FALSE(std::filesystem::exists(output_));
}

TEST_F(ShrinkCommand, RefusesBadInput) {
    EXPECT_EQ(run({"shrink", trace_}).status, 2);
    EXPECT_EQ(run({"shrink", folder_.file("none.json"), "-o", output_}).status, 2);
    EXPECT_EQ(run({"shrink", trace_, "-o", output_, "--defect", "M-99"}).status, 2);
    const std::string nobody = folder_.write("nobody.json", R"({"version":1,"operations":[{"op":"exit","pid":7}]})");
    const Outcome refused = run({"shrink", nobody, "-o", output_});
    EXPECT_EQ(refused.status, 2);
    EXPECT_NE(refused.err.find("/operations/0"), std::string::npos) << refused.err;
    EXPECT_EQ(run({"shrink", trace_, "-o", folder_.file("none/x.json"), "--defect", "M-01"}).status, 3);
}

}  // namespace
}  // namespace vmref::cli
