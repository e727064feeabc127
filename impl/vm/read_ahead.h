// Clustered reads shared by the pagers: the wanted page, then its neighbours, the last one marked (PG_RAM).
#pragma once

#include "impl/vm/kernel.h"
#include "impl/vm/pager.h"

namespace vmref::impl {

// The pagers behind pager_get_page and pager_put_page.
PagerResult swap_get_page(Kernel& k, Object& object, PageIndex index, Page& m, Behavior behavior);
bool swap_put_page(Kernel& k, Page& m);
PagerResult vnode_get_page(Kernel& k, Object& object, PageIndex index, Page& m, Behavior behavior);
bool vnode_put_page(Kernel& k, Page& m);

// Reads pages behind `index`: as long as they are readable, not resident, and memory is plenty. They end up valid,
// clean, deactivated and unbusied; the last one is the mark where read-ahead goes on. Returns how many.
template <class Readable, class Read>
std::uint32_t read_neighbours(Kernel& k, Object& object, PageIndex index, std::uint32_t count, Readable readable,
                              Read read) {
    Page* last = nullptr;
    std::uint32_t n = 0;
    for (; n < count; ++n, ++index) {
        if (index >= object.size || !readable(index) || k.pages.lookup(object, index) != nullptr ||
            k.pages.count_target()) {
            break;
        }
        Page* const page = k.pages.alloc(object, index, AllocClass::normal);
        if (page == nullptr) {
            break;
        }
        read(*page);
        ++k.stats.pageins;
        k.pages.deactivate(*page);
        k.pages.wakeup(*page);
        last = page;
    }
    if (last != nullptr) {
        last->set(kPageRam);
    }
    return n;
}

// The common course of a clustered get_page. Requires: m busied at (object, index).
template <class Readable, class Read>
PagerResult read_cluster(Kernel& k, Object& object, PageIndex index, Page& m, std::uint32_t cluster, Readable readable,
                         Read read) {
    k.sched.yield(BlockPoint::pager_io);
    if (m.fully_valid()) {
        const std::uint32_t ahead = read_neighbours(k, object, index + 1, cluster, readable, read);
        if (k.journal.narration != nullptr) {
            k.journal.narration->page_read(narrated(m), false, ahead);
        }
        return PagerResult::ok;
    }
    if (!readable(index)) {
        return PagerResult::fail;
    }
    read(m);
    ++k.stats.pageins;
    const std::uint32_t ahead = read_neighbours(k, object, index + 1, cluster - 1, readable, read);
    if (k.journal.narration != nullptr) {
        k.journal.narration->page_read(narrated(m), true, ahead);
    }
    return PagerResult::ok;
}

}  // namespace vmref::impl
