#include "impl/object_host.h"

#include <algorithm>
#include <cstring>

#include "impl/vm/fault.h"
#include "impl/vm/page_ops.h"
#include "impl/vm/pageout.h"
#include "impl/vm/pager.h"
#include "impl/vm/vm_object.h"

namespace vmref::impl {

namespace {

PagerPlan plan_of(PagerCall call, PagerEvent event, std::uint32_t ordinal) {
    PagerPlan plan{.call = call, .ordinal = ordinal};
    switch (event) {
        case PagerEvent::ok:
            break;
        case PagerEvent::error:
            plan.result = PagerResult::error;
            break;
        case PagerEvent::bad:
            plan.result = PagerResult::bad;
            break;
        case PagerEvent::again:
            plan.result = PagerResult::again;
            break;
        case PagerEvent::pend:
        case PagerEvent::pend_error:
            plan.result = PagerResult::pend;
            plan.finish = event == PagerEvent::pend ? PagerResult::ok : PagerResult::error;
            break;
        case PagerEvent::replaced:
            plan.page = PageSwitch::replaced;
            break;
        case PagerEvent::taken:
            plan.page = PageSwitch::replaced_and_taken;
            break;
        case PagerEvent::lost:
            plan.page = PageSwitch::lost;
            break;
    }
    return plan;
}

Observation of_value(std::uint32_t value) {
    return Observation{.value = value};
}

}  // namespace

ObjectHost::ObjectHost(const Config& config, const DefectSet& defects)
    : system_(config, defects), kernel_(system_.kernel()) {
    kernel_.discard_witness = this;
}

Observation ObjectHost::apply(const Operation& operation) {
    const ArenaScope scope(arena_);
    kernel_.journal.clear();
    kernel_.discarded.clear();
    kernel_.injection.clear_fired();
    Observation observation = visit_operation<WorldName::object>([this](const auto& op) { return run(op); }, operation);
    kernel_.injection.forget_plans();
    kernel_.pages.failing().plan(AllocationKind::page, 0);
    observation.witness.discarded.assign(kernel_.discarded.begin(), kernel_.discarded.end());
    return observation;
}

// Calls visit(number, index there) for every object with a name that shows what `object` has at `index`.
template <class Visit>
void ObjectHost::for_each_viewer(const Object& object, PageIndex index, Visit visit) const {
    if (const ObjectNumber number = number_of(object)) {
        visit(number, index);
    }
    for (const Object& shadow : object.shadows) {
        const PageIndex first = shadow.backing_index(0);
        const bool inside = index >= first && index - first < shadow.size;
        if (inside && object_content(&shadow, index - first).object != &shadow) {
            for_each_viewer(shadow, index - first, visit);
        }
    }
}

std::vector<ObjectNumber> ObjectHost::viewers(const Object& object, PageIndex index) const {
    std::vector<ObjectNumber> numbers;
    for_each_viewer(object, index, [&](ObjectNumber number, PageIndex /*at*/) { numbers.push_back(number); });
    return numbers;
}

// Told before the contents go.
void ObjectHost::discarded(const Object& object, PageIndex index) {
    for_each_viewer(object, index, [this](ObjectNumber number, PageIndex at) {
        kernel_.discarded.push_back({number, at << kPageShift, 0});
    });
}

std::uint32_t ObjectHost::pins_of(ObjectPinName kind, const Page& page) const {
    return static_cast<std::uint32_t>(std::count_if(
        pins_.begin(), pins_.end(), [&](const Pin& pin) { return pin.page == &page && pin.kind == kind; }));
}

// --- names -----------------------------------------------------------------------------------------------------------

void ObjectHost::name(ObjectNumber number, Object& object) {
    if (numbers_.size() <= object.id) {
        numbers_.resize(object.id + 1, 0);
    }
    numbers_[object.id] = number;
    named_[number] = &object;
    references_[number] = 1;
}

// A name that goes is gone before the object may be.
void ObjectHost::deallocate(ObjectNumber number) {
    Object& object = *named_[number];
    if (--references_[number] == 0 && object.type != ObjectType::vnode) {
        numbers_[object.id] = 0;
        named_[number] = nullptr;
    }
    object_deallocate(kernel_, &object);
}

Observation ObjectHost::run(const ObjectAllocate& op) {
    if (op.vnode) {
        Object& object = vnode_create(kernel_, op.object, op.pages << kPageShift);
        object_reference(kernel_, object);
        name(op.object, object);
    } else {
        name(op.object, kernel_.objects.allocate(ObjectType::default_, op.pages));
    }
    return {};
}

Observation ObjectHost::run(const ObjectCall& op) {
    Object& object = *named_[op.object];
    switch (op.call) {
        case ObjectCallName::object_reference:
            object_reference(kernel_, object);
            ++references_[op.object];
            break;
        case ObjectCallName::object_deallocate:
            deallocate(op.object);
            break;
        case ObjectCallName::object_collapse:
            object_collapse(kernel_, object);
            break;
        case ObjectCallName::object_qcollapse:
            object_qcollapse(kernel_, object);
            break;
        case ObjectCallName::object_deactivate_pages:
            object_deactivate_pages(kernel_, object);
            break;
    }
    return {};
}

Observation ObjectHost::run(const ObjectShadow& op) {
    Object& source = *named_[op.source];
    std::uint64_t offset = std::uint64_t{op.offset} << kPageShift;
    Object& result = object_shadow(kernel_, source, offset, op.pages);
    if (&result == &source) {
        return of_value(0);
    }
    // The reference is the shadow's from now on.
    if (--references_[op.source] == 0 && source.type != ObjectType::vnode) {
        numbers_[source.id] = 0;
        named_[op.source] = nullptr;
    }
    name(op.object, result);
    return of_value(1);
}

Observation ObjectHost::run(const ObjectCoalesce& op) {
    Object& object = *named_[op.object];
    return of_value(object_coalesce(kernel_, object, op.first, op.count, op.next) ? 1 : 0);
}

Observation ObjectHost::run(const ObjectTruncate& op) {
    vnode_pager_setsize(kernel_, *named_[op.object]->vnode, op.size);
    return {};
}

// --- pages -----------------------------------------------------------------------------------------------------------

void ObjectHost::fill(Page& page, std::uint32_t word) {
    std::uint8_t* const bytes = kernel_.machine.memory().frame_for_write(page.frame);
    for (std::size_t at = 0; at < kPageSize; at += sizeof word) {
        std::memcpy(bytes + at, &word, sizeof word);
    }
    if (page.object != nullptr) {
        kernel_.journal.cell_changed(page.object->id, page.pindex);
    }
}

// The page at that place, made if there is none, busied by us. Blocks
Page& ObjectHost::allocate(Object& object, PageIndex index) {
    for (;;) {
        if (Page* const resident = kernel_.pages.lookup_busy_wait(object, index)) {
            return *resident;
        }
        if (!kernel_.pages.count_severe()) {
            if (Page* const page = kernel_.pages.alloc(object, index, AllocClass::normal)) {
                return *page;
            }
        }
        kernel_.wait_for_memory();
    }
}

Observation ObjectHost::run(const ObjectPut& op) {
    kernel_.pages.failing().plan(AllocationKind::page, op.shortage);
    Page& page = allocate(*named_[op.object], op.index);
    kernel_.pages.unqueue(page);
    fill(page, op.value);
    kernel_.pages.set_valid_clean(page);
    kernel_.pages.dirty(page);
    kernel_.pages.activate(page);
    kernel_.pages.wakeup(page);
    return {};
}

// The page that the fault finds, held.
Page* ObjectHost::fault(Object& object, PageIndex index, const ObjectFault& how, Status& status) {
    ++faults_;
    kernel_.pages.failing().plan(AllocationKind::page, how.shortage);
    if (how.pager.event != PagerEvent::ok) {
        kernel_.injection.plan(plan_of(PagerCall::get, how.pager.event, how.pager.ordinal));
    }
    const std::uint8_t flags = how.unswap ? kFaultDirty | kFaultUnswap : kFaultNormal;
    return vm_fault_object_page(kernel_, object, index, how.prot, flags, status, how.shared);
}

Observation ObjectHost::run(const ObjectFault& op) {
    Observation seen;
    Page* const page = fault(*named_[op.object], op.index, op, seen.status);
    if (page == nullptr) {
        return seen;
    }
    if ((op.prot & kProtWrite) != 0) {
        fill(*page, op.value);
        kernel_.pages.dirty(*page);
    }
    std::memcpy(&seen.value, kernel_.machine.memory().frame(page->frame), sizeof seen.value);
    kernel_.pages.unhold(*page);
    return seen;
}

Observation ObjectHost::run(const ObjectPage& op) {
    Object& object = *named_[op.object];
    if (op.call == ObjectPageName::object_reclaim) {
        reclaim(object, op.index);
        return {};
    }
    if (kernel_.pages.lookup(object, op.index) == nullptr) {
        if (Page* const page = kernel_.pages.alloc(object, op.index, AllocClass::normal)) {
            kernel_.pages.deactivate(*page);
            kernel_.pages.wakeup(*page);
        }
    }
    return {};
}

void ObjectHost::reclaim(Object& object, PageIndex index) {
    Page* const page = kernel_.pages.lookup(object, index);
    if (page == nullptr || page->wire_count != 0 || page->hold_count != 0 || !kernel_.pages.busy_try(*page)) {
        return;
    }
    if (page->valid == 0) {
        page_unmap_and_free(kernel_, *page);
        return;
    }
    page_test_dirty(kernel_, *page);
    if (page->dirty != 0) {
        kernel_.pages.wakeup(*page);
        return;
    }
    page_cache(kernel_, *page);
    Page* const cached = kernel_.pages.lookup(object, index);
    if (cached != nullptr && cached->queue == Queue::cache && kernel_.pages.busy_try(*cached)) {
        page_free(kernel_, *cached);
    }
}

Observation ObjectHost::run(const ObjectBusy& op) {
    Page* const page = kernel_.pages.lookup(*named_[op.object], op.index);
    // A few at a time: nobody else lets go of them.
    constexpr std::size_t most = 4;
    if (page != nullptr && !page->busied() && page->soft_busy == 0 && kernel_.injection.stand_ins().size() < most) {
        take_for_other(kernel_, *page, op.sleeps);
    }
    return {};
}

Observation ObjectHost::run(const ObjectPin& op) {
    Observation seen;
    Page* const page = fault(*named_[op.object], op.index, {.object = op.object, .index = op.index}, seen.status);
    if (page == nullptr) {
        return seen;
    }
    pins_[op.pin] = {op.call, page};
    if (op.call == ObjectPinName::object_wire) {
        kernel_.pages.busy_wait(*page);
        kernel_.pages.wire(*page);
        kernel_.pages.wakeup(*page);
        kernel_.pages.unhold(*page);
    }
    return seen;
}

// The last wiring of a page that is nobody's any more, or has no data, was what kept it (catalogue D-4).
void ObjectHost::unwire(Page& page) {
    kernel_.pages.busy_wait(page);
    kernel_.pages.unwire(page, true);
    if (page.wire_count == 0 && (page.object == nullptr || page.valid == 0)) {
        page_unmap_and_free(kernel_, page);
    } else {
        kernel_.pages.wakeup(page);
    }
}

Observation ObjectHost::run(const ObjectUnpin& op) {
    const Pin pin = pins_[op.pin];
    pins_[op.pin] = {};
    if (pin.kind == ObjectPinName::object_wire) {
        unwire(*pin.page);
    } else {
        kernel_.pages.unhold(*pin.page);
    }
    return {};
}

Observation ObjectHost::run(const ObjectWrite& op) {
    Page* const page = kernel_.pages.lookup(*named_[op.object], op.index);
    if (page == nullptr || !page->fully_valid() || !kernel_.pages.busy_try(*page)) {
        return {};
    }
    kernel_.pages.unqueue(*page);
    kernel_.injection.plan(plan_of(PagerCall::put, op.event, 1));
    pager_put_page(kernel_, *page);
    kernel_.pages.deactivate(*page);
    kernel_.pages.wakeup(*page);
    return {};
}

Observation ObjectHost::run(const ObjectIoDone& /*op*/) {
    finish_io(kernel_, nullptr);
    return {};
}

// --- ranges ----------------------------------------------------------------------------------------------------------

Observation ObjectHost::run(const ObjectRange& op) {
    Object& object = *named_[op.object];
    const PageIndex end = op.index + op.pages;
    if (op.pager.event != PagerEvent::ok) {
        kernel_.injection.plan(plan_of(PagerCall::put, op.pager.event, op.pager.ordinal));
    }
    switch (op.call) {
        case ObjectRangeName::object_page_remove:
        case ObjectRangeName::object_page_remove_clean:
            object_page_remove(kernel_, object, op.index, end, op.call == ObjectRangeName::object_page_remove_clean);
            break;
        case ObjectRangeName::object_page_clean:
            object_page_clean(kernel_, object, op.index, end);
            break;
        case ObjectRangeName::object_pmap_copy_1:
            object_pmap_copy_1(kernel_, object, op.index, end);
            break;
        case ObjectRangeName::object_pmap_remove:
            object_pmap_remove(kernel_, object, op.index, end);
            break;
        case ObjectRangeName::object_madvise_willneed:
            object_madvise(kernel_, object, op.index, op.pages, Advice::willneed);
            break;
        case ObjectRangeName::object_madvise_dontneed:
            object_madvise(kernel_, object, op.index, op.pages, Advice::dontneed);
            break;
        case ObjectRangeName::object_madvise_free:
            object_madvise(kernel_, object, op.index, op.pages, Advice::free);
            break;
    }
    return {};
}

Observation ObjectHost::run(const ObjectPageout& op) {
    pageout_scan(kernel_, op.pages, false);
    return {};
}

}  // namespace vmref::impl
