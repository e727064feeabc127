#include "impl/page/object.h"

#include <algorithm>
#include <iterator>

#include "impl/defects/assertion.h"

namespace vmref::impl {

// Of an object that nobody holds any more: who slept with a hold may look at what he held.
ObjectId ObjectStore::take_free_id() {
    const auto unheld = [this](ObjectId id) { return storage_[id - 1].hold_count == 0; };
    const auto found = std::find_if(free_ids_.rbegin(), free_ids_.rend(), unheld);
    if (found == free_ids_.rend()) {
        storage_.emplace_back();
        by_id_.push_back(nullptr);
        return static_cast<ObjectId>(by_id_.size() - 1);
    }
    const ObjectId id = *found;
    free_ids_.erase(std::prev(found.base()));
    return id;
}

Object& ObjectStore::allocate(ObjectType type, PageIndex size) {
    if (by_id_.empty()) {
        by_id_.push_back(nullptr);  // id 0 names nobody
    }
    const ObjectId id = take_free_id();

    // Pages, shadows, blocks, entries and counts are empty: release() made sure of it.
    Object& object = storage_[id - 1];
    object.id = id;
    object.type = type;
    object.size = size;
    object.flags = 0;
    object.ref_count = 1;
    object.backing_offset = 0;
    object.hold_count = 0;
    object.chain_holders = 0;
    object.vnode = nullptr;
    if (object.anonymous()) {
        object.set(kObjOneMapping);
    }
    ++object.generation;
    by_id_[id] = &object;
    ++count_;
    ++allocated_;
    journal_.object_changed(id);
    return object;
}

void ObjectStore::release(Object& object) {
    ensure(find(object.id) == &object, "an object is released once, by the store it came from");
    ensure_rule(object.ref_count == 0, "I-42", "a released object has no references");
    ensure_rule(object.pages.empty() && object.resident_page_count == 0, "I-42", "a released object has no pages");
    ensure_rule(object.shadow_count == 0 && object.shadows.empty(), "I-42", "a released object has no shadows");
    ensure_rule(object.paging_in_progress == 0, "I-42", "a released object has no paging in progress");
    ensure_rule(object.swap_count == 0, "I-42", "a released object has no swap blocks");
    ensure_rule(object.first_entry == nullptr, "I-42", "no map entry names a released object");
    ensure_rule(object.backing == nullptr, "I-42", "a released object shadows nothing");
    if (journal_.narration != nullptr) {
        journal_.narration->object_released(object.id);
    }
    object.swap_slots.clear();
    by_id_[object.id] = nullptr;
    free_ids_.push_back(object.id);
    --count_;
    journal_.object_changed(object.id);
}

void pip_add(Object& object) {
    ++object.paging_in_progress;
}

void pip_wakeup(Object& object, Scheduler& sched) {
    ensure_rule(object.paging_in_progress > 0, "I-33", "paging in progress ends as often as it began");
    --object.paging_in_progress;
    if (object.paging_in_progress == 0 && object.has(kObjPipWanted)) {
        object.clear(kObjPipWanted);
        sched.wakeup(&object);
    }
}

void chain_acquire(Object& object, Scheduler& sched) {
    if (object.anonymous()) {
        sched.yield(BlockPoint::chain_lock);
        while (object.chain_holders != 0 && sched.has_threads()) {
            sched.sleep_for_lock(BlockPoint::chain_lock);
        }
        ++object.chain_holders;
    }
}

void chain_release(Object& object) {
    if (object.anonymous()) {
        ensure_rule(object.chain_holders > 0, "I-35", "a released chain lock is held");
        --object.chain_holders;
    }
}

void chain_release_all(Object& first, Object& last) {
    // The lowest first: the links above it stay locked while they are followed.
    chain_release(last);
    for (Object* object = &first; object != &last;) {
        Object* const next = object->backing;
        ensure_rule(next != nullptr, "I-35", "a released chain ends at its last object");
        chain_release(*object);
        object = next;
    }
}

void object_hold(Object& object, Scheduler& sched) {
    ++object.hold_count;  // before the yield: the hold is what keeps the object
    sched.yield(BlockPoint::object_hold);
}

void object_drop(Object& object) {
    ensure_rule(object.hold_count > 0, "I-34", "a dropped object is held");
    --object.hold_count;
}

}  // namespace vmref::impl
