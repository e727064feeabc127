// Draws operations of the machine world.
#pragma once

#include "ops/operation.h"
#include "props/generators/choices.h"
#include "props/machine/machine_model.h"

namespace vmref::props {

// An operation that `model` does not refuse. Most are probes, and many of those come back to the page of the last one,
// whose words change in between.
Operation draw_machine(Choices& choices, const MachineModel& model);

}  // namespace vmref::props
