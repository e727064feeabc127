// The machine world: the MMU alone, against a model of it, and both against QEMU.
#pragma once

#include <bit>
#include <cstdint>
#include <optional>
#include <string>

#include "model/outcome.h"
#include "ops/config.h"
#include "ops/operation.h"
#include "ops/world.h"
#include "props/generators/choices.h"
#include "props/generators/machine_generator.h"
#include "props/machine/cases.h"
#include "props/machine/machine_comparison.h"
#include "props/machine/machine_model.h"
#include "props/machine/machine_subject.h"

namespace vmref::props {

struct MachineWorld {
    static constexpr WorldName kName = WorldName::machine;
    using Model = MachineModel;
    using Subject = MachineSubject;
    using Invariants = NoInvariants;
    using Comparison = MachineComparison;

    static Operation draw(Choices& choices, const Model& model, const Config& /*config*/) {
        return draw_machine(choices, model);
    }
    // One to four CPUs, TLBs of 1 to 4096 entries.
    static Config varied(const Config& base, std::uint64_t n) {
        Config config = base;
        config.cpus = static_cast<std::uint32_t>(n % 4) + 1;
        config.tlb_entries = 1U << (n % 13);
        return config;
    }

    static std::optional<FailedCase> run_own_cases(const impl::DefectSet& defects) {
        return run_machine_cases(defects);
    }
    // Errors: NoOracle.
    static void require_oracle() {
        if (const std::string why = Qemu::problem(); !why.empty()) {
            throw NoOracle(why);
        }
    }

    static void without_invariants(Subject& /*subject*/) {}
    static std::uint64_t page_faults(const Subject& subject) { return subject.page_faults(); }
    static std::uint32_t peak_frames(const Subject& /*subject*/) { return 0; }
    static bool is_access(const Operation& operation) { return std::holds_alternative<Probe>(operation); }
    template <class Describe>
    static void judge_value(Invariants& /*invariants*/, const Operation& /*operation*/, const Observation& /*observed*/,
                            bool /*agrees*/, Describe&& /*describe*/) {}
    static bool judge_discards(Invariants& /*invariants*/, const Observation& /*observed*/,
                               const model::Outcome& /*outcome*/) {
        return true;
    }
};

}  // namespace vmref::props
