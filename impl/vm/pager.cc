// The switch between the pagers, and what may happen to a call of one (semantics.md 2.8, catalogue D-11 and D-12).
#include <algorithm>

#include "impl/vm/page_ops.h"
#include "impl/vm/pager.h"
#include "impl/vm/read_ahead.h"
#include "impl/vm/vm_object.h"

namespace vmref::impl {

namespace {

PagerResult read(Kernel& k, Object& object, PageIndex index, Page& m, const ReadRequest& request) {
    return object.type == ObjectType::vnode ? vnode_get_page(k, object, index, m, request)
                                            : swap_get_page(k, object, index, m, request);
}

ReadRequest request_for(const Kernel& k, const Object& object, Behavior behavior) {
    const std::uint32_t cluster = object.type == ObjectType::vnode ? k.config.vnode_cluster : k.config.swap_cluster;
    return {.cluster = behavior == Behavior::random ? 1 : cluster};
}

// Another page takes the place of the one that was read. Without memory for it, nothing happens.
void replace_page(Kernel& k, Object& object, PageIndex index, Page*& m, bool taken) {
    Page& old = *m;
    k.pages.remove(old);
    Page* const next = k.pages.alloc(object, index, AllocClass::system);
    if (next == nullptr) {
        k.pages.insert(old, object, index);
        return;
    }
    std::copy_n(k.machine.memory().frame(old.frame), kPageSize, k.machine.memory().frame_for_write(next->frame));
    k.pages.set_valid_clean(*next);
    k.pages.free(old);
    m = next;
    ++k.stats.pages_replaced;
    if (taken) {
        k.pages.deactivate(*next);
        k.pages.wakeup(*next);
        take_for_other(k, *next, 1);
    }
}

void switch_page(Kernel& k, Object& object, PageIndex index, Page*& m, PageSwitch how) {
    if (how == PageSwitch::kept || m->wire_count != 0 || m->hold_count != 0) {
        return;  // a page that somebody relies on stays
    }
    if (how == PageSwitch::lost) {
        page_unmap_and_free(k, *m);
        m = nullptr;
    } else {
        k.pmaps.page_protect(*m, kProtNone);
        replace_page(k, object, index, m, how == PageSwitch::replaced_and_taken);
    }
}

// A call that does not go plainly well. Of a page that is valid already only read-ahead is asked, whose failure is
// nobody's loss; and where the pager has nothing it says so whatever was planned.
PagerResult read_as_planned(Kernel& k, Object& object, PageIndex index, Page*& m, ReadRequest request,
                            const PagerPlan& plan) {
    request.cluster = std::min(request.cluster, plan.read_ahead == 0xFFFFFFFFU ? plan.read_ahead : plan.read_ahead + 1);
    request.fails = plan.result == PagerResult::error;
    if (m->fully_valid() || !pager_has_page(object, index)) {
        return read(k, object, index, *m, request);
    }
    switch (plan.result) {
        case PagerResult::bad:
        case PagerResult::again:
            return plan.result;
        case PagerResult::pend:
            begin_unfinished(k, {.call = PagerCall::get, .page = m, .finish = plan.finish});
            return PagerResult::pend;
        case PagerResult::ok:
        case PagerResult::fail:  // no pager says that of data it has: the level below would show (I-08)
        case PagerResult::error:
            break;
    }
    const PagerResult result = read(k, object, index, *m, request);
    if (result == PagerResult::ok) {
        switch_page(k, object, index, m, plan.page);
    }
    return result;
}

}  // namespace

bool pager_has_page(const Object& object, PageIndex index) {
    switch (object.type) {
        case ObjectType::swap:
            return object.swap_slot(index) != kNoSwapSlot;
        case ObjectType::vnode:
            return index < object.vnode->pages();
        case ObjectType::default_:
        case ObjectType::device:
        case ObjectType::page_table:
            break;
    }
    return false;
}

PagerResult pager_get_page(Kernel& k, Object& object, PageIndex index, Page*& m, Behavior behavior) {
    ensure_rule(m != nullptr && m->busied(), "I-47", "a page that is read in is busied");
    const ReadRequest request = request_for(k, object, behavior);
    const auto plan = k.injection.due(PagerCall::get);
    const PagerResult result =
        plan ? read_as_planned(k, object, index, m, request, *plan) : read(k, object, index, *m, request);
    ++k.stats.gets[static_cast<std::size_t>(result)];
    return result;
}

PagerResult pager_put_page(Kernel& k, Page& m) {
    ensure_rule(m.busied() && m.valid != 0, "I-47", "a page that is written out is busied and valid");
    PagerPlan plan{.call = PagerCall::put};
    if (const auto due = k.injection.due(PagerCall::put)) [[unlikely]] {
        plan = *due;
    }
    const bool is_file = m.object->type == ObjectType::vnode;
    const PagerResult result = is_file ? vnode_put_page(k, m, plan) : swap_put_page(k, m, plan);
    ++k.stats.puts[static_cast<std::size_t>(result)];
    if (k.journal.narration != nullptr) {
        k.journal.narration->page_written(narrated(m), result == PagerResult::ok);
    }
    return result;
}

// A write has been begun: it is complete, or goes on without its caller, or has failed (catalogue D-12).
PagerResult go_on_writing(Kernel& k, Page& m, std::uint32_t slot, const PagerPlan& plan) {
    k.sched.yield(BlockPoint::pager_io);
    if (plan.result == PagerResult::pend) {
        begin_unfinished(k, {.call = PagerCall::put, .page = &m, .slot = slot, .finish = plan.finish});
        if (k.on(Defect::b100_put_finished_twice)) {
            pager_finish_put(k, m, PagerResult::ok);
        }
    } else {
        pager_finish_put(k, m, plan.result);
    }
    return plan.result;
}

void pager_finish_put(Kernel& k, Page& m, PagerResult result) {
    Object& object = *m.object;
    if (result == PagerResult::ok) {
        ensure_rule(!object.anonymous() || object.swap_slot(m.pindex) != kNoSwapSlot, "I-10",
                    "a block stays assigned while it is written");
        if (k.on(Defect::b116_write_forgets_stores)) {
            k.pmaps.clear_modify(m);
            m.clear(kPageRedirtied);
        }
        k.pages.write_ends(m);
    } else {
        m.clear(kPageRedirtied);
    }
    if (object.anonymous() && result == PagerResult::ok) {
        m.set(kPageSwapped);
    } else if (object.anonymous()) {
        swap_free_space(k, object, m.pindex, 1);
        m.clear(kPageSwapped);
    }
    k.pages.io_finish(m);
}

void pager_finish_get(Kernel& k, Page& m, PagerResult result) {
    if (result != PagerResult::ok) {
        vnode_pager_freepage(k, m);
        return;
    }
    read_block(k, m);
    ++k.stats.pageins;
    k.pages.deactivate(m);
    k.pages.wakeup(m);
}

}  // namespace vmref::impl
