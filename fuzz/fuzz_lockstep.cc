// libFuzzer looks for operations on which the implementation and the model disagree, or an invariant does not hold.
//
// A violation is printed, its shrunk trace written to the file that VMREF_FINDING names (else finding-RULE.json), and
// the process aborts, so that libFuzzer keeps the bytes too.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

#include "fuzz/lockstep_input.h"

namespace {

constexpr std::size_t kMostOperations = 400;

std::string finding_path(const std::string& rule) {
    if (const char* const path = std::getenv("VMREF_FINDING"); path != nullptr && *path != '\0') {
        return path;
    }
    std::string name = "finding-" + rule + ".json";
    std::replace(name.begin(), name.end(), '/', '-');
    return name;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace vmref::fuzz;
    const LockstepInput input = lockstep_input({data, size}, kMostOperations);
    const LockstepRun run = run_lockstep(input);
    if (!run.violation) {
        return 0;
    }
    std::fprintf(stderr, "VIOLATED %s: %s\n", run.violation->rule.c_str(), run.violation->message.c_str());
    const std::string path = finding_path(run.violation->rule);
    try {
        write_finding(path, input, run);
        std::fprintf(stderr, "trace: %s\n", path.c_str());
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
    }
    std::abort();
}
