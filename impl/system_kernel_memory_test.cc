#include "impl/vm/vm_test.h"

namespace vmref::impl {
namespace {

constexpr Va kernel(PageIndex page) {
    return kKernelMemory + (page << kPageShift);
}

class KernelMemoryTest : public testing::Test {
  protected:
    KernelMemoryTest() { w.spawn(1); }

    Status alloc(PageIndex at, std::uint32_t pages, KernelUse use = KernelUse::pageable) {
        return w.run(KernelAlloc{kernel(at), pages, use}).status;
    }
    Observation store(PageIndex at, std::uint32_t word) {
        return w.run(KernelAccess{KernelCall::kernel_store, kernel(at), 4, word});
    }
    Observation load(PageIndex at) { return w.run(KernelAccess{KernelCall::kernel_load, kernel(at), 4}); }
    Observation peek(Pid pid, PageIndex at) { return w.run(DebugAccess{DebugCall::debug_read, pid, 0, kernel(at), 4}); }
    // Only swap space has it afterwards; the next read of a pager fails.
    void lose(PageIndex at) {
        w.run(WriteOut{0, kernel(at)});
        w.run(Reclaim{0, kernel(at)});
        EXPECT_EQ(w.blocks_used(), 1U);
        w.run(PlanIo{IoCall::get, 1, IoAnswer::error});
    }
    Map& map() { return *w.k.kernel_map; }

    World w;
};

TEST_F(KernelMemoryTest, FaultsInTheKernelsMapNeedNoProcess) {
    EXPECT_EQ(load(0).status, Status::invalid_address);
    EXPECT_EQ(peek(1, 0).status, Status::invalid_address);
    EXPECT_EQ(alloc(0, 2), Status::success);
    EXPECT_EQ(load(1).value, 0U);
    EXPECT_EQ(store(1, 7).status, Status::success);
    EXPECT_EQ(load(1).value, 7U);
    EXPECT_EQ(peek(0, 1).value, 7U);
    EXPECT_EQ(load(2).status, Status::invalid_address);
    w.map(1, 0, 1);
    w.store(1, 0, 5);
    EXPECT_EQ(w.word(1, 0), 5U) << "the process runs again after the kernel thread";
    EXPECT_EQ(w.run(KernelFree{kernel(1)}).status, Status::invalid_argument);
    EXPECT_EQ(w.run(KernelFree{kernel(0)}).status, Status::success);
    EXPECT_EQ(load(1).status, Status::invalid_address);
}

TEST_F(KernelMemoryTest, AllocationsAreWholeAndApart) {
    EXPECT_EQ(alloc(0, 0), Status::invalid_argument);
    EXPECT_EQ(alloc(0, 1, KernelUse::stack), Status::invalid_argument) << "a guard and nothing";
    EXPECT_EQ(alloc(kFirstOfSubmap - 1, 2), Status::invalid_argument) << "half in the submap";
    EXPECT_EQ(alloc(kKernelPages - 1, 2), Status::invalid_argument);
    EXPECT_EQ(w.run(KernelAlloc{kernel(0) + 1, 1}).status, Status::invalid_argument);
    EXPECT_EQ(w.run(KernelAlloc{kernel(0), 0x100000}).status, Status::invalid_argument);
    EXPECT_EQ(alloc(1, 2), Status::success);
    EXPECT_EQ(alloc(0, 2), Status::no_space);
    EXPECT_EQ(alloc(0, 1), Status::success);
}

TEST_F(KernelMemoryTest, AStackIsWiredButForItsGuardPageWhichNobodyGets) {
    const std::uint32_t before = w.k.pages.wired_count();
    ASSERT_EQ(alloc(1, 3, KernelUse::stack), Status::success);
    EXPECT_EQ(store(2, 9).status, Status::success);
    EXPECT_EQ(w.k.pages.wired_count(), before + 4) << "two pages, the directory and a page table";
    EXPECT_EQ(load(1).status, Status::failure);
    EXPECT_EQ(peek(0, 1).status, Status::failure) << "B-28";
    EXPECT_EQ(peek(1, 2).value, 9U);
    EXPECT_EQ(w.k.stats.refused_by_entry, 2U);
    EXPECT_EQ(w.run(KernelFree{kernel(1)}).status, Status::success);
    EXPECT_EQ(w.k.pages.wired_count(), before + 1) << "the directory stays";
}

TEST_F(KernelMemoryTest, NobodyFaultsWhereThereAreOnlyAddresses) {
    ASSERT_EQ(alloc(0, 2, KernelUse::reserved), Status::success);
    EXPECT_EQ(store(0, 1).status, Status::failure);
    EXPECT_EQ(peek(1, 1).status, Status::failure);
    EXPECT_EQ(map_entry_at(map(), kernel(0))->object, nullptr) << "the kernel's entries get no object by a fault";
}

TEST_F(KernelMemoryTest, TheKernelOutlivesDataThatCannotBeRead) {
    alloc(0, 1);
    store(0, 5);
    lose(0);
    const Observation lost = load(0);
    EXPECT_EQ(lost.status, Status::success);
    EXPECT_EQ(lost.value, 0U);
    EXPECT_EQ(lost.witness.failed, (std::vector<FailedRead>{{0, kernel(0), false}}));
    EXPECT_EQ(w.blocks_used(), 0U) << "what is gone does not come back";
    EXPECT_EQ(w.k.stats.data_given_up, 1U);
}

TEST_F(KernelMemoryTest, InTheSubmapItIsAnError) {
    constexpr PageIndex kAt = kFirstOfSubmap;
    ASSERT_EQ(alloc(kAt, 1), Status::success);
    EXPECT_EQ(map_entry_at(map(), kernel(kAt))->submap, w.system->kernel_maps()[1]);
    store(kAt, 5);
    lose(kAt);
    EXPECT_EQ(load(kAt).status, Status::failure);
    EXPECT_EQ(load(kAt).value, 5U) << "the next read goes well";
    EXPECT_EQ(w.run(KernelFree{kernel(kAt)}).status, Status::success);
    EXPECT_EQ(map().readers + w.system->kernel_maps()[1]->readers, 0U);
}

}  // namespace
}  // namespace vmref::impl
