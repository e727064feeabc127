// Blocks of anonymous objects (swap_pager.c as summarised in semantics.md 2.9).
#include <algorithm>

#include "impl/page/swap_rule.h"
#include "impl/vm/fault.h"
#include "impl/vm/page_ops.h"
#include "impl/vm/pager.h"
#include "impl/vm/read_ahead.h"
#include "impl/vm/rules/chain.h"
#include "impl/vm/vm_object.h"

namespace vmref::impl {

namespace {

void set_slot(Kernel& k, Object& object, PageIndex index, std::uint32_t slot) {
    if (object.swap_slots.size() <= index) {
        object.swap_slots.resize(object.size, kNoSwapSlot);
    }
    object.swap_slots[index] = slot;
    ++object.swap_count;
    object.type = ObjectType::swap;
    k.journal.cell_changed(object.id, index);
}

std::uint32_t take_slot(Kernel& k, Object& object, PageIndex index) {
    const std::uint32_t slot = object.swap_slots[index];
    object.swap_slots[index] = kNoSwapSlot;
    --object.swap_count;
    k.journal.cell_changed(object.id, index);
    return slot;
}

}  // namespace

void swap_free_space(Kernel& k, Object& object, PageIndex start, PageIndex count) {
    if (object.swap_count == 0) {
        return;
    }
    const std::uint64_t end = std::min<std::uint64_t>(std::uint64_t{start} + count, object.swap_slots.size());
    for (std::uint64_t index = start; index < end && object.swap_count != 0; ++index) {
        if (object.swap_slots[index] != kNoSwapSlot) {
            ensure_rule(!k.injection.under_write(object.swap_slots[index]), "I-10",
                        "a block that is being written is not freed");
            k.swap.release(take_slot(k, object, static_cast<PageIndex>(index)));
        }
    }
}

void swap_pager_unswapped(Kernel& k, Page& m) {
    ensure_rule(m.object->hold_count > 0, "I-34", "a block is freed while its object is held");
    k.sched.yield(BlockPoint::swap_release);
    swap_free_space(k, *m.object, m.pindex, 1);
    m.clear(kPageSwapped);
}

void swap_pager_copy(Kernel& k, Object& source, Object& destination, PageIndex base) {
    k.sched.yield(BlockPoint::paging_in_progress);
    for (PageIndex index = 0; index < source.swap_slots.size() && source.swap_count != 0; ++index) {
        if (source.swap_slots[index] == kNoSwapSlot) {
            continue;
        }
        const std::uint32_t slot = take_slot(k, source, index);
        const PageIndex above = index - base;
        const bool in_window = index >= base && above < destination.size;
        const Page* const page = in_window ? k.pages.lookup(destination, above) : nullptr;
        const rule::Slot<std::uint32_t> slot_above{.resident = page != nullptr,
                                                   .valid = page != nullptr && page->valid != 0,
                                                   .block = in_window && destination.swap_slot(above) != kNoSwapSlot};
        if (k.on(Defect::b47_source_block_wins) && !slot_above.valid && slot_above.block) {
            k.swap.release(take_slot(k, destination, above));
            set_slot(k, destination, above, slot);
        } else if (!rule::block_moves(slot_above, in_window)) {
            k.swap.release(slot);
        } else {
            set_slot(k, destination, above, slot);
        }
    }
}

namespace {

// Brings back what one object has in swap space; our reference keeps it.
void unswap_object(Kernel& k, Object& object) {
    object_reference(k, object);
    const auto wanted = [&object] { return object.swap_count != 0 && object.ref_count > 1; };
    for (PageIndex index = 0; index < object.swap_slots.size() && wanted(); ++index) {
        if (object.swap_slot(index) == kNoSwapSlot) {
            continue;
        }
        Status status = Status::success;
        Page* const m = vm_fault_object_page(k, object, index, kProtNone, kFaultDirty | kFaultUnswap, status);
        if (m == nullptr) {
            continue;  // unreadable; or its last mapping went with a process that was killed for the memory
        }
        k.pages.unhold(*m);
        ++k.stats.pages_unswapped;
    }
    object_deallocate(k, &object);
}

}  // namespace

void swap_pager_off(Kernel& k) {
    k.swap.close(true);
    for (ObjectId id = 0; id < k.objects.all().size(); ++id) {
        Object* const object = k.objects.find(id);
        if (object != nullptr && object->anonymous() && object->swap_count != 0) {
            unswap_object(k, *object);
        }
    }
    k.swap.close(false);
}

PagerResult swap_get_page(Kernel& k, Object& object, PageIndex index, Page& m, const ReadRequest& request) {
    return read_cluster(k, object, index, m, request);
}

PagerResult swap_put_page(Kernel& k, Page& m, const PagerPlan& plan) {
    Object& object = *m.object;
    const bool block = object.swap_slot(m.pindex) != kNoSwapSlot;
    const auto begun = rule::swap_write_begins<std::uint32_t>(block, k.defects);
    if (!begun.takes_block) {  // B-106
        k.pmaps.clear_modify(m);
        k.pages.undirty(m);
        return PagerResult::ok;
    }
    const std::uint32_t slot = k.swap.allocate();
    if (slot == kNoSwapSlot) {
        return PagerResult::fail;
    }
    // The old block goes before the write.
    if (begun.frees_block) {
        swap_free_space(k, object, m.pindex, 1);
    }
    set_slot(k, object, m.pindex, slot);
    if (begun.clears_modified) {
        k.pmaps.clear_modify(m);
    }
    if (begun.dirties) {
        k.pages.dirty(m);
    }
    k.pages.write_begins(m);
    k.swap.write(slot, k.machine.memory().frame(m.frame));
    return go_on_writing(k, m, slot, plan);
}

}  // namespace vmref::impl
