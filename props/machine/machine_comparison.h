// The machine world after an operation: our machine's tables and data against the model's, and the model against QEMU.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "props/invariants/invariant_set.h"
#include "props/machine/machine_model.h"
#include "props/machine/machine_subject.h"
#include "props/machine/oracle.h"
#include "props/violation.h"

namespace vmref::props {

// The numbered invariants speak of a kernel; there is none here.
class NoInvariants {
  public:
    explicit NoInvariants(const MachineSubject& /*subject*/) {}
    void check_changes() {}
    void check_all() {}
    void count_violation(std::string_view /*rule*/) {}
    std::optional<Violation> violation() const { return std::nullopt; }
    std::span<const Invariant> invariants() const { return {}; }
};

class MachineComparison {
  public:
    // Where there is no QEMU, the model alone judges; who reports that all holds must say so (Qemu::problem).
    MachineComparison(const MachineSubject& subject, const MachineModel& model, const NoInvariants& /*invariants*/)
        : subject_(subject), model_(model) {
        if (Qemu::problem().empty()) {
            oracle_.emplace(model);
        }
    }

    std::optional<Violation> compare_before(const Operation& /*operation*/) { return std::nullopt; }
    // The words that the last probe went through.
    std::optional<Violation> compare_changes();
    std::optional<Violation> compare_sample() { return std::nullopt; }
    std::optional<Violation> compare_all();
    std::uint64_t cells_compared() const { return compared_ + (oracle_ ? oracle_->compared() : 0); }

  private:
    std::optional<Violation> compare_word(Pa pa, std::uint32_t expected);

    const MachineSubject& subject_;
    const MachineModel& model_;
    std::optional<MmuOracle> oracle_;
    std::uint64_t compared_ = 0;
};

}  // namespace vmref::props
