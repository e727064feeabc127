#include "ops/codec.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "ops/codec_draw_test.h"

namespace vmref {
namespace {

using Json = nlohmann::json;

TEST(Codec, EveryOperationSurvivesTheRoundTrip) {
    Draw draw(1);
    std::set<std::string> names;
    for (int round = 0; round < 500; ++round) {
        for (std::size_t index = 0; index < kAlternatives; ++index) {
            const Operation operation = draw.operation(index);
            ASSERT_EQ(operation.index(), index);
            const std::string text = encode_operation(operation).dump();
            ASSERT_EQ(decode_operation(Json::parse(text)), operation) << text;
            ASSERT_EQ(Json::parse(text)["op"], operation_name(operation));
            names.emplace(operation_name(operation));
        }
    }
    EXPECT_EQ(std::erase_if(names, [](const std::string& name) { return name.starts_with("object_"); }), 28U);
    // The pmap world's are called by the functions of pmap.c.
    EXPECT_EQ(std::erase_if(names,
                            [](const std::string& name) { return name.starts_with("pmap_") && name != "pmap_tables"; }),
              49U);
    for (const char* const name :
         {"debug_read", "debug_write", "kernel_get", "kernel_put", "kernel_wire", "kernel_unwire", "mcontrol_setmap",
          "mcontrol_inval", "load_nofault", "store_nofault", "lock_future", "map_device", "swapoff", "kernel_alloc",
          "kernel_free", "kernel_load", "kernel_store", "limit_resident"}) {
        EXPECT_EQ(names.erase(name), 1U) << name;
    }
    for (const char* const name : {"page_alloc", "page_alloc_unmanaged", "page_free", "page_wire", "page_unwire",
                                   "install_4m", "hardware_access", "evict_tlb"}) {
        EXPECT_EQ(names.erase(name), 1U) << name;
    }
    EXPECT_EQ(names,
              (std::set<std::string>{
                  "spawn",       "exec",          "exit",        "fork",      "threads",   "switch",    "mmap",
                  "munmap",      "mremap",        "mlock",       "mprotect",  "minherit",  "msync",     "madvise",
                  "munlock",     "load",          "store",       "fetch",     "pageout",   "file_read", "file_write",
                  "create_file", "ftruncate",     "set_word",    "probe",     "invlpg",    "load_cr3",  "control",
                  "evict",       "random_tables", "pmap_tables", "write_out", "finish_io", "reclaim",   "busy_page",
                  "plan_io",     "plan_shortage", "hook"}));
}

TEST(Codec, ObservationsSurviveTheRoundTrip) {
    Draw draw(2);
    for (int round = 0; round < 2000; ++round) {
        const Observation observation = draw.observation();
        const std::string text = encode_observation(observation).dump();
        ASSERT_EQ(decode_observation(Json::parse(text)), observation) << text;
    }
}

TEST(Codec, WritesTheDocumentedForm) {
    const auto text = [](const Operation& operation) { return encode_operation(operation).dump(); };
    EXPECT_EQ(text(Mmap{1, 0x40a000, 4096, kProtRead | kProtExecute}),
              R"({"op":"mmap","pid":1,"addr":"0x0040a000","length":4096,"prot":"rx"})");
    EXPECT_EQ(text(Mmap{1, 0, 1, kProtNone, kProtRead, true, true, true, 3, 8192}),
              R"({"op":"mmap","pid":1,"addr":"0x00000000","length":1,"prot":"-","max_prot":"r","shared":true,)"
              R"("fixed":true,"stack":true,"file":3,"offset":8192})");
    EXPECT_EQ(text(Access{2, AccessKind::store, 0xffffffff, 4, 0, true}),
              R"({"op":"store","pid":2,"addr":"0xffffffff","size":4,"value":0,"kernel":true})");
    EXPECT_EQ(text(Access{2, AccessKind::load, 0xabc, 1, 0, false}),
              R"({"op":"load","pid":2,"addr":"0x00000abc","size":1})");
    EXPECT_EQ(text(SetWord{0x800004, 0x900007}), R"({"op":"set_word","pa":"0x00800004","value":"0x00900007"})");
    EXPECT_EQ(text(Probe{1, AccessKind::store, 0x400008, 6, true}),
              R"({"op":"probe","cpu":1,"kind":"store","va":"0x00400008","value":6,"user":true})");
    EXPECT_EQ(text(Probe{0, AccessKind::fetch, 0x400000}),
              R"({"op":"probe","cpu":0,"kind":"fetch","va":"0x00400000"})");
    EXPECT_EQ(text(Control{0, true}), R"({"op":"control","cpu":0,"wp":true})");
    EXPECT_EQ(encode_observation({}).dump(), "{}");
    EXPECT_EQ(
        encode_observation({Status::no_space, Signal::kill, 7, 0x1000, {{{1, 0x2000, 0}}, {4}, {}, {}, {}}}).dump(),
        R"({"status":"no_space","signal":"kill","value":7,"address":"0x00001000",)"
        R"("discarded":[{"pid":1,"va":"0x00002000"}],"killed":[4]})");
}

TEST(Codec, AddressesMayBeNumbersOrShortHexadecimal) {
    const auto addr = [](const char* text) {
        return std::get<Munmap>(decode_operation(Json::parse(
                                    std::string(R"({"op":"munmap","pid":1,"length":1,"addr":)") + text + "}")))
            .addr;
    };
    EXPECT_EQ(addr("\"0x1F\""), 0x1fU);
    EXPECT_EQ(addr("4294967295"), 0xffffffffU);
    EXPECT_EQ(addr("\"0xffffffff\""), 0xffffffffU);
}

template <typename Decode>
std::string problem(Decode&& decode) {
    try {
        decode();
    } catch (const DecodeError& error) {
        return error.what();
    }
    return "accepted";
}

std::string operation_problem(const std::string& text) {
    return problem([&] { decode_operation(Json::parse(text)); });
}

TEST(Codec, SaysWhatItExpected) {
    constexpr const char* kUint = "expected a whole number from 0 to 4294967295";
    constexpr const char* kAddress =
        "expected an address: \"0x\" and 1 to 8 hexadecimal digits, or a number below 2^32";
    const std::pair<std::string, std::string> cases[] = {
        {"[]", "/: expected an operation, found a list"},
        {"{}", "/op: expected the name of an operation, found nothing"},
        {R"({"op":"jump"})", "/op: expected the name of an operation, found \"jump\""},
        {R"({"op":3})", "/op: expected the name of an operation, found 3"},
        {R"({"op":"spawn"})", "/pid: " + std::string(kUint) + ", found nothing"},
        {R"({"op":"spawn","pid":-1})", "/pid: " + std::string(kUint) + ", found -1"},
        {R"({"op":"spawn","pid":1.0})", "/pid: " + std::string(kUint) + ", found 1.0"},
        {R"({"op":"spawn","pid":4294967296})", "/pid: " + std::string(kUint) + ", found 4294967296"},
        {R"({"op":"spawn","pid":"1"})", "/pid: " + std::string(kUint) + ", found \"1\""},
        {R"({"op":"spawn","pid":null})", "/pid: " + std::string(kUint) + ", found null"},
        {R"({"op":"spawn","pid":1,"cpu":0})", "/cpu: expected only the members pid, found \"cpu\""},
        {R"({"op":"spawn","pid":1,"a/b~":0})", "/a~1b~0: expected only the members pid, found \"a/b~\""},
        {R"({"op":"munmap","pid":1,"length":1,"addr":"4096"})", "/addr: " + std::string(kAddress) + ", found \"4096\""},
        {R"({"op":"munmap","pid":1,"length":1,"addr":"0x"})", "/addr: " + std::string(kAddress) + ", found \"0x\""},
        {R"({"op":"munmap","pid":1,"length":1,"addr":"0x-1"})", "/addr: " + std::string(kAddress) + ", found \"0x-1\""},
        {R"({"op":"munmap","pid":1,"length":1,"addr":"0x123456789"})",
         "/addr: " + std::string(kAddress) + ", found \"0x123456789\""},
        {R"({"op":"mprotect","pid":1,"length":1,"addr":0,"prot":"wr"})",
         "/prot: expected a protection: \"-\" or letters of \"rwx\" in this order, found \"wr\""},
        {R"({"op":"minherit","pid":1,"length":1,"addr":0,"inherit":"all"})",
         "/inherit: expected one of share, copy, none, found \"all\""},
        {R"({"op":"msync","pid":1,"length":1,"addr":0,"invalidate":1})",
         "/invalidate: expected true or false, found 1"},
        {R"({"op":"create_file","file":1,"size":1,"path":[]})", "/path: expected a text, found a list"},
        {R"({"op":"store","pid":1,"addr":0,"size":4})", "/value: " + std::string(kUint) + ", found nothing"},
        {R"({"op":"load","pid":1,"addr":0,"size":4,"value":1})",
         "/value: expected only the members pid, addr, size, kernel, found \"value\""},
        {R"({"op":"load","pid":1,"addr":0,"size":256})", "/size: expected a whole number from 0 to 255, found 256"},
    };
    for (const auto& [text, expected] : cases) {
        EXPECT_EQ(operation_problem(text), expected) << text;
    }
}

TEST(Codec, PointsIntoObservations) {
    const auto of = [](const char* text) { return problem([&] { decode_observation(Json::parse(text)); }); };
    EXPECT_EQ(of(R"({"discarded":[{"pid":1,"va":0},{"pid":1}]})"),
              "/discarded/1/va: expected an address: \"0x\" and 1 to 8 hexadecimal digits, or a number below 2^32, "
              "found nothing");
    EXPECT_EQ(of(R"({"killed":[1,-1]})"), "/killed/1: expected a whole number from 0 to 4294967295, found -1");
    EXPECT_EQ(of(R"({"signal":"term"})"), "/signal: expected one of none, segv, bus, kill, found \"term\"");
    EXPECT_EQ(of(R"({"killed":{}})"), "/killed: expected a list, found an object");
    EXPECT_EQ(of("7"), "/: expected an object, found 7");
}

TEST(Codec, LongValuesAreCutInMessages) {
    const std::string text = operation_problem(R"({"op":")" + std::string(100000, 'x') + "\"}");
    EXPECT_LT(text.size(), 120U);
    EXPECT_NE(text.find("xxx\"..."), std::string::npos);
}

TEST(Codec, MutilatedOperationsAreRefused) {
    Draw draw(3);
    const Json wrong[] = {nullptr, -1, 1.5, "?", Json::array(), Json::object(), 4294967296U * 2ULL};
    for (int round = 0; round < 200; ++round) {
        const Json whole = encode_operation(draw.operation(draw.below(kAlternatives)));
        for (const auto& item : whole.items()) {
            Json mistyped = whole;
            mistyped[item.key()] = wrong[draw.below(std::size(wrong))];
            if (item.key() != "path" || !mistyped["path"].is_string()) {
                EXPECT_THROW(decode_operation(mistyped), DecodeError) << mistyped;
            }
            Json renamed = whole;
            renamed.erase(item.key());
            renamed[item.key() + "_"] = item.value();
            EXPECT_THROW(decode_operation(renamed), DecodeError) << renamed;
        }
    }
}

TEST(Codec, ConfigurationsSurviveTheRoundTrip) {
    Draw draw(4);
    for (int round = 0; round < 200; ++round) {
        Config config;
        for (const ConfigKey& key : config_keys()) {
            config.*key.field = key.min + draw.below(key.max - key.min + 1);
        }
        EXPECT_EQ(decode_config(Json::parse(encode_config(config).dump())), config);
    }
}

TEST(Codec, ConfigurationKeysLeftOutKeepTheBase) {
    Config base;
    base.cpus = 3;
    const Config config = decode_config(Json::parse(R"({"frames":64})"), base);
    EXPECT_EQ(config.cpus, 3U);
    EXPECT_EQ(config.frames, 64U);
}

TEST(Codec, ConfigurationProblemsNameTheKey) {
    const auto of = [](const char* text) { return problem([&] { decode_config(Json::parse(text)); }); };
    EXPECT_EQ(of(R"({"colour":1})"), "/colour: expected a configuration key, found \"colour\"");
    EXPECT_EQ(of(R"({"cpus":9})"), "/cpus: expected a whole number from 1 to 8 (processors), found 9");
    EXPECT_EQ(of(R"({"cpus":0})"), "/cpus: expected a whole number from 1 to 8 (processors), found 0");
    EXPECT_EQ(of(R"({"cpus":"2"})"), "/cpus: expected a whole number from 1 to 8 (processors), found \"2\"");
    EXPECT_EQ(of("[]"), "/: expected an object of configuration keys, found a list");
}

}  // namespace
}  // namespace vmref
