// The members of the object world's operations. For ops/codec.cc.
#pragma once

#include <array>
#include <string_view>
#include <tuple>

#include "ops/codec_forms.h"
#include "ops/codec_object.h"
#include "ops/object_operation.h"

namespace vmref::codec {

template <>
inline constexpr std::array<std::string_view, 9> kNames<PagerEvent>{"ok",         "error",    "bad",   "again", "pend",
                                                                    "pend_error", "replaced", "taken", "lost"};
template <>
inline constexpr std::array<std::string_view, 5> kNames<ObjectCallName>{
    "object_reference", "object_deallocate", "object_collapse", "object_qcollapse", "object_deactivate_pages"};
template <>
inline constexpr std::array<std::string_view, 2> kNames<ObjectPageName>{"object_grab", "object_reclaim"};
template <>
inline constexpr std::array<std::string_view, 2> kNames<ObjectPinName>{"object_wire", "object_hold"};
template <>
inline constexpr std::array<std::string_view, 8> kNames<ObjectRangeName>{
    "object_page_remove", "object_page_remove_clean", "object_page_clean",       "object_pmap_copy_1",
    "object_pmap_remove", "object_madvise_willneed",  "object_madvise_dontneed", "object_madvise_free"};

using ObjectUint = Number<std::uint32_t>;

template <typename T>
constexpr auto object_field() {
    return required<ObjectUint>("object", &T::object);
}
template <typename T>
constexpr auto index_field() {
    return required<ObjectUint>("index", &T::index);
}

template <>
struct Layout<PagerTurn> {
    static constexpr auto kFields = std::tuple{required<Name<PagerEvent>>("event", &PagerTurn::event),
                                               optional<ObjectUint>("ordinal", &PagerTurn::ordinal)};
};

template <>
struct Layout<ObjectAllocate> {
    static constexpr std::string_view kName = "object_allocate";
    static constexpr auto kFields =
        std::tuple{object_field<ObjectAllocate>(), required<ObjectUint>("pages", &ObjectAllocate::pages),
                   optional<Flag>("vnode", &ObjectAllocate::vnode)};
};

template <>
struct Layout<ObjectCall> {
    static constexpr auto kCall = &ObjectCall::call;
    static constexpr auto kFields = std::tuple{object_field<ObjectCall>()};
};

template <>
struct Layout<ObjectShadow> {
    static constexpr std::string_view kName = "object_shadow";
    static constexpr auto kFields = std::tuple{
        required<ObjectUint>("source", &ObjectShadow::source), object_field<ObjectShadow>(),
        required<ObjectUint>("offset", &ObjectShadow::offset), required<ObjectUint>("pages", &ObjectShadow::pages)};
};

template <>
struct Layout<ObjectCoalesce> {
    static constexpr std::string_view kName = "object_coalesce";
    static constexpr auto kFields = std::tuple{
        object_field<ObjectCoalesce>(), required<ObjectUint>("first", &ObjectCoalesce::first),
        required<ObjectUint>("count", &ObjectCoalesce::count), required<ObjectUint>("next", &ObjectCoalesce::next)};
};

template <>
struct Layout<ObjectTruncate> {
    static constexpr std::string_view kName = "object_truncate";
    static constexpr auto kFields =
        std::tuple{object_field<ObjectTruncate>(), required<ObjectUint>("size", &ObjectTruncate::size)};
};

template <>
struct Layout<ObjectPut> {
    static constexpr std::string_view kName = "object_put";
    static constexpr auto kFields = std::tuple{object_field<ObjectPut>(), index_field<ObjectPut>(),
                                               required<ObjectUint>("value", &ObjectPut::value),
                                               optional<ObjectUint>("shortage", &ObjectPut::shortage)};
};

template <>
struct Layout<ObjectFault> {
    static constexpr std::string_view kName = "object_fault";
    static constexpr auto kFields = std::tuple{object_field<ObjectFault>(),
                                               index_field<ObjectFault>(),
                                               required<Protection>("prot", &ObjectFault::prot),
                                               optional<ObjectUint>("value", &ObjectFault::value),
                                               optional<Flag>("unswap", &ObjectFault::unswap),
                                               optional<Flag>("shared", &ObjectFault::shared),
                                               optional<ObjectUint>("shortage", &ObjectFault::shortage),
                                               optional<Object<PagerTurn>>("pager", &ObjectFault::pager)};
};

template <>
struct Layout<ObjectPage> {
    static constexpr auto kCall = &ObjectPage::call;
    static constexpr auto kFields = std::tuple{object_field<ObjectPage>(), index_field<ObjectPage>()};
};

template <>
struct Layout<ObjectBusy> {
    static constexpr std::string_view kName = "object_busy";
    static constexpr auto kFields = std::tuple{object_field<ObjectBusy>(), index_field<ObjectBusy>(),
                                               required<ObjectUint>("sleeps", &ObjectBusy::sleeps)};
};

template <>
struct Layout<ObjectPin> {
    static constexpr auto kCall = &ObjectPin::call;
    static constexpr auto kFields =
        std::tuple{required<ObjectUint>("pin", &ObjectPin::pin), object_field<ObjectPin>(), index_field<ObjectPin>()};
};

template <>
struct Layout<ObjectUnpin> {
    static constexpr std::string_view kName = "object_unpin";
    static constexpr auto kFields = std::tuple{required<ObjectUint>("pin", &ObjectUnpin::pin)};
};

template <>
struct Layout<ObjectWrite> {
    static constexpr std::string_view kName = "object_write";
    static constexpr auto kFields = std::tuple{object_field<ObjectWrite>(), index_field<ObjectWrite>(),
                                               optional<Name<PagerEvent>>("event", &ObjectWrite::event)};
};

template <>
struct Layout<ObjectIoDone> {
    static constexpr std::string_view kName = "object_io_done";
    static constexpr auto kFields = std::tuple{};
};

template <>
struct Layout<ObjectRange> {
    static constexpr auto kCall = &ObjectRange::call;
    static constexpr auto kFields = std::tuple{object_field<ObjectRange>(), index_field<ObjectRange>(),
                                               required<ObjectUint>("pages", &ObjectRange::pages),
                                               optional<Object<PagerTurn>>("pager", &ObjectRange::pager)};
};

template <>
struct Layout<ObjectPageout> {
    static constexpr std::string_view kName = "object_pageout";
    static constexpr auto kFields = std::tuple{required<ObjectUint>("pages", &ObjectPageout::pages)};
};

}  // namespace vmref::codec
