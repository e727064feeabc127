#include "cli/trace_file.h"

#include <fmt/format.h>

#include <cstddef>

#include "impl/defects/defects.h"
#include "traces/bad_input.h"
#include "traces/recorded.h"

namespace vmref::cli {

Trace read_runnable(const std::string& path) {
    Trace trace = read_any(path);
    for (std::size_t n = 0; n < trace.defects.size(); ++n) {
        if (!impl::find_defect(trace.defects[n])) {
            throw BadInput(fmt::format("{}: /defects/{}: expected the id of a defect (vmref defects), got '{}'", path,
                                       n, trace.defects[n]));
        }
    }
    if (!trace.schedule.empty()) {
        throw BadInput(path + ": /schedule: expected none, for one thread runs");
    }
    return trace;
}

}  // namespace vmref::cli
