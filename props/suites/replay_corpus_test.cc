// Every trace of traces/corpus holds. They are what coverage-guided fuzzing of the lockstep kept (fuzz/).
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "props/lockstep.h"
#include "traces/trace.h"

namespace vmref::props {
namespace {

std::vector<std::string> corpus() {
    std::vector<std::string> files;
    for (const auto& entry : std::filesystem::directory_iterator("traces/corpus")) {
        if (entry.path().extension() == ".json") {
            files.push_back(entry.path().string());
        }
    }
    std::ranges::sort(files);
    return files;
}

void expect_holds(const Trace& trace) {
    SystemLockstep lockstep(trace.config, {}, {.checkpoint_every = 16});
    for (std::size_t n = 0; n < trace.steps.size(); ++n) {
        const Operation& operation = trace.steps[n].operation;
        const auto reason = lockstep.refuse(operation);
        ASSERT_FALSE(reason) << "operation " << n << " is refused: " << *reason;
        const auto violation = lockstep.apply(operation);
        ASSERT_FALSE(violation) << "operation " << n << ": " << violation->rule << ": " << violation->message;
    }
    const auto violation = lockstep.checkpoint();
    EXPECT_FALSE(violation) << "at the end: " << violation->rule << ": " << violation->message;
}

TEST(ReplayCorpus, EveryTraceHolds) {
    const std::vector<std::string> files = corpus();
    EXPECT_GE(files.size(), 20U);
    for (const std::string& file : files) {
        SCOPED_TRACE(file);
        const Trace trace = read_trace(file);
        EXPECT_FALSE(trace.steps.empty());
        EXPECT_LE(trace.steps.size(), 60U);
        expect_holds(trace);
    }
}

}  // namespace
}  // namespace vmref::props
