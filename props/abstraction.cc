#include "props/abstraction.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "impl/vm/device.h"
#include "impl/vm/vm_object.h"

namespace vmref::props {

using impl::Content;
using impl::MapEntry;

namespace {

constexpr std::array<std::uint8_t, kPageSize> kZeroPage{};

// First differing byte offset of two pages (nullptr: zero), or kPageSize.
std::uint32_t first_difference(const std::uint8_t* left, const std::uint8_t* right) {
    left = left == nullptr ? kZeroPage.data() : left;
    right = right == nullptr ? kZeroPage.data() : right;
    if (left == right || std::memcmp(left, right, kPageSize) == 0) {
        return kPageSize;
    }
    return static_cast<std::uint32_t>(std::mismatch(left, left + kPageSize, right).first - left);
}

std::uint32_t word_at(const std::uint8_t* page, std::uint32_t offset) {
    std::uint32_t word = 0;
    if (page != nullptr) {
        std::memcpy(&word, page + (offset & ~3U), 4);
    }
    return word;
}

}  // namespace

std::optional<Violation> Abstraction::compare_view(const MapEntry& entry, Va va) {
    ++cells_compared_;
    const Content content = impl::entry_content(kernel_, entry, va);
    const model::PageView expected = model_.page(entry.map->pid, va);
    const bool refused = content.kind == Content::Kind::refused;
    const std::uint8_t* const actual = impl::content_bytes(kernel_, content);
    const std::uint32_t at = refused || expected.refused ? kPageSize : first_difference(actual, expected.bytes);
    const bool same = expected.mapped && refused == expected.refused && at == kPageSize;
    const auto describe = [&] {
        if (!expected.mapped || refused != expected.refused) {
            return fmt::format("pid {} va {:#010x}: {} here, {} in the model", entry.map->pid, va,
                               refused ? "past the end of its file" : "has data",
                               !expected.mapped   ? "not mapped"
                               : expected.refused ? "past the end of its file"
                                                  : "has data");
        }
        return fmt::format("pid {} va {:#010x}: contents show {:#010x} at byte {}, expected {:#010x}", entry.map->pid,
                           va, word_at(actual, at), at & ~3U, word_at(expected.bytes, at));
    };
    invariants_.evaluate(Rule::i02, refused || expected.refused, refused == expected.refused, describe);
    check_translation(entry, va, content);
    invariants_.evaluate(Rule::i03, entry.has(impl::kEntryCow), same, describe);
    return same ? std::nullopt : std::optional<Violation>(Violation{"contents", describe(), 0});
}

// The PTE may be one that the operation did not touch: another process stored, and this one's view changed.
void Abstraction::check_translation(const MapEntry& entry, Va va, const Content& content) {
    const std::uint32_t word = kernel_.pmaps.pte(*entry.map->pmap, va);
    const bool valid = (word & impl::kPteV) != 0;
    const Frame frame = word >> kPageShift;
    if (entry.vpagetable) {
        check_virtual_translation(entry, va, valid ? frame : 0);
        return;
    }
    const Frame found = content.kind == Content::Kind::page ? content.page->frame : 0;
    invariants_.evaluate(Rule::i19, valid, frame == found, [&] {
        return fmt::format("pid {} va {:#010x}: PTE {:#x} maps frame {}, a fault would find {}", entry.map->pid, va,
                           word, frame, found == 0 ? "no page" : fmt::format("frame {}", found));
    });
}

// `frame`: 0 without a PTE. Tables may have changed since: what counts is what they said when a fault walked them.
void Abstraction::check_virtual_translation(const MapEntry& entry, Va va, Frame frame) {
    const std::optional<Va> place = frame == 0 ? std::nullopt : model_.translated(entry.map->pid, va);
    const Content content = place ? impl::object_content(entry.object, entry.index_of(*place)) : Content{};
    const Frame found = content.kind == Content::Kind::page ? content.page->frame : 0;
    invariants_.evaluate(Rule::i19, frame != 0, frame == found, [&] {
        return fmt::format("pid {} va {:#010x}: PTE maps frame {}, its virtual page table led to {}", entry.map->pid,
                           va, frame,
                           !place       ? "nothing"
                           : found == 0 ? "no page"
                                        : fmt::format("frame {}", found));
    });
}

std::optional<Violation> Abstraction::compare_file_page(const impl::Object& object, PageIndex index) {
    const FileId file = object.vnode->id();
    const std::uint32_t size = model_.file_size(file);
    if (size != object.vnode->size()) {
        return Violation{"file.size",
                         fmt::format("file {} has {} bytes, expected {}", file, object.vnode->size(), size), 0};
    }
    if (index >= pages_in(size)) {
        return std::nullopt;
    }
    ++cells_compared_;
    const std::uint8_t* const actual = impl::content_bytes(kernel_, impl::object_content(&object, index));
    const std::uint8_t* const expected = model_.file_page(file, index);
    const std::uint32_t at = first_difference(actual, expected);
    if (at == kPageSize) {
        return std::nullopt;
    }
    return Violation{"file.contents",
                     fmt::format("file {} page {}: {:#010x} at byte {}, expected {:#010x}", file, index,
                                 word_at(actual, at), at & ~3U, word_at(expected, at)),
                     0};
}

// Every view of the cell, and the file page if it is one.
std::optional<Violation> Abstraction::compare_cell(const impl::Object& object, PageIndex index) {
    std::optional<Violation> violation;
    unsigned views = 0;
    impl::for_each_view(object, index, [&](const MapEntry& entry, Va va) {
        ++views;
        if (!violation) {
            violation = compare_view(entry, va);
            invariants_.evaluate(Rule::i04, views > 1, !violation, [&] { return violation->message; });
        }
    });
    if (!violation && object.type == impl::ObjectType::vnode) {
        violation = compare_file_page(object, index);
    }
    return violation;
}

std::optional<Violation> Abstraction::compare_changes() {
    for (const impl::Journal::Entry& changed : kernel_.journal.entries) {
        impl::Process* const process = subject_.find_by_pmap(changed.map);
        if (process == nullptr) {
            continue;
        }
        if (auto violation = compare_range(process->map, changed.start, changed.end)) {
            return violation;
        }
    }
    frame_seen_.resize(kernel_.pages.pages().size(), 0);
    ++epoch_;
    for (const Frame frame : kernel_.journal.frames) {
        const impl::Page& page = kernel_.pages.pages()[frame];
        frame_seen_[frame] = epoch_;
        if (page.object == nullptr || page.object->type == impl::ObjectType::page_table) {
            continue;
        }
        if (auto violation = compare_cell(*page.object, page.pindex)) {
            return violation;
        }
    }
    for (const impl::Journal::Cell& cell : kernel_.journal.cells) {
        const impl::Object* const object = kernel_.objects.find(cell.object);
        if (object == nullptr || object->type == impl::ObjectType::page_table) {
            continue;
        }
        const auto page = object->pages.find(cell.index);
        if (page != object->pages.end()) {
            if (frame_seen_[page->frame] == epoch_) {
                continue;
            }
            frame_seen_[page->frame] = epoch_;
        }
        if (auto violation = compare_cell(*object, cell.index)) {
            return violation;
        }
    }
    return compare_early_copies();
}

// Copies that faults made before they were refused: the only thing that such a fault may leave behind.
std::optional<Violation> Abstraction::compare_early_copies() {
    for (const EarlyCopy& copy : kernel_.copied) {
        impl::Process* const process = subject_.find(copy.pid);
        const MapEntry* const entry = process != nullptr ? impl::map_entry_at(process->map, copy.va) : nullptr;
        if (entry == nullptr) {
            continue;
        }
        auto violation = compare_view(*entry, copy.va);
        invariants_.evaluate(Rule::i92, true, !violation, [&] { return violation->message; });
        if (violation) {
            return violation;
        }
    }
    return std::nullopt;
}

std::optional<Violation> Abstraction::compare_attributes(const MapEntry& entry) {
    Va va = entry.start;
    while (va < entry.end) {
        const auto at = std::find_if(mappings_.begin(), mappings_.end(), [va](const model::MappingView& mapping) {
            return va >= mapping.start && va - mapping.start < mapping.pages << kPageShift;
        });
        const std::uint32_t reserve = entry.has(impl::kEntryStack) ? entry.avail_ssize : 0;
        const bool same = at != mappings_.end() && at->prot == entry.protection &&
                          at->max_prot == entry.max_protection && at->inherit == entry.inheritance &&
                          at->wired == entry.has(impl::kEntryUserWired) &&
                          at->kernel_wirings == entry.kernel_wirings() && at->stack_reserve == reserve &&
                          at->vpagetable == entry.vpagetable && at->root == entry.master_pde;
        invariants_.evaluate(Rule::i20, at != mappings_.end(),
                             at == mappings_.end() || at->max_prot == entry.max_protection, [&] {
                                 return fmt::format("pid {} va {:#010x}: maximum protection {}, expected {}",
                                                    entry.map->pid, va, entry.max_protection, at->max_prot);
                             });
        if (!same) {
            return Violation{
                "attributes",
                at == mappings_.end()
                    ? fmt::format("pid {} va {:#010x}: mapped, but not in the model", entry.map->pid, va)
                    : fmt::format("pid {} va {:#010x}: prot {} max {} inherit {} wired {} reserve {}, expected prot {} "
                                  "max {} inherit {} wired {} reserve {}",
                                  entry.map->pid, va, entry.protection, entry.max_protection,
                                  static_cast<int>(entry.inheritance), entry.has(impl::kEntryUserWired), reserve,
                                  at->prot, at->max_prot, static_cast<int>(at->inherit), at->wired, at->stack_reserve),
                0};
        }
        va = at->start + (at->pages << kPageShift);
    }
    return std::nullopt;
}

// Attributes of everything mapped in the range on either side, contents of its first and last page.
std::optional<Violation> Abstraction::compare_range(impl::Map& map, Va start, Va end) {
    model_.mappings(map.pid, mappings_);
    for (const model::MappingView& mapping : mappings_) {
        const Va mapping_end = mapping.start + (mapping.pages << kPageShift);
        const Va from = std::max(start, mapping.start);
        const Va to = std::min(end, mapping_end);
        if (from < to && impl::map_has_hole(map, from, to)) {
            return Violation{"attributes",
                             fmt::format("pid {}: the model maps all of [{:#010x}, {:#010x})", map.pid, from, to), 0};
        }
    }
    for (MapEntry* entry = impl::map_entry_at_or_after(map, start); entry != nullptr && entry->start < end;
         entry = impl::map_next(map, *entry)) {
        if (entry->submap != nullptr) {
            if (auto violation =
                    compare_range(*entry->submap, std::max(start, entry->start), std::min(end, entry->end))) {
                return violation;
            }
            continue;
        }
        if (auto violation = compare_attributes(*entry)) {
            return violation;
        }
        for (const Va va : {entry->start, entry->end - kPageSize}) {
            if (auto violation = compare_view(*entry, va)) {
                return violation;
            }
        }
    }
    return std::nullopt;
}

std::optional<Violation> Abstraction::compare_sample() {
    const auto& processes = subject_.processes();
    auto at = processes.lower_bound(sample_pid_);
    if (at == processes.end()) {
        sample_pid_ = 0;
        return std::nullopt;
    }
    MapEntry* const entry = impl::map_entry_at_or_after(at->second->map, sample_va_);
    if (entry == nullptr) {
        sample_pid_ = at->first + 1;
        sample_va_ = 0;
        return std::nullopt;
    }
    const Va va = std::max(sample_va_, entry->start);
    // Strides of 1 to 7 pages: small mappings are seen whole soon, large ones do not hold the others up.
    sample_va_ = va + kPageSize * static_cast<std::uint32_t>(1 + cells_compared_ % 7);
    return compare_view(*entry, va);
}

std::optional<Violation> Abstraction::compare_process(impl::Process& process) {
    if (auto violation = compare_range(process.map, 0, kUserEnd)) {
        return violation;
    }
    return compare_map(process.map);
}

// The contents of every page.
std::optional<Violation> Abstraction::compare_map(const impl::Map& map) {
    for (const MapEntry& entry : map.entries) {
        for (Va va = entry.start; entry.submap == nullptr && va < entry.end; va += kPageSize) {
            if (auto violation = compare_view(entry, va)) {
                return violation;
            }
        }
    }
    return std::nullopt;
}

std::optional<Violation> Abstraction::compare_before(const Operation& operation) {
    Pid ending = 0;
    if (const Exit* const exit = std::get_if<Exit>(&operation)) {
        ending = exit->pid;
    } else if (const Exec* const exec = std::get_if<Exec>(&operation)) {
        ending = exec->pid;
    }
    impl::Process* const process = subject_.find(ending);
    return process != nullptr ? compare_process(*process) : std::nullopt;
}

std::optional<Violation> Abstraction::compare_all() {
    const auto& processes = subject_.processes();
    const bool same_processes =
        std::equal(processes.begin(), processes.end(), model_.processes().begin(), model_.processes().end(),
                   [](const auto& process, Pid pid) { return process.first == pid; });
    if (!same_processes) {
        return Violation{
            "processes",
            fmt::format("{} processes live, expected {} (or others)", processes.size(), model_.processes().size()), 0};
    }
    for (const auto& [pid, process] : processes) {
        if (auto violation = compare_process(*process)) {
            return violation;
        }
    }
    for (const impl::Map* const map : subject_.kernel_maps()) {
        if (auto violation = compare_map(*map)) {
            return violation;
        }
    }
    for (const auto& [file, vnode] : kernel_.vnodes) {
        for (PageIndex index = 0; index <= vnode->pages(); ++index) {
            if (auto violation = compare_file_page(*vnode->object, index)) {
                return violation;
            }
        }
    }
    return std::nullopt;
}

}  // namespace vmref::props
