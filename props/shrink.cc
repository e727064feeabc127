#include "props/shrink.h"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "props/lockstep.h"

namespace vmref::props {

namespace {

using Operations = std::vector<Operation>;
using Clock = std::chrono::steady_clock;

// What one run over a candidate did, up to its first violation.
struct Run {
    Operations taken;        // what was not refused
    std::vector<Va> places;  // by operation taken: Observation::address
    std::optional<Violation> found;
};

Run run_lockstep(const Operations& operations, const ShrinkOptions& options) {
    Run run;
    run.taken.reserve(operations.size());
    run.places.reserve(operations.size());
    SystemLockstep lockstep(options.config, options.defects);
    for (const Operation& operation : operations) {
        if (lockstep.refuse(operation)) {
            continue;
        }
        run.found = lockstep.apply(operation);
        run.taken.push_back(operation);
        run.places.push_back(run.found ? 0 : lockstep.observed().address);
        if (run.found) {
            return run;
        }
    }
    run.found = lockstep.checkpoint();
    return run;
}

class Search {
  public:
    Search(Operations operations, std::string rule, const ShrinkOptions& options)
        : rule_(std::move(rule)), options_(options), start_(Clock::now()) {
        best_.operations = std::move(operations);
    }

    ShrinkResult result() {
        if (try_candidate(best_.operations)) {
            best_.reproduced = true;
            pin_places();
            drop_operations();
            if (simplify_operations()) {
                drop_operations();
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

    // Keeps what the run needed of the candidate if it violates the same rule.
    bool try_candidate(const Operations& candidate) {
        if (options_.progress) {
            options_.progress(best_.operations.size(), best_.runs);
        }
        ++best_.runs;
        Run run = run_lockstep(candidate, options_);
        if (!run.found || run.found->rule != rule_) {
            return false;
        }
        best_.operations = std::move(run.taken);
        best_.violation = std::move(*run.found);
        places_ = std::move(run.places);
        return true;
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

    bool simplify_operations() {
        bool simplified = false;
        // A successful candidate may be shorter than what it came from.
        for (std::size_t i = 0; i < best_.operations.size(); ++i) {
            simplified |= simplify(i, [](auto& operation) { return unit_value(operation); });
            while (simplify(i, [](auto& operation) { return halved(operation); })) {
                simplified = true;
            }
        }
        return simplified;
    }

    template <typename Change>
    bool simplify(std::size_t i, Change change) {
        if (i >= best_.operations.size() || exhausted()) {
            return false;
        }
        Operations candidate = best_.operations;
        return std::visit(change, candidate[i]) && try_candidate(candidate);
    }

    template <typename Op>
    static bool unit_value(Op& operation) {
        if constexpr (std::is_same_v<Op, Access>) {
            return operation.kind == AccessKind::store && std::exchange(operation.value, 1) != 1;
        } else if constexpr (std::is_same_v<Op, Threads>) {
            return std::exchange(operation.count, 1) != 1;
        } else {
            return false;
        }
    }

    template <typename Op>
    static bool halved(Op& operation) {
        if constexpr (requires { operation.length; }) {
            return halve(operation.length);
        } else if constexpr (std::is_same_v<Op, CreateFile> || std::is_same_v<Op, Ftruncate>) {
            return halve(operation.size);
        } else {
            return false;
        }
    }

    // Whole pages stay whole pages.
    static bool halve(std::uint32_t& bytes) {
        const std::uint32_t half = bytes > kPageSize && (bytes & kPageMask) == 0 ? round_page(bytes / 2) : bytes / 2;
        return half != 0 && std::exchange(bytes, half) != half;
    }

    std::string rule_;
    const ShrinkOptions& options_;
    Clock::time_point start_;
    ShrinkResult best_;
    std::vector<Va> places_;
};

}  // namespace

ShrinkResult shrink(std::vector<Operation> operations, const std::string& rule, const ShrinkOptions& options) {
    return Search(std::move(operations), rule, options).result();
}

}  // namespace vmref::props
