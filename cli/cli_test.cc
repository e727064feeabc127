#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "cli/run_cli.h"
#include "impl/defects/defects.h"
#include "traces/test_files.h"
#include "traces/trace.h"

namespace vmref::cli {
namespace {

using Json = nlohmann::json;

const std::string kRecorded = std::string(VMREF_SOURCE_DIR) + "/traces/recorded/ls.jsonl.gz";
constexpr const char* kHead = R"({"version":1,"operations":[)";

struct Outcome {
    int status = -1;
    std::string out;
    std::string err;
};

Outcome run(const std::vector<std::string>& args) {
    std::ostringstream out;
    std::ostringstream err;
    Outcome outcome;
    outcome.status = run_cli(args, out, err);
    outcome.out = out.str();
    outcome.err = err.str();
    return outcome;
}

bool one_line(const std::string& text) {
    return std::count(text.begin(), text.end(), '\n') == 1 && text.ends_with('\n');
}

// Bad input: status 2, nothing but one line, which has all of `parts`.
void expect_refused(const std::vector<std::string>& args, const std::vector<std::string>& parts) {
    const Outcome outcome = run(args);
    EXPECT_EQ(outcome.status, 2) << outcome.err;
    EXPECT_EQ(outcome.out, "");
    EXPECT_TRUE(one_line(outcome.err)) << outcome.err;
    EXPECT_TRUE(outcome.err.starts_with("vmref: ")) << outcome.err;
    for (const std::string& part : parts) {
        EXPECT_NE(outcome.err.find(part), std::string::npos) << "no '" << part << "' in: " << outcome.err;
    }
}

class CurrentFolder {
  public:
    explicit CurrentFolder(const std::string& path) : before_(std::filesystem::current_path()) {
        std::filesystem::current_path(path);
    }
    ~CurrentFolder() { std::filesystem::current_path(before_); }
    CurrentFolder(const CurrentFolder&) = delete;
    CurrentFolder& operator=(const CurrentFolder&) = delete;

  private:
    std::filesystem::path before_;
};

class Cli : public testing::Test {
  protected:
    // A trace of these operations, one per line from line 2 on.
    std::string trace(const std::string& name, const std::string& operations) const {
        return folder_.write(name, kHead + operations + "\n]}\n");
    }

    TestFolder folder_;
};

// --- the command line itself

TEST_F(Cli, HelpAndVersionGoToOutput) {
    const Outcome help = run({"--help"});
    EXPECT_EQ(help.status, 0);
    EXPECT_EQ(help.err, "");
    for (const char* const command : {"check", "replay", "report", "defects"}) {
        EXPECT_NE(help.out.find(command), std::string::npos) << command;
    }
    const Outcome of_check = run({"check", "--help"});
    EXPECT_EQ(of_check.status, 0);
    EXPECT_NE(of_check.out.find("--trace-out"), std::string::npos);
    const Outcome version = run({"--version"});
    EXPECT_EQ(version.status, 0);
    EXPECT_TRUE(one_line(version.out)) << version.out;
    EXPECT_TRUE(version.out.starts_with("vmref ")) << version.out;
}

TEST_F(Cli, UsageIsOneLine) {
    expect_refused({}, {"expected a command"});
    expect_refused({"chekc"}, {"chekc"});
    expect_refused({"check", "--ops", "x"}, {"vmref: check: --ops: expected a number", "got 'x'"});
    expect_refused({"check", "--ops", "0"}, {"--ops: expected a number from 1"});
    expect_refused({"check", "--ops", "-3"}, {"--ops", "-3"});
    expect_refused({"check", "--ops"}, {"--ops"});
    expect_refused({"check", "--ops", "18446744073709551616"}, {"--ops", "18446744073709551616"});
    expect_refused({"check", "--seconds", "nan"}, {"--seconds: expected a number of seconds"});
    expect_refused({"check", "--seed", "one"}, {"--seed: expected a number", "got 'one'"});
    expect_refused({"check", "--world", "object"}, {"--world: expected system or machine or pmap, got 'object'"});
    expect_refused({"check", "--nonsense"}, {"check: unexpected argument '--nonsense'"});
    expect_refused({"check", "two\nlines"}, {"check: unexpected argument"});
    expect_refused({"replay"}, {"replay: FILE"});
    expect_refused({"report"}, {"report: --output"});
    expect_refused({"report", "--format", "pdf", "-o", folder_.file("r")},
                   {"--format: expected md or json, got 'pdf'"});
}

TEST_F(Cli, NumbersAreDecimal) {
    EXPECT_EQ(Json::parse(run({"check", "--ops", "010", "--json"}).out)["operations"], 10);
}

TEST_F(Cli, DefectsListsTheCatalogue) {
    const Outcome text = run({"defects"});
    const Json json = Json::parse(run({"defects", "--json"}).out);
    EXPECT_EQ(text.status, 0);
    ASSERT_EQ(json.size(), impl::defect_catalogue().size());
    for (const Json& defect : json) {
        EXPECT_NE(text.out.find(defect["id"].get<std::string>()), std::string::npos);
        for (const char* const member : {"title", "world", "reach", "source", "detectors"}) {
            EXPECT_FALSE(defect[member].get<std::string>().empty()) << defect << member;
        }
    }
}

TEST_F(Cli, OutputThatCannotBeWrittenIsReported) {
    std::ofstream full("/dev/full");
    std::ostringstream err;
    EXPECT_EQ(run_cli({"defects"}, full, err), 3);
    EXPECT_TRUE(one_line(err.str())) << err.str();
}

// --- settings

TEST_F(Cli, SettingsAreJudged) {
    expect_refused({"check", "--set", "frames=abc"}, {"--set: frames: expected a number from 24", "got 'abc'"});
    expect_refused({"check", "--set", "frames=1"}, {"--set: frames: expected a number from 24", "got '1'"});
    expect_refused({"check", "--set", "frames="}, {"--set: frames: expected a number", "got ''"});
    expect_refused({"check", "--set", "frames"}, {"--set: expected key=value"});
    expect_refused({"check", "--set", "frame=64"}, {"--set: expected one of the keys frames, cpus", "'frame'"});
    expect_refused({"check", "--set", "tlb_entries=3"}, {"--set tlb_entries=3", "power of two"});
    expect_refused({"check", "--defect", "M-99"}, {"--defect: expected one of", "B-02", "got 'M-99'"});
}

TEST_F(Cli, ConfigFilesAreJudged) {
    const auto refused = [&](const std::string& name, const std::string& text, std::vector<std::string> parts) {
        const std::string path = folder_.write(name, text);
        parts.push_back(path);
        expect_refused({"check", "--config", path}, parts);
        expect_refused({"replay", kRecorded, "--config", path}, parts);
    };
    refused("unknown.json", R"({"frame":64})", {"/frame"});
    refused("range.json", R"({"frames":1})", {"/frames: expected"});
    refused("type.json", R"({"frames":"many"})", {"/frames: expected"});
    refused("text.json", "{\"frames\":64,\n frames}", {"text.json:2: expected JSON"});
    refused("list.json", "[]", {"expected an object"});
    refused("deep.json", std::string(100000, '['), {"levels of nesting"});
    refused("fit.json", R"({"frames":24})", {"free_target must leave"});
    // What is wrong with the file alone is said once, however many traces there are.
    const std::string unknown = folder_.file("unknown.json");
    expect_refused({"replay", kRecorded, kRecorded, "--config", unknown}, {unknown, "/frame"});
    expect_refused({"check", "--config", folder_.file("none.json")}, {"none.json: no such file"});
    expect_refused({"check", "--config", ""}, {"--config"});
}

TEST_F(Cli, AssignmentsComeAfterTheFile) {
    const std::string config = folder_.write("c.json", R"({"frames":128,"cpus":1})");
    const std::string needs_two = trace("cpu.json", R"(
        {"op":"spawn","pid":1},
        {"op":"switch","cpu":1,"pid":1})");
    EXPECT_EQ(run({"replay", needs_two}).status, 0);
    expect_refused({"replay", needs_two, "--config", config}, {"cpu.json:3", "cpu 1 does not exist"});
    EXPECT_EQ(run({"replay", "--set", "cpus=3", "--set", "cpus=2", needs_two, "--config", config}).status, 0);
}

// --- replay

TEST_F(Cli, RecordedProgramHolds) {
    const Outcome outcome = run({"replay", kRecorded});
    EXPECT_EQ(outcome.status, 0) << outcome.out << outcome.err;
    EXPECT_TRUE(one_line(outcome.out)) << outcome.out;
    EXPECT_TRUE(outcome.out.ends_with(": holds\n")) << outcome.out;
    EXPECT_EQ(outcome.err, "");
}

TEST_F(Cli, ReplayedJsonHasTotalsAndFiles) {
    const Outcome outcome = run({"replay", kRecorded, kRecorded, "--json"});
    ASSERT_EQ(outcome.status, 0) << outcome.err;
    ASSERT_TRUE(one_line(outcome.out));
    const Json json = Json::parse(outcome.out);
    ASSERT_EQ(json["files"].size(), 2U);
    const Json& file = json["files"][0];
    EXPECT_EQ(file["file"], kRecorded);
    EXPECT_GT(file["accesses"], 200);
    EXPECT_EQ(json["accesses"], 2 * file["accesses"].get<int>());
    EXPECT_EQ(json["operations"], 2 * file["operations"].get<int>());
    EXPECT_EQ(json["faults"], 2 * file["faults"].get<int>());
    EXPECT_EQ(json["peak_frames"], file["peak_frames"]);
    EXPECT_EQ(json["violations"], 0);
    EXPECT_TRUE(json["violation"].is_null());
    EXPECT_EQ(file["digest"], json["files"][1]["digest"]);
    for (const char* const member : {"seconds", "rate", "digest"}) {
        EXPECT_TRUE(json.contains(member)) << member;
    }
    const Json alone = Json::parse(run({"replay", kRecorded, "--json"}).out);
    EXPECT_EQ(alone["digest"], file["digest"]);
    EXPECT_TRUE(alone.contains("seed"));
}

TEST_F(Cli, ExpectationsAreCompared) {
    const std::string operations = R"(
        {"op":"spawn","pid":1,"expect":{}},
        {"op":"mmap","pid":1,"addr":"0x00010000","length":4096,"prot":"rw","fixed":true},
        {"op":"store","pid":1,"addr":"0x00010004","size":4,"value":7},
        {"op":"load","pid":1,"addr":"0x00010004","size":4,"expect":{"value":)";
    EXPECT_EQ(run({"replay", trace("right.json", operations + "7}}")}).status, 0);

    const std::string wrong = trace("wrong.json", operations + "8}}");
    const Outcome text = run({"replay", wrong});
    EXPECT_EQ(text.status, 1);
    EXPECT_NE(text.out.find("VIOLATED expectation"), std::string::npos) << text.out;
    EXPECT_NE(text.out.find(wrong + ":5"), std::string::npos) << text.out;
    const Json json = Json::parse(run({"replay", wrong, "--json"}).out);
    EXPECT_EQ(json["violations"], 1);
    EXPECT_EQ(json["violation"]["rule"], "expectation");
    EXPECT_EQ(json["violation"]["step"], 3);
    EXPECT_EQ(json["violation"]["trace"], wrong);
    // The operation that differs is not reached.
    EXPECT_EQ(run({"replay", wrong, "--until", "3"}).status, 0);
    EXPECT_EQ(Json::parse(run({"replay", wrong, "--until", "3", "--json"}).out)["operations"], 3);
}

TEST_F(Cli, RecordedAccessThatEndsInASignalIsAViolation) {
    const std::string rows =
        R"({"op":"spawn","pid":1,"exe":"p"}
{"op":"mmap","pid":1,"addr":65536,"len":4096,"prot":1,"flags":"PAF"}
{"op":"touch","pid":1,"addr":65536,"acc":"w"%s}
)";
    const auto with = [&](const std::string& name, const std::string& more) {
        std::string text = rows;
        return folder_.write(name, text.replace(text.find("%s"), 2, more));
    };
    for (const std::string& path : {with("user.jsonl", ""), with("kernel.jsonl", R"(,"k":1)")}) {
        const Outcome outcome = run({"replay", path});
        EXPECT_EQ(outcome.status, 1) << outcome.out << outcome.err;
        EXPECT_NE(outcome.out.find("VIOLATED recorded.signal"), std::string::npos) << outcome.out;
        EXPECT_NE(outcome.out.find(path + ":3"), std::string::npos) << outcome.out;
    }
}

TEST_F(Cli, WorstFileDecides) {
    const std::string good = trace("good.json", "\n{\"op\":\"spawn\",\"pid\":1}");
    const std::string bad = trace("bad.json", "\n{\"op\":\"exit\",\"pid\":1}");
    const std::string wrong = trace("wrong.json", "\n{\"op\":\"spawn\",\"pid\":1,\"expect\":{\"value\":1}}");
    EXPECT_EQ(run({"replay", good, wrong, good}).status, 1);
    const Outcome mixed = run({"replay", bad, wrong, good});
    EXPECT_EQ(mixed.status, 2);
    EXPECT_TRUE(one_line(mixed.err)) << mixed.err;
    EXPECT_NE(mixed.out.find("good.json: 1 operations"), std::string::npos) << mixed.out;
    const Json json = Json::parse(run({"replay", bad, wrong, "--json"}).out);
    EXPECT_NE(json["files"][0]["error"].get<std::string>().find("bad.json"), std::string::npos);
    EXPECT_EQ(json["violation"]["trace"], wrong);
}

TEST_F(Cli, BadTracesAreRefused) {
    std::ifstream recorded(kRecorded, std::ios::binary);
    std::ostringstream bytes;
    bytes << recorded.rdbuf();
    const std::string half = folder_.write("half.jsonl.gz", bytes.str().substr(0, bytes.str().size() / 2));
    expect_refused({"replay", half}, {half, "end missing"});

    const auto refused = [&](const std::string& name, const std::string& operations, std::vector<std::string> parts) {
        const std::string path = trace(name, operations);
        parts.push_back(path);
        expect_refused({"replay", path}, parts);
    };
    refused("text.json", "\n{\"op\":\"spawn\",\nnot JSON", {"text.json:3"});
    refused("unknown.json", "\n{\"op\":\"frobnicate\",\"pid\":1}", {"/operations/0/op", "frobnicate"});
    refused("missing.json", "\n{\"op\":\"spawn\"}", {"/operations/0/pid", "expected"});
    refused("mistyped.json", "\n{\"op\":\"spawn\",\"pid\":1},\n{\"op\":\"exit\",\"pid\":\"one\"}",
            {"/operations/1/pid", "expected"});
    refused("outside.json",
            "\n{\"op\":\"spawn\",\"pid\":1},\n"
            R"({"op":"mmap","pid":1,"addr":"0xbffff000","length":8192,"prot":"r","fixed":true})",
            {"outside.json:3", "/operations/1", "outside user space"});
    refused("nobody.json", "\n{\"op\":\"exit\",\"pid\":7}", {"nobody.json:2", "/operations/0", "process 7"});

    const std::string row = folder_.write("row.jsonl", "{\"op\":\"spawn\",\"pid\":1,\"exe\":\"p\"}\nnot JSON\n");
    expect_refused({"replay", row}, {"row.jsonl:2"});
    const std::string newer = folder_.write("newer.json", R"({"version":2,"operations":[]})");
    expect_refused({"replay", newer}, {newer, "version 2 is newer"});
    const std::string deep = folder_.write("deep.json", std::string(200000, '['));
    expect_refused({"replay", deep}, {deep, "levels of nesting"});
    const std::string key = folder_.write("key.json", R"({"version":1,"config":{"frame":64},"operations":[]})");
    expect_refused({"replay", key}, {key, "/config/frame"});
    expect_refused({"replay", folder_.file("none.json")}, {"none.json: no such file"});
    expect_refused({"replay", folder_.path()}, {"directory"});
    expect_refused({"replay", kRecorded, "--defect", "B-00"}, {"--defect", "B-00"});
    expect_refused({"replay", kRecorded, "--until", "0"}, {"--until"});
    expect_refused({"replay", trace("fit.json", ""), "--set", "frames=24"}, {"fit.json", "--set frames=24"});
}

// --- check

TEST_F(Cli, CheckHoldsAndSaysWhatItDid) {
    const Outcome text = run({"check", "--ops", "3000", "--seed", "5"});
    EXPECT_EQ(text.status, 0) << text.out << text.err;
    EXPECT_TRUE(text.out.ends_with("\nholds\n")) << text.out;
    const Json json = Json::parse(run({"check", "--ops", "3000", "--seed", "5", "--json"}).out);
    EXPECT_EQ(json["operations"], 3000);
    EXPECT_EQ(json["seed"], 5);
    EXPECT_EQ(json["violations"], 0);
    EXPECT_TRUE(json["violation"].is_null());
    for (const char* const member : {"accesses", "faults", "seconds", "peak_frames", "rate", "cells_compared",
                                     "invariants_evaluated", "invariants_with_premise"}) {
        EXPECT_GT(json[member], 0) << member;
    }
    EXPECT_NE(text.out.find(json["digest"].get<std::string>()), std::string::npos) << "the same run twice";
    EXPECT_NE(json["digest"], Json::parse(run({"check", "--ops", "3000", "--seed", "6", "--json"}).out)["digest"]);
}

TEST_F(Cli, StatsCountEveryOperation) {
    const Json json = Json::parse(run({"check", "--ops", "3000", "--stats", "--json"}).out);
    std::uint64_t counted = 0;
    for (const Json& row : json["stats"]) {
        std::uint64_t ended = 0;
        for (const Json& outcome : row["outcomes"]) {
            ended += outcome.get<std::uint64_t>();
        }
        EXPECT_EQ(ended, row["count"]) << row;
        counted += ended;
    }
    EXPECT_EQ(counted, 3000U);
    const std::string text = run({"check", "--ops", "3000", "--stats"}).out;
    EXPECT_NE(text.find("\nfork "), std::string::npos) << text;
    EXPECT_NE(text.find("segv"), std::string::npos) << text;
}

TEST_F(Cli, SecondsEndACheck) {
    const Json json = Json::parse(run({"check", "--seconds", "0.2", "--json"}).out);
    EXPECT_GE(json["seconds"], 0.2);
    EXPECT_GT(json["operations"], 0);
}

TEST_F(Cli, InterruptEndsACheckWithItsResults) {
    std::thread other([] {
        std::this_thread::sleep_for(std::chrono::milliseconds(300));
        kill(getpid(), SIGINT);
    });
    const Outcome outcome = run({"check", "--seconds", "20", "--json"});
    other.join();
    const Json json = Json::parse(outcome.out);
    EXPECT_EQ(outcome.status, 0);
    EXPECT_EQ(json["interrupted"], true);
    EXPECT_LT(json["seconds"], 10);
}

TEST_F(Cli, TraceThatCannotBeWrittenIsReported) {
    const Outcome before = run({"check", "--ops", "10", "--trace-out", folder_.file("none/trace.json")});
    EXPECT_EQ(before.status, 3);
    EXPECT_TRUE(one_line(before.err)) << before.err;
    EXPECT_NE(before.err.find("none/trace.json: cannot be written"), std::string::npos) << before.err;
    // Nothing runs whose result would be lost.
    std::filesystem::create_directory(folder_.file("taken.json"));
    for (const std::string& path : {folder_.file("taken.json"), std::string("/dev/null")}) {
        const Outcome taken = run({"check", "--ops", "10", "--trace-out", path});
        EXPECT_EQ(taken.status, 3);
        EXPECT_EQ(taken.out, "");
        EXPECT_TRUE(one_line(taken.err)) << taken.err;
    }
}

TEST_F(Cli, DefaultTraceNameHasRuleAndSeed) {
    const CurrentFolder here(folder_.path());
    const Outcome outcome = run({"check", "--ops", "200000", "--seed", "3", "--defect", "M-08", "--json"});
    ASSERT_EQ(outcome.status, 1) << outcome.err;
    const Json violation = Json::parse(outcome.out)["violation"];
    EXPECT_EQ(violation["trace"], "violation-" + violation["rule"].get<std::string>() + "-3.json");
    EXPECT_TRUE(std::filesystem::exists(violation["trace"].get<std::string>()));
}

TEST(CliDeathTest, HostMemoryThatRunsOutIsReported) {
#if defined(__SANITIZE_ADDRESS__)
    GTEST_SKIP() << "SKIPPED: the address sanitizer needs the address space that the limit takes away";
#endif
    const auto limited = [] {
        const rlimit limit{1U << 29, 1U << 29};
        setrlimit(RLIMIT_AS, &limit);
        const Outcome outcome = run({"check", "--ops", "10", "--set", "frames=524288"});
        std::fputs(outcome.err.c_str(), stderr);
        std::_Exit(one_line(outcome.err) ? outcome.status : 99);
    };
    EXPECT_EXIT(limited(), testing::ExitedWithCode(3), "vmref: out of memory");
}

struct Planted {
    const char* id;
    unsigned
        seeds;  // from 1 on: how many campaigns it may take; rare ones do not show in every campaign of this length
};

class PlantedDefect : public testing::TestWithParam<Planted> {
  protected:
    // The first campaign that finds something, else the last one.
    static Outcome find(const std::string& path) {
        Outcome outcome;
        for (unsigned seed = 1; seed <= GetParam().seeds && outcome.status != 1; ++seed) {
            outcome = run({"check", "--ops", "200000", "--seed", std::to_string(seed), "--defect", GetParam().id,
                           "--trace-out", path});
        }
        return outcome;
    }

    TestFolder folder_;
};

TEST_P(PlantedDefect, IsFoundAndItsTraceReplays) {
    const std::string id = GetParam().id;
    const std::string path = folder_.file("trace.json");
    const Outcome found = find(path);
    ASSERT_EQ(found.status, 1) << found.out << found.err;
    EXPECT_NE(found.out.find("VIOLATED"), std::string::npos) << found.out;
    EXPECT_NE(found.out.find("--defect " + id), std::string::npos) << found.out;

    const Trace trace = read_trace(path);
    EXPECT_EQ(trace.defects, std::vector{id});
    EXPECT_LE(trace.steps.size(), 40U) << found.out;
    const Outcome with = run({"replay", path, "--defect", id, "--json"});
    EXPECT_EQ(with.status, 1) << with.out << with.err;
    const std::string rule = Json::parse(with.out)["violation"]["rule"];
    EXPECT_TRUE(trace.note.starts_with(rule + ": ")) << trace.note << " against " << rule;
    const Outcome without = run({"replay", path});
    EXPECT_EQ(without.status, 0) << without.out << without.err;
}

std::string test_name(const testing::TestParamInfo<Planted>& planted) {
    std::string name = planted.param.id;
    std::erase(name, '-');
    return name;
}
INSTANTIATE_TEST_SUITE_P(Cli, PlantedDefect,
                         testing::Values(Planted{"M-01", 1}, Planted{"M-08", 1}, Planted{"B-02", 1},
                                         Planted{"B-07", 12}),
                         test_name);

// --- report

TEST_F(Cli, ReportListsEveryInvariant) {
    const std::string path = folder_.file("report.json");
    const Outcome outcome = run({"report", "--format", "json", "-o", path});
    ASSERT_EQ(outcome.status, 0) << outcome.out << outcome.err;
    const Json json = Json::parse(folder_.read("report.json"));
    EXPECT_EQ(json["operations"], 20000);
    ASSERT_FALSE(json["invariants"].empty());
    for (const Json& invariant : json["invariants"]) {
        EXPECT_TRUE(invariant["id"].get<std::string>().starts_with("I-")) << invariant;
        EXPECT_LE(invariant["applied"], invariant["checked"]) << invariant;
        EXPECT_EQ(invariant["violated"], 0) << invariant;
    }
    std::uint64_t counted = 0;
    for (const Json& row : json["operation_counts"]) {
        counted += row["count"].get<std::uint64_t>();
    }
    EXPECT_EQ(counted, 20000U);
    EXPECT_EQ(json["kernel"]["traps"], json["faults"]) << "the second run is the first one again";
    EXPECT_GT(json["kernel"]["object_collapses"], 0);
    EXPECT_GT(json["kernel"]["cow_faults"], 0);
}

TEST_F(Cli, ReportIsTheSameEachTime) {
    const std::string path = folder_.file("report.md");
    ASSERT_EQ(run({"report", "--ops", "2000", "-o", path}).status, 0);
    const std::string first = folder_.read("report.md");
    ASSERT_EQ(run({"report", "--ops", "2000", "-o", path}).status, 0);
    EXPECT_EQ(folder_.read("report.md"), first);
    EXPECT_NE(first.find("| I-16 |"), std::string::npos);
    EXPECT_NE(first.find("**holds**"), std::string::npos);
}

TEST_F(Cli, ReportThatCannotBeWrittenIsReported) {
    const Outcome outcome = run({"report", "-o", folder_.file("none/report.md")});
    EXPECT_EQ(outcome.status, 3);
    EXPECT_TRUE(one_line(outcome.err)) << outcome.err;
    EXPECT_TRUE(std::filesystem::is_empty(folder_.path()));
}

}  // namespace
}  // namespace vmref::cli
