// Contents: what may be filled, overwritten, forgotten.
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "impl/vm/pager.h"
#include "impl/vm/vm_object.h"
#include "props/invariants/invariant_set.h"
#include "props/invariants/names.h"

namespace vmref::props {

namespace {

using impl::Content;

const char* name_of(Content::Kind kind) {
    constexpr const char* kNames[] = {"nothing", "a page", "a swap block", "a file block", "the end of a file"};
    return kNames[static_cast<unsigned>(kind)];
}

// What a reader of the page's place would find if the page were not there.
Content content_without(const impl::Page& page) {
    const impl::Object& object = *page.object;
    const PageIndex index = page.pindex;
    if (object.swap_slot(index) != impl::kNoSwapSlot) {
        return {Content::Kind::swap, &object, index, nullptr};
    }
    if (object.type == impl::ObjectType::vnode) {
        const bool inside = index < object.size;
        return {inside ? Content::Kind::file : Content::Kind::refused, &object, index, nullptr};
    }
    return impl::object_content(object.backing, object.backing_index(index));
}

// The first valid page that a fault going down from (object, index) meets above `end`; nullptr: none.
const impl::Page* valid_page_above(const impl::Object* object, PageIndex index, const impl::Object* end) {
    for (; object != end; object = object->backing) {
        const auto page = object->pages.find(index);
        if (page != object->pages.end() && page->fully_valid()) {
            return &*page;
        }
        index = object->backing_index(index);
    }
    return nullptr;
}

bool is_on_chain(const impl::Object* object, const impl::Object* level) {
    while (object != nullptr && object != level) {
        object = object->backing;
    }
    return object == level;
}

// nullptr stands for zeroes.
bool equal_to(const std::uint8_t* bytes, const std::uint8_t* other) {
    if (other == nullptr) {
        return std::all_of(bytes, bytes + kPageSize, [](std::uint8_t byte) { return byte == 0; });
    }
    return std::memcmp(bytes, other, kPageSize) == 0;
}

}  // namespace

bool InvariantSet::same_without(const impl::Page& page) {
    return equal_to(kernel_.machine.memory().frame(page.frame), impl::content_bytes(kernel_, content_without(page)));
}

// Every view must have been told that its contents go. A file is itself a view: of its pages only a copy may go.
bool InvariantSet::views_gone_or_discarded(const impl::Page& page) {
    if (page.object->type == impl::ObjectType::vnode) {
        return false;
    }
    bool told = outsiders_ == nullptr || outsiders_->told(page);
    impl::for_each_view(*page.object, page.pindex, [&](const impl::MapEntry& entry, Va va) {
        told = told && std::any_of(kernel_.discarded.begin(), kernel_.discarded.end(), [&](const Discard& discard) {
                   return discard.pid == entry.map->pid && discard.va == va;
               });
    });
    return told;
}

void InvariantSet::check_contents(const impl::Page& page, bool modified) {
    const impl::Object* const object = page.object;
    if (object == nullptr || object->type == impl::ObjectType::page_table || page.busied()) {
        return;
    }
    const bool known_dirty = page.dirty != 0 || modified;
    const bool managed = !page.has(impl::kPageUnmanaged | impl::kPageFictitious);
    const bool written = managed && page.valid != 0 && kernel_.machine.memory().written(page.frame);
    evaluate(Rule::i69, written, known_dirty, [&] {
        return fmt::format("{}: stored to since it was last clean, expected dirty or a PTE with M, found neither",
                           name_of(page));
    });
    const std::uint32_t slot = object->swap_slot(page.pindex);
    const bool has_block = slot != impl::kNoSwapSlot && page.fully_valid();
    evaluate(Rule::i09, has_block, !has_block || known_dirty || same_without(page),
             [&] { return fmt::format("{}: clean, but differs from its swap block {}", name_of(page), slot); });
    // A page on the cache queue may be freed at any allocation, and its freeing tells nobody.
    const bool reusable = page.queue == impl::Queue::cache && page.valid != 0 && !has_block;
    if (reusable) {
        evaluate(Rule::i11, true, same_without(page), [&] {
            return fmt::format("{} may be reused at once: expected that its contents remain elsewhere, they do not",
                               name_of(page));
        });
    }
}

// `source`: whose data it is; nullptr: nobody's. What a fork copies comes from another chain.
void InvariantSet::check_passed_by(const impl::Object& top, PageIndex index, const impl::Object* source) {
    const bool from_below = is_on_chain(&top, source);
    const impl::Page* const passed = from_below ? valid_page_above(&top, index, source) : nullptr;
    evaluate(Rule::i58, from_below, passed == nullptr || !passed->has(impl::kPageRam), [&] {
        return fmt::format(
            "{}: valid, and read-ahead goes on there, expected that a fault for object {} index {} takes it",
            name_of(*passed), top.id, index);
    });
}

void InvariantSet::before_zero_fill(const impl::Object& object, PageIndex index, const impl::Page& page) {
    const Content content = impl::object_content(&object, index);
    evaluate(Rule::i05, true, content.kind == Content::Kind::zero, [&] {
        return fmt::format("{} is zero-filled for {} index {}: expected no data on the chain, found {} at object {}",
                           name_of(page), name_of(object), index, name_of(content.kind), content.object->id);
    });
    check_passed_by(object, index, nullptr);
    evaluate(Rule::i06, true, page.valid == 0, [&] {
        return fmt::format("{} is zero-filled although its valid bits are {:#x}", name_of(page), page.valid);
    });
}

void InvariantSet::before_copy(const impl::Page& from, const impl::Page& to) {
    check_passed_by(*to.object, to.pindex, from.object);
    evaluate(Rule::i06, true, to.valid == 0, [&] {
        return fmt::format("{} is overwritten by a copy of {} although its valid bits are {:#x}", name_of(to),
                           name_of(from), to.valid);
    });
}

}  // namespace vmref::props
