// The object world: objects and their pages, without address spaces, against what they show.
#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "impl/object_host.h"
#include "impl/vm/fault_paths.h"
#include "impl/vm/object_functions.h"
#include "model/object_chain.h"
#include "model/outcome.h"
#include "ops/config.h"
#include "ops/operation.h"
#include "ops/world.h"
#include "props/generators/choices.h"
#include "props/generators/object_generator.h"
#include "props/invariants/object_invariants.h"
#include "props/object_comparison.h"

namespace vmref::props {

struct ObjectWorld {
    static constexpr WorldName kName = WorldName::object;
    using Model = model::ObjectChains;
    using Subject = impl::ObjectHost;
    using Invariants = ObjectInvariants;
    using Comparison = ObjectComparison;

    static Operation draw(Choices& choices, const Model& model, const Config& /*config*/) {
        return draw_object_operation(choices, model);
    }
    static Config varied(const Config& /*base*/, std::uint64_t n) { return object_config(n); }

    static void without_invariants(Subject& subject) { subject.kernel().probe = nullptr; }
    static std::uint64_t page_faults(const Subject& subject) { return subject.faults(); }
    static std::uint32_t peak_frames(const Subject& subject) { return subject.kernel().pages.peak_frames(); }
    static const impl::ObjectCoverage& functions(const Subject& subject) {
        return subject.kernel().stats.object_functions;
    }
    static std::vector<impl::PathCount> paths(const Subject& subject) { return impl::fault_paths(subject.kernel()); }
    static bool is_access(const Operation& operation) { return std::holds_alternative<ObjectFault>(operation); }
    // The value that a fault gave is an invariant of its own.
    template <class Describe>
    static void judge_value(Invariants& invariants, const Operation& operation, const Observation& observed,
                            bool agrees, Describe&& describe) {
        invariants.evaluate(Rule::i01, std::holds_alternative<ObjectFault>(operation), agrees, describe);
        invariants.judge(operation, observed);
    }
    // What became zero because madvise(free) allowed it. False: the model says that it did not.
    static bool judge_discards(Invariants& invariants, const Observation& observed, const model::Outcome& outcome) {
        return invariants.evaluate(Rule::i13, !observed.witness.discarded.empty(), !outcome.illegal_discard,
                                   [&outcome] { return outcome.illegal; });
    }
};

}  // namespace vmref::props
