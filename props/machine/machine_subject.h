// The machine alone, as the machine world drives it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "impl/arena/arena.h"
#include "impl/defects/defects.h"
#include "impl/machine/journal.h"
#include "impl/machine/machine.h"
#include "ops/config.h"
#include "ops/observation.h"
#include "ops/operation.h"

namespace vmref::props {

// The data of the beginning: all bytes from machine_ram::kDataStart to kDataEnd.
std::span<const std::uint8_t> initial_data_bytes();

class MachineSubject {
  public:
    MachineSubject(const Config& config, const impl::DefectSet& defects);

    Observation apply(const Operation& operation);
    impl::TouchedCounts touched() const;

    const impl::Machine& machine() const { return machine_; }
    std::uint64_t page_faults() const { return page_faults_; }

  private:
    Observation run(const SetWord& op);
    Observation run(const Probe& op);
    Observation run(const Invlpg& op);
    Observation run(const LoadCr3& op);
    Observation run(const Control& op);
    Observation run(const Evict& op);
    Observation run(const RandomTables& op);
    Observation run(const PmapTables& op);
    Observation load_tables(std::span<const std::uint32_t> words);
    void fill_data();

    impl::Journal journal_;
    impl::Machine machine_;
    std::uint64_t page_faults_ = 0;
    bool has_data_ = false;  // RAM is zero until the first operation: what is reset must be able to start from zeroes
};

}  // namespace vmref::props
