// What the object world cannot be asked.
#include <algorithm>

#include "model/object_chain.h"

namespace vmref::model {

namespace {

using Reason = std::optional<std::string>;

std::string text(std::uint32_t number) {
    return std::to_string(number);
}

Reason no_object(ObjectNumber object) {
    return "expected an object that has a name, found object " + text(object);
}

Reason outside(std::uint32_t index, PageIndex pages) {
    return "expected an index below the object's " + text(pages) + " pages, found " + text(index);
}

bool is_pages(std::uint32_t pages) {
    return pages >= 1 && pages <= kMaxObjectPages;
}

Reason wrong_pages(std::uint32_t pages) {
    return "expected 1 to " + text(kMaxObjectPages) + " pages, found " + text(pages);
}

}  // namespace

Reason ObjectChains::new_name(ObjectNumber object) const {
    if (object == 0 || object >= kMaxObjects || find(object) != nullptr) {
        return "expected a number from 1 to " + text(kMaxObjects - 1) + " that names no object, found " + text(object);
    }
    return std::nullopt;
}

Reason ObjectChains::no_page(ObjectNumber object, PageIndex index) const {
    const ObjectState* const state = find(object);
    if (state == nullptr) {
        return no_object(object);
    }
    return index < state->pages ? std::nullopt : outside(index, state->pages);
}

Reason ObjectChains::not_stored(ObjectNumber object, PageIndex index) const {
    if (const Reason reason = no_page(object, index)) {
        return reason;
    }
    return may_store(object) ? std::nullopt : Reason("object " + text(object) + " is shadowed: it is not stored to");
}

Reason ObjectChains::why_not(const ObjectAllocate& op) const {
    if (const Reason reason = new_name(op.object)) {
        return reason;
    }
    const auto files =
        std::count_if(objects_.begin(), objects_.end(), [](const auto& object) { return object && object->vnode; });
    if (op.vnode && files >= kMaxObjectFiles) {
        return "expected at most " + text(kMaxObjectFiles) + " files";
    }
    return is_pages(op.pages) ? std::nullopt : wrong_pages(op.pages);
}

Reason ObjectChains::why_not(const ObjectCall& op) const {
    const ObjectState* const state = find(op.object);
    if (state == nullptr) {
        return no_object(op.object);
    }
    const bool drops = op.call == ObjectCallName::object_deallocate;
    const bool adds = op.call == ObjectCallName::object_reference;
    constexpr std::uint32_t most = 5;
    if ((drops && state->references == 0) || (adds && state->references == most)) {
        return "expected 1 to " + text(most) + " references by name, found " + text(state->references);
    }
    return std::nullopt;
}

Reason ObjectChains::why_not(const ObjectShadow& op) const {
    const ObjectState* const source = find(op.source);
    if (source == nullptr || source->references == 0) {
        return no_object(op.source);
    }
    if (const Reason reason = new_name(op.object)) {
        return reason;
    }
    if (!is_pages(op.pages)) {
        return wrong_pages(op.pages);
    }
    // Only a file may end before who looks at it.
    const bool inside = op.offset < kMaxObjectPages && (source->vnode || op.offset + op.pages <= source->pages);
    return inside ? std::nullopt : outside(op.offset + op.pages - 1, source->pages);
}

Reason ObjectChains::why_not(const ObjectCoalesce& op) const {
    const ObjectState* const state = find(op.object);
    if (state == nullptr) {
        return no_object(op.object);
    }
    const std::uint64_t end = std::uint64_t{op.first} + op.count;
    if (op.count == 0 || end > state->pages) {
        return "expected pages of the object, found " + text(op.count) + " from index " + text(op.first);
    }
    return op.next != 0 && end + op.next <= kMaxObjectPages
               ? std::nullopt
               : Reason("expected an end from " + text(op.first + op.count + 1) + " to " + text(kMaxObjectPages));
}

Reason ObjectChains::why_not(const ObjectTruncate& op) const {
    const ObjectState* const state = find(op.object);
    if (state == nullptr || !state->vnode) {
        return "expected a file's object, found object " + text(op.object);
    }
    constexpr std::uint32_t most = kMaxObjectPages * kPageSize;
    return op.size <= most ? std::nullopt : Reason("expected at most " + text(most) + " bytes, found " + text(op.size));
}

Reason ObjectChains::why_not(const ObjectPut& op) const {
    return not_stored(op.object, op.index);
}

Reason ObjectChains::why_not(const ObjectFault& op) const {
    const bool writes = op.prot == (kProtRead | kProtWrite);
    if (op.prot != kProtNone && op.prot != kProtRead && !writes) {
        return "expected protection -, r or rw";
    }
    if ((op.unswap && op.prot != kProtNone) || (op.value != 0 && !writes)) {
        return "expected unswap with protection - only, and value with rw only";
    }
    return writes ? not_stored(op.object, op.index) : no_page(op.object, op.index);
}

Reason ObjectChains::why_not(const ObjectPage& op) const {
    return no_page(op.object, op.index);
}

Reason ObjectChains::why_not(const ObjectBusy& op) const {
    if (op.sleeps == 0 || op.sleeps > kMaxBusySleeps) {
        return "expected 1 to " + text(kMaxBusySleeps) + " sleeps, found " + text(op.sleeps);
    }
    return no_page(op.object, op.index);
}

Reason ObjectChains::why_not(const ObjectPin& op) const {
    if (op.pin >= kMaxPins || pins_[op.pin]) {
        return "expected a number below " + text(kMaxPins) + " that pins nothing, found " + text(op.pin);
    }
    return no_page(op.object, op.index);
}

Reason ObjectChains::why_not(const ObjectUnpin& op) const {
    return op.pin < kMaxPins && pins_[op.pin] ? std::nullopt : Reason("expected a pin, found " + text(op.pin));
}

Reason ObjectChains::why_not(const ObjectWrite& op) const {
    const bool is_of_writes = op.event == PagerEvent::ok || op.event == PagerEvent::error ||
                              op.event == PagerEvent::pend || op.event == PagerEvent::pend_error;
    return is_of_writes ? no_page(op.object, op.index) : Reason("expected event ok, error, pend or pend_error");
}

Reason ObjectChains::why_not(const ObjectIoDone& /*op*/) const {
    return std::nullopt;
}

Reason ObjectChains::why_not(const ObjectRange& op) const {
    const ObjectState* const state = find(op.object);
    if (state == nullptr) {
        return no_object(op.object);
    }
    const std::uint64_t end = std::uint64_t{op.index} + op.pages;
    if (op.pages == 0 || end > state->pages) {
        return "expected pages of the object, found " + text(op.pages) + " from index " + text(op.index);
    }
    if (op.call == ObjectRangeName::object_page_remove_clean && !state->vnode) {
        return "expected a file's object, found object " + text(op.object);
    }
    // What would show instead must be known: zero, or a file's page.
    const ObjectState* const below = find(state->below);
    const bool known = !state->was_shadow || (below != nullptr && below->vnode && !state->has_inherited);
    if (op.call == ObjectRangeName::object_page_remove && (state->vnode || !known)) {
        return "expected an anonymous object with nothing but a file below, found object " + text(op.object);
    }
    return std::nullopt;
}

Reason ObjectChains::why_not(const ObjectPageout& /*op*/) const {
    return std::nullopt;
}

Reason ObjectChains::refuse(const Operation& operation) const {
    if (!belongs_to<WorldName::object>(operation)) {
        return "expected an operation of the object world";
    }
    return visit_operation<WorldName::object>([this](const auto& op) { return why_not(op); }, operation);
}

}  // namespace vmref::model
