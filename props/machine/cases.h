// The machine world's own cases: short runs whose outcomes were written by hand from the i386 manual. They hold the
// machine, its model and, where there is one, QEMU; without QEMU they are what is left.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "impl/defects/defects.h"
#include "ops/config.h"
#include "ops/observation.h"
#include "ops/operation.h"
#include "props/violation.h"

namespace vmref::props {

struct MachineCase {
    struct Step {
        Operation operation;
        std::optional<Observation> expect;  // its witness, too
    };
    struct Word {
        Pa pa;
        std::uint32_t value;
    };
    std::string_view name;
    std::vector<Step> steps;
    std::vector<Word> words;  // of tables, in the end
};

std::span<const MachineCase> machine_cases();

struct FailedCase {
    std::string_view name;
    Config config;
    std::vector<Operation> operations;  // the last one showed it
    Violation violation;
};

// Runs all of them; the first that fails, if any.
std::optional<FailedCase> run_machine_cases(const impl::DefectSet& defects);

}  // namespace vmref::props
