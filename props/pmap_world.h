// The pmap world: pmap operations and accesses by CPUs against partial maps.
#pragma once

#include <cstdint>
#include <variant>

#include "impl/pmap_host.h"
#include "model/mapping.h"
#include "model/outcome.h"
#include "ops/config.h"
#include "ops/operation.h"
#include "ops/world.h"
#include "props/generators/choices.h"
#include "props/generators/pmap_generator.h"
#include "props/invariants/pmap_invariants.h"
#include "props/pmap_comparison.h"

namespace vmref::props {

struct PmapWorld {
    static constexpr WorldName kName = WorldName::pmap;
    using Model = model::Mappings;
    using Subject = impl::PmapHost;
    using Invariants = PmapInvariants;
    using Comparison = PmapComparison;

    static Operation draw(Choices& choices, const Model& model, const Config& /*config*/) {
        return draw_pmap_operation(choices, model);
    }
    static Config varied(const Config& /*base*/, std::uint64_t n) { return pmap_config(n); }

    static void without_invariants(Subject& /*subject*/) {}
    static std::uint64_t page_faults(const Subject& subject) { return subject.page_faults(); }
    static std::uint32_t peak_frames(const Subject& subject) { return subject.peak_frames(); }
    static const impl::PmapCoverage& coverage(const Subject& subject) { return subject.pmaps().coverage(); }
    static bool is_access(const Operation& operation) { return std::holds_alternative<HardwareAccess>(operation); }
    template <class Describe>
    static void judge_value(Invariants& invariants, const Operation& operation, const Observation& observed,
                            bool agrees, Describe&& describe) {
        const HardwareAccess* const access = std::get_if<HardwareAccess>(&operation);
        invariants.evaluate(Rule::i01, access != nullptr && access->kind != AccessKind::store, agrees, describe);
        invariants.judge(operation, observed);
    }
    static bool judge_discards(Invariants& /*invariants*/, const Observation& /*observed*/,
                               const model::Outcome& /*outcome*/) {
        return true;
    }
};

}  // namespace vmref::props
