#include "impl/vm/fault_paths.h"

#include <array>
#include <string_view>

#include "impl/vm/fault_state.h"

namespace vmref::impl {

std::vector<PathCount> fault_paths(const Statistics& stats) {
    std::vector<PathCount> paths{
        {"soft fault", stats.minflt - stats.pages_prefaulted},
        {"page handed out without mapping", stats.pages_handed_out},
        {"page wired for the kernel", stats.pages_wired_for_kernel},
        {"page given by a device", stats.device_pages},
        {"refused instead of waiting", stats.refused_without_sleep},
        {"refused where nobody may fault", stats.refused_by_entry},
        {"mapping taken for a resident limit", stats.unmapped_for_limit},
        {"fault given up, to die for memory", stats.faults_given_up},
        {"data of the kernel given up", stats.data_given_up},
        {"page marked NOSYNC", stats.pages_nosync},
        {"page brought back by swapoff", stats.pages_unswapped},
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
        {"stack grown, looked up again", stats.stacks_grown},
        {"page not entered for want of memory", stats.enters_refused},
        {"page replaced by its pager", stats.pages_replaced},
        {"virtual page table passed", stats.tables_passed},
        {"virtual PTE marked", stats.vptes_marked},
        {"virtual PTE refused", stats.vptes_refused},
    };
    for (std::size_t exit = 0; exit < kFaultExits; ++exit) {
        paths.push_back({"exit " + std::string(kExitRules[exit].name), stats.fault_exits[exit]});
    }
    constexpr std::array<std::string_view, kPagerResults> kResults{"ok", "bad", "fail", "pend", "error", "again"};
    for (std::size_t result = 0; result < kPagerResults; ++result) {
        paths.push_back({"pager read " + std::string(kResults[result]), stats.gets[result]});
    }
    for (std::size_t result = 0; result < kPagerResults; ++result) {
        if (static_cast<PagerResult>(result) == PagerResult::bad) {
            continue;  // of reads only
        }
        paths.push_back({"pager write " + std::string(kResults[result]), stats.puts[result]});
    }
    return paths;
}

}  // namespace vmref::impl
