// Wiring, unwiring, and the copy of a wired entry at fork.
#include "impl/vm/fault.h"
#include "impl/vm/vm_test.h"

namespace vmref::impl {
namespace {

class FaultWireTest : public testing::Test {
  protected:
    void SetUp() override { w.spawn(1); }
    std::uint32_t wired_entries() {
        std::uint32_t count = 0;
        for (const MapEntry& entry : w.map_of(1).entries) {
            count += entry.wired_count;
        }
        return count;
    }

    World w;
    // What page directories and page tables wire on their own is left out of the counts.
    Pmap& pmap() { return *w.map_of(1).pmap; }
};

TEST_F(FaultWireTest, EveryPageIsFaultedAndWired) {
    w.map(1, 0, 3);
    w.store(1, 1, 5);
    EXPECT_EQ(w.lock(1, 0, 3), Status::success);
    const MapEntry& entry = w.entry(1, 0);
    EXPECT_EQ(entry.wired_count, 1U);
    EXPECT_TRUE(entry.has(kEntryUserWired));
    EXPECT_FALSE(entry.has(kEntryInTransition));
    for (PageIndex at = 0; at < 3; ++at) {
        Page* const m = w.mapped_page(1, at);
        ASSERT_NE(m, nullptr);
        EXPECT_EQ(m->wire_count, 1U);
        EXPECT_EQ(m->queue, Queue::none);
        EXPECT_EQ(w.pte(1, at) & (kPteW | kPteRW), kPteW | kPteRW) << "B-95";
    }
    EXPECT_EQ(pmap().wired_count, 3U);
    EXPECT_EQ(w.word(1, 1), 5U);
}

TEST_F(FaultWireTest, WritablePrivatePagesAreCopiedAtOnce) {
    w.file(1, 2);
    w.map(1, 0, 2, kReadWrite, 1);
    const std::uint32_t original = w.word(1, 0);
    EXPECT_EQ(w.lock(1, 0, 2), Status::success);
    EXPECT_EQ(w.mapped_page(1, 0)->object, &w.top(1, 0));
    EXPECT_EQ(w.page(w.file_object(1), 0)->wire_count, 0U);
    EXPECT_EQ(w.k.stats.cow_faults, 2U);
    w.store(1, 0, 9);
    EXPECT_EQ(w.k.stats.cow_faults, 2U);
    EXPECT_EQ(w.value(w.file_object(1), 0), static_cast<std::uint8_t>(original));
}

TEST_F(FaultWireTest, ReadOnlyPrivatePagesAreWiredInTheFile) {
    w.file(1, 1);
    w.map(1, 0, 1, kRead, 1);
    EXPECT_EQ(w.lock(1, 0, 1), Status::success);
    EXPECT_EQ(w.mapped_page(1, 0)->object, &w.file_object(1));
    EXPECT_EQ(w.mapped_page(1, 0)->wire_count, 1U);
    EXPECT_TRUE(w.entry(1, 0).has(kEntryNeedsCopy));
    EXPECT_EQ(w.pte(1, 0) & (kPteW | kPteRW), kPteW);
}

TEST_F(FaultWireTest, FailureUnwiresWhatWasWired) {
    w.file(1, 2);
    w.map(1, 0, 4, kRead, 1, true);
    EXPECT_EQ(w.lock(1, 0, 4), Status::protection_failure) << "the file ends before page 2";
    const MapEntry& entry = w.entry(1, 0);
    EXPECT_EQ(entry.wired_count, 0U);
    EXPECT_FALSE(entry.has(kEntryUserWired));
    EXPECT_FALSE(entry.has(kEntryInTransition));
    for (const Page& m : w.file_object(1).pages) {
        EXPECT_EQ(m.wire_count, 0U);
        EXPECT_NE(m.queue, Queue::none);
    }
    EXPECT_EQ(w.file_object(1).resident_page_count, 2U);
    EXPECT_EQ(w.pte(1, 0) & kPteW, 0U);
    EXPECT_EQ(pmap().wired_count, 0U);
}

TEST_F(FaultWireTest, FailureUnwiresEarlierEntriesToo) {
    w.map(1, 0, 1);
    w.map(1, 1, 1, kProtNone);
    EXPECT_EQ(w.lock(1, 0, 2), Status::protection_failure);
    EXPECT_EQ(wired_entries(), 0U);
    EXPECT_EQ(w.mapped_page(1, 0)->wire_count, 0U);
    EXPECT_EQ(w.entry(1, 1).max_protection, kProtAll) << "B-19";
    EXPECT_FALSE(w.mapped(1, 1)) << "B-20";

    EXPECT_EQ(w.lock(1, 0, 1), Status::success);
    EXPECT_EQ(w.lock(1, 0, 2), Status::protection_failure);
    EXPECT_EQ(w.entry(1, 0).wired_count, 1U) << "what was wired before stays so";
}

TEST_F(FaultWireTest, UnwireFollowsTheChainNotThePtes) {
    w.map(1, 0, 2);
    w.lock(1, 0, 2);
    Page* const first = w.mapped_page(1, 0);
    Page* const second = w.mapped_page(1, 1);
    w.protect(1, 0, 2, kProtNone);
    EXPECT_FALSE(w.mapped(1, 0));
    EXPECT_EQ(first->wire_count, 1U);
    EXPECT_EQ(w.unlock(1, 0, 2), Status::success);
    EXPECT_EQ(first->wire_count, 0U) << "B-09";
    EXPECT_EQ(second->wire_count, 0U);
    EXPECT_EQ(first->queue, Queue::active);
}

TEST_F(FaultWireTest, UnwireReachesThePageBelowTheTop) {
    w.file(1, 2);
    w.map(1, 0, 2, kReadWrite, 1);
    w.store(1, 1, 5);
    w.protect(1, 0, 2, kRead);
    w.lock(1, 0, 2);
    Page* const below = w.mapped_page(1, 0);
    Page* const own = w.mapped_page(1, 1);
    EXPECT_EQ(below->object, &w.file_object(1));
    EXPECT_EQ(own->object, &w.top(1, 0));
    EXPECT_EQ(below->wire_count + own->wire_count, 2U);
    w.protect(1, 0, 2, kProtNone);
    w.unlock(1, 0, 2);
    EXPECT_EQ(below->wire_count, 0U);
    EXPECT_EQ(own->wire_count, 0U);
}

TEST_F(FaultWireTest, LastUnwireFreesATruncatedPage) {
    w.file(1, 1);
    w.map(1, 0, 1, kReadWrite, 1, true);
    w.spawn(2);
    w.map(2, 0, 1, kReadWrite, 1, true);
    w.lock(1, 0, 1);
    w.lock(2, 0, 1);
    Page* const m = w.mapped_page(1, 0);
    EXPECT_EQ(m->wire_count, 2U);
    w.resize(1, 0);
    w.unlock(1, 0, 1);
    EXPECT_EQ(m->object, &w.file_object(1)) << "B-94: no PTE is needed";
    EXPECT_EQ(m->wire_count, 1U);
    w.unlock(2, 0, 1);
    EXPECT_EQ(m->object, nullptr);
    EXPECT_EQ(m->queue, Queue::free);
}

TEST_F(FaultWireTest, UnmappingUnwires) {
    w.map(1, 0, 2);
    w.lock(1, 0, 2);
    Page* const first = w.mapped_page(1, 0);
    Page* const second = w.mapped_page(1, 1);
    w.unmap(1, 0, 1);
    EXPECT_EQ(first->queue, Queue::free);
    EXPECT_EQ(second->wire_count, 1U);
    EXPECT_EQ(pmap().wired_count, 1U);
    const std::uint32_t wired = w.k.pages.wired_count();
    w.run(Exit{1});
    EXPECT_EQ(second->queue, Queue::free);
    EXPECT_EQ(w.k.pages.wired_count(), wired - 3) << "the page, a page table, the directory";
    EXPECT_EQ(w.k.pmaps.pv_count(), 0U);
}

TEST_F(FaultWireTest, WiringIsLimitedAndCountsNothingTwice) {
    w.map(1, 0, 100);
    EXPECT_EQ(w.lock(1, 0, 100), Status::resource_shortage) << "33 % of 256 frames";
    EXPECT_EQ(wired_entries(), 0U);
    EXPECT_EQ(w.lock(1, 0, 80), Status::success);
    EXPECT_EQ(w.lock(1, 0, 80), Status::success);
    EXPECT_EQ(w.entry(1, 0).wired_count, 1U);
    EXPECT_EQ(w.unlock(1, 0, 81), Status::invalid_argument);
    EXPECT_EQ(w.entry(1, 0).wired_count, 1U);
}

// --- fork of a wired entry (D-10) -----------------------------------------------------------------------------------

TEST_F(FaultWireTest, ForkCopiesWiredPagesAtOnce) {
    w.map(1, 0, 2);
    w.fill(1, 0, 2, 100);
    w.lock(1, 0, 2);
    Page* const source = w.mapped_page(1, 0);
    w.fork(1, 2);
    EXPECT_FALSE(w.entry(1, 0).has(kEntryNeedsCopy)) << "the parent's pages stay where they are";
    EXPECT_EQ(w.mapped_page(1, 0), source);
    EXPECT_TRUE(w.mapped_writable(1, 0));
    EXPECT_EQ(source->hold_count, 0U);
    const MapEntry& copy = w.entry(2, 0);
    EXPECT_EQ(copy.wired_count, 0U);
    EXPECT_FALSE(copy.has(kEntryUserWired));
    EXPECT_NE(copy.object, w.entry(1, 0).object);
    EXPECT_EQ(copy.object->backing, nullptr);
    EXPECT_EQ(copy.object->resident_page_count, 2U);
    Page* const copied = w.mapped_page(2, 0);
    ASSERT_NE(copied, nullptr) << "the child's pages are mapped already";
    EXPECT_EQ(copied->wire_count, 0U);
    EXPECT_EQ(copied->dirty, kPageBitsAll);
    EXPECT_EQ(w.pte(2, 0) & (kPteW | kPteRW), kPteRW);
    EXPECT_EQ(w.word(2, 1), 101U);
}

TEST_F(FaultWireTest, ForkMapsTheChildWithItsCurrentRights) {
    w.map(1, 0, 1);
    w.store(1, 0, 5);
    w.protect(1, 0, 1, kRead);
    w.lock(1, 0, 1);
    w.fork(1, 2);
    EXPECT_TRUE(w.mapped(2, 0));
    EXPECT_FALSE(w.mapped_writable(2, 0)) << "B-15";
}

TEST_F(FaultWireTest, ForkFindsTheSourceAlongTheChainAndPagesItIn) {
    w.file(1, 3);
    w.map(1, 0, 3, kReadWrite, 1);
    w.store(1, 1, 50);
    w.protect(1, 0, 3, kRead);
    w.lock(1, 0, 3);
    w.resize(1, 0);
    w.resize(1, 1);
    w.fork(1, 2);
    const Object& copy = w.top(2, 0);
    EXPECT_EQ(copy.backing, &w.file_object(1)) << "past its end the file shows through (D-10)";
    EXPECT_EQ(w.word(2, 0), 0U) << "B-17: refilled, not copied as found";
    EXPECT_EQ(w.word(2, 1), 50U);
    EXPECT_EQ(w.page(w.top(2, 0), 2), nullptr);
    EXPECT_EQ(w.load(2, 2).signal, Signal::bus);
    EXPECT_EQ(w.page(w.top(2, 0), 0)->object, &copy) << "B-16";
}

}  // namespace
}  // namespace vmref::impl
