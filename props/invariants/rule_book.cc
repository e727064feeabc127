// The table of rules.
#include "props/invariants/rule_book.h"

#include <algorithm>

namespace vmref::props {

namespace {

constexpr std::array<Invariant, static_cast<std::size_t>(Rule::count)> kTable{{
    {"I-01", "a user read returns what the model holds for the cell", "vm_fault.c:2060-2187"},
    {"I-02", "the chain of an entry is walked to its end: it refuses a page only where the file at its end stops",
     "vm_fault.c:1593-2058"},
    {"I-03", "a store through a private entry changes nothing that another entry sees", "vm_fault.c:2069-2182"},
    {"I-04", "a store into a shared top object is seen by the next read of every sharer", "vm_fault.c:2111-2142"},
    {"I-05", "a page is zero-filled only where no level of the chain has data", "vm_fault.c:2012-2048"},
    {"I-06", "a fault fills or copies only into a page without valid data", "vm_fault.c:2044, 2137, 2282"},
    {"I-08", "what a pager cannot read is not mapped, and does not become data", "vm_fault.c:1913-1981"},
    {"I-09", "a resting page with a block is dirty, or modified by a PTE, or equal to the block",
     "vm_fault.c:2226-2261"},
    {"I-10", "a block under write is assigned, to the page that is written", "vm_object.c:1222-1231, 1571, 1590"},
    {"I-11", "freeing a valid page loses no contents that anybody still sees", "vm_object.c:1233-1260"},
    {"I-12", "a range that was removed has neither a valid page nor a block", "vm_object.c:1499-1594"},
    {"I-13", "what becomes zero is what madvise(free) named, with no store since and no data below",
     "vm_object.c:893-902, 963-985"},
    {"I-14", "a valid user PTE lies in an entry and grants no more than its protection", "vm_fault.c:692, 2185"},
    {"I-15", "an entry with protection none has no valid PTE", "pmap.c:2100-2103, 3318-3325"},
    {"I-16", "a writable PTE maps its entry's own page, and the entry needs no copy", "vm_fault.c:2181-2186, 2870"},
    {"I-17", "a page that a shadow or a needs-copy entry sees has no writable PTE; a file page none of a COW entry",
     "vm_fault.c:1558-1573"},
    {"I-18", "a page with a writable managed PTE, and its object, are marked writeable and perhaps dirty",
     "vm_fault.c:2230-2232, vm_object.c:536-548"},
    {"I-19", "a valid PTE maps the page that a fault would find now", "vm_fault.c:2111-2142"},
    {"I-20", "a maximum protection changes only on request", "vm_fault.c:474-485"},
    {"I-21", "user leaves have U, page-table PDEs have U, RW and V, the directory's own slot has no U",
     "pmap.c:1206-1207, 1400-1401, 2359-2361"},
    {"I-22", "a debugger's store leaves a page of the entry's own, and no right to store to it",
     "vm_fault.c:949-981, 1119-1151"},
    {"I-23", "protecting and removing moves M and A to the page; unmanaged leaves and 4 MiB entries keep theirs",
     "pmap.c:2110-2170"},
    {"I-24", "an anonymous object is referenced, and reached from an entry or a shadow", "vm_object.c:1795-1800"},
    {"I-25", "an object's references are its entries, its shadows and its vnode's own",
     "vm_object.c:232-369, 1283-1297"},
    {"I-26", "the shadow list of an object holds exactly the objects whose backing it is", "vm_object.c:1038-1045"},
    {"I-27", "a chain has no cycle, and its offsets are page aligned", "vm_fault.c:2054, 2859"},
    {"I-29", "a page is in its object at its index and nowhere else", "vm_fault.c:2092-2109"},
    {"I-30", "pages and entries end within their object; a wired page without data may stay past a truncated end",
     "vm_fault.c:1731, 2847"},
    {"I-31", "an object's resident page count is the number of its pages", "vm_object.c:1509"},
    {"I-32", "a dead object gets no reference, and is gone at rest", "vm_object.c:383-386, 1102-1105"},
    {"I-33", "at rest paging is in progress for unfinished I/O only; after a walk at most on the level it found",
     "vm_object.c:388-416, 1335-1345"},
    {"I-34", "no object is held at rest, nor below the top after a walk", "vm_fault.c:764, 1200, 2265-2268"},
    {"I-35", "no chain lock is held at rest or after a walk down the chain", "vm_fault.c:1602, 2266"},
    {"I-36", "the generation of an object never goes back", "vm_object.c:175, 1042"},
    {"I-37", "a collapse changes nothing that an object shows", "vm_object.c:1126-1277"},
    {"I-38", "a bypass changes nothing that an object shows", "vm_object.c:1087-1100, 1447-1481"},
    {"I-39", "a collapse leaves wired and held pages in an object", "vm_object.c:1187-1210"},
    {"I-40", "a new shadow shows what its source does", "vm_object.c:1000-1058"},
    {"I-43", "an object marked for one mapping has a name or one shadow, not both", "vm_object.c:153, 300, 898-902"},
    {"I-44",
     "an object of a file with a dirty page is marked perhaps dirty; cleaning leaves no page of its range dirty",
     "vm_object.c:496, 536-548"},
    {"I-45", "an object that is extended has nothing there, and nothing below", "vm_object.c:1617-1676"},
    {"I-46", "at rest no page is held, and only stand-ins and unfinished I/O keep pages busy",
     "vm_fault.c:1119-1125, 1680-1690"},
    {"I-48", "a page is on the queue that its state asks for", "vm_fault.c:1646-1657, 2974"},
    {"I-49", "a page is wired once for every place of a wired entry whose first resident page it is",
     "vm_fault.c:705-709, 2354-2362, 2400-2407"},
    {"I-50", "a wired page is on no queue and is never freed", "vm_object.c:456-468, 1562-1575"},
    {"I-51", "a valid page of a wired entry is mapped with W, and with all rights of a private entry",
     "vm_fault.c:571-572, 2396-2398"},
    {"I-53", "an entry that is wired more than once keeps its pages wired", "vm_fault.c:2377-2408"},
    {"I-54", "only valid chunks of a page are dirty", "vm_object.c:594, 1559-1561"},
    {"I-56", "a fault for storing marks a page NOSYNC iff its entry says so and the page was clean or marked",
     "vm_fault.c:2693-2702"},
    {"I-57", "cleaning leaves no page marked for it, and none is marked at rest", "vm_object.c:562-630"},
    {"I-58", "no fault copies or fills what a valid page above shows, whether or not read-ahead goes on there",
     "vm_fault.c:1662-1694"},
    {"I-59", "the frame of a wired or held page is not free, nor is the page removed as a clean one",
     "vm_fault.c:1180-1194"},
    {"I-60", "the pv entries of a page are exactly the managed PTEs that map it", "pmap.c:1753-1823, 618-633"},
    {"I-61", "a PTE is managed iff its page is neither fictitious nor unmanaged", "pmap.c:2333-2339, 2546-2549"},
    {"I-62", "a pmap's resident count is its valid leaves, page tables and directory", "pmap.c:1053, 1397, 1857, 2345"},
    {"I-63", "a pmap's wired count is its leaves with W", "pmap.c:1846, 2275-2278, 2727-2730"},
    {"I-64", "a page-table page's wire count is its valid leaves", "pmap.c:1038, 1461, 2365-2374"},
    {"I-65", "a page table is there iff it has a valid leaf", "pmap.c:1022-1099"},
    {"I-66", "the hint of a pmap is one of its page tables", "pmap.c:1055, 1121, 1458"},
    {"I-67", "a TLB of a CPU in a pmap grants no more than the PTE, and has seen M only if the PTE has it",
     "pmap.c:2375-2390, 3140-3175"},
    {"I-68", "outside the change of a PTE no pmap is interlocked and its CPUs run", "pmap.c:3524-3585"},
    {"I-69", "a stored-to page is dirty or modified by a PTE until it is written out", "pmap.c:1858-1870, 2289-2296"},
    {"I-70", "a use that is no longer in a PTE is in the page's REFERENCED mark",
     "pmap.c:1871-1872, 2044-2045, 2156-2160"},
    {"I-71", "no A bit is left where none was reported", "pmap.c:3211-3217"},
    {"I-72", "a page is marked mapped iff it has pv entries, and writeable only then", "pmap.c:2072-2079, 2339, 3191"},
    {"I-73", "what a CPU marked in pm_cached shows in its alternate window is the pmap's directory",
     "pmap.c:692-746, 1049, 1402"},
    {"I-75", "the generation of a pmap grows with every change of its pv entries", "pmap.c:1789, 1819, 2068, 3018"},
    {"I-76", "the kernel's directory entries are the same in every pmap", "pmap.c:1255-1270, 1557-1612"},
    {"I-77", "the directory kept of a released pmap is empty and wired once", "pmap.c:1230-1251, 1286-1350"},
    {"I-78", "user pmaps map user addresses, kernel_pmap kernel addresses", "pmap.c:2207-2222, 2448-2457"},
    {"I-79", "a page that was entered is mapped as it was asked for, and used", "pmap.c:2192-2411"},
    {"I-83", "nobody sleeps on a page that is not busy", "vm_page.c, vm_page_wakeup"},
    {"I-86", "a shortage leaves everything as it was", "pmap.c:1582-1598, 2231-2240"},
    {"I-88", "every pv entry in use is on the lists, and the daemon is told before they run out", "pmap.c:1660-1705"},
    {"I-90", "no page is handed out where nobody may fault", "vm_fault.c:483-503, 960-990"},
    {"I-91", "every resolved fault and every prefaulted page is counted once", "vm_fault.c:741-756, 2951-2953"},
    {"I-92", "a copy that was made before its fault was refused shows what was visible", "vm_fault.c:2200-2212"},
    {"I-93", "a device's page is mapped without being managed, its entry has no object",
     "vm_fault.c:505-536, 2318-2334"},
    {"I-94", "who must not wait neither sleeps for memory nor asks a pager", "vm_fault.c:546-566"},
    {"I-95",
     "a walk through virtual page tables sets A in every word, and M for a store, if the entry may write, else "
     "nothing; "
     "a read maps writable only where M is set",
     "vm_fault.c:1448-1498"},
    {"I-96", "a wiring that failed leaves no wired mapping behind", "vm_fault.c:2353-2364"},
    {"I-97", "the copy of a wired entry shows what the entry does, in pages of its own, and is not wired",
     "vm_fault.c:2422-2496"},
    {"I-98", "prefaulting maps exactly the window's pages that are at hand, dirties none and frees no block",
     "vm_fault.c:2811-2823, 2833-2857, 3143-3154"},
    {"I-99", "a page that is handed out is held, or busied for who asked to store; else nothing is",
     "vm_fault.c:1119-1196"},
}};

// Rules of the pmap world, and those of the system world that are its too.
constexpr std::array kPmapOnly{Rule::i23, Rule::i70, Rule::i71, Rule::i73, Rule::i75, Rule::i76,
                               Rule::i77, Rule::i78, Rule::i79, Rule::i86, Rule::i88};
constexpr std::array kPmapToo{Rule::i01, Rule::i14, Rule::i15, Rule::i21, Rule::i46, Rule::i60, Rule::i61, Rule::i62,
                              Rule::i63, Rule::i64, Rule::i65, Rule::i66, Rule::i67, Rule::i68, Rule::i69, Rule::i72};

// The same of the object world.
constexpr std::array kObjectOnly{Rule::i12, Rule::i32, Rule::i36, Rule::i37, Rule::i38,
                                 Rule::i39, Rule::i40, Rule::i43, Rule::i45, Rule::i59};
constexpr std::array kObjectToo{Rule::i01, Rule::i05, Rule::i06, Rule::i08, Rule::i09, Rule::i10, Rule::i11,
                                Rule::i24, Rule::i25, Rule::i26, Rule::i27, Rule::i29, Rule::i30, Rule::i31,
                                Rule::i33, Rule::i34, Rule::i35, Rule::i44, Rule::i57, Rule::i58, Rule::i13,
                                Rule::i46, Rule::i48, Rule::i49, Rule::i50, Rule::i54};

template <std::size_t count>
bool in(const std::array<Rule, count>& rules, Rule rule) {
    return std::find(rules.begin(), rules.end(), rule) != rules.end();
}

bool concerns(WorldName world, Rule rule) {
    switch (world) {
        case WorldName::pmap:
            return in(kPmapOnly, rule) || in(kPmapToo, rule);
        case WorldName::object:
            return in(kObjectOnly, rule) || in(kObjectToo, rule);
        case WorldName::system:
        case WorldName::machine:
            break;
    }
    return !in(kPmapOnly, rule) && !in(kObjectOnly, rule);
}

}  // namespace

std::span<const Invariant> invariant_table() {
    return kTable;
}

RuleBook::RuleBook(WorldName world) : invariants_(kTable) {
    for (std::size_t n = 0; n < invariants_.size(); ++n) {
        invariants_[n].elsewhere = !concerns(world, static_cast<Rule>(n));
    }
}

void RuleBook::count_violation(std::string_view rule) {
    for (Invariant& invariant : invariants_) {
        if (invariant.id == rule) {
            invariant.evaluate(true, false);
        }
    }
}

void RuleBook::report(Rule rule, std::string message) {
    if (!violation_) {
        const std::string_view id = invariants_[static_cast<std::size_t>(rule)].id;
        violation_ = Violation{.rule = std::string(id), .message = std::move(message)};
    }
}

}  // namespace vmref::props
