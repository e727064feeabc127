// Page tables, pv entries, counts, TLBs.
#include <fmt/format.h>

#include <algorithm>

#include "props/invariants/names.h"
#include "props/invariants/pmap_rules.h"

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

const impl::Page* PmapRules::check_leaf(const impl::Pmap& pmap, Va va, std::uint32_t word) {
    if ((word & kPteV) == 0) {
        evaluate(Rule::i60, true, word == 0, [&] {
            return fmt::format("{}: expected an empty or a valid PTE, found {:#x}", name_of(pmap, va), word);
        });
        return nullptr;
    }
    const bool user = va < kUserEnd;
    evaluate(Rule::i21, true, ((word & kPteU) != 0) == user, [&] {
        return fmt::format("{}: expected {}U in a {} PTE, found {:#x}", name_of(pmap, va), user ? "" : "no ",
                           user ? "user" : "kernel", word);
    });
    const Frame frame = word >> kPageShift;
    if (!evaluate(Rule::i60, true, is_frame(frame), [&] {
            return fmt::format("{}: PTE {:#x} maps frame {}, which is not RAM", name_of(pmap, va), word, frame);
        })) {
        return nullptr;
    }
    const impl::Page& page = pages_.page_of_frame(frame);
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
    return &page;
}

PmapRules::Mappings PmapRules::check_mappings(const impl::Page& page) {
    Mappings result;
    for (const impl::PvEntry& pv : page.pv_list) {
        const std::uint32_t word = pmaps_.pte(*pv.pmap, pv.va);
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

void PmapRules::check_directory_entry(const impl::Pmap& pmap, PageIndex index, std::uint32_t word) {
    constexpr std::uint32_t kTable = kPteU | kPteRW | kPteV;
    const bool own_slot = index == impl::kDirectoryIndex;
    if (word == 0 && !own_slot) {
        return;
    }
    const bool big = (word & impl::kPtePS) != 0;  // a leaf of its own rights
    const bool holds = own_slot ? (word & (kPteV | kPteU)) == kPteV
                                : (word & kTable) == kTable || (big && (word & (kPteV | kPteU)) == (kPteV | kPteU));
    evaluate(Rule::i21, true, holds, [&] {
        return fmt::format("pmap {} directory entry {}: expected {}, found {:#x}", pmap.id, index,
                           own_slot ? "V without U" : "U, RW and V", word);
    });
}

// --- TLBs ----------------------------------------------------------------------------------------------------------

// After a change of a PTE of `pmap`.
void PmapRules::check_interlock(const impl::Pmap& pmap) {
    evaluate(Rule::i68, true, !pmap.interlocked && (pmaps_.stopped_cpus() & pmap.active) == 0, [&] {
        return fmt::format("pmap {}: {}, CPUs {:#x} stopped; expected that every CPU runs after a change", pmap.id,
                           pmap.interlocked ? "interlocked" : "not interlocked", pmaps_.stopped_cpus());
    });
}

void PmapRules::check_cached(const impl::Pmap& pmap, Va va) {
    check_interlock(pmap);
    const Pa directory = pmap.directory->frame << kPageShift;
    for (CpuId cpu = 0; cpu < machine_.cpu_count(); ++cpu) {
        const impl::Cpu& state = machine_.cpu(cpu);
        const impl::TlbEntry* const cached = state.cr3 == directory ? state.tlb.find(va) : nullptr;
        if (cached != nullptr) {
            check_tlb_entry(pmap, cpu, *cached);
        }
    }
}

void PmapRules::check_tlb_entry(const impl::Pmap& pmap, CpuId cpu, const impl::TlbEntry& cached) {
    const Va va = cached.page << kPageShift;
    const std::uint32_t pde = pmaps_.pde(pmap, va);
    const bool big = (pde & impl::kPtePS) != 0;
    const std::uint32_t leaf = big ? pde : pmaps_.pte(pmap, va);
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

void PmapRules::check_all_tlbs() {
    for (CpuId cpu = 0; cpu < machine_.cpu_count(); ++cpu) {
        const impl::Cpu& state = machine_.cpu(cpu);
        if (state.cr3 == 0) {
            continue;
        }
        const auto& pmaps = pmaps_.all();
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

void PmapRules::check_pmap_counts(const impl::Pmap& pmap) {
    check_interlock(pmap);
    std::uint32_t leaves = 0;
    std::uint32_t wired = 0;
    std::uint32_t tables = 0;
    std::uint32_t big = 0;
    for (PageIndex index = 0; index < kUserTables; ++index) {
        const std::uint32_t pde = pmaps_.pde(pmap, index << impl::kPdeShift);
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
    check_directory_entry(pmap, impl::kDirectoryIndex, pmaps_.pde(pmap, impl::kDirectoryIndex << impl::kPdeShift));
    const std::uint32_t expected = leaves + tables + 1 + impl::kPtesPerTable * big;
    evaluate(Rule::i62, true, pmap.resident_count == expected, [&] {
        return fmt::format(
            "pmap {}: resident count {}, expected {} of {} leaves, {} page tables, {} big pages and the "
            "directory",
            pmap.id, pmap.resident_count, expected, leaves, tables, big);
    });
    check_hint(pmap);
    evaluate(Rule::i63, true, pmap.wired_count == wired, [&] {
        return fmt::format("pmap {}: wired count {}, expected the {} leaves with W", pmap.id, pmap.wired_count, wired);
    });
}

void PmapRules::check_hint(const impl::Pmap& pmap) {
    const impl::Page* const hint = pmap.ptphint;
    const auto is_table = [&] {
        const std::uint32_t pde = pmaps_.pde(pmap, hint->pindex << impl::kPdeShift);
        return hint->object == pmap.pteobj && hint->wire_count >= 1 && pde >> kPageShift == hint->frame;
    };
    evaluate(Rule::i66, hint != nullptr, hint == nullptr || is_table(), [&] {
        return fmt::format("pmap {}: its hint is {}, which is none of its tables", pmap.id, name_of(*hint));
    });
}

// One page table, if there is one at that directory index; adds up what it holds.
void PmapRules::check_table_counts(const impl::Pmap& pmap, PageIndex index, std::uint32_t& leaves,
                                   std::uint32_t& wired) {
    const std::uint32_t pde = pmaps_.pde(pmap, index << impl::kPdeShift);
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
        const std::uint32_t word = machine_.memory().read32((frame << kPageShift) + 4 * i);
        count += (word & kPteV) != 0 ? 1 : 0;
        wired += (word & (kPteV | kPteW)) == (kPteV | kPteW) ? 1 : 0;
    }
    leaves += count;
    evaluate(Rule::i65, true, count != 0,
             [&] { return fmt::format("pmap {} page table {} has no leaf, expected it freed", pmap.id, index); });
    const impl::Page& table = pages_.page_of_frame(frame);
    evaluate(Rule::i64, true, table.wire_count == count && table.object == pmap.pteobj && table.pindex == index, [&] {
        return fmt::format(
            "pmap {} page table {}: {} is wired {} times, expected a page of object {} wired for each of "
            "its {} leaves",
            pmap.id, index, name_of(table), table.wire_count, pmap.pteobj->id, count);
    });
}

// Every pv entry is on one page's and on one pmap's list, and nowhere else.
void PmapRules::check_pv_total() {
    std::size_t of_pages = 0;
    for (const impl::Page& page : pages_.pages()) {
        of_pages += page.pv_list.size();
    }
    std::size_t of_pmaps = 0;
    for (const impl::Pmap* const pmap : pmaps_.all()) {
        of_pmaps += pmap == nullptr ? 0 : pmap->pv_list.size();
    }
    const std::uint32_t counted = pmaps_.pv_count();
    evaluate(Rule::i60, true, of_pages == counted && of_pmaps == counted, [&] {
        return fmt::format("{} pv entries in use, expected as many on pages and on pmaps, found {} and {}", counted,
                           of_pages, of_pmaps);
    });
}

}  // namespace vmref::props
