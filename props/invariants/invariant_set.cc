// The table of rules, and what is visited when.
#include "props/invariants/invariant_set.h"

#include <fmt/format.h>

#include <utility>

namespace vmref::props {

namespace {

constexpr std::size_t kRules = static_cast<std::size_t>(Rule::count);

constexpr std::array<Invariant, kRules> kTable{{
    {"I-01", "a user read returns what the model holds for the cell", "vm_fault.c:2060-2187"},
    {"I-02", "the chain of an entry is walked to its end: it refuses a page only where the file at its end stops",
     "vm_fault.c:1593-2058"},
    {"I-03", "a store through a private entry changes nothing that another entry sees", "vm_fault.c:2069-2182"},
    {"I-04", "a store into a shared top object is seen by the next read of every sharer", "vm_fault.c:2111-2142"},
    {"I-05", "a page is zero-filled only where no level of the chain has data", "vm_fault.c:2012-2048"},
    {"I-06", "a fault fills or copies only into a page without valid data", "vm_fault.c:2044, 2137, 2282"},
    {"I-09", "a resting page with a block is dirty, or modified by a PTE, or equal to the block",
     "vm_fault.c:2226-2261"},
    {"I-11", "freeing a valid page loses no contents that anybody still sees", "vm_object.c:1233-1260"},
    {"I-14", "a valid user PTE lies in an entry and grants no more than its protection", "vm_fault.c:692, 2185"},
    {"I-15", "an entry with protection none has no valid PTE", "pmap.c:2100-2103, 3318-3325"},
    {"I-16", "a writable PTE maps its entry's own page, and the entry needs no copy", "vm_fault.c:2181-2186, 2870"},
    {"I-17", "a page that a shadow or a needs-copy entry sees has no writable PTE; a file page none of a COW entry",
     "vm_fault.c:1558-1573"},
    {"I-18", "a page with a writable managed PTE, and its object, are marked writeable and perhaps dirty",
     "vm_fault.c:2230-2232, vm_object.c:536-548"},
    {"I-19", "a valid PTE maps the page that a fault would find now", "vm_fault.c:2111-2142"},
    {"I-21", "user leaves have U, page-table PDEs have U, RW and V, the directory's own slot has no U",
     "pmap.c:1206-1207, 1400-1401, 2359-2361"},
    {"I-24", "an anonymous object is referenced, and reached from an entry or a shadow", "vm_object.c:1795-1800"},
    {"I-25", "an object's references are its entries, its shadows and its vnode's own",
     "vm_object.c:232-369, 1283-1297"},
    {"I-26", "the shadow list of an object holds exactly the objects whose backing it is", "vm_object.c:1038-1045"},
    {"I-27", "a chain has no cycle, and its offsets are page aligned", "vm_fault.c:2054, 2859"},
    {"I-29", "a page is in its object at its index and nowhere else", "vm_fault.c:2092-2109"},
    {"I-30", "pages and entries end within their object; a wired page without data may stay past a truncated end",
     "vm_fault.c:1731, 2847"},
    {"I-31", "an object's resident page count is the number of its pages", "vm_object.c:1509"},
    {"I-33", "no paging is in progress at rest; of a fault that found a page, at most on the level it found",
     "vm_object.c:388-416, 1335-1345"},
    {"I-35", "no chain lock is held at rest or after a walk down the chain", "vm_fault.c:1602, 2266"},
    {"I-46", "no page is busy, under I/O or held at rest", "vm_fault.c:1119-1125, 1680-1690"},
    {"I-48", "a page is on the queue that its state asks for", "vm_fault.c:1646-1657, 2974"},
    {"I-50", "a wired page is on no queue and is never freed", "vm_object.c:456-468, 1562-1575"},
    {"I-60", "the pv entries of a page are exactly the managed PTEs that map it", "pmap.c:1753-1823, 618-633"},
    {"I-61", "a PTE is managed iff its page is neither fictitious nor unmanaged", "pmap.c:2333-2339, 2546-2549"},
    {"I-62", "a pmap's resident count is its valid leaves, page tables and directory", "pmap.c:1053, 1397, 1857, 2345"},
    {"I-63", "a pmap's wired count is its leaves with W", "pmap.c:1846, 2275-2278, 2727-2730"},
    {"I-64", "a page-table page's wire count is its valid leaves", "pmap.c:1038, 1461, 2365-2374"},
    {"I-67", "a TLB of a CPU in a pmap grants no more than the PTE, and has seen M only if the PTE has it",
     "pmap.c:2375-2390, 3140-3175"},
    {"I-69", "a stored-to page is dirty or modified by a PTE until it is written out", "pmap.c:1858-1870, 2289-2296"},
    {"I-72", "a page is marked mapped iff it has pv entries, and writeable only then", "pmap.c:2072-2079, 2339, 3191"},
    {"I-91", "every resolved fault and every prefaulted page is counted once", "vm_fault.c:741-756, 2951-2953"},
}};

}  // namespace

std::span<const Invariant> invariant_table() {
    return kTable;
}

InvariantSet::InvariantSet(impl::System& subject) : subject_(subject), kernel_(subject.kernel()), invariants_(kTable) {
    kernel_.probe = this;
}

void InvariantSet::report(Rule rule, std::string message) {
    if (!violation_) {
        const std::string_view id = invariants_[static_cast<std::size_t>(rule)].id;
        violation_ = Violation{.rule = std::string(id), .message = std::move(message)};
    }
}

void InvariantSet::count_violation(std::string_view rule) {
    for (Invariant& invariant : invariants_) {
        if (invariant.id == rule) {
            invariant.evaluate(true, false);
        }
    }
}

void InvariantSet::start_round(bool full) {
    full_ = full;
    pages_seen_.start_round();
    objects_seen_.start_round();
    ptes_seen_.start_round();
    entries_seen_.start_round();
}

// What is named may be gone by now, or be something else: then that is checked.
void InvariantSet::check_changes() {
    start_round(false);
    const impl::Journal& journal = kernel_.journal;
    for (const impl::Journal::Pte& pte : journal.ptes) {
        visit_pte(pte.pmap, pte.va);
    }
    for (const impl::Journal::Cell& cell : journal.cells) {
        if (impl::Object* const object = kernel_.objects.find(cell.object)) {
            visit_object(*object);
            if (const impl::Page* const page = kernel_.pages.lookup(*object, cell.index)) {
                visit_page(*page);
            }
        }
    }
    for (const impl::ObjectId id : journal.objects) {
        if (const impl::Object* const object = kernel_.objects.find(id)) {
            visit_object(*object);
        }
    }
    for (const impl::Journal::Entry& entry : journal.entries) {
        visit_entry(entry.map, entry.start);
    }
    for (const Frame frame : journal.frames) {
        visit_page(kernel_.pages.page_of_frame(frame));
    }
    check_global();
}

void InvariantSet::check_all() {
    start_round(true);
    for (const impl::Object* const object : kernel_.objects.all()) {
        if (object != nullptr) {
            visit_object(*object);
        }
    }
    for (const impl::Page& page : kernel_.pages.pages()) {
        if (page.frame != 0) {
            visit_page(page);
        }
    }
    check_all_queues();
    for (const auto& [pid, process] : subject_.processes()) {
        for (const impl::MapEntry& entry : process->map.entries) {
            check_entry(entry);
        }
    }
    for (const impl::Pmap* const pmap : kernel_.pmaps.all()) {
        if (pmap != nullptr) {
            check_pmap(*pmap);
        }
    }
    check_pv_total();
    check_all_tlbs();
    check_global();
}

void InvariantSet::visit_page(const impl::Page& page) {
    if (pages_seen_.first_visit(page.frame)) {
        check_page(page);
    }
}

void InvariantSet::visit_object(const impl::Object& object) {
    if (objects_seen_.first_visit(object.id)) {
        check_object(object);
    }
}

void InvariantSet::visit_pte(impl::PmapId pmap_id, Va va) {
    const impl::Pmap* const pmap = kernel_.pmaps.find(pmap_id);
    if (pmap == nullptr || !ptes_seen_.first_visit(pmap_id, va)) {
        return;
    }
    impl::Map* const map = map_of(*pmap);
    const impl::MapEntry* const entry = map == nullptr ? nullptr : impl::map_entry_at(*map, va);
    const std::uint32_t directory_entry = kernel_.pmaps.pde(*pmap, va);
    check_directory_entry(*pmap, impl::pde_index(va), directory_entry);
    check_cached(*pmap, va);
    if (entry != nullptr && entry->object != nullptr) {
        visit_object(*entry->object);
    }
    if ((directory_entry & impl::kPtePS) == 0) {
        check_leaf(*pmap, entry, va, kernel_.pmaps.pte(*pmap, va));
    }
    // Recounts cost as much as the tables are long: in turn only.
    constexpr std::uint64_t kTableEvery = 64;
    constexpr std::uint64_t kPmapEvery = 1024;
    if (++ptes_checked_ % kPmapEvery == 0) {
        check_pmap_counts(*pmap);
    } else if (ptes_checked_ % kTableEvery == 0) {
        std::uint32_t leaves = 0;
        std::uint32_t wired = 0;
        check_table_counts(*pmap, impl::pde_index(va), leaves, wired);
    }
}

void InvariantSet::visit_entry(impl::PmapId map_id, Va start) {
    const impl::Pmap* const pmap = kernel_.pmaps.find(map_id);
    impl::Map* const map = pmap == nullptr ? nullptr : map_of(*pmap);
    if (map == nullptr || !entries_seen_.first_visit(map_id, start)) {
        return;
    }
    if (const impl::MapEntry* const entry = impl::map_entry_at(*map, start)) {
        check_entry(*entry);
        check_entry_rights(*entry);
    }
}

void InvariantSet::check_global() {
    const impl::Statistics& stats = kernel_.stats;
    const std::uint64_t happened = stats.faults_resolved + stats.pages_prefaulted;
    const std::uint64_t counted = stats.minflt + stats.majflt;
    const bool premise = happened != faults_counted_ || full_;
    faults_counted_ = happened;
    evaluate(Rule::i91, premise, counted == happened && stats.vm_faults == happened, [&] {
        return fmt::format(
            "{} faults resolved and {} pages prefaulted: expected {} in minflt + majflt and in vm_faults, found {} + "
            "{} "
            "and {}",
            stats.faults_resolved, stats.pages_prefaulted, happened, stats.minflt, stats.majflt, stats.vm_faults);
    });
}

}  // namespace vmref::props
