// Wiring, unwiring, and the copy of a wired entry at fork.
#include "impl/vm/fault.h"
#include "impl/vm/vm_test.h"

namespace vmref::impl {
namespace {

class FaultWireTest : public testing::Test {
  protected:
    void SetUp() override { world_.spawn(1); }
    std::uint32_t wired_entries() {
        std::uint32_t count = 0;
        for (const MapEntry& entry : world_.map_of(1).entries) {
            count += entry.wired_count;
        }
        return count;
    }

    World world_;
    // What page directories and page tables wire on their own is left out of the counts.
    Pmap& pmap() { return *world_.map_of(1).pmap; }
};

TEST_F(FaultWireTest, EveryPageIsFaultedAndWired) {
    world_.map(1, 0, 3);
    world_.store(1, 1, 5);
    EXPECT_EQ(world_.lock(1, 0, 3), Status::success);
    const MapEntry& entry = world_.entry(1, 0);
    EXPECT_EQ(entry.wired_count, 1U);
    EXPECT_TRUE(entry.has(kEntryUserWired));
    EXPECT_FALSE(entry.has(kEntryInTransition));
    for (PageIndex at = 0; at < 3; ++at) {
        Page* const m = world_.mapped_page(1, at);
        ASSERT_NE(m, nullptr);
        EXPECT_EQ(m->wire_count, 1U);
        EXPECT_EQ(m->queue, Queue::none);
        EXPECT_EQ(world_.pte(1, at) & (kPteW | kPteRW), kPteW | kPteRW) << "B-95";
    }
    EXPECT_EQ(pmap().wired_count, 3U);
    EXPECT_EQ(world_.word(1, 1), 5U);
}

TEST_F(FaultWireTest, WritablePrivatePagesAreCopiedAtOnce) {
    world_.file(1, 2);
    world_.map(1, 0, 2, kReadWrite, 1);
    const std::uint32_t original = world_.word(1, 0);
    EXPECT_EQ(world_.lock(1, 0, 2), Status::success);
    EXPECT_EQ(world_.mapped_page(1, 0)->object, &world_.top(1, 0));
    EXPECT_EQ(world_.page(world_.file_object(1), 0)->wire_count, 0U);
    EXPECT_EQ(world_.k.stats.cow_faults, 2U);
    world_.store(1, 0, 9);
    EXPECT_EQ(world_.k.stats.cow_faults, 2U);
    EXPECT_EQ(world_.value(world_.file_object(1), 0), static_cast<std::uint8_t>(original));
}

TEST_F(FaultWireTest, ReadOnlyPrivatePagesAreWiredInTheFile) {
    world_.file(1, 1);
    world_.map(1, 0, 1, kRead, 1);
    EXPECT_EQ(world_.lock(1, 0, 1), Status::success);
    EXPECT_EQ(world_.mapped_page(1, 0)->object, &world_.file_object(1));
    EXPECT_EQ(world_.mapped_page(1, 0)->wire_count, 1U);
    EXPECT_TRUE(world_.entry(1, 0).has(kEntryNeedsCopy));
    EXPECT_EQ(world_.pte(1, 0) & (kPteW | kPteRW), kPteW);
}

TEST_F(FaultWireTest, FailureUnwiresWhatWasWired) {
    world_.file(1, 2);
    world_.map(1, 0, 4, kRead, 1, true);
    EXPECT_EQ(world_.lock(1, 0, 4), Status::protection_failure) << "the file ends before page 2";
    const MapEntry& entry = world_.entry(1, 0);
    EXPECT_EQ(entry.wired_count, 0U);
    EXPECT_FALSE(entry.has(kEntryUserWired));
    EXPECT_FALSE(entry.has(kEntryInTransition));
    for (const Page& m : world_.file_object(1).pages) {
        EXPECT_EQ(m.wire_count, 0U);
        EXPECT_NE(m.queue, Queue::none);
    }
    EXPECT_EQ(world_.file_object(1).resident_page_count, 2U);
    EXPECT_EQ(world_.pte(1, 0) & kPteW, 0U);
    EXPECT_EQ(pmap().wired_count, 0U);
}

TEST_F(FaultWireTest, FailureUnwiresEarlierEntriesToo) {
    world_.map(1, 0, 1);
    world_.map(1, 1, 1, kProtNone);
    EXPECT_EQ(world_.lock(1, 0, 2), Status::protection_failure);
    EXPECT_EQ(wired_entries(), 0U);
    EXPECT_EQ(world_.mapped_page(1, 0)->wire_count, 0U);
    EXPECT_EQ(world_.entry(1, 1).max_protection, kProtAll) << "B-19";
    EXPECT_FALSE(world_.mapped(1, 1)) << "B-20";

    EXPECT_EQ(world_.lock(1, 0, 1), Status::success);
    EXPECT_EQ(world_.lock(1, 0, 2), Status::protection_failure);
    EXPECT_EQ(world_.entry(1, 0).wired_count, 1U) << "what was wired before stays so";
}

TEST_F(FaultWireTest, UnwireFollowsTheChainNotThePtes) {
    world_.map(1, 0, 2);
    world_.lock(1, 0, 2);
    Page* const first = world_.mapped_page(1, 0);
    Page* const second = world_.mapped_page(1, 1);
    world_.protect(1, 0, 2, kProtNone);
    EXPECT_FALSE(world_.mapped(1, 0));
    EXPECT_EQ(first->wire_count, 1U);
    EXPECT_EQ(world_.unlock(1, 0, 2), Status::success);
    EXPECT_EQ(first->wire_count, 0U) << "B-09";
    EXPECT_EQ(second->wire_count, 0U);
    EXPECT_EQ(first->queue, Queue::active);
}

TEST_F(FaultWireTest, UnwireReachesThePageBelowTheTop) {
    world_.file(1, 2);
    world_.map(1, 0, 2, kReadWrite, 1);
    world_.store(1, 1, 5);
    world_.protect(1, 0, 2, kRead);
    world_.lock(1, 0, 2);
    Page* const below = world_.mapped_page(1, 0);
    Page* const own = world_.mapped_page(1, 1);
    EXPECT_EQ(below->object, &world_.file_object(1));
    EXPECT_EQ(own->object, &world_.top(1, 0));
    EXPECT_EQ(below->wire_count + own->wire_count, 2U);
    world_.protect(1, 0, 2, kProtNone);
    world_.unlock(1, 0, 2);
    EXPECT_EQ(below->wire_count, 0U);
    EXPECT_EQ(own->wire_count, 0U);
}

TEST_F(FaultWireTest, LastUnwireFreesATruncatedPage) {
    world_.file(1, 1);
    world_.map(1, 0, 1, kReadWrite, 1, true);
    world_.spawn(2);
    world_.map(2, 0, 1, kReadWrite, 1, true);
    world_.lock(1, 0, 1);
    world_.lock(2, 0, 1);
    Page* const m = world_.mapped_page(1, 0);
    EXPECT_EQ(m->wire_count, 2U);
    world_.resize(1, 0);
    world_.unlock(1, 0, 1);
    EXPECT_EQ(m->object, &world_.file_object(1)) << "B-94: no PTE is needed";
    EXPECT_EQ(m->wire_count, 1U);
    world_.unlock(2, 0, 1);
    EXPECT_EQ(m->object, nullptr);
    EXPECT_EQ(m->queue, Queue::free);
}

TEST_F(FaultWireTest, UnmappingUnwires) {
    world_.map(1, 0, 2);
    world_.lock(1, 0, 2);
    Page* const first = world_.mapped_page(1, 0);
    Page* const second = world_.mapped_page(1, 1);
    world_.unmap(1, 0, 1);
    EXPECT_EQ(first->queue, Queue::free);
    EXPECT_EQ(second->wire_count, 1U);
    EXPECT_EQ(pmap().wired_count, 1U);
    const std::uint32_t wired = world_.k.pages.wired_count();
    world_.run(Exit{1});
    EXPECT_EQ(second->queue, Queue::free);
    EXPECT_EQ(world_.k.pages.wired_count(), wired - 3) << "the page, a page table, the directory";
    EXPECT_EQ(world_.k.pmaps.pv_count(), 0U);
}

TEST_F(FaultWireTest, WiringIsLimitedAndCountsNothingTwice) {
    world_.map(1, 0, 100);
    EXPECT_EQ(world_.lock(1, 0, 100), Status::resource_shortage) << "33 % of 256 frames";
    EXPECT_EQ(wired_entries(), 0U);
    EXPECT_EQ(world_.lock(1, 0, 80), Status::success);
    EXPECT_EQ(world_.lock(1, 0, 80), Status::success);
    EXPECT_EQ(world_.entry(1, 0).wired_count, 1U);
    EXPECT_EQ(world_.unlock(1, 0, 81), Status::invalid_argument);
    EXPECT_EQ(world_.entry(1, 0).wired_count, 1U);
}

// --- fork of a wired entry (D-10) -----------------------------------------------------------------------------------

TEST_F(FaultWireTest, ForkCopiesWiredPagesAtOnce) {
    world_.map(1, 0, 2);
    world_.fill(1, 0, 2, 100);
    world_.lock(1, 0, 2);
    Page* const source = world_.mapped_page(1, 0);
    world_.fork(1, 2);
    EXPECT_FALSE(world_.entry(1, 0).has(kEntryNeedsCopy)) << "the parent's pages stay where they are";
    EXPECT_EQ(world_.mapped_page(1, 0), source);
    EXPECT_TRUE(world_.mapped_writable(1, 0));
    EXPECT_EQ(source->hold_count, 0U);
    const MapEntry& copy = world_.entry(2, 0);
    EXPECT_EQ(copy.wired_count, 0U);
    EXPECT_FALSE(copy.has(kEntryUserWired));
    EXPECT_NE(copy.object, world_.entry(1, 0).object);
    EXPECT_EQ(copy.object->backing, nullptr);
    EXPECT_EQ(copy.object->resident_page_count, 2U);
    Page* const copied = world_.mapped_page(2, 0);
    ASSERT_NE(copied, nullptr) << "the child's pages are mapped already";
    EXPECT_EQ(copied->wire_count, 0U);
    EXPECT_EQ(copied->dirty, kPageBitsAll);
    EXPECT_EQ(world_.pte(2, 0) & (kPteW | kPteRW), kPteRW);
    EXPECT_EQ(world_.word(2, 1), 101U);
}

TEST_F(FaultWireTest, ForkMapsTheChildWithItsCurrentRights) {
    world_.map(1, 0, 1);
    world_.store(1, 0, 5);
    world_.protect(1, 0, 1, kRead);
    world_.lock(1, 0, 1);
    world_.fork(1, 2);
    EXPECT_TRUE(world_.mapped(2, 0));
    EXPECT_FALSE(world_.mapped_writable(2, 0)) << "B-15";
}

TEST_F(FaultWireTest, ForkFindsTheSourceAlongTheChainAndPagesItIn) {
    world_.file(1, 3);
    world_.map(1, 0, 3, kReadWrite, 1);
    world_.store(1, 1, 50);
    world_.protect(1, 0, 3, kRead);
    world_.lock(1, 0, 3);
    world_.resize(1, 0);
    world_.resize(1, 1);
    world_.fork(1, 2);
    const Object& copy = world_.top(2, 0);
    EXPECT_EQ(copy.backing, &world_.file_object(1)) << "past its end the file shows through (D-10)";
    EXPECT_EQ(world_.word(2, 0), 0U) << "B-17: refilled, not copied as found";
    EXPECT_EQ(world_.word(2, 1), 50U);
    EXPECT_EQ(world_.page(world_.top(2, 0), 2), nullptr);
    EXPECT_EQ(world_.load(2, 2).signal, Signal::bus);
    EXPECT_EQ(world_.page(world_.top(2, 0), 0)->object, &copy) << "B-16";
}

}  // namespace
}  // namespace vmref::impl
