#include "traces/recorded.h"

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "ops/codec.h"
#include "ops/synthetic.h"
#include "traces/test_files.h"

namespace vmref {
namespace {

// The operations of a recording with these rows after its first, the spawn of process 1, each as compact JSON.
std::vector<std::string> translate(const TestFolder& folder, const std::string& rows) {
    const std::string path = folder.write("t.jsonl", "{\"op\":\"spawn\",\"pid\":1,\"exe\":\"/bin/t\"}\n" + rows);
    std::vector<std::string> result;
    const Trace trace = read_recorded(path);
    for (std::size_t n = 1; n < trace.steps.size(); ++n) {
        result.push_back(std::to_string(trace.steps[n].line) + " " +
                         nlohmann::ordered_json(encode_operation(trace.steps[n].operation)).dump());
    }
    return result;
}

using Lines = std::vector<std::string>;

constexpr const char* kFile = R"({"op":"file","id":4,"path":"/lib","size":20000})"
                              "\n";

TEST(Recorded, TheSevenRecordingsAreRead) {
    // VM operations and touches as traces/recorded/README.md counts them.
    const std::map<std::string, std::pair<std::size_t, std::size_t>> expected{
        {"ls", {45, 235}},      {"sh_pipe", {111, 733}},  {"sort", {35, 355}},       {"git_log", {59, 533}},
        {"python", {57, 1295}}, {"sh_loop", {260, 2797}}, {"gcc_hello", {176, 4455}}};
    for (const auto& [name, counts] : expected) {
        const Trace trace = read_any("traces/recorded/" + name + ".jsonl.gz");
        EXPECT_TRUE(trace.recorded);
        EXPECT_EQ(trace.note, "recorded: " + name + ".jsonl.gz");
        std::size_t accesses = 0;
        std::size_t files = 0;
        unsigned line = 0;
        for (const Step& step : trace.steps) {
            accesses += std::holds_alternative<Access>(step.operation) ? 1 : 0;
            files += std::holds_alternative<CreateFile>(step.operation) ? 1 : 0;
            EXPECT_GE(step.line, line);
            line = step.line;
        }
        EXPECT_EQ(trace.steps.size() - accesses - files, counts.first) << name;
        EXPECT_EQ(accesses, counts.second) << name;
        const TestFolder folder;
        write_trace(folder.file("copy.json.gz"), trace);
        EXPECT_EQ(read_any(folder.file("copy.json.gz")), trace) << name;
    }
}

TEST(Recorded, ProcessesFilesAndMappings) {
    const TestFolder folder;
    EXPECT_EQ(
        translate(folder, std::string(kFile) +
                              R"({"op":"mmap","pid":1,"addr":8192,"len":5000,"prot":5,"flags":"PF","file":4,"off":4096}
{"op":"mmap","pid":1,"addr":65536,"len":4096,"prot":2,"flags":"SA"}
{"op":"mmap","pid":1,"addr":131072,"len":65536,"prot":3,"flags":"PAK"}
{"op":"fork","pid":1,"child":2,"vfork":1}
{"op":"exec","pid":2,"exe":"/bin/u"}
{"op":"ftruncate","pid":2,"file":4,"size":100}
{"op":"exit","pid":2}
{"op":"epoch","pid":1}
{"op":"munmap","pid":1,"addr":0,"len":1,"err":22})"),
        (Lines{
            R"(2 {"op":"create_file","file":4,"size":20000,"path":"/lib"})",
            R"(3 {"op":"mmap","pid":1,"addr":"0x00002000","length":8192,"prot":"rx","fixed":true,"file":4,"offset":4096})",
            R"(4 {"op":"mmap","pid":1,"addr":"0x00010000","length":4096,"prot":"rw","shared":true,"fixed":true})",
            R"(5 {"op":"mmap","pid":1,"addr":"0x00020000","length":65536,"prot":"rw","fixed":true,"stack":true})",
            R"(6 {"op":"fork","parent":1,"child":2})", R"(7 {"op":"exec","pid":2})",
            R"(8 {"op":"ftruncate","file":4,"size":100})", R"(9 {"op":"exit","pid":2})"}));
}

TEST(Recorded, TouchesBecomeAccessesThatStayInTheirPage) {
    const TestFolder folder;
    const auto store = std::to_string(synthetic_store(1));
    EXPECT_EQ(translate(folder, R"({"op":"mmap","pid":1,"addr":8192,"len":4096,"prot":7,"flags":"PAF"}
{"op":"touch","pid":1,"addr":8192,"acc":"r"}
{"op":"touch","pid":1,"addr":8192,"acc":"w","k":1}
{"op":"touch","pid":1,"addr":8192,"acc":"x","k":0})"),
              (Lines{R"(2 {"op":"mmap","pid":1,"addr":"0x00002000","length":4096,"prot":"rwx","fixed":true})",
                     R"(3 {"op":"load","pid":1,"addr":"0x00002000","size":4})",
                     R"(4 {"op":"store","pid":1,"addr":"0x00002034","size":4,"value":)" + store + R"(,"kernel":true})",
                     R"(5 {"op":"fetch","pid":1,"addr":"0x00002068","size":4})"}));
    std::string rows;
    for (int n = 0; n < 5000; ++n) {
        rows += "{\"op\":\"touch\",\"pid\":1,\"addr\":4096,\"acc\":\"r\"}\n";
    }
    folder.write("many.jsonl", "{\"op\":\"spawn\",\"pid\":1,\"exe\":\"\"}\n" + rows);
    std::map<Va, int> places;
    for (const Step& step : read_any(folder.file("many.jsonl")).steps) {
        if (const auto* access = std::get_if<Access>(&step.operation)) {
            ASSERT_EQ(trunc_page(access->addr), 4096U);
            ASSERT_EQ(access->addr % 4, 0U);
            ++places[access->addr];
        }
    }
    EXPECT_EQ(places.size(), 1024U);
}

TEST(Recorded, CallsOverHolesAreSplitIntoMappedRuns) {
    const TestFolder folder;
    const std::string two = R"({"op":"mmap","pid":1,"addr":4096,"len":8192,"prot":3,"flags":"PA"}
{"op":"mmap","pid":1,"addr":16384,"len":4096,"prot":3,"flags":"PA"}
)";
    const auto rest = [&](const std::string& rows) {
        Lines lines = translate(folder, two + rows);
        lines.erase(lines.begin(), lines.begin() + 2);
        return lines;
    };
    EXPECT_EQ(rest(R"({"op":"munmap","pid":1,"addr":0,"len":40960}
{"op":"munmap","pid":1,"addr":0,"len":40960})"),
              (Lines{R"(4 {"op":"munmap","pid":1,"addr":"0x00001000","length":8192})",
                     R"(4 {"op":"munmap","pid":1,"addr":"0x00004000","length":4096})"}));
    EXPECT_EQ(rest(R"({"op":"msync","pid":1,"addr":8192,"len":12288,"arg":6})"),
              (Lines{R"(4 {"op":"msync","pid":1,"addr":"0x00002000","length":4096,"invalidate":true})",
                     R"(4 {"op":"msync","pid":1,"addr":"0x00004000","length":4096,"invalidate":true})"}));
    EXPECT_EQ(rest(R"({"op":"mlock","pid":1,"addr":8200,"len":8192,"arg":0}
{"op":"munlock","pid":1,"addr":0,"len":40960}
{"op":"munlock","pid":1,"addr":0,"len":40960,"arg":0})"),
              (Lines{R"(4 {"op":"mlock","pid":1,"addr":"0x00002000","length":4096})",
                     R"(4 {"op":"mlock","pid":1,"addr":"0x00004000","length":4096})",
                     R"(5 {"op":"munlock","pid":1,"addr":"0x00002000","length":4096})",
                     R"(5 {"op":"munlock","pid":1,"addr":"0x00004000","length":4096})"}));
    EXPECT_EQ(rest(R"({"op":"mprotect","pid":1,"addr":0,"len":40960,"prot":4}
{"op":"mprotect","pid":1,"addr":0,"len":0,"prot":0})"),
              (Lines{R"(4 {"op":"mprotect","pid":1,"addr":"0x00000000","length":40960,"prot":"rx"})"}));
}

TEST(Recorded, AForkedProcessHasTheMappingsButNotTheLocks) {
    const TestFolder folder;
    const Lines lines = translate(folder, R"({"op":"mmap","pid":1,"addr":4096,"len":4096,"prot":3,"flags":"PA"}
{"op":"mlock","pid":1,"addr":4096,"len":4096,"arg":0}
{"op":"fork","pid":1,"child":2}
{"op":"munlock","pid":2,"addr":4096,"len":4096,"arg":0}
{"op":"munmap","pid":1,"addr":4096,"len":4096}
{"op":"munmap","pid":2,"addr":4096,"len":4096}
{"op":"exec","pid":2,"exe":""}
{"op":"munmap","pid":2,"addr":4096,"len":4096})");
    EXPECT_EQ(lines,
              (Lines{lines[0], lines[1], lines[2], R"(6 {"op":"munmap","pid":1,"addr":"0x00001000","length":4096})",
                     R"(7 {"op":"munmap","pid":2,"addr":"0x00001000","length":4096})", lines[5]}));
    EXPECT_EQ(lines[5], R"(8 {"op":"exec","pid":2})");
}

TEST(Recorded, AStackIsMappedAsFarAsItWasTouched) {
    const TestFolder folder;
    const Lines lines =
        translate(folder, R"({"op":"mmap","pid":1,"addr":3196059648,"len":8388608,"prot":3,"flags":"PAK"}
{"op":"touch","pid":1,"addr":3204313088,"acc":"w"}
{"op":"touch","pid":1,"addr":3204308992,"acc":"w"}
{"op":"msync","pid":1,"addr":3196059648,"len":8388608,"arg":4}
{"op":"munmap","pid":1,"addr":3196059648,"len":8388608})");
    ASSERT_EQ(lines.size(), 5U);
    // 64 pages: the 32 mapped first, and 32 more for the touch below them.
    EXPECT_EQ(lines[3], R"(5 {"op":"msync","pid":1,"addr":"0xbefc0000","length":262144})");
    EXPECT_EQ(lines[4], R"(6 {"op":"munmap","pid":1,"addr":"0xbefc0000","length":262144})");
}

TEST(Recorded, AdviceIsTranslatedOrLeftOut) {
    const TestFolder folder;
    std::string rows;
    for (const int arg : {0, 1, 2, 3, 4, 8, 9, 14, 16}) {
        rows += "{\"op\":\"madvise\",\"pid\":1,\"addr\":4096,\"len\":1,\"arg\":" + std::to_string(arg) + "}\n";
    }
    const std::string start = R"( {"op":"madvise","pid":1,"addr":"0x00001000","length":4096,"advice":")";
    EXPECT_EQ(translate(folder, rows),
              (Lines{"2" + start + "normal\"}", "3" + start + "random\"}", "4" + start + "sequential\"}",
                     "5" + start + "willneed\"}", "6" + start + "dontneed\"}", "7" + start + "free\"}"}));
}

TEST(Recorded, MremapMovesWhatIsMapped) {
    const TestFolder folder;
    const Lines lines = translate(folder, R"({"op":"mmap","pid":1,"addr":4096,"len":8192,"prot":3,"flags":"PA"}
{"op":"mremap","pid":1,"addr":4096,"len":8192,"newlen":12000,"flags":1,"ret":65536}
{"op":"mremap","pid":1,"addr":65536,"len":12288,"newlen":4096,"flags":0,"ret":65536}
{"op":"mremap","pid":1,"addr":65536,"len":4096,"newlen":4096,"flags":5,"ret":131072}
{"op":"munmap","pid":1,"addr":0,"len":1048576})");
    EXPECT_EQ(
        Lines(lines.begin() + 1, lines.end()),
        (Lines{
            R"(3 {"op":"mremap","pid":1,"addr":"0x00001000","length":8192,"new_addr":"0x00010000","new_length":12288})",
            R"(4 {"op":"mremap","pid":1,"addr":"0x00010000","length":12288,"new_addr":"0x00010000","new_length":4096})",
            R"(5 {"op":"mremap","pid":1,"addr":"0x00010000","length":4096,"new_addr":"0x00020000","new_length":4096})",
            R"(5 {"op":"mmap","pid":1,"addr":"0x00010000","length":4096,"prot":"rwx","fixed":true})",
            R"(6 {"op":"munmap","pid":1,"addr":"0x00010000","length":4096})",
            R"(6 {"op":"munmap","pid":1,"addr":"0x00020000","length":4096})"}));
}

TEST(Recorded, ThreadsAreCountedUpToEight) {
    const TestFolder folder;
    std::string rows;
    for (int n = 0; n < 9; ++n) {
        rows += "{\"op\":\"thread\",\"pid\":1}\n";
    }
    for (int n = 0; n < 11; ++n) {
        rows += "{\"op\":\"thread_exit\",\"pid\":1}\n";
    }
    std::string counts;
    for (const std::string& line : translate(folder, rows)) {
        EXPECT_NE(line.find("\"threads\""), std::string::npos);
        counts += line[line.size() - 2];
    }
    EXPECT_EQ(counts, "23456787654321");
}

TEST(Recorded, BadRowsAreOneClearLine) {
    const TestFolder folder;
    const std::string whole = "expected a whole number from ";
    const std::string flags =
        "expected P or S, then of A (anonymous), F (fixed) and K (stack, with P and A) what applies, each once, found ";
    const std::pair<std::string, std::string> cases[] = {
        {"7", "expected a JSON object, found 7"},
        {"{}", "row.op: expected a text, found nothing"},
        {R"({"op":"jump"})", "row.op: expected the name of a recorded operation, found \"jump\""},
        {R"({"op":"exit"})", "exit.pid: " + whole + "1 to 4294967295, found nothing"},
        {R"({"op":"exit","pid":"1"})", "exit.pid: " + whole + "1 to 4294967295, found \"1\""},
        {R"({"op":"exit","pid":0})", "exit.pid: " + whole + "1 to 4294967295, found 0"},
        {R"({"op":"exit","pid":2})", "exit.pid: expected a process that exists, found 2"},
        {R"({"op":"exit","pid":1,"pid":1})", "expected each member once, found \"pid\" twice"},
        {R"({"op":"spawn","pid":1,"exe":""})", "spawn.pid: expected a process that does not exist yet, found 1"},
        {R"({"op":"exec","pid":1})", "exec.exe: expected a text, found nothing"},
        {R"({"op":"fork","pid":1,"child":1})", "fork.child: expected a process that does not exist yet, found 1"},
        {R"({"op":"file","id":4,"path":"","size":1})", "file.id: expected a file that has no row yet, found 4"},
        {R"({"op":"file","id":5,"path":"","size":1073741825})",
         "file.size: " + whole + "0 to 1073741824, found 1073741825"},
        {R"({"op":"ftruncate","pid":1,"file":9,"size":0})",
         "ftruncate.file: expected a file named by a row before, found 9"},
        {R"({"op":"mmap","pid":1,"addr":4097,"len":1,"prot":1,"flags":"PA"})",
         "mmap.addr: expected a multiple of the page size, found 4097"},
        {R"({"op":"mmap","pid":1,"addr":3217031168,"len":1,"prot":1,"flags":"PA"})",
         "mmap.addr: " + whole + "0 to 3217031167, found 3217031168"},
        {R"({"op":"mmap","pid":1,"addr":3217027072,"len":4097,"prot":1,"flags":"PA"})",
         "mmap.len: expected a range that ends at or below 3217031168, found 4097"},
        {R"({"op":"mmap","pid":1,"addr":4096,"len":0,"prot":1,"flags":"PA"})",
         "mmap.len: " + whole + "1 to 4294967295, found 0"},
        {R"({"op":"mmap","pid":1,"addr":4096,"len":1,"prot":8,"flags":"PA"})",
         "mmap.prot: " + whole + "0 to 7, found 8"},
        {R"({"op":"mmap","pid":1,"addr":4096,"len":1,"prot":1,"flags":"PS"})", "mmap.flags: " + flags + "\"PS\""},
        {R"({"op":"mmap","pid":1,"addr":4096,"len":1,"prot":1,"flags":"PAQ"})", "mmap.flags: " + flags + "\"PAQ\""},
        {R"({"op":"mmap","pid":1,"addr":4096,"len":1,"prot":1,"flags":"SAK"})", "mmap.flags: " + flags + "\"SAK\""},
        {R"({"op":"mmap","pid":1,"addr":4096,"len":1,"prot":1,"flags":"P"})",
         "mmap.file: " + whole + "1 to 4294967295, found nothing"},
        {R"({"op":"mmap","pid":1,"addr":4096,"len":1,"prot":1,"flags":"P","file":4,"off":1})",
         "mmap.off: expected a multiple of the page size, found 1"},
        {R"({"op":"mmap","pid":1,"addr":4096,"len":1,"prot":1,"flags":"PA","file":4})",
         "mmap.file: expected no file for an anonymous mapping, found 4"},
        {R"({"op":"touch","pid":1,"addr":4096,"acc":"q"})", "touch.acc: expected r, w or x, found \"q\""},
        {R"({"op":"touch","pid":1,"addr":4096,"acc":"r","k":2})", "touch.k: " + whole + "0 to 1, found 2"},
        {R"({"op":"touch","pid":1,"addr":4294967295,"acc":"r"})",
         "touch.addr: " + whole + "0 to 3217031167, found 4294967295"},
        {R"({"op":"madvise","pid":1,"addr":4096,"len":1})", "madvise.arg: " + whole + "0 to 4294967295, found nothing"},
        {R"({"op":"mremap","pid":1,"addr":4096,"len":4096,"newlen":4096,"flags":0,"ret":4096})",
         "mremap.addr: expected a range that is mapped, found 4096"},
        {R"({"op":"mremap","pid":1,"addr":4096,"len":8192,"newlen":8192,"flags":0,"ret":8192})",
         "mremap.ret: expected the same address or a range apart from the old one, found 8192"},
    };
    for (const auto& entry : cases) {
        const std::string& row = entry.first;
        const std::string& message = entry.second;
        EXPECT_EQ(bad_input(folder, [&] { translate(folder, kFile + row); }), "t.jsonl:3: " + message) << row;
    }
}

TEST(Recorded, RowsThatAreNoJsonNameTheirLine) {
    const TestFolder folder;
    for (const std::string row : {"{\"op\":\"exit\",\"pid\":1", "", "{\"op\":\"exit\",\"pid\":1}}", "\x01"}) {
        const std::string message = bad_input(folder, [&] { translate(folder, row + "\n" + kFile); });
        EXPECT_EQ(message.substr(0, 26), "t.jsonl:2: expected JSON: ") << message;
    }
    EXPECT_EQ(bad_input(folder, [&] { read_any(folder.write("e.jsonl", "")); }),
              "e.jsonl:1: expected a row, found nothing");
    EXPECT_EQ(bad_input(folder, [&] { read_any(folder.file("none.jsonl.gz")); }), "none.jsonl.gz: no such file");
}

TEST(Recorded, HostileSizesStayCheap) {
    const TestFolder folder;
    const long before = peak_mib();
    const auto read = [&](const std::string& name) { return bad_input(folder, [&] { read_any(folder.file(name)); }); };
    folder.write_huge("endless.jsonl.gz", "", '{', 100);
    EXPECT_EQ(read("endless.jsonl.gz"), "endless.jsonl.gz:1: expected a line of at most 65536 bytes");
    folder.write("deep.jsonl", std::string(60000, '['));
    EXPECT_EQ(read("deep.jsonl"), "deep.jsonl:1: expected at most 16 levels of nesting");
    EXPECT_LT(peak_mib() - before, 20);
}

TEST(Recorded, ForksCannotMultiplyMappingsWithoutBound) {
    const TestFolder folder;
    std::string rows;
    for (int n = 0; n < 1000; ++n) {
        rows += R"({"op":"mmap","pid":1,"addr":)" + std::to_string(8192 * n) +
                R"(,"len":4096,"prot":1,"flags":"PA"})"
                "\n";
    }
    for (int n = 2; n < 2000; ++n) {
        rows += R"({"op":"fork","pid":1,"child":)" + std::to_string(n) + "}\n";
    }
    EXPECT_EQ(bad_input(folder, [&] { translate(folder, rows); }),
              "t.jsonl:2049: expected at most 1048576 mappings at a time");
}

TEST(Recorded, TheKindOfFileIsFoundByNameOrContent) {
    const TestFolder folder;
    const std::string row = "{\"op\":\"spawn\",\"pid\":1,\"exe\":\"\"}\n";
    EXPECT_TRUE(read_any(folder.write("a.txt", row)).recorded);
    EXPECT_FALSE(read_any(folder.write("b", "{\"version\":1,\"operations\":[{\"op\":\"spawn\",\"pid\":1}]}")).recorded);
    EXPECT_EQ(bad_input(folder, [&] { read_any(folder.write("c.jsonl", "{\n\"version\":1,\"operations\":[]}")); })
                  .substr(0, 26),
              "c.jsonl:1: expected JSON: ");
    Config config;
    config.cpus = 4;
    EXPECT_EQ(read_any(folder.file("a.txt"), config).config, config);
    EXPECT_EQ(read_any(folder.file("b"), config).config, Config{});
}

}  // namespace
}  // namespace vmref
