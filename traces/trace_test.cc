#include "traces/trace.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "ops/codec.h"
#include "traces/schema_check.h"
#include "traces/test_files.h"

namespace vmref {
namespace {

using Json = nlohmann::json;

// One operation of every kind.
std::vector<Operation> all_operations() {
    return {Spawn{1},
            Exec{1},
            Exit{1},
            Fork{1, 2},
            Threads{1, 8},
            Switch{1, 0},
            CreateFile{1, kMaxFileSize, "/a \"b\"\n\xc3\xa9"},
            Mmap{1, 0xbfbff000, 4096, kProtNone, kProtRead, true, true, true, 9, 8192},
            Munmap{1, 0, 0xffffffff},
            Mremap{1, 0x1000, 1, 0x2000, 2},
            Mprotect{1, 0, 1, kProtAll},
            Minherit{1, 0, 1, Inherit::none},
            Madvise{1, 0, 1, Advice::free},
            Msync{1, 0, 1, true},
            Mlock{1, 0, 1},
            Munlock{1, 0, 1},
            Ftruncate{1, 0},
            FileRead{1, 1, 2, 3, 4},
            FileWrite{1, 1, 2, 3, 0xffffffff},
            Access{1, AccessKind::load, 0xffffffff, 1, 0, true},
            Access{1, AccessKind::store, 0x1000, 4, 0xffffffff, false},
            Access{1, AccessKind::fetch, 0x1000, 2, 0, false},
            Pageout{0xffffffff},
            DebugAccess{DebugCall::debug_read, 0, 1, 0xffffffff, 1},
            DebugAccess{DebugCall::debug_write, 1, 2, 0x1000, 4, 0xffffffff},
            KernelGet{1, 3, 0x1000, true},
            KernelPut{3, 0xffffffff},
            KernelWire{1, 0, 1},
            KernelUnwire{1, 0, 1},
            NofaultAccess{NofaultCall::load_nofault, 1, 0x1000, 4},
            NofaultAccess{NofaultCall::store_nofault, 1, 0x1000, 2, 0xffffffff},
            LockFuture{1, false},
            MapDevice{1, 2, 0x1000, 1, kProtRead, 4096},
            Swapoff{},
            KernelAlloc{kKernelMemory, 2, KernelUse::stack},
            KernelFree{kKernelMemory},
            LimitResident{1, 0xffffffff},
            KernelAccess{KernelCall::kernel_load, kKernelMemory, 4},
            KernelAccess{KernelCall::kernel_store, kKernelMemory, 2, 0xffffffff},
            WriteOut{1, 0x1000, true, true},
            FinishIo{},
            Reclaim{1, 0xffffffff},
            BusyPage{1, 0x1000, 3},
            PlanIo{IoCall::get, 1, IoAnswer::pend_error, 2},
            PlanIo{IoCall::put, 0xffffffff, IoAnswer::error},
            PlanShortage{Scarce::page_table, 1},
            Hook{},
            Mmap{.pid = 1, .addr = 0, .length = 4096, .prot = kProtRead, .vpagetable = true},
            Mcontrol{TableCall::set_map, 1, 0x1000, 4096, 0xffffffff},
            Mcontrol{TableCall::invalidate, 1, 0, 1},
            PageCall{PageCallName::page_alloc, 4095, 1},
            PageCall{PageCallName::pmap_page_assertzero, 0},
            PmapZeroPageArea{1, 2, 3, 1},
            PmapCopyPage{1, 2, 3, 4, 5, 1},
            PmapPageProtect{1, kProtRead, 1},
            PmapCall{PmapCallName::pmap_destroy, 1, 1},
            PmapSwitch{SwitchCallName::pmap_replacevm, 1, 2},
            PmapEnter{1, 0x1000, 2, kProtRead, true, true, 1},
            PmapEnterQuick{1, 0x1000, 2, 1},
            PmapObjectInitPt{1, 0x1000, kProtRead, 2, 3, true, 1},
            PmapInstall4m{1, 0x400000, kProtRead, 1},
            PmapRange{RangeCallName::pmap_remove_pages, 1, 0x1000, 2, 1},
            PmapProtect{1, 0x1000, 2, kProtNone, 1},
            PmapAddress{AddressCallName::pmap_unwire, 1, 0x1000, 1},
            PmapPair{PairCallName::pmap_remove_specific, 1, 2, 1},
            PmapCollect{1},
            KernelEnter{KernelEnterName::pmap_kenter_temporary, 15, 4096, 1},
            KernelAddress{KernelAddressName::pmap_kvtom, 0xc0581000, 1},
            KernelPages{KernelRangeName::pmap_qremove, 0xc0581000, 0, 2, 1},
            PmapMapdev{1, 2, true, 1},
            PmapUnmapdev{0xc0800001, 1},
            PmapGrowkernel{0xc0c00000, 1},
            PmapAddrHint{0x1000, 1024, true, 1},
            HardwareAccess{1, AccessKind::fetch, 0x1000, 4, 0, true},
            HardwareAccess{1, AccessKind::store, 0x1000, 4, 5, false},
            EvictTlb{1, 0x1000}};
}

Trace full_trace() {
    Trace trace;
    trace.seed = 0xffffffffffffffffU;
    trace.note = "a note\nof two lines, \"quoted\"";
    trace.recorded = true;
    trace.defects = {"first", "second"};
    trace.config.frames = 64;
    trace.config.cpus = 8;
    trace.schedule = "0*9 1*10";
    for (const Operation& operation : all_operations()) {
        trace.steps.push_back({operation, std::nullopt, 0});
        trace.steps.push_back({operation, Observation{}, 0});
        trace.steps.push_back(
            {operation, Observation{Status::failure, Signal::bus, 1, 2, {{{1, 0x3000, 4}, {2, 0, 0}}, {5}, {}, {}, {}}},
             0});
    }
    return trace;
}

TEST(Trace, SurvivesTheRoundTrip) {
    const TestFolder folder;
    for (const Trace& trace : {Trace{}, full_trace()}) {
        for (const std::string name : {"a.json", "a.json.gz"}) {
            write_trace(folder.file(name), trace);
            EXPECT_EQ(read_trace(folder.file(name)), trace);
        }
    }
    EXPECT_EQ(folder.read("a.json.gz").substr(0, 2), "\x1f\x8b");
    EXPECT_EQ(folder.read("a.json").front(), '{');
}

TEST(Trace, HasOneLineForEachOperation) {
    const TestFolder folder;
    Trace trace;
    trace.seed = 7;
    trace.note = "two steps";
    trace.steps = {{Spawn{1}, std::nullopt, 0}, {Access{1, AccessKind::load, 0x1000, 4}, Observation{}, 0}};
    trace.steps[1].expect->signal = Signal::segv;
    write_trace(folder.file("a.json"), trace);
    EXPECT_EQ(
        folder.read("a.json"),
        "{\n"
        "  \"version\": 1,\n"
        "  \"world\": \"system\",\n"
        "  \"seed\": 7,\n"
        "  \"note\": \"two steps\",\n"
        "  \"config\": " +
            encode_config(trace.config).dump() +
            ",\n"
            "  \"operations\": [\n"
            "    {\"op\":\"spawn\",\"pid\":1},\n"
            "    {\"op\":\"load\",\"pid\":1,\"addr\":\"0x00001000\",\"size\":4,\"expect\":{\"signal\":\"segv\"}}\n"
            "  ]\n"
            "}\n");
    const Trace back = read_trace(folder.file("a.json"));
    EXPECT_EQ(back.steps[0].line, 8U);
    EXPECT_EQ(back.steps[1].line, 9U);
}

TEST(Trace, OnlyVersionAndOperationsAreNeeded) {
    const TestFolder folder;
    const std::string path = folder.write("a.json", R"({"operations":[{"pid":3,"op":"exit"}],"version":1})");
    Trace expected;
    expected.steps.push_back({Exit{3}, std::nullopt, 1});
    EXPECT_EQ(read_trace(path), expected);
}

struct BadCase {
    std::string text;
    std::string message;  // after the file's name
};

// A trace whose only operation is `operation`.
std::string with(const std::string& operation) {
    return "{\"version\":1,\n\"operations\":[{\"op\":\"spawn\",\"pid\":1},\n" + operation + "]}";
}

std::string message_of(const TestFolder& folder, const std::string& text) {
    const std::string path = folder.write("t.json", text);
    return bad_input(folder, [&] { read_trace(path); });
}

TEST(Trace, BadOperationsAreOneClearLine) {
    const TestFolder folder;
    constexpr const char* kUint = "expected a whole number from 0 to 4294967295";
    const BadCase cases[] = {
        {"7", "/operations/1: expected an operation, found 7"},
        {"[[1]]", "/operations/1: expected an operation, found a list"},
        {"{}", "/operations/1/op: expected the name of an operation, found nothing"},
        {R"({"op":"jump"})", "/operations/1/op: expected the name of an operation, found \"jump\""},
        {R"({"op":"exit"})", "/operations/1/pid: " + std::string(kUint) + ", found nothing"},
        {R"({"op":"exit","pid":-1})", "/operations/1/pid: " + std::string(kUint) + ", found -1"},
        {R"({"op":"exit","pid":1.5})", "/operations/1/pid: " + std::string(kUint) + ", found 1.5"},
        {R"({"op":"exit","pid":1,"x\ny":1})", "/operations/1/x?y: expected only the members pid, found \"x\\ny\""},
        {R"({"op":"munmap","pid":1,"addr":"0xg","length":1})",
         "/operations/1/addr: expected an address: \"0x\" and 1 to 8 hexadecimal digits, or a number below 2^32, found "
         "\"0xg\""},
        {R"({"op":"exit","pid":1,"expect":{"signal":"int"}})",
         "/operations/1/expect/signal: expected one of none, segv, bus, kill, found \"int\""},
        {R"({"op":"exit","pid":1,"expect":null})", "/operations/1/expect: expected an object, found null"},
        {R"({"op":"exit","pid":1,"expect":{"discarded":[{"pid":1,"va":0,"after":-2}]}})",
         "/operations/1/expect/discarded/0/after: " + std::string(kUint) + ", found -2"},
    };
    for (const BadCase& c : cases) {
        EXPECT_EQ(message_of(folder, with(c.text)), "t.json: " + c.message);
    }
}

TEST(Trace, BadHeadersAreOneClearLine) {
    const TestFolder folder;
    const BadCase cases[] = {
        {"[]", "t.json: /: expected an object, found a list"},
        {"{}", "t.json: /version: expected the version of the format, 1, found nothing"},
        {R"({"version":1})", "t.json: /operations: expected a list of operations, found nothing"},
        {R"({"version":3,"operations":[{"op":"quantum"}],"more":1})", "t.json: trace version 3 is newer than 1"},
        {R"({"operations":[{"op":"quantum"}],"version":3})", "t.json: trace version 3 is newer than 1"},
        {R"({"version":0,"operations":[]})", "t.json: /version: expected the version of the format, 1, found 0"},
        {R"({"version":1,"operations":[],"world":"quantum"})",
         "t.json: /world: expected one of system, machine, pmap, object, found \"quantum\""},
        {R"({"version":1,"operations":[],"seed":-1})",
         "t.json: /seed: expected a whole number from 0 to 18446744073709551615, found -1"},
        {R"({"version":1,"operations":[],"defects":["a",1]})", "t.json: /defects/1: expected a text, found 1"},
        {R"({"version":1,"operations":[],"config":{"frame":1}})",
         "t.json: /config/frame: expected a configuration key, found \"frame\""},
        {R"({"version":1,"operations":[],"config":{"cpus":9}})",
         "t.json: /config/cpus: expected a whole number from 1 to 8 (processors), found 9"},
        {R"({"version":1,"operations":[],"config":{"tlb_entries":3}})",
         "t.json: /config: expected keys that fit together: tlb_entries must be a power of two"},
        {R"({"version":1,"operations":[],"colour":"red"})",
         "t.json: /colour: expected only the members version, world, seed, note, recorded, defects, config, schedule, "
         "found \"colour\""},
        {R"({"version":1,"operations":{}})",
         "t.json: /operations: expected what traces/schema.json allows: Value type not permitted by 'type' "
         "constraint."},
    };
    for (const BadCase& c : cases) {
        EXPECT_EQ(message_of(folder, c.text), c.message) << c.text;
    }
}

TEST(Trace, WhatIsNotJsonNamesTheLine) {
    const TestFolder folder;
    EXPECT_EQ(message_of(folder, "").substr(0, 25), "t.json:1: expected JSON: ");
    EXPECT_EQ(message_of(folder, "{\n\"version\": 1,\n\"note\" 7}").substr(0, 25), "t.json:3: expected JSON: ");
    EXPECT_EQ(message_of(folder, "{\"version\":1,\n\"seed\":1e999}"),
              "t.json:2: expected JSON: number overflow parsing '1e999'");
    EXPECT_EQ(message_of(folder, with(R"({"op":"exit",)"
                                      "\n"
                                      R"("pid":1,"pid":2})")),
              "t.json:4: expected each member once, found \"pid\" twice");
    EXPECT_EQ(message_of(folder, "{\"note\": \"\xff\"}").find('\n'), std::string::npos);
}

TEST(Trace, FileProblemsAreOneLine) {
    const TestFolder folder;
    const auto read = [&](const std::string& name) {
        return bad_input(folder, [&] { read_trace(folder.file(name)); });
    };
    EXPECT_EQ(read("missing.json"), "missing.json: no such file");
    EXPECT_EQ(read("missing/a.json"), "missing/a.json: no such file");
    std::filesystem::create_directory(folder.file("folder"));
    EXPECT_EQ(read("folder"), "folder: expected a file, found a directory");
    write_trace(folder.file("a.gz"), full_trace());
    const std::string whole = folder.read("a.gz");
    for (const std::size_t length : {std::size_t{5}, whole.size() / 2, whole.size() - 1}) {
        folder.write("cut.gz", whole.substr(0, length));
        EXPECT_EQ(read("cut.gz"), "cut.gz: expected a complete gzip file, found its end missing") << length;
    }
    std::string damaged = whole;
    damaged[damaged.size() - 6] = static_cast<char>(damaged[damaged.size() - 6] ^ 1);
    folder.write("damaged.gz", damaged);
    EXPECT_EQ(read("damaged.gz"), "damaged.gz: expected a sound gzip file, found damaged data");
}

// The address sanitizer keeps so much of what was freed.
#if defined(__SANITIZE_ADDRESS__)
constexpr long kQuarantineMib = 256;
#else
constexpr long kQuarantineMib = 0;
#endif

TEST(Trace, HostileSizesStayCheap) {
    const TestFolder folder;
    const long before = peak_mib();
    const auto read = [&](const std::string& name) {
        return bad_input(folder, [&] { read_trace(folder.file(name)); });
    };
    folder.write_huge("deep", "", '[', 100);
    EXPECT_EQ(read("deep"), "deep:1: expected at most 16 levels of nesting");
    folder.write_huge("text", "{\n\"note\": \"", 'x', 100);
    EXPECT_EQ(read("text"), "text:2: expected a text, number or gap of at most 4194304 bytes");
    folder.write_huge("number", "", '1', 100);
    EXPECT_EQ(read("number"), "number:1: expected a text, number or gap of at most 4194304 bytes");
    folder.write_huge("blank", "{", ' ', 100);
    EXPECT_EQ(read("blank"), "blank:1: expected a text, number or gap of at most 4194304 bytes");
    folder.write_huge("large", "[0", ' ', 257, ",0");
    EXPECT_EQ(read("large"), "large: too large: the text has more bytes than a reader takes");
    folder.write(
        "wide", "[" + [] {
            std::string zeros;
            for (int n = 0; n < (1 << 21) + 10; ++n) {
                zeros += "0,";
            }
            return zeros;
        }());
    EXPECT_EQ(read("wide"), "wide:1: expected at most 2097152 values");
    EXPECT_LT(peak_mib() - before, 150 + kQuarantineMib);
}

TEST(Trace, AFailedWriteLeavesTheOldFile) {
    const TestFolder folder;
    Trace trace;
    trace.note = "old";
    write_trace(folder.file("a.json"), trace);
    const std::string old = folder.read("a.json");
    trace.note = "\xff";
    EXPECT_EQ(bad_input(folder, [&] { write_trace(folder.file("a.json"), trace); }),
              "a.json: cannot be written: expected UTF-8 in every text");
    EXPECT_EQ(folder.read("a.json"), old);
    trace.note.assign((1U << 22), 'x');
    EXPECT_EQ(bad_input(folder, [&] { write_trace(folder.file("a.json"), trace); }),
              "a.json: cannot be written: expected texts of at most 4194304 bytes");
    EXPECT_EQ(bad_input(folder, [&] { write_trace(folder.file("none/a.json"), Trace{}); }),
              "none/a.json: cannot be written: No such file or directory");
    EXPECT_EQ(bad_input(folder, [&] { write_trace(folder.path(), Trace{}); }),
              folder.path() + ": cannot be written: expected the name of a regular file or of none");
    const auto files = std::filesystem::directory_iterator(folder.path());
    EXPECT_EQ(std::distance(begin(files), end(files)), 1) << "a temporary file is left";
}

TEST(Trace, WritingFollowsLinks) {
    const TestFolder folder;
    folder.write("target.json", "old");
    std::filesystem::create_symlink(folder.file("target.json"), folder.file("link.json"));
    write_trace(folder.file("link.json"), full_trace());
    EXPECT_TRUE(std::filesystem::is_symlink(folder.file("link.json")));
    EXPECT_EQ(read_trace(folder.file("target.json")), full_trace());
}

bool schema_allows(const Json& json) {
    try {
        check_operation_schema(json);
        return true;
    } catch (const DecodeError&) {
        return false;
    }
}

bool codec_allows(const Json& json) {
    try {
        decode_operation(json);
        return true;
    } catch (const DecodeError&) {
        return false;
    }
}

// The schema says for others what the codec says for us.
TEST(Trace, SchemaAndCodecAgree) {
    const Json values[] = {nullptr, true,   -1,     1.5,    0,       255, 256, 4294967295U,   4294967296U,   "rw",
                           "wr",    "free", "0x1f", "none", "0x1_0", "",  "x", Json::array(), Json::object()};
    int allowed = 0;
    int refused = 0;
    for (const Operation& operation : all_operations()) {
        const Json whole = encode_operation(operation);
        ASSERT_TRUE(schema_allows(whole)) << whole;
        std::vector<Json> variants;
        for (const auto& item : whole.items()) {
            variants.push_back(whole);
            variants.back().erase(item.key());
            for (const Json& value : values) {
                variants.push_back(whole);
                variants.back()[item.key()] = value;
            }
        }
        for (const char* name : {"pid", "file", "value", "kernel", "colour"}) {
            variants.push_back(whole);
            variants.back()[name] = 1;
        }
        for (const Json& variant : variants) {
            ASSERT_EQ(schema_allows(variant), codec_allows(variant)) << variant;
            ++(codec_allows(variant) ? allowed : refused);
        }
    }
    EXPECT_GT(allowed, 300);
    EXPECT_GT(refused, 1000);
}

}  // namespace
}  // namespace vmref
