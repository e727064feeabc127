// Pages of files, and the switch between the pagers.
#include <algorithm>
#include <array>

#include "impl/vm/page_ops.h"
#include "impl/vm/pager.h"
#include "impl/vm/read_ahead.h"
#include "impl/vm/vm_object.h"

namespace vmref::impl {

bool pager_has_page(const Object& object, PageIndex index) {
    switch (object.type) {
        case ObjectType::swap:
            return object.swap_slot(index) != kNoSwapSlot;
        case ObjectType::vnode:
            return index < object.vnode->pages();
        case ObjectType::default_:
        case ObjectType::page_table:
            break;
    }
    return false;
}

PagerResult pager_get_page(Kernel& k, Object& object, PageIndex index, Page*& m, Behavior behavior) {
    ensure_rule(m != nullptr && m->busied(), "I-47", "a page that is read in is busied");
    return object.type == ObjectType::vnode ? vnode_get_page(k, object, index, *m, behavior)
                                            : swap_get_page(k, object, index, *m, behavior);
}

bool pager_put_page(Kernel& k, Page& m) {
    ensure_rule(m.busied() && m.valid != 0, "I-47", "a page that is written out is busied and valid");
    const bool written = m.object->type == ObjectType::vnode ? vnode_put_page(k, m) : swap_put_page(k, m);
    if (k.journal.narration != nullptr) {
        k.journal.narration->page_written(narrated(m), written);
    }
    return written;
}

PagerResult vnode_get_page(Kernel& k, Object& object, PageIndex index, Page& m, Behavior behavior) {
    const Vnode& vnode = *object.vnode;
    if (index >= vnode.pages()) {
        return PagerResult::bad;
    }
    const auto readable = [&vnode](PageIndex at) { return at < vnode.pages(); };
    const auto read = [&k, &vnode](Page& page) {
        const std::uint8_t* const block = vnode.block(page.pindex);
        if (block == nullptr) {
            k.pages.zero_fill(page);
        } else {
            std::copy_n(block, kPageSize, k.machine.memory().frame_for_write(page.frame));
        }
        k.pages.set_valid_clean(page);
    };
    return read_cluster(k, object, index, m, behavior == Behavior::random ? 1 : k.config.vnode_cluster, readable, read);
}

bool vnode_put_page(Kernel& k, Page& m) {
    // M goes with invalidation before the write starts, so that a later store is seen again (catalogue D-12).
    k.pmaps.clear_modify(m);
    k.pages.dirty(m);
    k.pages.io_start(m);
    m.object->vnode->write_block(m.pindex, k.machine.memory().frame(m.frame));
    k.sched.yield(BlockPoint::pager_io);
    k.pages.undirty(m);
    k.pages.io_finish(m);
    return true;
}

Vnode* vnode_pager_lock(Kernel& k, Object& object) {
    Object* bottom = &object;
    while (bottom->backing != nullptr) {
        bottom = bottom->backing;
    }
    if (bottom->type != ObjectType::vnode) {
        return nullptr;
    }
    k.sched.yield(BlockPoint::vnode_lock);
    ++bottom->vnode->shared_locks;
    return bottom->vnode;
}

void vnode_unlock(Vnode& vnode) {
    ensure_rule(vnode.shared_locks > 0, "I-34", "an unlocked vnode was locked");
    --vnode.shared_locks;
}

void vnode_pager_freepage(Kernel& k, Page& m) {
    if (m.wire_count != 0 || m.hold_count != 0 || m.soft_busy != 0) {
        k.pages.activate(m);
        k.pages.wakeup(m);
        return;
    }
    page_unmap_and_free(k, m);
}

namespace {

// The bytes of the resident page that holds `end` and lie past it become zero, and no PTE keeps an older M.
void zero_resident_tail(Kernel& k, Vnode& vnode, std::uint32_t end) {
    const std::uint32_t kept = end & kPageMask;
    Page* const page = kept == 0 ? nullptr : k.pages.lookup_busy_wait(*vnode.object, page_of(end));
    if (page == nullptr) {
        return;
    }
    if (page->valid != 0) {
        k.pmaps.page_protect(*page, kProtNone);
        std::uint8_t* const bytes = k.machine.memory().frame_for_write(page->frame);
        std::fill(bytes + kept, bytes + kPageSize, std::uint8_t{0});
    }
    k.pages.wakeup(*page);
}

}  // namespace

void vnode_pager_write_through(Kernel& k, Vnode& vnode, std::uint32_t offset, const std::uint8_t* bytes,
                               std::uint32_t length) {
    const PageIndex index = page_of(offset);
    Page* const page = k.pages.lookup_busy_wait(*vnode.object, index);
    if (page != nullptr && page->valid != 0) {
        k.machine.memory().store((page->frame << kPageShift) | (offset & kPageMask), length, bytes);
    }
    if (page != nullptr) {
        k.pages.activate(*page);
        if (page->valid != 0) {
            k.pages.dirty(*page);
        }
        k.pages.wakeup(*page);
    }
    std::array<std::uint8_t, kPageSize> block{};
    if (const std::uint8_t* const old = vnode.block(index)) {
        std::copy_n(old, kPageSize, block.begin());
    }
    std::copy_n(bytes, length, block.begin() + (offset & kPageMask));
    vnode.write_block(index, block.data());
    k.journal.cell_changed(vnode.object->id, index);
}

void vnode_pager_setsize(Kernel& k, Vnode& vnode, std::uint32_t size) {
    Object& object = *vnode.object;
    if (size == vnode.size()) {
        return;
    }
    const PageIndex old_pages = vnode.pages();
    zero_resident_tail(k, vnode, std::min(size, vnode.size()));
    vnode.set_size(size);
    object.size = vnode.pages();
    if (object.size < old_pages) {
        object_page_remove(k, object, object.size, old_pages, false);
    }
    k.journal.object_changed(object.id);
    k.journal.cell_changed(object.id, object.size);
    k.journal.cell_changed(object.id, old_pages);
    k.journal.cell_changed(object.id, object.size == 0 ? 0 : object.size - 1);
}

}  // namespace vmref::impl
