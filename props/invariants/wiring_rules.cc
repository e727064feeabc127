// Wired entries and wired pages.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "impl/vm/vm_object.h"
#include "props/invariants/invariant_set.h"
#include "props/invariants/names.h"

namespace vmref::props {

namespace {

using impl::kPteRW;
using impl::kPteV;
using impl::kPteW;

bool at_rest_wired(const impl::MapEntry& entry) {
    return entry.wired_count != 0 && !entry.has(impl::kEntryInTransition);
}

bool shows_a_file(const impl::Object& object) {
    const impl::Object* bottom = &object;
    while (bottom->backing != nullptr) {
        bottom = bottom->backing;
    }
    return bottom->type == impl::ObjectType::vnode;
}

}  // namespace

void InvariantSet::check_wiring(const impl::Page& page) {
    const impl::Object* const object = page.object;
    if (page.wire_count == 0 || object == nullptr || object->type == impl::ObjectType::page_table) {
        return;
    }
    std::uint32_t places = outsiders_ == nullptr ? 0 : outsiders_->wirings(page);
    impl::for_each_view(*object, page.pindex, [&](const impl::MapEntry& entry, Va va) {
        const bool seen =
            at_rest_wired(entry) && impl::chain_resident_page(kernel_, entry.object, entry.index_of(va)) == &page;
        places += seen ? 1 : 0;
    });
    evaluate(Rule::i49, true, page.wire_count == places, [&] {
        return fmt::format("{}: wired {} times, expected once for each of the {} places of wired entries that have it",
                           name_of(page), page.wire_count, places);
    });
}

// Truncation and write-out may take the mapping, or its right to store, from a page that belongs to a file; the next
// access gets it back. Who copies such a page meanwhile finds no mapping to replace.
void InvariantSet::check_wired_page(const impl::MapEntry& entry, Va va) {
    if (entry.device != 0 || entry.guards(va)) {
        return;  // nobody wires a device's pages, nor what is not there
    }
    const impl::Page* const page = impl::chain_resident_page(kernel_, entry.object, entry.index_of(va));
    if (!at_rest_wired(entry) || !evaluate(Rule::i49, true, page != nullptr && page->wire_count != 0, [&] {
            return fmt::format("{} is wired: expected a wired page at va {:#x}, found {}", name_of(entry), va,
                               page == nullptr ? "none" : name_of(*page));
        })) {
        return;
    }
    const std::uint32_t word = kernel_.pmaps.pte(*entry.map->pmap, va);
    evaluate(Rule::i53, entry.wired_count > 1 && (word & kPteV) != 0, (word & kPteW) != 0, [&] {
        return fmt::format("{}: {} is wired {} times, expected a wired PTE, found {:#x}", name_of(*entry.map->pmap, va),
                           name_of(entry), entry.wired_count, word);
    });
    const bool own_rights = page->object->type != impl::ObjectType::vnode || entry.has(impl::kEntryCow);
    const bool rights = !own_rights || ((word & kPteRW) != 0) == ((entry.protection & kProtWrite) != 0);
    const bool holds = (word & kPteV) != 0 ? (word & kPteW) != 0 && rights : shows_a_file(*page->object);
    evaluate(Rule::i51, entry.protection != kProtNone && page->fully_valid(), holds, [&] {
        return fmt::format("{}: {} with protection {} is wired, expected {} mapped with W{}, found PTE {:#x}",
                           name_of(*entry.map->pmap, va), name_of(entry), entry.protection, name_of(*page),
                           (entry.protection & kProtWrite) != 0 ? " and RW" : "", word);
    });
}

void InvariantSet::wiring_undone(const impl::MapEntry& entry, Va start, Va failed) {
    for (Va va = start; va < failed; va += kPageSize) {
        const std::uint32_t word = kernel_.pmaps.pte(*entry.map->pmap, va);
        evaluate(Rule::i96, true, (word & kPteW) == 0, [&] {
            return fmt::format("{}: {} could not be wired at {:#x}, expected no wired PTE left, found {:#x}",
                               name_of(*entry.map->pmap, va), name_of(entry), failed, word);
        });
    }
}

// What `to` shows at its `page`-th page is what `from` shows there, in another frame unless it is a file's.
bool InvariantSet::copied_apart(const impl::MapEntry& from, const impl::MapEntry& to, PageIndex page) {
    const impl::Content source = impl::object_content(from.object, from.first_index() + page);
    const impl::Content copy = impl::object_content(to.object, to.first_index() + page);
    if (copy.page != nullptr && copy.page == source.page) {
        return copy.page->object->type == impl::ObjectType::vnode;
    }
    const std::uint8_t* const was = impl::content_bytes(kernel_, source);
    const std::uint8_t* const is = impl::content_bytes(kernel_, copy);
    constexpr std::array<std::uint8_t, kPageSize> zero{};
    return std::memcmp(was != nullptr ? was : zero.data(), is != nullptr ? is : zero.data(), kPageSize) == 0;
}

void InvariantSet::entry_copied(const impl::MapEntry& from, const impl::MapEntry& to) {
    if (from.wired_count == 0) {
        return;
    }
    for (PageIndex page = 0; page < to.page_count(); ++page) {
        const std::uint32_t word = kernel_.pmaps.pte(*to.map->pmap, to.start + (page << kPageShift));
        const bool holds = to.wired_count == 0 && (word & kPteW) == 0 && copied_apart(from, to, page);
        evaluate(Rule::i97, true, holds, [&] {
            return fmt::format("{}: page {} of {} does not show what the wired {} does, in a page of its own, unwired",
                               name_of(*to.map->pmap, to.start), page, name_of(to), name_of(from));
        });
    }
}

void InvariantSet::check_wired_entry(const impl::MapEntry& entry) {
    const std::uint32_t pages = full_ ? entry.page_count() : std::min<std::uint32_t>(entry.page_count(), kShort);
    for (std::uint32_t i = 0; i < pages; ++i) {
        check_wired_page(entry, entry.start + (i << kPageShift));
    }
}

}  // namespace vmref::props
