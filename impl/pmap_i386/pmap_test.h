// What the tests of the pmap share: a machine with two CPUs, pages to map, and the checks of invariants.md, section E,
// that hold between operations.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "impl/pmap_i386/pmap.h"

namespace vmref::impl {

inline constexpr Va kBase = 0x08000000;
inline constexpr Va kNextTable = kBase + (1U << kPdeShift);
inline constexpr Prot kRead = kProtRead;
inline constexpr Prot kReadWrite = kProtRead | kProtWrite;

inline Config small_config() {
    Config config;
    config.frames = 256;
    config.cpus = 2;
    config.tlb_entries = 16;
    return config;
}

class PmapTest : public testing::Test {
  protected:
    explicit PmapTest(const Config& config = small_config())
        : config_(config), data_(objects_.allocate(ObjectType::default_, 512)) {}

    Page& new_page(std::uint16_t flags = 0) { return new_page(flags, AllocClass::normal); }
    Page& new_page_for_system() { return new_page(0, AllocClass::system); }
    Page& new_page(std::uint16_t flags, AllocClass allocation) {
        Page* const page = pages_.alloc(data_, next_index_++, allocation);
        EXPECT_NE(page, nullptr);
        page->set(flags);
        pages_.zero_fill(*page);
        pages_.set_valid_clean(*page);
        pages_.wakeup(*page);
        return *page;
    }
    Status enter(Pmap& pmap, Va va, Page& page, Prot prot = kReadWrite, bool wired = false) {
        pages_.busy_wait(page);
        const Status status = pmaps_.enter(pmap, va, page, prot, wired);
        pages_.wakeup(page);
        return status;
    }
    Pmap& new_pmap() {
        Pmap* const pmap = pmaps_.create();
        EXPECT_NE(pmap, nullptr);
        return *pmap;
    }
    void run(CpuId cpu, Pmap* pmap) {
        pmaps_.activate(cpu, running_[cpu], pmap);
        running_[cpu] = pmap;
    }
    bool load(CpuId cpu, Va va, std::uint32_t* value = nullptr) {
        std::uint32_t loaded = 0;
        const bool ok = machine_.access(cpu, AccessKind::load, va, 1, Privilege::user, loaded).ok;
        if (value != nullptr) {
            *value = loaded;
        }
        return ok;
    }
    bool store(CpuId cpu, Va va, std::uint32_t value = 1) {
        return machine_.access(cpu, AccessKind::store, va, 1, Privilege::user, value).ok;
    }

    // Counts everything again from the tables (I-60 to I-66, I-72).
    void check() {
        std::uint32_t pv_total = 0;
        std::uint32_t wired_pages = 0;
        std::map<const Page*, std::uint32_t> mappings;
        std::set<const Page*> writable;
        for (const Pmap* pmap : pmaps_.all()) {
            if (pmap != nullptr) {
                check_tables(*pmap, mappings, writable, wired_pages);
                pv_total += static_cast<std::uint32_t>(pmap->pv_list.size());
                ASSERT_FALSE(pmap->interlocked);
            }
        }
        ASSERT_EQ(pmaps_.pv_count(), pv_total);
        ASSERT_EQ(pages_.wired_count(), wired_pages);
        for (const Page& page : data_.pages) {
            ASSERT_EQ(page.pv_list.size(), mappings[&page]);
            ASSERT_EQ(page.has(kPageMapped), !page.pv_list.empty());
            ASSERT_TRUE(page.has(kPageWriteable) || !writable.contains(&page));
            ASSERT_TRUE(page.has(kPageMapped) || !page.has(kPageWriteable));
        }
        check_tlbs();
    }

    void check_tables(const Pmap& pmap, std::map<const Page*, std::uint32_t>& mappings, std::set<const Page*>& writable,
                      std::uint32_t& wired_pages) {
        std::uint32_t resident = 1;
        std::uint32_t wired = 0;
        std::uint32_t managed = 0;
        ++wired_pages;
        for (PageIndex slot = 0; slot < kDirectoryIndex; ++slot) {
            const std::uint32_t entry = pmaps_.pde(pmap, slot << kPdeShift);
            const Page* const table = pages_.lookup(*pmap.pteobj, slot);
            ASSERT_EQ(entry != 0, table != nullptr) << slot;
            if (entry == 0) {
                continue;
            }
            ASSERT_EQ(entry >> kPageShift, table->frame);
            ASSERT_FALSE(table->busied());
            ++wired_pages;
            std::uint32_t leaves = 0;
            for (std::uint32_t i = 0; i < kPtesPerTable; ++i) {
                const std::uint32_t word = machine_.memory().read32((table->frame << kPageShift) + 4 * i);
                ASSERT_TRUE(word == 0 || (word & kPteV) != 0);
                if (word == 0) {
                    continue;
                }
                const Page& page = pages_.page_of_frame(word >> kPageShift);
                ++leaves;
                wired += (word & kPteW) != 0 ? 1U : 0U;
                ASSERT_EQ((word & kPteManaged) != 0, !page.has(kPageUnmanaged));
                if ((word & kPteManaged) != 0) {
                    ++managed;
                    ++mappings[&page];
                    const Va va = (slot << kPdeShift) + i * kPageSize;
                    const auto mine = [&](const PvEntry& pv) {
                        return pv.pmap == &pmap && pv.va == va && pv.page == &page && pv.page_table == table;
                    };
                    ASSERT_EQ(std::count_if(page.pv_list.begin(), page.pv_list.end(), mine), 1) << va;
                    if ((word & kPteRW) != 0) {
                        writable.insert(&page);
                    }
                }
            }
            ASSERT_GT(leaves, 0U) << "an empty page table is freed";
            ASSERT_EQ(table->wire_count, leaves);
            resident += leaves + 1;
        }
        ASSERT_EQ(pmap.resident_count, resident);
        ASSERT_EQ(pmap.wired_count, wired);
        ASSERT_EQ(pmap.pv_list.size(), managed);
        const Page* const hint = pmap.ptphint;
        ASSERT_TRUE(hint == nullptr || pages_.lookup(*pmap.pteobj, hint->pindex) == hint);
    }

    // I-67: what a TLB holds, the tables grant.
    void check_tlbs() {
        for (CpuId cpu = 0; cpu < machine_.cpu_count(); ++cpu) {
            for (const TlbEntry& entry : machine_.cpu(cpu).tlb.entries()) {
                if (!entry.valid) {
                    continue;
                }
                ASSERT_NE(running_[cpu], nullptr);
                const std::uint32_t word = pmaps_.pte(*running_[cpu], entry.page << kPageShift);
                ASSERT_NE(word & kPteV, 0U);
                ASSERT_EQ(word >> kPageShift, entry.frame);
                ASSERT_TRUE((word & kPteRW) != 0 || !entry.writable);
                ASSERT_TRUE((word & kPteU) != 0 || !entry.user);
                ASSERT_TRUE((word & kPteM) != 0 || !entry.modified);
            }
        }
    }

    Config config_;
    DefectSet defects_;
    Journal journal_{config_.frames + 1};
    Machine machine_{config_, defects_, journal_};
    Scheduler sched_;
    PageSystem pages_{config_, defects_, machine_, sched_, journal_};
    ObjectStore objects_{journal_};
    PmapSystem pmaps_{config_, defects_, machine_, pages_, objects_, sched_, journal_};
    Object& data_;
    PageIndex next_index_ = 0;
    std::vector<Pmap*> running_ = std::vector<Pmap*>(2, nullptr);
};

}  // namespace vmref::impl
