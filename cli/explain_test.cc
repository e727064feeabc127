// What replay tells: --narrate, --show, --dot, --svg.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

#include "cli/chain_graph.h"
#include "cli/command.h"
#include "cli/run_cli.h"
#include "cli/show_state.h"
#include "cli/table.h"
#include "impl/system.h"
#include "traces/test_files.h"

namespace vmref::cli {
namespace {

const std::string kExample = std::string(VMREF_SOURCE_DIR) + "/traces/examples/cow-after-fork.json";
const std::string kRecorded = std::string(VMREF_SOURCE_DIR) + "/traces/recorded/sh_loop.jsonl.gz";

struct Told {
    int status = -1;
    std::string out;
    std::string err;
};

Told replay(std::vector<std::string> args) {
    args.insert(args.begin(), "replay");
    std::ostringstream out;
    std::ostringstream err;
    Told told;
    told.status = run_cli(args, out, err);
    told.out = out.str();
    told.err = err.str();
    return told;
}

// The lines about operation `number`, its head included.
std::string about(const std::string& narration, int number) {
    const auto head = [](int n) { return (n < 10 ? "   " : "  ") + std::to_string(n) + "  "; };
    const std::size_t start = narration.find(head(number));
    const std::size_t end = narration.find("\n" + head(number + 1), start);
    return start == std::string::npos ? std::string() : narration.substr(start, end - start);
}

// `text` has `parts`, in this order.
void expect_in_order(const std::string& text, const std::vector<std::string>& parts) {
    std::size_t at = 0;
    for (const std::string& part : parts) {
        const std::size_t found = text.find(part, at);
        ASSERT_NE(found, std::string::npos) << "no '" << part << "' from there on in:\n" << text;
        at = found + part.size();
    }
}

bool has_dot() {
    return std::system("command -v dot >/dev/null 2>&1") == 0;
}

// A parent stores, forks, and the child stores: object 4 of the child shadows object 2 of both.
class Explain : public testing::Test {
  protected:
    Explain() : system_(Config{}, impl::DefectSet{}) {
        const Operation operations[] = {
            Spawn{.pid = 1},
            Mmap{.pid = 1, .addr = 0x10000, .length = 8192, .prot = kProtRead | kProtWrite, .fixed = true},
            Access{.pid = 1, .kind = AccessKind::store, .addr = 0x10000, .size = 4, .value = 1},
            Fork{.parent = 1, .child = 2},
            Access{.pid = 2, .kind = AccessKind::store, .addr = 0x10000, .size = 4, .value = 2},
        };
        for (const Operation& operation : operations) {
            system_.apply(operation);
        }
    }
    std::string shown(const std::string& kind) {
        std::ostringstream out;
        show_state(kind, Scene(system_), out);
        return out.str();
    }

    impl::System system_;
    TestFolder folder_;
};

TEST_F(Explain, NarratesTheFirstTouch) {
    const Told told = replay({"--narrate", kExample});
    EXPECT_EQ(told.status, kHolds) << told.err;
    expect_in_order(
        about(told.out, 2),
        {"store pid=1 addr=0x00010000 size=4 value=0x00000011", "fault of pid 1 at 0x00010000, needs -w-",
         "entry 0x00010000-0x00012000 rw-, no object yet", "gets its first object", "exit top_needs_exclusive",
         "then tries again", "zero-filled: frame", "page table of pid 1 for 0x00000000-0x00400000: frame",
         "0x00000000 [empty] -> 0x", "V RW U A managed", "fault over: success, attempt 2", "the access walks again",
         "A M managed", "= success"});
}

TEST_F(Explain, NarratesCopyOnWrite) {
    const std::string narration = replay({"--narrate", kExample}).out;
    expect_in_order(about(narration, 3),
                    {"fork parent=1 child=2", "invalidated on 1 CPU", "pid 2: entry", "COW NEEDS_COPY", "= success"});
    expect_in_order(about(narration, 4), {"frame 2, valid", "fault over: success", "= success, value 0x00000011"});
    expect_in_order(about(narration, 5),
                    {"COW NEEDS_COPY", "gets object 4 (default), which shadows object 2 (default)",
                     "object 4 (default) index 0: no page", "object 2 (default) index 0: frame 2, valid",
                     "copied: frame 2 at object 2 (default) index 0 to frame", "-> 0x00000000 [empty], invalidated",
                     "fault over: success"});
    expect_in_order(about(narration, 6), {"no fault, page walk: PTE 0x"});
    expect_in_order(about(narration, 8), {"exit pid=1", "is gone", "collapse: object 4 (default) takes over object 2"});
}

// A long recording under memory pressure, which pages out and in; both runs tell the same.
TEST_F(Explain, NarrationIsDeterministic) {
    const std::vector<std::string> args{"--narrate", "--show",    "pages",   "--show", "tlb",
                                        "--set",     "frames=64", "--until", "1000",   kRecorded};
    const Told first = replay(args);
    EXPECT_EQ(first.status, kHolds) << first.err;
    EXPECT_TRUE(first.out == replay(args).out);
    for (const char* const part : {"written to swap slot", "exit no_memory: waits for memory", "memory again: ",
                                   "paged in from file", "paged in from swap", "read ahead", "prefault: "}) {
        EXPECT_NE(first.out.find(part), std::string::npos) << part;
    }
}

TEST_F(Explain, NarrationChangesNothing) {
    const std::vector<std::string> plain{"--json", kRecorded};
    const std::string dot = folder_.file("graph.dot");
    const auto digest = [](const std::string& json) {
        const std::size_t at = json.find("\"digest\"");
        return json.substr(at, json.find(',', at) - at);
    };
    EXPECT_EQ(digest(replay({"--json", kRecorded}).out), digest(replay({"--json", "--dot", dot, kRecorded}).out));
    const std::string told = replay({"--narrate", kRecorded}).out;
    EXPECT_TRUE(told.ends_with(replay({kRecorded}).out)) << "the verdict comes last and is the same";
}

TEST_F(Explain, OfManyFaultsOnlyTheFirstAreTold) {
    const std::string path = folder_.write("mlock.json", R"({"version":1,"operations":[
        {"op":"spawn","pid":1},
        {"op":"mmap","pid":1,"addr":"0x00010000","length":81920,"prot":"rw","fixed":true},
        {"op":"mlock","pid":1,"addr":"0x00010000","length":81920}]})");
    const Told told = replay({"--narrate", path});
    EXPECT_EQ(told.status, kHolds) << told.err;
    expect_in_order(about(told.out, 2), {"wiring fault of pid 1 at 0x00010000", "wiring fault of pid 1 at 0x00017000",
                                         "... and 12 more faults", "pid 1: entry", "USER_WIRED wired 1"});
    EXPECT_EQ(told.out.find("wiring fault of pid 1 at 0x00018000"), std::string::npos);
}

TEST_F(Explain, ShowsChains) {
    expect_in_order(shown("chain"), {"pid 1: 1 mapping", "0x00010000-0x00012000 rw- (at most rwx) COW NEEDS_COPY",
                                     "object 2 (default)", "pid 2: 1 mapping", "object 4 (default)",
                                     "> object 2 (default)", "anonymous objects: all reachable"});
    // A reference too few, as the defects of the lifecycle leave it.
    impl::Object& shadow = *system_.kernel().objects.find(4);
    shadow.ref_count = 0;
    expect_in_order(shown("chain"), {"objects that nothing leads to", "object 4 (default)"});
    shadow.ref_count = 1;
}

TEST_F(Explain, ShowsTranslations) {
    expect_in_order(shown("pagetable"), {"pid 1: pmap 1", "0x00010000-0x00011000", "V U managed", "pid 2: pmap 2",
                                         "0x00010000-0x00011000", "V RW U A M managed"});
    expect_in_order(shown("tlb"), {"cpu 0: pid 2", "0x00010000", "RW U M", "as its PTE", "cpu 1: idle"});
    impl::Kernel& kernel = system_.kernel();
    const Pa table = kernel.pmaps.pde(*kernel.pmaps.find(2), 0x10000) & impl::kPteFrame;
    const Pa address = table + 4 * impl::pte_index(0x10000);
    const std::uint32_t word = kernel.machine.memory().read32(address);
    kernel.machine.memory().write32(address, word & ~impl::kPteRW);
    expect_in_order(shown("tlb"), {"cpu 0: pid 2", "more than its PTE: 0x"});
    kernel.machine.memory().write32(address, 0);
    expect_in_order(shown("tlb"), {"cpu 0: pid 2", "stale: PTE 0x00000000 [empty]"});
    kernel.machine.memory().write32(address, word);
}

TEST_F(Explain, ShowsPages) {
    expect_in_order(shown("pages"),
                    {" free, 1 active, 1 inactive", "object 2 (default)", "0xff", "inactive", "MAPPED",
                     "pid 1 0x00010000", "object 3 (page table)", "object 4 (default)", "pid 2 0x00010000"});
}

TEST_F(Explain, ShowsObjectsAndTheirFrames) {
    expect_in_order(shown("objects"),
                    {"object 2 (default): 2 pages, 1 resident, 2 references, 1 shadow", "0 in frame 2",
                     "object 4 (default): 2 pages, 1 resident, 1 reference, 0 shadows",
                     "shadows object 2 (default) (2 references) from index 0", "0 in frame"});
}

// The objects of the object world have numbers instead of processes.
TEST_F(Explain, TellsAboutObjectsWithoutProcesses) {
    const std::string path = folder_.write("objects.json", R"({"version":1,"world":"object","operations":[
        {"op":"object_allocate","object":1,"pages":2},
        {"op":"object_put","object":1,"index":0,"value":1},
        {"op":"object_reference","object":1},
        {"op":"object_shadow","source":1,"object":2,"offset":0,"pages":2},
        {"op":"object_fault","object":2,"index":0,"prot":"rw","value":2},
        {"op":"object_deallocate","object":1}]})");
    const std::string dot = folder_.file("objects.dot");
    const Told told = replay({"--narrate", "--show", "chain", "--show", "objects", "--dot", dot, path});
    EXPECT_EQ(told.status, kHolds) << told.err;
    expect_in_order(about(told.out, 4),
                    {"fault in object 2 (default) = number 2 at index 0, needs rw-", "number 2 index 0: no page",
                     "number 1 index 0: frame", "copied: frame", "fault over: success", "= success"});
    expect_in_order(about(told.out, 5), {"collapse: object 2 (default) = number 2 takes over object 1 (default)"});
    expect_in_order(told.out, {"--- chain", "number 2\n", "1 anonymous object: all reachable", "--- objects",
                               "number 2: 2 pages, 1 resident, 1 reference, 0 shadows"});
    EXPECT_NE(folder_.read("objects.dot").find("number 2"), std::string::npos);
    const Told before = replay({"--until", "5", "--show", "chain", path});
    expect_in_order(before.out, {"number 1\n", "number 2\n", "> object 1 (default) = number 1", "2 anonymous objects"});
}

// Pmaps without a VM: translations, as anywhere else.
TEST_F(Explain, TellsAboutPmapsWithoutProcesses) {
    const std::string path = folder_.write("pmaps.json", R"({"version":1,"world":"pmap","operations":[
        {"op":"page_alloc","page":0},
        {"op":"pmap_pinit","pmap":1},
        {"op":"pmap_enter","pmap":1,"va":"0x08800000","page":0,"prot":"rw"},
        {"op":"pmap_setlwpvm","cpu":0,"pmap":1},
        {"op":"hardware_access","cpu":0,"kind":"store","va":"0x08800000","size":4,"value":7}]})");
    const Told told =
        replay({"--narrate", "--show", "pagetable", "--show", "tlb", "--show", "pages", "--show", "objects", path});
    EXPECT_EQ(told.status, kHolds) << told.err;
    expect_in_order(about(told.out, 2),
                    {"page table of pmap number 1", "PTE 0x08800000 of pmap number 1", "= success"});
    expect_in_order(about(told.out, 4), {"no fault, page walk: PTE 0x", "V RW U A M managed"});
    expect_in_order(told.out,
                    {"--- pagetable", "pmap number 1: pmap", "0x08800000-0x08801000", "--- tlb", "cpu 0: pmap number 1",
                     "0x08800000", "as its PTE", "--- pages", "pmap number 1 0x08800000"});
}

TEST_F(Explain, TheMachineWorldHasNoKernelToTellAbout) {
    const std::string path = folder_.write("machine.json", R"({"version":1,"world":"machine","operations":[]})");
    const Told told = replay({"--narrate", path});
    EXPECT_EQ(told.status, kBadInput);
    EXPECT_NE(told.err.find("expected a trace with a kernel"), std::string::npos) << told.err;
}

TEST_F(Explain, UntilSaysWhichState) {
    const Told early = replay({"--until", "3", "--show", "chain", kExample});
    EXPECT_EQ(early.out.find("pid 2"), std::string::npos);
    EXPECT_NE(replay({"--until", "4", "--show", "chain", kExample}).out.find("pid 2"), std::string::npos);
}

TEST_F(Explain, DrawsChains) {
    const std::string graph = chain_graph(Scene(system_));
    expect_in_order(graph, {"digraph", "process_1 -> entry_1_00010000", "entry_1_00010000 -> object_2",
                            "entry_2_00010000 -> object_4", "object_4 -> object_2"});
    if (!has_dot()) {
        GTEST_SKIP() << "the program dot (package graphviz) is not installed";
    }
    const std::string dot = folder_.file("graph.dot");
    const std::string svg = folder_.file("graph.svg");
    const Told told = replay({"--dot", dot, "--svg", svg, "--until", "8", kExample});
    EXPECT_EQ(told.status, kHolds) << told.err;
    EXPECT_NE(folder_.read("graph.svg").find("<svg"), std::string::npos);
    EXPECT_EQ(std::system(("dot -Tsvg -o" + svg + ".2 " + dot).c_str()), 0);
    EXPECT_EQ(folder_.read("graph.svg"), folder_.read("graph.svg.2"));
}

TEST_F(Explain, WithoutDotNothingIsDrawn) {
    const char* const path = std::getenv("PATH");
    const std::string before = path != nullptr ? path : "";
    setenv("PATH", folder_.path().c_str(), 1);
    const Told told = replay({"--svg", folder_.file("graph.svg"), kExample});
    setenv("PATH", before.c_str(), 1);
    EXPECT_EQ(told.status, kCannotRun);
    EXPECT_NE(told.err.find("expected the program dot (package graphviz)"), std::string::npos) << told.err;
    EXPECT_EQ(std::count(told.err.begin(), told.err.end(), '\n'), 1) << told.err;
}

TEST_F(Explain, AsksForOneFile) {
    for (const std::vector<std::string>& args : {std::vector<std::string>{"--narrate", kExample, kExample},
                                                 {"--json", "--show", "tlb", kExample},
                                                 {"--show", "everything", kExample},
                                                 {"--dot", "", kExample}}) {
        const Told told = replay(args);
        EXPECT_EQ(told.status, kBadInput);
        EXPECT_EQ(told.out, "");
        EXPECT_NE(told.err.find("expected"), std::string::npos) << told.err;
    }
    for (const char* const option : {"--dot", "--svg"}) {
        const Told told = replay({option, folder_.file("no/such/folder"), kExample});
        EXPECT_EQ(told.status, kCannotRun);
        EXPECT_EQ(std::count(told.err.begin(), told.err.end(), '\n'), 1) << told.err;
    }
}

TEST(TableOfText, AlignsColumns) {
    Table table({"name", "count"});
    table.add({"a", "1"});
    table.add({"longer", "1,000"});
    std::ostringstream out;
    table.put(out, 1);
    EXPECT_EQ(out.str(), " name    count\n a           1\n longer  1,000\n");
}

}  // namespace
}  // namespace vmref::cli
