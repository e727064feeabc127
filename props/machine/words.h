// Random table words that the model of the machine world does not refuse.
#pragma once

#include <cstdint>

#include "props/generators/choices.h"

namespace vmref::props {

std::uint32_t draw_directory_word(Choices& choices);
std::uint32_t draw_table_word(Choices& choices);

}  // namespace vmref::props
