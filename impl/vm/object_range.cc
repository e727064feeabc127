// Ranges of an object: removal, cleaning, advice (vm_object.c:486-990, 1499-1594).
#include <algorithm>

#include "impl/page/swap_rule.h"
#include "impl/vm/page_ops.h"
#include "impl/vm/pager.h"
#include "impl/vm/rules/runs.h"
#include "impl/vm/vm_object.h"

namespace vmref::impl {

namespace {

Page* page_at_or_after(Object& object, PageIndex index, PageIndex end) {
    const auto found = object.pages.lower_bound(index);
    return found == object.pages.end() || found->pindex >= end ? nullptr : &*found;
}

// vm_object_page_remove_callback (vm_object.c:1550). Requires: page busied by us. Post: not busied, perhaps freed.
void remove_page(Kernel& k, Page& page, bool clean_only) {
    k.ran(ObjectFunction::page_remove_callback);
    if (page.wire_count != 0) {
        k.pmaps.page_protect(page, kProtNone);
        if (!clean_only) {
            const std::uint8_t dirty = page.dirty;
            k.pages.set_invalid(page);
            page.dirty = k.on(Defect::b54_truncation_keeps_dirty) ? dirty : page.dirty;
        }
        k.pages.wakeup(page);
        return;
    }
    if (clean_only && page.valid != 0) {
        page_test_dirty(k, page);
        const bool kept_dirty = page.dirty != 0 && !k.on(Defect::m25_clean_removal_destroys_dirty);
        const bool kept_held = page.hold_count != 0 && !k.on(Defect::b56_clean_removal_frees_held);
        if (kept_dirty || kept_held) {
            k.pages.wakeup(page);
            return;
        }
    }
    page_unmap_and_free(k, page);
}

// The page at `index` if it belongs to a run that is flushed: marked, dirty, and now busied by us.
Page* next_to_flush(Kernel& k, Object& object, PageIndex index) {
    Page* const page = k.pages.lookup(object, index);
    if (page == nullptr || !page->has(kPageCleanChk) || !k.pages.busy_try(*page)) {
        return nullptr;
    }
    page_test_dirty(k, *page);
    if (page->dirty == 0) {
        page->clear(kPageCleanChk);
        k.pages.wakeup(*page);
        return nullptr;
    }
    return page;
}

// The page is anybody's after its write, and it is protected and marked as if it were still the same.
void protect_by_old_pointer(Kernel& k, Page& page) {
    const Object* const object = page.object;
    const PageIndex index = page.pindex;
    k.pages.wakeup(page);
    k.sched.yield(BlockPoint::page_busy);
    ensure_rule(page.object == object && page.pindex == index, "I-57",
                "a page that was flushed is marked where it was");
    if (page.dirty != 0) {
        k.pmaps.page_protect(page, kProtRead);
    }
}

// What was stored to during the write is protected again (vm_object.c:735-746). Whether the page was written.
bool flush_page(Kernel& k, Page& page) {
    page.clear(kPageCleanChk);
    const bool written = pager_put_page(k, page) == PagerResult::ok;
    if (k.on(Defect::b52_flushed_page_by_old_pointer)) {
        protect_by_old_pointer(k, page);
        return written;
    }
    if (page.dirty != 0) {
        k.pmaps.page_protect(page, kProtRead);
    }
    k.pages.wakeup(page);
    return written;
}

// vm_object_page_collect_flush (vm_object.c:642): the dirty neighbours of `first`, behind it and then, if there is room
// left, in front of it, are written with it: at most pageout_page_count pages. Returns the index after the run.
// Requires: page busied, dirty.
PageIndex flush_run(Kernel& k, Object& object, Page& first, PageIndex end, bool& all_written) {
    k.ran(ObjectFunction::page_collect_flush);
    const PageIndex count = k.config.pageout_page_count;
    const PageIndex pivot = first.pindex;
    const PageIndex run_end = rule::run_end(pivot, count, end);
    PageIndex index = pivot;
    for (Page* page = &first; page != nullptr; page = index < run_end ? next_to_flush(k, object, index) : nullptr) {
        all_written = flush_page(k, *page) && all_written;
        ++index;
    }
    const PageIndex room = count - std::min(count, index - pivot);
    const PageIndex run_start = rule::run_start(pivot, room, k.defects);
    for (PageIndex before = pivot; before != run_start;) {
        Page* const page = next_to_flush(k, object, --before);
        if (page == nullptr) {
            break;
        }
        all_written = flush_page(k, *page) && all_written;
    }
    return index;
}

// Pass 1 (vm_object.c:562): marks and write-protects what is there now.
void mark_for_cleaning(Kernel& k, Object& object, PageIndex start, PageIndex end) {
    k.ran(ObjectFunction::page_clean_pass1);
    for (Page* page = page_at_or_after(object, start, end); page != nullptr;
         page = page_at_or_after(object, page->pindex + 1, end)) {
        if (k.on(Defect::b51_marked_while_busy)) {
            page->set(kPageCleanChk);
            k.pmaps.page_protect(*page, kProtRead);
            continue;
        }
        k.pages.busy_wait(*page);
        page->set(kPageCleanChk);
        k.pmaps.page_protect(*page, kProtRead);
        k.pages.wakeup(*page);
    }
}

// Pass 2 (vm_object.c:576): whatever pass 1 marked is written, if it is dirty. Whether every write was complete and
// went well.
bool flush_marked(Kernel& k, Object& object, PageIndex start, PageIndex end) {
    bool all_written = true;
    for (Page* page = page_at_or_after(object, start, end); page != nullptr;) {
        PageIndex next = page->pindex + 1;
        if (page->has(kPageCleanChk)) {
            k.ran(ObjectFunction::page_clean_pass2);
            k.pages.busy_wait(*page);
            page_test_dirty(k, *page);
            if (page->valid != 0 && page->dirty != 0) {
                next = flush_run(k, object, *page, end, all_written);
            } else {
                page->clear(kPageCleanChk);
                k.pages.wakeup(*page);
            }
        }
        page = page_at_or_after(object, next, end);
    }
    return all_written;
}

bool any_dirty_or_writeable(Object& object) {
    return std::any_of(object.pages.begin(), object.pages.end(),
                       [](const Page& page) { return page.dirty != 0 || page.has(kPageWriteable); });
}

// Whether MADV_FREE may let go of (object, index): anonymous, reachable through one mapping, nothing below that would
// show instead (vm_object.c:893-902, catalogue B-58).
bool may_discard(const Object& object, PageIndex index) {
    return object.anonymous() && object.has(kObjOneMapping) &&
           (object.backing == nullptr ||
            object_content(object.backing, object.backing_index(index)).kind == Content::Kind::zero);
}

// MADV_FREE of one resident page (vm_object.c:963-985): clean, unreferenced, without block. M goes with invalidation: a
// store through a translation that has seen M would be lost otherwise (B-59).
void free_page_contents(Kernel& k, Page& page) {
    const bool block = page.object->swap_slot(page.pindex) != kNoSwapSlot;
    const auto freed = rule::advised_free<std::uint32_t>(block, k.defects);
    if (k.on(Defect::b59_free_keeps_translations)) {
        k.pmaps.clear_modify_in_tables(page);
    } else {
        k.pmaps.clear_modify(page);
    }
    k.pages.undirty(page);
    page.act_count = 0;
    page_dontneed(k, page);
    if (freed.frees_block) {
        swap_free_space(k, *page.object, page.pindex, 1);
        page.clear(kPageSwapped);
    }
}

void advise_page(Kernel& k, Page& page, Advice advice) {
    switch (advice) {
        case Advice::willneed:
            k.pages.activate(page);
            break;
        case Advice::dontneed:
            page_dontneed(k, page);
            break;
        case Advice::free:
            free_page_contents(k, page);
            break;
        case Advice::normal:
        case Advice::random:
        case Advice::sequential:
        case Advice::nosync:
        case Advice::autosync:
            break;
    }
}

bool skipped_by_madvise(const Page& page) {
    return page.hold_count != 0 || page.wire_count != 0 || page.has(kPageUnmanaged) || !page.fully_valid();
}

// One index of vm_object_madvise: the first resident page down the chain. Blocks on a busy page, then starts over.
void advise_index(Kernel& k, Object& top, PageIndex top_index, Advice advice) {
    Object* object = &top;
    PageIndex index = top_index;
    const bool walks = advice != Advice::free || k.on(Defect::b58_free_walks_the_chain);
    while (object != nullptr) {
        if (Page* const page = k.pages.lookup(*object, index)) {
            if (skipped_by_madvise(*page)) {
                return;
            }
            if (!k.pages.busy_try(*page)) {
                k.pages.sleep_busy(*page);
                object = &top;
                index = top_index;
                continue;
            }
            const bool refused =
                advice == Advice::free && !k.on(Defect::b58_free_walks_the_chain) && !may_discard(*object, index);
            advise_page(k, *page, refused ? Advice::dontneed : advice);
            k.pages.wakeup(*page);
            return;
        }
        if (advice == Advice::free && may_discard(*object, index) && object->swap_slot(index) != kNoSwapSlot) {
            witness_discard(k, *object, index);
            swap_free_space(k, *object, index, 1);
        }
        if (!walks) {
            return;
        }
        index = object->backing_index(index);
        object = object->backing;
    }
}

}  // namespace

void object_page_remove(Kernel& k, Object& object, PageIndex start, PageIndex end, bool clean_only) {
    k.ran(ObjectFunction::page_remove);
    const bool forgets_blocks = k.on(Defect::b55_remove_forgets_blocks);
    pip_add(object);
    const std::uint64_t others = k.others_ran;
    std::uint32_t left = object.resident_page_count;
    for (Page* page = page_at_or_after(object, start, end); page != nullptr;) {
        const PageIndex index = page->pindex;
        // The busy test comes first, also for a wired page: its validity may be under I/O (B-53).
        if (!k.pages.busy_try(*page)) {
            if (k.on(Defect::b96_remove_ignores_writes)) {
                swap_free_space(k, object, index, 1);
            }
            if (page->wire_count != 0 && k.on(Defect::b53_wired_test_first)) {
                k.pages.set_invalid(*page);
            }
            k.pages.sleep_busy(*page);
            page = page_at_or_after(object, index, end);
            continue;
        }
        ensure_rule(left-- > 0 || k.others_ran != others, "I-85",
                    "every page that is removed was there at the beginning");
        remove_page(k, *page, clean_only);
        page = page_at_or_after(object, index + 1, end);
    }
    if (!clean_only && !forgets_blocks) {
        swap_free_space(k, object, start, end - start);
    }
    pip_wakeup(object, k.sched);
}

void object_page_clean(Kernel& k, Object& object, PageIndex start, PageIndex end) {
    if (object.type != ObjectType::vnode || !object.has(kObjMightBeDirty)) {
        return;
    }
    k.ran(ObjectFunction::page_clean);
    end = std::min(end, object.size);
    const bool whole = start == 0 && end == object.size;
    object.set(kObjCleaning);
    if (whole || !k.on(Defect::b117_partial_clean_marks_nothing)) {
        mark_for_cleaning(k, object, start, end);
    }
    if (whole && k.on(Defect::b50_clean_flags_early)) {
        object.clear(kObjWriteable | kObjMightBeDirty);
    }
    const std::uint64_t generation = object.generation;
    const std::uint64_t others = k.others_ran;
    bool all_written = true;
    for (unsigned rounds = 1; rounds == 1 || object.generation != generation; ++rounds) {
        ensure_rule(rounds == 1, "I-84", "pages that come while others are cleaned are not chased");
        all_written = flush_marked(k, object, start, end) && all_written;
        if (!k.on(Defect::b49_clean_repeats)) {
            break;
        }
    }
    object.clear(kObjCleaning);
    if (whole && !any_dirty_or_writeable(object)) {
        object.clear(kObjWriteable | kObjMightBeDirty);
    }
    if (k.probe != nullptr) {
        k.probe->pages_cleaned(object, start, end, all_written && k.others_ran == others);
    }
}

void object_madvise(Kernel& k, Object& object, PageIndex start, PageIndex count, Advice advice) {
    k.ran(ObjectFunction::madvise);
    for (PageIndex index = start; index < start + count; ++index) {
        advise_index(k, object, index, advice);
    }
}

void object_deactivate_pages(Kernel& k, Object& object) {
    k.ran(ObjectFunction::deactivate_pages);
    for (Page& page : object.pages) {
        if (!page.busied()) {
            k.pages.deactivate(page);
        }
    }
}

void object_pmap_copy_1(Kernel& k, Object& object, PageIndex start, PageIndex end) {
    k.ran(ObjectFunction::pmap_copy_1);
    if (!object.has(kObjWriteable)) {
        return;
    }
    for (Page* page = page_at_or_after(object, start, end); page != nullptr;
         page = page_at_or_after(object, page->pindex + 1, end)) {
        k.pmaps.page_protect(*page, kProtRead);
    }
}

void object_pmap_remove(Kernel& k, Object& object, PageIndex start, PageIndex end) {
    k.ran(ObjectFunction::pmap_remove);
    for (Page* page = page_at_or_after(object, start, end); page != nullptr;
         page = page_at_or_after(object, page->pindex + 1, end)) {
        k.pmaps.page_protect(*page, kProtNone);
    }
    if (start == 0 && end == object.size) {
        object.clear(kObjWriteable);
    }
}

}  // namespace vmref::impl
