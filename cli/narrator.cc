#include "cli/narrator.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <nlohmann/json.hpp>
#include <utility>
#include <variant>

#include "cli/describe.h"
#include "cli/operation_line.h"
#include "impl/vm/fault_state.h"

namespace vmref::cli {

using namespace impl;

namespace {

// Of one kind, before the rest is only counted.
constexpr std::uint64_t kMostTold = 8;

std::string cpus_text(std::uint32_t mask) {
    const int count = std::popcount(mask);
    return count == 0 ? "no CPU invalidated" : "invalidated on " + counted(static_cast<std::uint64_t>(count), "CPU");
}

// What leaving by an exit does, besides releasing everything.
std::string exit_text(const ExitRule& rule) {
    std::string text;
    if (rule.clears_first_shared) {
        add_word(text, "the top object will be held exclusively", ", ");
    }
    if (rule.clears_shared) {
        add_word(text, "so will those below", ", ");
    }
    if (rule.wait == ExitWait::memory) {
        add_word(text, "waits for memory", ", ");
    } else if (rule.wait == ExitWait::page) {
        add_word(text, "waits for the page", ", ");
    }
    add_word(text, rule.status == Status::try_again ? "then tries again" : "gives " + status_text(rule.status), ", ");
    return text;
}

}  // namespace

Narrator::Narrator(const Scene& scene, std::ostream& out) : scene_(scene), out_(out) {
    scene_.journal().narration = this;
}

Narrator::~Narrator() {
    scene_.journal().narration = nullptr;
}

// --- the frame of an operation

void Narrator::before(std::uint64_t number, const Operation& operation) {
    out_ << fmt::format("{:>4}  {}\n", number, operation_line(operation));
    told_.fill(0);
    muted_ = prefaulting_ = false;
    prefaulted_.clear();
    faults_before_ = scene_.page_faults();
    walks_before_ = walks();
}

void Narrator::after(const Operation& operation, const Observation* observed) {
    for (std::size_t kind = 0; kind < told_.size(); ++kind) {
        say_left_out(static_cast<Kind>(kind));
    }
    if (observed == nullptr) {
        return;
    }
    const auto* const access = std::get_if<Access>(&operation);
    const auto* const by_cpu = std::get_if<HardwareAccess>(&operation);
    const bool went_through = observed->signal == Signal::none && observed->status == Status::success;
    if (access != nullptr && went_through) {
        const Process* const process = scene_.processes()->find(access->pid);
        say_access(process != nullptr ? process->map.pmap->id : 0, access->addr, access->size);
    } else if (by_cpu != nullptr && went_through) {
        say_access(scene_.loaded(by_cpu->cpu)->id, by_cpu->va, by_cpu->size);
    } else if (access == nullptr) {
        say_entries();
    }
    if (const std::string result = observation_line(operation, *observed); !result.empty()) {
        say("= " + result);
    }
    out_ << std::flush;
}

void Narrator::say(const std::string& line) {
    if (!muted_) {
        out_ << "      " << line << '\n';
    }
}

void Narrator::say(Kind kind, const std::string& line) {
    if (!muted_ && ++told_[static_cast<std::size_t>(kind)] <= kMostTold) {
        say(line);
    }
}

void Narrator::say_left_out(Kind kind) {
    static constexpr const char* kNames[] = {"faults",        "PTEs changed", "page tables",  "events of objects",
                                             "pages written", "reads",        "pages copied", "entries"};
    const std::uint64_t told = std::exchange(told_[static_cast<std::size_t>(kind)], 0);
    if (told > kMostTold) {
        say(fmt::format("... and {} more {}", told - kMostTold, kNames[static_cast<std::size_t>(kind)]));
    }
}

// A new part of the operation begins: its events are told from the first again.
void Narrator::say_all_left_out() {
    for (const Kind kind : {Kind::pte, Kind::pde, Kind::object, Kind::write, Kind::read, Kind::copy}) {
        say_left_out(kind);
    }
}

// How the access itself went, after its faults. A and M are set by the walk, which no kernel code sees.
void Narrator::say_access(PmapId pmap, Va va, std::uint32_t size) {
    const bool faulted = scene_.page_faults() != faults_before_;
    if (!faulted && walks() == walks_before_) {
        say("no fault, TLB hit");
        return;
    }
    const char* const lead = faulted ? "the access walks again" : "no fault, page walk";
    say(fmt::format("{}: PTE {}", lead, pte_now(pmap, va)));
    const Va last = va + size - 1;
    if (page_of(last) != page_of(va)) {
        say(fmt::format("and its second page: PTE {}", pte_now(pmap, last)));
    }
}

// The entries that the operation changed, as they are now.
void Narrator::say_entries() {
    if (scene_.processes() == nullptr) {
        return;
    }
    std::vector<std::pair<PmapId, Va>> seen;
    for (const Journal::Entry& changed : scene_.journal().entries) {
        const Process* const process = scene_.processes()->find_by_pmap(changed.map);
        if (process == nullptr) {
            continue;
        }
        for (const MapEntry& entry : process->map.entries) {
            const std::pair<PmapId, Va> name{changed.map, entry.start};
            if (entry.end <= changed.start || entry.start >= changed.end ||
                std::find(seen.begin(), seen.end(), name) != seen.end()) {
                continue;
            }
            seen.push_back(name);
            say(Kind::entry, fmt::format("pid {}: entry {}", process->pid, entry_text(entry)));
        }
    }
    say_left_out(Kind::entry);
}

std::string Narrator::pte_now(PmapId id, Va va) const {
    const Pmap* const pmap = scene_.pmaps().find(id);
    return pmap == nullptr ? "gone" : pte_text(scene_.pmaps().pte(*pmap, va));
}

std::uint64_t Narrator::walks() const {
    std::uint64_t sum = 0;
    for (CpuId cpu = 0; cpu < scene_.machine().cpu_count(); ++cpu) {
        sum += scene_.machine().cpu(cpu).walks;
    }
    return sum;
}

std::string Narrator::page_text(const NarratedPage& page) const {
    return fmt::format("frame {} at {} index {}", page.frame, scene_.object_text(page.object), page.index);
}

// --- the fault handler

void Narrator::fault_began(std::uint32_t pmap, Va va, Prot needed, bool wiring) {
    say_all_left_out();
    say(Kind::fault, fmt::format("{} of {} at {}, needs {}", wiring ? "wiring fault" : "fault", scene_.owner_text(pmap),
                                 hex(va), prot_text(needed)));
    muted_ = told_[static_cast<std::size_t>(Kind::fault)] > kMostTold;
}

void Narrator::object_fault_began(std::uint32_t object, PageIndex index, Prot needed) {
    say_all_left_out();
    say(Kind::fault,
        fmt::format("fault in {} at index {}, needs {}", scene_.object_text(object), index, prot_text(needed)));
    muted_ = told_[static_cast<std::size_t>(Kind::fault)] > kMostTold;
}

void Narrator::fault_ended(Status status, std::uint32_t attempts) {
    say_prefaulted();
    say(fmt::format("fault over: {}{}", status_text(status),
                    attempts == 1 ? "" : fmt::format(", attempt {}", attempts)));
    muted_ = prefaulting_ = false;
}

void Narrator::say_prefaulted() {
    if (prefaulted_.empty()) {
        return;
    }
    std::string list;
    for (const std::string& one : prefaulted_) {
        add_word(list, one, ", ");
    }
    say(fmt::format("prefault: {} mapped: {}", counted(prefaulted_.size(), "neighbour"), list));
    prefaulted_.clear();
}

void Narrator::entry_looked_at(std::uint32_t pmap, Va va) {
    const MapEntry* const entry = scene_.entry_at(pmap, va);
    say(entry != nullptr ? "entry " + entry_text(*entry) : fmt::format("no entry at {}", hex(va)));
}

void Narrator::level_searched(const NarratedPage& page, LevelFind find) {
    std::string found;
    switch (find) {
        case LevelFind::nothing:
            found = "no page";
            break;
        case LevelFind::busy:
            found = "a page, busied by somebody else";
            break;
        case LevelFind::invalid:
            found = fmt::format("frame {}, not valid", page.frame);
            break;
        case LevelFind::mark:
            found = fmt::format("frame {}, valid, where read-ahead goes on", page.frame);
            break;
        case LevelFind::page:
            found = fmt::format("frame {}, valid", page.frame);
            break;
    }
    const Object* const object = scene_.object(page.object);
    const bool block = find == LevelFind::nothing && object != nullptr && object->swap_slot(page.index) != kNoSwapSlot;
    say(fmt::format("  {} index {}: {}{}", scene_.object_text(page.object), page.index, found,
                    block ? ", but a swap block" : ""));
}

void Narrator::page_allocated(const NarratedPage& page) {
    say(fmt::format("  frame {} allocated for it, not valid yet", page.frame));
}

void Narrator::page_read(const NarratedPage& page, bool wanted, std::uint32_t ahead) {
    const Object* const object = scene_.object(page.object);
    const char* const from = object != nullptr && object->type == ObjectType::vnode ? "file" : "swap";
    say(Kind::read, wanted ? fmt::format("paged in from {}: {}, and {} read ahead", from, page_text(page), ahead)
                           : fmt::format("read-ahead goes on: {} from {} behind {}", counted(ahead, "page"), from,
                                         page_text(page)));
}

void Narrator::read_failed(const NarratedPage& page, Pid pid) {
    const std::string who = pid == 0 ? std::string("a kernel thread") : fmt::format("pid {}", pid);
    say(Kind::read, fmt::format("read error, {}: {}", who, page_text(page)));
}

void Narrator::page_zeroed(const NarratedPage& page) {
    say(Kind::copy, "zero-filled: " + page_text(page));
}

void Narrator::page_copied(const NarratedPage& from, const NarratedPage& to) {
    say(Kind::copy, fmt::format("copied: {} to {}", page_text(from), page_text(to)));
}

void Narrator::table_passed(const NarratedPage& table, std::uint32_t slot, std::uint32_t old, std::uint32_t now) {
    say(fmt::format("  virtual page table in {}, word {}: {}{}", page_text(table), slot, hex(old),
                    now == old ? "" : " -> " + hex(now)));
}

void Narrator::page_stolen(const NarratedPage& from, const NarratedPage& to) {
    say(Kind::copy,
        fmt::format("stolen: {} moves to {} index {}", page_text(from), scene_.object_text(to.object), to.index));
}

void Narrator::fault_left(std::string_view exit) {
    const auto* const rule =
        std::find_if(kExitRules.begin(), kExitRules.end(), [exit](const ExitRule& one) { return one.name == exit; });
    say(fmt::format("exit {}: {}", exit, exit_text(*rule)));
}

void Narrator::waited_for_memory() {
    say_all_left_out();
    say(fmt::format("memory again: {} frames free, {} cached", scene_.pages().free_count(),
                    scene_.pages().cache_count()));
}

// --- the pmap

void Narrator::pte_changed(std::uint32_t pmap, Va va, std::uint32_t old, std::uint32_t now, std::uint32_t invalidated) {
    if (prefaulting_) {
        prefaulted_.push_back(fmt::format("{} frame {}", hex(va), now >> kPageShift));
        return;
    }
    say(Kind::pte, fmt::format("PTE {} of {}: {} -> {}, {}", hex(va), scene_.owner_text(pmap), pte_text(old),
                               pte_text(now), cpus_text(invalidated)));
}

void Narrator::pde_changed(std::uint32_t pmap, std::uint32_t index, std::uint32_t now) {
    const Frame frame = now >> kPageShift;
    if (index == kDirectoryIndex) {
        say(Kind::pde, now != 0 ? fmt::format("pmap {} made: page directory in frame {}", pmap, frame)
                                : fmt::format("pmap {} destroyed", pmap));
        return;
    }
    const Va start = index << kPdeShift;
    const std::string table =
        fmt::format("page table of {} for {}", scene_.owner_text(pmap), range_text(start, start + (1U << kPdeShift)));
    say(Kind::pde, table + (now != 0 ? fmt::format(": frame {}", frame) : ": freed, it was empty"));
}

// --- objects and pagers

void Narrator::entry_shadowed(std::uint32_t pmap, Va start, std::uint32_t source, std::uint32_t result) {
    const std::string entry = fmt::format("{}: the entry at {}", scene_.owner_text(pmap), hex(start));
    if (source == 0) {
        say(Kind::object, fmt::format("{} gets its first object: {}", entry, scene_.object_text(result)));
    } else if (source == result) {
        say(Kind::object, fmt::format("{} keeps {}: nobody else refers to it", entry, scene_.object_text(result)));
    } else {
        say(Kind::object,
            fmt::format("{} gets {}, which shadows {}", entry, scene_.object_text(result), scene_.object_text(source)));
    }
}

void Narrator::object_collapsed(std::uint32_t object, std::uint32_t backing) {
    say(Kind::object,
        fmt::format("collapse: {} takes over {}, {}", scene_.object_text(object), scene_.object_text(backing),
                    counted(scene_.object(backing)->resident_page_count, "page")));
}

void Narrator::object_bypassed(std::uint32_t object, std::uint32_t backing) {
    say(Kind::object, fmt::format("bypass: {} sees nothing of {} any more and refers to what is below it",
                                  scene_.object_text(object), scene_.object_text(backing)));
}

void Narrator::collapse_refused(std::uint32_t object, std::uint32_t backing) {
    say(Kind::object, fmt::format("no collapse of {} into {}: a wired or held page would go",
                                  scene_.object_text(backing), scene_.object_text(object)));
}

void Narrator::object_released(std::uint32_t object) {
    const Object* const released = scene_.object(object);
    if (released != nullptr && released->type != ObjectType::page_table) {
        say(Kind::object, scene_.object_text(*released) + " is gone");
    }
}

void Narrator::page_written(const NarratedPage& page, bool written) {
    const Object* const object = scene_.object(page.object);
    const std::string target = object != nullptr && object->type == ObjectType::vnode
                                   ? "the file"
                                   : fmt::format("swap slot {}", object != nullptr ? object->swap_slot(page.index) : 0);
    say(Kind::write, written ? fmt::format("written to {}: {}", target, page_text(page))
                             : fmt::format("not written, swap is full: {}", page_text(page)));
}

}  // namespace vmref::cli
