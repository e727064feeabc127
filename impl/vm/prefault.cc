// vm_prefault and vm_prefault_quick: neighbours whose pages are at hand (vm_fault.c:2704-3178).
#include "impl/vm/fault.h"
#include "impl/vm/kernel.h"
#include "impl/vm/page_ops.h"
#include "impl/vm/pager.h"
#include "impl/vm/rules/chain.h"
#include "impl/vm/vm_object.h"

namespace vmref::impl {

namespace {

// The order of the sources: +1, -1, +2, -2, ... pages around `center`, within the entry, a direction closed at its
// first obstacle (vm_fault.c:2756-2823).
class NeighbourWindow {
  public:
    NeighbourWindow(const Kernel& k, const MapEntry& entry, Va center)
        : k_(k), entry_(entry), up_(center), down_(center), pages_(k.config.prefault_pages) {}

    bool next(Va& va) {
        for (; step_ < pages_ && !(up_closed_ && down_closed_); ++step_) {
            last_up_ = step_ % 2 == 0;
            if (last_up_ ? !step_up(va) : !step_down(va)) {
                continue;
            }
            ++step_;
            return true;
        }
        return false;
    }
    void close_direction() { (last_up_ ? up_closed_ : down_closed_) = true; }

  private:
    bool step_up(Va& va) {
        up_closed_ = up_closed_ || entry_.end - up_ <= kPageSize;
        if (!up_closed_) {
            va = up_ += kPageSize;
        }
        return !up_closed_;
    }
    bool step_down(Va& va) {
        if (down_ == 0 && k_.on(Defect::b21_prefault_wrap_closes_forward)) {
            up_closed_ = true;
            return false;
        }
        down_closed_ = down_closed_ || down_ == entry_.start;
        if (!down_closed_) {
            va = down_ -= kPageSize;
        }
        return !down_closed_;
    }

    const Kernel& k_;
    const MapEntry& entry_;
    Va up_;  // farthest page so far, each way
    Va down_;
    std::uint32_t pages_;
    std::uint32_t step_ = 0;
    bool up_closed_ = false;
    bool down_closed_ = false;
    bool last_up_ = true;
};

void enter_neighbour(Kernel& k, MapEntry& entry, Va va, Page& m, Prot prot, std::uint8_t fault_flags) {
    if (m.queue == Queue::cache) {
        k.pages.deactivate(m);
    }
    if ((prot & kProtWrite) != 0) {
        object_set_writeable_dirty(k, *m.object);
        page_set_nosync(k, m, entry.has(kEntryNoSync));
        if ((fault_flags & kFaultDirty) != 0 && k.on(Defect::b22_prefault_dirties)) {
            k.pages.dirty(m);
            swap_pager_unswapped(k, m);
        }
    }
    // A write-only entry grants nothing below its top object.
    if (prot != kProtNone && k.pmaps.enter(*entry.map->pmap, va, m, prot, false) == Status::success) {
        ++k.stats.pages_prefaulted;
        ++k.stats.vm_faults;
        ++k.stats.minflt;
    }
}

// What the walk down the chain for one neighbour found: a page busied by us (perhaps newly allocated), or nothing.
struct Neighbour {
    Page* m = nullptr;
    Prot prot = kProtNone;
    bool at_end = false;  // of the chain, and no pager was passed
    bool allocated = false;
    bool busy = false;  // somebody else's: skipped, the scan goes on
};

// vm_fault.c:2833-2890. Every level below the top is held and chain-locked; `level` is the lowest one then.
Neighbour find_neighbour(Kernel& k, Object& top, PageIndex index, Prot prot, Object*& level) {
    Neighbour found;
    found.prot = prot;
    level = &top;
    for (;;) {
        found.m = k.pages.lookup_busy_try(*level, index, found.busy);
        if (found.m != nullptr) {
            return found;
        }
        const bool passable = level->type == ObjectType::swap && k.on(Defect::b24_prefault_walks_swap);
        if (level->type != ObjectType::default_ && !passable) {
            return found;  // its pager may have the page: only a real fault asks (B-24)
        }
        if (level->backing == nullptr) {
            found.at_end = true;
            return found;
        }
        Object* const next = level->backing;
        if (k.on(Defect::b23_prefault_locks_top_only)) {
            k.sched.yield(BlockPoint::prefault);
        } else {
            object_hold(*next, k.sched);
            chain_acquire(*next, k.sched);
        }
        ensure_rule(level->backing == next, "I-41", "the level below stays what it was while a prefault goes down");
        index = level->backing_index(index);
        if (level != &top && !k.on(Defect::b23_prefault_locks_top_only)) {
            object_drop(*level);
        }
        level = next;
        found.prot = static_cast<Prot>(found.prot & ~kProtWrite);
    }
}

// Nobody has data: a zeroed page in the top object, if the fast path is on and memory is plenty (vm_fault.c:2845-2857).
Page* allocate_neighbour(Kernel& k, Object& top, PageIndex index, Prot prot) {
    if (k.config.fast_fault == 0 || (prot & kProtWrite) == 0 || k.pages.count_min() ||
        !rule::neighbour_fits(index, top.size, k.defects)) {
        return nullptr;
    }
    Page* const m = k.pages.alloc(top, index, AllocClass::normal);
    if (m != nullptr) {
        if (k.probe != nullptr) {
            k.probe->before_zero_fill(top, index, *m);
        }
        k.pages.zero_fill(*m);
        k.pages.set_valid_clean(*m);
        ++k.stats.zfod;
    }
    return m;
}

// One neighbour of vm_prefault; false ends the scan.
bool prefault_one(Kernel& k, MapEntry& entry, Va va, Prot prot, std::uint8_t fault_flags) {
    Object& top = *entry.object;
    Object* level = nullptr;
    Neighbour found = find_neighbour(k, top, entry.index_of(va), prot, level);
    if (level != &top && !k.on(Defect::b23_prefault_locks_top_only)) {
        chain_release_all(*top.backing, *level);
        object_drop(*level);
    }
    if (found.at_end) {
        found.m = allocate_neighbour(k, top, entry.index_of(va), prot);
        found.prot = prot;
        found.allocated = true;
    }
    if (found.m == nullptr) {
        return false;
    }
    if (found.busy) {
        return true;
    }
    if (found.m->fully_valid()) {
        enter_neighbour(k, entry, va, *found.m, found.prot, fault_flags);
        if (found.allocated) {
            k.pages.deactivate(*found.m);
        }
    }
    k.pages.wakeup(*found.m);
    return true;
}

}  // namespace

void vm_prefault(Kernel& k, MapEntry& entry, Va va, Prot prot, std::uint8_t fault_flags) {
    Object& top = *entry.object;
    object_hold(top, k.sched);
    chain_acquire(top, k.sched);
    NeighbourWindow window(k, entry, va);
    Va address = 0;
    while (window.next(address)) {
        k.sched.yield(BlockPoint::prefault);
        if (!k.pmaps.prefault_ok(*entry.map->pmap, address)) {
            window.close_direction();
            continue;
        }
        if (!prefault_one(k, entry, address, prot, fault_flags)) {
            break;
        }
    }
    chain_release(top);
    object_drop(top);
}

void vm_prefault_quick(Kernel& k, MapEntry& entry, Va va, Prot prot, std::uint8_t fault_flags) {
    Object& top = *entry.object;
    if (top.backing != nullptr) {
        return;
    }
    NeighbourWindow window(k, entry, va);
    Va address = 0;
    while (window.next(address)) {
        if (!k.pmaps.prefault_ok(*entry.map->pmap, address)) {
            window.close_direction();
            continue;
        }
        bool busy = false;
        Page* const m = k.pages.lookup_busy_try(top, entry.index_of(address), busy);
        if (m == nullptr || busy) {
            break;
        }
        const bool needs_unswap = m->has(kPageSwapped) && (prot & kProtWrite) != 0 && (fault_flags & kFaultDirty) != 0;
        if (!m->fully_valid() || needs_unswap) {
            k.pages.wakeup(*m);
            break;
        }
        enter_neighbour(k, entry, address, *m, prot, fault_flags);
        k.pages.wakeup(*m);
    }
}

}  // namespace vmref::impl
