// The JSON members of the stand-ins' operations. For ops/codec.cc.
#pragma once

#include <string_view>
#include <tuple>

#include "ops/codec_forms.h"
#include "ops/codec_object.h"
#include "ops/injection_operation.h"

namespace vmref::codec {

template <>
struct Layout<WriteOut> {
    static constexpr std::string_view kName = "write_out";
    static constexpr auto kFields =
        std::tuple{required<Number<Pid>>("pid", &WriteOut::pid), required<Address>("addr", &WriteOut::addr),
                   optional<Flag>("unfinished", &WriteOut::unfinished), optional<Flag>("fails", &WriteOut::fails)};
};

template <>
struct Layout<FinishIo> {
    static constexpr std::string_view kName = "finish_io";
    static constexpr auto kFields = std::tuple{};
};

template <>
struct Layout<Reclaim> {
    static constexpr std::string_view kName = "reclaim";
    static constexpr auto kFields =
        std::tuple{required<Number<Pid>>("pid", &Reclaim::pid), required<Address>("addr", &Reclaim::addr)};
};

template <>
struct Layout<BusyPage> {
    static constexpr std::string_view kName = "busy_page";
    static constexpr auto kFields =
        std::tuple{required<Number<Pid>>("pid", &BusyPage::pid), required<Address>("addr", &BusyPage::addr),
                   optional<Number<std::uint32_t>>("sleeps", &BusyPage::sleeps)};
};

template <>
struct Layout<PlanIo> {
    static constexpr std::string_view kName = "plan_io";
    static constexpr auto kFields = std::tuple{
        required<Name<IoCall>>("call", &PlanIo::call), required<Number<std::uint32_t>>("ordinal", &PlanIo::ordinal),
        required<Name<IoAnswer>>("answer", &PlanIo::answer), optional<Number<std::uint32_t>>("ahead", &PlanIo::ahead)};
};

template <>
struct Layout<PlanShortage> {
    static constexpr std::string_view kName = "plan_shortage";
    static constexpr auto kFields = std::tuple{required<Name<Scarce>>("what", &PlanShortage::what),
                                               required<Number<std::uint32_t>>("ordinal", &PlanShortage::ordinal)};
};

template <>
struct Layout<Hook> {
    static constexpr std::string_view kName = "hook";
    static constexpr auto kFields = std::tuple{};
};

}  // namespace vmref::codec
