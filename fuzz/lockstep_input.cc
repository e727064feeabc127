#include "fuzz/lockstep_input.h"

#include <algorithm>

#include "props/generators/configs.h"
#include "props/generators/system_generator.h"
#include "props/lockstep.h"
#include "props/shrink.h"
#include "traces/trace.h"

namespace vmref::fuzz {

namespace {

props::Record record_at(std::span<const std::uint8_t> bytes) {
    props::Record record{};
    for (std::size_t n = 0; n < record.size(); ++n) {
        const std::uint32_t half = bytes[2 * n] | std::uint32_t{bytes[2 * n + 1]} << 8;
        // Both halves, so that stored values have no byte that is always zero; 0 stays 0.
        record[n] = half | half << 16;
    }
    return record;
}

}  // namespace

LockstepInput lockstep_input(std::span<const std::uint8_t> bytes, std::size_t most_operations) {
    LockstepInput input;
    if (bytes.empty()) {
        return input;
    }
    if (bytes[0] != 0) {
        input.config = props::small_config(bytes[0]);
    }
    bytes = bytes.subspan(1);
    while (bytes.size() >= kOperationBytes && input.records.size() < most_operations) {
        input.records.push_back(record_at(bytes.first(kOperationBytes)));
        bytes = bytes.subspan(kOperationBytes);
    }
    return input;
}

LockstepRun run_lockstep(const LockstepInput& input) {
    LockstepRun run;
    props::SystemLockstep lockstep(input.config, {}, {.checkpoint_every = 64});
    for (const props::Record& record : input.records) {
        props::Choices choices(record);
        run.operations.push_back(props::draw(choices, lockstep.model(), input.config));
        const Operation& operation = run.operations.back();
        if (const auto reason = lockstep.refuse(operation)) {
            run.violation = props::Violation{"refused", *reason, run.operations.size() - 1};
        } else {
            run.violation = lockstep.apply(operation);
        }
        if (run.violation) {
            return run;
        }
    }
    run.violation = lockstep.checkpoint();
    return run;
}

void write_finding(const std::string& path, const LockstepInput& input, const LockstepRun& run) {
    const props::Violation& violation = *run.violation;
    props::ShrinkOptions options;
    options.config = input.config;
    const props::ShrinkResult shrunk = props::shrink(run.operations, violation.rule, options);
    write_operations(path, input.config, shrunk.reproduced ? shrunk.operations : run.operations,
                     violation.rule + ": " + violation.message);
}

void write_operations(const std::string& path, const Config& config, const std::vector<Operation>& operations,
                      const std::string& note) {
    Trace trace;
    trace.note = note;
    trace.config = config;
    for (const Operation& operation : operations) {
        trace.steps.push_back(Step{operation, std::nullopt});
    }
    write_trace(path, trace);
}

}  // namespace vmref::fuzz
