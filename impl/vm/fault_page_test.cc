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

TEST_F(FaultPageTest, WhoMustNotWaitGetsOnlyPlainAnonymousMemory) {
    const auto touch = [&](PageIndex at) {
        return world_.run(NofaultAccess{NofaultCall::load_nofault, 1, va(at), 4}).status;
    };
    world_.map(1, 0, 1);
    world_.map(1, 1, 1, kRead, 1);
    world_.run(
        Mmap{.pid = 1, .addr = va(10), .length = 64 * kPageSize, .prot = kReadWrite, .fixed = true, .stack = true});
    EXPECT_EQ(touch(0), Status::success);
    EXPECT_EQ(touch(1), Status::invalid_address) << "a pager would have to be asked";
    EXPECT_EQ(world_.k.stats.pageins, 0U);
    world_.load(1, 1);
    EXPECT_EQ(touch(1), Status::success) << "no fault is needed any more";
    EXPECT_EQ(touch(30), Status::invalid_address) << "no stack grows";
    EXPECT_FALSE(world_.system->find(1)->nofault);
}

TEST_F(FaultPageTest, NewMappingsAndGrownStacksAreLockedIfTheProcessWantsThat) {
    world_.run(LockFuture{1});
    world_.map(1, 0, 2);
    EXPECT_TRUE(world_.entry(1, 0).has(kEntryUserWired));
    EXPECT_TRUE(world_.mapped(1, 1));
    world_.map(1, 2, 1, kProtNone);
    EXPECT_FALSE(world_.entry(1, 2).has(kEntryUserWired)) << "it cannot be";
    world_.run(
        Mmap{.pid = 1, .addr = va(10), .length = 64 * kPageSize, .prot = kReadWrite, .fixed = true, .stack = true});
    EXPECT_EQ(world_.store(1, 40, 1).signal, Signal::none);
    EXPECT_TRUE(world_.entry(1, 40).has(kEntryUserWired)) << "B-112";
    world_.run(LockFuture{1, false});
    world_.map(1, 80, 1);
    EXPECT_FALSE(world_.entry(1, 80).has(kEntryUserWired));
}

TEST_F(FaultPageTest, PagesAreMarkedNoSyncByTheEntryWhileTheyAreClean) {
    world_.map(1, 0, 1, kReadWrite, 1, true);
    world_.map(1, 1, 1, kReadWrite, 1, true);
    world_.advise(1, 0, 1, Advice::nosync);
    world_.load(1, 0);
    const Page& m = *world_.mapped_page(1, 0);
    EXPECT_TRUE(m.has(kPageNoSync));
    world_.store(1, 1, 3);
    EXPECT_FALSE(m.has(kPageNoSync)) << "the other entry wants it written";
    world_.advise(1, 0, 1, Advice::autosync);
    EXPECT_FALSE(world_.entry(1, 0).has(kEntryNoSync));
}

TEST_F(FaultPageTest, WillneedMapsWhatAFileHasInMemory) {
    world_.map(1, 0, 4, kRead, 1);
    world_.load(1, 0);
    world_.load(1, 2);
    world_.map(1, 4, 4, kRead, 1, true);
    world_.map(1, 8, 4, kProtNone, 1, true);
    world_.advise(1, 4, 8, Advice::willneed);
    EXPECT_TRUE(world_.mapped(1, 4) && world_.mapped(1, 6));
    EXPECT_FALSE(world_.mapped_writable(1, 4));
    EXPECT_FALSE(world_.mapped(1, 8) || world_.mapped(1, 10)) << "B-92";
}

TEST_F(FaultPageTest, SwapoffBringsEverythingBack) {
    world_.map(1, 0, 3);
    world_.fill(1, 0, 3, 50);
    world_.swap_out(world_.top(1, 0), 0);
    world_.swap_out(world_.top(1, 0), 2);
    EXPECT_EQ(world_.blocks_used(), 2U);
    world_.run(Swapoff{});
    EXPECT_EQ(world_.blocks_used(), 0U);
    EXPECT_NE(world_.page(world_.top(1, 0), 2)->dirty, 0);
    EXPECT_EQ(world_.word(1, 0), 50U);
    EXPECT_EQ(world_.word(1, 2), 52U);
    world_.swap_out(world_.top(1, 0), 0);
    EXPECT_EQ(world_.blocks_used(), 1U) << "it is switched on again";
}

TEST_F(FaultPageTest, ADeviceIsMappedPageByPageWithoutAnObject) {
    const auto map_device = [&](Pid pid, PageIndex at, PageIndex pages, Prot prot = kReadWrite) {
        return world_.run(MapDevice{pid, 1, va(at), pages * kPageSize, prot}).status;
    };
    EXPECT_EQ(map_device(1, 0, kUserDevicePages), Status::success);
    EXPECT_EQ(map_device(1, 0, kUserDevicePages + 1), Status::invalid_argument);
    EXPECT_EQ(world_.store(1, 1, 7).signal, Signal::none);
    EXPECT_EQ(world_.pte(1, 1) & kPteManaged, 0U);
    EXPECT_EQ(world_.entry(1, 1).object, nullptr);
    world_.unmap(1, 0, 1);
    EXPECT_EQ(world_.lock(1, 1, 2), Status::success);
    EXPECT_EQ(world_.mapped_page(1, 1)->wire_count, 0U);
    EXPECT_EQ(world_.pte(1, 1) & kPteW, kPteW);
    EXPECT_EQ(world_.unlock(1, 1, 2), Status::success) << "B-14";
    EXPECT_EQ(world_.pte(1, 1) & kPteW, 0U);
    world_.inherit(1, 1, 2, Inherit::copy);
    world_.fork(1, 2);
    world_.store(2, 1, 8);
    EXPECT_EQ(world_.word(1, 1), 8U) << "a device is shared, whatever the inheritance";
    EXPECT_EQ(map_device(2, 5, 3, kRead), Status::success);
    EXPECT_EQ(world_.word(2, 6), 8U);
    EXPECT_EQ(poke(0, 6, 9, 2).status, Status::success);
    EXPECT_EQ(world_.word(1, 1), 9U);
    EXPECT_EQ(world_.run(Mremap{1, va(1), 2 * kPageSize, va(1), 3 * kPageSize}).status, Status::invalid_argument);
    EXPECT_EQ(world_.run(Mremap{1, va(1), 2 * kPageSize, va(20), 2 * kPageSize}).status, Status::success);
    EXPECT_EQ(world_.word(1, 20), 9U);
}

}  // namespace
}  // namespace vmref::impl
