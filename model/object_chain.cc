#include "model/object_chain.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "ops/synthetic.h"

namespace vmref::model {

struct ObjectChains::Step {
    const Observation& actual;
    Observation& expected;
    std::string& illegal;
};

ObjectChains::ObjectChains(const Config& /*config*/) : objects_(kMaxObjects) {}

ObjectView ObjectChains::view(ObjectNumber object, PageIndex index) const {
    while (object != 0) {
        const ObjectState& state = *objects_[object];
        const auto cell = state.cells.find(index);
        if (cell != state.cells.end()) {
            return {.bytes = cell->second.bytes.get()};
        }
        if (state.vnode) {
            return {.refused = index >= state.pages};
        }
        index += state.offset;
        object = state.below;
    }
    return {};
}

bool ObjectChains::shadowed(ObjectNumber object) const {
    return std::any_of(objects_.begin(), objects_.end(),
                       [object](const auto& other) { return other && other->below == object; });
}

bool ObjectChains::seen_from_above(ObjectNumber object, PageIndex index) const {
    return std::any_of(objects_.begin(), objects_.end(), [&](const auto& viewer) {
        return viewer && viewer->below == object && index >= viewer->offset && index - viewer->offset < viewer->pages &&
               !viewer->cells.contains(index - viewer->offset);
    });
}

bool ObjectChains::shows_zero(ObjectNumber object, PageIndex index) const {
    const ObjectView seen = view(object, index);
    return !seen.refused && (seen.bytes == nullptr ||
                             std::all_of(seen.bytes->begin(), seen.bytes->end(), [](auto b) { return b == 0; }));
}

Outcome ObjectChains::step(const Operation& operation, const Observation& actual) {
    Outcome outcome;
    Step step{actual, outcome.expected, outcome.illegal};
    outcome.expected.witness = actual.witness;
    // What is advised may go at once; any other operation finds what went before it.
    const auto* const range = std::get_if<ObjectRange>(&operation);
    const bool advises = range != nullptr && range->call == ObjectRangeName::object_madvise_free;
    if (advises) {
        take(step, *range);
    }
    for (const Discard& discard : actual.witness.discarded) {
        if (outcome.illegal.empty() && !loses(discard)) {
            outcome.illegal_discard = true;
            outcome.illegal = "object " + std::to_string(discard.pid) + " index " +
                              std::to_string(page_of(discard.va)) + ": discarded although nothing allowed it";
        }
    }
    if (outcome.illegal.empty() && !advises) {
        visit_operation<WorldName::object>([&](const auto& op) { take(step, op); }, operation);
    }
    return outcome;
}

// What is reported gone: stored with leave to go, or seen through from an object that was allowed to lose it.
bool ObjectChains::loses(const Discard& discard) {
    ObjectNumber object = discard.pid;
    PageIndex index = page_of(discard.va);
    if (find(object) == nullptr) {
        return false;
    }
    while (object != 0) {
        ObjectState& state = at(object);
        const auto cell = state.cells.find(index);
        if (cell != state.cells.end()) {
            const bool may_go = cell->second.may_go;
            if (may_go) {
                cell->second.bytes = std::make_shared<const ObjectBytes>();
            }
            return may_go;
        }
        index += state.offset;
        object = state.below;
    }
    return true;  // it showed zero already, or lost it with the object below
}

void ObjectChains::store(ObjectNumber object, PageIndex index, std::uint32_t word) {
    auto bytes = std::make_shared<ObjectBytes>();
    for (std::size_t at = 0; at < kPageSize; at += sizeof word) {
        std::memcpy(bytes->data() + at, &word, sizeof word);
    }
    at(object).cells[index] = {.bytes = std::move(bytes)};
}

// Whoever sees `gone` gets copies of what it shows.
void ObjectChains::hand_up(ObjectNumber gone, ObjectState& viewer) {
    const ObjectState& state = *objects_[gone];
    for (auto cell = state.cells.lower_bound(viewer.offset); cell != state.cells.end(); ++cell) {
        const PageIndex index = cell->first - viewer.offset;
        if (index < viewer.pages) {
            viewer.cells.try_emplace(index, cell->second);
        }
    }
    viewer.has_inherited = true;
    viewer.below = state.below;
    viewer.offset += state.offset;
}

void ObjectChains::drop_name(ObjectNumber object) {
    for (std::optional<ObjectState>& viewer : objects_) {
        if (viewer && viewer->below == object) {
            hand_up(object, *viewer);
        }
    }
    objects_[object].reset();
}

// --- the operations --------------------------------------------------------------------------------------------------

void ObjectChains::take(Step& /*step*/, const ObjectAllocate& op) {
    ObjectState& state = objects_[op.object].emplace();
    state.vnode = op.vnode;
    state.pages = op.pages;
    state.bytes = op.vnode ? op.pages * kPageSize : 0;
    for (PageIndex index = 0; op.vnode && index < op.pages; ++index) {
        auto bytes = std::make_shared<ObjectBytes>();
        synthetic_page(op.object, index, state.bytes, bytes->data());
        state.cells[index] = {.bytes = std::move(bytes)};
    }
}

void ObjectChains::take(Step& /*step*/, const ObjectCall& op) {
    ObjectState& state = at(op.object);
    if (op.call == ObjectCallName::object_reference) {
        ++state.references;
    } else if (op.call == ObjectCallName::object_deallocate && --state.references == 0 && !state.vnode) {
        drop_name(op.object);
    }
}

void ObjectChains::take(Step& step, const ObjectShadow& op) {
    ObjectState& source = at(op.source);
    const bool alone = !source.vnode && source.references == 1;
    // Whether somebody still sees a source that has shadows is not known from outside.
    const bool made = alone && shadowed(op.source) ? step.actual.value != 0 : !alone;
    step.expected.value = made ? 1 : 0;
    if (!made) {
        return;
    }
    ObjectState& shadow = objects_[op.object].emplace();
    shadow.pages = op.pages;
    shadow.below = op.source;
    shadow.offset = op.offset;
    shadow.was_shadow = true;
    if (--source.references == 0 && !source.vnode) {
        drop_name(op.source);
    }
}

void ObjectChains::take(Step& step, const ObjectCoalesce& op) {
    ObjectState& state = at(op.object);
    const PageIndex next = op.first + op.count;
    // References by those who see the object count too, as long as they do.
    const bool only_user = state.references == 1 && !shadowed(op.object);
    const bool may = !state.vnode && (state.references == 1 || next == state.pages);
    const bool must = may && (only_user || next == state.pages) && !state.was_shadow;
    const bool done = must || (may && step.actual.value != 0);
    step.expected.value = done ? 1 : 0;
    if (!done) {
        return;
    }
    if (state.below != 0) {
        // Then nothing is seen of what was below.
        const ObjectNumber below = state.below;
        for (PageIndex index = 0; index < state.pages; ++index) {
            if (!state.cells.contains(index) && !shows_zero(below, index + state.offset)) {
                step.illegal = "an object that shows data of another was extended";
                return;
            }
        }
        state.below = 0;
        state.offset = 0;
    }
    state.cells.erase(state.cells.lower_bound(next), state.cells.lower_bound(next + op.next));
    state.pages = std::max(state.pages, next + op.next);
}

void ObjectChains::take(Step& /*step*/, const ObjectTruncate& op) {
    ObjectState& state = at(op.object);
    if (op.size == state.bytes) {
        return;
    }
    const std::uint32_t end = std::min(op.size, std::exchange(state.bytes, op.size));
    state.pages = pages_in(op.size);
    state.cells.erase(state.cells.lower_bound(state.pages), state.cells.end());
    const auto last = state.cells.find(page_of(end));
    if ((end & kPageMask) != 0 && last != state.cells.end()) {
        auto bytes = std::make_shared<ObjectBytes>(*last->second.bytes);
        std::fill(bytes->begin() + (end & kPageMask), bytes->end(), std::uint8_t{0});
        last->second.bytes = std::move(bytes);
    }
}

void ObjectChains::take(Step& /*step*/, const ObjectPut& op) {
    store(op.object, op.index, op.value);
}

void ObjectChains::take(Step& step, const ObjectFault& op) {
    const ObjectView seen = view(op.object, op.index);
    const Status status = step.actual.status;
    const bool failed = (op.pager.event == PagerEvent::error && status == Status::failure) ||
                        (op.pager.event == PagerEvent::bad && status == Status::protection_failure);
    if (seen.refused || failed) {
        step.expected.status = failed ? status : Status::protection_failure;
        return;
    }
    if ((op.prot & kProtWrite) != 0) {
        store(op.object, op.index, op.value);
        step.expected.value = op.value;
    } else if (seen.bytes != nullptr) {
        std::memcpy(&step.expected.value, seen.bytes->data(), sizeof step.expected.value);
    }
}

void ObjectChains::take(Step& step, const ObjectPin& op) {
    const bool refused = view(op.object, op.index).refused;
    step.expected.status = refused ? Status::protection_failure : Status::success;
    pins_[op.pin] = !refused;
}

void ObjectChains::take(Step& /*step*/, const ObjectUnpin& op) {
    pins_[op.pin] = false;
}

void ObjectChains::take(Step& /*step*/, const ObjectRange& op) {
    ObjectState& state = at(op.object);
    const auto first = state.cells.lower_bound(op.index);
    const auto last = state.cells.lower_bound(op.index + op.pages);
    if (op.call == ObjectRangeName::object_page_remove) {
        state.cells.erase(first, last);
    } else if (op.call == ObjectRangeName::object_madvise_free) {
        std::for_each(first, last, [&](auto& cell) {
            auto& [index, content] = cell;
            content.may_go = content.may_go || (!state.vnode && !seen_from_above(op.object, index));
        });
    }
}

// What changes nothing that is shown.
void ObjectChains::take(Step& /*step*/, const ObjectPage& /*op*/) {}
void ObjectChains::take(Step& /*step*/, const ObjectBusy& /*op*/) {}
void ObjectChains::take(Step& /*step*/, const ObjectWrite& /*op*/) {}
void ObjectChains::take(Step& /*step*/, const ObjectIoDone& /*op*/) {}
void ObjectChains::take(Step& /*step*/, const ObjectPageout& /*op*/) {}

}  // namespace vmref::model
