#include "props/lockstep.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "ops/codec.h"
#include "props/worlds.h"

namespace vmref::props {

namespace {

std::string describe(const std::vector<Discard>& discarded) {
    std::string text;
    for (const Discard& discard : discarded) {
        text += fmt::format(" (pid {}, {:#010x})", discard.pid, discard.va);
    }
    return text;
}

std::string name(Signal signal) {
    Observation observation;
    observation.signal = signal;
    return encode_observation(observation).value("signal", "none");
}

std::string name(Status status) {
    Observation observation;
    observation.status = status;
    return encode_observation(observation).value("status", "success");
}

// The first field in which the two differ, named; empty if none.
struct Difference {
    std::string field;
    std::string message;
};
Difference compare(const Observation& actual, const Observation& expected) {
    if (actual.signal != expected.signal) {
        return {"observation.signal",
                fmt::format("signal {}, expected {}", name(actual.signal), name(expected.signal))};
    }
    if (actual.status != expected.status) {
        return {"observation.status",
                fmt::format("status {}, expected {}", name(actual.status), name(expected.status))};
    }
    if (actual.value != expected.value) {
        return {"observation.value", fmt::format("value {:#010x}, expected {:#010x}", actual.value, expected.value)};
    }
    if (actual.address != expected.address) {
        return {"observation.address",
                fmt::format("address {:#010x}, expected {:#010x}", actual.address, expected.address)};
    }
    for (std::size_t n = 0; n < actual.hooked.size() && n < expected.hooked.size(); ++n) {
        Difference beside = compare(actual.hooked[n].seen, expected.hooked[n].seen);
        if (!beside.field.empty()) {
            return {beside.field, "of what ran beside it: " + beside.message};
        }
    }
    if (actual.hooked != expected.hooked) {
        return {"observation.hooked",
                fmt::format("{} operations ran beside it, expected {}", actual.hooked.size(), expected.hooked.size())};
    }
    if (actual.witness != expected.witness) {
        return {"observation.witness",
                "discarded" + describe(actual.witness.discarded) + ", expected" + describe(expected.witness.discarded)};
    }
    return {};
}

}  // namespace

template <class World>
Lockstep<World>::Lockstep(const Config& config, const impl::DefectSet& defects, const LockstepOptions& options)
    : config_(config), options_(options), model_(config), subject_(config, defects) {
    attach();
}

template <class World>
void Lockstep<World>::attach() {
    invariants_.emplace(*subject_);
    comparison_.emplace(*subject_, model_, *invariants_);
    if (!options_.compare) {
        World::without_invariants(*subject_);
    }
}

template <class World>
void Lockstep<World>::reset() {
    subject_.reset();
    model_ = typename World::Model(config_);
    attach();
    counts_ = {};
    observed_ = {};
    expected_ = {};
}

template <class World>
std::optional<Violation> Lockstep<World>::found(const std::string& rule, const std::string& message) const {
    return Violation{rule, message, counts_.operations == 0 ? 0 : counts_.operations - 1};
}

template <class World>
std::optional<Violation> Lockstep<World>::apply(const Operation& operation) {
    const std::uint64_t faults = World::page_faults(*subject_);
    ++counts_.operations;
    if (options_.compare_ends) {
        if (const auto violation = comparison_->compare_before(operation)) {
            return found(violation->rule, violation->message);
        }
    }
    try {
        observed_ = subject_->apply(operation);
    } catch (const impl::Finding& finding) {
        invariants_->count_violation(finding.rule());
        return found(finding.rule(), finding.what());
    }
    counts_.accesses += World::is_access(operation) ? 1 : 0;
    counts_.faulting += World::page_faults(*subject_) != faults ? 1 : 0;
    return options_.compare ? judge(operation) : std::nullopt;
}

template <class World>
std::optional<Violation> Lockstep<World>::judge(const Operation& operation) {
    model::Outcome outcome = model_.step(operation, observed_);
    expected_ = std::move(outcome.expected);
    if (!World::judge_discards(*invariants_, observed_, outcome)) {
        return found("I-13", outcome.illegal);
    }
    if (!outcome.illegal.empty()) {
        return found("observation.witness", outcome.illegal);
    }
    const Difference difference = compare(observed_, expected_);
    World::judge_value(*invariants_, operation, observed_, difference.field != "observation.value",
                       [&] { return difference.message; });
    if (!difference.field.empty()) {
        return found(difference.field, difference.message);
    }
    auto violation = comparison_->compare_changes();
    if (!violation) {
        violation = comparison_->compare_sample();
    }
    invariants_->check_changes();
    counts_.cells_compared = comparison_->cells_compared();
    // A broken invariant names the cause, a wrong value only its effect.
    if (invariants_->violation()) {
        violation = invariants_->violation();
    }
    if (violation) {
        return found(violation->rule, violation->message);
    }
    const bool due = options_.checkpoint_every != 0 && counts_.operations % options_.checkpoint_every == 0;
    return due ? checkpoint() : std::nullopt;
}

template <class World>
std::optional<Violation> Lockstep<World>::checkpoint() {
    if (!options_.compare) {
        return std::nullopt;
    }
    ++counts_.checkpoints;
    auto violation = comparison_->compare_all();
    invariants_->check_all();
    counts_.cells_compared = comparison_->cells_compared();
    if (invariants_->violation()) {
        violation = invariants_->violation();
    }
    return violation ? found(violation->rule, violation->message) : std::nullopt;
}

template class Lockstep<SystemWorld>;
template class Lockstep<MachineWorld>;
template class Lockstep<PmapWorld>;
template class Lockstep<ObjectWorld>;

}  // namespace vmref::props
