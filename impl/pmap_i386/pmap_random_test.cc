// Random operations on a few pmaps against a map from (pmap, va) to what was asked for.
#include <functional>
#include <random>

#include "impl/pmap_i386/pmap_test.h"

namespace vmref::impl {
namespace {

constexpr int kOperations = 20'000;
constexpr std::size_t kPages = 12;
constexpr std::size_t kPmaps = 3;
constexpr Va kTables = 3;
constexpr Va kSlots = 5;

struct Mapping {
    std::size_t page = 0;
    bool writable = false;
    bool wired = false;
};

// What the pages should hold and know.
struct PageModel {
    Page* page = nullptr;
    std::uint32_t value = 0;  // first byte
    bool stored = false;      // since the page was last made clean
    bool used = false;        // a walk noted a use that nobody has cleared
};

class PmapRandomTest : public PmapTest {
  protected:
    using Key = std::pair<std::size_t, Va>;

    PmapRandomTest() {
        for (std::size_t i = 0; i < kPages; ++i) {
            contents_.push_back({.page = &new_page(i < 2 ? kPageUnmanaged : 0)});
        }
        for (std::size_t i = 0; i < kPmaps; ++i) {
            spaces_.push_back(&new_pmap());
        }
    }

    std::size_t below(std::size_t end) { return random_() % end; }
    bool chance(unsigned percent) { return below(100) < percent; }
    // Ends and begins of tables, so that ranges cross from one into the next.
    Va random_va() {
        const Va slot = static_cast<Va>(below(kSlots));
        const Va index = slot < 2 ? kPtesPerTable - 2 + slot : slot - 2;
        return kBase + static_cast<Va>(below(kTables)) * (kNextTable - kBase) + index * kPageSize;
    }
    std::pair<Va, Va> random_range() {
        const Va a = random_va();
        const Va b = random_va();
        return chance(5) ? std::pair<Va, Va>{0, kUserEnd}
                         : std::pair<Va, Va>{std::min(a, b), std::max(a, b) + static_cast<Va>(below(2)) * kPageSize};
    }
    bool managed(std::size_t page) const { return !contents_[page].page->has(kPageUnmanaged); }

    void drop_if(const std::function<bool(const Key&, const Mapping&)>& gone) {
        std::erase_if(model_, [&gone](const auto& item) { return gone(item.first, item.second); });
    }

    void random_enter() {
        const std::size_t space = below(kPmaps);
        const std::size_t page = below(kPages);
        const Va va = random_va();
        const Mapping asked{.page = page, .writable = chance(60), .wired = chance(25)};
        ASSERT_EQ(enter(*spaces_[space], va + static_cast<Va>(below(kPageSize)), *contents_[page].page,
                        asked.writable ? kReadWrite : kRead, asked.wired),
                  Status::success);
        model_[{space, va}] = asked;
    }

    void random_range_operation() {
        const std::size_t space = below(kPmaps);
        const auto [sva, eva] = random_range();
        const auto inside = [space, sva = sva, eva = eva](const Key& key) {
            return key.first == space && key.second >= sva && key.second < eva;
        };
        switch (below(3)) {
            case 0:
                pmaps_.remove(*spaces_[space], sva, eva);
                drop_if([&](const Key& key, const Mapping&) { return inside(key); });
                break;
            case 1: {
                const Prot prot = static_cast<Prot>(below(kProtAll + 1));
                pmaps_.protect(*spaces_[space], sva, eva, prot);
                if ((prot & kProtRead) == 0) {
                    drop_if([&](const Key& key, const Mapping&) { return inside(key); });
                } else if ((prot & kProtWrite) == 0) {
                    protect_if([&](const Key& key, const Mapping&) { return inside(key); });
                }
                break;
            }
            default:
                pmaps_.remove_pages(*spaces_[space], sva, eva);
                drop_if([&](const Key& key, const Mapping& mapping) {
                    return inside(key) && !mapping.wired && managed(mapping.page);
                });
        }
    }

    void protect_if(const std::function<bool(const Key&, const Mapping&)>& chosen) {
        for (auto& [key, mapping] : model_) {
            mapping.writable = mapping.writable && !chosen(key, mapping);
        }
    }

    void random_page_operation() {
        const std::size_t index = below(kPages);
        const std::size_t space = below(kPmaps);
        Page& page = *contents_[index].page;
        const auto is_it = [&](const Key&, const Mapping& mapping) { return mapping.page == index && managed(index); };
        switch (below(7)) {
            case 0:
                pmaps_.remove_all(page);
                drop_if(is_it);
                break;
            case 1:
                pmaps_.remove_specific(*spaces_[space], page);
                drop_if(
                    [&](const Key& key, const Mapping& mapping) { return key.first == space && is_it(key, mapping); });
                break;
            case 2:
                pmaps_.page_protect(page, chance(50) ? kRead : kProtExecute);
                protect_if(is_it);
                break;
            case 3:  // as the pageout daemon does when a page has been written out
                pages_.busy_wait(page);
                pmaps_.clear_modify(page);
                pages_.undirty(page);
                pages_.wakeup(page);
                contents_[index].stored = false;
                break;
            case 4:
                pmaps_.clear_reference(page);
                contents_[index].used = false;
                page.clear(kPageReferenced);
                break;
            case 5:
                random_aging(contents_[index]);
                break;
            default:
                random_wiring();
        }
    }

    void random_aging(PageModel& content) {
        const bool referenced = pmaps_.is_referenced(*content.page);
        const unsigned count = pmaps_.ts_referenced(*content.page);
        ASSERT_EQ(referenced, count > 0);
        ASSERT_LE(count, 5U);
        content.page->clear(kPageReferenced);
        content.used = pmaps_.is_referenced(*content.page);
    }

    void random_wiring() {
        const std::size_t space = below(kPmaps);
        const Va va = random_va();
        const auto found = model_.find({space, va});
        if (chance(50)) {
            const bool wired = chance(50);
            pmaps_.change_wiring(*spaces_[space], va, wired);
            if (found != model_.end()) {
                found->second.wired = wired;
            }
            return;
        }
        ASSERT_EQ(pmaps_.unwire(*spaces_[space], va),
                  found != model_.end() ? contents_[found->second.page].page : nullptr);
        if (found != model_.end()) {
            found->second.wired = false;
        }
    }

    void random_switch() {
        const CpuId cpu = static_cast<CpuId>(below(2));
        if (!chance(20)) {
            on_cpu_[cpu] = below(kPmaps);
            run(cpu, spaces_[on_cpu_[cpu]]);
            return;
        }
        const std::size_t space = below(kPmaps);
        for (CpuId other = 0; other < 2; ++other) {
            if (running_[other] == spaces_[space]) {
                run(other, nullptr);
            }
        }
        pmaps_.remove(*spaces_[space], 0, kUserEnd);
        drop_if([space](const Key& key, const Mapping&) { return key.first == space; });
        pmaps_.destroy(*spaces_[space]);
        spaces_[space] = &new_pmap();
    }

    // The hardware agrees with the model: no stale translation, no right too many or too few.
    void random_access() {
        const CpuId cpu = static_cast<CpuId>(below(2));
        const Va va = random_va();
        const auto found = running_[cpu] != nullptr ? model_.find({on_cpu_[cpu], va}) : model_.end();
        const std::uint64_t walks = machine_.cpu(cpu).walks;
        std::uint32_t value = static_cast<std::uint32_t>(below(256));
        if (found == model_.end()) {
            ASSERT_FALSE(load(cpu, va));
            return;
        }
        PageModel& content = contents_[found->second.page];
        if (chance(50)) {
            ASSERT_EQ(store(cpu, va, value), found->second.writable);
            if (!found->second.writable) {
                return;
            }
            content.value = value;
            content.stored = true;
        } else {
            ASSERT_TRUE(load(cpu, va, &value));
            ASSERT_EQ(value, content.value);
        }
        content.used = content.used || machine_.cpu(cpu).walks != walks;
    }

    void compare() {
        check();
        std::size_t leaves = 0;
        for (const Pmap* pmap : spaces_) {
            leaves += pmap->resident_count - 1 - pmap->pteobj->resident_page_count + 1;
        }
        ASSERT_EQ(leaves, model_.size());
        for (const auto& [key, mapping] : model_) {
            const std::uint32_t word = pmaps_.pte(*spaces_[key.first], key.second);
            ASSERT_EQ(word >> kPageShift, contents_[mapping.page].page->frame);
            ASSERT_EQ(word & (kPteV | kPteU), kPteV | kPteU);
            ASSERT_EQ((word & kPteRW) != 0, mapping.writable);
            ASSERT_EQ((word & kPteW) != 0, mapping.wired);
        }
        for (std::size_t i = 0; i < kPages; ++i) {
            Page& page = *contents_[i].page;
            if (managed(i)) {
                ASSERT_EQ(page.dirty != 0 || pmaps_.is_modified(page), contents_[i].stored) << i;
                ASSERT_TRUE(!contents_[i].used || page.has(kPageReferenced) || pmaps_.is_referenced(page)) << i;
            }
        }
    }

    std::vector<PageModel> contents_;
    std::vector<Pmap*> spaces_;
    std::map<Key, Mapping> model_;
    std::size_t on_cpu_[2] = {0, 0};
    std::mt19937 random_{42};
};

TEST_F(PmapRandomTest, AgreesWithAMapOfMappings) {
    const std::uint32_t free_before = pages_.free_count();
    for (int i = 0; i < kOperations; ++i) {
        const std::size_t draw = below(100);
        if (draw < 25) {
            random_enter();
        } else if (draw < 33) {
            random_range_operation();
        } else if (draw < 48) {
            random_page_operation();
        } else if (draw < 52) {
            random_switch();
        } else {
            random_access();
        }
        compare();
        ASSERT_FALSE(HasFailure()) << "after operation " << i;
    }
    for (Pmap* pmap : spaces_) {
        pmaps_.remove(*pmap, 0, kUserEnd);
    }
    model_.clear();
    compare();
    EXPECT_EQ(pages_.free_count(), free_before);
    EXPECT_GT(pmaps_.pte_writes(), 5000U);
    EXPECT_GT(pmaps_.invalidations(), 1000U);
}

}  // namespace
}  // namespace vmref::impl
