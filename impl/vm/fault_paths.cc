#include "impl/vm/fault_paths.h"

#include <array>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "impl/vm/fault_state.h"

namespace vmref::impl {

namespace {

struct Flag {
    std::uint16_t flag;
    std::string_view name;
    bool is_cleared = true;
};

constexpr Flag kPageFlags[] = {
    {kPageMapped, "MAPPED"}, {kPageWriteable, "WRITEABLE"}, {kPageReferenced, "REFERENCED"}, {kPageRam, "RAM"},
    {kPageNoSync, "NOSYNC"}, {kPageCleanChk, "CLEANCHK"},   {kPageSwapped, "SWAPPED"},       {kPageZero, "ZERO"},
    {kPageWanted, "WANTED"}, {kChangeValid, "valid"},       {kChangeDirty, "dirty"},
};
constexpr Flag kObjectFlags[] = {
    {kObjOneMapping, "ONEMAPPING"}, {kObjWriteable, "WRITEABLE"}, {kObjMightBeDirty, "MIGHTBEDIRTY"},
    {kObjCleaning, "CLEANING"},     {kObjPipWanted, "PIPWNT"},    {kObjDead, "DEAD", false},
};

// On how many of the things each flag was set, and cleared.
template <class Things, std::size_t N>
void add_changes(std::vector<PathCount>& paths, const Things& things, const Flag (&flags)[N], const std::string& of) {
    for (const Flag& flag : flags) {
        PathCount set{of + " " + std::string(flag.name) + " set", 0};
        PathCount cleared{of + " " + std::string(flag.name) + " cleared", 0};
        for (const auto& thing : things) {
            set.count += (thing.changes.was_set & flag.flag) != 0 ? 1 : 0;
            cleared.count += (thing.changes.was_cleared & flag.flag) != 0 ? 1 : 0;
        }
        paths.push_back(std::move(set));
        if (flag.is_cleared) {
            paths.push_back(std::move(cleared));
        }
    }
}

void add_counters(std::vector<PathCount>& paths, const Kernel& k) {
    const PageSystem::Counts& pages = k.pages.counts();
    const PmapSystem::StepCounts& steps = k.pmaps.step_counts();
    const PmapCoverage& ran = k.pmaps.coverage();
    const std::initializer_list<PathCount> counters{
        {"fault counted", k.stats.vm_faults},
        {"wait for a busy page counted", k.stats.intrans},
        {"page freed by terminate", k.stats.pfree},
        {"cached page used again", k.pages.reactivated()},
        {"page into an object", pages.inserted},
        {"page out of an object", pages.removed},
        {"page wired first", pages.wired},
        {"page unwired last", pages.unwired},
        {"object allocated", k.objects.allocated()},
        {"object gone", k.objects.allocated() - k.objects.count()},
        {"shadow linked", k.stats.shadows_linked},
        {"shadow unlinked", k.stats.shadows_unlinked},
        {"PTE counted", steps.mapped},
        {"PTE uncounted", steps.unmapped},
        {"PTE wired", steps.wired},
        {"PTE unwired", steps.unwired},
        {"pv entry taken", ran.count(PmapFunction::get_pv_entry)},
        {"pv entry given back", ran.count(PmapFunction::free_pv_entry)},
        {"pv entry on its lists", ran.count(PmapFunction::insert_entry)},
        {"pv entry off its lists", ran.count(PmapFunction::remove_entry)},
    };
    paths.insert(paths.end(), counters);
}

}  // namespace

std::vector<PathCount> fault_paths(const Kernel& k) {
    const Statistics& stats = k.stats;
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
        {"top held exclusively at once", stats.exclusive_at_once},
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
    add_counters(paths, k);
    add_changes(paths, k.pages.pages(), kPageFlags, "page");
    add_changes(paths, k.objects.storage(), kObjectFlags, "object");
    return paths;
}

}  // namespace vmref::impl
