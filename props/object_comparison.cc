#include "props/object_comparison.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "impl/vm/vm_object.h"

namespace vmref::props {

namespace {

// First word and place of a page, or what there is instead.
std::string text(bool refused, const std::uint8_t* bytes) {
    if (refused) {
        return "a refusal";
    }
    if (bytes == nullptr) {
        return "zero";
    }
    std::uint32_t word = 0;
    std::memcpy(&word, bytes, sizeof word);
    return fmt::format("a page of {:#010x}...", word);
}

bool same(const std::uint8_t* seen, const std::uint8_t* expected) {
    if (seen != nullptr && expected != nullptr) {
        return std::memcmp(seen, expected, kPageSize) == 0;
    }
    const std::uint8_t* const only = seen != nullptr ? seen : expected;
    return only == nullptr || std::all_of(only, only + kPageSize, [](std::uint8_t byte) { return byte == 0; });
}

}  // namespace

std::optional<Violation> ObjectComparison::compare_cell(ObjectNumber number, PageIndex index) {
    ++cells_compared_;
    const model::ObjectView expected = model_.view(number, index);
    const impl::Content content = impl::object_content(subject_.object(number), index);
    const bool refused = content.kind == impl::Content::Kind::refused;
    const std::uint8_t* const seen = impl::content_bytes(subject_.kernel(), content);
    const std::uint8_t* const bytes = expected.bytes == nullptr ? nullptr : expected.bytes->data();
    const bool right = refused == expected.refused && same(seen, bytes);
    const auto describe = [&] {
        return fmt::format("object {} index {}: shows {}, expected {}", number, index, text(refused, seen),
                           text(expected.refused, bytes));
    };
    invariants_.judge_contents(right, describe);
    return right ? std::nullopt : std::optional(Violation{"contents", describe(), 0});
}

// The index of every object with a name that may show it.
std::optional<Violation> ObjectComparison::compare_views(const impl::Object& object, PageIndex index) {
    std::optional<Violation> violation;
    if (const ObjectNumber number = subject_.number_of(object); number != 0 && index < object.size) {
        violation = compare_cell(number, index);
    }
    for (const impl::Object& shadow : object.shadows) {
        const PageIndex first = shadow.backing_index(0);
        if (!violation && index >= first && index - first < shadow.size) {
            violation = compare_views(shadow, index - first);
        }
    }
    return violation;
}

std::optional<Violation> ObjectComparison::compare_changes() {
    std::optional<Violation> violation;
    const impl::Journal& journal = subject_.kernel().journal;
    for (const impl::Journal::Cell& cell : journal.cells) {
        const impl::Object* const object = subject_.kernel().objects.find(cell.object);
        if (object != nullptr && !violation) {
            violation = compare_views(*object, cell.index);
        }
    }
    for (const impl::ObjectId id : journal.objects) {
        const impl::Object* const object = subject_.kernel().objects.find(id);
        const ObjectNumber number = object == nullptr ? 0 : subject_.number_of(*object);
        if (number != 0 && !violation) {
            violation = compare_object(number);
        }
    }
    return violation;
}

std::optional<Violation> ObjectComparison::compare_sample() {
    for (ObjectNumber tried = 0; tried < kMaxObjects; ++tried) {
        const model::ObjectState* const state = model_.find(next_object_);
        if (state != nullptr && next_index_ < state->pages) {
            return compare_cell(next_object_, next_index_++);
        }
        next_index_ = 0;
        next_object_ = next_object_ + 1 == kMaxObjects ? 0 : next_object_ + 1;
    }
    return std::nullopt;
}

std::optional<Violation> ObjectComparison::compare_object(ObjectNumber number) {
    const impl::Object* const object = subject_.object(number);
    const model::ObjectState* const state = model_.find(number);
    if ((object == nullptr) != (state == nullptr)) {
        return Violation{
            "object",
            fmt::format("object {} {}, expected otherwise", number, object == nullptr ? "is gone" : "is there"), 0};
    }
    if (object == nullptr) {
        return std::nullopt;
    }
    if (object->size != state->pages) {
        return Violation{"object",
                         fmt::format("object {} has {} pages, expected {}", number, object->size, state->pages), 0};
    }
    std::optional<Violation> violation;
    for (PageIndex index = 0; index < state->pages && !violation; ++index) {
        violation = compare_cell(number, index);
    }
    return violation;
}

std::optional<Violation> ObjectComparison::compare_all() {
    std::optional<Violation> violation;
    for (ObjectNumber number = 1; number < kMaxObjects && !violation; ++number) {
        violation = compare_object(number);
    }
    return violation;
}

}  // namespace vmref::props
