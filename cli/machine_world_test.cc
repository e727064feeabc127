// The machine world on the command line, with QEMU and without.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "cli/cli_test.h"
#include "props/machine/qemu.h"
#include "traces/trace.h"

namespace vmref::cli {
namespace {

// Programs are looked for where there are none.
class NoPath {
  public:
    NoPath() : before_(std::getenv("PATH")) { setenv("PATH", "/nowhere", 1); }
    ~NoPath() { setenv("PATH", before_.c_str(), 1); }
    NoPath(const NoPath&) = delete;
    NoPath& operator=(const NoPath&) = delete;

  private:
    std::string before_;
};

const std::string kTrace = std::string(VMREF_SOURCE_DIR) + "/traces/defects/W-03.json";

TEST(MachineWorldCli, WithoutQemuItCouldNotRun) {
    const NoPath no_path;
    for (const std::vector<std::string>& args :
         {std::vector<std::string>{"check", "--world", "machine"}, std::vector<std::string>{"replay", kTrace}}) {
        const Outcome outcome = run(args);
        EXPECT_EQ(outcome.status, 3) << outcome.err;
        EXPECT_EQ(outcome.out, "");
        EXPECT_EQ(std::count(outcome.err.begin(), outcome.err.end(), '\n'), 1) << outcome.err;
        EXPECT_NE(outcome.err.find("qemu-system-i386"), std::string::npos) << outcome.err;
    }
}

TEST(MachineWorldCli, WithoutQemuItsOwnCasesFindDefects) {
    const NoPath no_path;
    const TestFolder folder;
    const std::string path = folder.file("found.json");
    const Outcome found = run({"check", "--world", "machine", "--defect", "W-03", "--trace-out", path});
    EXPECT_EQ(found.status, 1) << found.err;
    const Trace trace = read_trace(path);
    EXPECT_EQ(trace.world, WorldName::machine);
    EXPECT_LE(trace.steps.size(), 2U);
    EXPECT_EQ(run({"replay", path, "--defect", "W-03"}).status, 1);
}

TEST(MachineWorldCli, ChecksWithQemu) {
    if (const std::string why = props::Qemu::problem(); !why.empty()) {
        GTEST_SKIP() << why;
    }
    const Outcome outcome = run({"check", "--world", "machine", "--ops", "3000", "--json"});
    EXPECT_EQ(outcome.status, 0) << outcome.err;
    const auto json = nlohmann::json::parse(outcome.out);
    EXPECT_EQ(json["world"], "machine");
    EXPECT_EQ(json["operations"], 3000);
    EXPECT_GT(json["accesses"], 2000);
    EXPECT_GT(json["faults"], 500);
}

TEST(MachineWorldCli, RefusesBadOperations) {
    const TestFolder folder;
    const std::string head = "{\"version\":1,\"world\":\"machine\",\"operations\":[\n";
    const std::string path = folder.write("bad.json", head + R"({"op":"set_word","pa":0,"value":1})" + "\n]}\n");
    const Outcome refused = run({"replay", path});
    EXPECT_EQ(refused.status, 2);
    EXPECT_NE(refused.err.find("bad.json:2: /operations/0: /pa: expected the address of a word"), std::string::npos)
        << refused.err;
    const std::string other = folder.write("other.json", head + R"({"op":"spawn","pid":1})" + "\n]}\n");
    EXPECT_EQ(run({"replay", other}).status, 2);
    EXPECT_EQ(run({"replay", path, "--narrate"}).status, 2);
}

}  // namespace
}  // namespace vmref::cli
