// Contents and validity of pages.
#include <cstring>

#include "impl/page/page_system.h"

namespace vmref::impl {

namespace {

constexpr unsigned kChunks = 8;
constexpr std::size_t kChunkSize = kPageSize / kChunks;

}  // namespace

void PageSystem::dirty(Page& page) {
    ensure_rule(page.queue != Queue::cache && page.queue != Queue::free, "I-48", "a dirtied page is in use");
    if (page.soft_busy != 0) {
        page.set(kPageRedirtied);
    }
    // On the hold queue only its holder knows the page: its contents are nobody's any more.
    if (page.dirty == kPageBitsAll || page.queue == Queue::hold) {
        return;
    }
    page.dirty = kPageBitsAll;
    page.changes.set(0, kChangeDirty);
    if (page.object != nullptr && page.object->type != ObjectType::page_table) {
        page.object->set(kObjWriteable | kObjMightBeDirty);
    }
    cell_changed(page);
}

void PageSystem::undirty(Page& page) {
    ensure_rule(owned(page) || page.soft_busy > 0, "I-47", "a page becomes clean while it is busy");
    machine_.memory().set_written(page.frame, false);
    if (page.dirty != 0) {
        page.dirty = 0;
        page.changes.clear(kChangeDirty, kChangeDirty);
        cell_changed(page);
    }
}

void PageSystem::write_begins(Page& page) {
    dirty(page);
    machine_.memory().set_written(page.frame, false);
    page.clear(kPageRedirtied);
    io_start(page);
}

void PageSystem::write_ends(Page& page) {
    ensure_rule(page.soft_busy > 0, "I-46", "I/O on a page ends as often as it began");
    if (!page.has(kPageRedirtied) && page.dirty != 0) {
        page.dirty = 0;
        page.changes.clear(kChangeDirty, kChangeDirty);
        cell_changed(page);
    }
    page.clear(kPageRedirtied);
}

void PageSystem::set_valid_clean(Page& page) {
    ensure_rule(owned(page) || page.soft_busy > 0, "I-47", "a page becomes valid while it is busy");
    page.valid = kPageBitsAll;
    page.changes.set(0, kChangeValid);
    page.dirty = 0;
    page.clear(kPageNoSync);
    machine_.memory().set_written(page.frame, false);
    cell_changed(page);
}

void PageSystem::set_invalid(Page& page) {
    ensure_rule(owned(page), "I-47", "only its owner invalidates a page");
    ensure_rule(page.soft_busy == 0, "I-47", "validity stays while I/O is in progress");
    page.valid = 0;
    page.changes.clear(kChangeValid, kChangeValid);
    page.dirty = 0;
    machine_.memory().set_written(page.frame, false);
    if (page.object != nullptr) {
        ++page.object->generation;
    }
    cell_changed(page);
}

void PageSystem::zero_fill(Page& page) {
    ensure_rule(owned(page), "I-47", "only its owner fills a page");
    std::memset(machine_.memory().frame_for_write(page.frame), 0, kPageSize);
    cell_changed(page);
}

void PageSystem::zero_invalid(Page& page) {
    ensure_rule(owned(page), "I-47", "only its owner fills a page");
    if (page.fully_valid()) {
        return;
    }
    std::uint8_t* const bytes = machine_.memory().frame_for_write(page.frame);
    for (unsigned chunk = 0; chunk < kChunks; ++chunk) {
        if ((page.valid & (1U << chunk)) == 0) {
            std::memset(bytes + chunk * kChunkSize, 0, kChunkSize);
        }
    }
    page.valid = kPageBitsAll;
    cell_changed(page);
}

void PageSystem::copy(const Page& from, Page& to) {
    ensure_rule(owned(to), "I-47", "only its owner fills a page");
    std::memcpy(machine_.memory().frame_for_write(to.frame), machine_.memory().frame(from.frame), kPageSize);
    to.valid = kPageBitsAll;
    dirty(to);
    cell_changed(to);
}

}  // namespace vmref::impl
