// Page tables, pv entries, counts, TLBs.
#include <fmt/format.h>

#include <algorithm>

#include "props/invariants/invariant_set.h"
#include "props/invariants/names.h"

namespace vmref::props {

namespace {

using impl::kPteFrame;
using impl::kPteM;
using impl::kPteManaged;
using impl::kPteRW;
using impl::kPteU;
using impl::kPteV;
using impl::kPteW;

constexpr PageIndex kUserTables = impl::pde_index(kUserEnd);

bool managed(const impl::Page& page) {
    return !page.has(impl::kPageUnmanaged | impl::kPageFictitious);
}

}  // namespace

impl::Map* InvariantSet::map_of(const impl::Pmap& pmap) const {
    impl::Process* const process = subject_.find_by_pmap(pmap.id);
    return process == nullptr ? nullptr : &process->map;
}

// A word of a page table that covers `va`; also an invalid one.
void InvariantSet::check_leaf(const impl::Pmap& pmap, const impl::MapEntry* entry, Va va, std::uint32_t word) {
    if ((word & kPteV) == 0) {
        evaluate(Rule::i60, true, word == 0, [&] {
            return fmt::format("{}: expected an empty or a valid PTE, found {:#x}", name_of(pmap, va), word);
        });
        return;
    }
    evaluate(Rule::i21, true, (word & kPteU) != 0,
             [&] { return fmt::format("{}: expected U in a user PTE, found {:#x}", name_of(pmap, va), word); });
    const Frame frame = word >> kPageShift;
    if (!evaluate(Rule::i60, true, is_frame(frame), [&] {
            return fmt::format("{}: PTE {:#x} maps frame {}, which is not RAM", name_of(pmap, va), word, frame);
        })) {
        return;
    }
    const impl::Page& page = kernel_.pages.page_of_frame(frame);
    evaluate(Rule::i61, true, ((word & kPteManaged) != 0) == managed(page), [&] {
        return fmt::format("{}: PTE {:#x} maps {} with flags {:#x}, expected it {}", name_of(pmap, va), word,
                           name_of(page), page.flags, managed(page) ? "managed" : "unmanaged");
    });
    const auto pvs = std::count_if(page.pv_list.begin(), page.pv_list.end(),
                                   [&](const impl::PvEntry& pv) { return pv.pmap == &pmap && pv.va == va; });
    evaluate(Rule::i60, true, pvs == (managed(page) ? 1 : 0), [&] {
        return fmt::format("{}: PTE {:#x} maps {}, expected {} pv entry for it, found {}", name_of(pmap, va), word,
                           name_of(page), managed(page) ? "one" : "no", pvs);
    });
    check_rights(pmap, entry, va, word);
    if (!full_) {
        visit_page(page);
        if (page.object != nullptr) {
            visit_object(*page.object);
        }
    }
}

InvariantSet::Mappings InvariantSet::check_mappings(const impl::Page& page) {
    Mappings result;
    for (const impl::PvEntry& pv : page.pv_list) {
        const std::uint32_t word = kernel_.pmaps.pte(*pv.pmap, pv.va);
        const bool maps = (word & kPteV) != 0 && word >> kPageShift == page.frame;
        evaluate(Rule::i60, true, maps && pv.page == &page, [&] {
            return fmt::format("{}: {} has a pv entry there, expected its PTE, found {:#x}", name_of(*pv.pmap, pv.va),
                               name_of(page), word);
        });
        result.modified = result.modified || (maps && (word & kPteM) != 0);
        if (maps && (word & kPteRW) != 0) {
            result.writable = &pv;
        }
    }
    const bool mapped = !page.pv_list.empty();
    const bool holds = page.has(impl::kPageMapped) == mapped && (mapped || !page.has(impl::kPageWriteable));
    evaluate(Rule::i72, mapped || page.has(impl::kPageMapped | impl::kPageWriteable), holds, [&] {
        return fmt::format("{}: flags {:#x} do not fit {} pv entries", name_of(page), page.flags, page.pv_list.size());
    });
    return result;
}

// --- TLBs ----------------------------------------------------------------------------------------------------------

void InvariantSet::check_cached(const impl::Pmap& pmap, Va va) {
    const Pa directory = pmap.directory->frame << kPageShift;
    for (CpuId cpu = 0; cpu < kernel_.machine.cpu_count(); ++cpu) {
        const impl::Cpu& state = kernel_.machine.cpu(cpu);
        const impl::TlbEntry* const cached = state.cr3 == directory ? state.tlb.find(va) : nullptr;
        if (cached != nullptr) {
            check_tlb_entry(pmap, cpu, *cached);
        }
    }
}

void InvariantSet::check_tlb_entry(const impl::Pmap& pmap, CpuId cpu, const impl::TlbEntry& cached) {
    const Va va = cached.page << kPageShift;
    const std::uint32_t pde = kernel_.pmaps.pde(pmap, va);
    const bool big = (pde & impl::kPtePS) != 0;
    const std::uint32_t leaf = big ? pde : kernel_.pmaps.pte(pmap, va);
    const Frame frame = big ? ((pde & impl::kPteBigFrame) >> kPageShift) + impl::pte_index(va) : leaf >> kPageShift;
    const std::uint32_t granted = pde & leaf;
    const bool holds = (granted & kPteV) != 0 && frame == cached.frame &&
                       (!cached.writable || (granted & kPteRW) != 0) && (!cached.user || (granted & kPteU) != 0) &&
                       (!cached.modified || (leaf & kPteM) != 0);
    evaluate(Rule::i67, true, holds, [&] {
        return fmt::format("{}: CPU {} caches frame {}{}{}{}, expected no more than PTE {:#x} under PDE {:#x}",
                           name_of(pmap, va), cpu, cached.frame, cached.writable ? " writable" : "",
                           cached.user ? " user" : "", cached.modified ? " modified" : "", leaf, pde);
    });
}

void InvariantSet::check_all_tlbs() {
    for (CpuId cpu = 0; cpu < kernel_.machine.cpu_count(); ++cpu) {
        const impl::Cpu& state = kernel_.machine.cpu(cpu);
        if (state.cr3 == 0) {
            continue;
        }
        const auto& pmaps = kernel_.pmaps.all();
        const auto current = std::find_if(pmaps.begin(), pmaps.end(), [&](const impl::Pmap* pmap) {
            return pmap != nullptr && pmap->directory->frame << kPageShift == state.cr3;
        });
        if (!evaluate(Rule::i67, true, current != pmaps.end(), [&] {
                return fmt::format("CPU {} runs with directory {:#x}, expected that of a live pmap", cpu, state.cr3);
            })) {
            continue;
        }
        for (const impl::TlbEntry& cached : state.tlb.entries()) {
            if (cached.valid) {
                check_tlb_entry(**current, cpu, cached);
            }
        }
    }
}

// --- counts --------------------------------------------------------------------------------------------------------

// Every leaf, and the counts.
void InvariantSet::check_pmap(const impl::Pmap& pmap) {
    impl::Map* const map = map_of(pmap);
    for (PageIndex index = 0; index < kUserTables; ++index) {
        const Va first = index << impl::kPdeShift;
        const std::uint32_t pde = kernel_.pmaps.pde(pmap, first);
        if ((pde & kPteV) == 0 || (pde & impl::kPtePS) != 0 || !is_frame(pde >> kPageShift)) {
            continue;
        }
        for (std::uint32_t i = 0; i < impl::kPtesPerTable; ++i) {
            const std::uint32_t word = kernel_.machine.memory().read32((pde & kPteFrame) + 4 * i);
            const Va va = first + (i << kPageShift);
            if (word != 0) {
                check_leaf(pmap, map == nullptr ? nullptr : impl::map_entry_at(*map, va), va, word);
            }
        }
    }
    check_pmap_counts(pmap);
}

void InvariantSet::check_pmap_counts(const impl::Pmap& pmap) {
    std::uint32_t leaves = 0;
    std::uint32_t wired = 0;
    std::uint32_t tables = 0;
    std::uint32_t big = 0;
    for (PageIndex index = 0; index < kUserTables; ++index) {
        const std::uint32_t pde = kernel_.pmaps.pde(pmap, index << impl::kPdeShift);
        check_directory_entry(pmap, index, pde);
        if ((pde & kPteV) == 0) {
            continue;
        }
        if ((pde & impl::kPtePS) != 0) {
            ++big;
            continue;
        }
        ++tables;
        check_table_counts(pmap, index, leaves, wired);
    }
    check_directory_entry(pmap, impl::kDirectoryIndex,
                          kernel_.pmaps.pde(pmap, impl::kDirectoryIndex << impl::kPdeShift));
    const std::uint32_t expected = leaves + tables + 1 + impl::kPtesPerTable * big;
    evaluate(Rule::i62, true, pmap.resident_count == expected, [&] {
        return fmt::format(
            "pmap {}: resident count {}, expected {} of {} leaves, {} page tables, {} big pages and the "
            "directory",
            pmap.id, pmap.resident_count, expected, leaves, tables, big);
    });
    evaluate(Rule::i63, true, pmap.wired_count == wired, [&] {
        return fmt::format("pmap {}: wired count {}, expected the {} leaves with W", pmap.id, pmap.wired_count, wired);
    });
}

// One page table, if there is one at that directory index; adds up what it holds.
void InvariantSet::check_table_counts(const impl::Pmap& pmap, PageIndex index, std::uint32_t& leaves,
                                      std::uint32_t& wired) {
    const std::uint32_t pde = kernel_.pmaps.pde(pmap, index << impl::kPdeShift);
    const Frame frame = pde >> kPageShift;
    if ((pde & kPteV) == 0 || (pde & impl::kPtePS) != 0) {
        return;
    }
    if (!evaluate(Rule::i64, true, is_frame(frame), [&] {
            return fmt::format("pmap {} directory entry {}: {:#x} names no frame", pmap.id, index, pde);
        })) {
        return;
    }
    std::uint32_t count = 0;
    for (std::uint32_t i = 0; i < impl::kPtesPerTable; ++i) {
        const std::uint32_t word = kernel_.machine.memory().read32((frame << kPageShift) + 4 * i);
        count += (word & kPteV) != 0 ? 1 : 0;
        wired += (word & (kPteV | kPteW)) == (kPteV | kPteW) ? 1 : 0;
    }
    leaves += count;
    const impl::Page& table = kernel_.pages.page_of_frame(frame);
    evaluate(Rule::i64, true, table.wire_count == count && table.object == pmap.pteobj && table.pindex == index, [&] {
        return fmt::format(
            "pmap {} page table {}: {} is wired {} times, expected a page of object {} wired for each of "
            "its {} leaves",
            pmap.id, index, name_of(table), table.wire_count, pmap.pteobj->id, count);
    });
}

// Every pv entry is on one page's and on one pmap's list, and nowhere else.
void InvariantSet::check_pv_total() {
    std::size_t of_pages = 0;
    for (const impl::Page& page : kernel_.pages.pages()) {
        of_pages += page.pv_list.size();
    }
    std::size_t of_pmaps = 0;
    for (const impl::Pmap* const pmap : kernel_.pmaps.all()) {
        of_pmaps += pmap == nullptr ? 0 : pmap->pv_list.size();
    }
    const std::uint32_t counted = kernel_.pmaps.pv_count();
    evaluate(Rule::i60, true, of_pages == counted && of_pmaps == counted, [&] {
        return fmt::format("{} pv entries in use, expected as many on pages and on pmaps, found {} and {}", counted,
                           of_pages, of_pmaps);
    });
}

}  // namespace vmref::props
