// The system world: processes, mappings and files against the whole kernel.
#pragma once

#include <cstdint>
#include <vector>

#include "impl/system.h"
#include "impl/vm/fault_paths.h"
#include "model/outcome.h"
#include "model/system.h"
#include "ops/config.h"
#include "ops/operation.h"
#include "ops/world.h"
#include "props/abstraction.h"
#include "props/generators/choices.h"
#include "props/generators/configs.h"
#include "props/generators/system_generator.h"
#include "props/invariants/invariant_set.h"

namespace vmref::props {

struct SystemWorld {
    static constexpr WorldName kName = WorldName::system;
    using Model = model::System;
    using Subject = impl::System;
    using Invariants = InvariantSet;
    using Comparison = Abstraction;

    static Operation draw(Choices& choices, const Model& model, const Config& config) {
        return props::draw(choices, model, config);
    }
    // Half of the smaller machines have so little memory that it runs out.
    static Config varied(const Config& /*base*/, std::uint64_t n) { return small_config(n); }

    static void without_invariants(Subject& subject) { subject.kernel().probe = nullptr; }
    static std::uint64_t page_faults(const Subject& subject) { return subject.kernel().stats.traps; }
    static std::uint32_t peak_frames(const Subject& subject) { return subject.kernel().pages.peak_frames(); }
    static const impl::PmapCoverage& coverage(const Subject& subject) { return subject.kernel().pmaps.coverage(); }
    static std::vector<impl::PathCount> paths(const Subject& subject) { return impl::fault_paths(subject.kernel()); }
    static bool is_access(const Operation& operation) { return std::holds_alternative<Access>(operation); }
    // The value that a load gave is an invariant of its own.
    template <class Describe>
    static void judge_value(Invariants& invariants, const Operation& operation, const Observation& /*observed*/,
                            bool agrees, Describe&& describe) {
        const Access* const access = std::get_if<Access>(&operation);
        invariants.evaluate(Rule::i01, access != nullptr && access->kind != AccessKind::store, agrees, describe);
    }
    // What became zero because madvise(free) allowed it. False: the model says that it did not.
    static bool judge_discards(Invariants& invariants, const Observation& observed, const model::Outcome& outcome) {
        return invariants.evaluate(Rule::i13, !observed.witness.discarded.empty(), !outcome.illegal_discard,
                                   [&outcome] { return outcome.illegal; });
    }
};

}  // namespace vmref::props
