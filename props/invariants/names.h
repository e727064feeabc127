// How messages name things: by numbers that a reader finds in a dump of the state.
#pragma once

#include <fmt/format.h>

#include <string>

#include "impl/vm/kernel.h"

namespace vmref::props {

inline std::string name_of(const impl::Object& object) {
    constexpr const char* kTypes[] = {"default", "swap", "vnode", "page_table"};
    return fmt::format("object {} ({})", object.id, kTypes[static_cast<unsigned>(object.type)]);
}

inline std::string name_of(const impl::Page& page) {
    if (page.object == nullptr) {
        return fmt::format("frame {} (no object)", page.frame);
    }
    return fmt::format("frame {} (object {} index {})", page.frame, page.object->id, page.pindex);
}

inline std::string name_of(const impl::MapEntry& entry) {
    return fmt::format("entry [{:#x}, {:#x}) of pid {}", entry.start, entry.end, entry.map->pid);
}

inline std::string name_of(const impl::Pmap& pmap, Va va) {
    return fmt::format("pmap {} va {:#x}", pmap.id, va);
}

}  // namespace vmref::props
