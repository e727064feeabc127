// Objects, their chains, and the entries that name them.
#include <fmt/format.h>

#include "props/invariants/invariant_set.h"
#include "props/invariants/names.h"

namespace vmref::props {

void InvariantSet::check_object(const impl::Object& object) {
    if (!check_chain(object)) {
        return;  // nothing that follows the chain would end
    }
    check_references(object);
    check_shadows(object);
    check_members(object);
    const std::uint32_t unfinished = kernel_.injection.unfinished_in(object);
    evaluate(Rule::i33, true, object.paging_in_progress == unfinished, [&] {
        return fmt::format("{}: expected paging in progress for {} unfinished I/O at rest, found {}", name_of(object),
                           unfinished, object.paging_in_progress);
    });
    evaluate(Rule::i34, true, object.hold_count == 0,
             [&] { return fmt::format("{}: expected no hold at rest, found {}", name_of(object), object.hold_count); });
    evaluate(Rule::i35, true, object.chain_holders == 0, [&] {
        return fmt::format("{}: expected no chain lock at rest, found {} holders", name_of(object),
                           object.chain_holders);
    });
}

bool InvariantSet::check_chain(const impl::Object& object) {
    const bool backed = object.backing != nullptr;
    evaluate(Rule::i27, backed, (object.backing_offset & kPageMask) == 0, [&] {
        return fmt::format("{}: expected a page-aligned offset into object {}, found {:#x}", name_of(object),
                           object.backing->id, object.backing_offset);
    });
    std::uint32_t depth = 0;
    const impl::Object* level = object.backing;
    while (level != nullptr && depth <= kernel_.objects.count()) {
        level = level->backing;
        ++depth;
    }
    return evaluate(Rule::i27, backed, level == nullptr, [&] {
        return fmt::format("{}: expected a chain of at most {} objects, found no end after {}", name_of(object),
                           kernel_.objects.count(), depth);
    });
}

void InvariantSet::check_references(const impl::Object& object) {
    const std::uint32_t others = outsiders_ == nullptr ? 0 : outsiders_->references(object);
    const bool reached = object.first_entry != nullptr || !object.shadows.empty() || others != 0;
    evaluate(Rule::i24, object.anonymous(), reached && !object.has(impl::kObjDead), [&] {
        return fmt::format(
            "{}: alive with {} references and flags {:#x}, expected an entry or a shadow that reaches it",
            name_of(object), object.ref_count, object.flags);
    });
    if (object.type == impl::ObjectType::page_table) {
        evaluate(Rule::i25, true, object.ref_count == 1, [&] {
            return fmt::format("{}: expected the one reference of its pmap, found {}", name_of(object),
                               object.ref_count);
        });
        return;
    }
    if (!full_ && object.ref_count > kShort) {
        return;
    }
    std::uint32_t entries = 0;
    bool own = true;
    for (const impl::MapEntry* entry = object.first_entry; entry != nullptr && entries <= object.ref_count;
         entry = entry->next_of_object) {
        own = own && entry->object == &object;
        ++entries;
    }
    const bool own_user = object.type == impl::ObjectType::vnode || object.type == impl::ObjectType::device;
    const std::uint64_t owner = own_user ? 1 : 0;
    evaluate(Rule::i25, true, own && object.ref_count == entries + object.shadows.size() + owner + others, [&] {
        return fmt::format(
            "{}: expected references of {}{} entries, {} shadows, {} vnode or device and {} others, found {}",
            name_of(object), entries, own ? "" : " (partly foreign)", object.shadows.size(), owner, others,
            object.ref_count);
    });
}

void InvariantSet::check_shadows(const impl::Object& object) {
    evaluate(Rule::i26, true, object.shadow_count == object.shadows.size(), [&] {
        return fmt::format("{}: shadow count {}, expected the {} listed", name_of(object), object.shadow_count,
                           object.shadows.size());
    });
    if (full_ || object.shadows.size() <= kShort) {
        for (const impl::Object& shadow : object.shadows) {
            evaluate(Rule::i26, true, shadow.backing == &object, [&] {
                return fmt::format("{}: lists {} as its shadow, whose backing object is {}", name_of(object),
                                   name_of(shadow), shadow.backing == nullptr ? 0 : shadow.backing->id);
            });
        }
    }
    const impl::Object* const backing = object.backing;
    if (backing == nullptr || (!full_ && backing->shadows.size() > kShort)) {
        return;
    }
    bool listed = false;
    for (const impl::Object& shadow : backing->shadows) {
        listed = listed || &shadow == &object;
    }
    evaluate(Rule::i26, true, listed, [&] {
        return fmt::format("{}: expected on the shadow list of its backing {}, which has {} others", name_of(object),
                           name_of(*backing), backing->shadows.size());
    });
}

void InvariantSet::check_members(const impl::Object& object) {
    if (!full_ && object.resident_page_count > kShort) {
        return;
    }
    std::uint32_t count = 0;
    const impl::Page* previous = nullptr;
    for (const impl::Page& page : object.pages) {
        const bool ordered = previous == nullptr || previous->pindex < page.pindex;
        evaluate(Rule::i29, true, page.object == &object && ordered, [&] {
            return fmt::format("{}: lists {}, expected its own pages, one per index", name_of(object), name_of(page));
        });
        // For I-17 and I-49: a shadow may be new, or an entry unwired, although the page did not change.
        if (!full_ && ((page.has(impl::kPageWriteable) && !object.shadows.empty()) || page.wire_count != 0)) {
            visit_page(page);
        }
        previous = &page;
        if (++count > kShort && !full_) {
            break;
        }
    }
    evaluate(Rule::i31, true, count == object.resident_page_count, [&] {
        return fmt::format("{}: resident page count {}, expected the {}{} listed", name_of(object),
                           object.resident_page_count, full_ ? "" : "at least ", count);
    });
}

void InvariantSet::check_entry(const impl::MapEntry& entry) {
    const impl::Object* const object = entry.object;
    if (object == nullptr) {
        return;
    }
    const bool linked = entry.prev_of_object == nullptr ? object->first_entry == &entry
                                                        : entry.prev_of_object->next_of_object == &entry;
    evaluate(Rule::i25, true, linked,
             [&] { return fmt::format("{}: expected on the entry list of {}", name_of(entry), name_of(*object)); });
    const std::uint64_t end = (entry.offset >> kPageShift) + entry.page_count();
    evaluate(Rule::i30, object->anonymous(), end <= object->size, [&] {
        return fmt::format("{}: ends at index {} of {}, expected at most its size {}", name_of(entry), end,
                           name_of(*object), object->size);
    });
    if (entry.wired_count != 0) {
        check_wired_entry(entry);
    }
    if (!full_) {
        visit_object(*object);
    }
}

// Of the levels of a finished walk, the one where the page was found may still be marked as paging.
void InvariantSet::fault_object_left(const impl::Object& first_object, bool success) {
    if (kernel_.another_waits) {
        return;  // what is held and locked may be that one's
    }
    // Unfinished I/O ends by itself, whoever walks by.
    const auto paging = [this](const impl::Object& level) {
        return level.paging_in_progress - kernel_.injection.unfinished_in(level);
    };
    std::uint32_t below = 0;
    for (const impl::Object* level = &first_object; level != nullptr; level = level->backing) {
        evaluate(Rule::i35, true, level->chain_holders == 0, [&] {
            return fmt::format("{}: expected no chain lock after a {} walk from object {}, found {} holders",
                               name_of(*level), success ? "successful" : "failed", first_object.id,
                               level->chain_holders);
        });
        evaluate(Rule::i34, level != &first_object, level->hold_count == 0, [&] {
            return fmt::format("{}: expected no hold after a {} walk from object {}, found {}", name_of(*level),
                               success ? "successful" : "failed", first_object.id, level->hold_count);
        });
        below += level == &first_object ? 0 : paging(*level);
    }
    const std::uint32_t allowed = success ? 1 : 0;
    evaluate(Rule::i33, true, paging(first_object) == 0 && below <= allowed, [&] {
        return fmt::format("{}: expected no paging in progress after a {} walk, and at most {} below, found {} and {}",
                           name_of(first_object), success ? "successful" : "failed", allowed,
                           first_object.paging_in_progress, below);
    });
}

}  // namespace vmref::props
