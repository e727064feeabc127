#include "cli/cli_test.h"

#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <thread>

#include "impl/defects/defects.h"
#include "traces/trace.h"

namespace vmref::cli {
namespace {

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
    EXPECT_GT(json["paths"]["page zero-filled"], 0U);
    EXPECT_GT(json["paths"]["exit top_needs_exclusive"], 0U);
    EXPECT_EQ(json["paths"]["exit dead"], 0U) << "a path that no operation takes shows as never taken";
    const std::string text = run({"check", "--ops", "3000", "--stats"}).out;
    EXPECT_NE(text.find("\nfork "), std::string::npos) << text;
    EXPECT_NE(text.find("segv"), std::string::npos) << text;
    const std::size_t blind = text.find("\nnot reached: ");
    ASSERT_NE(blind, std::string::npos) << text;
    EXPECT_NE(text.find("exit dead", blind), std::string::npos) << text;
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
