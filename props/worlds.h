// All worlds, and the one place that leads from the name of a world to its types.
//
// A world is a struct with
//   - kName (ops/world.h);
//   - Model: Model(config), refuse(operation), step(operation, observed), as model::System;
//   - Subject: Subject(config, defects), apply(operation), touched(), as impl::System; it takes its memory from
//     impl/arena/containers.h, so that it can be reset;
//   - Invariants: Invariants(subject), check_changes(), check_all(), count_violation(rule), violation(),
//     invariants(), as InvariantSet;
//   - Comparison: Comparison(subject, model, invariants), compare_before(operation), compare_changes(),
//     compare_sample(), compare_all(), cells_compared(), as Abstraction;
//   - draw(choices, model, config): an operation that the model does not refuse (props/generators);
//   - varied(base, n): the n-th other machine for campaigns on the default one;
//   - if it has cases of its own, run_own_cases(defects) and require_oracle(), as MachineWorld;
//   - the small functions of SystemWorld, for counts and for what a value is judged by.
// To add one: its name, its operations (ops/operation.h, ops/codec_layout*.h, traces/schema.json), its struct, its row
// in `with_world`, its Lockstep in lockstep.cc, and what its operations become when they are made simpler
// (shrink_changes.cc).
#pragma once

#include <cstdlib>
#include <utility>

#include "ops/world.h"
#include "props/machine_world.h"
#include "props/object_world.h"
#include "props/pmap_world.h"
#include "props/system_world.h"

namespace vmref::props {

// Calls f.operator()<World>() for the world of that name.
template <typename F>
decltype(auto) with_world(WorldName name, F&& f) {
    switch (name) {
        case WorldName::system:
            return std::forward<F>(f).template operator()<SystemWorld>();
        case WorldName::machine:
            return std::forward<F>(f).template operator()<MachineWorld>();
        case WorldName::pmap:
            return std::forward<F>(f).template operator()<PmapWorld>();
        case WorldName::object:
            return std::forward<F>(f).template operator()<ObjectWorld>();
    }
    std::abort();
}

}  // namespace vmref::props
