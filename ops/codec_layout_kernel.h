// The members of the operations of ops/kernel_operation.h. For ops/codec.cc.
#pragma once

#include <string_view>
#include <tuple>

#include "ops/codec_layout.h"

namespace vmref::codec {

template <>
inline constexpr std::array<std::string_view, 2> kNames<DebugCall>{"debug_read", "debug_write"};

template <>
struct Layout<DebugAccess> {
    static constexpr auto kCall = &DebugAccess::call;
    static constexpr auto kFields = std::tuple{
        required<Uint>("pid", &DebugAccess::pid), required<Uint>("target", &DebugAccess::target),
        required<Address>("addr", &DebugAccess::addr), required<Number<std::uint8_t>>("size", &DebugAccess::size),
        required<Uint>("value", &DebugAccess::value,
                       [](const DebugAccess& op) { return op.call == DebugCall::debug_write; })};
};

template <>
struct Layout<KernelGet> {
    static constexpr std::string_view kName = "kernel_get";
    static constexpr auto kFields =
        std::tuple{required<Uint>("pid", &KernelGet::pid), required<Uint>("slot", &KernelGet::slot),
                   required<Address>("addr", &KernelGet::addr), optional<Flag>("write", &KernelGet::write)};
};

template <>
struct Layout<KernelPut> {
    static constexpr std::string_view kName = "kernel_put";
    static constexpr auto kFields =
        std::tuple{required<Uint>("slot", &KernelPut::slot), optional<Uint>("value", &KernelPut::value)};
};

template <>
struct Layout<KernelWire> {
    static constexpr std::string_view kName = "kernel_wire";
    static constexpr auto kFields = range_fields<KernelWire>();
};

template <>
struct Layout<KernelUnwire> {
    static constexpr std::string_view kName = "kernel_unwire";
    static constexpr auto kFields = range_fields<KernelUnwire>();
};

template <>
inline constexpr std::array<std::string_view, 2> kNames<NofaultCall>{"load_nofault", "store_nofault"};

template <>
struct Layout<NofaultAccess> {
    static constexpr auto kCall = &NofaultAccess::call;
    static constexpr auto kFields =
        std::tuple{required<Uint>("pid", &NofaultAccess::pid), required<Address>("addr", &NofaultAccess::addr),
                   required<Number<std::uint8_t>>("size", &NofaultAccess::size),
                   required<Uint>("value", &NofaultAccess::value,
                                  [](const NofaultAccess& op) { return op.call == NofaultCall::store_nofault; })};
};

template <>
struct Layout<LockFuture> {
    static constexpr std::string_view kName = "lock_future";
    static constexpr auto kFields =
        std::tuple{required<Uint>("pid", &LockFuture::pid), optional<Flag>("on", &LockFuture::on)};
};

template <>
struct Layout<MapDevice> {
    static constexpr std::string_view kName = "map_device";
    static constexpr auto kFields = std::tuple{
        required<Uint>("pid", &MapDevice::pid),         required<Number<DeviceId>>("device", &MapDevice::device),
        required<Address>("addr", &MapDevice::addr),    required<Uint>("length", &MapDevice::length),
        required<Protection>("prot", &MapDevice::prot), optional<Uint>("offset", &MapDevice::offset)};
};

template <>
inline constexpr std::array<std::string_view, 3> kNames<KernelUse>{"pageable", "stack", "reserved"};

template <>
struct Layout<KernelAlloc> {
    static constexpr std::string_view kName = "kernel_alloc";
    static constexpr auto kFields =
        std::tuple{required<Address>("addr", &KernelAlloc::addr), required<Uint>("pages", &KernelAlloc::pages),
                   optional<Name<KernelUse>>("use", &KernelAlloc::use)};
};

template <>
struct Layout<KernelFree> {
    static constexpr std::string_view kName = "kernel_free";
    static constexpr auto kFields = std::tuple{required<Address>("addr", &KernelFree::addr)};
};

template <>
inline constexpr std::array<std::string_view, 2> kNames<KernelCall>{"kernel_load", "kernel_store"};

template <>
struct Layout<KernelAccess> {
    static constexpr auto kCall = &KernelAccess::call;
    static constexpr auto kFields = std::tuple{
        required<Address>("addr", &KernelAccess::addr), required<Number<std::uint8_t>>("size", &KernelAccess::size),
        required<Uint>("value", &KernelAccess::value,
                       [](const KernelAccess& op) { return op.call == KernelCall::kernel_store; })};
};

template <>
struct Layout<LimitResident> {
    static constexpr std::string_view kName = "limit_resident";
    static constexpr auto kFields =
        std::tuple{required<Uint>("pid", &LimitResident::pid), required<Uint>("pages", &LimitResident::pages)};
};

template <>
struct Layout<Swapoff> {
    static constexpr std::string_view kName = "swapoff";
    static constexpr auto kFields = std::tuple{};
};

}  // namespace vmref::codec
