#include "cli/replay_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <type_traits>
#include <variant>

#include "cli/command.h"
#include "cli/digest.h"
#include "cli/text.h"
#include "cli/trace_file.h"
#include "ops/codec.h"
#include "props/worlds.h"
#include "traces/bad_input.h"
#include "traces/trace.h"

namespace vmref::cli {

namespace {

using props::Violation;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kLastOperations = 5;

std::string observation_text(const Observation& observation) {
    return json_line(encode_observation(observation));
}

// What the real program did not meet.
std::optional<Violation> judge_recorded(const Operation& operation, const Observation& observed, std::uint64_t step) {
    const Access* const access = std::get_if<Access>(&operation);
    const bool ended_well =
        observed.signal == Signal::none && (access == nullptr || !access->kernel || observed.status == Status::success);
    // The disk of the recorded program did not fail (Config::io_errors).
    if (access == nullptr || ended_well || !observed.witness.failed.empty()) {
        return std::nullopt;
    }
    return Violation{"recorded.signal",
                     fmt::format("pid {} va {:#010x}: gave {}, the recorded program went on", access->pid, access->addr,
                                 observation_text(observed)),
                     step};
}

std::optional<Violation> judge_expected(const Step& step, const Observation& observed, std::uint64_t number) {
    if (!step.expect || *step.expect == observed) {
        return std::nullopt;
    }
    return Violation{
        "expectation",
        fmt::format("gave {}, the trace expects {}", observation_text(observed), observation_text(*step.expect)),
        number};
}

// The machine world has no kernel to tell about.
struct NoExplanation {
    NoExplanation(const ExplanationArguments& /*arguments*/, const auto& /*subject*/, std::ostream& /*out*/) {}
    void before(std::uint64_t /*number*/, const Operation& /*operation*/) {}
    void after(const Operation& /*operation*/, const Observation* /*observed*/) {}
    void finish() {}
};

template <class World>
class Replay {
    static constexpr bool kExplains = World::kName != WorldName::machine;

  public:
    Replay(const std::string& path, const Trace& trace, const Config& config, const ReplayOptions& options,
           Progress& progress)
        : path_(path), trace_(trace), lockstep_(config, options.defects, {.compare_ends = true}), progress_(progress) {
        end_ = trace.steps.size();
        if (options.explain != nullptr && !kExplains) {
            throw BadInput(
                path +
                ": expected a trace with a kernel (not of the machine world) for --narrate, --show, --dot and --svg");
        }
        if (options.explain != nullptr) {
            if constexpr (kExplains) {
                explanation_.emplace(*options.explain, Scene(lockstep_.subject()), *options.out);
            }
        }
        end_ = options.until == 0 ? end_ : static_cast<std::size_t>(std::min<std::uint64_t>(end_, options.until));
    }

    Replayed run() {
        const Clock::time_point start = Clock::now();
        std::optional<Violation> violation;
        std::size_t done = 0;
        while (done < end_ && !violation) {
            violation = take(done++);
            show_progress(done, start);
        }
        if (explanation_) {
            explanation_->finish();
        }
        if (!violation) {
            violation = lockstep_.checkpoint();
        }
        if constexpr (requires { World::require_oracle(); }) {
            if (!violation) {
                World::require_oracle();
            }
        }
        Replayed replayed = summary(violation, done);
        replayed.seconds = std::chrono::duration<double>(Clock::now() - start).count();
        return replayed;
    }

  private:
    std::optional<Violation> take(std::size_t number) {
        const Step& step = trace_.steps[number];
        if (const auto reason = lockstep_.refuse(step.operation)) {
            throw BadInput(fmt::format("{}:{}: /operations/{}: {}", path_, step.line, number, *reason));
        }
        if (explanation_) {
            explanation_->before(number, step.operation);
        }
        auto found = lockstep_.apply(step.operation);
        if (explanation_) {
            explanation_->after(step.operation, found ? nullptr : &lockstep_.observed());
        }
        if (found) {
            return found;
        }
        const Observation& observed = lockstep_.observed();
        digest_.add(observed);
        if (trace_.recorded) {
            if (auto violation = judge_recorded(step.operation, observed, number)) {
                return violation;
            }
        }
        return judge_expected(step, observed, number);
    }

    Replayed summary(const std::optional<Violation>& violation, std::size_t done) {
        Replayed replayed;
        replayed.file = path_;
        replayed.counts = lockstep_.counts();
        replayed.faults = World::page_faults(lockstep_.subject());
        replayed.peak_frames = World::peak_frames(lockstep_.subject());
        replayed.seed = trace_.seed;
        replayed.made_with = trace_.defects;
        replayed.digest = digest_.value();
        replayed.violation = violation;
        if (violation && done > 0) {
            replayed.line = trace_.steps[done - 1].line;
            for (std::size_t n = done - std::min(done, kLastOperations); n < done; ++n) {
                replayed.last.push_back(trace_.steps[n].operation);
            }
        }
        return replayed;
    }

    void show_progress(std::size_t done, Clock::time_point start) {
        constexpr std::size_t operations_between_looks = 256;
        if (done % operations_between_looks != 0) {
            return;
        }
        progress_.show([&] {
            const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
            const double left = seconds * static_cast<double>(end_ - done) / static_cast<double>(done);
            return fmt::format("{} operations/s  {} operations  0 violations  {:.0f} s left  {}",
                               grouped(rate(done, seconds)), grouped(done), left, path_);
        });
    }

    const std::string& path_;
    const Trace& trace_;
    props::Lockstep<World> lockstep_;
    std::optional<std::conditional_t<kExplains, Explanation, NoExplanation>> explanation_;
    Progress& progress_;
    Digest digest_;
    std::size_t end_ = 0;
};

}  // namespace

Replayed replay_file(const std::string& path, const ReplayOptions& options, Progress& progress) {
    const Trace trace = read_runnable(path);
    Config config;
    try {
        config = options.configuration.over(trace.config);
    } catch (const UsageError& error) {
        throw BadInput(path + ": with " + error.what());
    }
    return props::with_world(trace.world,
                             [&]<class World> { return Replay<World>(path, trace, config, options, progress).run(); });
}

}  // namespace vmref::cli
