// Which operations the pmap world is asked: the one place for their weights.
#pragma once

#include <cstdint>

#include "model/mapping.h"
#include "ops/config.h"
#include "ops/operation.h"
#include "props/generators/choices.h"

namespace vmref::props {

// Turns any record into an operation that `model` does not refuse. The record and the model state alone decide.
Operation draw_pmap_operation(Choices& choices, const model::Mappings& model);

// The n-th of a family of machines for the pmap world: 1 to 4 CPUs, small TLBs, few pv entries, little memory.
Config pmap_config(std::uint64_t n);

}  // namespace vmref::props
