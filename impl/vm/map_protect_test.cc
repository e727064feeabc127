// Protection, of wired entries above all (catalogue D-3), inheritance and behaviour.
#include "impl/vm/map.h"
#include "impl/vm/vm_test.h"

namespace vmref::impl {
namespace {

class MapProtectTest : public testing::Test {
  protected:
    void SetUp() override { world_.spawn(1); }
    World world_;
};

TEST_F(MapProtectTest, BeyondTheMaximumNothingChanges) {
    world_.file(1, 1);
    world_.map(1, 0, 1);
    world_.run(Mmap{.pid = 1,
                    .addr = va(1),
                    .length = kPageSize,
                    .prot = kRead,
                    .max_prot = kRead,
                    .shared = true,
                    .fixed = true,
                    .file = 1});
    EXPECT_EQ(world_.protect(1, 0, 2, kReadWrite), Status::protection_failure);
    EXPECT_EQ(world_.protect(1, 0, 2, kRead), Status::success);
    EXPECT_EQ(world_.protect(1, 0, 2, kReadWrite), Status::protection_failure);
    EXPECT_EQ(world_.entry(1, 0).protection, kRead);
}

TEST_F(MapProtectTest, LosingRightsReachesThePtesAtOnceGainingThemTakesAFault) {
    world_.map(1, 0, 1);
    world_.store(1, 0, 5);
    Page* const m = world_.mapped_page(1, 0);
    m->dirty = kPageBitsAll;
    world_.protect(1, 0, 1, kRead);
    EXPECT_TRUE(world_.mapped(1, 0));
    EXPECT_FALSE(world_.mapped_writable(1, 0));
    world_.protect(1, 0, 1, kReadWrite);
    EXPECT_FALSE(world_.mapped_writable(1, 0));
    world_.store(1, 0, 6);
    EXPECT_TRUE(world_.mapped_writable(1, 0));
    world_.protect(1, 0, 1, kProtNone);
    EXPECT_FALSE(world_.mapped(1, 0));
    EXPECT_EQ(world_.page(world_.top(1, 0), 0), m) << "no right removes PTEs, not pages";
}

TEST_F(MapProtectTest, StoreKnownToThePteSurvivesItsRemoval) {
    world_.map(1, 0, 1);
    world_.word(1, 0);
    world_.store(1, 0, 5);
    Page* const m = world_.mapped_page(1, 0);
    EXPECT_EQ(m->dirty, 0);
    world_.protect(1, 0, 1, kProtNone);
    EXPECT_EQ(m->dirty, kPageBitsAll);
    EXPECT_TRUE(m->has(kPageReferenced));
}

TEST_F(MapProtectTest, WiredEntryWithoutRightsKeepsItsWiring) {
    world_.map(1, 0, 2);
    world_.fill(1, 0, 2, 100);
    world_.lock(1, 0, 2);
    Page* const m = world_.mapped_page(1, 0);
    world_.protect(1, 0, 2, kProtNone);
    EXPECT_FALSE(world_.mapped(1, 0));
    EXPECT_EQ(m->wire_count, 1U);
    EXPECT_EQ(world_.map_of(1).pmap->wired_count, 0U) << "of PTEs, and there is none";
    EXPECT_EQ(world_.load(1, 0).signal, Signal::bus);
    const std::uint64_t traps = world_.k.stats.traps;
    world_.protect(1, 0, 2, kRead);
    EXPECT_EQ(world_.mapped_page(1, 0), m) << "every page is faulted again at once";
    EXPECT_EQ(world_.pte(1, 1) & (kPteW | kPteRW), kPteW);
    EXPECT_EQ(m->wire_count, 1U) << "by ordinary faults, which wire nothing";
    EXPECT_EQ(world_.k.stats.traps, traps);
    EXPECT_EQ(world_.word(1, 1), 101U);
}

TEST_F(MapProtectTest, WiredPrivateEntryThatBecomesWritableIsCopiedAtOnce) {
    world_.file(1, 2);
    world_.map(1, 0, 2, kRead, 1);
    world_.lock(1, 0, 2);
    world_.protect(1, 0, 2, kReadWrite);
    for (PageIndex at = 0; at < 2; ++at) {
        EXPECT_EQ(world_.mapped_page(1, at)->object, &world_.top(1, 0)) << "B-18";
        EXPECT_EQ(world_.mapped_page(1, at)->wire_count, 1U);
        EXPECT_EQ(world_.pte(1, at) & (kPteW | kPteRW), kPteW | kPteRW);
        EXPECT_EQ(world_.page(world_.file_object(1), at)->wire_count, 0U);
    }
    EXPECT_EQ(world_.store(1, 0, 5).signal, Signal::none);
    EXPECT_EQ(world_.k.stats.traps, 0U);
}

TEST_F(MapProtectTest, WiredEntryThatLosesTheWriteRightTouchesNoPage) {
    world_.map(1, 0, 1);
    world_.lock(1, 0, 1);
    const std::uint64_t faults = world_.k.stats.vm_faults;
    world_.protect(1, 0, 1, kRead);
    EXPECT_EQ(world_.k.stats.vm_faults, faults);
    EXPECT_EQ(world_.pte(1, 0) & (kPteV | kPteW | kPteRW), kPteV | kPteW);
}

TEST_F(MapProtectTest, InheritanceAndBehaviourAreClippedToTheRange) {
    world_.map(1, 0, 3);
    world_.inherit(1, 1, 1, Inherit::none);
    EXPECT_EQ(world_.entry(1, 0).inheritance, Inherit::copy);
    EXPECT_EQ(world_.entry(1, 1).inheritance, Inherit::none);
    EXPECT_EQ(world_.entry(1, 2).inheritance, Inherit::copy);
    world_.advise(1, 1, 2, Advice::random);
    EXPECT_EQ(world_.entry(1, 0).behavior, Behavior::normal);
    EXPECT_EQ(world_.entry(1, 1).behavior, Behavior::random);
    EXPECT_EQ(world_.entry(1, 2).behavior, Behavior::random);
    world_.advise(1, 1, 1, Advice::sequential);
    EXPECT_EQ(world_.entry(1, 1).behavior, Behavior::sequential);
}

TEST_F(MapProtectTest, SyncNeedsMappedPagesAndReachesTheFileBelowAShadow) {
    world_.file(1, 2);
    world_.map(1, 0, 2, kReadWrite, 1);
    world_.store(1, 0, 5);
    world_.map(1, 4, 2, kReadWrite, 1, true);
    world_.store(1, 5, 77);
    EXPECT_EQ(world_.page(world_.file_object(1), 1)->dirty, kPageBitsAll);
    EXPECT_EQ(world_.sync(1, 0, 3).status, Status::invalid_address);
    EXPECT_EQ(world_.sync(1, 0, 2).status, Status::success);
    EXPECT_EQ(world_.page(world_.file_object(1), 1)->dirty, 0);
    EXPECT_EQ(world_.page(world_.top(1, 0), 0)->dirty, kPageBitsAll) << "private data is not the file's";
    EXPECT_EQ(world_.map_of(1).readers, 0U);
}

}  // namespace
}  // namespace vmref::impl
