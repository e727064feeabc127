#include "props/generators/pmap_places.h"

#include <algorithm>
#include <iterator>

namespace vmref::props {

namespace {

constexpr PmapNumber kMostPmaps = 6;
constexpr PageNumber kMostPages = 40;

}  // namespace

PmapNumber PmapPlaces::pmap() {
    const PmapNumber first = choices_.below(kMostPmaps);
    for (PmapNumber n = 0; n < kMostPmaps; ++n) {
        const PmapNumber pmap = (first + n) % kMostPmaps + 1;
        if (model_.space(pmap) != nullptr) {
            return pmap;
        }
    }
    return 1;
}

PmapNumber PmapPlaces::new_pmap() {
    for (PmapNumber pmap = 1; pmap <= kMostPmaps; ++pmap) {
        if (model_.space(pmap) == nullptr) {
            return pmap;
        }
    }
    return 1;
}

PageNumber PmapPlaces::page() {
    const auto& pages = model_.pages();
    if (pages.empty()) {
        return 0;
    }
    // A few pages are used more than others: they are mapped many times.
    const auto count = static_cast<std::uint32_t>(pages.size());
    const std::uint32_t range = choices_.chance(40) ? std::min(count, 3U) : count;
    return std::next(pages.begin(), choices_.below(range))->first;
}

PageNumber PmapPlaces::page_or_device() {
    return choices_.chance(8) ? kDevicePage + choices_.below(8) : page();
}

PageNumber PmapPlaces::new_page() {
    const PageNumber first = choices_.below(kMostPages);
    for (PageNumber n = 0; n < kMostPages; ++n) {
        const PageNumber page = (first + n) % kMostPages;
        if (model_.page(page) == nullptr) {
            return page;
        }
    }
    // More only where they can use up the memory.
    constexpr std::uint32_t little = 512;
    return model_.config().frames > little ? 0 : kMostPages + choices_.below(little);
}

PageNumber PmapPlaces::page_at(PmapNumber pmap, Va va, PageNumber otherwise) const {
    const model::Leaf* const leaf = model_.leaf(pmap, va);
    return leaf != nullptr ? leaf->page : otherwise;
}

bool PmapPlaces::wired(PageNumber page) const {
    const model::PageState* const state = model_.page(page);
    return state != nullptr && state->wirings > 0;
}

std::uint32_t PmapPlaces::consecutive(PageNumber page) const {
    constexpr std::uint32_t most = 4;
    std::uint32_t count = 0;
    while (count < most && (is_device(page + count) || model_.page(page + count) != nullptr)) {
        ++count;
    }
    return count;
}

Va PmapPlaces::mapped_va(PmapNumber pmap) {
    const model::Space* const space = model_.space(pmap);
    const auto tables = static_cast<std::uint32_t>(space->tables.size());
    const auto table = std::next(space->tables.begin(), choices_.below(tables));
    const auto leaf =
        std::next(table->second.begin(), choices_.below(static_cast<std::uint32_t>(table->second.size())));
    return (table->first << 22) + (leaf->first << kPageShift);
}

Va PmapPlaces::user_va(PmapNumber pmap) {
    const model::Space* const space = model_.space(pmap);
    if (pmap != kKernelPmap && space != nullptr && !space->tables.empty() && choices_.chance(60)) {
        return mapped_va(pmap);
    }
    const Va table = choices_.pick<Va>(
        {{0x08000000U, 5}, {0x08400000U, 4}, {0x08800000U, 2}, {0, 1}, {kUserEnd - kBigPageSize, 1}, {0x40000000U, 2}});
    const Va index = choices_.pick<Va>({{0, 4}, {1, 4}, {2, 2}, {1022, 2}, {1023, 4}, {512, 1}, {511, 1}});
    return table + (index << kPageShift);
}

Va PmapPlaces::entered_kernel_va() {
    if (!model_.space(kKernelPmap)->tables.empty() && choices_.chance(50)) {
        return mapped_va(kKernelPmap);
    }
    const Va start = choices_.chance(35) ? kUntrackedRange.start - kPageSize : kEnterRange.start;
    return start + (choices_.below(4) << kPageShift);
}

Va PmapPlaces::unmanaged_kernel_va() {
    const bool behind = model_.kernel_end() > kKernelFirstEnd && choices_.chance(25);
    const Va start = behind ? model_.kernel_end() - 4 * kPageSize : kUnmanagedRange.start;
    return start + (choices_.below(4) << kPageShift);
}

Va PmapPlaces::kernel_va() {
    const auto& leaves = model_.kernel_leaves();
    switch (choices_.below(3)) {
        case 0:
            return entered_kernel_va();
        case 1:
            return unmanaged_kernel_va();
        default:
            return leaves.empty()
                       ? kDeviceRange.start
                       : std::next(leaves.begin(), choices_.below(static_cast<std::uint32_t>(leaves.size())))->first;
    }
}

std::uint32_t PmapPlaces::fitting(PmapNumber pmap, Va va, std::uint32_t pages) {
    const Va end = pmap == kKernelPmap ? kEnterRange.end : kUserEnd;
    return va < end ? std::min(pages, (end - va) >> kPageShift) : 0;
}

}  // namespace vmref::props
