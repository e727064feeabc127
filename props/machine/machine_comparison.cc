#include "props/machine/machine_comparison.h"

#include <fmt/format.h>

#include "ops/machine_ram.h"

namespace vmref::props {

std::optional<Violation> MachineComparison::compare_word(Pa pa, std::uint32_t expected) {
    ++compared_;
    const std::uint32_t found = subject_.machine().memory().read32(pa);
    if (found == expected) {
        return std::nullopt;
    }
    const bool data = machine_ram::is_data(pa);
    return Violation{data ? "machine.data" : "machine.tables",
                     fmt::format("word at {:#x} is {:#x}, expected {:#x}", pa, found, expected), 0};
}

std::optional<Violation> MachineComparison::compare_changes() {
    if (std::holds_alternative<Probe>(model_.last())) {
        const model::Mmu::Last& last = model_.mmu().last();
        auto violation = compare_word(last.after.pde_at, last.after.pde);
        if (!violation && last.after.leaf_at != 0) {
            violation = compare_word(last.after.leaf_at, last.after.leaf);
        }
        if (!violation && last.data != 0) {
            violation = compare_word(last.data, model_.mmu().data_word(last.data));
        }
        if (violation) {
            return violation;
        }
    }
    return oracle_ ? oracle_->follow() : std::nullopt;
}

std::optional<Violation> MachineComparison::compare_all() {
    const model::Mmu& mmu = model_.mmu();
    for (Pa pa = machine_ram::kDirectoriesStart; pa < machine_ram::kTablesEnd; pa += 4) {
        if (auto violation = compare_word(pa, mmu.table_word(pa))) {
            return violation;
        }
    }
    for (const auto& [pa, value] : mmu.stored()) {
        if (auto violation = compare_word(pa, value)) {
            return violation;
        }
    }
    return oracle_ ? oracle_->compare_all() : std::nullopt;
}

}  // namespace vmref::props
