// Collapse and bypass of backing objects (vm_object.c:1067-1490), repaired as catalogue D-7 says.
//
// Both leave what every reader sees unchanged (I-37, I-38). For an index of the parent, in this order: the parent's
// valid page, the parent's block, the backing page, the backing block, what lies below. What becomes of each page is
// decided in impl/vm/rules.
#include <algorithm>

#include "impl/vm/page_ops.h"
#include "impl/vm/pager.h"
#include "impl/vm/rules/chain.h"
#include "impl/vm/rules/links.h"
#include "impl/vm/vm_object.h"

namespace vmref::impl {

namespace {

// The window of `object` onto its backing object.
struct Window {
    PageIndex first;  // index in the backing object of the parent's page 0
    PageIndex size;
    bool contains(PageIndex backing_index) const { return backing_index >= first && backing_index - first < size; }
    PageIndex above(PageIndex backing_index) const { return backing_index - first; }
};

Window window_of(const Object& object) {
    return {object.backing_index(0), object.size};
}

using Slot = rule::Slot<std::uint32_t>;
using CollapseChoice = rule::CollapseChoice<std::uint32_t>;

Slot slot_of(const Object& object, PageIndex index, const Page* page) {
    return {.resident = page != nullptr,
            .valid = page != nullptr && page->valid != 0,
            .block = pager_has_page(object, index)};
}

// A page of the backing object, the parent's page in its place, and what is to become of them.
struct Meeting {
    Page* above = nullptr;
    bool in_window = false;
    CollapseChoice choice{};
};

Meeting meet(Kernel& k, Object& object, const Object& backing, const Page& page) {
    const Window window = window_of(object);
    Meeting met;
    met.in_window = window.contains(page.pindex);
    Slot above{};
    if (met.in_window) {
        const PageIndex index = window.above(page.pindex);
        met.above = k.pages.lookup(object, index);
        above = slot_of(object, index, met.above);
    }
    met.choice =
        rule::collapse_choice<std::uint32_t>(slot_of(backing, page.pindex, &page), above, met.in_window, k.defects);
    return met;
}

bool pinned(const Page* page) {
    return page != nullptr && (page->wire_count != 0 || page->hold_count != 0);
}

// Whether the merge would have to destroy a wired or held page on either side: then it is refused (D-7, I-39).
bool would_destroy_pinned(Kernel& k, Object& object, Object& backing) {
    if (k.on(Defect::b42_wired_page_destroyed)) {
        return false;
    }
    return std::any_of(backing.pages.begin(), backing.pages.end(), [&](const Page& page) {
        const Meeting met = meet(k, object, backing, page);
        return rule::destroys_pinned(met.choice, pinned(&page), pinned(met.above));
    });
}

// One page of the backing object is moved up or destroyed (vm_object.c:1187-1275). The page is busied by us; its block
// goes only with valid data that moves or dies (B-41, B-43): the block of an invalid page is left to swap_pager_copy.
void scan_page(Kernel& k, Object& object, Object& backing, Page& page) {
    k.ran(ObjectFunction::backing_scan_callback);
    const Meeting met = meet(k, object, backing, page);
    const PageIndex index = page.pindex;
    const bool loses_block =
        page.valid == 0 && (k.on(Defect::b41_block_of_invalid_page_freed) || k.on(Defect::b43_invalid_page_renamed));
    if (met.choice.frees_block || loses_block) {
        swap_free_space(k, backing, index, 1);
        page.clear(kPageSwapped);
    }
    const bool moves_invalid = k.on(Defect::b43_invalid_page_renamed) && page.valid == 0 && met.in_window &&
                               met.above == nullptr && !pager_has_page(object, window_of(object).above(index));
    if (!met.choice.moves && !moves_invalid) {
        page_unmap_and_free(k, page);
        return;
    }
    if (met.choice.frees_above) {
        k.pages.busy_wait(*met.above);
        page_unmap_and_free(k, *met.above);
    }
    k.pages.rename(page, object, window_of(object).above(index));
    k.pages.wakeup(page);
}

// The order of 2006: no chain locks, and the backing object is dead before its pages are looked at.
bool order_of_2006(const Kernel& k) {
    return k.on(Defect::b34_dead_object_refuses) || k.on(Defect::b44_dead_before_the_scan) ||
           k.on(Defect::b45_scan_never_tests_again);
}

// Whether nobody else refers to the two objects, or pages into or out of them: tested before the merge and after every
// sleep in it (B-45).
bool may_go_on(const Object& object, const Object& backing) {
    return object.backing == &backing && backing.ref_count == 1 && object.paging_in_progress == 0 &&
           backing.paging_in_progress == 0;
}

// vm_object_backing_scan, COLLAPSE_WAIT: every page. False: after a sleep the merge is not allowed any more; what has
// moved until then may stay where it is. Blocks on busy pages
bool scan_all(Kernel& k, Object& object, Object& backing) {
    k.ran(ObjectFunction::backing_scan_wait);
    while (!backing.pages.empty()) {
        Page& page = *backing.pages.begin();
        if (!k.pages.busy_try(page) && !k.on(Defect::b108_busy_page_moved)) {
            k.pages.sleep_busy(page);
            if (!may_go_on(object, backing) && !k.on(Defect::b45_scan_never_tests_again)) {
                return false;
            }
            continue;
        }
        scan_page(k, object, backing, page);
    }
    return true;
}

// COLLAPSE_NOWAIT: what can be had without waiting (vm_object.c:1160-1180, 1283).
void scan_available(Kernel& k, Object& object, Object& backing) {
    k.ran(ObjectFunction::backing_scan_nowait);
    for (auto next = backing.pages.begin(); next != backing.pages.end();) {
        Page& page = *next++;
        if (page.valid == 0 || pinned(&page) || !k.pages.busy_try(page)) {
            continue;
        }
        const Page* const above = meet(k, object, backing, page).above;
        if (above != nullptr && (above->valid == 0 || above->busied() || above->soft_busy != 0)) {
            k.pages.wakeup(page);  // an actor is filling that slot
            continue;
        }
        scan_page(k, object, backing, page);
    }
}

// TEST_ALL_SHADOWED: nothing of the backing object is seen through `object` (vm_object.c:1140-1158). Blocks that are
// not resident are not examined, so a backing object with blocks is refused (B-48).
bool all_shadowed(Kernel& k, Object& object, Object& backing) {
    k.ran(ObjectFunction::backing_scan_test);
    if (backing.type != ObjectType::default_ && !k.on(Defect::b48_bypass_ignores_swap)) {
        return false;
    }
    return std::none_of(backing.pages.begin(), backing.pages.end(),
                        [&](const Page& page) { return meet(k, object, backing, page).choice.moves; });
}

// Every page and block of the backing object moves or goes. False: as scan_all. Blocks
bool take_over(Kernel& k, Object& object, Object& backing) {
    if (!scan_all(k, object, backing)) {
        return false;
    }
    if (backing.swap_count != 0) {
        pip_add(object);
        pip_add(backing);
        swap_pager_copy(k, backing, object, object.backing_index(0));
        pip_wakeup(object, k.sched);
        pip_wakeup(backing, k.sched);
    }
    return true;
}

// The same under the chain locks of both. What was found out before they were had may not hold any more.
bool take_over_locked(Kernel& k, Object& object, Object& backing) {
    chain_acquire(object, k.sched);
    chain_acquire(backing, k.sched);
    const bool taken = may_go_on(object, backing) && take_over(k, object, backing);
    chain_release(backing);
    chain_release(object);
    return taken;
}

bool take_over_as_in_2006(Kernel& k, Object& object, Object& backing) {
    backing.set(kObjDead);
    const bool taken = take_over(k, object, backing);
    if (!taken) {
        backing.clear(kObjDead);
    }
    return taken;
}

// The parent takes everything over and the backing object ceases to exist (vm_object.c:1350-1435). False: it was given
// up. Blocks
bool merge(Kernel& k, Object& object, Object& backing) {
    k.ran(ObjectFunction::collapse_merges);
    if (k.journal.narration != nullptr) {
        k.journal.narration->object_collapsed(object.id, backing.id);
    }
    const bool taken =
        order_of_2006(k) ? take_over_as_in_2006(k, object, backing) : take_over_locked(k, object, backing);
    if (!taken) {
        return false;
    }

    Object* const below = backing.backing;
    const std::uint64_t offset = rule::joined_offset(object.backing_offset, backing.backing_offset, k.defects);
    object_unlink_backing(k, object);
    if (below != nullptr) {
        object_unlink_backing(k, backing);
        object_set_backing(k, object, *below, offset);  // the backing object's reference on it becomes ours
    } else {
        object.backing_offset = 0;
    }
    ensure_rule(backing.ref_count == 1, "I-25", "a merged backing object has no reference but its shadow's");
    backing.set(kObjDead);
    backing.ref_count = 0;
    k.objects.release(backing);
    ++k.stats.object_collapses;
    return true;
}

// The parent refers to what lies below its backing object from now on (vm_object.c:1441-1485). Blocks
void bypass(Kernel& k, Object& object, Object& backing) {
    k.ran(ObjectFunction::collapse_bypasses);
    if (k.journal.narration != nullptr) {
        k.journal.narration->object_bypassed(object.id, backing.id);
    }
    Object* const below = backing.backing;
    const std::uint64_t offset = rule::joined_offset(object.backing_offset, backing.backing_offset, k.defects);
    object_unlink_backing(k, object);
    if (below != nullptr) {
        for (unsigned gained = rule::bypass_references(k.defects); gained > 0; --gained) {
            object_reference(k, *below);
        }
        object_set_backing(k, object, *below, offset);
    } else {
        object.backing_offset = 0;
    }
    object_deallocate(k, &backing);
    ++k.stats.object_bypasses;
}

bool may_merge(const Object& object) {
    return object.anonymous() && !object.has(kObjDead);
}

}  // namespace

// Two more references while it scans: nobody may find the backing object collapsible meanwhile (vm_object.c:1283).
void object_qcollapse(Kernel& k, Object& object) {
    k.ran(ObjectFunction::qcollapse);
    Object* const backing = object.backing;
    if (backing == nullptr || backing->ref_count != 1 || backing->chain_holders != 0 || !may_merge(object) ||
        !may_merge(*backing)) {
        return;
    }
    // Who has the upper one locked has seen what it lacks, and is on his way down.
    if (object.chain_holders != 0 && !order_of_2006(k)) {
        return;
    }
    backing->ref_count += 2;
    scan_available(k, object, *backing);
    backing->ref_count -= 2;
}

void object_collapse(Kernel& k, Object& object) {
    k.ran(ObjectFunction::collapse);
    while (object.backing != nullptr) {
        Object& backing = *object.backing;
        if (!may_merge(object) || !may_merge(backing)) {
            return;
        }
        const bool locked = object.chain_holders != 0 || backing.chain_holders != 0;
        if (object.paging_in_progress != 0 || backing.paging_in_progress != 0 || (locked && !order_of_2006(k))) {
            object_qcollapse(k, object);
            return;
        }
        if (backing.ref_count == 1) {
            if (would_destroy_pinned(k, object, backing)) {
                ++k.stats.collapse_refusals;
                if (k.journal.narration != nullptr) {
                    k.journal.narration->collapse_refused(object.id, backing.id);
                }
                return;
            }
            if (!merge(k, object, backing)) {
                return;
            }
        } else {
            if (!all_shadowed(k, object, backing)) {
                return;
            }
            bypass(k, object, backing);
        }
    }
}

}  // namespace vmref::impl
