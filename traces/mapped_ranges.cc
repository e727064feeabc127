#include "traces/mapped_ranges.h"

#include <algorithm>
#include <iterator>

namespace vmref {

void MappedRanges::split(Va at) {
    auto next = pieces_.upper_bound(at);
    if (next == pieces_.begin()) {
        return;
    }
    const auto piece = std::prev(next);
    if (piece->first < at && at < piece->second.end) {
        pieces_.emplace_hint(next, at, piece->second);
        piece->second.end = at;
    }
}

void MappedRanges::map(VaRange range) {
    unmap(range);
    if (!range.empty()) {
        pieces_[range.start] = {range.end};
    }
}

void MappedRanges::map_stack(VaRange range) {
    unmap(range);
    const std::uint32_t mapped = std::min(range.length(), grow_bytes_);
    pieces_[range.end - mapped] = {range.end, range.length() - mapped};
}

void MappedRanges::unmap(VaRange range) {
    split(range.start);
    split(range.end);
    pieces_.erase(pieces_.lower_bound(range.start), pieces_.lower_bound(range.end));
}

void MappedRanges::move(VaRange from, VaRange to) {
    const Va kept_end = from.start + std::min(from.length(), to.length());
    if (from.start == to.start) {
        unmap({kept_end, from.end});
    } else {
        split(from.start);
        split(kept_end);
        std::vector<VaRange> moved;
        for (auto at = pieces_.lower_bound(from.start); at != pieces_.lower_bound(kept_end); ++at) {
            moved.push_back({to.start + (at->first - from.start), to.start + (at->second.end - from.start)});
        }
        unmap(from);
        unmap(to);
        for (const VaRange& piece : moved) {
            map(piece);
        }
    }
    map({to.start + (kept_end - from.start), to.end});
}

void MappedRanges::touch(Va page) {
    const auto above = pieces_.upper_bound(page);
    const Va below_end = above == pieces_.begin() ? 0 : std::prev(above)->second.end;
    if (page < below_end || above == pieces_.end() || above->first - page > above->second.reserve) {
        return;
    }
    const std::uint64_t distance = above->first - page;
    const std::uint64_t whole = (distance + grow_bytes_ - 1) / grow_bytes_ * grow_bytes_;
    const auto grown = static_cast<std::uint32_t>(
        std::min({whole, std::uint64_t{above->second.reserve}, std::uint64_t{above->first - below_end}}));
    const Piece piece{above->first, above->second.reserve - grown};
    above->second.reserve = 0;
    pieces_.emplace(above->first - grown, piece);
}

void MappedRanges::set_locked(VaRange range, bool locked) {
    split(range.start);
    split(range.end);
    for (auto at = pieces_.lower_bound(range.start); at != pieces_.end() && at->first < range.end; ++at) {
        at->second.locked = locked;
    }
}

bool MappedRanges::covers(VaRange range) const {
    const auto found = mapped(range);
    return range.empty() || (found.size() == 1 && found.front() == range);
}

std::vector<VaRange> MappedRanges::runs(VaRange range, bool only_locked) const {
    std::vector<VaRange> result;
    auto at = pieces_.upper_bound(range.start);
    if (at != pieces_.begin()) {
        --at;
    }
    for (; at != pieces_.end() && at->first < range.end; ++at) {
        const VaRange part{std::max(at->first, range.start), std::min(at->second.end, range.end)};
        if (part.start >= part.end || (only_locked && !at->second.locked)) {
            continue;
        }
        if (!result.empty() && result.back().end == part.start) {
            result.back().end = part.end;
        } else {
            result.push_back(part);
        }
    }
    return result;
}

}  // namespace vmref
