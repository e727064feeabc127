// Random campaigns: operations drawn from a seed, run in lockstep until a limit or a violation.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "impl/defects/defects.h"
#include "impl/vm/fault_paths.h"
#include "ops/config.h"
#include "ops/observation.h"
#include "ops/operation.h"
#include "ops/world.h"
#include "props/lockstep.h"

namespace vmref::props {

struct CampaignOptions {
    WorldName world = WorldName::system;
    Config config;
    impl::DefectSet defects;
    std::uint64_t seed = 1;
    std::uint64_t max_operations = 0;             // 0: no limit
    double max_seconds = 0;                       // 0: no limit; the clock decides only when to stop
    std::uint64_t operations_per_system = 20000;  // then a fresh system, seeded onwards
    // After the first three, two systems of three are other machines (the world's `varied`) instead of `config`: memory
    // that runs out, other tunables.
    bool small_systems = false;
    bool own_cases = true;                    // the world's cases come first, if it has some
    const std::atomic<bool>* stop = nullptr;  // ends the campaign with its results
    // Called after every operation that showed no violation, with its observation; may be empty.
    std::function<void(const Operation&, const Observation&)> observe{};
};

// A function of the sources, and how often it ran.
struct FunctionCount {
    std::string_view name;
    std::uint64_t count = 0;
};

// What a campaign did. When a violation is found, `trace` holds the operations of its system, the last one being the
// one that showed it, and `config` what that system was.
struct CampaignResult {
    RunCounts counts;
    std::uint64_t faults = 0;  // page faults taken
    std::uint32_t peak_frames = 0;
    std::uint64_t systems = 0;
    double seconds = 0;
    std::uint64_t digest = 0;              // of every observation, in order
    std::vector<Invariant> invariants;     // those of the world
    std::vector<FunctionCount> functions;  // of pmap.c or vm_object.c
    std::vector<impl::PathCount> paths;    // of the fault handler, in the system world
    std::optional<Violation> violation;
    std::vector<Operation> trace;
    Config config;
};

// Errors: NoOracle, if the world cannot be compared with what it should be compared with.
// `progress` is called about ten times a second with what has been done so far; it may be empty.
CampaignResult run_campaign(const CampaignOptions& options,
                            const std::function<void(const CampaignResult&)>& progress = {});

}  // namespace vmref::props
