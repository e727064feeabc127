// The model of the machine world: the MMU of model/, with the images of tables that no model can make.
#pragma once

#include <optional>
#include <string>

#include "model/mmu.h"
#include "props/machine/tables.h"

namespace vmref::props {

class MachineModel {
  public:
    explicit MachineModel(const Config& config) : mmu_(config) {}

    std::optional<std::string> refuse(const Operation& operation) const { return mmu_.refuse(operation); }
    model::Outcome step(const Operation& operation, const Observation& actual) {
        last_ = operation;
        observed_ = actual;
        if (const auto* const random = std::get_if<RandomTables>(&operation)) {
            load(tables_of(*random));
        } else if (const auto* const pmap = std::get_if<PmapTables>(&operation)) {
            load(tables_of(*pmap));
        } else if (const auto* const probe = std::get_if<Probe>(&operation)) {
            last_probe_ = *probe;
        }
        return mmu_.step(operation, actual);
    }

    const model::Mmu& mmu() const { return mmu_; }
    const Operation& last() const { return last_; }
    const Observation& observed() const { return observed_; }  // of the last operation
    const Probe& last_probe() const { return last_probe_; }
    bool has_tables() const { return has_tables_; }  // some image was loaded

  private:
    void load(std::span<const std::uint32_t> words) {
        mmu_.load_tables(words);
        has_tables_ = true;
    }

    model::Mmu mmu_;
    Operation last_ = Evict{};
    Observation observed_;
    Probe last_probe_{};
    bool has_tables_ = false;
};

}  // namespace vmref::props
