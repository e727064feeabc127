// vm_fault_object: down the shadow chain to the page, and up again with a copy if need be (vm_fault.c:1543-2288).
#include "impl/page/swap_rule.h"
#include "impl/vm/fault_state.h"
#include "impl/vm/page_ops.h"
#include "impl/vm/pager.h"
#include "impl/vm/rules/chain.h"
#include "impl/vm/rules/rights.h"
#include "impl/vm/vm_object.h"

namespace vmref::impl {

namespace {

enum class Search : std::uint8_t { found, not_here, left };

// The walk down the chain. Loop invariant: every object from first_object to fs.object is chain-locked, fs.object is
// held.
class ChainWalk {
  public:
    ChainWalk(FaultState& fs, PageIndex first_pindex, Prot fault_type)
        : fs_(fs), k_(fs.k), first_pindex_(first_pindex), pindex_(first_pindex), fault_type_(fault_type) {}

    Status run();

  private:
    using LevelChoice = rule::LevelChoice<std::uint32_t>;

    Search search_level();
    LevelChoice choose() const;
    bool held_shared() const;
    Search take_resident(const LevelChoice& choice);
    Search allocate();
    Search page_in();
    Behavior behavior() const;
    Search take_read(Page& asked);
    FaultExit exit_of(PagerResult result);
    bool step_down();
    void zero_fill_top();
    void copy_up();
    void steal();
    void back_to_top();
    Status publish();
    Search leave_with(FaultExit exit) {
        status_ = leave(fs_, exit);
        return Search::left;
    }
    Search leave_for_exclusive() {
        return leave_with(fs_.below_top() ? FaultExit::backing_needs_exclusive : FaultExit::top_needs_exclusive);
    }
    bool may_steal();
    bool steal_conditions_hold() const;

    FaultState& fs_;
    Kernel& k_;
    PageIndex first_pindex_;
    PageIndex pindex_;
    Prot fault_type_;
    Status status_ = Status::success;
};

// The level as the rules see it.
ChainWalk::LevelChoice ChainWalk::choose() const {
    const Page* const m = fs_.m;
    const rule::Level<std::uint32_t> level{.top = !fs_.below_top(),
                                           .resident = m != nullptr,
                                           .valid = m != nullptr && m->fully_valid(),
                                           .marked = m != nullptr && m->has(kPageRam),
                                           .pager = fs_.try_pager()};
    return rule::level_choice(level, k_.defects);
}

// The page is resident and busied by us (vm_fault.c:1639-1694).
Search ChainWalk::take_resident(const LevelChoice& choice) {
    const bool was_cached = fs_.m->queue == Queue::cache;
    k_.pages.unqueue(*fs_.m);
    if (was_cached && k_.pages.count_severe()) {
        return leave_with(FaultExit::cache_page_severe);
    }
    if (fs_.m->fully_valid()) {
        fs_.m->clear(kPageRam);
    }
    return choice.found ? Search::found : Search::not_here;
}

// The level is to be changed, which a shared hold of it does not allow: the next attempt holds it exclusively.
bool ChainWalk::held_shared() const {
    return rule::held_shared(!fs_.below_top(), fs_.first_shared, fs_.shared);
}

// Not resident, and this is the top or the pager may have it: a new invalid page (vm_fault.c:1700-1778).
Search ChainWalk::allocate() {
    if (held_shared()) {
        return leave_for_exclusive();
    }
    if (!rule::fits(pindex_, fs_.object->size)) {
        return leave_with(FaultExit::beyond_size);
    }
    if (!k_.pages.count_severe()) {
        fs_.m = k_.pages.alloc(*fs_.object, pindex_, AllocClass::normal);
    }
    if (fs_.m == nullptr) {
        return leave_with(FaultExit::no_memory);
    }
    if (k_.journal.narration != nullptr) {
        k_.journal.narration->page_allocated(narrated(*fs_.m));
    }
    return Search::not_here;
}

// What the entry advises was read while it was safe: the map is unlocked by now (B-33).
Behavior ChainWalk::behavior() const {
    if (fs_.entry == nullptr || !k_.on(Defect::b33_behavior_read_late)) {
        return fs_.behavior;
    }
    ensure_rule(fs_.entry->map == fs_.map, "I-41", "an entry is there when its advice is read");
    return fs_.entry->behavior;
}

// The page has been read. The pager may have replaced it, lost it, or given it to somebody else (vm_fault.c:1877).
Search ChainWalk::take_read(Page& asked) {
    const bool looks_again = !k_.on(Defect::m03_old_page_pointer);
    fs_.m = looks_again ? k_.pages.lookup(*fs_.object, pindex_) : &asked;
    if (fs_.m == nullptr) {
        return leave_with(FaultExit::page_vanished);
    }
    if (looks_again && fs_.m->busy_owner != k_.sched.current() && !k_.on(Defect::b114_taken_page_used)) {
        return leave_with(FaultExit::page_busy);
    }
    ++fs_.hardfault;
    return Search::found;
}

// How the fault ends after a read that gave nothing (catalogue D-11); count: it goes on below.
FaultExit ChainWalk::exit_of(PagerResult result) {
    const bool passed_by = k_.on(Defect::b35_again_falls_through);
    switch (result) {
        case PagerResult::again:
            return passed_by ? FaultExit::count : FaultExit::pager_again;
        case PagerResult::pend:
            return passed_by ? FaultExit::count : FaultExit::pager_pend;
        case PagerResult::error:
        case PagerResult::bad:
            break;
        case PagerResult::ok:
        case PagerResult::fail:
            return FaultExit::count;
    }
    const bool bad = result == PagerResult::bad;
    if (!bad && (k_.on(Defect::b36_error_falls_through) || give_up_data(fs_))) {
        return FaultExit::count;
    }
    // Past its end a pager has nothing: that is for everybody to see, not a failure.
    if (pager_has_page(*fs_.object, pindex_)) {
        k_.failed.push_back({fs_.map != nullptr ? fs_.map->pid : 0, fs_.va, bad});
    }
    return bad ? FaultExit::pager_bad : FaultExit::pager_error;
}

// readrest: the pager fills the page, with the map unlocked (vm_fault.c:1794-1982). Blocks
Search ChainWalk::page_in() {
    if (held_shared()) {
        return leave_with(fs_.below_top() ? FaultExit::backing_pager_exclusive : FaultExit::top_pager_exclusive);
    }
    unlock_map(fs_);
    Page* const asked = fs_.m;
    const PagerResult result = pager_get_page(k_, *fs_.object, pindex_, fs_.m, behavior());
    if (result == PagerResult::ok) {
        return take_read(*asked);
    }
    if (result == PagerResult::error) {
        report_read_error(fs_);
    }
    if (const FaultExit exit = exit_of(result); exit != FaultExit::count) {
        return leave_with(exit);
    }
    if (fs_.below_top() && fs_.m != nullptr) {
        vnode_pager_freepage(k_, *fs_.m);
        fs_.m = nullptr;
    }
    return Search::not_here;
}

// One object of the chain (vm_fault.c:1593-1982).
Search ChainWalk::search_level() {
    if (fs_.object->has(kObjDead)) {
        const Search left = leave_with(FaultExit::dead);
        status_ = k_.on(Defect::b34_dead_object_refuses) ? Status::protection_failure : status_;
        return left;
    }
    bool busy_elsewhere = false;
    fs_.m = k_.pages.lookup_busy_try(*fs_.object, pindex_, busy_elsewhere);
    if (k_.journal.narration != nullptr) {
        narrate_search(fs_, pindex_, busy_elsewhere);
    }
    if (busy_elsewhere) {
        return leave_with(FaultExit::page_busy);
    }
    const LevelChoice choice = choose();
    Search result = Search::not_here;
    if (fs_.m != nullptr) {
        result = take_resident(choice);
    } else if (choice.allocates) {
        result = allocate();
    }
    if (result != Search::not_here) {
        return result;
    }
    if (choice.asks_pager) {
        return page_in();
    }
    // An invalid page without pager: below the top it is released before the step down (catalogue D-5), at the top it
    // is the placeholder; both change the object's pages.
    const bool stays_shared = !fs_.below_top() && k_.on(Defect::b13_filled_under_shared_hold);
    if (fs_.m != nullptr && held_shared() && !stays_shared) {
        return leave_for_exclusive();
    }
    if (choice.releases) {
        if (!k_.on(Defect::b12_invalid_page_stays_busy)) {
            vnode_pager_freepage(k_, *fs_.m);
        }
        fs_.m = nullptr;
    }
    return Search::not_here;
}

// To the next object of the chain; false at its end (vm_fault.c:1992-2058). Blocks
bool ChainWalk::step_down() {
    if (!fs_.below_top()) {
        fs_.first_m = fs_.m;
    }
    Object* const next = fs_.object->backing;
    if (next == nullptr) {
        return false;
    }
    object_hold(*next, k_.sched);
    chain_acquire(*next, k_.sched);
    ensure_rule(next == fs_.object->backing, "I-28", "a chain lock keeps the backing object in place");
    pindex_ = fs_.object->backing_index(pindex_);
    if (fs_.below_top()) {
        pip_wakeup(*fs_.object, k_.sched);
        object_drop(*fs_.object);
    }
    fs_.object = next;
    if (!k_.on(Defect::m08_pip_not_added)) {
        pip_add(*fs_.object);
    }
    return true;
}

// Lets go of the level that was reached and makes the placeholder the result (vm_fault.c:2024-2038, 2158-2179).
void ChainWalk::back_to_top() {
    release_chain(fs_, *fs_.first_object->backing, *fs_.object);
    pip_wakeup(*fs_.object, k_.sched);
    object_drop(*fs_.object);
    fs_.object = fs_.first_object;
    pindex_ = first_pindex_;
    fs_.m = fs_.first_m;
}

// Nobody has the page: zeroes at the top (vm_fault.c:2012-2048).
void ChainWalk::zero_fill_top() {
    if (fs_.below_top()) {
        back_to_top();
    }
    fs_.first_m = nullptr;
    ensure_rule(!fs_.first_shared, "I-47", "a page is filled in an exclusively held object");
    if (k_.probe != nullptr) {
        k_.probe->before_zero_fill(*fs_.first_object, first_pindex_, *fs_.m);
    }
    if (k_.on(Defect::m07_unbusied_before_filled)) {
        k_.pages.set_valid_clean(*fs_.m);
        k_.pages.wakeup(*fs_.m);
        k_.sched.yield(BlockPoint::page_busy);
        k_.pages.busy_wait(*fs_.m);
    }
    k_.pages.zero_fill(*fs_.m);
    ++k_.stats.zfod;
    k_.pages.set_valid_clean(*fs_.m);
    if (k_.journal.narration != nullptr) {
        k_.journal.narration->page_zeroed(narrated(*fs_.m));
    }
}

// virtual_copy_test (vm_fault.c:271): the seven conditions under which a page may be moved up instead of copied.
bool ChainWalk::steal_conditions_hold() const {
    const Object& object = *fs_.object;
    return !fs_.first_shared && !fs_.shared && k_.config.virtual_copy_enable != 0 &&
           (fs_.map == nullptr || fs_.map_generation == fs_.map->timestamp) && object.shadow_count == 1 &&
           (object.ref_count == 1 || k_.on(Defect::m11_steal_ignores_references)) && object.anonymous() &&
           (&object == fs_.first_object->backing || k_.on(Defect::b30_steal_from_far_below));
}

// virtual_copy_ok (vm_fault.c:320): only after the map was unlocked for I/O; takes the map exclusively.
bool ChainWalk::may_steal() {
    if (fs_.lookup_still_valid || fs_.map == nullptr || !steal_conditions_hold() || !map_try_lock(*fs_.map)) {
        return false;
    }
    if (!steal_conditions_hold()) {
        map_unlock(*fs_.map);
        return false;
    }
    fs_.lookup_still_valid = true;
    fs_.map_generation = ++fs_.map->timestamp;
    return true;
}

// The only reader of the backing page is this chain: it moves up, its block goes (vm_fault.c:2091-2110, B-30).
void ChainWalk::steal() {
    if (k_.journal.narration != nullptr) {
        k_.journal.narration->page_stolen(narrated(*fs_.m), narrated(*fs_.first_m));
    }
    k_.pmaps.page_protect(*fs_.first_m, kProtNone);
    k_.pages.remove(*fs_.first_m);
    swap_free_space(k_, *fs_.m->object, fs_.m->pindex, 1);
    fs_.m->clear(kPageSwapped);
    k_.pages.rename(*fs_.m, *fs_.first_object, first_pindex_);
    page_free(k_, *fs_.first_m);
    fs_.first_m = fs_.m;
    fs_.m = nullptr;
    ++k_.stats.cow_optim;
}

// The page is below the top and is stored to: the top gets its own (vm_fault.c:2076-2179).
void ChainWalk::copy_up() {
    if (may_steal()) {
        steal();
    } else {
        ensure_rule(!fs_.first_shared, "I-80", "a copy goes into an exclusively held object");
        if (k_.probe != nullptr) {
            k_.probe->before_copy(*fs_.m, *fs_.first_m);
        }
        k_.pages.copy(*fs_.m, *fs_.first_m);
        if (k_.journal.narration != nullptr) {
            k_.journal.narration->page_copied(narrated(*fs_.m), narrated(*fs_.first_m));
        }
        object_set_writeable_dirty(k_, *fs_.first_object);
        unmap_replaced_page(fs_, first_pindex_, *fs_.m, *fs_.first_m);
        release_page(fs_);
    }
    fs_.copied = true;
    ++k_.stats.cow_faults;
    back_to_top();
}

// Map, dirtiness and block are brought up to date and the walk's locks go (vm_fault.c:2200-2287).
Status ChainWalk::publish() {
    if (!fs_.lookup_still_valid && fs_.map != nullptr) {
        fs_.lookup_still_valid = map_lock_read_to(k_, *fs_.map);
        const bool changed = fs_.map->timestamp != fs_.map_generation && !k_.on(Defect::m02_timestamp_ignored);
        if (!fs_.lookup_still_valid || changed) {
            witness_early_copy(fs_, first_pindex_);
            return leave(fs_, FaultExit::map_changed);
        }
    }
    k_.pages.activate(*fs_.m);
    if ((fs_.prot & kProtWrite) != 0) {
        if (fs_.map == nullptr || !k_.on(Defect::m09_flags_after_enter)) {
            object_set_writeable_dirty(k_, *fs_.m->object);
        }
        page_set_nosync(k_, *fs_.m, fs_.map != nullptr && fs_.entry->has(kEntryNoSync));
        const bool dirties = (fs_.fault_flags & kFaultDirty) != 0;
        const auto granted = rule::write_granted<std::uint32_t>(fs_.m->has(kPageSwapped), dirties, k_.defects);
        if (granted.dirties) {
            k_.pages.dirty(*fs_.m);
        }
        if (granted.frees_block) {
            if (fs_.first_shared) {
                return leave(fs_, FaultExit::swap_needs_exclusive);
            }
            swap_pager_unswapped(k_, *fs_.m);
        }
    }
    pip_wakeup(*fs_.first_object, k_.sched);
    release_chain(fs_, *fs_.first_object, *fs_.object);
    if (fs_.below_top()) {
        object_drop(*fs_.object);
    }
    if (!fs_.m->fully_valid()) {
        k_.pages.zero_invalid(*fs_.m);
    }
    return Status::success;
}

Status ChainWalk::run() {
    chain_acquire(*fs_.first_object, k_.sched);
    pip_add(*fs_.first_object);
    for (;;) {
        const Search result = search_level();
        if (result == Search::left) {
            return status_;
        }
        if (result == Search::found) {
            break;
        }
        if (!step_down()) {
            zero_fill_top();
            break;
        }
    }
    ensure_rule(fs_.m->busied() && fs_.m->object == fs_.object && fs_.m->pindex == pindex_, "I-55",
                "a found page is busied, and where it was looked for");
    if (fs_.below_top()) {
        if (rule::copies_up<std::uint32_t>(fault_type_)) {
            copy_up();
        } else {
            fs_.prot = static_cast<Prot>(rule::rights_below_top<std::uint32_t>(fs_.prot, k_.defects));
        }
    }
    return publish();
}

}  // namespace

Status vm_fault_object(FaultState& fs, PageIndex first_pindex, Prot fault_type) {
    fs.prot =
        static_cast<Prot>(rule::rights_to_begin_with<std::uint32_t>(fs.first_prot, fault_type, rule::kPmapEmulatesAd));
    fs.object = fs.first_object;
    fs.copied = false;
    ChainWalk walk(fs, first_pindex, fault_type);
    const Status status = walk.run();
    if (fs.k.probe != nullptr) {
        fs.k.probe->fault_object_left(*fs.first_object, status == Status::success);
    }
    return status;
}

}  // namespace vmref::impl
