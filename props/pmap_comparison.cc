#include "props/pmap_comparison.h"

#include <fmt/format.h>

#include <algorithm>

namespace vmref::props {

namespace {

using impl::kPdeShift;
using impl::kPteA;
using impl::kPteM;
using impl::kPteRW;
using impl::kPteU;
using impl::kPteV;
using impl::kPteW;

std::optional<Violation> wrong(PmapNumber pmap, Va va, const std::string& what) {
    return Violation{"mapping", fmt::format("pmap {} va {:#x}: {}", pmap, va, what), 0};
}

}  // namespace

std::optional<Violation> PmapComparison::compare_changes() {
    std::optional<Violation> violation;
    for (const impl::Journal::Pte& pte : subject_.journal().ptes) {
        const PmapNumber pmap = subject_.number_of(pte.pmap);
        if (!violation && pmap != kMaxPmaps) {
            violation = compare_mapping(pmap, pte.va);
        }
    }
    for (const Frame frame : subject_.journal().frames) {
        const impl::Page& page = subject_.pages().page_of_frame(frame);
        if (!violation && subject_.is_data(page)) {
            violation = compare_page(page.pindex);
        }
    }
    return violation;
}

std::optional<Violation> PmapComparison::compare_sample() {
    compare_tlb(static_cast<CpuId>(turn_++ % subject_.machine().cpu_count()));
    const auto& pages = model_.pages();
    const auto next = pages.lower_bound(next_page_);
    const auto chosen = next == pages.end() ? pages.begin() : next;
    if (chosen == pages.end()) {
        return std::nullopt;
    }
    next_page_ = chosen->first + 1;
    return compare_page(chosen->first);
}

std::optional<Violation> PmapComparison::compare_all() {
    std::optional<Violation> violation = compare_kernel();
    for (PmapNumber pmap = 1; pmap < kMaxPmaps && !violation; ++pmap) {
        violation = compare_pmap(pmap);
    }
    for (const auto& [number, page] : model_.pages()) {
        violation = violation ? violation : compare_page(number);
    }
    for (CpuId cpu = 0; cpu < subject_.machine().cpu_count(); ++cpu) {
        compare_tlb(cpu);
    }
    return violation;
}

// --- mappings --------------------------------------------------------------------------------------------------------

std::optional<Violation> PmapComparison::compare_mapping(PmapNumber number, Va va) {
    if (number == kKernelPmap && !kEnterRange.holds(va)) {
        return kOwnRange.holds(va) ? std::nullopt : compare_kernel_leaf(va);
    }
    const impl::Pmap& pmap = *subject_.pmap(number);
    const std::uint32_t word = subject_.pmaps().pte(pmap, va);
    if (const model::BigLeaf* const big = model_.big(number, va)) {
        return compare_big(number, va, *big, word);
    }
    if (const model::Leaf* const leaf = model_.leaf(number, va)) {
        return compare_leaf(number, va, *leaf, word);
    }
    invariants_.evaluate(Rule::i15, true, (word & kPteV) == 0, [&] {
        return fmt::format("pmap {} va {:#x}: PTE {:#x}, expected none: nothing is mapped", number, va, word);
    });
    return std::nullopt;
}

std::optional<Violation> PmapComparison::compare_leaf(PmapNumber pmap, Va va, const model::Leaf& leaf,
                                                      std::uint32_t word) {
    ++cells_compared_;
    if ((word & kPteV) == 0) {
        return wrong(pmap, va, fmt::format("no valid PTE, expected page {}", leaf.page));
    }
    const Frame frame = subject_.page(leaf.page)->frame;
    const bool writable = (word & kPteRW) != 0;
    invariants_.evaluate(Rule::i14, true, word >> kPageShift == frame && (!writable || leaf.writable), [&] {
        return fmt::format("pmap {} va {:#x}: PTE {:#x}, expected no more than frame {} {}", pmap, va, word, frame,
                           leaf.writable ? "writable" : "read only");
    });
    const bool wired = (word & kPteW) != 0;
    const bool exact = writable == leaf.writable && wired == leaf.wired && ((word & kPteU) != 0) == (va < kUserEnd);
    invariants_.evaluate(Rule::i79, true, exact && (!leaf.used || (word & kPteA) != 0), [&] {
        return fmt::format("pmap {} va {:#x}: PTE {:#x}, expected it {}{}{}", pmap, va, word,
                           leaf.writable ? "writable" : "read only", leaf.wired ? " and wired" : " and not wired",
                           leaf.used ? ", used" : "");
    });
    const model::PageState* const page = model_.page(leaf.page);
    const bool unmanaged = page == nullptr || !page->managed;
    invariants_.evaluate(Rule::i23, unmanaged && leaf.stored, (word & kPteM) != 0, [&] {
        return fmt::format("pmap {} va {:#x}: PTE {:#x}, expected M of an unmanaged page to stay", pmap, va, word);
    });
    return std::nullopt;
}

std::optional<Violation> PmapComparison::compare_big(PmapNumber pmap, Va va, const model::BigLeaf& big,
                                                     std::uint32_t word) {
    ++cells_compared_;
    const std::uint32_t expected =
        subject_.page(kDevicePage)->frame << kPageShift | kPteV | kPteU | impl::kPtePS | (big.writable ? kPteRW : 0);
    if ((word & ~(kPteA | kPteM)) != expected) {
        return wrong(pmap, va, fmt::format("directory entry {:#x}, expected a 4 MiB page {:#x}", word, expected));
    }
    invariants_.evaluate(Rule::i23, big.stored, (word & kPteM) != 0, [&] {
        return fmt::format("pmap {} va {:#x}: directory entry {:#x}, expected M to stay", pmap, va, word);
    });
    return std::nullopt;
}

std::optional<Violation> PmapComparison::compare_kernel_leaf(Va va) {
    ++cells_compared_;
    const std::uint32_t word = subject_.pmaps().pte(subject_.pmaps().kernel_pmap(), va);
    const model::KernelLeaf* const leaf = model_.kernel_leaf(va);
    if (leaf == nullptr) {
        return word == 0 ? std::nullopt
                         : wrong(kKernelPmap, va, fmt::format("PTE {:#x}, expected none: nothing is mapped", word));
    }
    const std::uint32_t expected = subject_.page(leaf->page)->frame << kPageShift | kPteV | kPteRW;
    if ((word & ~(kPteA | kPteM | impl::kPteN | impl::kPteG)) != expected) {
        return wrong(kKernelPmap, va, fmt::format("PTE {:#x}, expected {:#x}", word, expected));
    }
    return std::nullopt;
}

std::optional<Violation> PmapComparison::compare_pmap(PmapNumber number) {
    const impl::Pmap* const pmap = subject_.pmap(number);
    const model::Space* const space = model_.space(number);
    if ((pmap != nullptr) != (space != nullptr)) {
        return Violation{
            "mapping",
            fmt::format("pmap {} {}, expected otherwise", number, pmap != nullptr ? "exists" : "does not exist"), 0};
    }
    if (pmap == nullptr) {
        return std::nullopt;
    }
    std::optional<Violation> violation;
    std::uint32_t found = 0;
    for (PageIndex index = 0; index < impl::pde_index(kUserEnd) && !violation; ++index) {
        const Va first = index << kPdeShift;
        const std::uint32_t pde = subject_.pmaps().pde(*pmap, first);
        if ((pde & impl::kPtePS) != 0 || pde == 0 || space->bigs.contains(index)) {
            violation = pde != 0 || space->bigs.contains(index) ? compare_mapping(number, first) : std::nullopt;
            continue;
        }
        for (Va va = first; va - first < kBigPageSize && !violation; va += kPageSize) {
            if (subject_.pmaps().pte(*pmap, va) != 0) {
                violation = compare_mapping(number, va);
                ++found;
            }
        }
    }
    if (!violation && found != space->leaves) {
        return Violation{"mapping", fmt::format("pmap {} maps {} pages, expected {}", number, found, space->leaves), 0};
    }
    return violation;
}

std::optional<Violation> PmapComparison::compare_kernel() {
    for (Va va = kEnterRange.start; va < kEnterRange.end; va += kPageSize) {
        if (auto violation = compare_mapping(kKernelPmap, va)) {
            return violation;
        }
    }
    for (const auto& [va, leaf] : model_.kernel_leaves()) {
        if (auto violation = compare_kernel_leaf(va)) {
            return violation;
        }
    }
    for (Va va = kUnmanagedRange.start; va < kCrashRange.end; va += kPageSize) {
        if (auto violation = compare_kernel_leaf(va)) {
            return violation;
        }
    }
    return std::nullopt;
}

// --- pages -----------------------------------------------------------------------------------------------------------

std::optional<Violation> PmapComparison::compare_page(PageNumber number) {
    ++cells_compared_;
    const impl::Page* const page = subject_.page(number);
    const model::PageState& state = *model_.page(number);
    if (page == nullptr) {
        return Violation{"page", fmt::format("page {} does not exist, expected it to", number), 0};
    }
    const std::uint8_t* const bytes = subject_.machine().memory().frame(page->frame);
    const bool same = state.bytes.empty()
                          ? std::all_of(bytes, bytes + kPageSize, [](std::uint8_t byte) { return byte == 0; })
                          : std::equal(bytes, bytes + kPageSize, state.bytes.begin());
    if (!same) {
        return Violation{"page", fmt::format("page {}: its bytes are not those that were stored", number), 0};
    }
    if (page->wire_count != state.wirings) {
        return Violation{
            "page", fmt::format("page {} is wired {} times, expected {}", number, page->wire_count, state.wirings), 0};
    }
    bool modified = page->dirty != 0;
    for (const impl::PvEntry& pv : page->pv_list) {
        modified = modified || (!is_untracked(pv.va) && (subject_.pmaps().pte(*pv.pmap, pv.va) & kPteM) != 0);
    }
    invariants_.evaluate(Rule::i69, state.managed && state.written, modified,
                         [&] { return fmt::format("page {} was stored to: expected it dirty or M in a PTE", number); });
    invariants_.evaluate(Rule::i70, state.must_be_referenced, page->has(impl::kPageReferenced), [&] {
        return fmt::format("page {} was used through a mapping that is gone: expected it marked referenced", number);
    });
    return std::nullopt;
}

// --- TLBs ------------------------------------------------------------------------------------------------------------

// All but what may be old: unsynchronised kernel addresses, and the alternate window (I-73).
void PmapComparison::compare_tlb(CpuId cpu) {
    const impl::Cpu& state = subject_.machine().cpu(cpu);
    const PageIndex window = impl::PmapSystem::alternate_index(cpu);
    for (const impl::TlbEntry& entry : state.tlb.entries()) {
        const Va va = entry.page << kPageShift;
        const bool exempt = impl::pde_index(va) == window || (model_.stale(va) >> cpu & 1U) != 0;
        if (entry.valid && !exempt) {
            invariants_.pmap_rules().check_tlb_entry(subject_.running(cpu), cpu, entry);
        }
    }
}

}  // namespace vmref::props
