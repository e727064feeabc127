// Which flags were ever set or cleared on one thing: for tables that show what no run reaches. They survive reuse.
#pragma once

#include <cstdint>

namespace vmref::impl {

struct FlagChanges {
    std::uint16_t was_set = 0;
    std::uint16_t was_cleared = 0;

    void set(std::uint16_t before, std::uint16_t flags) {
        was_set = static_cast<std::uint16_t>(was_set | (flags & ~before));
    }
    void clear(std::uint16_t before, std::uint16_t flags) {
        was_cleared = static_cast<std::uint16_t>(was_cleared | (flags & before));
    }
};

}  // namespace vmref::impl
