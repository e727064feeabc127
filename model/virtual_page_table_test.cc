// Virtual page tables in the model: walks that the witness reports, and what may be reached without one.
#include "ops/virtual_page_table.h"

#include "model/system_test.h"

namespace vmref::model {
namespace {

constexpr std::uint32_t kRwWord = kVpteV | kVpteRW;
constexpr std::uint32_t kLinear = kRwWord | kVptePS;

constexpr std::uint32_t to(PageIndex page, std::uint32_t bits) {
    return page << kVpteFrameShift | bits;
}

class VirtualPageTableTest : public SystemTest {
  protected:
    // Two pages; page 0 is directory and table.
    VirtualPageTableTest() {
        Mmap op{1, at(0), 2 * kPageSize, kRw};
        op.fixed = op.vpagetable = true;
        run(op);
        set_root(to(0, kLinear | kVpteM));
        run(Access{1, AccessKind::store, at(0), 4, to(0, kRwWord)}, walking(0, 0));
        run(Access{1, AccessKind::store, at(0, 4), 4, to(1, kRwWord)});
        set_root(to(0, kRwWord));
    }
    void set_root(std::uint32_t root) {
        EXPECT_EQ(status(Mcontrol{TableCall::set_map, 1, at(0), 2 * kPageSize, root}), Status::success);
    }
    static Observation walking(std::uint32_t page, std::uint32_t depth = 2) {
        Observation observation;
        observation.witness.walked.push_back({1, at(page), depth});
        return observation;
    }
    std::string complaint(const Operation& operation, const Observation& actual = {}) {
        return System(system).step(operation, actual).illegal;
    }
    // A word of page 0, by the kernel's own way.
    std::uint32_t word(std::uint32_t slot) {
        const std::uint8_t* const bytes = system.page(1, at(0)).bytes;
        std::uint32_t value = 0;
        for (unsigned i = 0; i < 4; ++i) {
            value |= std::uint32_t{bytes[4 * slot + i]} << (8 * i);
        }
        return value;
    }
};

TEST_F(VirtualPageTableTest, WalksAreReportedAndMark) {
    EXPECT_EQ(complaint(Access{1, AccessKind::load, at(1), 4}),
              "page 0x101000 of process 1 was reached without a walk of its tables");
    EXPECT_EQ(load(1, at(1), 4, walking(1)).value, 0U);
    EXPECT_EQ(word(0), to(0, kRwWord | kVpteA));
    EXPECT_EQ(word(1), to(1, kRwWord | kVpteA));
    EXPECT_EQ(complaint(Access{1, AccessKind::load, at(1), 4}), "");
    EXPECT_NE(complaint(Access{1, AccessKind::store, at(1), 4, 1}), "") << "M is to be seen";
    run(Access{1, AccessKind::store, at(1), 4, 1}, walking(1));
    EXPECT_EQ(word(1), to(1, kRwWord | kVpteA | kVpteM));
    EXPECT_EQ(complaint(Access{1, AccessKind::store, at(1), 4, 1}), "");
    EXPECT_EQ(system.translated(1, at(1)), std::optional(at(1)));
}

TEST_F(VirtualPageTableTest, WalksOfNobodyAreIllegal) {
    EXPECT_EQ(complaint(Mprotect{1, at(0), 2 * kPageSize, kProtRead}, walking(1)),
              "the tables of page 0x101000 of process 1 were walked for no access");
}

TEST_F(VirtualPageTableTest, MarksOfAKilledProcessStay) {
    run(Minherit{1, at(0), 2 * kPageSize, Inherit::share});
    run(Fork{1, 2});
    Observation killed = walking(1, 1);
    killed.signal = Signal::kill;
    killed.witness.killed = {1};
    const Outcome outcome = step(Access{1, AccessKind::load, at(1), 4}, killed);
    EXPECT_EQ(outcome.illegal, "");
    const std::uint8_t* const bytes = system.page(2, at(0)).bytes;
    EXPECT_EQ(bytes[0], kRwWord | kVpteA) << "it had got through the directory";
    EXPECT_EQ(bytes[4], kRwWord) << "and no further";
}

TEST_F(VirtualPageTableTest, MappingsAreWhole) {
    EXPECT_EQ(status(Munmap{1, at(1), kPageSize}), Status::invalid_argument);
    EXPECT_EQ(status(Mlock{1, at(0), kPageSize}), Status::invalid_argument);
    EXPECT_EQ(status(Mprotect{1, at(0), kPageSize, kProtRead}), Status::invalid_argument);
    EXPECT_EQ(status(Mcontrol{TableCall::set_map, 1, at(0), kPageSize, 0}), Status::invalid_argument);
    EXPECT_EQ(status(Mcontrol{TableCall::invalidate, 1, at(0), kPageSize}), Status::success);
    Mmap op{1, at(4), kPageSize, kRw};
    op.fixed = op.vpagetable = op.stack = true;
    EXPECT_EQ(status(op), Status::invalid_argument);
}

}  // namespace
}  // namespace vmref::model
