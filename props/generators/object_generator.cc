#include "props/generators/object_generator.h"

#include <algorithm>
#include <vector>

#include "props/generators/configs.h"

namespace vmref::props {

namespace {

enum class Kind : std::uint8_t {
    fault,
    put,
    write,
    reclaim,
    range,
    reference,
    deallocate,
    shadow,
    collapse,
    allocate,
    grab,
    pin,
    unpin,
    busy,
    io_done,
    coalesce,
    truncate,
    pageout,
};

// Per mille.
constexpr Weighted<Kind> kKinds[] = {
    {Kind::fault, 200},   {Kind::put, 130},      {Kind::write, 95},      {Kind::reclaim, 85},  {Kind::range, 100},
    {Kind::shadow, 75},   {Kind::reference, 35}, {Kind::deallocate, 75}, {Kind::collapse, 35}, {Kind::allocate, 25},
    {Kind::grab, 25},     {Kind::pin, 22},       {Kind::unpin, 28},      {Kind::busy, 15},     {Kind::io_done, 20},
    {Kind::coalesce, 15}, {Kind::truncate, 12},  {Kind::pageout, 8},
};

constexpr Prot kReadWrite = kProtRead | kProtWrite;

class Drawing {
  public:
    Drawing(Choices& choices, const model::ObjectChains& model) : choices_(choices), model_(model) {
        for (ObjectNumber number = 1; number < kMaxObjects; ++number) {
            (model.find(number) != nullptr ? live_ : free_).push_back(number);
        }
    }

    Operation operation();

  private:
    Operation candidate();
    Operation allocate();
    Operation reference_or_drop(ObjectCallName call);
    Operation shadow();
    Operation fault();
    Operation range();
    Operation coalesce();
    Operation truncate();

    const model::ObjectState& state(ObjectNumber number) const { return *model_.find(number); }
    ObjectNumber object() { return live_[choices_.below(static_cast<std::uint32_t>(live_.size()))]; }
    // Most pages are small neighbours: what was stored is found again.
    PageIndex index(ObjectNumber number) {
        const PageIndex pages = state(number).pages;
        return pages == 0 ? 0 : choices_.below(choices_.chance(75) ? std::min<PageIndex>(pages, 3) : pages);
    }
    std::uint32_t size() { return choices_.pick<std::uint32_t>({{2, 5}, {1, 3}, {4, 4}, {8, 3}, {3, 2}, {20, 1}}); }
    PagerTurn turn(bool reads) {
        if (!choices_.chance(20)) {
            return {};
        }
        const PagerEvent event = reads ? choices_.pick<PagerEvent>({{PagerEvent::error, 4},
                                                                    {PagerEvent::bad, 1},
                                                                    {PagerEvent::again, 2},
                                                                    {PagerEvent::pend, 3},
                                                                    {PagerEvent::pend_error, 2},
                                                                    {PagerEvent::replaced, 2},
                                                                    {PagerEvent::taken, 2},
                                                                    {PagerEvent::lost, 2}})
                                       : event_of_write();
        return {event, choices_.chance(20) ? 2U : 1U};
    }
    PagerEvent event_of_write() {
        return choices_.pick<PagerEvent>({{PagerEvent::pend, 4}, {PagerEvent::pend_error, 1}, {PagerEvent::error, 2}});
    }
    std::uint32_t shortage() { return choices_.chance(3) ? choices_.between(1, 2) : 0; }

    Choices& choices_;
    const model::ObjectChains& model_;
    std::vector<ObjectNumber> live_;
    std::vector<ObjectNumber> free_;
};

// What does not fit the state is drawn again; at last something that always fits.
Operation Drawing::operation() {
    constexpr int tries = 4;
    for (int n = 0; n < tries; ++n) {
        Operation operation = live_.size() < 2 ? allocate() : candidate();
        if (!model_.refuse(operation)) {
            return operation;
        }
    }
    return ObjectIoDone{};
}

Operation Drawing::allocate() {
    const bool vnode = choices_.chance(12) || live_.empty();
    return ObjectAllocate{.object = free_.empty() ? 0 : free_.front(), .pages = size(), .vnode = vnode};
}

// References by name are what a shadow is made of; many would be dropped for a long time.
Operation Drawing::reference_or_drop(ObjectCallName call) {
    return ObjectCall{call, object()};
}

// Half of the time the whole object, as fork does it; else a window.
Operation Drawing::shadow() {
    const ObjectNumber source = object();
    const model::ObjectState& below = state(source);
    if (!below.vnode && below.references == 1) {
        return ObjectCall{ObjectCallName::object_reference, source};
    }
    ObjectShadow operation{.source = source, .object = free_.empty() ? 0 : free_.front(), .offset = 0, .pages = 1};
    if (choices_.chance(50)) {
        operation.pages = std::max(below.pages, 1U);
    } else {
        operation.offset = choices_.below(std::max(below.pages, 1U));
        const std::uint32_t left = below.vnode ? size() : below.pages - operation.offset;
        operation.pages = choices_.between(1, std::max(left, 1U));
    }
    return operation;
}

Operation Drawing::fault() {
    const ObjectNumber number = object();
    ObjectFault operation{.object = number, .index = index(number)};
    if (choices_.chance(45) && model_.may_store(operation.object)) {
        operation.prot = kReadWrite;
        operation.value = choices_.between(1, 9);
    } else if (choices_.chance(15)) {
        operation.prot = kProtNone;
        operation.unswap = choices_.chance(70);
    }
    operation.shared = choices_.chance(30);
    operation.pager = turn(true);
    operation.shortage = shortage();
    return operation;
}

Operation Drawing::range() {
    ObjectRange operation{
        .call = choices_.pick<ObjectRangeName>({{ObjectRangeName::object_page_remove, 4},
                                                {ObjectRangeName::object_page_remove_clean, 5},
                                                {ObjectRangeName::object_page_clean, 6},
                                                {ObjectRangeName::object_pmap_copy_1, 1},
                                                {ObjectRangeName::object_pmap_remove, 1},
                                                {ObjectRangeName::object_madvise_willneed, 2},
                                                {ObjectRangeName::object_madvise_dontneed, 3},
                                                {ObjectRangeName::object_madvise_free, 5}}),
        .object = object(),
        .index = 0,
        .pages = 1,
    };
    const PageIndex pages = state(operation.object).pages;
    if (choices_.chance(60)) {
        operation.index = index(operation.object);
        operation.pages = pages == 0 ? 0 : choices_.between(1, pages - operation.index);
    } else {
        operation.pages = pages;
    }
    if (operation.call == ObjectRangeName::object_page_clean) {
        operation.pager = turn(false);
    }
    return operation;
}

Operation Drawing::coalesce() {
    const ObjectNumber number = object();
    const PageIndex pages = std::max(state(number).pages, 1U);
    ObjectCoalesce operation{.object = number, .first = 0, .count = 1, .next = 1};
    operation.first = choices_.below(pages);
    const bool to_the_end = choices_.chance(50);
    operation.count = to_the_end ? pages - operation.first : choices_.between(1, pages - operation.first);
    operation.next = choices_.between(1, 4);
    return operation;
}

Operation Drawing::truncate() {
    std::vector<ObjectNumber> files;
    std::copy_if(live_.begin(), live_.end(), std::back_inserter(files),
                 [this](ObjectNumber number) { return state(number).vnode; });
    if (files.empty()) {
        return allocate();
    }
    const ObjectNumber file = files[choices_.below(static_cast<std::uint32_t>(files.size()))];
    const std::uint32_t part = choices_.chance(40) ? choices_.below(kPageSize) : 0;
    return ObjectTruncate{.object = file, .size = choices_.below(6) * kPageSize + part};
}

Operation Drawing::candidate() {
    const Kind kind = choices_.pick(kKinds);
    switch (kind) {
        case Kind::fault:
            return fault();
        case Kind::range:
            return range();
        case Kind::reference:
            return reference_or_drop(ObjectCallName::object_reference);
        case Kind::deallocate:
            return reference_or_drop(ObjectCallName::object_deallocate);
        case Kind::collapse:
            return reference_or_drop(choices_.pick<ObjectCallName>({{ObjectCallName::object_collapse, 4},
                                                                    {ObjectCallName::object_qcollapse, 2},
                                                                    {ObjectCallName::object_deactivate_pages, 1}}));
        case Kind::shadow:
            return shadow();
        case Kind::allocate:
            return allocate();
        case Kind::coalesce:
            return coalesce();
        case Kind::truncate:
            return truncate();
        case Kind::unpin:
            return ObjectUnpin{choices_.below(kMaxPins)};
        case Kind::io_done:
            return ObjectIoDone{};
        case Kind::pageout:
            return ObjectPageout{choices_.pick<std::uint32_t>({{64, 2}, {8, 3}, {1, 1}})};
        case Kind::put:
        case Kind::write:
        case Kind::reclaim:
        case Kind::grab:
        case Kind::pin:
        case Kind::busy:
            break;
    }
    const ObjectNumber number = object();
    const PageIndex at = index(number);
    switch (kind) {
        case Kind::put:
            return ObjectPut{number, at, choices_.between(1, 9), shortage()};
        case Kind::write:
            return ObjectWrite{number, at, choices_.chance(25) ? event_of_write() : PagerEvent::ok};
        case Kind::grab:
            return ObjectPage{ObjectPageName::object_grab, number, at};
        case Kind::pin: {
            const auto call = choices_.chance(50) ? ObjectPinName::object_hold : ObjectPinName::object_wire;
            return ObjectPin{call, choices_.below(kMaxPins), number, at};
        }
        case Kind::busy:
            return ObjectBusy{number, at, choices_.between(1, 2)};
        default:
            return ObjectPage{ObjectPageName::object_reclaim, number, at};
    }
}

}  // namespace

Operation draw_object_operation(Choices& choices, const model::ObjectChains& model) {
    return Drawing(choices, model).operation();
}

Config object_config(std::uint64_t n) {
    Config config = small_config(n);
    // Everything there is must fit into swap: nobody is there to be killed.
    config.swap_slots = 2048;
    config.frames = std::max(config.frames, 80U);
    return config;
}

}  // namespace vmref::props
