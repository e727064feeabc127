#include "impl/page/page_system.h"

#include "impl/page/swap_rule.h"

namespace vmref::impl {

namespace {

bool may_be_dirty(const Object& object) {
    return object.type != ObjectType::page_table;
}

}  // namespace

PageSystem::PageSystem(const Config& config, const DefectSet& defects, Machine& machine, Scheduler& sched,
                       Journal& journal)
    : config_(config),
      defects_(defects),
      machine_(machine),
      sched_(sched),
      journal_(journal),
      pages_(std::size_t{config.frames} + 1) {
    ensure(machine_.memory().frames() == pages_.size(), "the machine has one frame per page and frame 0");
    for (Frame frame = 1; frame < pages_.size(); ++frame) {
        pages_[frame].frame = frame;
        pages_[frame].queue = Queue::free;
        free_.push_back(pages_[frame]);
    }
}

// --- finding and busying -----------------------------------------------------------------------------------------

Page* PageSystem::lookup_busy_try(Object& object, PageIndex index, bool& error) {
    Page* const page = lookup(object, index);
    error = page != nullptr && !busy_try(*page);
    return page;
}

Page* PageSystem::lookup_busy_wait(Object& object, PageIndex index) {
    for (;;) {
        Page* const page = lookup(object, index);
        if (page == nullptr || busy_try(*page)) {
            return page;
        }
        sleep_busy(*page);  // the page may be gone afterwards: look it up again
    }
}

bool PageSystem::busy_try(Page& page) {
    if (page.busied() || page.soft_busy != 0) {
        return false;
    }
    ensure_rule(page.queue != Queue::free && page.queue != Queue::hold, "I-47", "a busied page is not free");
    page.busy_owner = sched_.current();
    return true;
}

void PageSystem::busy_wait(Page& page) {
    while (!busy_try(page)) {
        sleep_busy(page);
    }
}

void PageSystem::sleep_busy(Page& page) {
    if (page.busied() || page.soft_busy != 0) {
        page.set(kPageWanted | kPageReferenced);
        sched_.sleep(BlockPoint::page_busy, &page);
        ensure_rule(page.busied() || page.soft_busy != 0 || !page.has(kPageWanted), "I-83",
                    "who unbusies a page wakes those who sleep on it");
    }
}

void PageSystem::io_start(Page& page) {
    ensure_rule(owned(page), "I-47", "I/O starts on a page busied by us");
    ++page.soft_busy;
}

void PageSystem::io_finish(Page& page) {
    ensure_rule(page.soft_busy > 0, "I-46", "I/O on a page ends as often as it began");
    --page.soft_busy;
    if (page.soft_busy == 0) {
        wake_sleepers(page);
    }
}

void PageSystem::hand_over(Page& page, Scheduler::ThreadId owner) {
    ensure_rule(owned(page), "I-47", "only its owner hands a page over");
    page.busy_owner = owner;
}

// --- allocation --------------------------------------------------------------------------------------------------

Page* PageSystem::alloc(Object& object, PageIndex index, AllocClass allocation) {
    const bool is_table = object.type == ObjectType::page_table;
    if (failing_.fails(is_table ? AllocationKind::page_table : AllocationKind::page)) {
        return nullptr;
    }
    const std::uint32_t reserve = allocation == AllocClass::normal ? config_.free_reserved : 0;
    if (free_count() + cache_count() <= reserve) {
        return nullptr;
    }
    if (free_.empty() && (lookup(object, index) != nullptr || !recycle())) {
        return nullptr;
    }
    Page& page = free_.front();
    if (!link(page, object, index)) {
        return nullptr;
    }
    dequeue(page);
    page.busy_owner = sched_.current();
    peak_frames_ = std::max(peak_frames_, frames_used());
    return &page;
}

Page& PageSystem::take(Frame frame, Object& object, PageIndex index) {
    Page& page = pages_[frame];
    ensure_rule(page.queue == Queue::free && link(page, object, index), "I-29", "a page that is taken is free");
    dequeue(page);
    page.busy_owner = sched_.current();
    return page;
}

// Frees the cache page that has been there longest; false if every one is in use for the moment.
bool PageSystem::recycle() {
    for (Page& page : cache_) {
        if (page.hold_count == 0 && page.wire_count == 0 && busy_try(page)) {
            free(page);
            return true;
        }
    }
    return false;
}

void PageSystem::free(Page& page) {
    ensure_rule(owned(page), "I-47", "only its owner frees a page");
    ensure_rule(page.wire_count == 0, "I-50", "a freed page is not wired");
    ensure_rule(page.soft_busy == 0, "I-47", "a freed page has no I/O in progress");
    ensure_rule(!page.has(kPageMapped | kPageWriteable) && page.pv_list.empty(), "I-48", "a freed page is not mapped");
    if (page.object != nullptr) {
        remove(page);
    }
    if (page.has(kPageFictitious)) {
        wakeup(page);
        return;
    }
    if (page.queue != Queue::none) {
        dequeue(page);
    }
    page.busy_owner = 0;
    wake_sleepers(page);
    page.clear(page.flags);
    page.valid = 0;
    page.dirty = 0;
    page.act_count = 0;
    if (page.hold_count != 0) {
        enqueue(page, Queue::hold);
    } else {
        release_frame(page);
    }
}

// The end of a page that nobody holds. The frame freed last is the first to be used again.
void PageSystem::release_frame(Page& page) {
    machine_.memory().set_written(page.frame, false);
    page.queue = Queue::free;
    free_.push_front(page);
    sched_.wakeup(memory_channel());
}

// --- identity ----------------------------------------------------------------------------------------------------

void PageSystem::insert(Page& page, Object& object, PageIndex index) {
    ensure_rule(owned(page), "I-47", "only its owner inserts a page");
    ensure_rule(page.object == nullptr, "I-29", "an inserted page is in no object");
    ensure_rule(link(page, object, index), "I-29", "an object has one page at an index");
}

// False, and nothing has changed, if the slot is taken.
bool PageSystem::link(Page& page, Object& object, PageIndex index) {
    page.pindex = index;
    if (object.pages.empty() || object.pages.rbegin()->pindex < index) {
        object.pages.push_back(page);
    } else if (!object.pages.insert(page).second) {
        return false;
    }
    page.object = &object;
    ++object.resident_page_count;
    ++object.generation;
    ++counts_.inserted;
    if (object.swap_slot(index) != kNoSwapSlot) {
        page.set(kPageSwapped);
    }
    if ((page.dirty != 0 || page.has(kPageWriteable)) && may_be_dirty(object)) {
        object.set(kObjWriteable | kObjMightBeDirty);
    }
    cell_changed(page);
    return true;
}

void PageSystem::remove(Page& page) {
    ensure_rule(owned(page), "I-47", "only its owner removes a page");
    ensure_rule(page.object != nullptr, "I-29", "a removed page is in an object");
    cell_changed(page);
    Object& object = *page.object;
    if (object.last_found == &page) {
        object.last_found = nullptr;
    }
    object.pages.erase(object.pages.iterator_to(page));
    --object.resident_page_count;
    ++object.generation;
    ++counts_.removed;
    page.object = nullptr;
    page.clear(kPageSwapped);
}

void PageSystem::rename(Page& page, Object& object, PageIndex index) {
    ensure_rule(lookup(object, index) == nullptr, "I-29", "a page moves to an empty slot");
    remove(page);
    insert(page, object, index);
    if (page.queue == Queue::cache) {
        deactivate(page);
    }
    if (rule::renamed<std::uint32_t>(defects_).dirties) {
        dirty(page);
    }
}

}  // namespace vmref::impl
