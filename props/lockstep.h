// The one comparison loop: an operation goes to the model and to the implementation, then both are compared. What they
// are is the world's (props/worlds.h).
//
// After every operation: the observation; the contents and attributes that the journal names, and a rolling sample of
// the rest; the invariants that concern what changed. At checkpoints and at the end: everything.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "impl/arena/resettable.h"
#include "impl/defects/defects.h"
#include "ops/config.h"
#include "ops/observation.h"
#include "ops/operation.h"
#include "props/machine_world.h"
#include "props/system_world.h"
#include "props/violation.h"

namespace vmref::props {

struct LockstepOptions {
    std::uint64_t checkpoint_every = 4096;  // operations between full comparisons; 0: only at the end
    bool compare = true;                    // false: the implementation alone (for benchmarks)
    bool compare_ends = false;              // every page of a process is compared before it ends
};

// Counts for reports.
struct RunCounts {
    std::uint64_t operations = 0;
    std::uint64_t accesses = 0;  // user and kernel accesses, one per Access operation
    std::uint64_t faulting = 0;  // operations during which at least one page fault was taken
    std::uint64_t cells_compared = 0;
    std::uint64_t checkpoints = 0;
};

template <class World>
class Lockstep {
  public:
    Lockstep(const Config& config, const impl::DefectSet& defects, const LockstepOptions& options = {});

    // Back to the beginning, much faster than a new one. References to the subject, the model and the invariants stay
    // right.
    void reset();

    // Why the operation cannot be asked of this state; nullopt if it can.
    std::optional<std::string> refuse(const Operation& operation) const { return model_.refuse(operation); }

    // Requires: refuse(operation) is nullopt, no violation so far. The first violation found ends the run.
    std::optional<Violation> apply(const Operation& operation);
    // Everything is compared and checked. Call it at the end of every run.
    std::optional<Violation> checkpoint();

    const typename World::Model& model() const { return model_; }
    typename World::Subject& subject() { return *subject_; }
    typename World::Invariants& invariants() { return *invariants_; }
    const RunCounts& counts() const { return counts_; }
    // What the last operation showed, on either side.
    const Observation& observed() const { return observed_; }
    const Observation& expected() const { return expected_; }

  private:
    std::optional<Violation> judge(const Operation& operation);
    std::optional<Violation> found(const std::string& rule, const std::string& message) const;

    void attach();

    Config config_;
    LockstepOptions options_;
    typename World::Model model_;
    impl::Resettable<typename World::Subject> subject_;
    std::optional<typename World::Invariants> invariants_;
    std::optional<typename World::Comparison> comparison_;
    RunCounts counts_;
    Observation observed_;
    Observation expected_;
};

extern template class Lockstep<SystemWorld>;
extern template class Lockstep<MachineWorld>;
using SystemLockstep = Lockstep<SystemWorld>;

}  // namespace vmref::props
