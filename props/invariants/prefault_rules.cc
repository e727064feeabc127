// What a prefault must map, told before it begins and compared when it is through.
#include <fmt/format.h>

#include "impl/vm/vm_object.h"
#include "props/invariants/invariant_set.h"
#include "props/invariants/names.h"

namespace vmref::props {

namespace {

std::uint64_t planned_shortages(const impl::Kernel& kernel) {
    const impl::FailingAllocations& failing = kernel.pages.failing();
    return failing.failed(impl::AllocationKind::page_table) + failing.failed(impl::AllocationKind::pv);
}

}  // namespace

// False: the scan ends here.
bool InvariantSet::expect_neighbour(const impl::MapEntry& entry, Va va, Prot prot, impl::PrefaultKind kind) {
    const bool by_chain = kind == impl::PrefaultKind::chain;
    PageIndex index = entry.index_of(va);
    for (impl::Object* level = entry.object;; level = level->backing) {
        if (const impl::Page* const page = kernel_.pages.lookup(*level, index)) {
            const bool busy = page->busied() || page->soft_busy != 0;
            const bool unswap = kind == impl::PrefaultKind::top_for_store && page->has(impl::kPageSwapped);
            if (!by_chain && (busy || unswap || !page->fully_valid())) {
                return false;
            }
            const Prot granted = static_cast<Prot>(level == entry.object ? prot : prot & ~kProtWrite);
            if (!busy && page->fully_valid() && granted != kProtNone) {
                neighbours_.push_back({va, page, level, index, page->dirty, level->swap_slot(index)});
            }
            return true;
        }
        if (!by_chain || level->type != impl::ObjectType::default_) {
            return false;  // the pager may have the page
        }
        if (level->backing == nullptr) {
            const bool zeroed = kernel_.config.fast_fault != 0 && (prot & kProtWrite) != 0;
            if (zeroed) {
                neighbours_.push_back({va, nullptr, nullptr, 0, 0, impl::kNoSwapSlot});
            }
            return zeroed;
        }
        index = level->backing_index(index);
    }
}

void InvariantSet::before_prefault(const impl::MapEntry& entry, Va va, Prot prot, impl::PrefaultKind kind) {
    neighbours_.clear();
    prefaulted_ = kernel_.stats.pages_prefaulted;
    shortages_ = planned_shortages(kernel_);
    if (kind != impl::PrefaultKind::chain && entry.object->backing != nullptr) {
        return;
    }
    bool open[] = {true, true};
    for (std::int64_t step = 0; step < kernel_.config.prefault_pages && (open[0] || open[1]); ++step) {
        const std::int64_t distance = (step / 2 + 1) * std::int64_t{kPageSize};
        const std::int64_t at = va + (step % 2 == 0 ? distance : -distance);
        bool& direction = open[step % 2];
        direction = direction && at >= entry.start && at < entry.end &&
                    kernel_.pmaps.prefault_ok(*entry.map->pmap, static_cast<Va>(at));
        if (direction && !expect_neighbour(entry, static_cast<Va>(at), prot, kind)) {
            return;
        }
    }
}

void InvariantSet::after_prefault(const impl::MapEntry& entry) {
    std::uint64_t entered = 0;
    bool ended = false;
    // Then something cannot be mapped.
    const bool short_of_entries =
        kernel_.pmaps.pv_count() >= kernel_.config.pv_entries || shortages_ != planned_shortages(kernel_);
    for (const Neighbour& neighbour : neighbours_) {
        const impl::Page* const mapped = kernel_.pmaps.page_at(*entry.map->pmap, neighbour.va);
        entered += mapped != nullptr ? 1 : 0;
        if (neighbour.page == nullptr) {
            ended = ended || mapped == nullptr;  // memory is short, or it could not be mapped
            continue;
        }
        const impl::Page& page = *neighbour.page;
        if (page.object != neighbour.object || page.pindex != neighbour.index) {
            return;  // a cached page that one of the new pages took
        }
        const bool untouched =
            page.dirty == neighbour.dirty && neighbour.object->swap_slot(neighbour.index) == neighbour.slot;
        const bool as_expected =
            short_of_entries ? mapped == &page || mapped == nullptr : mapped == (ended ? nullptr : &page);
        evaluate(Rule::i98, true, as_expected && untouched, [&] {
            return fmt::format("{}: expected {} {}mapped by a prefault, dirty {:#x}; found {}, dirty {:#x}",
                               name_of(*entry.map->pmap, neighbour.va), name_of(page), ended ? "not " : "",
                               neighbour.dirty, mapped == nullptr ? "nothing" : name_of(*mapped), page.dirty);
        });
    }
    const std::uint64_t counted = kernel_.stats.pages_prefaulted - prefaulted_;
    evaluate(Rule::i98, entered != 0 || counted != 0, entered == counted, [&] {
        return fmt::format("{}: expected {} pages of the window prefaulted, found {}", name_of(entry), entered,
                           counted);
    });
}

}  // namespace vmref::props
