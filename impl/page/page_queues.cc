// Paging queues, wiring and holding.
#include "impl/page/page_system.h"

namespace vmref::impl {

namespace {

// Whether the pageout daemon may find the page on a queue.
bool pageable(const Page& page) {
    return page.wire_count == 0 && !page.has(kPageUnmanaged | kPageFictitious) && page.object != nullptr &&
           page.object->type != ObjectType::page_table;
}

}  // namespace

// --- queues ------------------------------------------------------------------------------------------------------

PageQueue* PageSystem::queue_of(Queue queue) {
    switch (queue) {
        case Queue::free:
            return &free_;
        case Queue::hold:
            return &hold_;
        case Queue::cache:
            return &cache_;
        case Queue::inactive:
            return &inactive_;
        case Queue::active:
            return &active_;
        case Queue::none:
            break;
    }
    return nullptr;
}

void PageSystem::enqueue(Page& page, Queue queue) {
    queue_of(queue)->push_back(page);
    page.queue = queue;
}

void PageSystem::dequeue(Page& page) {
    PageQueue& queue = *queue_of(page.queue);
    queue.erase(queue.iterator_to(page));
    page.queue = Queue::none;
}

void PageSystem::unqueue(Page& page) {
    ensure_rule(page.queue != Queue::free && page.queue != Queue::hold, "I-48", "a free page stays on its queue");
    if (page.queue != Queue::none) {
        dequeue(page);
    }
}

void PageSystem::move_to_active(Page& page) {
    if (page.queue == Queue::cache) {
        ++reactivated_;
    }
    unqueue(page);
    if (pageable(page)) {
        enqueue(page, Queue::active);
    }
}

void PageSystem::deactivate(Page& page) {
    if (page.queue == Queue::inactive) {
        return;
    }
    unqueue(page);
    if (pageable(page)) {
        enqueue(page, Queue::inactive);
    }
}

void PageSystem::to_cache(Page& page) {
    ensure_rule(page.dirty == 0, "I-48", "a cached page is clean");
    ensure_rule(!page.has(kPageMapped | kPageWriteable), "I-48", "a cached page is not mapped");
    ensure_rule(page.wire_count == 0, "I-50", "a cached page is not wired");
    ensure(page.hold_count == 0 && page.soft_busy == 0, "a cached page is neither held nor under I/O");
    ensure(pageable(page), "a cached page is one that the pageout daemon may have");
    if (page.queue != Queue::cache) {
        unqueue(page);
        enqueue(page, Queue::cache);
        sched_.wakeup(memory_channel());
    }
}

// --- wiring and holding ------------------------------------------------------------------------------------------

void PageSystem::wire(Page& page) {
    ensure_rule(owned(page), "I-47", "only its owner wires a page");
    if (page.has(kPageFictitious)) {
        return;
    }
    if (page.wire_count == 0) {
        unqueue(page);
        ++wired_count_;
        ++counts_.wired;
    }
    ++page.wire_count;
}

void PageSystem::unwire(Page& page, bool to_active) {
    ensure_rule(owned(page), "I-47", "only its owner unwires a page");
    if (page.has(kPageFictitious)) {
        return;
    }
    ensure_rule(page.wire_count > 0, "I-52", "an unwired page is wired");
    --page.wire_count;
    if (page.wire_count > 0) {
        return;
    }
    --wired_count_;
    ++counts_.unwired;
    if (to_active) {
        activate(page);
    } else {
        deactivate(page);
    }
}

void PageSystem::wire_quick(Page& page) {
    ensure_rule(page.wire_count > 0, "I-47", "a page wired without being busied is wired already");
    ++page.wire_count;
}

bool PageSystem::unwire_quick(Page& page) {
    ensure_rule(page.wire_count > 0, "I-52", "an unwired page is wired");
    if (page.wire_count == 1) {
        return true;
    }
    --page.wire_count;
    return false;
}

void PageSystem::hold(Page& page) {
    ensure_rule(page.queue != Queue::free, "I-59", "a held page is not free");
    ++page.hold_count;
}

void PageSystem::unhold(Page& page) {
    ensure_rule(page.hold_count > 0, "I-59", "an unheld page is held");
    --page.hold_count;
    if (page.hold_count == 0 && page.queue == Queue::hold) {
        dequeue(page);
        release_frame(page);
    }
}

}  // namespace vmref::impl
