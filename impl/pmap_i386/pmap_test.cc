#include "impl/pmap_i386/pmap_test.h"

#include <functional>
#include <utility>

namespace vmref::impl {
namespace {

TEST_F(PmapTest, ANewPmapHoldsItsDirectoryAndNothingElse) {
    const std::uint32_t free_before = pages_.free_count();
    Pmap& pmap = new_pmap();
    EXPECT_EQ(pages_.free_count(), free_before - 1);
    EXPECT_EQ(pmap.resident_count, 1U);
    EXPECT_EQ(pmaps_.find(pmap.id), &pmap);
    EXPECT_EQ(pmaps_.pde(pmap, kUserEnd), (pmap.directory->frame << kPageShift) | kPteV | kPteRW | kPteA | kPteM);
    for (std::uint32_t slot = 0; slot < kPtesPerTable; ++slot) {
        EXPECT_TRUE(slot == kDirectoryIndex || pmaps_.pde(pmap, slot << kPdeShift) == 0) << slot;
    }
    check();
    const PmapId id = pmap.id;
    pmaps_.destroy(pmap);
    EXPECT_EQ(pages_.free_count(), free_before);
    EXPECT_EQ(pmaps_.find(id), nullptr);
    EXPECT_EQ(objects_.count(), 1U);
    EXPECT_EQ(new_pmap().id, id);
}

TEST_F(PmapTest, EnterMapsWhatWasAsked) {
    Pmap& pmap = new_pmap();
    Page& page = new_page();
    Page& fixed = new_page(kPageUnmanaged);
    run(0, &pmap);
    EXPECT_FALSE(pmaps_.prefault_ok(pmap, kBase)) << "no page table";
    EXPECT_EQ(enter(pmap, kBase + 0x123, page, kRead, true), Status::success);
    EXPECT_EQ(pmaps_.pte(pmap, kBase), (page.frame << kPageShift) | kPteV | kPteU | kPteW | kPteManaged | kPteA);
    EXPECT_EQ(pmaps_.page_at(pmap, kBase), &page);
    EXPECT_FALSE(pmaps_.prefault_ok(pmap, kBase));
    EXPECT_TRUE(pmaps_.prefault_ok(pmap, kBase + kPageSize));
    EXPECT_EQ(pmap.resident_count, 3U);
    EXPECT_EQ(pmap.wired_count, 1U);
    EXPECT_FALSE(page.has(kPageWriteable));
    EXPECT_TRUE(load(0, kBase));
    EXPECT_FALSE(store(0, kBase));

    EXPECT_EQ(enter(pmap, kNextTable, fixed), Status::success);
    EXPECT_EQ(pmaps_.pte(pmap, kNextTable), (fixed.frame << kPageShift) | kPteV | kPteU | kPteRW | kPteA);
    EXPECT_TRUE(fixed.pv_list.empty());
    check();
}

TEST_F(PmapTest, EnterRefusesWhatItsCallersMustNotAsk) {
    Pmap& pmap = new_pmap();
    Page& page = new_page();
    EXPECT_THROW(enter(pmap, kBase, page, kProtNone), Finding);
    pages_.wakeup(page);
    EXPECT_THROW(enter(pmap, kUserEnd, page), Finding);
    pages_.wakeup(page);
    EXPECT_THROW(pmaps_.enter(pmap, kBase, page, kRead, false), Finding) << "not busy";
}

TEST_F(PmapTest, EnterAgainChangesInPlace) {
    Pmap& pmap = new_pmap();
    Page& page = new_page();
    run(0, &pmap);
    run(1, &pmap);
    enter(pmap, kBase, page);
    EXPECT_TRUE(store(1, kBase));
    const std::uint64_t writes = pmaps_.pte_writes();
    journal_.clear();

    enter(pmap, kBase, page);
    EXPECT_EQ(pmaps_.pte_writes(), writes) << "equal but for A and M";
    EXPECT_TRUE(journal_.ptes.empty());
    EXPECT_TRUE(pmaps_.is_modified(page));
    EXPECT_NE(page.dirty, 0);

    pages_.busy_wait(page);
    pages_.undirty(page);
    pages_.wakeup(page);
    enter(pmap, kBase, page, kRead, true);
    EXPECT_EQ(pmaps_.pte(pmap, kBase), (page.frame << kPageShift) | kPteV | kPteU | kPteW | kPteManaged | kPteA);
    EXPECT_EQ(page.dirty, kPageBitsAll) << "M moved to the page";
    EXPECT_FALSE(store(1, kBase)) << "CPU 1 was told";
    ASSERT_EQ(journal_.ptes.size(), 1U);
    EXPECT_EQ(journal_.ptes[0].pmap, pmap.id);
    EXPECT_EQ(journal_.ptes[0].va, kBase);
    EXPECT_EQ(pmap.wired_count, 1U);
    check();
}

TEST_F(PmapTest, EnterOverAnotherPageRemovesItCompletely) {
    Pmap& pmap = new_pmap();
    Page& first = new_page();
    Page& second = new_page();
    run(0, &pmap);
    run(1, &pmap);
    enter(pmap, kBase, first, kReadWrite, true);
    const Page* const table = pmap.ptphint;
    EXPECT_TRUE(store(1, kBase, 0x11));
    machine_.memory().frame_for_write(second.frame)[0] = 0x22;
    enter(pmap, kBase, second, kRead);
    std::uint32_t value = 0;
    EXPECT_TRUE(load(1, kBase, &value));
    EXPECT_EQ(value, 0x22U) << "no stale translation";
    EXPECT_EQ(pmap.ptphint, table) << "the page table stayed";
    EXPECT_EQ(first.dirty, kPageBitsAll);
    EXPECT_TRUE(first.has(kPageReferenced));
    EXPECT_FALSE(first.has(kPageMapped));
    EXPECT_EQ(pmap.wired_count, 0U);
    check();
}

TEST_F(PmapTest, EnterWithoutMemoryForAPageTable) {
    Pmap& pmap = new_pmap();
    Page& page = new_page();
    enter(pmap, kBase, page);
    while (pages_.alloc(data_, next_index_, AllocClass::system) != nullptr) {
        ++next_index_;
    }
    const std::uint64_t generation = pmap.generation;
    EXPECT_EQ(enter(pmap, kNextTable, page), Status::resource_shortage);
    EXPECT_EQ(pmap.resident_count, 3U);
    EXPECT_EQ(pmap.generation, generation);
    EXPECT_EQ(pmaps_.pde(pmap, kNextTable), 0U);
    EXPECT_EQ(enter(pmap, kBase + kPageSize, page), Status::success) << "its page table is there";
    EXPECT_EQ(pmaps_.create(), nullptr);
    EXPECT_EQ(objects_.count(), 2U);
}

TEST_F(PmapTest, RemoveFreesEmptyPageTables) {
    Pmap& pmap = new_pmap();
    Page& page = new_page();
    run(0, &pmap);
    run(1, &pmap);
    enter(pmap, kNextTable - kPageSize, page);
    enter(pmap, kNextTable, page);
    enter(pmap, kNextTable + kPageSize, page);
    const std::uint32_t free_before = pages_.free_count();
    EXPECT_TRUE(store(1, kNextTable));
    pmaps_.remove(pmap, kNextTable - kPageSize, kNextTable + kPageSize);
    EXPECT_FALSE(load(1, kNextTable));
    EXPECT_EQ(pages_.free_count(), free_before + 1);
    EXPECT_EQ(page.dirty, kPageBitsAll);
    EXPECT_TRUE(page.has(kPageMapped));
    check();
    pmaps_.remove(pmap, 0, kUserEnd);
    EXPECT_EQ(pages_.free_count(), free_before + 2);
    EXPECT_EQ(pmap.ptphint, nullptr);
    EXPECT_FALSE(page.has(kPageMapped | kPageWriteable));
    check();
}

// What another thread does while somebody waits for a page-table page that it has made busy.
class Meanwhile : public InlineWaiter {
  public:
    Meanwhile(Scheduler& sched, const Page& table, std::function<void()> action)
        : table_(table), action_(std::move(action)) {
        sched.set_inline_waiter(this);
    }
    bool make_progress(BlockPoint point, const void* channel) override {
        EXPECT_EQ(point, BlockPoint::page_busy);
        EXPECT_EQ(channel, &table_);
        action_();
        return true;
    }

  private:
    const Page& table_;
    std::function<void()> action_;
};

TEST_F(PmapTest, RemoveWaitsForABusyPageTable) {
    Pmap& pmap = new_pmap();
    Page& page = new_page();
    enter(pmap, kBase, page);
    Page& table = *pmap.ptphint;
    ASSERT_TRUE(pages_.busy_try(table));
    Meanwhile waiter(sched_, table, [&] { pages_.wakeup(table); });
    pmaps_.remove(pmap, kBase, kBase + kPageSize);
    EXPECT_EQ(sched_.sleeps(), 1U);
    EXPECT_EQ(pmap.resident_count, 1U);
    check();
}

TEST_F(PmapTest, RemoveDecidesUnderBusyWhetherTheTableGoes) {
    Pmap& pmap = new_pmap();
    Page& page = new_page();
    enter(pmap, kBase, page);
    Page& table = *pmap.ptphint;
    ASSERT_TRUE(pages_.busy_try(table));
    pages_.io_start(table);
    pages_.wakeup(table);
    Meanwhile waiter(sched_, table, [&] {
        pages_.io_finish(table);
        enter(pmap, kBase + kPageSize, page);
    });
    pmaps_.remove(pmap, kBase, kBase + kPageSize);
    EXPECT_EQ(sched_.sleeps(), 1U);
    EXPECT_EQ(pmaps_.page_at(pmap, kBase + kPageSize), &page);
    check();
}

TEST_F(PmapTest, EnterLooksAgainIfThePageTableVanished) {
    Pmap& pmap = new_pmap();
    Page& page = new_page();
    Page& other = new_page();
    enter(pmap, kBase, page);
    Page& table = *pmap.ptphint;
    ASSERT_TRUE(pages_.busy_try(table));
    Meanwhile waiter(sched_, table, [&] {
        pages_.wakeup(table);
        pmaps_.remove(pmap, kBase, kBase + kPageSize);
    });
    EXPECT_EQ(enter(pmap, kBase + kPageSize, other), Status::success);
    EXPECT_EQ(sched_.sleeps(), 1U);
    EXPECT_EQ(pmaps_.page_at(pmap, kBase + kPageSize), &other);
    EXPECT_EQ(pmap.resident_count, 3U);
    check();
}

TEST_F(PmapTest, ExitStartsOverIfOthersRemovedMeanwhile) {
    Pmap& pmap = new_pmap();
    Page& page = new_page();
    enter(pmap, kBase, page);
    Page& table = *pmap.ptphint;
    enter(pmap, kNextTable, page);
    enter(pmap, kNextTable + kPageSize, page);
    ASSERT_TRUE(pages_.busy_try(table));
    Meanwhile waiter(sched_, table, [&] {
        pages_.wakeup(table);
        pmaps_.remove(pmap, kNextTable, kNextTable + kPageSize);
    });
    pmaps_.remove_pages(pmap, 0, kUserEnd);
    EXPECT_EQ(sched_.sleeps(), 1U);
    EXPECT_EQ(pmap.resident_count, 1U);
    check();
}

TEST_F(PmapTest, ProtectTakesTheWriteRightAndKeepsTheNews) {
    Pmap& pmap = new_pmap();
    Page& page = new_page();
    Page& other = new_page();
    run(0, &pmap);
    run(1, &pmap);
    enter(pmap, kBase, page);
    enter(pmap, kNextTable, other);
    EXPECT_TRUE(store(1, kBase));
    pmaps_.protect(pmap, kBase, kNextTable, kReadWrite);
    EXPECT_TRUE(store(1, kBase));
    pmaps_.protect(pmap, 0, kNextTable, kRead);
    EXPECT_FALSE(store(1, kBase));
    EXPECT_TRUE(load(1, kBase));
    EXPECT_TRUE(store(1, kNextTable)) << "outside the range";
    EXPECT_EQ(page.dirty, kPageBitsAll);
    EXPECT_TRUE(page.has(kPageReferenced));
    EXPECT_EQ(pmap.resident_count, 5U);
    pmaps_.protect(pmap, kBase, kUserEnd, kProtExecute);
    EXPECT_EQ(pmap.resident_count, 1U) << "no read right: nothing is mapped";
    EXPECT_FALSE(load(1, kBase));
    check();
}

TEST_F(PmapTest, BigPagesKeepTheirCountsUntilRemoved) {
    Pmap& pmap = new_pmap();
    run(0, &pmap);
    const Pa entry = (pmap.directory->frame << kPageShift) + 4 * pde_index(kBase);
    machine_.memory().write32(entry, kPteV | kPteU | kPteRW | kPtePS);  // the first 4 MiB
    pmap.resident_count += kPtesPerTable;
    EXPECT_FALSE(pmaps_.prefault_ok(pmap, kBase));
    EXPECT_EQ(pmaps_.page_at(pmap, kBase + 7 * kPageSize), &pages_.page_of_frame(7));
    EXPECT_TRUE(store(0, kBase + 200 * kPageSize));
    pmaps_.protect(pmap, kBase, kBase + kPageSize, kRead);
    EXPECT_FALSE(store(0, kBase + 200 * kPageSize));
    EXPECT_TRUE(load(0, kBase + 200 * kPageSize));
    EXPECT_EQ(pmap.resident_count, 1 + kPtesPerTable);
    EXPECT_EQ(pmaps_.pde(pmap, kBase), kPteV | kPteU | kPtePS | kPteA | kPteM);
    pmaps_.remove(pmap, kBase, kBase + kPageSize);
    EXPECT_FALSE(load(0, kBase + 200 * kPageSize));
    check();
}

TEST_F(PmapTest, WiringIsForSoftwareOnly) {
    Pmap& pmap = new_pmap();
    Page& page = new_page();
    run(0, &pmap);
    enter(pmap, kBase, page, kReadWrite, true);
    EXPECT_TRUE(load(0, kBase));
    const std::uint64_t invalidations = pmaps_.invalidations();
    EXPECT_EQ(pmaps_.unwire(pmap, kBase), &page);
    EXPECT_EQ(pmap.wired_count, 0U);
    EXPECT_EQ(pmaps_.unwire(pmap, kBase), &page) << "wired or not";
    pmaps_.change_wiring(pmap, kBase, true);
    EXPECT_EQ(pmap.wired_count, 1U);
    EXPECT_EQ(pmaps_.unwire(pmap, kBase + kPageSize), nullptr);
    EXPECT_EQ(pmaps_.unwire(pmap, kNextTable), nullptr);
    pmaps_.change_wiring(pmap, kBase + kPageSize, true);
    EXPECT_EQ(pmaps_.pte(pmap, kBase + kPageSize), 0U);
    EXPECT_EQ(pmaps_.invalidations(), invalidations);
    check();
}

TEST_F(PmapTest, OperationsOnAPageReachEveryMapping) {
    Pmap& one = new_pmap();
    Pmap& two = new_pmap();
    Page& page = new_page();
    run(0, &one);
    run(1, &two);
    enter(one, kBase, page, kReadWrite, true);
    enter(one, kNextTable, page);
    enter(two, kBase, page);
    EXPECT_TRUE(store(1, kBase));
    pmaps_.page_protect(page, kReadWrite);
    EXPECT_TRUE(page.has(kPageWriteable));
    pmaps_.page_protect(page, kRead);
    EXPECT_FALSE(page.has(kPageWriteable));
    EXPECT_FALSE(store(0, kBase) || store(0, kNextTable) || store(1, kBase));
    EXPECT_EQ(page.dirty, kPageBitsAll);
    pmaps_.remove_specific(one, page);
    EXPECT_EQ(one.resident_count, 1U);
    EXPECT_TRUE(load(1, kBase));
    check();
    enter(one, kBase, page, kRead, true);
    pmaps_.page_protect(page, kProtNone);
    EXPECT_EQ(pmaps_.pv_count(), 0U) << "wired ones too";
    EXPECT_FALSE(load(0, kBase) || load(1, kBase));
    check();
}

TEST_F(PmapTest, ExitSparesWiredMappings) {
    Pmap& pmap = new_pmap();
    Page& page = new_page();
    Page& wired = new_page();
    run(0, &pmap);
    enter(pmap, kBase, page);
    enter(pmap, kBase + kPageSize, wired, kRead, true);
    enter(pmap, kNextTable, page);
    EXPECT_TRUE(store(0, kNextTable));
    pmaps_.remove_pages(pmap, kBase, kNextTable);
    EXPECT_EQ(pmap.pv_list.size(), 2U);
    pmaps_.remove_pages(pmap, 0, kUserEnd);
    EXPECT_EQ(pmap.pv_list.size(), 1U);
    EXPECT_EQ(page.dirty, kPageBitsAll);
    EXPECT_TRUE(page.has(kPageReferenced));
    EXPECT_EQ(pmaps_.page_at(pmap, kBase + kPageSize), &wired);
    check();
    EXPECT_THROW(pmaps_.destroy(pmap), Finding) << "active, and a mapping is left";
}

TEST_F(PmapTest, ClearModifyMakesLaterStoresVisible) {
    Pmap& pmap = new_pmap();
    Page& page = new_page();
    run(1, &pmap);
    enter(pmap, kBase, page);
    EXPECT_FALSE(pmaps_.is_modified(page));
    EXPECT_TRUE(store(1, kBase));
    EXPECT_TRUE(pmaps_.is_modified(page));
    pmaps_.clear_modify(page);
    EXPECT_FALSE(pmaps_.is_modified(page));
    EXPECT_TRUE(store(1, kBase));
    EXPECT_TRUE(pmaps_.is_modified(page));
}

TEST_F(PmapTest, TsReferencedClearsAtMostFiveAndGoesRound) {
    Pmap& pmap = new_pmap();
    Page& page = new_page();
    for (Va i = 0; i < 7; ++i) {
        enter(pmap, kBase + i * kPageSize, page, kRead);  // sets A
    }
    EXPECT_EQ(pmaps_.ts_referenced(page), 5U);
    EXPECT_EQ(pmaps_.ts_referenced(page), 2U) << "it begins where it stopped";
    EXPECT_EQ(pmaps_.ts_referenced(page), 0U);
    EXPECT_FALSE(pmaps_.is_referenced(page));
    run(0, &pmap);
    EXPECT_TRUE(load(0, kBase));
    EXPECT_TRUE(pmaps_.is_referenced(page));
    pmaps_.clear_reference(page);
    EXPECT_FALSE(pmaps_.is_referenced(page));
    check();
}

TEST_F(PmapTest, ActivateMovesTheCpu) {
    Pmap& one = new_pmap();
    Pmap& two = new_pmap();
    Page& page = new_page();
    enter(one, kBase, page);
    run(0, &one);
    EXPECT_TRUE(load(0, kBase));
    EXPECT_EQ(one.active, 1U);
    run(1, &one);
    EXPECT_EQ(one.active, 3U);
    run(0, &two);
    EXPECT_EQ(one.active, 2U);
    EXPECT_EQ(two.active, 1U);
    EXPECT_FALSE(load(0, kBase));
    run(1, nullptr);
    EXPECT_EQ(one.active, 0U);
    EXPECT_FALSE(load(1, kBase));
}

}  // namespace
}  // namespace vmref::impl
