// System calls on ranges, files and stacks: statuses and values.
#include <vector>

#include "model/system_test.h"

namespace vmref::model {
namespace {

class OperationsTest : public SystemTest {};

TEST_F(OperationsTest, MmapStatuses) {
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

TEST_F(OperationsTest, MmapChoosesOnlyFreePlaces) {
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

TEST_F(OperationsTest, RangesThatWrapOrReachBeyondUserSpace) {
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

TEST_F(OperationsTest, MunmapClipsAndNeedsTheWholeRange) {
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

TEST_F(OperationsTest, MprotectIsAtomicAndSkipsHoles) {
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

TEST_F(OperationsTest, Truncation) {
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

TEST_F(OperationsTest, StackGrowth) {
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

TEST_F(OperationsTest, StackGrowthAcrossPagesAndByTheKernel) {
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

TEST_F(OperationsTest, ClippedStackKeepsItsReserve) {
    stack(0, 8);  // [4, 8)
    run(Munmap{1, at(4), 2 * kPageSize});
    EXPECT_EQ(system.mapping(1, 0).stack_reserve, 4U);
    EXPECT_EQ(load(1, at(1)), segv(at(1)));  // 5 pages below
    EXPECT_EQ(load(1, at(2)), loaded(0));
    EXPECT_EQ(system.mapping(1, 0).start, at(2));
}

TEST_F(OperationsTest, MlockAndMunlock) {
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

TEST_F(OperationsTest, WiringCopiesWritablePrivatePages) {
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

TEST_F(OperationsTest, MremapStatuses) {
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

TEST_F(OperationsTest, MremapMovesValuesAndContinuesTheLastPage) {
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

}  // namespace
}  // namespace vmref::model
