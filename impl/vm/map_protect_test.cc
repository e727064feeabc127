// Protection, of wired entries above all (catalogue D-3), inheritance and behaviour.
#include "impl/vm/map.h"
#include "impl/vm/vm_test.h"

namespace vmref::impl {
namespace {

class MapProtectTest : public testing::Test {
  protected:
    void SetUp() override { w.spawn(1); }
    World w;
};

TEST_F(MapProtectTest, BeyondTheMaximumNothingChanges) {
    w.file(1, 1);
    w.map(1, 0, 1);
    w.run(Mmap{.pid = 1,
               .addr = va(1),
               .length = kPageSize,
               .prot = kRead,
               .max_prot = kRead,
               .shared = true,
               .fixed = true,
               .file = 1});
    EXPECT_EQ(w.protect(1, 0, 2, kReadWrite), Status::protection_failure);
    EXPECT_EQ(w.protect(1, 0, 2, kRead), Status::success);
    EXPECT_EQ(w.protect(1, 0, 2, kReadWrite), Status::protection_failure);
    EXPECT_EQ(w.entry(1, 0).protection, kRead);
}

TEST_F(MapProtectTest, LosingRightsReachesThePtesAtOnceGainingThemTakesAFault) {
    w.map(1, 0, 1);
    w.store(1, 0, 5);
    Page* const m = w.mapped_page(1, 0);
    m->dirty = kPageBitsAll;
    w.protect(1, 0, 1, kRead);
    EXPECT_TRUE(w.mapped(1, 0));
    EXPECT_FALSE(w.mapped_writable(1, 0));
    w.protect(1, 0, 1, kReadWrite);
    EXPECT_FALSE(w.mapped_writable(1, 0));
    w.store(1, 0, 6);
    EXPECT_TRUE(w.mapped_writable(1, 0));
    w.protect(1, 0, 1, kProtNone);
    EXPECT_FALSE(w.mapped(1, 0));
    EXPECT_EQ(w.page(w.top(1, 0), 0), m) << "no right removes PTEs, not pages";
}

TEST_F(MapProtectTest, StoreKnownToThePteSurvivesItsRemoval) {
    w.map(1, 0, 1);
    w.word(1, 0);
    w.store(1, 0, 5);
    Page* const m = w.mapped_page(1, 0);
    EXPECT_EQ(m->dirty, 0);
    w.protect(1, 0, 1, kProtNone);
    EXPECT_EQ(m->dirty, kPageBitsAll);
    EXPECT_TRUE(m->has(kPageReferenced));
}

TEST_F(MapProtectTest, WiredEntryWithoutRightsKeepsItsWiring) {
    w.map(1, 0, 2);
    w.fill(1, 0, 2, 100);
    w.lock(1, 0, 2);
    Page* const m = w.mapped_page(1, 0);
    w.protect(1, 0, 2, kProtNone);
    EXPECT_FALSE(w.mapped(1, 0));
    EXPECT_EQ(m->wire_count, 1U);
    EXPECT_EQ(w.map_of(1).pmap->wired_count, 0U) << "of PTEs, and there is none";
    EXPECT_EQ(w.load(1, 0).signal, Signal::bus);
    const std::uint64_t traps = w.k.stats.traps;
    w.protect(1, 0, 2, kRead);
    EXPECT_EQ(w.mapped_page(1, 0), m) << "every page is faulted again at once";
    EXPECT_EQ(w.pte(1, 1) & (kPteW | kPteRW), kPteW);
    EXPECT_EQ(m->wire_count, 1U) << "by ordinary faults, which wire nothing";
    EXPECT_EQ(w.k.stats.traps, traps);
    EXPECT_EQ(w.word(1, 1), 101U);
}

TEST_F(MapProtectTest, WiredPrivateEntryThatBecomesWritableIsCopiedAtOnce) {
    w.file(1, 2);
    w.map(1, 0, 2, kRead, 1);
    w.lock(1, 0, 2);
    w.protect(1, 0, 2, kReadWrite);
    for (PageIndex at = 0; at < 2; ++at) {
        EXPECT_EQ(w.mapped_page(1, at)->object, &w.top(1, 0)) << "B-18";
        EXPECT_EQ(w.mapped_page(1, at)->wire_count, 1U);
        EXPECT_EQ(w.pte(1, at) & (kPteW | kPteRW), kPteW | kPteRW);
        EXPECT_EQ(w.page(w.file_object(1), at)->wire_count, 0U);
    }
    EXPECT_EQ(w.store(1, 0, 5).signal, Signal::none);
    EXPECT_EQ(w.k.stats.traps, 0U);
}

TEST_F(MapProtectTest, WiredEntryThatLosesTheWriteRightTouchesNoPage) {
    w.map(1, 0, 1);
    w.lock(1, 0, 1);
    const std::uint64_t faults = w.k.stats.vm_faults;
    w.protect(1, 0, 1, kRead);
    EXPECT_EQ(w.k.stats.vm_faults, faults);
    EXPECT_EQ(w.pte(1, 0) & (kPteV | kPteW | kPteRW), kPteV | kPteW);
}

TEST_F(MapProtectTest, InheritanceAndBehaviourAreClippedToTheRange) {
    w.map(1, 0, 3);
    w.inherit(1, 1, 1, Inherit::none);
    EXPECT_EQ(w.entry(1, 0).inheritance, Inherit::copy);
    EXPECT_EQ(w.entry(1, 1).inheritance, Inherit::none);
    EXPECT_EQ(w.entry(1, 2).inheritance, Inherit::copy);
    w.advise(1, 1, 2, Advice::random);
    EXPECT_EQ(w.entry(1, 0).behavior, Behavior::normal);
    EXPECT_EQ(w.entry(1, 1).behavior, Behavior::random);
    EXPECT_EQ(w.entry(1, 2).behavior, Behavior::random);
    w.advise(1, 1, 1, Advice::sequential);
    EXPECT_EQ(w.entry(1, 1).behavior, Behavior::sequential);
}

TEST_F(MapProtectTest, SyncNeedsMappedPagesAndReachesTheFileBelowAShadow) {
    w.file(1, 2);
    w.map(1, 0, 2, kReadWrite, 1);
    w.store(1, 0, 5);
    w.map(1, 4, 2, kReadWrite, 1, true);
    w.store(1, 5, 77);
    EXPECT_EQ(w.page(w.file_object(1), 1)->dirty, kPageBitsAll);
    EXPECT_EQ(w.sync(1, 0, 3).status, Status::invalid_address);
    EXPECT_EQ(w.sync(1, 0, 2).status, Status::success);
    EXPECT_EQ(w.page(w.file_object(1), 1)->dirty, 0);
    EXPECT_EQ(w.page(w.top(1, 0), 0)->dirty, kPageBitsAll) << "private data is not the file's";
    EXPECT_EQ(w.map_of(1).readers, 0U);
}

}  // namespace
}  // namespace vmref::impl
