// Mappings with a virtual page table: what walks find, mark and refuse, and what becomes of translations.
#include "impl/vm/vm_test.h"
#include "ops/virtual_page_table.h"

namespace vmref::impl {
namespace {

constexpr std::uint32_t kRw = kVpteV | kVpteRW;
constexpr std::uint32_t kLinear = kRw | kVptePS;

constexpr std::uint32_t to(PageIndex page, std::uint32_t bits) {
    return page << kVpteFrameShift | bits;
}

class VirtualPageTableTest : public testing::Test {
  protected:
    VirtualPageTableTest() { world_.spawn(1); }

    // Four pages at page 0: page 0 is the directory, page 1 its table, which maps each page to itself.
    void map_tables(Prot prot = kReadWrite, FileId file = 0, bool shared = false) {
        map_with_table(prot, file, shared);
        set_root(to(0, kLinear));
        set_word(0, 0, to(1, kRw));
        for (PageIndex page = 0; page < 4; ++page) {
            set_word(1, page, to(page, kRw));
        }
        set_root(to(0, kRw));
    }
    void map_with_table(Prot prot, FileId file, bool shared) {
        EXPECT_EQ(world_
                      .run(Mmap{.pid = 1,
                                .addr = va(0),
                                .length = 4 * kPageSize,
                                .prot = prot,
                                .shared = shared,
                                .fixed = true,
                                .file = file,
                                .vpagetable = true})
                      .status,
                  Status::success);
    }
    Status set_root(std::uint32_t root, PageIndex at = 0, PageIndex pages = 4) {
        return world_.run(Mcontrol{TableCall::set_map, 1, va(at), pages * kPageSize, root}).status;
    }
    void invalidate() { world_.run(Mcontrol{TableCall::invalidate, 1, va(0), 4 * kPageSize}); }
    // With a linear root only.
    void set_word(PageIndex table, std::uint32_t slot, std::uint32_t vpte) {
        EXPECT_EQ(world_.run(Access{1, AccessKind::store, va(table) + 4 * slot, 4, vpte}).signal, Signal::none);
    }
    // As the memory of the mapping shows it.
    std::uint32_t word(PageIndex table, std::uint32_t slot) {
        const std::uint8_t* const bytes = content_bytes(world_.k, object_content(&world_.top(1, 0), table));
        std::uint32_t vpte = 0;
        for (unsigned i = 0; bytes != nullptr && i < 4; ++i) {
            vpte |= std::uint32_t{bytes[4 * slot + i]} << (8 * i);
        }
        return vpte;
    }

    World world_;
};

TEST_F(VirtualPageTableTest, NothingIsReachedWithoutARoot) {
    map_with_table(kReadWrite, 0, false);
    EXPECT_EQ(world_.load(1, 0).signal, Signal::bus);
    EXPECT_EQ(world_.k.stats.vptes_refused, 1U);
    EXPECT_EQ(set_root(to(2, kLinear)), Status::success);
    EXPECT_EQ(world_.load(1, 1).signal, Signal::none);
    EXPECT_EQ(world_.load(1, 2).signal, Signal::bus) << "page 4 of 4";
}

TEST_F(VirtualPageTableTest, WalksMarkEveryWordOnTheWay) {
    map_tables();
    set_root(to(0, kRw));
    const Observation read = world_.load(1, 3);
    EXPECT_EQ(read.signal, Signal::none);
    EXPECT_EQ(read.witness.walked, (std::vector<TableWalk>{{1, va(3), 2}}));
    EXPECT_EQ(word(0, 0), to(1, kRw | kVpteA));
    EXPECT_EQ(word(1, 3), to(3, kRw | kVpteA));
    EXPECT_FALSE(world_.mapped_writable(1, 3)) << "M has to be seen";
    EXPECT_EQ(world_.store(1, 3, 7).witness.walked.size(), 1U);
    EXPECT_EQ(word(0, 0), to(1, kRw | kVpteA | kVpteM));
    EXPECT_EQ(word(1, 3), to(3, kRw | kVpteA | kVpteM));
    EXPECT_TRUE(world_.mapped_writable(1, 3));
    EXPECT_EQ(world_.page(world_.top(1, 0), 1)->dirty, kPageBitsAll);
}

TEST_F(VirtualPageTableTest, WhatMIsSetForIsMappedWritableAtOnce) {
    map_tables();
    set_root(to(0, kLinear));
    set_word(1, 2, to(3, kRw | kVpteM));
    set_root(to(0, kRw));
    EXPECT_EQ(world_.load(1, 2).signal, Signal::none);
    EXPECT_TRUE(world_.mapped_writable(1, 2));
    EXPECT_EQ(world_.mapped_page(1, 2), world_.page(world_.top(1, 0), 3));
}

TEST_F(VirtualPageTableTest, WordsWithoutTheRightEndTheAccess) {
    map_tables();
    set_root(to(0, kLinear));
    set_word(1, 1, to(1, kVpteV));
    set_word(1, 2, 0);
    set_word(1, 3, to(9, kRw));
    set_root(to(0, kRw));
    EXPECT_EQ(world_.load(1, 1).signal, Signal::none);
    EXPECT_EQ(world_.store(1, 1, 1).signal, Signal::bus);
    EXPECT_EQ(world_.load(1, 2).signal, Signal::bus);
    EXPECT_EQ(world_.load(1, 3).signal, Signal::bus);
    Status status = Status::success;
    EXPECT_EQ(vm_fault_page(world_.k, world_.map_of(1), {va(2), kRead}, status, nullptr), nullptr);
    EXPECT_EQ(status, Status::failure);
    EXPECT_EQ(vm_fault_page(world_.k, world_.map_of(1), {va(3), kRead}, status, nullptr), nullptr);
    EXPECT_EQ(status, Status::protection_failure);
}

TEST_F(VirtualPageTableTest, ATranslationStaysUntilItIsInvalidated) {
    map_tables();
    world_.file(9, 1);
    EXPECT_EQ(world_.store(1, 3, 33).signal, Signal::none);
    EXPECT_EQ(world_.store(1, 2, 22).signal, Signal::none);
    // The table names itself as page 1: its word for page 3 is stored to through it.
    set_word(1, 3, to(2, kRw));
    EXPECT_EQ(world_.word(1, 3), 33U);
    EXPECT_TRUE(world_.load(1, 3).witness.walked.empty());
    invalidate();
    EXPECT_EQ(world_.word(1, 3), 22U);
}

TEST_F(VirtualPageTableTest, WhatACopyReplacesLosesAllItsTranslations) {
    world_.file(1, 4);
    map_with_table(kReadWrite, 1, false);
    set_root(to(0, kLinear | kVpteM));
    EXPECT_EQ(world_.load(1, 2).signal, Signal::none);
    Page* const of_file = world_.mapped_page(1, 2);
    EXPECT_EQ(of_file->object, &world_.file_object(1));
    // The same page for another address, and a store through that.
    set_word(0, 0, to(1, kRw));
    set_word(1, 3, to(2, kRw));
    EXPECT_EQ(set_root(to(0, kRw)), Status::success);
    EXPECT_EQ(world_.load(1, 3).signal, Signal::none);
    EXPECT_EQ(world_.mapped_page(1, 3), of_file);
    EXPECT_EQ(world_.store(1, 3, 5).signal, Signal::none);
    EXPECT_TRUE(of_file->pv_list.empty());
    EXPECT_EQ(world_.mapped_page(1, 3)->object, &world_.top(1, 0));
}

TEST_F(VirtualPageTableTest, TablesOfAMappingWithoutWriteAreOnlyRead) {
    world_.file(1, 4);
    world_.map(1, 8, 4, kReadWrite, 1, true);
    world_.store(1, 8, to(1, kVpteV));
    world_.store(1, 9, to(3, kVpteV));
    map_with_table(kRead, 1, false);
    EXPECT_EQ(set_root(to(0, kVpteV)), Status::success);
    EXPECT_EQ(world_.word(1, 0), synthetic_word(1, 3, 0));
    EXPECT_EQ(world_.word(1, 8), to(1, kVpteV));
    EXPECT_EQ(world_.word(1, 9), to(3, kVpteV));
    EXPECT_EQ(world_.k.stats.vptes_marked, 0U);
    EXPECT_EQ(world_.k.stats.tables_passed, 2U);
}

TEST_F(VirtualPageTableTest, TheChildHasTablesOfItsOwn) {
    map_tables();
    EXPECT_EQ(world_.store(1, 3, 33).signal, Signal::none);
    world_.fork(1, 2);
    EXPECT_EQ(world_.word(2, 3), 33U);
    EXPECT_EQ(world_.store(2, 3, 44).signal, Signal::none);
    EXPECT_EQ(world_.word(1, 3), 33U);
    EXPECT_EQ(world_.word(2, 3), 44U);
}

TEST_F(VirtualPageTableTest, SuchAMappingStaysWholeAndUnwired) {
    map_tables();
    EXPECT_EQ(world_.protect(1, 1, 1, kRead), Status::invalid_argument);
    EXPECT_EQ(world_.run(Munmap{1, va(2), 2 * kPageSize}).status, Status::invalid_argument);
    EXPECT_EQ(world_.lock(1, 0, 4), Status::invalid_argument);
    EXPECT_EQ(world_.run(KernelWire{1, va(0), kPageSize}).status, Status::invalid_argument);
    EXPECT_EQ(world_.run(Mremap{1, va(0), 4 * kPageSize, va(0), 2 * kPageSize}).status, Status::invalid_argument);
    EXPECT_EQ(world_.advise(1, 0, 2, Advice::random).status, Status::invalid_argument);
    EXPECT_EQ(world_.run(Minherit{1, va(0), kPageSize, Inherit::none}).status, Status::invalid_argument);
    EXPECT_EQ(set_root(0, 0, 2), Status::invalid_argument);
    EXPECT_EQ(world_.protect(1, 0, 4, kRead), Status::success);
    world_.map(1, 4, 1);
    EXPECT_EQ(set_root(0, 0, 5), Status::invalid_argument) << "page 4 has no table";
    EXPECT_EQ(world_.run(Munmap{1, va(0), 4 * kPageSize}).status, Status::success);
}

TEST_F(VirtualPageTableTest, NeighboursAreNotPrefaulted) {
    Config config = vm_config();
    config.prefault_pages = 8;
    World world(config);
    world.spawn(1);
    world.file(1, 4);
    world.run(Mmap{.pid = 1,
                   .addr = va(0),
                   .length = 4 * kPageSize,
                   .prot = kReadWrite,
                   .shared = true,
                   .fixed = true,
                   .file = 1,
                   .vpagetable = true});
    world.run(Mcontrol{TableCall::set_map, 1, va(0), 4 * kPageSize, to(0, kLinear)});
    EXPECT_EQ(world.load(1, 0).signal, Signal::none);
    EXPECT_EQ(world.k.stats.pages_prefaulted, 0U);
    EXPECT_FALSE(world.mapped(1, 1));
}

}  // namespace
}  // namespace vmref::impl
