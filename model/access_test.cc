// Loads, stores, transfers and what the implementation may discard on the way.
#include <map>
#include <vector>

#include "model/system_test.h"

namespace vmref::model {
namespace {

class AccessTest : public SystemTest {};

TEST_F(AccessTest, AccessSizesAndPageCrossing) {
    map(0, 2);
    store(1, at(0, 4092), 0x11223344);
    EXPECT_EQ(load(1, at(0, 4094), 2), loaded(0x1122));
    EXPECT_EQ(load(1, at(0, 4095), 1), loaded(0x11));
    store(1, at(0, 4094), 0xaabbccdd);
    EXPECT_EQ(load(1, at(0, 4094)), loaded(0xaabbccdd));
    EXPECT_EQ(load(1, at(0, 4092)), loaded(0xccdd3344));
    EXPECT_EQ(load(1, at(1)), loaded(0xaabb));
    store(1, at(0, 4093), 0x5566, 1);
    EXPECT_EQ(load(1, at(0, 4092)), loaded(0xccdd6644));
}

TEST_F(AccessTest, SignalsAndFaultingAddresses) {
    map(0, 1);
    map(1, 1, 0, false, kProtRead);
    map(3, 2, 1, true, kRw, 3);  // its second page lies past the end
    map(6, 1, 0, false, kProtNone);
    const std::vector<std::tuple<Va, AccessKind, Observation>> table{
        {at(2, 5), AccessKind::load, segv(at(2, 5))},       {at(1, 8), AccessKind::store, bus(at(1, 8))},
        {at(6, 1), AccessKind::fetch, bus(at(6, 1))},       {at(4, 1), AccessKind::load, bus(at(4, 1))},
        {at(0, 4094), AccessKind::store, bus(at(1))},       {at(1, 4094), AccessKind::load, segv(at(2))},
        {at(3, 4093), AccessKind::store, bus(at(4))},       {at(2, 4094), AccessKind::store, segv(at(2, 4094))},
        {at(1, 4094), AccessKind::store, bus(at(1, 4094))}, {kUserEnd, AccessKind::load, segv(kUserEnd)},
        {0xffffffff, AccessKind::store, segv(0xffffffff)},
    };
    for (const auto& [va, kind, expected] : table) {
        EXPECT_EQ(run(Access{1, kind, va, 4, 0xdeadbeef}), expected) << std::hex << va;
        EXPECT_EQ(run(Access{1, kind, va, 4, 0xdeadbeef, true}), failed(Status::invalid_address));
    }
    EXPECT_EQ(load(1, at(0, 4092)), loaded(0));  // nothing of the store that ended in a signal
    EXPECT_EQ(load(1, at(3, 4092)), loaded(synthetic_word(1, 3, 1023)));
    Mmap top{1, kUserEnd - kPageSize, kPageSize, kRw};
    top.fixed = true;
    run(top);
    EXPECT_EQ(store(1, kUserEnd - 2, 1), segv(kUserEnd));
    EXPECT_EQ(store(1, kUserEnd - 2, 1, 2), Observation{});
}

TEST_F(AccessTest, ReadsWithoutTheRightFollowTheImplementation) {
    map(0, 2, 0, false, kProtWrite);
    put(1, 0, 0x12345678);
    EXPECT_EQ(load(1, at(0)), loaded(0x12345678));
    EXPECT_EQ(load(1, at(0), 4, bus(at(0))), bus(at(0)));
    EXPECT_EQ(load(1, at(0, 4094), 4, bus(at(1))), bus(at(1)));
    EXPECT_EQ(load(1, at(0), 4, segv(at(0))), loaded(0x12345678));  // not a choice it has
    const Observation refused = failed(Status::invalid_address);
    EXPECT_EQ(run(Access{1, AccessKind::load, at(0), 4, 0, true}, refused), refused);
    EXPECT_EQ(run(Access{1, AccessKind::load, at(0), 4, 0, true}).value, 0x12345678U);
    run(Mprotect{1, at(0), kPageSize, kProtRead});
    EXPECT_EQ(load(1, at(0), 4, bus(at(0))), loaded(0x12345678));
    // FileWrite reads the user's page: the bytes moved tell the choice.
    EXPECT_EQ(run(FileWrite{1, 1, 0, 2 * kPageSize, at(0)}, loaded(2 * kPageSize)).value, 2 * kPageSize);
    EXPECT_EQ(run(FileWrite{1, 1, 0, 2 * kPageSize, at(0)}, loaded(kPageSize)),
              failed(Status::invalid_address, kPageSize));
}

TEST_F(AccessTest, PrivateFilePageSeesThroughUntilItsFirstStore) {
    map(0, 2, 1);
    map(4, 2, 1, true);
    EXPECT_EQ(get(1, 0), original(0));
    write_file(0, 5);
    EXPECT_EQ(get(1, 0), 5U);
    put(1, 4, 6);
    EXPECT_EQ(get(1, 0), 6U);
    store(1, at(0, 4), 9);
    put(1, 4, 7);
    EXPECT_EQ(get(1, 0), 6U);  // kept from the moment of its store
    EXPECT_EQ(load(1, at(0, 4)), loaded(9));
    EXPECT_EQ(load(1, at(4, 4)), loaded(synthetic_word(1, 0, 1)));
    EXPECT_EQ(get(1, 1), original(1));
}

TEST_F(AccessTest, StoreThatFailsInItsSecondPageHasSettledTheFirst) {
    map(0, 1, 1);
    EXPECT_EQ(store(1, at(0, 4094), 1), segv(at(1)));
    EXPECT_EQ(get(1, 0), original(0));
    write_file(0, 5);
    EXPECT_EQ(get(1, 0), original(0));
}

TEST_F(AccessTest, DiscardsNeedPermission) {
    map(0, 4);
    map(4, 1, 1);
    map(5, 1, 0, true);
    for (std::uint32_t page = 0; page < 6; ++page) {
        put(1, page, page + 1);
    }
    map(6, 1, 1);     // never stored to
    run(Fork{1, 2});  // shares page 5
    EXPECT_NE(step(Pageout{1}, discarding(1, at(0))).illegal, "");
    run(Mlock{1, at(3), kPageSize});
    run(Madvise{1, at(0), kPageSize, Advice::dontneed});
    run(Madvise{1, at(1), 6 * kPageSize, Advice::free});
    const std::map<std::uint32_t, bool> legal{{0, false}, {1, true},  {2, true}, {3, false},
                                              {4, false}, {5, false}, {6, false}};
    for (const auto& [page, may] : legal) {
        System copy = system;
        EXPECT_EQ(copy.step(Pageout{1}, discarding(1, at(page))).illegal.empty(), may) << page;
    }
    EXPECT_NE(step(Pageout{1}, discarding(7, at(1))).illegal, "");
    EXPECT_NE(step(Pageout{1}, discarding(1, at(1, 1))).illegal, "");
    EXPECT_NE(step(Pageout{1}, discarding(1, at(9))).illegal, "");
    EXPECT_NE(step(Pageout{1}, discarding(1, at(1), 8)).illegal, "");
    EXPECT_EQ(load(1, at(1), 4, discarding(1, at(1))).value, 0U);  // before the load
    put(1, 2, 7);                                                  // takes the freedom back
    EXPECT_NE(step(Pageout{1}, discarding(1, at(2))).illegal, "");
    EXPECT_EQ(get(1, 2), 7U);
    run(Munmap{2, at(5), kPageSize});
    run(Madvise{1, at(5), kPageSize, Advice::free});  // reached by one mapping only, now
    run(Pageout{1}, discarding(1, at(5)));
    EXPECT_EQ(get(1, 5), 0U);
}

TEST_F(AccessTest, ForkHandsTheFreedomToDiscardOn) {
    map(0, 1);
    put(1, 0, 1);
    run(Madvise{1, at(0), kPageSize, Advice::free});
    run(Fork{1, 2});
    put(1, 0, 2);
    EXPECT_NE(step(Pageout{1}, discarding(1, at(0))).illegal, "");
    EXPECT_EQ(get(2, 0), 1U);
    run(Pageout{1}, discarding(2, at(0)));
    EXPECT_EQ(get(2, 0), 0U);
    EXPECT_EQ(get(1, 0), 2U);
}

TEST_F(AccessTest, FileReadAndWriteRuns) {
    map(0, 3);
    map(3, 1, 0, false, kProtRead);
    // From file offset 100 into page offset 200: runs end at 3896 (user) and 3996 (file) and so on.
    EXPECT_EQ(run(FileRead{1, 1, 100, 5000, at(0, 200)}).value, 5000U);
    EXPECT_EQ(load(1, at(0, 200)), loaded(synthetic_word(1, 0, 25)));
    EXPECT_EQ(load(1, at(1)), loaded(synthetic_word(1, 0, 25 + 3896 / 4)));
    EXPECT_EQ(load(1, at(1, 100)), loaded(synthetic_word(1, 1, 0)));
    EXPECT_EQ(load(1, at(1, 200 + 5000 - 4096)), loaded(0));
    EXPECT_EQ(run(FileRead{1, 1, 100, 5000, at(2, 200)}), failed(Status::invalid_address, 3896));
    EXPECT_EQ(load(1, at(2, 4092)), loaded(synthetic_word(1, 0, (100 + 3892) / 4)));
    EXPECT_EQ(run(FileRead{1, 1, 4 * kPageSize - 10, 5000, at(0)}).value, 10U);
    EXPECT_EQ(run(FileRead{1, 1, 0xffffffff, 5000, at(0)}), Observation{});
    EXPECT_EQ(run(FileRead{1, 1, 0, 1, kUserEnd}), failed(Status::invalid_address));
    EXPECT_EQ(run(FileRead{1, 1, 0, 0, kUserEnd}), Observation{});
    EXPECT_EQ(run(FileWrite{1, 1, kMaxFileSize - 1, 2, at(0)}), failed(Status::invalid_argument));
    EXPECT_EQ(run(FileWrite{1, 1, 0xffffffff, 0xffffffff, at(0)}), failed(Status::invalid_argument));
    EXPECT_EQ(system.file_size(1), 4 * kPageSize);
    // A write that fails half way extends the file only as far as it came.
    EXPECT_EQ(run(FileWrite{1, 1, 6 * kPageSize, 2 * kPageSize, at(3)}), failed(Status::invalid_address, kPageSize));
    EXPECT_EQ(system.file_size(1), 7 * kPageSize);
    EXPECT_EQ(system.file_page(1, 5), nullptr);
    EXPECT_EQ(run(FileWrite{1, 1, 9 * kPageSize, 1, at(8)}), failed(Status::invalid_address));
    EXPECT_EQ(system.file_size(1), 7 * kPageSize);
}

TEST_F(AccessTest, FileWriteThatExtendsClearsTheBytesPastTheOldEnd) {
    run(Ftruncate{1, 100});
    map(0, 1, 1, true);
    map(1, 1);
    store(1, at(0, 100), 0x01010101);
    put(1, 1, 0x02020202);
    run(FileWrite{1, 1, 102, 1, at(1)});
    EXPECT_EQ(load(1, at(0, 100)), loaded(0x00020000));
    EXPECT_EQ(system.file_size(1), 103U);
    // The bytes of a run are picked up before the file grows.
    store(1, at(0, 103), 7, 1);
    run(FileWrite{1, 1, 200, 1, at(0, 103)});
    EXPECT_EQ(load(1, at(0, 200), 1), loaded(7));
    EXPECT_EQ(load(1, at(0, 103), 1), loaded(0));
}

TEST_F(AccessTest, DiscardsInsideATransfer) {
    map(0, 2);
    put(1, 0, 5);
    put(1, 1, 6);
    run(Madvise{1, at(0), 2 * kPageSize, Advice::free});
    Observation actual = discarding(1, at(1), kPageSize);
    actual.value = 2 * kPageSize;
    EXPECT_EQ(run(FileWrite{1, 1, 0, 2 * kPageSize, at(0)}, actual).value, 2 * kPageSize);
    EXPECT_EQ(system.file_page(1, 1)[0], 0);
    EXPECT_EQ(system.file_page(1, 0)[0], 5);
    EXPECT_NE(step(FileWrite{1, 1, 0, 2 * kPageSize, at(0)}, discarding(1, at(0), 100)).illegal, "");
}

}  // namespace
}  // namespace vmref::model
