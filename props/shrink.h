// From a failing run to a short one: fewer operations, simpler ones, processes numbered from 1 on, a simpler machine,
// as long as the same rule is violated.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "impl/defects/defects.h"
#include "ops/config.h"
#include "ops/operation.h"
#include "ops/world.h"
#include "props/violation.h"

namespace vmref::props {

struct ShrinkOptions {
    Config config;
    impl::DefectSet defects;
    WorldName world = WorldName::system;
    std::uint64_t max_runs = 100000;
    double max_seconds = 30;                  // the clock decides only when to stop
    const std::atomic<bool>* stop = nullptr;  // ends the search with what it has
    // Called before every run with the number of operations left; may be empty.
    std::function<void(std::size_t operations, std::uint64_t runs)> progress{};
};

struct ShrinkResult {
    // Requires for both to mean something: reproduced. None of the operations is refused, and a lockstep over them on
    // `config`, with a checkpoint at the end, finds `violation` and nothing before it.
    std::vector<Operation> operations;
    Config config;
    Violation violation;
    std::uint64_t runs = 0;
    bool reproduced = false;  // false: the operations given do not violate `rule`, and are what is returned
    bool complete = false;    // false: a limit ended the search
};

// Never holds a run whose first violation has another rule than `rule`.
ShrinkResult shrink(std::vector<Operation> operations, const std::string& rule, const ShrinkOptions& options);

}  // namespace vmref::props
