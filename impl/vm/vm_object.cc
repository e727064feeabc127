// Lifecycle of objects: references, termination, shadows (vm_object.c:142-470, 1000-1058).
#include "impl/vm/vm_object.h"

#include <algorithm>

#include "impl/vm/page_ops.h"
#include "impl/vm/pager.h"
#include "impl/vm/rules/links.h"

namespace vmref::impl {

namespace {

void drop_reference(Kernel& k, Object& object) {
    ensure_rule(object.ref_count > 0, "I-25", "a dropped object was referenced");
    --object.ref_count;
    k.journal.object_changed(object.id);
}

// Waits until nothing is paged in or out of either object (vm_object.c:324-331). Blocks
void wait_for_paging(Kernel& k, Object& first, Object& second) {
    const ObjectId id = second.id;
    while (first.paging_in_progress != 0 || second.paging_in_progress != 0) {
        Object& busy = first.paging_in_progress != 0 ? first : second;
        busy.set(kObjPipWanted);
        k.sched.sleep(BlockPoint::paging_in_progress, &busy);
        ensure_rule(second.hold_count != 0 || k.objects.find(id) == &second, "I-41",
                    "an object whose paging is waited for does not go meanwhile");
    }
}

// The object is left with one reference, that of its only shadow: collapse it into that, if both are anonymous
// (vm_object.c:304-350). Returns the object whose extra reference the caller still has to drop, or nullptr.
// Both are held over the sleep and everything is tested again after it (the text does neither: B-46). Blocks
Object* collapse_into_only_shadow(Kernel& k, Object& object) {
    Object& shadow = object.shadows.front();
    if (!object.anonymous() || !shadow.anonymous()) {
        return nullptr;
    }
    object_reference(k, shadow);
    if (k.on(Defect::b46_collapse_after_sleep_untested)) {
        wait_for_paging(k, shadow, object);
        object_collapse(k, shadow);
        return &shadow;
    }
    object_hold(object, k.sched);
    wait_for_paging(k, shadow, object);
    const bool still_alone = object.ref_count == 1 && object.shadow_count == 1 && &object.shadows.front() == &shadow;
    object_drop(object);
    if (still_alone && shadow.ref_count > 1) {
        object_collapse(k, shadow);
    }
    return &shadow;
}

}  // namespace

void object_reference(Kernel& k, Object& object) {
    k.ran(ObjectFunction::reference);
    ensure_rule(!object.has(kObjDead), "I-32", "a dead object gets no new reference");
    ++object.ref_count;
    k.journal.object_changed(object.id);
}

void object_deallocate(Kernel& k, Object* object) {
    while (object != nullptr) {
        k.ran(object->type == ObjectType::vnode ? ObjectFunction::vndeallocate : ObjectFunction::deallocate);
        if (object->type == ObjectType::vnode || object->ref_count > 2) {
            drop_reference(k, *object);
            return;
        }
        if (object->ref_count == 2) {
            drop_reference(k, *object);
            if (object->shadow_count == 0) {
                object->set(kObjOneMapping);
                return;
            }
            if (object->shadow_count != 1) {
                return;
            }
            object = collapse_into_only_shadow(k, *object);
            continue;
        }
        drop_reference(k, *object);
        Object* const backing = object->backing;
        if (backing != nullptr) {
            object_unlink_backing(k, *object);
        }
        object_terminate(k, *object);
        object = backing;
    }
}

void object_terminate(Kernel& k, Object& object) {
    ensure_rule(object.ref_count == 0 && object.type != ObjectType::vnode, "I-32",
                "only unreferenced objects terminate");
    k.ran(ObjectFunction::terminate);
    object.set(kObjDead);
    if (!k.on(Defect::m15_terminate_waits_for_nothing)) {
        wait_for_paging(k, object, object);
    }
    ensure_rule(object.paging_in_progress == 0, "I-33", "an object ends without paging in progress");
    while (!object.pages.empty()) {
        Page& page = *object.pages.begin();
        k.ran(ObjectFunction::terminate_callback);
        ensure(!k.on(Defect::b57_terminate_panics_on_busy) || (!page.busied() && page.soft_busy == 0),
               "no page of an object that ends is busy");
        k.pages.busy_wait(page);
        if (page.wire_count == 0) {
            page_unmap_and_free(k, page);
            ++k.stats.pfree;
        } else {
            k.pages.remove(page);
            k.pages.wakeup(page);
        }
    }
    swap_free_space(k, object, 0, static_cast<PageIndex>(object.swap_slots.size()));
    k.objects.release(object);
}

void object_set_writeable_dirty(Kernel& k, Object& object) {
    k.ran(ObjectFunction::set_writeable_dirty);
    object.set(kObjWriteable | kObjMightBeDirty);
}

Object& object_shadow(Kernel& k, Object& source, std::uint64_t& offset, PageIndex length) {
    k.ran(ObjectFunction::shadow);
    if (source.ref_count == 1 && source.anonymous()) {
        return source;
    }
    Object& result = k.objects.allocate(ObjectType::default_, length);
    object_set_backing(k, result, source, offset);
    // A source that stays referenced has two ways to its pages now (vm_object.c:1000-1058 leaves the flag: B-60).
    if (!k.on(Defect::b60_shadow_keeps_one_mapping)) {
        source.clear(kObjOneMapping);
    }
    offset = 0;
    return result;
}

bool object_coalesce(Kernel& k, Object& object, PageIndex first, PageIndex count, PageIndex next) {
    k.ran(ObjectFunction::coalesce);
    if (!object.anonymous()) {
        return false;
    }
    object_collapse(k, object);
    const PageIndex start = first + count;
    const bool others = object.ref_count > 1 && object.size != start && !k.on(Defect::m23_coalesce_ignores_references);
    if (object.backing != nullptr || others) {
        return false;
    }
    if (start < object.size && !k.on(Defect::b64_coalesce_removes_nothing)) {
        object_page_remove(k, object, start, start + next, false);
    }
    object.size = std::max(object.size, start + next);
    k.journal.object_changed(object.id);
    return true;
}

void object_set_backing(Kernel& k, Object& object, Object& backing, std::uint64_t offset) {
    object.backing = &backing;
    object.backing_offset = offset;
    backing.shadows.push_front(object);
    backing.shadow_count += rule::shadows_gained(k.defects);
    ++k.stats.shadows_linked;
    ++backing.generation;
    k.journal.object_changed(object.id);
    k.journal.object_changed(backing.id);
}

void object_unlink_backing(Kernel& k, Object& object) {
    Object& backing = *object.backing;
    backing.shadows.erase(backing.shadows.iterator_to(object));
    --backing.shadow_count;
    ++k.stats.shadows_unlinked;
    ++backing.generation;
    object.backing = nullptr;
    k.journal.object_changed(backing.id);
    k.journal.object_changed(object.id);
}

}  // namespace vmref::impl
