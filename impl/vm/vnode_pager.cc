// Pages of files.
#include <algorithm>
#include <array>

#include "impl/vm/page_ops.h"
#include "impl/vm/pager.h"
#include "impl/vm/read_ahead.h"
#include "impl/vm/vm_object.h"

namespace vmref::impl {

PagerResult vnode_get_page(Kernel& k, Object& object, PageIndex index, Page& m, const ReadRequest& request) {
    const Vnode& vnode = *object.vnode;
    if (index >= vnode.pages()) {
        return PagerResult::bad;
    }
    return read_cluster(k, object, index, m, request);
}

PagerResult vnode_put_page(Kernel& k, Page& m, const PagerPlan& plan) {
    // M goes with invalidation before the write starts, so that a later store is seen again (catalogue D-12).
    k.pmaps.clear_modify(m);
    k.pages.write_begins(m);
    if (succeeds(plan)) {
        m.object->vnode->write_block(m.pindex, k.machine.memory().frame(m.frame));
    }
    return go_on_writing(k, m, kNoSwapSlot, plan);
}

Object& vnode_create(Kernel& k, FileId file, std::uint32_t size) {
    auto vnode = make_owned<Vnode>(file, size);
    Object& object = k.objects.allocate(ObjectType::vnode, vnode->pages());
    vnode->object = &object;
    object.vnode = vnode.get();
    k.vnodes.emplace(file, std::move(vnode));
    return object;
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
