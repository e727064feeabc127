// Stand-ins for other actors: what one operation makes happen in later ones, and what runs beside one that waits.
#include <algorithm>
#include <utility>

#include "impl/system.h"
#include "impl/vm/page_ops.h"
#include "impl/vm/pager.h"
#include "impl/vm/vm_object.h"

namespace vmref::impl {

namespace {

bool inside_one_page(const Access& access) {
    return page_of(access.addr) == page_of(access.addr + access.size - 1U);
}

PagerPlan plan_of(const PlanIo& operation) {
    PagerPlan plan;
    plan.call = operation.call == IoCall::get ? PagerCall::get : PagerCall::put;
    plan.ordinal = operation.ordinal;
    plan.read_ahead = operation.ahead;
    switch (operation.answer) {
        case IoAnswer::error:
            plan.result = PagerResult::error;
            break;
        case IoAnswer::bad:
            plan.result = PagerResult::bad;
            break;
        case IoAnswer::again:
            plan.result = PagerResult::again;
            break;
        case IoAnswer::pend_error:
            plan.finish = PagerResult::error;
            [[fallthrough]];
        case IoAnswer::pend:
            plan.result = PagerResult::pend;
            break;
        case IoAnswer::replaced:
            plan.page = PageSwitch::replaced;
            break;
        case IoAnswer::taken:
            plan.page = PageSwitch::replaced_and_taken;
            break;
        case IoAnswer::lost:
            plan.page = PageSwitch::lost;
            break;
        case IoAnswer::ok:
            break;
    }
    return plan;
}

}  // namespace

bool lets_others_run(const Operation& operation) {
    const Access* const access = std::get_if<Access>(&operation);
    return std::holds_alternative<Msync>(operation) || (access != nullptr && inside_one_page(*access));
}

Page* System::resident_page_at(Pid pid, Va va) {
    const MapEntry* const entry = map_entry_through(map_of(pid), va);
    return entry == nullptr ? nullptr : chain_resident_page(kernel_, entry->object, entry->index_of(va));
}

Outcome System::run(const WriteOut& operation) {
    Page* const page = resident_page_at(operation.pid, operation.addr);
    if (page == nullptr || page->valid == 0 || !kernel_.pages.busy_try(*page)) {
        return {};
    }
    page_test_dirty(kernel_, *page);
    if (page->dirty != 0) {
        const PagerResult end = operation.fails ? PagerResult::error : PagerResult::ok;
        kernel_.injection.plan({.call = PagerCall::put,
                                .ordinal = 1,
                                .result = operation.unfinished ? PagerResult::pend : end,
                                .finish = end});
        pager_put_page(kernel_, *page);
    }
    kernel_.pages.wakeup(*page);
    return {};
}

Outcome System::run(const FinishIo& /*operation*/) {
    finish_io(kernel_, nullptr);
    return {};
}

Outcome System::run(const Reclaim& operation) {
    Page* const page = resident_page_at(operation.pid, operation.addr);
    if (page == nullptr || page->wire_count != 0 || page->hold_count != 0 || !kernel_.pages.busy_try(*page)) {
        return {};
    }
    if (page->valid == 0) {
        page_unmap_and_free(kernel_, *page);
        return {};
    }
    page_test_dirty(kernel_, *page);
    page_cache(kernel_, *page);
    // What is on the cache queue is free for the next who needs memory: that is now.
    if (page->queue == Queue::cache && kernel_.pages.busy_try(*page)) {
        page_free(kernel_, *page);
    }
    return {};
}

Outcome System::run(const BusyPage& operation) {
    Page* const page = resident_page_at(operation.pid, operation.addr);
    if (page != nullptr && !page->busied() && page->soft_busy == 0) {
        take_for_other(kernel_, *page, operation.sleeps);
    }
    return {};
}

Outcome System::run(const PlanIo& operation) {
    kernel_.injection.plan(plan_of(operation));
    return {};
}

Outcome System::run(const PlanShortage& operation) {
    const AllocationKind kind = operation.what == Scarce::page         ? AllocationKind::page
                                : operation.what == Scarce::page_table ? AllocationKind::page_table
                                                                       : AllocationKind::pv;
    kernel_.pages.failing().plan(kind, operation.ordinal);
    return {};
}

Outcome System::run(const Hook& /*operation*/) {
    keeps_next_back_ = true;
    return {};
}

// Another thread runs while the current one waits, or after it: what that one has observed so far is put aside.
void System::run_kept(HookTime time) {
    const Operation operation = *std::exchange(kept_, std::nullopt);
    const Pid pid = std::visit(
        [](const auto& op) {
            if constexpr (requires { op.pid; }) {
                return op.pid;
            }
            return Pid{0};
        },
        operation);
    if (find(pid) == nullptr) {
        beside_->time = HookTime::never;
        return;
    }
    beside_->time = time;
    if (time == HookTime::after) {
        beside_->seen = carry_out(operation);
        return;
    }
    Process* const running = std::exchange(kernel_.curproc, nullptr);
    Process* const last_found = std::exchange(last_found_, nullptr);
    const std::uint32_t bytes_moved = kernel_.bytes_moved;
    Vector<Discard> discarded = std::exchange(kernel_.discarded, {});
    Vector<FailedRead> failed = std::exchange(kernel_.failed, {});
    Vector<EarlyCopy> copied = std::exchange(kernel_.copied, {});
    Vector<Pid> killed = std::exchange(killed_, {});
    kernel_.another_waits = true;
    {
        const ActAs other(kernel_.sched, Scheduler::kOther);
        beside_->seen = carry_out(operation);
    }
    kernel_.another_waits = false;
    kernel_.curproc = running;
    last_found_ = last_found;
    kernel_.bytes_moved = bytes_moved;
    kernel_.discarded = std::move(discarded);
    kernel_.failed = std::move(failed);
    kernel_.copied = std::move(copied);
    killed_ = std::move(killed);
}

void System::others_run() {
    // A walk through tables that was broken off has marked some already: nobody comes between.
    if (kept_ && !kernel_.walks_table && can_run_beside(*kept_)) {
        ++kernel_.others_ran;
        run_kept(HookTime::during);
    }
}

}  // namespace vmref::impl
