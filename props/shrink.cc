#include "props/shrink.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <variant>

#include "props/lockstep.h"
#include "props/machine/simpler.h"
#include "props/shrink_changes.h"
#include "props/worlds.h"

namespace vmref::props {

namespace {

using Clock = std::chrono::steady_clock;

// What one run over a candidate did, up to its first violation.
struct Run {
    Operations taken;        // what was not refused
    std::vector<Va> places;  // by operation taken: Observation::address
    std::optional<Violation> found;
};

using Runner = std::function<Run(const Operations&, const Config&)>;

// Thousands of short runs, most of them on the same machine: it is reset, not built anew.
template <class World>
class LockstepRunner {
  public:
    explicit LockstepRunner(const impl::DefectSet& defects) : defects_(defects) {}

    Run operator()(const Operations& operations, const Config& config) {
        if (lockstep_ && config_ == config) {
            lockstep_->reset();
        } else {
            lockstep_.reset();
            lockstep_ = std::make_shared<Lockstep<World>>(config, defects_);
            config_ = config;
        }
        return run(operations);
    }

  private:
    Run run(const Operations& operations) {
        Run run;
        run.taken.reserve(operations.size());
        run.places.reserve(operations.size());
        for (const Operation& operation : operations) {
            if (lockstep_->refuse(operation)) {
                continue;
            }
            run.found = lockstep_->apply(operation);
            run.taken.push_back(operation);
            run.places.push_back(run.found ? 0 : lockstep_->observed().address);
            if (run.found) {
                return run;
            }
        }
        run.found = lockstep_->checkpoint();
        return run;
    }

    impl::DefectSet defects_;
    Config config_;
    std::shared_ptr<Lockstep<World>> lockstep_;  // shared, because a Runner can be copied
};

Runner runner(WorldName world, const impl::DefectSet& defects) {
    return with_world(world, [&defects]<class World>() -> Runner { return LockstepRunner<World>(defects); });
}

class Search {
  public:
    Search(Operations operations, std::string rule, const ShrinkOptions& options)
        : rule_(std::move(rule)),
          options_(options),
          run_(runner(options.world, options.defects)),
          start_(Clock::now()) {
        best_.operations = std::move(operations);
        best_.config = options.config;
    }

    ShrinkResult result() {
        if (try_candidate(best_.operations)) {
            best_.reproduced = true;
            make_cheaper();
            pin_places();
            drop_operations();
            if (try_one_of(with_words_for_tables(best_.operations))) {
                drop_operations();
            }
            make_cheaper();
            shorten();
            // Last, or it would make a shortage of memory that operations are needed for.
            if (simplify_config()) {
                shorten();
            }
            best_.complete = !exhausted();
        }
        return std::move(best_);
    }

  private:
    bool exhausted() const {
        const std::chrono::duration<double> spent = Clock::now() - start_;
        return best_.runs >= options_.max_runs || spent.count() >= options_.max_seconds ||
               (options_.stop != nullptr && options_.stop->load());
    }

    bool try_candidate(const Operations& candidate) { return try_candidate(candidate, best_.config); }

    // Keeps what the run needed of the candidate if it violates the same rule.
    bool try_candidate(const Operations& candidate, const Config& config) {
        if (options_.progress) {
            options_.progress(best_.operations.size(), best_.runs);
        }
        ++best_.runs;
        Run run = run_(candidate, config);
        if (!run.found || run.found->rule != rule_) {
            return false;
        }
        best_.operations = std::move(run.taken);
        best_.config = config;
        best_.violation = std::move(*run.found);
        places_ = std::move(run.places);
        return true;
    }

    // A smaller memory is made faster, and every run makes one.
    void make_cheaper() {
        for (const std::uint32_t frames : {512U, 2048U, 4096U}) {
            Config config = best_.config;
            config.frames = frames;
            if (frames < best_.config.frames && config_problem(config).empty() && !exhausted() &&
                try_candidate(best_.operations, config)) {
                return;
            }
        }
    }

    // Where the implementation chose an address, it is asked for: dropping one mapping then moves no other.
    void pin_places() {
        Operations candidate = best_.operations;
        for (std::size_t i = 0; i < candidate.size(); ++i) {
            Mmap* const mmap = std::get_if<Mmap>(&candidate[i]);
            if (mmap != nullptr && !mmap->fixed && places_[i] != 0) {
                mmap->addr = places_[i];
                mmap->fixed = true;
            }
        }
        if (candidate != best_.operations && !exhausted()) {
            try_candidate(candidate);
        }
    }

    // Delta debugging: runs of operations go, from the end to the start, long runs first, until not even one can.
    void drop_operations() {
        std::size_t length = std::max<std::size_t>(best_.operations.size() / 2, 1);
        while (!exhausted()) {
            const bool dropped = drop_runs(length);
            if (length == 1 && !dropped) {
                return;
            }
            length = std::max<std::size_t>(std::min(length / 2, best_.operations.size() / 2), 1);
        }
    }

    bool drop_runs(std::size_t length) {
        bool dropped = false;
        std::size_t end = best_.operations.size();
        while (end > 0 && !exhausted()) {
            const std::size_t begin = end - std::min(end, length);
            Operations candidate = best_.operations;
            candidate.erase(candidate.begin() + static_cast<std::ptrdiff_t>(begin),
                            candidate.begin() + static_cast<std::ptrdiff_t>(end));
            dropped |= try_candidate(candidate);
            end = std::min(begin, best_.operations.size());
        }
        return dropped;
    }

    void shorten() {
        while (simplify()) {
            drop_operations();
        }
    }

    // Each way in turn, as far as it goes. True: something has changed.
    bool simplify() {
        bool simplified = simplify_operations();
        simplified |= try_one_of(with_early_exit(best_.operations));
        simplified |= try_one_of(with_advice_for_scans(best_.operations));
        simplified |= try_one_of(with_fewer_actors(best_.operations));
        simplified |= drop_together();
        simplified |= renumber();
        // Many candidates, few of which are any good.
        return simplified || ask_instead_of_pressure();
    }

    bool simplify_operations() {
        bool simplified = false;
        // A successful candidate may be shorter than what it came from.
        for (std::size_t i = 0; i < best_.operations.size(); ++i) {
            while (simplify_operation(i)) {
                simplified = true;
            }
        }
        return simplified;
    }

    bool simplify_operation(std::size_t i) {
        if (i >= best_.operations.size()) {
            return false;
        }
        for (Operation& simpler : simpler_operations(best_.operations[i])) {
            Operations candidate = best_.operations;
            candidate[i] = std::move(simpler);
            if (!exhausted() && try_candidate(candidate)) {
                return true;
            }
        }
        return false;
    }

    bool try_one_of(const std::vector<Operations>& candidates) {
        return std::any_of(candidates.begin(), candidates.end(),
                           [this](const Operations& candidate) { return !exhausted() && try_candidate(candidate); });
    }

    // Operations that need one another go together, two at a time, of a run that is still long also three.
    bool drop_together() {
        constexpr std::size_t few = 12;
        constexpr std::size_t many = 24;
        const std::size_t length = best_.operations.size();
        if (length > many) {
            return false;
        }
        const std::vector<Operations> later = with_later_fork(best_.operations);
        return drop_several(best_.operations, 2) ||
               std::any_of(later.begin(), later.end(), [this](const Operations& c) { return drop_several(c, 1); }) ||
               (length > few && drop_several(best_.operations, 3));
    }

    bool drop_several(const Operations& operations, unsigned count) {
        const std::vector<Operations> candidates = with_one_less(operations);
        if (count == 1) {
            return try_one_of(candidates);
        }
        return std::any_of(candidates.begin(), candidates.end(),
                           [&](const Operations& candidate) { return drop_several(candidate, count - 1); });
    }

    // With memory enough, and pages written out or taken away by request, what only filled the memory can go.
    bool ask_instead_of_pressure() {
        constexpr std::size_t few = 12;    // not worth it
        constexpr std::size_t many = 100;  // too many places to ask at
        if (best_.operations.size() <= few || best_.operations.size() > many) {
            return false;
        }
        if (shorter_by(best_.operations, with_large_reserve(best_.config))) {
            return true;
        }
        Config roomy;
        roomy.frames = 1024;
        for (const Burst& burst : with_memory_burst(best_.operations)) {
            if (shorter_by(burst.operations, burst.config)) {
                return true;
            }
        }
        const std::vector<Operations> advised = with_advice_and_scan(best_.operations);
        return std::any_of(advised.begin(), advised.end(), [&](const Operations& c) { return shorter_by(c, roomy); });
    }

    // A candidate with more operations than there are, for the sake of others that it makes superfluous. If it does not
    // get shorter, all is as before.
    bool shorter_by(const Operations& candidate, const Config& config) {
        const Operations before = best_.operations;
        const Config config_before = best_.config;
        if (exhausted() || !try_candidate(candidate, config)) {
            return false;
        }
        drop_operations();
        return best_.operations.size() < before.size() || !try_candidate(before, config_before);
    }

    bool renumber() {
        const Operations candidate = renumber_pages(renumber_processes(best_.operations));
        return candidate != best_.operations && !exhausted() && try_candidate(candidate);
    }

    bool simplify_config() {
        bool simplified = false;
        bool again = true;
        while (again) {
            const std::vector<Config> candidates = simpler_configs(best_.config);
            again = std::any_of(candidates.begin(), candidates.end(), [this](const Config& config) {
                return !exhausted() && try_candidate(best_.operations, config);
            });
            simplified |= again;
        }
        return simplified;
    }

    std::string rule_;
    const ShrinkOptions& options_;
    Runner run_;
    Clock::time_point start_;
    ShrinkResult best_;
    std::vector<Va> places_;
};

}  // namespace

ShrinkResult shrink(std::vector<Operation> operations, const std::string& rule, const ShrinkOptions& options) {
    return Search(std::move(operations), rule, options).result();
}

}  // namespace vmref::props
