// Pages that are handed out without being mapped, what debuggers and the kernel do with them, and kernel wiring.
#include "impl/vm/fault.h"
#include "impl/vm/vm_test.h"

namespace vmref::impl {
namespace {

class FaultPageTest : public testing::Test {
  protected:
    void SetUp() override {
        world_.spawn(1);
        world_.file(1, 4);
    }
    Page* page_of(Va va, Prot type, Status& status, bool* busied = nullptr) {
        return vm_fault_page(world_.k, world_.map_of(1), {va, type}, status, busied);
    }
    Observation poke(Pid pid, PageIndex at, std::uint32_t value, Pid target = 1) {
        return world_.run(DebugAccess{DebugCall::debug_write, pid, target, va(at), 4, value});
    }
    Observation peek(Pid pid, PageIndex at) {
        return world_.run(DebugAccess{DebugCall::debug_read, pid, 1, va(at), 4});
    }
    Status wire(PageIndex at, PageIndex pages) { return world_.run(KernelWire{1, va(at), pages * kPageSize}).status; }
    Status unwire(PageIndex at, PageIndex pages) {
        return world_.run(KernelUnwire{1, va(at), pages * kPageSize}).status;
    }

    World world_;
    Status status_ = Status::failure;
};

TEST_F(FaultPageTest, HandsOutHeldForReadingAndBusiedForStoring) {
    world_.map(1, 0, 1);
    bool busied = true;
    Page* const read = page_of(va(0), kRead, status_, &busied);
    ASSERT_NE(read, nullptr);
    EXPECT_FALSE(busied);
    EXPECT_EQ(read->hold_count, 1U);
    EXPECT_EQ(read->dirty, 0);
    EXPECT_FALSE(read->busied());
    EXPECT_FALSE(world_.mapped(1, 0)) << "nothing is entered";
    world_.k.pages.unhold(*read);

    Page* const stored = page_of(va(0), kReadWrite, status_, &busied);
    ASSERT_EQ(stored, read);
    EXPECT_TRUE(busied && stored->busied());
    EXPECT_NE(stored->dirty, 0);
    world_.k.pages.wakeup(*stored);

    ASSERT_EQ(page_of(va(0), kReadWrite, status_), read) << "who takes no busy page gets it held";
    EXPECT_EQ(read->hold_count, 1U);
    world_.k.pages.unhold(*read);
}

TEST_F(FaultPageTest, FailuresLeaveNothingBehind) {
    world_.map(1, 0, 1, kRead, 1);
    EXPECT_EQ(world_.lock(1, 0, 1), Status::success);
    EXPECT_EQ(page_of(va(0), kProtWrite | kProtOverrideWrite, status_), nullptr);
    EXPECT_EQ(status_, Status::protection_failure) << "the override is lost on a wired entry";
    Page* const m = world_.mapped_page(1, 0);
    ASSERT_NE(m, nullptr);
    EXPECT_FALSE(m->busied()) << "B-31";
    EXPECT_EQ(m->hold_count, 0U);
    EXPECT_EQ(page_of(va(9), kRead, status_), nullptr);
    EXPECT_EQ(status_, Status::invalid_address);
}

TEST_F(FaultPageTest, ADebuggerOverridesTheProtectionOfAPrivateMapping) {
    world_.map(1, 0, 1, kRead, 1);
    const std::uint32_t original = world_.word(1, 0);
    world_.spawn(2);
    EXPECT_EQ(poke(2, 0, 77).status, Status::success);
    EXPECT_EQ(world_.word(1, 0), 77U) << "B-06";
    EXPECT_FALSE(world_.mapped_writable(1, 0));
    EXPECT_EQ(world_.store(1, 0, 1).signal, Signal::bus);
    EXPECT_EQ(world_.value(world_.file_object(1), 0), static_cast<std::uint8_t>(original));
    EXPECT_EQ(peek(0, 0).value, 77U);
}

TEST_F(FaultPageTest, AKernelThreadGrowsNoStack) {
    world_.run(
        Mmap{.pid = 1, .addr = va(0), .length = 64 * kPageSize, .prot = kReadWrite, .fixed = true, .stack = true});
    EXPECT_EQ(peek(0, 20).status, Status::invalid_address);
    EXPECT_EQ(peek(1, 20).status, Status::success);
    EXPECT_EQ(peek(0, 20).status, Status::success) << "it has grown";
}

TEST_F(FaultPageTest, AnAccessThatCrossesIntoNothingChangesNothing) {
    world_.map(1, 0, 1);
    world_.store(1, 0, 5);
    const Va across = va(1) - 2;
    EXPECT_EQ(world_.run(DebugAccess{DebugCall::debug_write, 0, 1, across, 4, 0xffffffff}).status,
              Status::invalid_address);
    EXPECT_EQ(world_.run(DebugAccess{DebugCall::debug_read, 0, 1, across, 2}).value, 0U);
    EXPECT_EQ(world_.mapped_page(1, 0)->hold_count, 0U) << "B-109";
    EXPECT_EQ(world_.mapped_page(1, 0)->wire_count, 0U) << "B-109";
}

TEST_F(FaultPageTest, AHeldPageTakesTheStoreOfTheKernelAfterItWasWrittenBack) {
    world_.map(1, 0, 1, kReadWrite, 1, true);
    EXPECT_EQ(world_.run(KernelGet{1, 2, va(0), true}).value, world_.word(1, 0));
    Page* const m = world_.page(world_.file_object(1), 0);
    EXPECT_EQ(m->hold_count, 1U);
    EXPECT_EQ(world_.system->kernel_holds(*m), 1U);
    world_.sync(1, 0, 1);
    EXPECT_EQ(m->dirty, 0);
    world_.run(KernelPut{2, 9});
    EXPECT_NE(m->dirty, 0) << "B-27";
    EXPECT_EQ(m->hold_count, 0U);
    world_.sync(1, 0, 1, true);
    EXPECT_EQ(world_.word(1, 0), 9U);
}

TEST_F(FaultPageTest, AHeldPageOutlivesItsProcess) {
    world_.map(1, 0, 1);
    world_.store(1, 0, 5);
    EXPECT_EQ(world_.run(KernelGet{1, 0, va(0)}).value, 5U);
    Page* const m = world_.mapped_page(1, 0);
    world_.run(Exit{1});
    EXPECT_EQ(m->queue, Queue::hold);
    world_.run(KernelPut{0});
    EXPECT_EQ(m->queue, Queue::free);
}

TEST_F(FaultPageTest, TheLastWiringGivesThePagesBack) {
    world_.map(1, 0, 2);
    EXPECT_EQ(wire(0, 2), Status::success);
    EXPECT_EQ(world_.lock(1, 0, 2), Status::success);
    const Page& m = *world_.mapped_page(1, 0);
    EXPECT_EQ(m.wire_count, 1U) << "a page is wired once, however often its entry is";
    EXPECT_EQ(world_.entry(1, 0).wired_count, 2U);
    EXPECT_EQ(unwire(0, 2), Status::success);
    EXPECT_EQ(m.wire_count, 1U) << "B-104";
    EXPECT_EQ(world_.pte(1, 0) & kPteW, kPteW) << "B-104";
    EXPECT_EQ(unwire(0, 1), Status::invalid_argument);
    EXPECT_EQ(world_.unlock(1, 0, 2), Status::success);
    EXPECT_EQ(m.wire_count, 0U);
    EXPECT_EQ(world_.pte(1, 0) & kPteW, 0U);
}

TEST_F(FaultPageTest, AFailedKernelWiringIsUndoneInAllEntries) {
    world_.map(1, 0, 1);
    world_.map(1, 1, 1);
    world_.map(1, 2, 1, kRead);
    world_.map(1, 3, 1);
    EXPECT_EQ(wire(0, 1), Status::success);
    EXPECT_EQ(wire(0, 4), Status::protection_failure) << "the kernel reads and writes";
    for (const PageIndex at : {0U, 1U, 2U, 3U}) {
        EXPECT_EQ(world_.entry(1, at).wired_count, at == 0 ? 1U : 0U);
        EXPECT_FALSE(world_.entry(1, at).has(kEntryInTransition));
    }
    EXPECT_EQ(world_.mapped_page(1, 0)->wire_count, 1U);
    EXPECT_EQ(world_.mapped_page(1, 1)->wire_count, 0U);
    EXPECT_EQ(wire(5, 1), Status::invalid_address);
}

}  // namespace
}  // namespace vmref::impl
