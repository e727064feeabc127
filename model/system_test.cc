#include "model/system.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "ops/synthetic.h"

namespace vmref::model {
namespace {

constexpr Va kBase = 0x100000;
constexpr Prot kRw = kProtRead | kProtWrite;

constexpr Va at(std::uint32_t page, std::uint32_t offset = 0) {
    return kBase + page * kPageSize + offset;
}

// A file of `pages` pages, processes, and short words for what is done to them. Pages count from kBase.
class SystemTest : public ::testing::Test {
  protected:
    SystemTest() : system(config()) {
        run(Spawn{1});
        run(CreateFile{1, 4 * kPageSize, "f"});
    }

    static Config config() {
        Config config;
        config.stack_grow = 4;
        return config;
    }

    Outcome step(const Operation& operation, const Observation& actual = {}) {
        EXPECT_EQ(system.refuse(operation), std::nullopt);
        return system.step(operation, actual);
    }
    Observation run(const Operation& operation, const Observation& actual = {}) {
        const Outcome outcome = step(operation, actual);
        EXPECT_EQ(outcome.illegal, "");
        return outcome.expected;
    }
    Status status(const Operation& operation, const Observation& actual = {}) { return run(operation, actual).status; }

    void map(std::uint32_t page, std::uint32_t pages, FileId file = 0, bool shared = false, Prot prot = kRw,
             std::uint32_t file_page = 0, Pid pid = 1) {
        Mmap op{pid, at(page), pages * kPageSize, prot};
        op.shared = shared;
        op.fixed = true;
        op.file = file;
        op.offset = file_page * kPageSize;
        ASSERT_EQ(run(op), placed(at(page)));
    }
    void stack(std::uint32_t page, std::uint32_t pages, Prot prot = kRw) {
        Mmap op{1, at(page), pages * kPageSize, prot};
        op.fixed = op.stack = true;
        ASSERT_EQ(run(op), placed(at(page)));
    }
    Observation load(Pid pid, Va va, std::uint8_t size = 4, const Observation& actual = {}) {
        return run(Access{pid, AccessKind::load, va, size}, actual);
    }
    Observation store(Pid pid, Va va, std::uint32_t value, std::uint8_t size = 4) {
        return run(Access{pid, AccessKind::store, va, size, value});
    }
    void put(Pid pid, std::uint32_t page, std::uint32_t value) {
        ASSERT_EQ(store(pid, at(page), value), Observation{});
    }
    std::uint32_t get(Pid pid, std::uint32_t page) {
        const Observation seen = load(pid, at(page));
        EXPECT_EQ(seen.signal, Signal::none);
        return seen.value;
    }
    // Writes one word to the start of a file page, through a buffer of process 9.
    void write_file(std::uint32_t page, std::uint32_t value) {
        if (system.refuse(Exit{9})) {
            run(Spawn{9});
            map(0, 1, 0, false, kRw, 0, 9);
        }
        put(9, 0, value);
        ASSERT_EQ(run(FileWrite{9, 1, page * kPageSize, 4, at(0)}).value, 4U);
    }
    static std::uint32_t original(PageIndex page) { return synthetic_word(1, page, 0); }

    static Observation seen(Status status, Signal signal, std::uint32_t value, Va address) {
        Observation observation;
        observation.status = status;
        observation.signal = signal;
        observation.value = value;
        observation.address = address;
        return observation;
    }
    static Observation segv(Va va) { return seen(Status::success, Signal::segv, 0, va); }
    static Observation bus(Va va) { return seen(Status::success, Signal::bus, 0, va); }
    static Observation loaded(std::uint32_t value) { return seen(Status::success, Signal::none, value, 0); }
    static Observation placed(Va va) { return seen(Status::success, Signal::none, 0, va); }
    static Observation failed(Status status, std::uint32_t value = 0) { return seen(status, Signal::none, value, 0); }
    static Observation discarding(Pid pid, Va va, std::uint32_t after = 0) {
        Observation observation;
        observation.witness.discarded.push_back({pid, va, after});
        return observation;
    }
    static Observation killing(Pid pid, std::uint32_t value = 0) {
        Observation observation = loaded(value);
        observation.witness.killed.push_back(pid);
        return observation;
    }

    System system;
};

TEST_F(SystemTest, RefusesBadInputWithOneLine) {
    Mmap outside{1, 0xbfbff000, 0x2000, kRw};
    outside.fixed = true;
    Mmap huge{1, 0, 0xc0000000, kRw};
    const Mmap far{1, kUserEnd, kPageSize, kRw};
    Mmap no_file{1, kBase, kPageSize, kRw};
    no_file.file = 3;
    const std::vector<std::pair<Operation, std::string>> table{
        {Spawn{0}, "process 0 cannot be made: numbers start at 1"},
        {Spawn{1}, "process 1 exists already"},
        {Exec{7}, "process 7 does not exist"},
        {Exit{0}, "process 0 does not exist"},
        {Fork{7, 8}, "process 7 does not exist"},
        {Fork{1, 1}, "process 1 exists already"},
        {Threads{1, 0}, "thread count 0 is not 1 to 8"},
        {Threads{1, 9}, "thread count 9 is not 1 to 8"},
        {Switch{4, 1}, "cpu 4 does not exist (2 are configured)"},
        {Switch{0, 7}, "process 7 does not exist"},
        {CreateFile{0, 1, ""}, "file 0 cannot be made: numbers start at 1"},
        {CreateFile{1, 1, ""}, "file 1 exists already"},
        {CreateFile{2, kMaxFileSize + 1, ""}, "file size 1073741825 exceeds 1073741824"},
        {Ftruncate{3, 0}, "file 3 does not exist"},
        {Ftruncate{1, kMaxFileSize + 1}, "file size 1073741825 exceeds 1073741824"},
        {FileRead{1, 3, 0, 0, 0}, "file 3 does not exist"},
        {outside, "mapping [0xbfbff000, 0xbfc01000) lies outside user space"},
        {huge, "mapping [0x0, 0xc0000000) lies outside user space"},
        {far, "mapping [0xbfc00000, 0xbfc01000) lies outside user space"},
        {no_file, "file 3 does not exist"},
        {Mprotect{1, kBase, 0, 8}, "protection 8 is not 0 to 7"},
        {Access{1, AccessKind::load, kBase, 3}, "access size 3 is not 1, 2 or 4"},
        {Madvise{7, kBase, 0, Advice::free}, "process 7 does not exist"},
    };
    for (const auto& [operation, line] : table) {
        EXPECT_EQ(system.refuse(operation), line);
    }
    for (const Operation& good :
         {Operation{Switch{0, 0}}, Operation{Pageout{5}}, Operation{Munmap{1, 0xfffff000, 0x2000}},
          Operation{CreateFile{2, kMaxFileSize, ""}}}) {
        EXPECT_EQ(system.refuse(good), std::nullopt);
    }
}

TEST_F(SystemTest, RefusesMoreProcessesThanFit) {
    for (Pid pid = 2; pid <= 4096; ++pid) {
        run(Spawn{pid});
    }
    EXPECT_TRUE(system.refuse(Spawn{4097}));
    EXPECT_TRUE(system.refuse(Fork{1, 4097}));
    run(Exit{17});
    EXPECT_EQ(system.refuse(Spawn{4097}), std::nullopt);
    EXPECT_EQ(system.processes().size(), 4095U);
}

TEST_F(SystemTest, AccessSizesAndPageCrossing) {
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

TEST_F(SystemTest, SignalsAndFaultingAddresses) {
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

TEST_F(SystemTest, ReadsWithoutTheRightFollowTheImplementation) {
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

TEST_F(SystemTest, MmapStatuses) {
    const auto mmap = [](auto change) {
        Mmap op{1, at(0), kPageSize, kRw};
        op.fixed = true;
        change(op);
        return op;
    };
    const std::vector<std::pair<Mmap, Status>> table{
        {mmap([](Mmap& op) { op.addr += 1; }), Status::invalid_argument},
        {mmap([](Mmap& op) { op.offset = 1; }), Status::invalid_argument},
        {mmap([](Mmap& op) { op.stack = op.shared = true; }), Status::invalid_argument},
        {mmap([](Mmap& op) { op.stack = true, op.file = 1; }), Status::invalid_argument},
        {mmap([](Mmap& op) { op.stack = true, op.fixed = false; }), Status::invalid_argument},
        {mmap([](Mmap& op) { op.shared = true, op.max_prot = kProtRead; }), Status::protection_failure},
    };
    for (const auto& [op, expected] : table) {
        EXPECT_EQ(run(op), failed(expected));
    }
    EXPECT_EQ(run(mmap([](Mmap& op) { op.length = 0, op.addr = at(5); })), Observation{});
    EXPECT_EQ(system.mapping_count(1), 0U);
    EXPECT_EQ(status(mmap([](Mmap& op) { op.max_prot = kProtRead; })), Status::success);
    EXPECT_EQ(system.mapping(1, 0).max_prot, kProtAll);
}

TEST_F(SystemTest, MmapChoosesOnlyFreePlaces) {
    map(0, 2);
    stack(10, 20);  // [26, 30) mapped, [10, 26) in reserve
    Mmap op{1, at(0), 2 * kPageSize, kRw};
    EXPECT_EQ(run(op, placed(at(2))), placed(at(2)));
    for (const Va wrong : {at(1), at(8, 1), at(9), at(12), at(25), at(29), kUserEnd - kPageSize, Va{0xfffff000}}) {
        EXPECT_NE(step(op, placed(wrong)).illegal, "") << std::hex << wrong;
    }
    EXPECT_EQ(run(op, placed(at(8))), placed(at(8)));
    EXPECT_EQ(run(op, placed(kUserEnd - 2 * kPageSize)), placed(kUserEnd - 2 * kPageSize));
    EXPECT_NE(step(op, failed(Status::no_space)).illegal, "");
    // The largest gap: from page 30 on to two pages below the end.
    op.length = kUserEnd - 2 * kPageSize - at(30);
    EXPECT_NE(step(op, failed(Status::no_space)).illegal, "");
    op.length += 1;
    EXPECT_EQ(run(op, failed(Status::no_space)), failed(Status::no_space));
}

TEST_F(SystemTest, RangesThatWrapOrReachBeyondUserSpace) {
    const Va last = kUserEnd - kPageSize;
    const std::vector<std::pair<Operation, Status>> table{
        {Munmap{1, last, kPageSize + 1}, Status::invalid_argument},
        {Mprotect{1, 0xfffff000, 0x2000, kRw}, Status::invalid_argument},
        {Minherit{1, 1, 0xffffffff, Inherit::none}, Status::invalid_argument},
        {Madvise{1, kUserEnd, 1, Advice::free}, Status::invalid_argument},
        {Msync{1, kUserEnd, 1}, Status::invalid_argument},
        {Mlock{1, kUserEnd, 1}, Status::invalid_argument},
        {Munlock{1, kUserEnd, 1}, Status::invalid_argument},
        {Mlock{1, kUserEnd, 0}, Status::success},
        {Munmap{1, last, kPageSize}, Status::invalid_argument},  // a hole
        {Msync{1, last, kPageSize}, Status::invalid_address},
        {Mlock{1, last, kPageSize}, Status::invalid_address},
        {Munlock{1, last, kPageSize}, Status::invalid_address},
        {Mprotect{1, last, kPageSize, kRw}, Status::success},
        {Minherit{1, last, kPageSize, Inherit::none}, Status::success},
        {Madvise{1, last, kPageSize, Advice::free}, Status::success},
    };
    for (const auto& [operation, expected] : table) {
        EXPECT_EQ(run(operation), failed(expected)) << operation.index();
    }
}

TEST_F(SystemTest, MunmapClipsAndNeedsTheWholeRange) {
    map(0, 4);
    for (std::uint32_t page = 0; page < 4; ++page) {
        put(1, page, page + 1);
    }
    EXPECT_EQ(status(Munmap{1, at(1, 7), 2}), Status::success);  // widened to page 1
    EXPECT_EQ(status(Munmap{1, at(0), 4 * kPageSize}), Status::invalid_argument);
    EXPECT_EQ(get(1, 0), 1U);
    EXPECT_EQ(load(1, at(1)), segv(at(1)));
    EXPECT_EQ(get(1, 2), 3U);
    map(1, 3);  // replaces
    EXPECT_EQ(get(1, 2), 0U);
    EXPECT_EQ(get(1, 0), 1U);
    EXPECT_FALSE(system.page(1, at(4)).mapped);
}

TEST_F(SystemTest, MprotectIsAtomicAndSkipsHoles) {
    map(0, 1);
    Mmap op{1, at(2), kPageSize, kProtRead, kProtRead, true, true};
    op.file = 1;
    run(op);
    EXPECT_EQ(status(Mprotect{1, at(0), 3 * kPageSize, kRw}), Status::protection_failure);
    EXPECT_EQ(status(Mprotect{1, at(0), 3 * kPageSize, kProtNone}), Status::success);
    EXPECT_EQ(load(1, at(0)), bus(at(0)));
    EXPECT_EQ(status(Mprotect{1, at(0), 1, kProtRead}), Status::success);
    EXPECT_EQ(store(1, at(0), 1), bus(at(0)));
}

TEST_F(SystemTest, PrivateFilePageSeesThroughUntilItsFirstStore) {
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

TEST_F(SystemTest, StoreThatFailsInItsSecondPageHasSettledTheFirst) {
    map(0, 1, 1);
    EXPECT_EQ(store(1, at(0, 4094), 1), segv(at(1)));
    EXPECT_EQ(get(1, 0), original(0));
    write_file(0, 5);
    EXPECT_EQ(get(1, 0), original(0));
}

TEST_F(SystemTest, ForkByInheritance) {
    map(0, 1);
    map(1, 1, 0, true);
    map(2, 1, 1);
    map(3, 1, 1, true);
    map(4, 2);
    run(Minherit{1, at(4), kPageSize, Inherit::share});
    run(Minherit{1, at(5), kPageSize, Inherit::none});
    for (std::uint32_t page = 0; page < 6; ++page) {
        put(1, page, 10 + page);
    }
    run(Threads{1, 3});
    run(Fork{1, 2});
    EXPECT_EQ(system.threads(1), 3U);
    EXPECT_EQ(system.threads(2), 1U);
    EXPECT_EQ(load(2, at(5)), segv(at(5)));
    for (std::uint32_t page = 0; page < 5; ++page) {
        put(1, page, 20 + page);
    }
    const std::map<std::uint32_t, bool> shares{{0, false}, {1, true}, {2, false}, {3, true}, {4, true}};
    for (const auto& [page, shared] : shares) {
        EXPECT_EQ(get(2, page), (shared ? 20 : 10) + page);
        put(2, page, 30 + page);
        EXPECT_EQ(get(1, page), (shared ? 30 : 20) + page);
    }
    EXPECT_FALSE(system.mapping(2, 4).shared);
    EXPECT_TRUE(system.mapping(2, 3).shared);
}

TEST_F(SystemTest, ForkCopyOfSharedMappingsBecomesPrivate) {
    map(0, 1, 0, true);
    map(1, 2, 1, true);
    put(1, 0, 1);
    run(Fork{1, 2});  // 1 and 2 share
    run(Minherit{1, at(0), 3 * kPageSize, Inherit::copy});
    run(Fork{1, 3});
    EXPECT_FALSE(system.mapping(3, 0).shared);
    EXPECT_FALSE(system.mapping(3, 1).shared);
    put(2, 0, 2);  // still shared with 1, not with the snapshot in 3
    EXPECT_EQ(get(1, 0), 2U);
    EXPECT_EQ(get(3, 0), 1U);
    put(1, 1, 5);  // 3 sees through to the file
    EXPECT_EQ(get(3, 1), 5U);
    put(3, 1, 6);
    EXPECT_EQ(get(1, 1), 5U);
    EXPECT_EQ(system.mapping(3, 1).file, 1U);
    EXPECT_EQ(system.mapping(3, 1).file_page, 0U);
}

TEST_F(SystemTest, ForkOfSharedPrivateFileMappingKeepsSeeingThrough) {
    map(0, 3, 1);
    run(Minherit{1, at(0), 3 * kPageSize, Inherit::share});
    run(Fork{1, 2});
    put(2, 0, 1);
    EXPECT_EQ(get(1, 0), 1U);  // one set of private cells for both
    run(Minherit{1, at(0), 3 * kPageSize, Inherit::copy});
    run(Munmap{1, at(0), kPageSize});
    put(1, 2, 8);
    run(Fork{1, 3});
    put(1, 2, 9);
    write_file(1, 5);
    for (const Pid pid : {1U, 2U, 3U}) {
        EXPECT_EQ(get(pid, 1), 5U);
    }
    EXPECT_EQ(get(2, 2), 9U);
    EXPECT_EQ(get(3, 2), 8U);
    EXPECT_EQ(system.mapping(3, 0).file_page, 1U);
}

TEST_F(SystemTest, WiredForkCopiesAtOnce) {
    map(0, 2, 1, false, kProtRead, 3);
    map(2, 1, 1, true);
    run(Minherit{1, at(2), kPageSize, Inherit::copy});
    EXPECT_EQ(status(Mlock{1, at(0), kPageSize}), Status::success);
    EXPECT_EQ(status(Mlock{1, at(2), kPageSize}), Status::success);
    run(Fork{1, 2});
    write_file(3, 5);
    write_file(0, 6);
    EXPECT_EQ(get(1, 0), 5U);
    EXPECT_EQ(get(2, 0), original(3));
    EXPECT_EQ(get(1, 2), 6U);
    EXPECT_EQ(get(2, 2), original(0));
    EXPECT_FALSE(system.page(2, at(0)).wired);
    // Wired pages past the end go on seeing through.
    run(Ftruncate{1, 3 * kPageSize});
    run(Fork{1, 3});
    EXPECT_EQ(load(3, at(0)), bus(at(0)));
    write_file(3, 7);
    EXPECT_EQ(get(3, 0), 7U);
    EXPECT_EQ(get(2, 0), original(3));
}

TEST_F(SystemTest, Truncation) {
    map(0, 4, 1, true);
    map(4, 4, 1);
    put(1, 7, 9);
    run(Ftruncate{1, 2 * kPageSize + 100});
    EXPECT_EQ(load(1, at(3)), bus(at(3)));
    EXPECT_TRUE(system.page(1, at(3)).refused);
    EXPECT_EQ(get(1, 7), 9U);  // private values stay
    EXPECT_EQ(load(1, at(2, 96)), loaded(synthetic_word(1, 2, 24)));
    EXPECT_EQ(load(1, at(2, 100)), loaded(0));
    EXPECT_EQ(store(1, at(2, 100), 5), Observation{});  // an ordinary byte, until the size changes
    run(Ftruncate{1, 2 * kPageSize + 100});
    EXPECT_EQ(load(1, at(6, 100)), loaded(5));
    run(Ftruncate{1, 4 * kPageSize});
    EXPECT_EQ(load(1, at(2, 100)), loaded(0));
    EXPECT_EQ(get(1, 3), 0U);  // not what it was before
    put(1, 3, 3);
    run(Ftruncate{1, 0});
    EXPECT_EQ(load(1, at(0)), bus(at(0)));
    run(Ftruncate{1, 4 * kPageSize});
    for (std::uint32_t page = 0; page < 4; ++page) {
        EXPECT_EQ(get(1, page), 0U);
    }
    EXPECT_EQ(system.file_size(1), 4 * kPageSize);
}

TEST_F(SystemTest, StackGrowth) {
    stack(0, 20, kProtRead);
    EXPECT_EQ(system.mapping(1, 0).start, at(16));
    EXPECT_EQ(system.mapping(1, 0).stack_reserve, 16U);
    EXPECT_EQ(store(1, at(14, 4094), 7), Observation{});  // both pages in the grown part
    ASSERT_EQ(system.mapping_count(1), 2U);
    EXPECT_EQ(system.mapping(1, 0).start, at(12));
    EXPECT_EQ(system.mapping(1, 0).stack_reserve, 12U);
    EXPECT_EQ(system.mapping(1, 0).prot, kProtAll);
    EXPECT_EQ(system.mapping(1, 1).stack_reserve, 16U);
    EXPECT_EQ(store(1, at(11, 4094), 7, 1), Observation{});
    EXPECT_EQ(system.mapping(1, 0).start, at(8));
    map(1, 1);  // below: the gap is [2, 8)
    EXPECT_EQ(load(1, at(2)), loaded(0));
    EXPECT_EQ(system.mapping(1, 1).start, at(2));
    EXPECT_EQ(system.mapping(1, 1).stack_reserve, 2U);
    EXPECT_EQ(load(1, at(0)), segv(at(0)));  // the next mapping above is no stack
    EXPECT_EQ(load(1, kBase - 1, 1), segv(kBase - 1));
}

TEST_F(SystemTest, StackGrowthAcrossPagesAndByTheKernel) {
    stack(0, 16, kProtRead);  // [12, 16)
    EXPECT_EQ(store(1, at(11, 4094), 7), bus(at(12)));
    EXPECT_EQ(load(1, at(11, 4092)), loaded(0));
    EXPECT_EQ(system.mapping(1, 0).start, at(8));
    EXPECT_EQ(load(1, at(3, 1)), loaded(0));  // distance 5, rounded up to 8: the rest of the reserve
    EXPECT_EQ(system.mapping(1, 0).start, at(0));
    EXPECT_EQ(system.mapping(1, 0).stack_reserve, 0U);
    EXPECT_EQ(load(1, kBase - 4), segv(kBase - 4));
    stack(20, 8);
    EXPECT_EQ(run(FileRead{1, 1, 0, kPageSize, at(22)}).value, kPageSize);
    EXPECT_EQ(get(1, 22), original(0));
    stack(40, 8);
    EXPECT_EQ(run(Access{1, AccessKind::store, at(43), 4, 3, true}), Observation{});
    EXPECT_EQ(get(1, 43), 3U);
}

TEST_F(SystemTest, ClippedStackKeepsItsReserve) {
    stack(0, 8);  // [4, 8)
    run(Munmap{1, at(4), 2 * kPageSize});
    EXPECT_EQ(system.mapping(1, 0).stack_reserve, 4U);
    EXPECT_EQ(load(1, at(1)), segv(at(1)));  // 5 pages below
    EXPECT_EQ(load(1, at(2)), loaded(0));
    EXPECT_EQ(system.mapping(1, 0).start, at(2));
}

TEST_F(SystemTest, MlockAndMunlock) {
    map(0, 3);
    map(3, 2, 1, false, kRw, 3);  // page 4 is past the end
    map(5, 1, 0, false, kProtNone);
    EXPECT_EQ(status(Mlock{1, at(0), kPageSize}), Status::success);
    EXPECT_EQ(status(Mlock{1, at(0), 5 * kPageSize}), Status::protection_failure);
    EXPECT_TRUE(system.page(1, at(0)).wired);  // earlier wiring stays
    EXPECT_FALSE(system.page(1, at(1)).wired);
    EXPECT_EQ(status(Mlock{1, at(5), 1}), Status::protection_failure);
    EXPECT_EQ(status(Mlock{1, at(5), 2 * kPageSize}), Status::invalid_address);
    EXPECT_EQ(status(Mlock{1, at(1), 1}, failed(Status::resource_shortage)), Status::resource_shortage);
    EXPECT_FALSE(system.page(1, at(1)).wired);
    EXPECT_EQ(status(Munlock{1, at(0), 2 * kPageSize}), Status::invalid_argument);
    EXPECT_TRUE(system.page(1, at(0)).wired);
    EXPECT_EQ(status(Munlock{1, at(5), 2 * kPageSize}), Status::invalid_address);
    EXPECT_EQ(status(Munlock{1, at(0), kPageSize}), Status::success);
    EXPECT_FALSE(system.page(1, at(0)).wired);
    EXPECT_EQ(status(Munlock{1, at(0), kPageSize}, failed(Status::resource_shortage)), Status::invalid_argument);
}

TEST_F(SystemTest, WiringCopiesWritablePrivatePages) {
    map(0, 2, 1, false, kRw, 3);  // page 1 is past the end
    map(3, 2, 1, false, kProtRead);
    map(6, 1, 1, true, kRw, 2);
    EXPECT_EQ(status(Mlock{1, at(0), 2 * kPageSize}), Status::protection_failure);
    EXPECT_EQ(status(Mlock{1, at(3), kPageSize}), Status::success);
    EXPECT_EQ(status(Mlock{1, at(6), kPageSize}), Status::success);
    write_file(3, 5);
    EXPECT_EQ(get(1, 0), original(3));  // copied before the second page failed
    write_file(0, 6);
    EXPECT_EQ(get(1, 3), 6U);  // only read
    run(Mprotect{1, at(3), 2 * kPageSize, kRw});
    write_file(0, 7);
    write_file(1, 8);
    EXPECT_EQ(get(1, 3), 6U);  // wired: copied when it became writable
    EXPECT_EQ(get(1, 4), 8U);  // not wired
    write_file(2, 9);
    EXPECT_EQ(get(1, 6), 9U);  // shared
    run(Ftruncate{1, 0});
    EXPECT_TRUE(system.page(1, at(6)).wired);
    EXPECT_EQ(status(Mlock{1, at(6), kPageSize}), Status::success);  // wired already: not faulted in
}

TEST_F(SystemTest, MremapStatuses) {
    map(0, 4);
    map(6, 1);
    const auto bytes = [](std::uint32_t pages) { return pages * kPageSize; };
    const std::vector<std::pair<Mremap, Status>> table{
        {{1, at(0), 0, at(0), bytes(1)}, Status::invalid_argument},
        {{1, at(0), bytes(1), at(0), 0}, Status::invalid_argument},
        {{1, at(0), 5, at(0), bytes(1)}, Status::invalid_argument},
        {{1, at(0, 1), bytes(1), at(9), bytes(1)}, Status::invalid_argument},
        {{1, at(0), bytes(2), at(1), bytes(2)}, Status::invalid_argument},
        {{1, at(2), bytes(2), at(0), bytes(3)}, Status::invalid_argument},
        {{1, at(0), bytes(1), kUserEnd, bytes(1)}, Status::invalid_argument},
        {{1, at(0), bytes(1), 0xfffff000, bytes(2)}, Status::invalid_argument},
        {{1, at(3), bytes(2), at(9), bytes(2)}, Status::invalid_address},
        {{1, at(0), bytes(4), at(0), bytes(7)}, Status::no_space},
        {{1, at(0), bytes(2), at(0), bytes(3)}, Status::no_space},
        {{1, at(0), bytes(4), at(0), bytes(6)}, Status::success},
        {{1, at(0), bytes(6), at(0), bytes(3)}, Status::success},
    };
    for (const auto& [op, expected] : table) {
        EXPECT_EQ(run(op), failed(expected));
    }
    EXPECT_EQ(load(1, at(3)), segv(at(3)));
}

TEST_F(SystemTest, MremapMovesValuesAndContinuesTheLastPage) {
    map(0, 2);
    map(2, 1, 1, false, kRw, 1);
    map(10, 5);
    put(1, 0, 1);
    put(1, 2, 3);
    put(1, 10, 99);
    put(1, 14, 98);
    run(Mlock{1, at(0), kPageSize});
    run(Mprotect{1, at(2), kPageSize, kProtRead});
    EXPECT_EQ(status(Mremap{1, at(0), 3 * kPageSize, at(10), 4 * kPageSize}), Status::success);
    EXPECT_EQ(system.mapping(1, 4).start, at(14));  // what was there before is gone
    EXPECT_EQ(load(1, at(0)), segv(at(0)));
    EXPECT_EQ(get(1, 10), 1U);
    EXPECT_FALSE(system.page(1, at(10)).wired);
    EXPECT_EQ(get(1, 12), 3U);
    EXPECT_EQ(get(1, 13), original(2));  // continues the file
    EXPECT_EQ(store(1, at(13), 1), bus(at(13)));
    EXPECT_EQ(get(1, 14), 98U);
    run(Mremap{1, at(11), kPageSize, at(20), 2 * kPageSize});
    EXPECT_EQ(store(1, at(21), 4), Observation{});
    map(30, 1, 1, true, kRw, 1);
    run(Mlock{1, at(30), kPageSize});
    run(Mremap{1, at(30), kPageSize, at(30), 2 * kPageSize});
    EXPECT_TRUE(system.page(1, at(30)).wired);
    EXPECT_FALSE(system.page(1, at(31)).wired);
    put(1, 31, 77);
    EXPECT_EQ(get(1, 13), 77U);
    // Shared anonymous memory grows by fresh memory that a fork shares.
    map(40, 1, 0, true);
    run(Mremap{1, at(40), kPageSize, at(40), 2 * kPageSize});
    run(Fork{1, 2});
    put(2, 41, 5);
    EXPECT_EQ(get(1, 41), 5U);
}

TEST_F(SystemTest, DiscardsNeedPermission) {
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
        EXPECT_EQ(copy.step(Pageout{1}, discarding(1, at(page))).illegal == "", may) << page;
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

TEST_F(SystemTest, ForkHandsTheFreedomToDiscardOn) {
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

TEST_F(SystemTest, FileReadAndWriteRuns) {
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

TEST_F(SystemTest, FileWriteThatExtendsClearsTheBytesPastTheOldEnd) {
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

TEST_F(SystemTest, DiscardsInsideATransfer) {
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

TEST_F(SystemTest, KilledProcesses) {
    map(0, 2);
    run(Fork{1, 2});
    run(Fork{1, 3});
    const Observation killed = run(Access{1, AccessKind::store, at(0), 4, 5}, killing(1));
    Observation kill = killing(1);
    kill.signal = Signal::kill;
    EXPECT_EQ(killed, kill);
    EXPECT_EQ(run(Access{2, AccessKind::store, at(0), 4, 5}, killing(3)).signal, Signal::none);
    EXPECT_EQ(system.processes(), std::vector<Pid>{2});
    EXPECT_EQ(get(2, 0), 5U);
    EXPECT_NE(step(Pageout{1}, killing(3)).illegal, "");
    // The bytes that were moved stay moved; the rest is not.
    const Observation actual = killing(2, kPageSize);
    const Observation half = run(FileWrite{2, 1, 0, 2 * kPageSize, at(0)}, actual);
    EXPECT_EQ(half.signal, Signal::kill);
    EXPECT_EQ(half.value, kPageSize);
    EXPECT_EQ(system.file_page(1, 0)[0], 5);
    EXPECT_EQ(system.file_page(1, 1)[0], original(1) & 0xff);
    run(Spawn{4});
    EXPECT_EQ(run(Fork{4, 5}, killing(4)).signal, Signal::kill);
    EXPECT_TRUE(system.processes().empty());
}

TEST_F(SystemTest, ExecAndExit) {
    map(0, 1);
    run(Threads{1, 4});
    run(Exec{1});
    EXPECT_EQ(system.threads(1), 1U);
    EXPECT_EQ(system.mapping_count(1), 0U);
    run(Exit{1});
    EXPECT_TRUE(system.processes().empty());
    EXPECT_EQ(system.files(), std::vector<FileId>{1});
}

TEST_F(SystemTest, CopyIsDeep) {
    map(0, 1);
    map(1, 1, 1);
    map(2, 1, 1, true);
    run(Minherit{1, at(0), kPageSize, Inherit::share});
    run(Fork{1, 2});
    put(1, 0, 1);
    System copy = system;
    put(1, 0, 2);
    put(1, 2, 3);
    run(Exit{2});
    std::swap(copy, system);
    EXPECT_EQ(get(1, 0), 1U);
    EXPECT_EQ(get(1, 1), original(0));
    put(2, 0, 4);  // the sharing and the view of the file were copied, too
    EXPECT_EQ(get(1, 0), 4U);
    put(1, 2, 5);
    EXPECT_EQ(get(2, 1), 5U);
}

TEST_F(SystemTest, Views) {
    map(0, 2, 1, true, kRw, 1);
    run(Mprotect{1, at(1), kPageSize, kProtRead});
    std::vector<MappingView> out(7);
    system.mappings(1, out);
    ASSERT_EQ(out.size(), 2U);
    EXPECT_EQ(out[1].start, at(1));
    EXPECT_EQ(out[1].pages, 1U);
    EXPECT_EQ(out[1].file, 1U);
    EXPECT_EQ(out[1].file_page, 2U);
    EXPECT_EQ(out[1].inherit, Inherit::share);
    const PageView page = system.page(1, at(1, 5));
    EXPECT_TRUE(page.mapped);
    EXPECT_EQ(page.prot, kProtRead);
    EXPECT_EQ(page.bytes, system.file_page(1, 2));
    EXPECT_EQ(system.file_page(1, 4), nullptr);
    map(5, 1);
    EXPECT_EQ(system.page(1, at(5)).bytes, nullptr);
    EXPECT_TRUE(system.page(1, at(5)).mapped);
    EXPECT_FALSE(system.page(8, at(5)).mapped);
}

}  // namespace
}  // namespace vmref::model
