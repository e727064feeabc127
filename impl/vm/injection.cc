#include "impl/vm/injection.h"

#include <algorithm>

#include "impl/vm/kernel.h"
#include "impl/vm/pager.h"
#include "ops/synthetic.h"

namespace vmref::impl {

bool Injection::fails_by_chance() {
    constexpr std::uint32_t kGolden = 0x9e3779b9U;
    chance_ += kGolden;
    return mix32(chance_) % 1000 < errors_per_thousand_;
}

std::optional<PagerPlan> Injection::due(PagerCall call) {
    if (plans_.empty() && errors_per_thousand_ == 0) [[likely]] {
        return std::nullopt;
    }
    std::optional<PagerPlan> due;
    for (PagerPlan& plan : plans_) {
        if (plan.call == call && --plan.ordinal == 0) {
            due = plan;
        }
    }
    if (!due && fails_by_chance()) {
        due = PagerPlan{.call = call, .result = PagerResult::error};
    }
    std::erase_if(plans_, [](const PagerPlan& plan) { return plan.ordinal == 0; });
    if (due) {
        fired_.push_back(*due);
    }
    return due;
}

bool Injection::under_write(std::uint32_t slot) const {
    return std::any_of(unfinished_.begin(), unfinished_.end(),
                       [slot](const UnfinishedIo& io) { return io.call == PagerCall::put && io.slot == slot; });
}

std::uint32_t Injection::unfinished_in(const Object& object) const {
    return static_cast<std::uint32_t>(std::count_if(
        unfinished_.begin(), unfinished_.end(), [&](const UnfinishedIo& io) { return io.page->object == &object; }));
}

bool Injection::may_be_busy(const Page& page) const {
    return std::any_of(unfinished_.begin(), unfinished_.end(),
                       [&](const UnfinishedIo& io) { return io.page == &page; }) ||
           std::any_of(stand_ins_.begin(), stand_ins_.end(),
                       [&](const BusyStandIn& other) { return other.page == &page; });
}

void take_for_other(Kernel& k, Page& page, std::uint32_t sleeps) {
    const ActAs other(k.sched, Scheduler::kStandIn);
    const bool free = k.pages.busy_try(page);
    ensure(free, "a stand-in busies a page that is not busy");
    k.injection.stand_ins_.push_back({&page, std::max(sleeps, 1U)});
}

void begin_unfinished(Kernel& k, const UnfinishedIo& io) {
    pip_add(*io.page->object);
    k.injection.unfinished_.push_back(io);
    if (io.call == PagerCall::get) {
        k.pages.hand_over(*io.page, Scheduler::kStandIn);
    }
}

void finish_io(Kernel& k, const Page* page) {
    Vector<UnfinishedIo>& unfinished = k.injection.unfinished_;
    const ActAs other(k.sched, Scheduler::kStandIn);
    for (std::size_t n = 0; n < unfinished.size();) {
        if (page != nullptr && unfinished[n].page != page) {
            ++n;
            continue;
        }
        const UnfinishedIo io = unfinished[n];
        unfinished.erase(unfinished.begin() + static_cast<std::ptrdiff_t>(n));
        Object& object = *io.page->object;
        if (io.call == PagerCall::put) {
            pager_finish_put(k, *io.page, io.finish);
        } else {
            pager_finish_get(k, *io.page, io.finish);
        }
        pip_wakeup(object, k.sched);
    }
}

bool stand_in_progress(Kernel& k, BlockPoint point, const void* channel) {
    Injection& injection = k.injection;
    if (injection.quiet()) {
        return false;
    }
    const auto concerns = [&](const UnfinishedIo& io) {
        return point == BlockPoint::memory || (point == BlockPoint::page_busy && io.page == channel) ||
               (point == BlockPoint::paging_in_progress && io.page->object == channel);
    };
    const auto io = std::find_if(injection.unfinished_.begin(), injection.unfinished_.end(), concerns);
    if (io != injection.unfinished_.end()) {
        finish_io(k, io->page);
        return true;
    }
    const auto other = std::find_if(injection.stand_ins_.begin(), injection.stand_ins_.end(),
                                    [channel](const BusyStandIn& stand_in) { return stand_in.page == channel; });
    if (other == injection.stand_ins_.end()) {
        return false;
    }
    if (--other->sleeps == 0) {
        Page& page = *other->page;
        injection.stand_ins_.erase(other);
        const ActAs released_by(k.sched, Scheduler::kStandIn);
        k.pages.wakeup(page);
    }
    return true;
}

}  // namespace vmref::impl
