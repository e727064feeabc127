#include "impl/system.h"

#include "impl/vm/vm_test.h"

namespace vmref::impl {
namespace {

TEST(SystemTest, ExitLeavesNothingBehind) {
    World w;
    const std::uint32_t free_before = w.k.pages.free_count();
    w.spawn(1);
    w.map(1, 0, 4);
    w.fill(1, 0, 4, 1);
    w.swap_out(w.top(1, 0), 2);
    w.lock(1, 0, 1);
    w.fork(1, 2);
    w.store(2, 1, 9);
    w.run(Exit{1});
    EXPECT_EQ(w.system->find(1), nullptr);
    EXPECT_EQ(w.word(2, 0), 1U);
    w.run(Exit{2});
    EXPECT_EQ(w.k.objects.count(), 0U);
    EXPECT_EQ(w.k.pages.free_count(), free_before);
    EXPECT_EQ(w.k.pages.wired_count(), 0U);
    EXPECT_EQ(w.k.pmaps.pv_count(), 0U);
    EXPECT_EQ(w.blocks_used(), 0U);
    EXPECT_TRUE(w.system->processes().empty());
}

TEST(SystemTest, ExecEmptiesTheAddressSpace) {
    World w;
    w.spawn(1);
    w.run(Threads{1, 2});
    w.map(1, 0, 1);
    w.store(1, 0, 5);
    w.run(Exec{1});
    EXPECT_EQ(w.load(1, 0).signal, Signal::segv);
    EXPECT_EQ(w.system->find(1)->nthreads, 1U);
    EXPECT_TRUE(w.map_of(1).entries.empty());
    EXPECT_EQ(w.system->find_by_pmap(w.map_of(1).pmap->id), w.system->find(1));
}

TEST(SystemTest, ProcessRunsOnAsManyCpusAsItHasThreads) {
    World w;
    w.spawn(1);
    w.run(Switch{0, 1});
    w.run(Switch{1, 1});
    EXPECT_EQ(w.map_of(1).pmap->active, 2U) << "one thread migrates";
    w.run(Threads{1, 2});
    w.run(Switch{0, 1});
    EXPECT_EQ(w.map_of(1).pmap->active, 3U);
    w.run(Threads{1, 1});
    EXPECT_EQ(w.map_of(1).pmap->active, 1U) << "the CPU named last stays";
    w.run(Switch{0, 0});
    EXPECT_EQ(w.map_of(1).pmap->active, 0U);
}

TEST(SystemTest, AccessMayCrossAPageBoundary) {
    World w;
    w.spawn(1);
    w.map(1, 0, 1);
    const Observation refused = w.run(Access{1, AccessKind::store, va(1) - 2, 4, 0xAABBCCDD});
    EXPECT_EQ(refused, (Observation{.signal = Signal::segv, .address = va(1)}));
    EXPECT_EQ(w.run(Access{1, AccessKind::load, va(1) - 2, 2}).value, 0U) << "nothing was stored";
    w.map(1, 1, 1);
    w.run(Access{1, AccessKind::store, va(1) - 2, 4, 0xAABBCCDD});
    EXPECT_EQ(w.run(Access{1, AccessKind::load, va(1), 2}).value, 0xAABBU);
    EXPECT_NE(w.mapped_page(1, 0), w.mapped_page(1, 1));
}

TEST(SystemTest, KernelAccessFailsWithAStatus) {
    World w;
    w.spawn(1);
    w.map(1, 0, 1, kRead);
    EXPECT_EQ(w.run(Access{1, AccessKind::store, va(0), 1, 1, true}).status, Status::invalid_address);
    EXPECT_EQ(w.run(Access{1, AccessKind::load, va(0), 1, 0, true}).status, Status::success);
    EXPECT_EQ(w.run(Access{1, AccessKind::load, kUserEnd - 1, 4, 0, true}).status, Status::invalid_address);
}

TEST(SystemTest, MmapChecksItsArguments) {
    World w;
    w.spawn(1);
    w.file(1, 1);
    const auto status = [&](Mmap request) { return w.run(request).status; };
    EXPECT_EQ(status({.pid = 1, .addr = 1, .length = 1, .prot = kRead, .fixed = true}), Status::invalid_argument);
    EXPECT_EQ(status({.pid = 1, .addr = 0, .length = 1, .prot = kRead, .file = 1, .offset = 5}),
              Status::invalid_argument);
    EXPECT_EQ(status({.pid = 1, .addr = 0, .length = 1, .prot = kRead, .stack = true}), Status::invalid_argument);
    EXPECT_EQ(
        status({.pid = 1, .addr = 0, .length = 1, .prot = kReadWrite, .max_prot = kRead, .shared = true, .file = 1}),
        Status::protection_failure);
    EXPECT_EQ(status({.pid = 1, .addr = 0, .length = kUserEnd, .prot = kRead}), Status::success);
    EXPECT_EQ(status({.pid = 1, .addr = 0, .length = 1, .prot = kRead}), Status::no_space);
}

TEST(SystemTest, FileReadAndWriteMoveWholeRuns) {
    World w;
    w.spawn(1);
    w.file(1, 1);
    w.map(1, 0, 1);
    w.store(1, 0, 0x01020304);
    EXPECT_EQ(w.run(FileWrite{1, 1, kPageSize - 2, 4, va(0)}).value, 4U);
    EXPECT_EQ(w.k.vnodes.at(1)->size(), kPageSize + 2) << "a write extends the file";
    EXPECT_EQ(w.page(w.file_object(1), 1)->dirty, kPageBitsAll);
    EXPECT_EQ(w.page(w.file_object(1), 1)->hold_count, 0U);
    const Observation cut = w.run(FileRead{1, 1, kPageSize, 100, va(1) - 1});
    EXPECT_EQ(cut.status, Status::invalid_address);
    EXPECT_EQ(cut.value, 1U) << "the second user page is not mapped";
    EXPECT_EQ(w.run(Access{1, AccessKind::load, va(1) - 1, 1}).value, 0x02U);
    EXPECT_EQ(w.run(FileRead{1, 1, kPageSize + 2, 100, va(0)}).value, 0U) << "at the end nothing is read";
    EXPECT_EQ(w.run(FileWrite{1, 1, kMaxFileSize, 1, va(0)}).status, Status::invalid_argument);
}

TEST(SystemTest, RefusedWriteDoesNotExtendTheFile) {
    World w;
    w.spawn(1);
    w.file(1, 1);
    EXPECT_EQ(w.run(FileWrite{1, 1, kPageSize, 4, va(0)}).status, Status::invalid_address);
    EXPECT_EQ(w.k.vnodes.at(1)->size(), kPageSize);
    EXPECT_EQ(w.file_object(1).size, 1U);
}

TEST(SystemTest, GrownMappingContinuesItsFileAndFreshMemory) {
    World w;
    w.spawn(1);
    w.file(1, 4);
    w.map(1, 0, 1, kReadWrite, 1);
    w.store(1, 0, 5);
    EXPECT_EQ(w.run(Mremap{1, va(0), kPageSize, va(0), 3 * kPageSize}).status, Status::success);
    EXPECT_EQ(w.entry(1, 1).object, &w.file_object(1));
    EXPECT_EQ(w.word(1, 2), synthetic_word(1, 2, 0));
    EXPECT_EQ(w.word(1, 0), 5U);
    w.map(1, 3, 1);
    EXPECT_EQ(w.run(Mremap{1, va(0), 3 * kPageSize, va(0), 4 * kPageSize}).status, Status::no_space);
    EXPECT_EQ(w.run(Mremap{1, va(3), kPageSize, va(8), 2 * kPageSize}).status, Status::success);
    EXPECT_EQ(w.word(1, 9), 0U);
}

// --- shortage of memory ---------------------------------------------------------------------------------------------

Config tight_config(std::uint32_t swap_slots) {
    Config config = vm_config();
    config.frames = 64;
    config.swap_slots = swap_slots;
    return config;
}

TEST(MemoryShortageTest, PagesGoToSwapAndComeBack) {
    World w(tight_config(128));
    w.spawn(1);
    w.map(1, 0, 100);
    w.fill(1, 0, 100, 1000);
    EXPECT_GT(w.k.stats.pageouts, 0U);
    EXPECT_GT(w.retries(), 0U);
    for (PageIndex at = 0; at < 100; ++at) {
        EXPECT_EQ(w.word(1, at), 1000 + at);
    }
    EXPECT_GT(w.k.stats.majflt, 0U);
    EXPECT_GE(w.k.pages.free_count(), 0U);
    EXPECT_NE(w.system->find(1), nullptr);
}

TEST(MemoryShortageTest, BiggestProcessIsKilledAndWitnessed) {
    World w(tight_config(0));
    w.spawn(1);
    w.spawn(2);
    w.spawn(3);
    w.map(1, 0, 60);
    w.map(2, 0, 30);
    w.map(3, 0, 5);
    w.fill(3, 0, 5, 300);
    w.fill(2, 0, 26, 200);
    Observation last;
    PageIndex stored = 0;
    while (last.witness.killed.empty() && stored < 20) {
        last = w.store(1, stored, 100 + stored);
        ++stored;
    }
    EXPECT_EQ(last,
              (Observation{.witness = {.discarded = {}, .killed = {2}, .failed = {}, .copied = {}, .walked = {}}}))
        << "the store itself goes on";
    EXPECT_EQ(w.system->find(2), nullptr);
    EXPECT_EQ(w.word(1, 0), 100U);
    EXPECT_EQ(w.word(1, stored - 1), 100 + stored - 1);
    EXPECT_EQ(w.word(3, 4), 304U);
}

TEST(MemoryShortageTest, BiggestProcessMayBeTheOneThatAsks) {
    World w(tight_config(0));
    w.spawn(1);
    w.spawn(2);
    w.map(2, 0, 2);
    w.fill(2, 0, 2, 200);
    w.map(1, 0, 64);
    Observation last;
    for (PageIndex at = 0; at < 64 && last.signal == Signal::none; ++at) {
        last = w.store(1, at, 1);
    }
    EXPECT_EQ(last,
              (Observation{.signal = Signal::kill,
                           .witness = {.discarded = {}, .killed = {1}, .failed = {}, .copied = {}, .walked = {}}}));
    EXPECT_EQ(w.system->find(1), nullptr);
    EXPECT_EQ(w.word(2, 1), 201U);
    EXPECT_EQ(w.k.objects.count(), 2U) << "one object and one pmap are left";
}

TEST(MemoryShortageTest, KilledCopyReportsHowFarItCame) {
    World w(tight_config(0));
    w.spawn(1);
    w.file(1, 100);
    w.map(1, 0, 100);
    const Observation read = w.run(FileRead{1, 1, 0, 100 * kPageSize, va(0)});
    EXPECT_EQ(read.signal, Signal::kill);
    EXPECT_EQ(read.witness.killed, std::vector<Pid>{1});
    EXPECT_GT(read.value, 0U);
    EXPECT_EQ(read.value % kPageSize, 0U);
    for (const Page& m : w.k.pages.pages()) {
        EXPECT_EQ(m.hold_count, 0U);
    }
}

TEST(MemoryShortageTest, KilledForkLeavesNoChild) {
    World w(tight_config(0));
    w.spawn(1);
    w.map(1, 0, 30, kReadWrite, 0, true);
    w.fill(1, 0, 30, 1);
    w.inherit(1, 0, 30, Inherit::copy);
    w.run(Fork{1, 2});
    w.inherit(1, 0, 30, Inherit::share);
    ASSERT_NE(w.system->find(1), nullptr);
    w.run(Fork{1, 3});
    w.inherit(1, 0, 30, Inherit::copy);
    const Observation forked = w.run(Fork{1, 4});
    EXPECT_EQ(forked.signal, Signal::kill);
    EXPECT_TRUE(w.system->processes().count(4) == 0);
    EXPECT_EQ(w.system->find(1), nullptr);
}

}  // namespace
}  // namespace vmref::impl
