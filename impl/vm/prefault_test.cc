// Which neighbours a fault maps, and what that may change.
#include "impl/vm/fault.h"
#include "impl/vm/vm_test.h"

namespace vmref::impl {
namespace {

Config prefault_config(std::uint32_t pages, std::uint32_t shared = 0) {
    Config config = vm_config();
    config.prefault_pages = pages;
    config.shared_fault = shared;
    config.vnode_cluster = 16;
    return config;
}

// The pages of [0, count) that are mapped, relative to kBase: "0110".
std::string mapped_set(World& w, Pid pid, PageIndex count) {
    std::string set;
    for (PageIndex at = 0; at < count; ++at) {
        set += w.mapped(pid, at) ? '1' : '0';
    }
    return set;
}

// A file of ten resident pages, mapped at page 0.
void map_resident_file(World& w, Prot prot, bool shared = true) {
    w.spawn(1);
    w.file(1, 10);
    Status status = Status::success;
    Page* const first = vm_fault_object_page(w.k, w.file_object(1), 0, kProtRead, kFaultNormal, status);
    w.k.pages.unhold(*first);
    ASSERT_EQ(w.file_object(1).resident_page_count, 10U);
    for (Page& m : w.file_object(1).pages) {
        m.clear(kPageRam);
    }
    w.map(1, 0, 10, prot, 1, shared);
}

class PrefaultTest : public testing::TestWithParam<std::uint32_t> {};

TEST_P(PrefaultTest, GoesOutwardsFromTheFaultUpFirst) {
    const std::vector<std::string> expected = {"0000100000", "0000110000", "0001110000",
                                               "0001111000", "0011111000", "0011111100"};
    for (std::uint32_t pages = 0; pages < expected.size(); ++pages) {
        World w(prefault_config(pages, GetParam()));
        map_resident_file(w, kRead);
        w.word(1, 4);
        EXPECT_EQ(mapped_set(w, 1, 10), expected[pages]) << pages;
        EXPECT_EQ(w.k.stats.pages_prefaulted, pages);
        EXPECT_EQ(w.k.stats.minflt, pages + 1);
    }
}

TEST_P(PrefaultTest, ClosedDirectionLeavesTheOtherOpen) {
    World w(prefault_config(8, GetParam()));
    map_resident_file(w, kRead);
    w.word(1, 9);
    EXPECT_EQ(mapped_set(w, 1, 10), "0000011111");
    EXPECT_EQ(w.k.stats.pages_prefaulted, 4U) << "steps upwards count although nothing is there";
}

TEST_P(PrefaultTest, StopsAtAMappedNeighbour) {
    World w(prefault_config(8, GetParam()));
    map_resident_file(w, kRead);
    w.run(Access{1, AccessKind::load, va(5), 1, 0, true});
    EXPECT_EQ(mapped_set(w, 1, 10), "0000010000") << "a kernel access asks for no neighbours";
    w.word(1, 3);
    EXPECT_EQ(mapped_set(w, 1, 10), "1111110000");
}

TEST_P(PrefaultTest, StaysInsideItsEntry) {
    World w(prefault_config(8, GetParam()));
    map_resident_file(w, kRead);
    w.advise(1, 3, 3, Advice::sequential);
    w.word(1, 4);
    EXPECT_EQ(mapped_set(w, 1, 10), "0001110000");
}

TEST_P(PrefaultTest, EndsAtAPageThatIsNotThere) {
    World w(prefault_config(8, GetParam()));
    map_resident_file(w, kRead);
    w.drop(*w.page(w.file_object(1), 5));
    w.word(1, 4);
    EXPECT_EQ(mapped_set(w, 1, 10), "0000100000") << "the whole scan ends, not only its direction";
    EXPECT_EQ(w.file_object(1).resident_page_count, 9U);
}

TEST_P(PrefaultTest, InvalidNeighbour) {
    World w(prefault_config(2, GetParam()));
    map_resident_file(w, kRead);
    w.drop(*w.page(w.file_object(1), 5));
    Page& invalid = w.grab(w.file_object(1), 5);
    w.word(1, 4);
    EXPECT_FALSE(w.mapped(1, 5));
    EXPECT_FALSE(invalid.busied());
    EXPECT_EQ(w.mapped(1, 3), GetParam() == 0) << "the quick scan ends there, the full one goes on";
}

TEST_P(PrefaultTest, BusyNeighbour) {
    World w(prefault_config(2, GetParam()));
    map_resident_file(w, kRead);
    Page& busy = *w.page(w.file_object(1), 5);
    busy.busy_owner = 9;
    w.word(1, 4);
    EXPECT_FALSE(w.mapped(1, 5));
    EXPECT_EQ(busy.busy_owner, 9U);
    EXPECT_EQ(w.mapped(1, 3), GetParam() == 0);
}

TEST_P(PrefaultTest, NeitherDirtiesNorFreesBlocks) {
    World w(prefault_config(2, GetParam()));
    w.spawn(1);
    w.map(1, 0, 2);
    w.fill(1, 0, 2, 100);
    w.write_out(*w.mapped_page(1, 0));
    w.write_out(*w.mapped_page(1, 1));
    w.protect(1, 0, 2, kProtNone);
    w.protect(1, 0, 2, kReadWrite);
    w.word(1, 0);
    EXPECT_TRUE(w.mapped_writable(1, 1));
    EXPECT_EQ(w.mapped_page(1, 1)->dirty, 0);
    EXPECT_EQ(w.pte(1, 1) & kPteM, 0U);
    EXPECT_EQ(w.blocks_used(), 2U);
}

INSTANTIATE_TEST_SUITE_P(FullAndQuick, PrefaultTest, testing::Values(0U, 1U));

TEST(FullPrefaultTest, WindowAtAddressZeroDoesNotCloseTheWayUp) {
    World w(prefault_config(8));
    map_resident_file(w, kRead);
    w.run(Mmap{.pid = 1, .addr = 0, .length = 4 * kPageSize, .prot = kRead, .shared = true, .fixed = true, .file = 1});
    w.run(Access{1, AccessKind::load, 0, 4});
    for (Va at = 0; at < 4 * kPageSize; at += kPageSize) {
        EXPECT_NE(w.k.pmaps.pte(*w.map_of(1).pmap, at) & kPteV, 0U) << "B-21";
    }
}

TEST(FullPrefaultTest, ZeroFillsNeighboursOfAWritableMapping) {
    World w(prefault_config(2));
    w.spawn(1);
    w.map(1, 0, 3);
    w.store(1, 1, 5);
    EXPECT_EQ(mapped_set(w, 1, 3), "111");
    Page& neighbour = *w.mapped_page(1, 2);
    EXPECT_TRUE(w.mapped_writable(1, 2));
    EXPECT_TRUE(neighbour.fully_valid());
    EXPECT_EQ(neighbour.dirty, 0);
    EXPECT_EQ(neighbour.queue, Queue::inactive);
    EXPECT_EQ(w.k.stats.zfod, 3U);
    EXPECT_EQ(w.word(1, 2), 0U);
}

TEST(FullPrefaultTest, ZeroFillsNothingWithoutFastFaultWriteRightOrMemory) {
    for (int without = 0; without < 3; ++without) {
        Config config = prefault_config(2);
        config.fast_fault = without == 0 ? 0 : 1;
        config.free_min = without == 2 ? config.frames - 10 : config.free_min;
        config.free_target = without == 2 ? config.frames - 9 : config.free_target;
        World w(config);
        w.spawn(1);
        w.map(1, 0, 3, without == 1 ? kRead : kReadWrite);
        w.map(1, 8, 12);
        if (without == 2) {
            w.fill(1, 8, 12, 1);
            ASSERT_TRUE(w.k.pages.count_min());
        }
        w.word(1, 1);
        EXPECT_EQ(mapped_set(w, 1, 3), "010") << without;
    }
}

TEST(FullPrefaultTest, NeighbourBelowTheTopIsReadOnly) {
    World w(prefault_config(2));
    map_resident_file(w, kReadWrite, false);
    w.store(1, 4, 1);
    EXPECT_TRUE(w.mapped_writable(1, 4));
    EXPECT_TRUE(w.mapped(1, 5));
    EXPECT_FALSE(w.mapped_writable(1, 5));
    EXPECT_EQ(w.mapped_page(1, 5)->object, &w.file_object(1));
    EXPECT_EQ(w.top(1, 4).chain_holders, 0U);
    EXPECT_EQ(w.file_object(1).hold_count, 0U);
}

TEST(FullPrefaultTest, SwappedNeighbourIsLeftToItsPager) {
    World w(prefault_config(2));
    w.spawn(1);
    w.map(1, 0, 2);
    w.fill(1, 0, 2, 100);
    w.fork(1, 2);
    w.fill(1, 0, 2, 200);
    w.swap_out(w.top(1, 0), 1);
    ASSERT_NE(w.page(*w.top(1, 0).backing, 1), nullptr);
    w.protect(1, 0, 2, kProtNone);
    w.protect(1, 0, 2, kReadWrite);
    w.word(1, 0);
    EXPECT_FALSE(w.mapped(1, 1)) << "what lies below the block is older (B-24)";
    EXPECT_EQ(w.word(1, 1), 201U);
}

TEST(QuickPrefaultTest, DoesNothingBelowABackingObjectNorForABlock) {
    World w(prefault_config(2, 1));
    map_resident_file(w, kReadWrite, false);
    w.run(Threads{1, 2});
    w.store(1, 4, 1);
    EXPECT_EQ(mapped_set(w, 1, 10), "0000100000");
}

}  // namespace
}  // namespace vmref::impl
