// What a model's step yields.
#pragma once

#include <string>

#include "ops/observation.h"

namespace vmref::model {

// The outcome the model allows. `expected` repeats the choices of the implementation where the contract leaves
// them free; `illegal` is empty, or one line saying which choice was not legal.
struct Outcome {
    Observation expected;
    std::string illegal;
    bool illegal_discard = false;  // it was a discard that madvise(free) does not permit
};

}  // namespace vmref::model
