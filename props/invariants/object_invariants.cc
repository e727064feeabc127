#include "props/invariants/object_invariants.h"

#include <fmt/format.h>

#include <algorithm>

#include "impl/vm/vm_object.h"
#include "props/invariants/names.h"

namespace vmref::props {

namespace {

using impl::Content;

bool same_place(const Content& one, const Content& other) {
    return one.kind == other.kind && one.object == other.object && one.index == other.index && one.page == other.page;
}

// The first valid page or block in [start, end).
std::string remains(const impl::Object& object, PageIndex start, PageIndex end) {
    for (PageIndex index = start; index < end; ++index) {
        const auto page = object.pages.find(index);
        if (page != object.pages.end() && page->valid != 0) {
            return fmt::format("a valid page at index {}", index);
        }
        if (object.swap_slot(index) != impl::kNoSwapSlot) {
            return fmt::format("a block at index {}", index);
        }
    }
    return {};
}

}  // namespace

ObjectInvariants::ObjectInvariants(impl::ObjectHost& subject)
    : InvariantSet(subject.system(), WorldName::object, this), subject_(subject) {}

// Every object with a name that shows the page was told, unless it shows the same without it.
bool ObjectInvariants::told(const impl::Page& page) const {
    const std::vector<ObjectNumber> viewers = subject_.viewers(*page.object, page.pindex);
    const auto& discarded = subject_.kernel().discarded;
    return std::all_of(viewers.begin(), viewers.end(), [&](ObjectNumber number) {
        return std::any_of(discarded.begin(), discarded.end(),
                           [number](const Discard& discard) { return discard.pid == number; });
    });
}

void ObjectInvariants::check_changes() {
    InvariantSet::check_changes();
    for (const impl::ObjectId id : subject_.kernel().journal.objects) {
        if (const impl::Object* const object = subject_.kernel().objects.find(id)) {
            check_extra(*object);
        }
    }
    check_pins();
    check_unfinished();
}

void ObjectInvariants::check_all() {
    InvariantSet::check_all();
    for (const impl::Object* const object : subject_.kernel().objects.all()) {
        if (object != nullptr) {
            check_extra(*object);
        }
    }
    check_pins();
    check_unfinished();
}

void ObjectInvariants::check_extra(const impl::Object& object) {
    if (generations_.size() <= object.id) {
        generations_.resize(object.id + 1, 0);
    }
    evaluate(Rule::i36, true, object.generation >= generations_[object.id], [&] {
        return fmt::format("{}: generation {}, expected at least the {} it had", name_of(object), object.generation,
                           generations_[object.id]);
    });
    generations_[object.id] = object.generation;
    evaluate(Rule::i32, true, !object.has(impl::kObjDead),
             [&] { return fmt::format("{}: dead, expected it gone at rest", name_of(object)); });
    const std::size_t ways = (subject_.references(object) != 0 ? 1 : 0) + object.shadows.size();
    const bool one_mapping = object.anonymous() && object.has(impl::kObjOneMapping);
    evaluate(Rule::i43, one_mapping, ways <= 1, [&] {
        return fmt::format("{}: marked for one mapping, found {} references by name and {} shadows", name_of(object),
                           subject_.references(object), object.shadows.size());
    });
}

void ObjectInvariants::check_pins() {
    for (std::uint32_t pin = 0; pin < kMaxPins; ++pin) {
        const impl::Page* const page = subject_.pinned(pin);
        if (page == nullptr) {
            pinned_in_[pin] = nullptr;
            continue;
        }
        evaluate(Rule::i59, true, page->queue != impl::Queue::free, [&] {
            return fmt::format("frame {}: wired or held as pin {}, expected it kept, found it free", page->frame, pin);
        });
        const bool was_in_object = pinned_in_[pin] != nullptr;
        const bool concerned = only_merged_ && was_in_object;
        evaluate(Rule::i39, concerned, !concerned || page->object != nullptr, [&] {
            return fmt::format("frame {}: pinned as {}, expected it in an object after a collapse", page->frame, pin);
        });
        pinned_in_[pin] = page->object;
    }
}

void ObjectInvariants::check_unfinished() {
    for (const impl::UnfinishedIo& io : subject_.kernel().injection.unfinished()) {
        const bool to_swap = io.slot != impl::kNoSwapSlot;
        const impl::Object* const object = io.page->object;
        evaluate(Rule::i10, to_swap, !to_swap || (object != nullptr && object->swap_slot(io.page->pindex) == io.slot),
                 [&] { return fmt::format("block {} is being written, expected it assigned to its page", io.slot); });
    }
}

// --- what an operation promises --------------------------------------------------------------------------------------

void ObjectInvariants::judge(const Operation& operation, const Observation& observed) {
    const impl::Statistics& stats = subject_.kernel().stats;
    merged_ = stats.object_collapses != merges_;
    bypassed_ = stats.object_bypasses != bypasses_;
    const std::uint64_t terminations = stats.object_functions.count(impl::ObjectFunction::terminate);
    // What coalesce removes after its collapse may be held: a hold keeps the frame, not the place in the object (I-59).
    only_merged_ = merged_ && terminations == terminations_ && !std::holds_alternative<ObjectCoalesce>(operation);
    merges_ = stats.object_collapses;
    terminations_ = terminations;
    bypasses_ = stats.object_bypasses;
    if (const auto* const range = std::get_if<ObjectRange>(&operation)) {
        judge_range(*range);
    } else if (const auto* const shadow = std::get_if<ObjectShadow>(&operation); shadow != nullptr && observed.value) {
        judge_shadow(*shadow);
    } else if (const auto* const coalesce = std::get_if<ObjectCoalesce>(&operation);
               coalesce != nullptr && observed.value != 0) {
        judge_coalesce(*coalesce);
    } else if (const auto* const fault = std::get_if<ObjectFault>(&operation)) {
        judge_fault(*fault);
        const bool failed = observed.status != Status::success && fault->pager.event != PagerEvent::ok;
        const auto page = subject_.object(fault->object)->pages.find(fault->index);
        const bool made = page != subject_.object(fault->object)->pages.end() && page->valid != 0;
        evaluate(Rule::i08, failed, !failed || !made, [&] {
            return fmt::format("object {} index {}: the pager failed, expected no valid page", fault->object,
                               fault->index);
        });
    }
}

// Whatever the walk met is as it should be, also what it did not change.
void ObjectInvariants::judge_fault(const ObjectFault& op) {
    PageIndex index = op.index;
    for (impl::Object* level = subject_.object(op.object); level != nullptr; level = level->backing) {
        if (const impl::Page* const page = subject_.kernel().pages.lookup(*level, index)) {
            check_page(*page);
        }
        index = level->backing_index(index);
    }
}

void ObjectInvariants::judge_range(const ObjectRange& op) {
    if (op.call == ObjectRangeName::object_page_remove_clean) {
        for (std::uint32_t pin = 0; pin < kMaxPins; ++pin) {
            const impl::Page* const page = subject_.pinned(pin);
            const bool here = page != nullptr && pinned_in_[pin] == subject_.object(op.object);
            evaluate(Rule::i59, here, !here || page->object != nullptr, [&] {
                return fmt::format("frame {}: pinned as {}, taken out of object {} as a clean page", page->frame, pin,
                                   op.object);
            });
        }
    } else if (op.call == ObjectRangeName::object_page_remove) {
        const std::string left = remains(*subject_.object(op.object), op.index, op.index + op.pages);
        evaluate(Rule::i12, true, left.empty(), [&] {
            return fmt::format("object {}: [{}, {}) was removed, found {}", op.object, op.index, op.index + op.pages,
                               left);
        });
    }
}

// Nothing is copied and nothing of the source is hidden.
void ObjectInvariants::judge_shadow(const ObjectShadow& op) {
    const impl::Object& shadow = *subject_.object(op.object);
    bool same = shadow.backing != nullptr;
    for (PageIndex index = 0; same && index < op.pages; ++index) {
        same = same_place(impl::object_content(&shadow, index),
                          impl::object_content(shadow.backing, shadow.backing_index(index)));
    }
    evaluate(Rule::i40, true, same, [&] {
        return fmt::format("object {} shadows object {}: expected it to show the same", op.object, op.source);
    });
}

void ObjectInvariants::judge_coalesce(const ObjectCoalesce& op) {
    const impl::Object& object = *subject_.object(op.object);
    const PageIndex next = op.first + op.count;
    const std::string left = remains(object, next, next + op.next);
    evaluate(Rule::i45, true, left.empty() && object.backing == nullptr, [&] {
        return fmt::format("object {} was extended by [{}, {}): expected nothing there, found {}", op.object, next,
                           next + op.next, left.empty() ? "a backing object" : left);
    });
}

}  // namespace vmref::props
