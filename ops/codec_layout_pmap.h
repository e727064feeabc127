// The members of the pmap world's operations. For ops/codec.cc.
#pragma once

#include <array>
#include <string_view>
#include <tuple>

#include "ops/codec_forms.h"
#include "ops/codec_object.h"
#include "ops/pmap_operation.h"

namespace vmref::codec {

template <>
inline constexpr std::array<std::string_view, 13> kNames<PageCallName>{
    "page_alloc",          "page_alloc_unmanaged", "page_free",          "page_wire",
    "page_unwire",         "pmap_remove_all",      "pmap_clear_modify",  "pmap_clear_reference",
    "pmap_ts_referenced",  "pmap_is_modified",     "pmap_is_referenced", "pmap_zero_page",
    "pmap_page_assertzero"};
template <>
inline constexpr std::array<std::string_view, 5> kNames<PmapCallName>{"pmap_pinit", "pmap_release", "pmap_puninit",
                                                                      "pmap_reference", "pmap_destroy"};
template <>
inline constexpr std::array<std::string_view, 2> kNames<SwitchCallName>{"pmap_setlwpvm", "pmap_replacevm"};
template <>
inline constexpr std::array<std::string_view, 2> kNames<RangeCallName>{"pmap_remove", "pmap_remove_pages"};
template <>
inline constexpr std::array<std::string_view, 5> kNames<AddressCallName>{"pmap_extract", "pmap_prefault_ok",
                                                                         "pmap_mincore", "pmap_wire", "pmap_unwire"};
template <>
inline constexpr std::array<std::string_view, 2> kNames<PairCallName>{"pmap_page_exists_quick", "pmap_remove_specific"};
template <>
inline constexpr std::array<std::string_view, 3> kNames<KernelEnterName>{"pmap_kenter", "pmap_kenter_quick",
                                                                         "pmap_kenter_temporary"};
template <>
inline constexpr std::array<std::string_view, 7> kNames<KernelAddressName>{
    "pmap_kenter_sync", "pmap_kenter_sync_quick", "pmap_kremove", "pmap_kremove_quick",
    "pmap_kmodify_rw",  "pmap_kmodify_nc",        "pmap_kvtom"};
template <>
inline constexpr std::array<std::string_view, 3> kNames<KernelRangeName>{"pmap_qenter", "pmap_map", "pmap_qremove"};

using PmapUint = Number<std::uint32_t>;

// Fields that many of them have; every call of the kernel says last where it runs.
template <typename T>
constexpr auto pmap_field() {
    return required<PmapUint>("pmap", &T::pmap);
}
template <typename T>
constexpr auto va_field() {
    return required<Address>("va", &T::va);
}
template <typename T>
constexpr auto page_field() {
    return required<PmapUint>("page", &T::page);
}
template <typename T>
constexpr auto pages_field() {
    return required<PmapUint>("pages", &T::pages);
}
template <typename T>
constexpr auto prot_field() {
    return required<Protection>("prot", &T::prot);
}
template <typename T>
constexpr auto cpu_field() {
    return optional<PmapUint>("cpu", &T::cpu);
}

template <>
struct Layout<PageCall> {
    static constexpr auto kCall = &PageCall::call;
    static constexpr auto kFields = std::tuple{page_field<PageCall>(), cpu_field<PageCall>()};
};

template <>
struct Layout<PmapZeroPageArea> {
    static constexpr std::string_view kName = "pmap_zero_page_area";
    static constexpr auto kFields =
        std::tuple{page_field<PmapZeroPageArea>(), required<PmapUint>("offset", &PmapZeroPageArea::offset),
                   required<PmapUint>("length", &PmapZeroPageArea::length), cpu_field<PmapZeroPageArea>()};
};

template <>
struct Layout<PmapCopyPage> {
    static constexpr std::string_view kName = "pmap_copy_page";
    static constexpr auto kFields = std::tuple{required<PmapUint>("from", &PmapCopyPage::from),
                                               required<PmapUint>("to", &PmapCopyPage::to),
                                               optional<PmapUint>("from_offset", &PmapCopyPage::from_offset),
                                               optional<PmapUint>("to_offset", &PmapCopyPage::to_offset),
                                               optional<PmapUint>("length", &PmapCopyPage::length),
                                               cpu_field<PmapCopyPage>()};
};

template <>
struct Layout<PmapPageProtect> {
    static constexpr std::string_view kName = "pmap_page_protect";
    static constexpr auto kFields =
        std::tuple{page_field<PmapPageProtect>(), prot_field<PmapPageProtect>(), cpu_field<PmapPageProtect>()};
};

template <>
struct Layout<PmapCall> {
    static constexpr auto kCall = &PmapCall::call;
    static constexpr auto kFields = std::tuple{pmap_field<PmapCall>(), cpu_field<PmapCall>()};
};

template <>
struct Layout<PmapSwitch> {
    static constexpr auto kCall = &PmapSwitch::call;
    static constexpr auto kFields = std::tuple{required<PmapUint>("cpu", &PmapSwitch::cpu), pmap_field<PmapSwitch>()};
};

template <>
struct Layout<PmapEnter> {
    static constexpr std::string_view kName = "pmap_enter";
    static constexpr auto kFields = std::tuple{pmap_field<PmapEnter>(),
                                               va_field<PmapEnter>(),
                                               page_field<PmapEnter>(),
                                               prot_field<PmapEnter>(),
                                               optional<Flag>("wired", &PmapEnter::wired),
                                               optional<Flag>("nosync", &PmapEnter::nosync),
                                               cpu_field<PmapEnter>()};
};

template <>
struct Layout<PmapEnterQuick> {
    static constexpr std::string_view kName = "pmap_enter_quick";
    static constexpr auto kFields = std::tuple{pmap_field<PmapEnterQuick>(), va_field<PmapEnterQuick>(),
                                               page_field<PmapEnterQuick>(), cpu_field<PmapEnterQuick>()};
};

template <>
struct Layout<PmapObjectInitPt> {
    static constexpr std::string_view kName = "pmap_object_init_pt";
    static constexpr auto kFields =
        std::tuple{pmap_field<PmapObjectInitPt>(),  va_field<PmapObjectInitPt>(),
                   prot_field<PmapObjectInitPt>(),  page_field<PmapObjectInitPt>(),
                   pages_field<PmapObjectInitPt>(), optional<Flag>("partial", &PmapObjectInitPt::partial),
                   cpu_field<PmapObjectInitPt>()};
};

template <>
struct Layout<PmapInstall4m> {
    static constexpr std::string_view kName = "install_4m";
    static constexpr auto kFields = std::tuple{pmap_field<PmapInstall4m>(), va_field<PmapInstall4m>(),
                                               prot_field<PmapInstall4m>(), cpu_field<PmapInstall4m>()};
};

template <>
struct Layout<PmapRange> {
    static constexpr auto kCall = &PmapRange::call;
    static constexpr auto kFields =
        std::tuple{pmap_field<PmapRange>(), va_field<PmapRange>(), pages_field<PmapRange>(), cpu_field<PmapRange>()};
};

template <>
struct Layout<PmapProtect> {
    static constexpr std::string_view kName = "pmap_protect";
    static constexpr auto kFields =
        std::tuple{pmap_field<PmapProtect>(), va_field<PmapProtect>(), pages_field<PmapProtect>(),
                   prot_field<PmapProtect>(), cpu_field<PmapProtect>()};
};

template <>
struct Layout<PmapAddress> {
    static constexpr auto kCall = &PmapAddress::call;
    static constexpr auto kFields =
        std::tuple{pmap_field<PmapAddress>(), va_field<PmapAddress>(), cpu_field<PmapAddress>()};
};

template <>
struct Layout<PmapPair> {
    static constexpr auto kCall = &PmapPair::call;
    static constexpr auto kFields = std::tuple{pmap_field<PmapPair>(), page_field<PmapPair>(), cpu_field<PmapPair>()};
};

template <>
struct Layout<PmapCollect> {
    static constexpr std::string_view kName = "pmap_collect";
    static constexpr auto kFields = std::tuple{cpu_field<PmapCollect>()};
};

template <>
struct Layout<KernelEnter> {
    static constexpr auto kCall = &KernelEnter::call;
    static constexpr auto kFields =
        std::tuple{va_field<KernelEnter>(), page_field<KernelEnter>(), cpu_field<KernelEnter>()};
};

template <>
struct Layout<KernelAddress> {
    static constexpr auto kCall = &KernelAddress::call;
    static constexpr auto kFields = std::tuple{va_field<KernelAddress>(), cpu_field<KernelAddress>()};
};

template <>
struct Layout<KernelPages> {
    static constexpr auto kCall = &KernelPages::call;
    static constexpr auto kFields = std::tuple{va_field<KernelPages>(), page_field<KernelPages>(),
                                               pages_field<KernelPages>(), cpu_field<KernelPages>()};
};

template <>
struct Layout<PmapMapdev> {
    static constexpr std::string_view kName = "pmap_mapdev";
    static constexpr auto kFields =
        std::tuple{required<PmapUint>("offset", &PmapMapdev::offset), required<PmapUint>("length", &PmapMapdev::length),
                   optional<Flag>("uncacheable", &PmapMapdev::uncacheable), cpu_field<PmapMapdev>()};
};

template <>
struct Layout<PmapUnmapdev> {
    static constexpr std::string_view kName = "pmap_unmapdev";
    static constexpr auto kFields = std::tuple{va_field<PmapUnmapdev>(), cpu_field<PmapUnmapdev>()};
};

template <>
struct Layout<PmapGrowkernel> {
    static constexpr std::string_view kName = "pmap_growkernel";
    static constexpr auto kFields =
        std::tuple{required<Address>("end", &PmapGrowkernel::end), cpu_field<PmapGrowkernel>()};
};

template <>
struct Layout<PmapAddrHint> {
    static constexpr std::string_view kName = "pmap_addr_hint";
    static constexpr auto kFields =
        std::tuple{va_field<PmapAddrHint>(), pages_field<PmapAddrHint>(),
                   optional<Flag>("device", &PmapAddrHint::device), cpu_field<PmapAddrHint>()};
};

template <>
struct Layout<HardwareAccess> {
    static constexpr std::string_view kName = "hardware_access";
    static constexpr auto kFields = std::tuple{required<PmapUint>("cpu", &HardwareAccess::cpu),
                                               required<Name<AccessKind>>("kind", &HardwareAccess::kind),
                                               va_field<HardwareAccess>(),
                                               required<Number<std::uint8_t>>("size", &HardwareAccess::size),
                                               optional<PmapUint>("value", &HardwareAccess::value),
                                               optional<Flag>("supervisor", &HardwareAccess::supervisor)};
};

template <>
struct Layout<EvictTlb> {
    static constexpr std::string_view kName = "evict_tlb";
    static constexpr auto kFields = std::tuple{required<PmapUint>("cpu", &EvictTlb::cpu), va_field<EvictTlb>()};
};

}  // namespace vmref::codec
