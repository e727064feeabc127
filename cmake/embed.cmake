# Writes OUTPUT, a source file whose guest_image() gives the bytes of the file IMAGE; none, if IMAGE is empty.
set(bytes "")
set(size 0)
if(IMAGE)
    file(READ ${IMAGE} hex HEX)
    string(REGEX REPLACE "(..)" "0x\\1," bytes "${hex}")
    file(SIZE ${IMAGE} size)
endif()
file(WRITE ${OUTPUT} "// Made by cmake/embed.cmake.
#include \"props/machine/guest_image.h\"

#include <array>

namespace vmref::props {

std::span<const std::uint8_t> guest_image() {
    static constexpr std::array<std::uint8_t, ${size}> kBytes{${bytes}};
    return kBytes;
}

}  // namespace vmref::props
")
