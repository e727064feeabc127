#include "model/address_space.h"

#include <algorithm>
#include <utility>

namespace vmref::model {

std::size_t AddressSpace::find(PageIndex page) const {
    return static_cast<std::size_t>(std::ranges::upper_bound(ranges_, page, {}, &Range::end) - ranges_.begin());
}

const Range* AddressSpace::at(PageIndex page) const {
    const std::size_t n = find(page);
    return n < ranges_.size() && ranges_[n].start <= page ? &ranges_[n] : nullptr;
}

bool AddressSpace::has_hole(PageIndex first, PageIndex end) const {
    std::uint32_t mapped = 0;
    each(first, end, [&](const Range&, PageIndex, std::uint32_t pages) {
        mapped += pages;
        return true;
    });
    return mapped != end - first;
}

void AddressSpace::insert(Range range) {
    const auto n = static_cast<std::ptrdiff_t>(find(range.start));
    ranges_.insert(ranges_.begin() + n, std::move(range));
}

void AddressSpace::unmap(PageIndex first, PageIndex end) {
    const std::span<Range> gone = clip(first, end);
    const auto n = ranges_.begin() + (gone.data() - ranges_.data());
    ranges_.erase(n, n + std::ssize(gone));
    forget_translations(first, end);
}

bool AddressSpace::would_cut_table(PageIndex first, PageIndex end) const {
    const Range* const low = at(first);
    const Range* const high = at(end - 1);
    return (low != nullptr && low->table && low->start < first) ||
           (high != nullptr && high->table && high->end() > end);
}

void AddressSpace::forget_translations(PageIndex first, PageIndex end) {
    translations_.erase(translations_.lower_bound(first), translations_.lower_bound(end));
}

const Translation* AddressSpace::translation(PageIndex page) const {
    const auto found = translations_.find(page);
    return found != translations_.end() ? &found->second : nullptr;
}

void AddressSpace::split(PageIndex page) {
    const std::size_t n = find(page);
    if (n == ranges_.size() || ranges_[n].start >= page) {
        return;
    }
    Range high = ranges_[n];
    high.offset = high.cell(page);
    high.pages = high.end() - page;
    high.start = page;
    ranges_[n].pages -= high.pages;
    insert(std::move(high));
}

std::span<Range> AddressSpace::clip(PageIndex first, PageIndex end) {
    split(first);
    split(end);
    const std::size_t low = find(first);
    std::size_t high = low;
    while (high < ranges_.size() && ranges_[high].start < end) {
        ++high;
    }
    return std::span(ranges_).subspan(low, high - low);
}

const Range* AddressSpace::grow_stack(PageIndex page, std::uint32_t unit) {
    const std::size_t n = find(page);
    if (n == ranges_.size() || ranges_[n].start - page > ranges_[n].reserve) {
        return nullptr;
    }
    Range& stack = ranges_[n];
    const std::uint64_t wanted = (std::uint64_t{stack.start - page} + unit - 1) / unit * unit;
    const std::uint32_t room = std::min(stack.reserve, stack.start - gap_start(n));
    const auto pages = static_cast<std::uint32_t>(std::min<std::uint64_t>(wanted, room));
    Range grown{.start = stack.start - pages, .pages = pages, .container = Ref<Container>(new Container)};
    grown.reserve = stack.reserve - pages;
    insert(std::move(grown));
    return &ranges_[n];
}

bool AddressSpace::fits(PageIndex first, std::uint32_t pages) const {
    const std::size_t n = find(first);
    PageIndex limit = page_of(kUserEnd);
    if (n < ranges_.size()) {
        limit = ranges_[n].start - std::min(ranges_[n].reserve, ranges_[n].start - gap_start(n));
    }
    return first >= gap_start(n) && std::uint64_t{first} + pages <= limit;
}

std::optional<PageIndex> AddressSpace::room(std::uint32_t pages) const {
    for (std::size_t n = 0; n <= ranges_.size(); ++n) {
        if (fits(gap_start(n), pages)) {
            return gap_start(n);
        }
    }
    return std::nullopt;
}

}  // namespace vmref::model
