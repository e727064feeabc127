// The worlds: each has operations of its own, a model, a subject and a generator.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace vmref {

enum class WorldName : std::uint8_t {
    system,   // processes, mappings, files: the whole kernel
    machine,  // page tables, TLBs and accesses: the MMU alone
    pmap,     // pages, pmaps and CPUs: what pmap.c alone does
    object,   // objects, chains and pages: what vm_object.c alone does
};

// In the order of the enumeration.
inline constexpr std::array<std::string_view, 4> kWorldNames{"system", "machine", "pmap", "object"};

constexpr std::string_view world_text(WorldName world) {
    return kWorldNames[static_cast<std::size_t>(world)];
}

}  // namespace vmref
