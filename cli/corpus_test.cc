// Every committed trace is a test: traces of defects fail with their defect and hold without it, by the rule that their
// note names; whatever else is committed holds.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "cli/run_cli.h"
#include "impl/defects/defects.h"
#include "props/machine/qemu.h"
#include "traces/trace.h"

namespace vmref::cli {
namespace {

using Json = nlohmann::json;

const std::string kTraces = std::string(VMREF_SOURCE_DIR) + "/traces/";

struct Replayed {
    int status = -1;
    Json json;
    std::string text;  // what was printed
};

Replayed replay(const std::string& path, const std::vector<std::string>& options = {}) {
    std::vector<std::string> args{"replay", path, "--json"};
    args.insert(args.end(), options.begin(), options.end());
    std::ostringstream out;
    std::ostringstream err;
    Replayed replayed;
    replayed.status = run_cli(args, out, err);
    replayed.text = out.str() + err.str();
    if (!out.str().empty()) {
        replayed.json = Json::parse(out.str());
    }
    return replayed;
}

std::vector<std::string> files_of(const std::string& folder) {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(kTraces + folder)) {
        const std::string name = entry.path().filename();
        if (name.ends_with(".json") || name.ends_with(".jsonl.gz")) {
            names.push_back(name);
        }
    }
    std::sort(names.begin(), names.end());
    return names;
}

std::string test_name(const testing::TestParamInfo<std::string>& file) {
    std::string name = file.param.substr(0, file.param.find('.'));
    std::erase(name, '-');
    return name;
}

class DefectTrace : public testing::TestWithParam<std::string> {};

TEST_P(DefectTrace, FailsWithItsDefectOnly) {
    const std::string path = kTraces + "defects/" + GetParam();
    const Trace trace = read_trace(path);
    const std::string id = GetParam().substr(0, GetParam().find('.'));
    EXPECT_EQ(trace.defects, std::vector{id});
    EXPECT_LE(trace.steps.size(), 12U);
    if (trace.world == WorldName::machine && !props::Qemu::problem().empty()) {
        GTEST_SKIP() << props::Qemu::problem();
    }
    const Replayed with = replay(path, {"--defect", id});
    ASSERT_EQ(with.status, 1) << with.text;
    const std::string rule = with.json["violation"]["rule"];
    EXPECT_TRUE(trace.note.starts_with(rule + ": ")) << trace.note << " against " << rule;
    const Replayed without = replay(path);
    EXPECT_EQ(without.status, 0) << without.text;
}

INSTANTIATE_TEST_SUITE_P(Corpus, DefectTrace, testing::ValuesIn(files_of("defects")), test_name);

TEST(Corpus, EveryDefectHasItsTrace) {
    std::set<std::string> known;
    const std::vector<std::string> files = files_of("defects");
    const std::set<std::string> kept(files.begin(), files.end());
    for (const impl::DefectInfo& defect : impl::defect_catalogue()) {
        const std::string file = std::string(defect.id) + ".json";
        known.insert(file);
        // What needs another thread has a trace only if one thread breaks a rule all the same.
        if (defect.reach == "seq") {
            EXPECT_TRUE(kept.contains(file)) << file;
        }
    }
    for (const std::string& file : kept) {
        EXPECT_TRUE(known.contains(file)) << file << " is of no defect";
    }
}

class Scenario : public testing::TestWithParam<std::string> {};

TEST_P(Scenario, HoldsAndFailsWithEachDefectThatItNames) {
    const std::string path = kTraces + "scenarios/" + GetParam();
    const Trace trace = read_trace(path);
    const Replayed replayed = replay(path);
    EXPECT_EQ(replayed.status, 0) << replayed.text;
    for (const std::string& id : trace.defects) {
        const Replayed with = replay(path, {"--defect", id});
        EXPECT_EQ(with.status, 1) << id << ": " << with.text;
    }
}

INSTANTIATE_TEST_SUITE_P(Corpus, Scenario, testing::ValuesIn(files_of("scenarios")), test_name);

TEST(Corpus, EveryTopicOfTheLogHasItsScenario) {
    const std::vector<std::string> files = files_of("scenarios");
    for (int topic = 1; topic <= 14; ++topic) {
        const std::string begin = std::string("uvm-") + (topic < 10 ? "0" : "") + std::to_string(topic) + "-";
        EXPECT_EQ(std::count_if(files.begin(), files.end(), [&](const auto& file) { return file.starts_with(begin); }),
                  1)
            << begin;
    }
}

class RegressionTrace : public testing::TestWithParam<std::string> {};

TEST_P(RegressionTrace, Holds) {
    const Replayed replayed = replay(kTraces + "regressions/" + GetParam());
    EXPECT_EQ(replayed.status, 0) << replayed.text;
}

INSTANTIATE_TEST_SUITE_P(Corpus, RegressionTrace, testing::ValuesIn(files_of("regressions")), test_name);

class Recording : public testing::TestWithParam<std::string> {};

// Real programs need not notice how much memory there is.
TEST_P(Recording, HoldsWithAllMemoryAndWithAQuarterOfItsPeak) {
    const std::string path = kTraces + "recorded/" + GetParam();
    const Replayed all = replay(path);
    ASSERT_EQ(all.status, 0) << all.text;
    const std::uint32_t quarter = all.json["peak_frames"].get<std::uint32_t>() / 4;
    const Replayed little = replay(path, {"--set", "frames=" + std::to_string(quarter)});
    EXPECT_EQ(little.status, 0) << little.text;
    EXPECT_LE(little.json["peak_frames"], quarter);
    EXPECT_EQ(little.json["operations"], all.json["operations"]);
}

// Nor need they notice which of their accesses a failing disk has ended: all others show what they must.
TEST_P(Recording, HoldsWithLittleMemoryAndAFailingDisk) {
    const std::string path = kTraces + "recorded/" + GetParam();
    const std::uint32_t peak = replay(path).json["peak_frames"];
    std::uint64_t failed = 0;
    for (const std::uint32_t part : {2U, 4U, 8U}) {
        const std::string frames = "frames=" + std::to_string(std::max(peak / part, 40U));
        const Replayed sound = replay(path, {"--set", frames});
        EXPECT_EQ(sound.status, 0) << frames << ": " << sound.text;
        const Replayed failing = replay(path, {"--set", frames, "--set", "io_errors=20"});
        EXPECT_EQ(failing.status, 0) << frames << ": " << failing.text;
        failed += failing.json["digest"] != sound.json["digest"] ? 1 : 0;
    }
    EXPECT_NE(failed, 0U) << "nothing was observed of a disk that fails";
}

INSTANTIATE_TEST_SUITE_P(Corpus, Recording, testing::ValuesIn(files_of("recorded")), test_name);

TEST(Corpus, RecordedShellLoopFindsDefects) {
    for (const char* const id : {"M-01", "M-08"}) {
        const Replayed replayed = replay(kTraces + "recorded/sh_loop.jsonl.gz", {"--defect", id});
        EXPECT_EQ(replayed.status, 1) << id << ": " << replayed.text;
    }
}

}  // namespace
}  // namespace vmref::cli
