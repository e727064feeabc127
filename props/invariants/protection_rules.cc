// Rights: what PTEs may grant.
#include <fmt/format.h>

#include <algorithm>

#include "props/invariants/invariant_set.h"
#include "props/invariants/names.h"

namespace vmref::props {

namespace {

using impl::kPteRW;
using impl::kPteU;
using impl::kPteV;

// Whether a shadow or an entry that still needs its copy looks through to (object, index).
bool seen_as_snapshot(const impl::Object& object, PageIndex index) {
    for (const impl::MapEntry* entry = object.first_entry; entry != nullptr; entry = entry->next_of_object) {
        if (entry->has(impl::kEntryNeedsCopy) && entry->covers_index(index)) {
            return true;
        }
    }
    return std::any_of(object.shadows.begin(), object.shadows.end(), [index](const impl::Object& shadow) {
        const std::uint64_t first = shadow.backing_offset >> kPageShift;
        return index >= first && index - first < shadow.size;
    });
}

}  // namespace

// Requires: `word` is valid and names a frame.
void InvariantSet::check_rights(const impl::Pmap& pmap, const impl::MapEntry* entry, Va va, std::uint32_t word) {
    const bool none = entry != nullptr && entry->protection == kProtNone;
    evaluate(Rule::i15, none, false, [&] {
        return fmt::format("{}: {} has protection none, expected no PTE, found {:#x}", name_of(pmap, va),
                           name_of(*entry), word);
    });
    const bool writable = (word & kPteRW) != 0;
    const bool allowed = entry != nullptr && (!writable || (entry->protection & kProtWrite) != 0);
    evaluate(Rule::i14, !none, allowed, [&] {
        return entry == nullptr
                   ? fmt::format("{}: expected no PTE where no entry is, found {:#x}", name_of(pmap, va), word)
                   : fmt::format("{}: protection of {} is {}, expected no write right, found {:#x}", name_of(pmap, va),
                                 name_of(*entry), entry->protection, word);
    });
    if (!writable || entry == nullptr) {
        return;
    }
    const impl::Page& page = kernel_.pages.page_of_frame(word >> kPageShift);
    const PageIndex index = entry->index_of(va);
    const bool there = entry->vpagetable ? entry->covers_index(page.pindex) : page.pindex == index;
    const bool own =
        entry->device != 0 || (page.object == entry->object && there && !entry->has(impl::kEntryNeedsCopy));
    evaluate(Rule::i16, true, own, [&] {
        return fmt::format(
            "{}: writable PTE maps {}, expected object {} index {} of an entry without needs-copy "
            "(flags {:#x})",
            name_of(pmap, va), name_of(page), entry->object == nullptr ? 0 : entry->object->id, index, entry->eflags);
    });
    const bool file = page.object != nullptr && page.object->type == impl::ObjectType::vnode;
    evaluate(Rule::i17, file, !entry->has(impl::kEntryCow), [&] {
        return fmt::format("{}: writable PTE maps {} through a copy-on-write entry", name_of(pmap, va), name_of(page));
    });
    constexpr std::uint16_t kMarks = impl::kObjWriteable | impl::kObjMightBeDirty;
    const bool marked =
        page.has(impl::kPageWriteable) && page.object != nullptr && (page.object->flags & kMarks) == kMarks;
    evaluate(Rule::i18, (word & impl::kPteManaged) != 0, marked, [&] {
        return fmt::format(
            "{}: writable PTE, expected writeable marks, found flags {:#x} of {} and {:#x} of its object",
            name_of(pmap, va), page.flags, name_of(page), page.object == nullptr ? 0 : page.object->flags);
    });
}

// I-17 of anonymous pages. `writable`: a pv entry whose PTE grants stores, or nullptr.
// The access or the wiring that met the failure is over: its page is not there.
void InvariantSet::check_failed_reads() {
    for (const FailedRead& failed : kernel_.failed) {
        const impl::Process* const process = failed.pid == 0 ? nullptr : subject_.find(failed.pid);
        bool mapped = process != nullptr && process->map.pmap != nullptr;
        if (mapped) {
            // A virtual page table names pages by their place: a PTE there says nothing of them.
            const impl::MapEntry* const entry = impl::map_entry_at(subject_.find(failed.pid)->map, failed.va);
            mapped = entry == nullptr || !entry->vpagetable;
        }
        const std::uint32_t word = mapped ? kernel_.pmaps.pte(*process->map.pmap, failed.va) : 0;
        evaluate(Rule::i08, mapped, (word & impl::kPteV) == 0, [&] {
            return fmt::format("pid {} va {:#x}: its page could not be read, expected no PTE, found {:#010x}",
                               failed.pid, failed.va, word);
        });
    }
}

void InvariantSet::check_isolation(const impl::Page& page, const impl::PvEntry* writable) {
    const impl::Object* const object = page.object;
    const bool premise = writable != nullptr && object != nullptr && object->anonymous();
    evaluate(Rule::i17, premise, !premise || !seen_as_snapshot(*object, page.pindex), [&] {
        return fmt::format("{}: a shadow or a needs-copy entry sees {}, expected no writable PTE",
                           name_of(*writable->pmap, writable->va), name_of(page));
    });
}

// The PTEs at the beginning of the entry: they may break a rule although only the entry changed.
void InvariantSet::check_entry_rights(const impl::MapEntry& entry) {
    const impl::Pmap& pmap = *entry.map->pmap;
    const std::uint32_t pages = std::min<std::uint32_t>(entry.page_count(), kShort);
    for (std::uint32_t i = 0; i < pages; ++i) {
        const Va va = entry.start + (i << kPageShift);
        const std::uint32_t word = kernel_.pmaps.pte(pmap, va);
        if ((word & kPteV) == 0) {
            // A PTE that is there is judged by check_rights.
            evaluate(Rule::i15, entry.protection == kProtNone, true, [] { return std::string(); });
        } else if (is_frame(word >> kPageShift)) {
            check_rights(pmap, &entry, va, word);
            if ((word & kPteRW) != 0) {
                visit_page(kernel_.pages.page_of_frame(word >> kPageShift));
            }
        }
    }
}

void InvariantSet::device_mapped(const impl::MapEntry& entry, Va va) {
    const std::uint32_t word = kernel_.pmaps.pte(*entry.map->pmap, va);
    const bool unmanaged = (word & kPteV) != 0 && (word & impl::kPteManaged) == 0;
    evaluate(Rule::i93, true, unmanaged && entry.object == nullptr, [&] {
        return fmt::format("{}: {} shows device {}, expected an unmanaged PTE and no object, found {:#x} and object {}",
                           name_of(*entry.map->pmap, va), name_of(entry), entry.device, word,
                           entry.object == nullptr ? 0 : entry.object->id);
    });
}

void InvariantSet::page_handed_out(const impl::Map& map, Va va, Prot asked, const impl::Page* m, bool busied) {
    if (m == nullptr) {
        evaluate(Rule::i99, false, true, [] { return std::string(); });
        return;
    }
    const bool stores = (asked & kProtWrite) != 0;
    evaluate(Rule::i99, true, busied ? stores && m->busied() : m->hold_count != 0 && !m->busied(), [&] {
        return fmt::format("{} was asked for {}: expected it {}, found busy owner {} and {} holds", name_of(*m),
                           stores ? "storing" : "reading", busied && stores ? "busied" : "held, and not busy",
                           m->busy_owner, m->hold_count);
    });
    impl::MapEntry* const entry = impl::map_entry_through(const_cast<impl::Map&>(map), va);
    const bool forbidden = entry != nullptr && (entry->guards(va) || entry->has(impl::kEntryNoFault));
    evaluate(Rule::i90, map.system, !forbidden, [&] {
        return fmt::format("{}: {} may not be touched there, expected no page, found {}", name_of(*map.pmap, va),
                           name_of(*entry), name_of(*m));
    });
    const bool overrides = entry != nullptr && (asked & impl::kProtOverrideWrite) != 0 &&
                           (entry->protection & kProtWrite) == 0 && entry->has(impl::kEntryCow);
    const std::uint32_t word = kernel_.pmaps.pte(*map.pmap, va);
    evaluate(Rule::i22, overrides, !overrides || (m->object == entry->object && (word & kPteRW) == 0), [&] {
        return fmt::format(
            "{}: a debugger stores to {}, expected a page of object {} and no right to store, found {:#x}",
            name_of(*map.pmap, va), name_of(*m), entry->object->id, word);
    });
}

impl::Map* InvariantSet::map_of(const impl::Pmap& pmap) const {
    impl::Process* const process = subject_.find_by_pmap(pmap.id);
    return process == nullptr ? nullptr : &process->map;
}

// A word of a page table that covers `va`; also an invalid one.
void InvariantSet::check_leaf(const impl::Pmap& pmap, const impl::MapEntry* entry, Va va, std::uint32_t word) {
    const impl::Page* const page = pmap_rules_.check_leaf(pmap, va, word);
    if (page == nullptr) {
        return;
    }
    check_rights(pmap, entry, va, word);
    if (!full_) {
        visit_page(*page);
        if (page->object != nullptr) {
            visit_object(*page->object);
        }
    }
}

// Every leaf, and the counts.
void InvariantSet::check_pmap(const impl::Pmap& pmap) {
    impl::Map* const map = map_of(pmap);
    for (PageIndex index = 0; index < impl::pde_index(kUserEnd); ++index) {
        const Va first = index << impl::kPdeShift;
        const std::uint32_t pde = kernel_.pmaps.pde(pmap, first);
        if ((pde & impl::kPteV) == 0 || (pde & impl::kPtePS) != 0 || !is_frame(pde >> kPageShift)) {
            continue;
        }
        for (std::uint32_t i = 0; i < impl::kPtesPerTable; ++i) {
            const std::uint32_t word = kernel_.machine.memory().read32((pde & impl::kPteFrame) + 4 * i);
            const Va va = first + (i << kPageShift);
            if (word != 0) {
                check_leaf(pmap, map == nullptr ? nullptr : impl::map_entry_through(*map, va), va, word);
            }
        }
    }
    pmap_rules_.check_pmap_counts(pmap);
}

}  // namespace vmref::props
