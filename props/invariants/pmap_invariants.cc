#include "props/invariants/pmap_invariants.h"

#include <fmt/format.h>

#include <algorithm>
#include <variant>

#include "props/invariants/names.h"

namespace vmref::props {

namespace {

using impl::kPdeShift;
using impl::kPteA;
using impl::kPteFrame;
using impl::kPtePS;
using impl::kPteV;
using impl::kPteW;

constexpr PageIndex kUserTables = impl::pde_index(kUserEnd);

}  // namespace

PmapInvariants::PmapInvariants(impl::PmapHost& subject)
    : RuleBook(WorldName::pmap),
      subject_(subject),
      pmap_rules_(*this, subject.machine(), subject.pages(), subject.pmaps()) {}

void PmapInvariants::check_changes() {
    for (const impl::Journal::Pte& pte : subject_.journal().ptes) {
        check_pte(pte.pmap, pte.va);
    }
    ++round_;
    check_window(static_cast<CpuId>(round_ % subject_.machine().cpu_count()));
    check_pv_entries();
    // Recounts cost as much as the tables are long: in turn only.
    constexpr std::uint64_t every = 64;
    if (round_ % every == 0) {
        const auto& pmaps = subject_.pmaps().all();
        const impl::Pmap* const pmap = pmaps[(round_ / every) % pmaps.size()];
        if (pmap == &subject_.pmaps().kernel_pmap()) {
            check_kernel_pmap();
        } else if (pmap != nullptr) {
            check_user_pmap(*pmap);
        }
    }
}

void PmapInvariants::check_all() {
    for (const impl::Pmap* const pmap : subject_.pmaps().all()) {
        if (pmap == &subject_.pmaps().kernel_pmap()) {
            check_kernel_pmap();
        } else if (pmap != nullptr) {
            check_user_pmap(*pmap);
        }
    }
    for (const impl::Page& page : subject_.pages().pages()) {
        if (page.frame != 0) {
            check_page(page);
        }
    }
    for (CpuId cpu = 0; cpu < subject_.machine().cpu_count(); ++cpu) {
        check_window(cpu);
    }
    check_kept();
    pmap_rules_.check_pv_total();
    check_pv_entries();
}

void PmapInvariants::check_pte(impl::PmapId id, Va va) {
    const impl::Pmap* const pmap = subject_.pmaps().find(id);
    if (pmap == nullptr) {
        return;
    }
    const bool kernel = pmap == &subject_.pmaps().kernel_pmap();
    evaluate(Rule::i78, true, (va >= kUserEnd) == kernel, [&] {
        return fmt::format("{}: expected it to map {} addresses only", name_of(*pmap, va), kernel ? "kernel" : "user");
    });
    const std::uint32_t pde = subject_.pmaps().pde(*pmap, va);
    if (!kernel) {
        pmap_rules_.check_directory_entry(*pmap, impl::pde_index(va), pde);
        check_generation(*pmap);
    }
    if ((pde & kPtePS) == 0 && (!kernel || kEnterRange.holds(va))) {
        check_leaf(*pmap, va, subject_.pmaps().pte(*pmap, va));
    }
}

void PmapInvariants::check_leaf(const impl::Pmap& pmap, Va va, std::uint32_t word) {
    if (const impl::Page* const page = pmap_rules_.check_leaf(pmap, va, word)) {
        check_page(*page);
    }
}

void PmapInvariants::check_page(const impl::Page& page) {
    evaluate(Rule::i46, true, !page.busied() && page.soft_busy == 0,
             [&] { return fmt::format("{} is busy, expected nothing busy at rest", name_of(page)); });
    const PmapRules::Mappings mappings = pmap_rules_.check_mappings(page);
    evaluate(Rule::i72, mappings.writable != nullptr, page.has(impl::kPageWriteable), [&] {
        return fmt::format("{}: PTE at {:#x} may write, expected the page marked writeable", name_of(page),
                           mappings.writable->va);
    });
}

void PmapInvariants::check_user_pmap(const impl::Pmap& pmap) {
    for (PageIndex index = 0; index < kUserTables; ++index) {
        const std::uint32_t pde = subject_.pmaps().pde(pmap, index << kPdeShift);
        if ((pde & kPteV) == 0 || (pde & kPtePS) != 0) {
            continue;
        }
        for (std::uint32_t i = 0; i < impl::kPtesPerTable; ++i) {
            const std::uint32_t word = subject_.machine().memory().read32((pde & kPteFrame) + 4 * i);
            if (word != 0) {
                check_leaf(pmap, (index << kPdeShift) + (i << kPageShift), word);
            }
        }
    }
    pmap_rules_.check_pmap_counts(pmap);
    check_kernel_part(pmap);
    check_generation(pmap);
}

// Of kernel_pmap only what pmap_enter entered counts.
void PmapInvariants::check_kernel_pmap() {
    const impl::Pmap& kernel = subject_.pmaps().kernel_pmap();
    std::uint32_t leaves = 0;
    std::uint32_t wired = 0;
    for (Va va = kEnterRange.start; va < kEnterRange.end; va += kPageSize) {
        const std::uint32_t word = subject_.pmaps().pte(kernel, va);
        if (word != 0) {
            check_leaf(kernel, va, word);
            ++leaves;
            wired += (word & kPteW) != 0 ? 1 : 0;
        }
    }
    evaluate(Rule::i62, true, kernel.resident_count == leaves, [&] {
        return fmt::format("kernel_pmap: resident count {}, expected its {} leaves", kernel.resident_count, leaves);
    });
    evaluate(Rule::i63, true, kernel.wired_count == wired, [&] {
        return fmt::format("kernel_pmap: wired count {}, expected its {} leaves with W", kernel.wired_count, wired);
    });
}

void PmapInvariants::check_kernel_part(const impl::Pmap& pmap) {
    const impl::Pmap& kernel = subject_.pmaps().kernel_pmap();
    for (Va va = kKernelBase; va < subject_.pmaps().kernel_end(); va += kBigPageSize) {
        const std::uint32_t mine = subject_.pmaps().pde(pmap, va);
        const std::uint32_t kernels = subject_.pmaps().pde(kernel, va);
        evaluate(Rule::i76, true, mine == kernels, [&] {
            return fmt::format("pmap {} directory entry {}: {:#x}, expected the kernel's {:#x}", pmap.id,
                               impl::pde_index(va), mine, kernels);
        });
    }
}

void PmapInvariants::check_kept() {
    for (const impl::Pmap* const pmap : subject_.pmaps().kept()) {
        const std::uint8_t* const bytes = subject_.machine().memory().frame(pmap->directory->frame);
        const bool empty = std::all_of(bytes, bytes + kPageSize, [](std::uint8_t byte) { return byte == 0; });
        evaluate(Rule::i77, true, empty && pmap->directory->wire_count == 1 && pmap->pv_list.empty(),
                 [&] { return fmt::format("released pmap {}: expected an empty directory wired once", pmap->id); });
    }
}

void PmapInvariants::check_generation(const impl::Pmap& pmap) {
    seen_.resize(std::max<std::size_t>(seen_.size(), pmap.id + 1));
    Seen& seen = seen_[pmap.id];
    const bool changed = seen.pvs != pmap.pv_list.size();
    evaluate(Rule::i75, changed, pmap.generation > seen.generation, [&] {
        return fmt::format("pmap {}: {} pv entries after {}, expected a new generation", pmap.id, pmap.pv_list.size(),
                           seen.pvs);
    });
    seen = {pmap.generation, pmap.pv_list.size()};
}

// What the CPU's alternate window shows, if the pmap counts on it.
void PmapInvariants::check_window(CpuId cpu) {
    const impl::Cpu& state = subject_.machine().cpu(cpu);
    const PageIndex slot = impl::PmapSystem::alternate_index(cpu);
    const Frame shown = subject_.machine().memory().read32(state.cr3 + 4 * slot) >> kPageShift;
    for (const impl::Pmap* const pmap : subject_.pmaps().all()) {
        if (pmap == nullptr || (pmap->cached >> cpu & 1U) == 0 || pmap->directory->frame != shown) {
            continue;
        }
        for (const impl::TlbEntry& entry : state.tlb.entries()) {
            if (!entry.valid || entry.page >> (kPdeShift - kPageShift) != slot) {
                continue;
            }
            const std::uint32_t pde = subject_.pmaps().pde(*pmap, entry.page << kPdeShift);
            evaluate(Rule::i73, true, (pde & kPteV) != 0 && pde >> kPageShift == entry.frame, [&] {
                return fmt::format("CPU {} shows frame {} as page table {} of pmap {}, whose directory has {:#x}", cpu,
                                   entry.frame, entry.page % impl::kPtesPerTable, pmap->id, pde);
            });
        }
    }
}

void PmapInvariants::check_pv_entries() {
    const impl::PmapSystem& pmaps = subject_.pmaps();
    const bool counted = pmaps.pv_entry_count() == pmaps.pv_count();
    const bool told = pmaps.pv_entry_count() <= pmaps.pv_high_water() || pmaps.pv_woken();
    evaluate(Rule::i88, true, counted && (told || collected_), [&] {
        return fmt::format("{} pv entries taken, {} on the lists, high water {}, the daemon {}", pmaps.pv_entry_count(),
                           pmaps.pv_count(), pmaps.pv_high_water(), pmaps.pv_woken() ? "is told" : "is not told");
    });
}

void PmapInvariants::judge(const Operation& operation, const Observation& observed) {
    const auto* const call = std::get_if<PageCall>(&operation);
    if (call != nullptr && call->call == PageCallName::pmap_ts_referenced) {
        bool left = false;
        for (const impl::PvEntry& pv : subject_.page(call->page)->pv_list) {
            left = left || (!is_untracked(pv.va) && (subject_.pmaps().pte(*pv.pmap, pv.va) & kPteA) != 0);
        }
        evaluate(Rule::i71, observed.value == 0, !left,
                 [&] { return fmt::format("page {}: no reference was reported, but a PTE has A", call->page); });
    }
    if (std::holds_alternative<PmapCollect>(operation) && observed.value != 0) {
        collected_ = true;  // wired pages may keep more than the high water
    } else if (subject_.pmaps().pv_woken()) {
        collected_ = false;
    }
    const bool enters =
        std::holds_alternative<PmapEnter>(operation) || std::holds_alternative<PmapEnterQuick>(operation);
    evaluate(Rule::i86, enters && observed.status == Status::resource_shortage, subject_.journal().ptes.empty(),
             [] { return std::string("a mapping changed although there was a shortage"); });
}

}  // namespace vmref::props
