// How the stand-ins of the system world are drawn (ops/injection_operation.h).
#pragma once

#include "ops/operation.h"
#include "props/generators/choices.h"
#include "props/generators/places.h"

namespace vmref::props {

// Any of them, mostly on a page of `pid`.
Operation stand_in(Pid pid, Choices& choices, Places& places);
// What a Hook keeps back: mostly something that changes what a page may be used for.
Operation kept_operation(Choices& choices, Places& places);
// What it may run beside: mostly an access to a page that it concerns. Requires: its process exists.
Operation operation_beside(const Operation& kept, Choices& choices, Places& places);

}  // namespace vmref::props
