#include "impl/vm/pageout.h"

#include <algorithm>
#include <array>
#include <limits>

#include "impl/vm/page_ops.h"
#include "impl/vm/pager.h"

namespace vmref::impl {

namespace {

constexpr std::uint8_t kActMax = 64;     // ACT_MAX
constexpr std::uint8_t kActDecline = 1;  // ACT_DECLINE

void to_tail(PageQueue& queue, Page& page) {
    queue.splice(queue.end(), queue, queue.iterator_to(page));
}

bool take_references(Kernel& k, Page& page) {
    const bool referenced = page.has(kPageReferenced);
    page.clear(kPageReferenced);
    return k.pmaps.ts_referenced(page) != 0 || referenced;
}

// What happens to one inactive page, busied by us (uvm log, topics 3, 4, 8). True: it was written, cached or freed.
bool launder(Kernel& k, Page& page, bool forced) {
    if (page.valid == 0) {
        page_unmap_and_free(k, page);
        return true;
    }
    if (take_references(k, page) && !forced) {
        k.pages.activate(page);
        k.pages.wakeup(page);
        return false;
    }
    page_test_dirty(k, page);
    if (page.dirty == 0) {
        page_cache(k, page);
        return true;
    }
    // The page stays where it is, clean when the write is complete: the next pass caches it.
    const PagerResult result = pager_put_page(k, page);
    const bool written = result == PagerResult::ok || result == PagerResult::pend;
    if (written) {
        ++k.stats.pageouts;
        to_tail(k.pages.inactive(), page);
    } else if (k.on(Defect::b97_failed_pageout_frees)) {
        page_unmap_and_free(k, page);
        return true;
    } else {
        k.pages.activate(page);
    }
    k.pages.wakeup(page);
    return written;
}

std::uint32_t scan_inactive(Kernel& k, std::uint32_t max_pages, bool forced) {
    PageQueue& queue = k.pages.inactive();
    std::uint32_t moved = 0;
    for (auto left = std::min<std::size_t>(max_pages, queue.size()); left > 0 && !queue.empty(); --left) {
        Page& page = queue.front();
        if (page.hold_count != 0 || !k.pages.busy_try(page)) {
            to_tail(queue, page);
            continue;
        }
        moved += launder(k, page, forced) ? 1 : 0;
    }
    return moved;
}

// Ages one active page, busied by us.
void age(Kernel& k, Page& page, bool forced) {
    if (take_references(k, page) && !forced) {
        page.act_count = static_cast<std::uint8_t>(std::min<unsigned>(page.act_count + 1U, kActMax));
    } else {
        page.act_count = static_cast<std::uint8_t>(page.act_count - std::min(page.act_count, kActDecline));
    }
    if (page.act_count == 0 || forced) {
        page_test_dirty(k, page);
        k.pages.deactivate(page);
    } else {
        to_tail(k.pages.active(), page);
    }
    k.pages.wakeup(page);
}

void scan_active(Kernel& k, std::uint32_t max_pages, bool forced) {
    PageQueue& queue = k.pages.active();
    for (auto left = std::min<std::size_t>(max_pages, queue.size()); left > 0 && !queue.empty(); --left) {
        if (k.pages.inactive().size() >= k.config.inactive_target && !forced) {
            return;
        }
        Page& page = queue.front();
        if (page.hold_count != 0 || !k.pages.busy_try(page)) {
            to_tail(queue, page);
            continue;
        }
        age(k, page, forced);
    }
}

}  // namespace

std::uint32_t pageout_scan(Kernel& k, std::uint32_t max_pages, bool forced) {
    const std::uint32_t moved = scan_inactive(k, max_pages, forced);
    scan_active(k, max_pages, forced);
    return moved;
}

bool pageout_until_plenty(Kernel& k) {
    // A dirty page needs two passes (written, then cached), an active one a third: five without gain are enough.
    constexpr unsigned kIdlePasses = 5;
    // A fault may hold two pages while it asks for a third (placeholder, page read below, page table): short of that it
    // would come back for ever.
    constexpr std::uint32_t kPagesOfOneFault = 4;
    const std::uint32_t enough = std::max(k.config.free_min, k.config.free_severe + kPagesOfOneFault);
    const std::uint32_t goal = std::max(k.config.free_target, enough);
    const std::uint32_t step = std::max<std::uint32_t>(k.config.free_target, 16);
    unsigned idle = 0;
    while (k.pages.free_count() + k.pages.cache_count() < goal && idle < kIdlePasses) {
        const std::uint32_t before = k.pages.free_count() + k.pages.cache_count();
        const bool forced = idle > 1;
        pageout_scan(k, forced ? std::numeric_limits<std::uint32_t>::max() : step, forced);
        idle = k.pages.free_count() + k.pages.cache_count() > before ? 0 : idle + 1;
    }
    return k.pages.free_count() + k.pages.cache_count() >= enough;
}

namespace {

constexpr std::size_t kAtATime = 16;

// Up to kAtATime mappings of the pmap that may go, the oldest first; those that were used lately only if `used_too`.
// Not those of `kept` and of the pages beside it: one access may need two pages at the same time (I-81).
std::size_t removable(Kernel& k, const Pmap& pmap, Va kept, bool used_too, std::array<Va, kAtATime>& found) {
    std::size_t count = 0;
    for (const PvEntry& pv : pmap.pv_list) {
        const std::uint32_t word = k.pmaps.pte(pmap, pv.va);
        const bool free = !pv.page->busied() && pv.page->hold_count == 0;
        const bool beside = pv.va + kPageSize - kept <= 2 * kPageSize;
        if (!beside && (word & kPteW) == 0 && free && (used_too || (word & kPteA) == 0)) {
            found[count++] = pv.va;
            if (count == kAtATime) {
                break;
            }
        }
    }
    return count;
}

// Whoever else maps the page keeps it active.
void unmap_for_limit(Kernel& k, Pmap& pmap, Va va) {
    Page* const page = k.pmaps.page_at(pmap, va);
    if (page == nullptr || !k.pages.busy_try(*page)) {
        return;
    }
    k.pmaps.remove(pmap, va, va + kPageSize);
    ++k.stats.unmapped_for_limit;
    if (page->pv_list.empty()) {
        k.pages.deactivate(*page);
    }
    k.pages.wakeup(*page);
}

}  // namespace

void map_deactivate_pages(Kernel& k, Map& map, std::uint32_t limit, Va kept) {
    Pmap& pmap = *map.pmap;
    std::array<Va, kAtATime> found;
    for (const bool used_too : {false, true}) {
        while (pmap.mapped_unwired() > limit) {
            const std::uint32_t before = pmap.mapped_unwired();
            const std::size_t count = removable(k, pmap, kept, used_too, found);
            for (std::size_t n = 0; n < count && pmap.mapped_unwired() > limit; ++n) {
                unmap_for_limit(k, pmap, found[n]);
            }
            if (pmap.mapped_unwired() == before) {
                break;
            }
        }
    }
}

}  // namespace vmref::impl
