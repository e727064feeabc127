// Page tables, and the copies of them that the TLBs hold.
#include <fmt/format.h>

#include <algorithm>

#include "cli/describe.h"
#include "cli/show_state.h"
#include "cli/table.h"
#include "impl/machine/pte.h"

namespace vmref::cli {

using namespace impl;

namespace {

// Neighbouring PTEs with equal bits.
struct Run {
    Va start = 0;
    Va end = 0;
    std::uint32_t bits = 0;
    std::vector<Frame> frames;
};

std::string frames_text(const std::vector<Frame>& frames) {
    constexpr std::size_t most = 8;
    std::string text;
    for (std::size_t n = 0; n < std::min(frames.size(), most); ++n) {
        add_word(text, std::to_string(frames[n]));
    }
    return frames.size() > most ? text + " ..." : text;
}

void add_pte(std::vector<Run>& runs, Va va, std::uint32_t word) {
    const std::uint32_t bits = word & ~kPteFrame;
    if (runs.empty() || runs.back().end != va || runs.back().bits != bits) {
        runs.push_back({va, va, bits, {}});
    }
    runs.back().end = va + kPageSize;
    runs.back().frames.push_back(word >> kPageShift);
}

std::vector<Run> runs_of(const PmapSystem& pmaps, const Pmap& pmap) {
    std::vector<Run> runs;
    for (Va table = 0; table < kUserEnd; table += 1U << kPdeShift) {
        if ((pmaps.pde(pmap, table) & kPteV) == 0) {
            continue;
        }
        for (std::uint32_t n = 0; n < kPtesPerTable; ++n) {
            const Va va = table + n * kPageSize;
            if (const std::uint32_t word = pmaps.pte(pmap, va); (word & kPteV) != 0) {
                add_pte(runs, va, word);
            }
        }
    }
    return runs;
}

// What a TLB entry promises that the page table does not say (any more).
std::string difference(const PmapSystem& pmaps, const Pmap* pmap, const TlbEntry& entry) {
    if (pmap == nullptr) {
        return "no address space is loaded";
    }
    const std::uint32_t word = pmaps.pte(*pmap, entry.page << kPageShift);
    if ((word & kPteV) == 0 || (!entry.big && word >> kPageShift != entry.frame)) {
        return "stale: PTE " + pte_text(word);
    }
    if ((entry.writable && (word & kPteRW) == 0) || (entry.modified && (word & kPteM) == 0)) {
        return "more than its PTE: " + pte_text(word);
    }
    return "";
}

}  // namespace

void show_page_tables(const Scene& scene, std::ostream& out) {
    for (const Pmap* const pmap : scene.address_spaces()) {
        out << fmt::format("{}: pmap {}, directory in frame {}, {} resident, {} wired\n", scene.owner_text(pmap->id),
                           pmap->id, pmap->directory->frame, pmap->resident_count, pmap->wired_count);
        Table table({"range", "pages", "bits", "frames"});
        for (const Run& run : runs_of(scene.pmaps(), *pmap)) {
            table.add({range_text(run.start, run.end), std::to_string(run.frames.size()), pte_bits_text(run.bits),
                       frames_text(run.frames)});
        }
        if (!table.empty()) {
            table.put(out);
        }
    }
}

void show_tlbs(const Scene& scene, std::ostream& out) {
    for (CpuId cpu = 0; cpu < scene.machine().cpu_count(); ++cpu) {
        const Pmap* const pmap = scene.loaded(cpu);
        out << fmt::format("cpu {}: {}\n", cpu, pmap == nullptr ? "idle" : scene.owner_text(pmap->id));
        Table table({"page", "frame", "rights", "agreement"});
        for (const TlbEntry& entry : scene.machine().cpu(cpu).tlb.entries()) {
            if (!entry.valid) {
                continue;
            }
            std::string rights = entry.writable ? "RW" : "R";
            add_word(rights, entry.user ? "U" : "");
            add_word(rights, entry.modified ? "M" : "");
            add_word(rights, entry.global ? "G" : "");
            const std::string differs = difference(scene.pmaps(), pmap, entry);
            table.add({hex(entry.page << kPageShift), std::to_string(entry.frame), rights,
                       differs.empty() ? "as its PTE" : differs});
        }
        if (!table.empty()) {
            table.put(out);
        }
    }
}

}  // namespace vmref::cli
