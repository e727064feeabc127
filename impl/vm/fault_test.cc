// vm_fault from outside: its exits and retries, zero-fill, read-ahead, waiting for memory. The exits `dead`,
// `page_vanished`, `pager_error`, `pager_again`, `pager_pend` and `map_changed` need another thread or a failing pager.
#include "impl/vm/fault.h"

#include "impl/vm/vm_test.h"

namespace vmref::impl {
namespace {

Config shared_config() {
    Config config = vm_config();
    config.shared_fault = 1;
    return config;
}

// What must hold whatever way a fault took.
void expect_nothing_left(World& world) {
    for (const Object* object : world.k.objects.all()) {
        if (object != nullptr) {
            EXPECT_EQ(object->paging_in_progress, 0U);
            EXPECT_EQ(object->chain_holders, 0U);
            EXPECT_EQ(object->hold_count, 0U);
        }
    }
    for (const Page& m : world.k.pages.pages()) {
        EXPECT_FALSE(m.busied());
    }
    EXPECT_EQ(world.map_of(1).readers, 0U);
    EXPECT_FALSE(world.map_of(1).exclusive);
}

TEST(FaultTest, ZeroFillIsCleanOnReadAndDirtyOnStore) {
    World w;
    w.spawn(1);
    w.map(1, 0, 2);
    EXPECT_EQ(w.word(1, 0), 0U);
    Page& read = *w.mapped_page(1, 0);
    EXPECT_EQ(read.dirty, 0);
    EXPECT_TRUE(read.has(kPageReferenced));
    EXPECT_EQ(read.queue, Queue::active);
    EXPECT_TRUE(w.mapped_writable(1, 0)) << "the top object's own page needs no second fault";
    EXPECT_EQ(w.k.stats.zfod, 1U);
    EXPECT_EQ(w.k.stats.minflt, 1U);
    w.store(1, 0, 7);
    EXPECT_EQ(w.k.stats.traps, 1U);
    EXPECT_EQ(read.dirty, 0) << "the PTE knows";
    w.store(1, 1, 8);
    EXPECT_EQ(w.mapped_page(1, 1)->dirty, kPageBitsAll);
    EXPECT_EQ(w.k.stats.zfod, 2U);
    EXPECT_EQ(w.k.stats.vm_faults, 2U);
    expect_nothing_left(w);
}

TEST(FaultTest, RecycledFrameIsZeroAgain) {
    World w;
    w.spawn(1);
    w.map(1, 0, 1);
    w.store(1, 0, 0xFFFFFFFF);
    Page* const frame = w.mapped_page(1, 0);
    w.unmap(1, 0, 1);
    EXPECT_EQ(frame->queue, Queue::free);
    w.map(1, 0, 1);
    EXPECT_EQ(w.word(1, 0), 0U);
}

TEST(FaultTest, NoRightIsBusNoMappingIsSegv) {
    World w;
    w.spawn(1);
    w.map(1, 0, 1, kRead);
    w.map(1, 1, 1, kProtNone);
    EXPECT_EQ(w.store(1, 0, 1), (Observation{.signal = Signal::bus, .address = va(0)}));
    EXPECT_EQ(w.load(1, 1), (Observation{.signal = Signal::bus, .address = va(1)}));
    EXPECT_EQ(w.load(1, 2), (Observation{.signal = Signal::segv, .address = va(2)}));
    EXPECT_EQ(w.k.stats.vm_faults, 0U);
    expect_nothing_left(w);
}

TEST(FaultTest, TopNeedsTheExclusiveHoldForANewPage) {
    World w(shared_config());
    w.spawn(1);
    w.map(1, 0, 1);
    w.store(1, 0, 1);
    EXPECT_EQ(w.retries(), 1U);
    w.advise(1, 0, 1, Advice::dontneed);
    w.protect(1, 0, 1, kProtNone);
    w.protect(1, 0, 1, kReadWrite);
    w.store(1, 0, 2);
    EXPECT_EQ(w.retries(), 1U) << "a resident page is found under the shared hold";
    expect_nothing_left(w);
}

TEST(FaultTest, BackingObjectNeedsTheExclusiveHoldForItsPager) {
    for (const std::uint32_t threads : {1U, 2U}) {
        World w(shared_config());
        w.spawn(1);
        w.file(1, 2);
        w.map(1, 0, 2, kReadWrite, 1);
        w.advise(1, 0, 2, Advice::random);
        w.run(Threads{1, threads});
        w.store(1, 1, 5);
        // One thread alone holds a top with a backing object exclusively from the start.
        const std::uint64_t expected = threads == 1 ? 1 : 2;
        EXPECT_EQ(w.retries(), expected);
        w.word(1, 0);
        EXPECT_EQ(w.retries(), 2 * expected);
        EXPECT_EQ(w.top(1, 0).resident_page_count, 1U) << "the placeholder of a read is freed";
        expect_nothing_left(w);
    }
}

TEST(FaultTest, ReadAheadMarkAsksThePagerUnderTheExclusiveHold) {
    World w(shared_config());
    w.spawn(1);
    w.file(1, 16);
    w.map(1, 0, 16, kRead, 1, true);
    w.word(1, 0);
    EXPECT_EQ(w.retries(), 1U);
    Page& mark = *w.page(w.file_object(1), 7);
    EXPECT_TRUE(mark.has(kPageRam));
    w.word(1, 7);
    EXPECT_EQ(w.retries(), 2U) << "top_pager_exclusive";
    EXPECT_FALSE(mark.has(kPageRam)) << "the mark is a hint and was used up by the first attempt";
    EXPECT_EQ(w.k.stats.majflt, 1U);
    expect_nothing_left(w);
}

TEST(FaultTest, ReadAheadMarkBelowTheTop) {
    World w(shared_config());
    w.spawn(1);
    w.file(1, 16);
    w.map(1, 0, 16, kReadWrite, 1);
    w.store(1, 0, 1);
    EXPECT_EQ(w.retries(), 1U);
    EXPECT_TRUE(w.page(w.file_object(1), 7)->has(kPageRam));
    w.word(1, 7);
    EXPECT_EQ(w.retries(), 2U) << "backing_pager_exclusive";
    EXPECT_FALSE(w.page(w.file_object(1), 7)->has(kPageRam));
    expect_nothing_left(w);
}

TEST(FaultTest, ReadAheadMarkStartsTheNextCluster) {
    World w;
    w.spawn(1);
    w.file(1, 16);
    w.map(1, 0, 16, kRead, 1, true);
    w.word(1, 0);
    EXPECT_EQ(w.file_object(1).resident_page_count, 8U);
    w.word(1, 6);
    EXPECT_EQ(w.file_object(1).resident_page_count, 8U);
    w.word(1, 7);
    EXPECT_EQ(w.file_object(1).resident_page_count, 16U);
    EXPECT_TRUE(w.page(w.file_object(1), 15)->has(kPageRam));
    EXPECT_EQ(w.k.stats.majflt, 2U);
}

TEST(FaultTest, MarkInAnObjectWithoutPagerIsOnlyCleared) {
    World w;
    w.spawn(1);
    w.map(1, 0, 1);
    w.store(1, 0, 77);
    w.mapped_page(1, 0)->set(kPageRam);
    w.protect(1, 0, 1, kProtNone);
    w.protect(1, 0, 1, kReadWrite);
    EXPECT_EQ(w.word(1, 0), 77U) << "B-11";
    EXPECT_FALSE(w.mapped_page(1, 0)->has(kPageRam));
    EXPECT_EQ(w.k.stats.zfod, 1U);
}

TEST(FaultTest, SwapBlockGoesUnderTheExclusiveHoldAndOnlyForAStore) {
    World w(shared_config());
    w.spawn(1);
    w.map(1, 0, 1);
    w.store(1, 0, 1);
    w.write_out(*w.mapped_page(1, 0));
    const auto touch_again = [&] {
        w.protect(1, 0, 1, kProtNone);
        w.protect(1, 0, 1, kReadWrite);
    };
    touch_again();
    w.word(1, 0);
    EXPECT_EQ(w.blocks_used(), 1U) << "M-10";
    EXPECT_EQ(w.retries(), 1U);
    touch_again();
    w.store(1, 0, 2);
    EXPECT_EQ(w.retries(), 2U) << "swap_needs_exclusive";
    EXPECT_EQ(w.blocks_used(), 0U);
    EXPECT_EQ(w.mapped_page(1, 0)->dirty, kPageBitsAll);
    expect_nothing_left(w);
}

TEST(FaultTest, PastTheEndOfTheFile) {
    World w;
    w.spawn(1);
    w.file(1, 1);
    w.map(1, 0, 2, kReadWrite, 1, true);
    w.map(1, 2, 2, kReadWrite, 1);
    EXPECT_EQ(w.load(1, 1).signal, Signal::bus);
    EXPECT_EQ(w.store(1, 3, 1).signal, Signal::bus);
    EXPECT_EQ(w.retries(), 0U);
    EXPECT_EQ(w.top(1, 3).resident_page_count, 0U) << "the placeholder goes with a failed fault";
    EXPECT_EQ(w.file_object(1).resident_page_count, 0U);
    expect_nothing_left(w);
}

TEST(FaultTest, MajorFaultsArePagedInMinorOnesAreNot) {
    World w;
    w.spawn(1);
    w.map(1, 0, 1);
    w.store(1, 0, 9);
    w.swap_out(w.top(1, 0), 0);
    EXPECT_EQ(w.word(1, 0), 9U);
    EXPECT_EQ(w.k.stats.majflt, 1U);
    EXPECT_EQ(w.k.stats.minflt, 1U);
    EXPECT_EQ(w.k.stats.faults_resolved, 2U);
}

// Brings free and cache pages below free_severe by reading file 2, whose pages can be taken back.
void make_memory_severe(World& w) {
    Status status = Status::success;
    for (PageIndex index = 0; !w.k.pages.count_severe(); ++index) {
        Page* const m = vm_fault_object_page(w.k, w.file_object(2), index, kProtRead, kFaultNormal, status);
        ASSERT_NE(m, nullptr);
        w.k.pages.unhold(*m);
    }
}

TEST(FaultTest, NoPageIsAllocatedWhileMemoryIsSevere) {
    World w;
    w.spawn(1);
    w.file(2, 300);
    w.map(1, 0, 1);
    make_memory_severe(w);
    EXPECT_EQ(w.k.pages.free_count() + w.k.pages.cache_count(), w.k.config.free_severe - 1);
    w.store(1, 0, 5);
    EXPECT_EQ(w.retries(), 1U) << "no_memory: released everything, waited once";
    EXPECT_EQ(w.k.sched.sleeps(), 1U);
    EXPECT_FALSE(w.k.pages.count_target()) << "the daemon works up to the target";
    EXPECT_EQ(w.word(1, 0), 5U);
    expect_nothing_left(w);
}

TEST(FaultTest, CachePageIsNotTakenWhileMemoryIsSevere) {
    World w;
    w.spawn(1);
    w.file(1, 1);
    w.file(2, 300);
    w.map(1, 0, 1, kRead, 1, true);
    const std::uint32_t expected = w.word(1, 0);
    Page& m = *w.mapped_page(1, 0);
    EXPECT_TRUE(w.k.pages.busy_try(m));
    page_cache(w.k, m);
    EXPECT_EQ(m.queue, Queue::cache);
    make_memory_severe(w);
    ASSERT_EQ(m.queue, Queue::cache);
    EXPECT_EQ(w.word(1, 0), expected);
    EXPECT_EQ(w.retries(), 1U) << "cache_page_severe";
    EXPECT_EQ(w.k.sched.sleeps(), 1U);
    expect_nothing_left(w);
}

}  // namespace
}  // namespace vmref::impl
