// The guest for QEMU: an ELF file that the build made from guest/. Empty if it could not.
#pragma once

#include <cstdint>
#include <span>

namespace vmref::props {

std::span<const std::uint8_t> guest_image();

}  // namespace vmref::props
