// vm_object: a container of pages with a pager, possibly shadowing another (semantics.md 1.7).
#pragma once

#include <boost/intrusive/list.hpp>
#include <cstdint>

#include "impl/arena/containers.h"
#include "impl/machine/journal.h"
#include "impl/page/page.h"
#include "impl/sched/scheduler.h"
#include "ops/types.h"

namespace vmref::impl {

struct MapEntry;  // impl/vm
class Vnode;      // impl/vm

// default_: anonymous, never paged out. swap: anonymous with swap blocks. vnode: pages of a file.
// page_table: the page-table pages of a pmap (a DEFAULT object in pmap.c; told apart here so that checks need no map).
// device: memory of a device, which entries show without naming the object.
enum class ObjectType : std::uint8_t { default_, swap, vnode, page_table, device };

inline constexpr std::uint16_t kObjDead = 1U << 0;
inline constexpr std::uint16_t kObjWriteable = 1U << 1;
inline constexpr std::uint16_t kObjMightBeDirty = 1U << 2;
inline constexpr std::uint16_t kObjCleaning = 1U << 3;
inline constexpr std::uint16_t kObjOneMapping = 1U << 4;
inline constexpr std::uint16_t kObjPipWanted = 1U << 5;

inline constexpr std::uint32_t kNoSwapSlot = 0xFFFFFFFFU;

struct Object {
    ObjectId id = 0;
    ObjectType type = ObjectType::default_;
    PageIndex size = 0;  // pages
    std::uint16_t flags = 0;
    FlagChanges changes;

    std::uint32_t ref_count = 0;     // map entries + shadows + temporary references (I-25)
    std::uint32_t shadow_count = 0;  // objects whose backing object this is (I-26)
    Object* backing = nullptr;
    std::uint64_t backing_offset = 0;  // bytes, page aligned (I-27)
    std::uint32_t paging_in_progress = 0;
    std::uint64_t generation = 0;  // grows with every change of the page set or the shadow list (I-36)

    std::uint32_t hold_count = 0;     // holds of its token, shared and exclusive
    std::uint32_t chain_holders = 0;  // chain lock: while above 0 no collapse, no bypass

    PageTree pages;
    Page* last_found = nullptr;  // where the next lookup starts: faults come in runs
    std::uint32_t resident_page_count = 0;

    Vnode* vnode = nullptr;            // handle of a vnode object
    Vector<std::uint32_t> swap_slots;  // by index; kNoSwapSlot or beyond the end: no block
    std::uint32_t swap_count = 0;

    MapEntry* first_entry = nullptr;  // the entries that name this object as top (catalogue D-1)

    ListHook shadow_hook;
    intrusive::list<Object, intrusive::member_hook<Object, ListHook, &Object::shadow_hook>> shadows;

    bool has(std::uint16_t flag) const { return (flags & flag) != 0; }
    void set(std::uint16_t flag) {
        changes.set(flags, flag);
        flags = static_cast<std::uint16_t>(flags | flag);
    }
    void clear(std::uint16_t flag) {
        changes.clear(flags, flag);
        flags = static_cast<std::uint16_t>(flags & ~flag);
    }
    bool anonymous() const { return type == ObjectType::default_ || type == ObjectType::swap; }
    std::uint32_t swap_slot(PageIndex index) const {
        return index < swap_slots.size() ? swap_slots[index] : kNoSwapSlot;
    }
    PageIndex backing_index(PageIndex index) const {
        return index + static_cast<PageIndex>(backing_offset >> kPageShift);
    }
};

// All objects, type-stable: storage is reused but never returned, and `generation` survives reuse
// (vm_object.c:142-182).
class ObjectStore {
  public:
    explicit ObjectStore(Journal& journal) : journal_(journal) {}

    // _vm_object_allocate (vm_object.c:142). Post: one reference, no pages.
    Object& allocate(ObjectType type, PageIndex size);
    // Returns the storage. Requires: no references, pages, shadows, blocks or entries (I-42).
    void release(Object& object);

    Object* find(ObjectId id) const { return id < by_id_.size() ? by_id_[id] : nullptr; }
    std::uint32_t count() const { return count_; }
    // Live objects by id; nullptr where an id is free.
    const Vector<Object*>& all() const { return by_id_; }
    // Every object there ever was.
    const Deque<Object>& storage() const { return storage_; }
    std::uint64_t allocated() const { return allocated_; }

  private:
    ObjectId take_free_id();

    Journal& journal_;
    Deque<Object> storage_;
    Vector<Object*> by_id_;
    Vector<ObjectId> free_ids_;
    std::uint32_t count_ = 0;
    std::uint64_t allocated_ = 0;
};

// Paging in progress: forbids termination and full collapse (vm_object_pip_*).
void pip_add(Object& object);
void pip_wakeup(Object& object, Scheduler& sched);

// Chain lock (semantics.md 1.7): only for anonymous objects; forbids collapse and bypass of the object.
// Blocks: the caller may sleep here under a scheduler.
void chain_acquire(Object& object, Scheduler& sched);
void chain_release(Object& object);
// Releases every chain lock from `first` down to `last`, both included (vm_object_chain_release_all).
void chain_release_all(Object& first, Object& last);

// The object's token. The sources' fault era holds an object while it looks at its pages.
void object_hold(Object& object, Scheduler& sched);
void object_drop(Object& object);

}  // namespace vmref::impl
