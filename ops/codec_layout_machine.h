// The members of the machine world's operations. For ops/codec.cc.
#pragma once

#include <string_view>
#include <tuple>

#include "ops/codec_forms.h"
#include "ops/codec_object.h"
#include "ops/machine_operation.h"

namespace vmref::codec {

template <>
struct Layout<SetWord> {
    static constexpr std::string_view kName = "set_word";
    static constexpr auto kFields =
        std::tuple{required<Address>("pa", &SetWord::pa), required<Address>("value", &SetWord::value)};
};

template <>
struct Layout<Probe> {
    static constexpr std::string_view kName = "probe";
    static constexpr auto kFields =
        std::tuple{required<Number<std::uint32_t>>("cpu", &Probe::cpu),
                   required<Name<AccessKind>>("kind", &Probe::kind), required<Address>("va", &Probe::va),
                   required<Number<std::uint32_t>>("value", &Probe::value,
                                                   [](const Probe& probe) { return probe.kind == AccessKind::store; }),
                   optional<Flag>("user", &Probe::user)};
};

template <>
struct Layout<Invlpg> {
    static constexpr std::string_view kName = "invlpg";
    static constexpr auto kFields =
        std::tuple{required<Number<std::uint32_t>>("cpu", &Invlpg::cpu), required<Address>("va", &Invlpg::va)};
};

template <>
struct Layout<LoadCr3> {
    static constexpr std::string_view kName = "load_cr3";
    static constexpr auto kFields = std::tuple{required<Number<std::uint32_t>>("cpu", &LoadCr3::cpu),
                                               required<Number<std::uint32_t>>("directory", &LoadCr3::directory)};
};

template <>
struct Layout<Control> {
    static constexpr std::string_view kName = "control";
    static constexpr auto kFields =
        std::tuple{required<Number<std::uint32_t>>("cpu", &Control::cpu), optional<Flag>("wp", &Control::wp),
                   optional<Flag>("pse", &Control::pse), optional<Flag>("pge", &Control::pge)};
};

template <>
struct Layout<Evict> {
    static constexpr std::string_view kName = "evict";
    static constexpr auto kFields =
        std::tuple{required<Number<std::uint32_t>>("cpu", &Evict::cpu), required<Address>("va", &Evict::va)};
};

template <>
struct Layout<RandomTables> {
    static constexpr std::string_view kName = "random_tables";
    static constexpr auto kFields = std::tuple{required<Number<std::uint32_t>>("seed", &RandomTables::seed)};
};

template <>
struct Layout<PmapTables> {
    static constexpr std::string_view kName = "pmap_tables";
    static constexpr auto kFields = std::tuple{required<Number<std::uint32_t>>("seed", &PmapTables::seed),
                                               required<Number<std::uint32_t>>("operations", &PmapTables::operations)};
};

}  // namespace vmref::codec
