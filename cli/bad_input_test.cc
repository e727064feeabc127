// Bad usage, settings and traces: one line, exit status 2.
#include "cli/cli_test.h"

namespace vmref::cli {
namespace {

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
    expect_refused({"check", "--world", "objects"},
                   {"--world: expected system or machine or pmap or object, got 'objects'"});
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

}  // namespace
}  // namespace vmref::cli
