#include "impl/vm/fault_paths.h"

#include "impl/vm/fault_state.h"

namespace vmref::impl {

std::vector<PathCount> fault_paths(const Statistics& stats) {
    std::vector<PathCount> paths{
        {"soft fault", stats.minflt - stats.pages_prefaulted},
        {"page handed out without mapping", stats.pages_handed_out},
        {"page wired for the kernel", stats.pages_wired_for_kernel},
        {"hard fault", stats.majflt},
        {"fault started over", stats.fault_retries},
        {"page zero-filled", stats.zfod},
        {"page copied up", stats.cow_faults - stats.cow_optim},
        {"page stolen from below", stats.cow_optim},
        {"page prefaulted", stats.pages_prefaulted},
        {"page read by a pager", stats.pageins},
        {"page written out", stats.pageouts},
        {"object collapsed", stats.object_collapses},
        {"object bypassed", stats.object_bypasses},
        {"collapse refused", stats.collapse_refusals},
    };
    for (std::size_t exit = 0; exit < kFaultExits; ++exit) {
        paths.push_back({"exit " + std::string(kExitRules[exit].name), stats.fault_exits[exit]});
    }
    return paths;
}

}  // namespace vmref::impl
