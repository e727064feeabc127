// What is visited when.
#include "props/invariants/invariant_set.h"

#include <fmt/format.h>

#include <utility>

namespace vmref::props {

InvariantSet::InvariantSet(impl::System& subject, WorldName world, const Outsiders* outsiders)
    : RuleBook(world),
      subject_(subject),
      outsiders_(outsiders),
      kernel_(subject.kernel()),
      pmap_rules_(*this, kernel_.machine, kernel_.pages, kernel_.pmaps) {
    kernel_.probe = this;
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
    for (const impl::Map* const map : subject_.kernel_maps()) {
        for (const impl::MapEntry& entry : map->entries) {
            check_entry(entry);
        }
    }
    for (const impl::Pmap* const pmap : kernel_.pmaps.all()) {
        if (pmap != nullptr) {
            check_pmap(*pmap);
        }
    }
    pmap_rules_.check_pv_total();
    pmap_rules_.check_all_tlbs();
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
    const impl::MapEntry* const entry = map == nullptr ? nullptr : impl::map_entry_through(*map, va);
    const std::uint32_t directory_entry = kernel_.pmaps.pde(*pmap, va);
    pmap_rules_.check_directory_entry(*pmap, impl::pde_index(va), directory_entry);
    pmap_rules_.check_cached(*pmap, va);
    if (entry != nullptr && entry->object != nullptr) {
        visit_object(*entry->object);
    }
    if (entry != nullptr && entry->wired_count != 0) {
        check_wired_page(*entry, va);
    }
    if ((directory_entry & impl::kPtePS) == 0) {
        check_leaf(*pmap, entry, va, kernel_.pmaps.pte(*pmap, va));
    }
    // Recounts cost as much as the tables are long: in turn only.
    constexpr std::uint64_t kTableEvery = 64;
    constexpr std::uint64_t kPmapEvery = 1024;
    if (++ptes_checked_ % kPmapEvery == 0) {
        pmap_rules_.check_pmap_counts(*pmap);
    } else if (ptes_checked_ % kTableEvery == 0) {
        std::uint32_t leaves = 0;
        std::uint32_t wired = 0;
        pmap_rules_.check_table_counts(*pmap, impl::pde_index(va), leaves, wired);
    }
}

void InvariantSet::visit_entry(impl::PmapId map_id, Va start) {
    const impl::Pmap* const pmap = kernel_.pmaps.find(map_id);
    impl::Map* const map = pmap == nullptr ? nullptr : map_of(*pmap);
    if (map == nullptr || !entries_seen_.first_visit(map_id, start)) {
        return;
    }
    if (const impl::MapEntry* const entry = impl::map_entry_through(*map, start)) {
        check_entry(*entry);
        check_entry_rights(*entry);
    }
}

void InvariantSet::check_global() {
    check_unfinished();
    check_failed_reads();
    const impl::Statistics& stats = kernel_.stats;
    const std::uint64_t entered = stats.faults_resolved + stats.pages_prefaulted;
    const std::uint64_t happened = entered + stats.pages_handed_out;
    const std::uint64_t counted = stats.minflt + stats.majflt;
    const bool premise = happened != faults_counted_ || full_;
    faults_counted_ = happened;
    evaluate(Rule::i91, premise, counted == happened && stats.vm_faults == entered, [&] {
        return fmt::format(
            "{} faults resolved, {} pages prefaulted, {} handed out: expected {} in minflt + majflt and {} in "
            "vm_faults, found {} + {} and {}",
            stats.faults_resolved, stats.pages_prefaulted, stats.pages_handed_out, happened, entered, stats.minflt,
            stats.majflt, stats.vm_faults);
    });
}

}  // namespace vmref::props
