// The single steps of shrinking: what a run, an operation or a configuration may be replaced by to become simpler.
#pragma once

#include <cstddef>
#include <vector>

#include "ops/config.h"
#include "ops/operation.h"

namespace vmref::props {

using Operations = std::vector<Operation>;

inline constexpr std::uint32_t kManyPages = 64;  // of a Pageout: more than what a short run touches

// One argument made simpler, in each way there is. No way leads back to the operation.
Operations simpler_operations(const Operation& operation);

// Processes numbered from 1 on, without gaps, in the order in which they appear. No process stays as it is.
Operations renumber_processes(Operations operations);

// The pmap world's pages numbered from 0 and its pmaps from 1 on, in the order in which they appear; not those of
// ranges.
Operations renumber_pages(Operations operations);

// Pages age slowly: it takes many scans until one is written out. Advice that they are not needed, and then one or two
// scans, come to the same. All scans of a stretch are replaced, long stretches first; empty if there are too few or
// too many.
std::vector<Operations> with_advice_for_scans(const Operations& operations);

// What memory pressure does, said in two operations more: advice and a scan somewhere before the last operation.
std::vector<Operations> with_advice_and_scan(const Operations& operations);

// What memory pressure does, said in four operations more on a machine that has more memory than the rest needs: a
// process takes all of it at once, by reading a file, and gives it back.
struct Burst {
    Operations operations;
    Config config;
};
std::vector<Burst> with_memory_burst(const Operations& operations);

// One operation instead of two: a child's work done by its parent, a file created with the size that it gets later, or
// instead of another file.
std::vector<Operations> with_fewer_actors(const Operations& operations);

// Every single operation left out, and with_fewer_actors.
std::vector<Operations> with_one_less(const Operations& operations);

// Every fork at every later place: fewer processes for a while, which others may have been needed for.
std::vector<Operations> with_later_fork(const Operations& operations);

// A process ends where it is, instead of what comes after: the end shows what the process still held.
std::vector<Operations> with_early_exit(const Operations& operations);

// Hardly a page for anybody but the system: what fills the memory takes fewer operations.
Config with_large_reserve(Config config);

// One key made simpler, in each way there is: smaller machines; for what is no size, the default. All fit together.
std::vector<Config> simpler_configs(const Config& config);

}  // namespace vmref::props
