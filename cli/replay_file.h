// One trace or recording, taken through the lockstep.
#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "cli/explanation.h"
#include "cli/progress.h"
#include "cli/settings.h"
#include "impl/defects/defects.h"
#include "ops/operation.h"
#include "props/lockstep.h"
#include "props/violation.h"

namespace vmref::cli {

struct ReplayOptions {
    const Configuration& configuration;
    impl::DefectSet defects;
    std::uint64_t until = 0;  // operations; 0: all
    const ExplanationArguments* explain = nullptr;
    std::ostream* out = nullptr;  // where the explanation goes
};

struct Replayed {
    std::string file;
    props::RunCounts counts;
    std::uint64_t faults = 0;  // page faults taken
    std::uint32_t peak_frames = 0;
    std::uint64_t seed = 0;
    std::vector<std::string> made_with;  // defects that the trace names
    double seconds = 0;                  // without reading the file
    std::uint64_t digest = 0;
    std::optional<props::Violation> violation;  // its step is the number of the operation in the file, from 0
    unsigned line = 0;                          // of that operation in the file
    std::vector<Operation> last;                // up to and with it
    std::string problem;                        // why the file could not be replayed; the rest means nothing then
};

// A trace's own configuration is what the options change; what a recording has none of is the default. The defects that
// a trace names are information only. Ends at the first violation, else with a full comparison. Errors: BadInput.
Replayed replay_file(const std::string& path, const ReplayOptions& options, Progress& progress);

}  // namespace vmref::cli
