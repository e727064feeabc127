// What the machine world must do: an MMU as the i386 manual describes it, on tables that are values. A translation
// is a walk of the tables, or what the last walk found if nothing has dropped it; the implementation says which of the
// two it took, and the model whether it could. The rules are those of ops/machine_operation.h.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "model/outcome.h"
#include "ops/config.h"
#include "ops/machine_ram.h"
#include "ops/observation.h"
#include "ops/operation.h"

namespace vmref::model {

// The words that translate an address, and where they are. A 4 MiB page, or an empty directory entry, has no leaf.
struct Path {
    Pa pde_at = 0;
    Pa leaf_at = 0;  // 0: no leaf
    std::uint32_t pde = 0;
    std::uint32_t leaf = 0;
    bool operator==(const Path&) const = default;
};

class Mmu {
  public:
    static constexpr std::size_t kTableWords = (machine_ram::kTablesEnd - machine_ram::kDirectoriesStart) / 4;

    struct Translation {
        Path path;  // as the walk left it
        Pa page = 0;
        bool big = false;
        bool user = false;
        bool writable = false;
        bool modified = false;
        bool global = false;
    };
    struct Cpu {
        std::uint32_t directory = 0;
        bool wp = true;
        bool pse = true;
        bool pge = false;
        std::unordered_map<std::uint32_t, Translation> cached;  // by page number
    };
    // What the last probe did.
    struct Last {
        Path before;
        Path after;
        Pa data = 0;         // where it went, if it succeeded
        bool stale = false;  // it used a translation that the tables do not show any more
    };

    explicit Mmu(const Config& config) : cpus_(config.cpus), tables_(kTableWords, 0) {}

    // Why the operation cannot be asked of this state, one line; nullopt if it can. Not for images.
    std::optional<std::string> refuse(const Operation& operation) const;
    Outcome step(const Operation& operation, const Observation& actual);
    // All directories and tables from machine_ram::kDirectoriesStart on; all translations are dropped.
    void load_tables(std::span<const std::uint32_t> words);

    const Cpu& cpu(CpuId id) const { return cpus_[id]; }
    std::size_t cpu_count() const { return cpus_.size(); }
    const std::vector<std::uint32_t>& tables() const { return tables_; }
    std::uint32_t table_word(Pa pa) const { return tables_[(pa - machine_ram::kDirectoriesStart) / 4]; }
    std::uint32_t data_word(Pa pa) const;
    const std::unordered_map<Pa, std::uint32_t>& stored() const { return stored_; }
    Path path(CpuId cpu, Va va) const;
    const Last& last() const { return last_; }

  private:
    void run(const SetWord& op);
    void run(const Invlpg& op);
    void run(const LoadCr3& op);
    void run(const Control& op);
    Outcome run(const Probe& op, const Observation& actual);
    Observation walk(const Probe& op);
    Observation page_fault(const Probe& op, std::uint32_t error_code);
    std::string use_cached(const Probe& op, Observation& expected);
    Observation finish(const Probe& op, Pa page);
    bool allows(const Cpu& cpu, const Probe& op, bool user, bool writable) const;
    void set_table_word(Pa pa, std::uint32_t value) { tables_[(pa - machine_ram::kDirectoriesStart) / 4] = value; }
    void drop(Cpu& cpu, Va va);

    std::vector<Cpu> cpus_;
    std::vector<std::uint32_t> tables_;
    std::unordered_map<Pa, std::uint32_t> stored_;  // data words that differ from initial_data
    Last last_;
};

}  // namespace vmref::model
