// Pages: identity, busy state, queues, wiring.
#include <fmt/format.h>

#include "props/invariants/invariant_set.h"
#include "props/invariants/names.h"

namespace vmref::props {

namespace {

using impl::Queue;

const char* name_of(Queue queue) {
    constexpr const char* kNames[] = {"none", "free", "hold", "cache", "inactive", "active"};
    return kNames[static_cast<unsigned>(queue)];
}

// I-48 for a page that is not wired; I-50 speaks of the others.
bool on_right_queue(const impl::Page& page) {
    switch (page.queue) {
        case Queue::free:
            return page.object == nullptr && page.dirty == 0 && page.pv_list.empty() && page.hold_count == 0;
        case Queue::hold:
            return page.object == nullptr && page.pv_list.empty() && page.hold_count != 0;
        case Queue::cache:
            return page.object != nullptr && page.dirty == 0 && page.pv_list.empty();
        case Queue::inactive:
        case Queue::active:
            return page.object != nullptr && page.object->type != impl::ObjectType::page_table;
        case Queue::none:
            break;
    }
    // At rest the pageout daemon finds every page that it may have.
    return page.busied() || page.has(impl::kPageUnmanaged | impl::kPageFictitious);
}

}  // namespace

void InvariantSet::check_page(const impl::Page& page) {
    check_identity(page);
    // Slots of the kernel and outsiders.
    const std::uint32_t holds =
        page.hold_count == 0 ? 0 : subject_.kernel_holds(page) + (outsiders_ == nullptr ? 0 : outsiders_->holds(page));
    const bool idle = !page.busied() && page.soft_busy == 0;
    evaluate(Rule::i46, true, (idle || kernel_.injection.may_be_busy(page)) && page.hold_count == holds, [&] {
        return fmt::format("{}: expected not busy at rest, and {} holds, found busy owner {}, {} transfers, {} holds",
                           name_of(page), holds, page.busy_owner, page.soft_busy, page.hold_count);
    });
    evaluate(Rule::i83, !page.busied() && page.soft_busy == 0, !page.has(impl::kPageWanted),
             [&] { return fmt::format("{}: expected no sleepers on a page that is not busy", name_of(page)); });
    evaluate(Rule::i57, page.has(impl::kPageCleanChk), false,
             [&] { return fmt::format("{}: expected no mark for cleaning at rest", name_of(page)); });
    check_queue(page);
    check_dirtiness(page);
    check_wiring(page);
    const Mappings mappings = pmap_rules_.check_mappings(page);
    check_contents(page, mappings.modified);
    check_isolation(page, mappings.writable);
}

// What has been begun and not finished (catalogue D-12), and its target.
void InvariantSet::check_unfinished() {
    for (const impl::UnfinishedIo& io : kernel_.injection.unfinished()) {
        const impl::Page& page = *io.page;
        const bool busy = io.call == impl::PagerCall::put ? page.soft_busy != 0 : page.busied();
        evaluate(Rule::i46, true, busy && page.object != nullptr, [&] {
            return fmt::format("{}: its I/O is unfinished, expected busy, found busy owner {}, {} transfers",
                               name_of(page), page.busy_owner, page.soft_busy);
        });
        const bool to_swap = io.slot != impl::kNoSwapSlot && page.object != nullptr;
        evaluate(Rule::i10, to_swap,
                 !to_swap || (kernel_.swap.assigned(io.slot) && page.object->swap_slot(page.pindex) == io.slot), [&] {
                     return fmt::format("{}: block {} is being written, expected assigned to the page", name_of(page),
                                        io.slot);
                 });
    }
}

void InvariantSet::check_identity(const impl::Page& page) {
    impl::Object* const object = page.object;
    const impl::Page* const found = object == nullptr ? nullptr : kernel_.pages.lookup(*object, page.pindex);
    evaluate(Rule::i29, object != nullptr, found == &page, [&] {
        return fmt::format("{}: expected that frame at that place of the object, found frame {}", name_of(page),
                           found == nullptr ? 0 : found->frame);
    });
    const bool truncated = page.wire_count != 0 && page.valid == 0;
    const bool bounded = object != nullptr && object->type != impl::ObjectType::page_table && !truncated;
    evaluate(Rule::i30, bounded, object == nullptr || page.pindex < object->size, [&] {
        return fmt::format("{}: expected an index below the object's size {}", name_of(page), object->size);
    });
}

void InvariantSet::check_queue(const impl::Page& page) {
    const bool wired = page.wire_count != 0;
    evaluate(Rule::i50, wired, page.queue == Queue::none, [&] {
        return fmt::format("{}: wired {} times, expected on no queue, found on queue {}", name_of(page),
                           page.wire_count, name_of(page.queue));
    });
    evaluate(Rule::i48, !wired, on_right_queue(page), [&] {
        return fmt::format("{}: queue {} does not fit dirty {:#x}, {} mappings, {} holds, flags {:#x}", name_of(page),
                           name_of(page.queue), page.dirty, page.pv_list.size(), page.hold_count, page.flags);
    });
}

void InvariantSet::check_dirtiness(const impl::Page& page) {
    const bool dirty = page.dirty != 0;
    evaluate(Rule::i54, dirty, (page.dirty & ~page.valid) == 0, [&] {
        return fmt::format("{}: expected dirty bits among the valid ones {:#x}, found {:#x}", name_of(page), page.valid,
                           page.dirty);
    });
    const bool of_file = dirty && page.object != nullptr && page.object->type == impl::ObjectType::vnode;
    evaluate(Rule::i44, of_file, !of_file || page.object->has(impl::kObjMightBeDirty), [&] {
        return fmt::format("{}: dirty, expected its object marked perhaps dirty, found flags {:#x}", name_of(page),
                           page.object->flags);
    });
}

void InvariantSet::nosync_judged(const impl::Page& m, bool entry_nosync, bool was_set) {
    const bool marked = m.has(impl::kPageNoSync);
    evaluate(Rule::i56, entry_nosync || was_set, marked == (entry_nosync && (was_set || m.dirty == 0)), [&] {
        return fmt::format("{}: stored to through an entry {} NOSYNC, dirty {:#x}, {}marked before, found it {}marked",
                           name_of(m), entry_nosync ? "with" : "without", m.dirty, was_set ? "" : "not ",
                           marked ? "" : "not ");
    });
}

void InvariantSet::nofault_ended(bool success, std::uint64_t waits) {
    evaluate(Rule::i94, true, waits == 0, [&] {
        return fmt::format("an access that must not wait {}: expected no sleep and no pager, found {}",
                           success ? "succeeded" : "failed", waits);
    });
}

void InvariantSet::pages_cleaned(const impl::Object& object, PageIndex start, PageIndex end, bool undisturbed) {
    for (auto page = object.pages.lower_bound(start); page != object.pages.end() && page->pindex < end; ++page) {
        // What was not written yet, stays dirty.
        const bool written = undisturbed && !kernel_.injection.may_be_busy(*page);
        evaluate(Rule::i44, written, !written || page->dirty == 0, [&] {
            return fmt::format("{}: expected clean after cleaning [{}, {}), found dirty {:#x}", name_of(*page), start,
                               end, page->dirty);
        });
        evaluate(Rule::i57, true, !page->has(impl::kPageCleanChk), [&] {
            return fmt::format("{}: expected no mark after cleaning [{}, {})", name_of(*page), start, end);
        });
    }
}

// The lists against what the pages say.
void InvariantSet::check_all_queues() {
    std::array<std::uint32_t, 6> counted{};
    for (const impl::Page& page : kernel_.pages.pages()) {
        if (page.frame != 0) {
            ++counted[static_cast<unsigned>(page.queue)];
        }
    }
    const auto check = [&](Queue queue, std::size_t listed) {
        const std::uint32_t expected = counted[static_cast<unsigned>(queue)];
        evaluate(Rule::i48, true, listed == expected, [&] {
            return fmt::format("queue {}: {} pages say that they are on it, {} are", name_of(queue), expected, listed);
        });
    };
    check(Queue::free, kernel_.pages.free_count());
    check(Queue::cache, kernel_.pages.cache().size());
    check(Queue::inactive, kernel_.pages.inactive().size());
    check(Queue::active, kernel_.pages.active().size());
}

void InvariantSet::before_free(const impl::Page& page) {
    evaluate(Rule::i50, true, page.wire_count == 0,
             [&] { return fmt::format("{} is freed although it is wired {} times", name_of(page), page.wire_count); });
    const impl::Object* const object = page.object;
    if (object == nullptr || page.valid == 0) {
        evaluate(Rule::i11, false, true, [] { return std::string(); });
        return;
    }
    // Past the end of a truncated object nobody sees the page. While a range is removed from an anonymous object
    // (paging in progress without a walk down the chain) the entry that saw it is on its way out.
    const bool removal = object->anonymous() && object->paging_in_progress != 0 && object->chain_holders == 0;
    const bool unseen = object->type == impl::ObjectType::page_table || object->has(impl::kObjDead) ||
                        page.pindex >= object->size || removal;
    evaluate(Rule::i11, !unseen, unseen || same_without(page) || views_gone_or_discarded(page), [&] {
        return fmt::format("{} is freed with dirty {:#x} and valid {:#x}: expected that its contents remain elsewhere",
                           name_of(page), page.dirty, page.valid);
    });
}

}  // namespace vmref::props
