// How the bytes of a fuzzer become a run of the lockstep, and a run that found something becomes a trace.
//
// The first byte chooses the machine: 0 the default one, else one of the small configurations. Each operation then
// takes kOperationBytes: one record of choice words, of 16 bits each. An incomplete operation at the end is left out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "ops/config.h"
#include "ops/operation.h"
#include "props/generators/choices.h"
#include "props/violation.h"

namespace vmref::fuzz {

inline constexpr std::size_t kOperationBytes = 2 * props::kRecordWords;

struct LockstepInput {
    Config config;
    std::vector<props::Record> records;
};

// Takes any bytes; what is beyond `most_operations` is left out.
LockstepInput lockstep_input(std::span<const std::uint8_t> bytes, std::size_t most_operations);

struct LockstepRun {
    std::vector<Operation> operations;  // the last one showed the violation, unless the final comparison did
    std::optional<props::Violation> violation;
};

// An operation that was drawn but is refused is a violation of the rule "refused".
LockstepRun run_lockstep(const LockstepInput& input);

// Shrinks the run and writes it. Requires: run.violation. Errors: BadInput.
void write_finding(const std::string& path, const LockstepInput& input, const LockstepRun& run);

void write_operations(const std::string& path, const Config& config, const std::vector<Operation>& operations,
                      const std::string& note);

}  // namespace vmref::fuzz
