// Holds the model of the machine world to QEMU's MMU. Steps are collected and run in batches: the model says beforehand
// what QEMU must do, so that nothing waits for it.
//
// QEMU has one CPU and a TLB of its own choice. It takes every probe that walks the tables, and every one whose cached
// translation is what the tables say; of a stale one it only learns the data stored. Before a probe whose page QEMU may
// have cached from other words than the tables hold now, its TLB is flushed: before a flush it may use either, as the
// manual allows, and only the one is compared. Otherwise its TLB lives by the same invlpg and loads of CR3 and CR4.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/mmu.h"
#include "props/machine/guest_protocol.h"
#include "props/machine/machine_model.h"
#include "props/machine/qemu.h"
#include "props/violation.h"

namespace vmref::props {

class MmuOracle {
  public:
    // Errors: NoOracle.
    explicit MmuOracle(const MachineModel& model);
    ~MmuOracle();
    MmuOracle(const MmuOracle&) = delete;
    MmuOracle& operator=(const MmuOracle&) = delete;

    // The model has taken its last operation; QEMU is to do the same. Runs what has been collected if it is enough.
    std::optional<Violation> follow();
    // Runs what has been collected, and compares all tables and data that QEMU has with the model's.
    std::optional<Violation> compare_all();

    std::uint64_t compared() const { return compared_; }

  private:
    struct Expected {
        std::size_t step;
        std::uint64_t operation;  // since the beginning of the run
        Probe probe;
        Observation outcome;
        model::Path after;
    };

    void take(const SetWord& op);
    void take(const Probe& op);
    void take(const Invlpg& op);
    void take(const LoadCr3& op);
    void take(const Control& op);
    void take(const auto& /*image, or nothing to do*/) {}
    void switch_to(CpuId cpu);
    void load_cr3(CpuId cpu);
    void load_controls(CpuId cpu);
    void upload_tables();
    void write_ram(Pa pa, std::uint32_t value);
    std::optional<Violation> run_steps();
    std::optional<Violation> judge(const Expected& expected, const guest::Step& step) const;
    std::optional<Violation> compare_memory() const;

    const MachineModel& model_;
    const model::Mmu& mmu_;
    std::unique_ptr<Qemu> qemu_;
    std::vector<guest::Step> steps_;
    std::vector<Expected> expected_;
    std::optional<CpuId> cpu_;  // whose registers QEMU has; none: it has to load them first
    // What QEMU may have cached: at least every page it has translated since its last flush, with the words it saw.
    struct Seen {
        model::Path path;
        bool big;
    };
    std::unordered_map<std::uint32_t, Seen> seen_;
    std::uint64_t operations_ = 0;
    std::uint64_t compared_ = 0;
};

}  // namespace vmref::props
