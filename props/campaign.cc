#include "props/campaign.h"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <utility>

#include "props/prng.h"
#include "props/worlds.h"

namespace vmref::props {

namespace {

// Operations between two looks at the clock.
constexpr std::uint64_t kClockInterval = 256;
constexpr double kProgressSeconds = 0.1;

class Stopwatch {
  public:
    double seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

  private:
    using Clock = std::chrono::steady_clock;
    Clock::time_point start_ = Clock::now();
};

// FNV-1a over 64-bit numbers, byte by byte from the lowest.
class Digest {
  public:
    void add(std::uint64_t number) {
        for (unsigned i = 0; i < 8; ++i) {
            hash_ = (hash_ ^ ((number >> (8 * i)) & 0xFF)) * 0x100000001b3U;
        }
    }
    void add(const Observation& seen) {
        add(static_cast<std::uint64_t>(seen.status) | std::uint64_t{static_cast<std::uint8_t>(seen.signal)} << 8 |
            std::uint64_t{seen.value} << 32);
        add(seen.address | std::uint64_t{seen.witness.discarded.size()} << 32);
        for (const Discard& discard : seen.witness.discarded) {
            add(discard.pid | std::uint64_t{discard.va} << 32);
            add(discard.after);
        }
        add(seen.witness.killed.size());
        for (const Pid pid : seen.witness.killed) {
            add(pid);
        }
        if (seen.witness.cached) {
            add(1);
        }
        for (const FailedRead& failed : seen.witness.failed) {
            add(failed.pid | std::uint64_t{failed.va} << 32 | (failed.bad ? 1 : 0));
        }
        for (const EarlyCopy& copy : seen.witness.copied) {
            add(copy.pid | std::uint64_t{copy.va} << 32);
        }
        for (const Hooked& hooked : seen.hooked) {
            add(static_cast<std::uint64_t>(hooked.time));
            add(hooked.seen);
        }
    }
    std::uint64_t value() const { return hash_; }

  private:
    std::uint64_t hash_ = 0xcbf29ce484222325U;
};

void add_counts(RunCounts& sum, const RunCounts& counts) {
    sum.operations += counts.operations;
    sum.accesses += counts.accesses;
    sum.faulting += counts.faulting;
    sum.cells_compared += counts.cells_compared;
    sum.checkpoints += counts.checkpoints;
}

// Every system has the same table, in the same order.
void add_invariants(std::vector<Invariant>& sum, std::span<const Invariant> invariants) {
    std::size_t n = 0;
    for (const Invariant& invariant : invariants) {
        if (invariant.elsewhere) {
            continue;
        }
        if (n == sum.size()) {
            sum.push_back(invariant);
        } else {
            sum[n].checked += invariant.checked;
            sum[n].applied += invariant.applied;
            sum[n].violated += invariant.violated;
        }
        ++n;
    }
}

void add_paths(std::vector<impl::PathCount>& sum, const std::vector<impl::PathCount>& paths) {
    if (sum.empty()) {
        sum = paths;
        return;
    }
    for (std::size_t n = 0; n < sum.size(); ++n) {
        sum[n].count += paths[n].count;
    }
}

void add_functions(std::vector<FunctionCount>& sum, const impl::PmapCoverage& coverage) {
    sum.resize(impl::kPmapFunctionNames.size());
    for (std::size_t n = 0; n < sum.size(); ++n) {
        sum[n].name = impl::kPmapFunctionNames[n];
        sum[n].count += coverage.count(static_cast<impl::PmapFunction>(n));
    }
}

void add_functions(std::vector<FunctionCount>& sum, const impl::ObjectCoverage& coverage) {
    sum.resize(impl::kObjectFunctionNames.size());
    for (std::size_t n = 0; n < sum.size(); ++n) {
        sum[n].name = impl::kObjectFunctionNames[n];
        sum[n].count += coverage.count(static_cast<impl::ObjectFunction>(n));
    }
}

template <class World>
class Campaign {
  public:
    Campaign(const CampaignOptions& options, const std::function<void(const CampaignResult&)>& progress)
        : options_(options), progress_(progress) {}

    CampaignResult run();

  private:
    Config next_config() const;
    Lockstep<World>& fresh_lockstep(const Config& config);
    void run_own_cases();
    void run_system();
    bool apply(Lockstep<World>& lockstep, const Operation& operation);
    bool exhausted() const;
    void look_at_clock(Lockstep<World>& lockstep);
    void add_system(CampaignResult& result, Lockstep<World>& lockstep) const;

    const CampaignOptions& options_;
    const std::function<void(const CampaignResult&)>& progress_;
    const Stopwatch stopwatch_;
    std::optional<Lockstep<World>> usual_;  // of options_.config: reset for every system that has it
    std::optional<Lockstep<World>> other_;
    CampaignResult result_;
    Digest digest_;
    std::uint64_t operations_ = 0;
    double next_progress_ = kProgressSeconds;
    bool stopped_ = false;
};

template <class World>
bool Campaign<World>::exhausted() const {
    return stopped_ || result_.violation || (options_.max_operations != 0 && operations_ >= options_.max_operations);
}

// What a system did joins what the systems before it did.
template <class World>
void Campaign<World>::add_system(CampaignResult& result, Lockstep<World>& lockstep) const {
    add_counts(result.counts, lockstep.counts());
    add_invariants(result.invariants, lockstep.invariants().invariants());
    if constexpr (requires { World::coverage(lockstep.subject()); }) {
        add_functions(result.functions, World::coverage(lockstep.subject()));
    }
    if constexpr (requires { World::functions(lockstep.subject()); }) {
        add_functions(result.functions, World::functions(lockstep.subject()));
    }
    if constexpr (requires { World::paths(lockstep.subject()); }) {
        add_paths(result.paths, World::paths(lockstep.subject()));
    }
    result.faults += World::page_faults(lockstep.subject());
    result.peak_frames = std::max(result.peak_frames, World::peak_frames(lockstep.subject()));
    result.seconds = stopwatch_.seconds();
    result.digest = digest_.value();
}

template <class World>
void Campaign<World>::look_at_clock(Lockstep<World>& lockstep) {
    const double now = stopwatch_.seconds();
    stopped_ = (options_.max_seconds > 0 && now >= options_.max_seconds) ||
               (options_.stop != nullptr && options_.stop->load(std::memory_order_relaxed));
    if (progress_ && now >= next_progress_) {
        next_progress_ = now + kProgressSeconds;
        std::vector<Operation> trace = std::exchange(result_.trace, {});
        CampaignResult so_far = result_;
        result_.trace = std::move(trace);
        add_system(so_far, lockstep);
        progress_(so_far);
    }
}

// False: this system is done, for it has shown a violation.
template <class World>
bool Campaign<World>::apply(Lockstep<World>& lockstep, const Operation& operation) {
    result_.trace.push_back(operation);
    ++operations_;
    result_.violation = lockstep.apply(operation);
    digest_.add(lockstep.observed());
    if (options_.observe && !result_.violation) {
        options_.observe(operation, lockstep.observed());
    }

    if (operations_ % kClockInterval == 0) {
        look_at_clock(lockstep);
    }
    return !result_.violation;
}

// What much memory shows as well shrinks better there: other machines have to wait.
template <class World>
Config Campaign<World>::next_config() const {
    const std::uint64_t system = result_.systems;
    const bool small = options_.small_systems && system >= 3 && system % 3 != 2;
    return small ? World::varied(options_.config, options_.seed + system) : options_.config;
}

template <class World>
Lockstep<World>& Campaign<World>::fresh_lockstep(const Config& config) {
    if (config != options_.config) {
        return other_.emplace(config, options_.defects);
    }
    if (!usual_) {
        return usual_.emplace(config, options_.defects);
    }
    usual_->reset();
    return *usual_;
}

template <class World>
void Campaign<World>::run_system() {
    const Config config = next_config();
    result_.config = config;
    Lockstep<World>& lockstep = fresh_lockstep(config);
    Prng prng(options_.seed, result_.systems++);
    Record record{};
    result_.trace.clear();
    bool sound = true;
    for (std::uint64_t n = 0; sound && n < options_.operations_per_system && !exhausted(); ++n) {
        prng.fill(record);
        Choices choices(record);
        sound = apply(lockstep, World::draw(choices, lockstep.model(), config));
    }
    if (sound) {
        result_.violation = lockstep.checkpoint();
    }
    add_system(result_, lockstep);
}

// Errors: NoOracle.
template <class World>
void Campaign<World>::run_own_cases() {
    if constexpr (requires { World::run_own_cases(options_.defects); }) {
        if (auto failed = options_.own_cases ? World::run_own_cases(options_.defects) : std::nullopt) {
            result_.violation = std::move(failed->violation);
            result_.trace = std::move(failed->operations);
            result_.config = failed->config;
            result_.systems = 1;
            return;
        }
        World::require_oracle();
    }
}

template <class World>
CampaignResult Campaign<World>::run() {
    run_own_cases();
    while (!exhausted()) {
        run_system();
        if (options_.operations_per_system == 0) {
            break;
        }
    }
    if (!result_.violation) {
        result_.trace.clear();
    }
    return std::move(result_);
}

}  // namespace

CampaignResult run_campaign(const CampaignOptions& options,
                            const std::function<void(const CampaignResult&)>& progress) {
    return with_world(options.world, [&]<class World> { return Campaign<World>(options, progress).run(); });
}

}  // namespace vmref::props
