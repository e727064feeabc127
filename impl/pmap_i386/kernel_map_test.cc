// The kernel's part of the address spaces, and what only exists beside it: windows, kept directories, 4 MiB pages.
#include <array>

#include "impl/pmap_i386/pmap_test.h"
#include "ops/pmap_operation.h"

namespace vmref::impl {
namespace {

constexpr Va kKernelVa = kUnmanagedRange.start;

class BootedTest : public PmapTest {
  protected:
    explicit BootedTest(const Config& config = small_config()) : PmapTest(config) {
        pmaps_.bootstrap();
        running_.assign(2, &pmaps_.initial_pmap());
    }

    bool kernel_load(CpuId cpu, Va va, std::uint32_t& value) {
        return machine_.access(cpu, AccessKind::load, va, 4, Privilege::supervisor, value).ok;
    }
    void fill(const Page& page, std::uint8_t byte) {
        std::fill_n(machine_.memory().frame_for_write(page.frame), kPageSize, byte);
    }
    static Pa address(const Page& page) { return page.frame << kPageShift; }
};

TEST_F(BootedTest, KernelAddressesAreTheSameEverywhereAndForTheKernelOnly) {
    Page& page = new_page();
    fill(page, 0x5A);
    Pmap& pmap = new_pmap();
    pmaps_.kenter(kKernelVa, address(page));
    run(1, &pmap);
    for (const CpuId cpu : {0U, 1U}) {
        std::uint32_t value = 0;
        EXPECT_TRUE(kernel_load(cpu, kKernelVa, value));
        EXPECT_EQ(value, 0x5A5A5A5AU);
        EXPECT_FALSE(load(cpu, kKernelVa)) << "user mode";
        EXPECT_FALSE(load(cpu, kKernelBase)) << "the kernel's text";
        EXPECT_FALSE(load(cpu, kDirectoryIndex << kPdeShift)) << "the page tables";
    }
    EXPECT_EQ(pmaps_.kvtom(kKernelVa), &page);
    EXPECT_EQ(pmaps_.kernel_pmap().resident_count, 0U) << "nobody counts it";
    std::uint32_t value = 0;
    pmaps_.kremove(kKernelVa);
    EXPECT_FALSE(kernel_load(0, kKernelVa, value));
    EXPECT_FALSE(kernel_load(1, kKernelVa, value));
}

TEST_F(BootedTest, QuickChangesReachOtherCpusWhenTheySynchronise) {
    Page& old_page = new_page();
    Page& page = new_page();
    fill(page, 1);
    std::uint32_t value = 0;
    pmaps_.kenter(kKernelVa, address(old_page));
    EXPECT_TRUE(kernel_load(1, kKernelVa, value));
    pmaps_.run_on(0);
    pmaps_.kenter_quick(kKernelVa, address(page));
    EXPECT_TRUE(kernel_load(0, kKernelVa, value));
    EXPECT_EQ(value, 0x01010101U);
    EXPECT_TRUE(kernel_load(1, kKernelVa, value));
    EXPECT_EQ(value, 0U) << "what CPU 1 has cached";
    pmaps_.kenter_sync(kKernelVa);
    EXPECT_TRUE(kernel_load(1, kKernelVa, value));
    EXPECT_EQ(value, 0x01010101U);

    // A removal that only CPU 0 hears of, and one that all do, though nothing is left to remove.
    pmaps_.kremove_quick(kKernelVa);
    EXPECT_TRUE(kernel_load(1, kKernelVa, value));
    pmaps_.kremove(kKernelVa);
    EXPECT_FALSE(kernel_load(1, kKernelVa, value));
}

TEST_F(BootedTest, RangesAndDevices) {
    std::array<Page*, 2> pages{&new_page(), &new_page()};
    fill(*pages[1], 2);
    std::uint32_t value = 0;
    pmaps_.qenter(kKernelVa, pages);
    EXPECT_TRUE(kernel_load(1, kKernelVa + kPageSize, value));
    EXPECT_EQ(value, 0x02020202U);
    pmaps_.qremove(kKernelVa, 2);
    EXPECT_FALSE(kernel_load(1, kKernelVa + kPageSize, value));
    EXPECT_EQ(pmaps_.map(kKernelVa, address(*pages[0]), address(*pages[0]) + kPageSize), kKernelVa + kPageSize);

    const Va first = pmaps_.mapdev(address(*pages[1]) + 8, 4, false);
    const Va second = pmaps_.mapdev(address(*pages[1]), kPageSize, true);
    EXPECT_EQ(first, kDeviceRange.start + 8);
    EXPECT_EQ(second, kDeviceRange.start + kPageSize);
    EXPECT_TRUE(kernel_load(0, first, value));
    EXPECT_EQ(pmaps_.pte(pmaps_.kernel_pmap(), second) & kPteN, kPteN);
    pmaps_.unmapdev(first, 4);
    EXPECT_FALSE(kernel_load(0, first, value));
    EXPECT_EQ(pmaps_.mapdev(address(*pages[1]), 4, false), kDeviceRange.start) << "free again";
    EXPECT_EQ(pmaps_.mapdev(0, kDeviceRange.end - kDeviceRange.start, false), 0U) << "no such long piece";
}

TEST_F(BootedTest, GrowthReachesEveryPmapAndStopsWithoutMemory) {
    Pmap& pmap = new_pmap();
    EXPECT_EQ(pmaps_.growkernel(kKernelFirstEnd), Status::success);
    EXPECT_EQ(pmaps_.kernel_end(), kKernelFirstEnd + kBigPageSize) << "one table further than an aligned end needs";
    Pmap& later = new_pmap();
    for (const Pmap* each : {&pmap, &later}) {
        EXPECT_EQ(pmaps_.pde(*each, kKernelFirstEnd), pmaps_.pde(pmaps_.kernel_pmap(), kKernelFirstEnd));
    }
    while (pages_.free_count() > 1) {
        new_page_for_system();
    }
    EXPECT_EQ(pmaps_.growkernel(pmaps_.kernel_end() + kBigPageSize), Status::resource_shortage);
    EXPECT_EQ(pmaps_.kernel_end(), kKernelFirstEnd + 2 * kBigPageSize) << "as far as it came";
    EXPECT_EQ(pages_.free_count(), 0U);
}

TEST_F(BootedTest, AlternateWindowFollowsTheForeignDirectory) {
    Pmap& mine = new_pmap();
    Pmap& foreign = new_pmap();
    run(0, &mine);
    Page& page = new_page();
    EXPECT_EQ(enter(foreign, kBase, page), Status::success);
    EXPECT_EQ(foreign.cached, 1U);
    pmaps_.remove(foreign, kBase, kBase + kPageSize);
    EXPECT_EQ(foreign.cached, 0U) << "the page table is gone";
    Page& keeps_the_frame = new_page();
    EXPECT_EQ(enter(foreign, kBase, page), Status::success);
    EXPECT_NE(pmaps_.pde(foreign, kBase) >> kPageShift, keeps_the_frame.frame) << "another page table";
    run(0, &foreign);
    EXPECT_TRUE(store(0, kBase));
    run(0, &mine);
    EXPECT_TRUE(pmaps_.is_modified(page)) << "through the window of one page";
}

TEST_F(BootedTest, KernelPagesHavePvEntriesToo) {
    Page& page = new_page();
    Pmap& kernel = pmaps_.kernel_pmap();
    EXPECT_EQ(enter(kernel, kEnterRange.start, page), Status::success);
    EXPECT_EQ(enter(kernel, kEnterRange.start, page, kRead), Status::success) << "again: nobody's wiring goes (B-70)";
    EXPECT_EQ(kernel.resident_count, 1U);
    EXPECT_EQ(page.pv_list.size(), 1U);
    EXPECT_EQ(enter(kernel, kUntrackedRange.start, page), Status::success);
    pmaps_.page_protect(page, kRead);
    EXPECT_EQ(pmaps_.pte(kernel, kUntrackedRange.start) & kPteRW, kPteRW) << "not write-protected";
    EXPECT_TRUE(page.has(kPageWriteable)) << "B-89";
    pmaps_.remove_all(page);
    EXPECT_EQ(kernel.resident_count, 0U);
}

TEST_F(BootedTest, AReleasedDirectoryServesTheNextPmap) {
    Pmap& first = new_pmap();
    const Page* const directory = first.directory;
    const std::uint32_t free_pages = pages_.free_count();
    pmaps_.release(first);
    EXPECT_EQ(pages_.free_count(), free_pages) << "kept";
    EXPECT_EQ(pmaps_.pde(first, kKernelBase), 0U) << "but empty";
    EXPECT_EQ(new_pmap().directory, directory);
    pmaps_.release(first);
    EXPECT_TRUE(pmaps_.puninit());
    EXPECT_FALSE(pmaps_.puninit());
    EXPECT_EQ(pages_.free_count(), free_pages + 1);
}

TEST_F(BootedTest, BigPagesCountAsWhatTheyMap) {
    Pmap& pmap = new_pmap();
    Page& page = new_page();
    pmaps_.install_4m(pmap, kBase, 0, kReadWrite);
    EXPECT_EQ(pmap.resident_count, 1U + kPtesPerTable);
    EXPECT_EQ(pmaps_.extract(pmap, kBase + 0x5123), 0x5123U);
    EXPECT_FALSE(pmaps_.prefault_ok(pmap, kBase));
    EXPECT_EQ(pmaps_.mincore(pmap, kBase), kMincoreIncore);
    pmaps_.protect(pmap, kBase, kBase + kPageSize, kRead);
    EXPECT_EQ(pmaps_.pde(pmap, kBase) & (kPteRW | kPtePS), kPtePS);
    EXPECT_EQ(pmap.resident_count, 1U + kPtesPerTable) << "B-65";
    EXPECT_EQ(enter(pmap, kBase + kPageSize, page), Status::success);
    EXPECT_EQ(pmap.resident_count, 3U) << "B-67";
}

TEST_F(BootedTest, ContentsThroughWindows) {
    Page& from = new_page();
    Page& to = new_page();
    fill(from, 7);
    pmaps_.run_on(1);
    pmaps_.copy_page(from, to);
    EXPECT_FALSE(pmaps_.page_is_zero(to));
    pmaps_.zero_page_area(to, 1, kPageSize - 1);
    EXPECT_EQ(machine_.memory().read32(address(to)), 7U);
    pmaps_.copy_page_frag(from, 100, to, 2, 1);
    EXPECT_EQ(machine_.memory().read32(address(to)), 0x00070007U);
    pmaps_.zero_page(to);
    EXPECT_TRUE(pmaps_.page_is_zero(to));
}

TEST_F(BootedTest, AddressesForLargeDevicesAreAligned) {
    EXPECT_EQ(pmaps_.addr_hint(true, kPtesPerTable, kBase + 1), kNextTable);
    EXPECT_EQ(pmaps_.addr_hint(true, kPtesPerTable - 1, kBase + 1), kBase + 1);
    EXPECT_EQ(pmaps_.addr_hint(false, kPtesPerTable, kBase + 1), kBase + 1);
}

// Few pv entries.
class PvTest : public BootedTest {
  protected:
    static Config few() {
        Config config = small_config();
        config.pv_entries = 20;
        return config;
    }
    PvTest() : BootedTest(few()) {}
};

TEST_F(PvTest, ExhaustionIsReportedAndCollected) {
    Pmap& pmap = new_pmap();
    Page& page = new_page();
    Page& wired = new_page();
    pages_.busy_wait(wired);
    pages_.wire(wired);
    pages_.wakeup(wired);
    EXPECT_EQ(enter(pmap, kNextTable, wired, kRead, true), Status::success);
    for (std::uint32_t n = 1; n < 20; ++n) {
        EXPECT_EQ(pmaps_.pv_woken(), n > 18) << n;
        EXPECT_EQ(enter(pmap, kBase + (n << kPageShift), page), Status::success);
    }
    const std::uint32_t resident = pmap.resident_count;
    EXPECT_EQ(enter(pmap, kBase, page), Status::resource_shortage) << "B-78";
    EXPECT_EQ(enter(pmap, kBase + kPageSize, page, kRead), Status::resource_shortage) << "one for the time being, too";
    pages_.busy_wait(page);
    EXPECT_EQ(pmaps_.enter_quick(pmap, kBase, page), Status::resource_shortage);
    pages_.wakeup(page);
    EXPECT_EQ(pmap.resident_count, resident) << "nothing changed (D-14)";
    EXPECT_TRUE(pmaps_.collect());
    EXPECT_FALSE(pmaps_.collect()) << "once";
    EXPECT_TRUE(page.pv_list.empty());
    EXPECT_EQ(wired.pv_list.size(), 1U);
    EXPECT_EQ(enter(pmap, kBase, page), Status::success);
}

}  // namespace
}  // namespace vmref::impl
