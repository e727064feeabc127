// Operations of the object world.
#pragma once

#include <cstdint>

#include "model/object_chain.h"
#include "ops/config.h"
#include "ops/operation.h"
#include "props/generators/choices.h"

namespace vmref::props {

// One that the model does not refuse.
Operation draw_object_operation(Choices& choices, const model::ObjectChains& model);

// The n-th other machine: little memory, but swap enough for everything.
Config object_config(std::uint64_t n);

}  // namespace vmref::props
