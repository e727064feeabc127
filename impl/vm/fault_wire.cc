// Wiring, unwiring and copying of entries (vm_fault.c:2299-2496, catalogue D-4, D-9, D-10).
#include "impl/vm/fault.h"
#include "impl/vm/kernel.h"
#include "impl/vm/page_ops.h"
#include "impl/vm/pager.h"
#include "impl/vm/rules/rights.h"
#include "impl/vm/vm_object.h"

namespace vmref::impl {

namespace {

// A guard page is not there to be wired (vm_fault.c:2338, 2394).
Va first_wired(const MapEntry& entry) {
    return entry.start + (entry.has(kEntryKstack) ? kPageSize : 0);
}

// Takes back one wiring of the entry's page at `va`. Blocks on a busy page.
void unwire_page(Kernel& k, Map& map, MapEntry& entry, Va va) {
    Page* const mapped = k.pmaps.unwire(*map.pmap, va);
    ensure(mapped != nullptr || !k.on(Defect::b94_unwire_needs_pte), "an unwired page is mapped");
    if (mapped == nullptr && k.on(Defect::b09_unwire_walks_ptes)) {
        return;
    }
    if (entry.device != 0) {
        // Its pages are wired by nobody; only the mapping was (vm_fault.c:2318-2334, B-14).
        ensure_rule(mapped == nullptr || !k.on(Defect::b14_device_pages_unwired), "I-93",
                    "a page of a device is not unwired: it never was wired");
        return;
    }
    Page* const page = chain_resident_page(k, entry.object, entry.index_of(va));
    ensure_rule(page != nullptr && page->wire_count > 0, "I-49", "a wired entry has a wired page at every index");
    k.pages.busy_wait(*page);
    k.pages.unwire(*page, true);
    if (page->wire_count == 0 && page->valid == 0) {
        // Truncated while it was wired: nothing needs it any more, who holds it only its frame (catalogue D-4).
        page_unmap_and_free(k, *page);
    } else {
        k.pages.wakeup(*page);
    }
}

}  // namespace

Status fault_wire(Kernel& k, Map& map, MapEntry& entry, Wirer wirer) {
    const bool user = wirer == Wirer::user;
    const Va start = first_wired(entry);
    const Va end = entry.end;
    map_unlock(map);
    Status status = Status::success;
    Va va = start;
    while (va < end) {
        k.sched.yield(BlockPoint::wire_loop);
        status = vm_fault(k, map, va, user ? entry.protection : kProtRead | kProtWrite,
                          user ? kFaultUserWire : kFaultChangeWiring);
        if (status != Status::success) {
            break;
        }
        va += kPageSize;
    }
    map_lock(k, map);
    const Va failed = va;
    while (status != Status::success && va > start) {
        va -= kPageSize;
        unwire_page(k, map, entry, va);
    }
    if (status != Status::success && k.probe != nullptr) {
        k.probe->wiring_undone(entry, start, failed);
    }
    return status;
}

void fault_unwire(Kernel& k, Map& map, MapEntry& entry) {
    for (Va va = first_wired(entry); va < entry.end; va += kPageSize) {
        ensure_rule(entry.map == &map, "I-41", "an entry is there while its pages are unwired");
        unwire_page(k, map, entry, va);
    }
}

namespace {

// Whether the copy gets a page of its own at this index: anonymous data always, a file's page only of a wired source.
bool is_copied(const Content& source, bool wired) {
    switch (source.kind) {
        case Content::Kind::page:
            return wired || source.object->anonymous();
        case Content::Kind::swap:
            return true;
        case Content::Kind::file:
            return wired;
        case Content::Kind::zero:
        case Content::Kind::refused:
            break;
    }
    return false;
}

// A new page at (object, index) of the copy; nullptr: dying for memory. Blocks
Page* allocate_for_copy(Kernel& k, Object& object, PageIndex index) {
    for (;;) {
        if (!k.pages.count_severe()) {
            if (Page* const page = k.pages.alloc(object, index, AllocClass::normal)) {
                return page;
            }
        }
        k.wait_for_memory();
        if (k.current_dying()) {
            return nullptr;
        }
    }
}

// The page that the copy is made from, held: valid, wherever on the chain it is. nullptr: dying for memory, or it
// cannot be read. Blocks
Page* hold_source(Kernel& k, MapEntry& from, PageIndex index) {
    const bool wired = from.wired_count != 0;
    ensure(!wired || !k.on(Defect::b16_copy_entry_top_only) || k.pages.lookup(*from.object, index) != nullptr,
           "a wired page is in the top object");
    if (wired && k.on(Defect::b17_copy_entry_as_found)) {
        Page* const found = chain_resident_page(k, from.object, index);
        k.pages.hold(*found);
        return found;
    }
    Status status = Status::success;
    return vm_fault_object_page(k, *from.object, index, kProtRead, kFaultNormal, status);
}

// Copies what `from` shows at `index` into the copy's page `index`. False: as above. Blocks
bool copy_page(Kernel& k, Object& copy, PageIndex index, MapEntry& from) {
    const PageIndex source_index = from.first_index() + index;
    if (!is_copied(object_content(from.object, source_index), from.wired_count != 0)) {
        return true;
    }
    Page* const source = hold_source(k, from, source_index);
    if (source == nullptr) {
        return false;
    }
    Page* const target = allocate_for_copy(k, copy, index);
    if (target != nullptr) {
        k.pages.busy_wait(*source);
        if (source->object->anonymous() && source->dirty == 0 &&
            source->object->swap_slot(source->pindex) == kNoSwapSlot) {
            k.pages.dirty(*source);  // what was copied must not be let go of as madvise(free) allowed
        }
        if (k.probe != nullptr) {
            k.probe->before_copy(*source, *target);
        }
        k.pages.copy(*source, *target);
        if (k.journal.narration != nullptr) {
            k.journal.narration->page_copied(narrated(*source), narrated(*target));
        }
        object_set_writeable_dirty(k, copy);
        k.pages.wakeup(*source);
        k.pages.activate(*target);
        k.pages.wakeup(*target);
    }
    k.pages.unhold(*source);
    return target != nullptr;
}

// The object at the end of the chain, if it is a file, shows through wherever the copy has no page of its own.
void shadow_chain_end(Kernel& k, Object& copy, MapEntry& from) {
    Object* bottom = from.object;
    std::uint64_t offset = from.offset;
    while (bottom != nullptr && bottom->backing != nullptr) {
        offset += bottom->backing_offset;
        bottom = bottom->backing;
    }
    if (bottom != nullptr && bottom->type == ObjectType::vnode) {
        object_reference(k, *bottom);
        object_set_backing(k, copy, *bottom, offset);
    }
}

// Maps the copied pages, as the source does for the child (vm_fault.c:2485). A shortage of page tables only leaves
// them to later faults.
void enter_copied_page(Kernel& k, MapEntry& to, PageIndex index) {
    Page* const page = k.pages.lookup(*to.object, index);
    const auto prot =
        static_cast<Prot>(rule::copied_rights<std::uint32_t>(to.protection, to.max_protection, k.defects));
    if (page == nullptr || prot == kProtNone || (prot & kProtRead) == 0) {
        return;
    }
    k.pages.busy_wait(*page);
    k.pmaps.enter(*to.map->pmap, to.start + (index << kPageShift), *page, prot, false);
    k.pages.wakeup(*page);
}

}  // namespace

bool fault_copy_entry(Kernel& k, MapEntry& to, MapEntry& from) {
    const std::uint64_t others = k.others_ran;
    map_entry_allocate_object(k, to);
    Object& copy = *to.object;
    shadow_chain_end(k, copy, from);
    if (from.object == nullptr) {
        return true;
    }
    for (PageIndex index = 0; index < to.page_count(); ++index) {
        if (!copy_page(k, copy, index, from)) {
            return false;
        }
        if (from.wired_count != 0) {
            enter_copied_page(k, to, index);
        }
    }
    if (k.probe != nullptr && k.others_ran == others) {
        k.probe->entry_copied(from, to);
    }
    return true;
}

}  // namespace vmref::impl
