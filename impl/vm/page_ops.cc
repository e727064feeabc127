#include "impl/vm/page_ops.h"

#include <algorithm>

#include "impl/vm/vm_object.h"

namespace vmref::impl {

namespace {

bool all_zero(const std::uint8_t* bytes) {
    return std::all_of(bytes, bytes + kPageSize, [](std::uint8_t byte) { return byte == 0; });
}

// Whether dropping the clean page changes what its mappings see: it is the only copy of anonymous data.
bool is_only_copy(const Page& m) {
    return m.object->anonymous() && m.object->swap_slot(m.pindex) == kNoSwapSlot;
}

}  // namespace

void page_test_dirty(Kernel& k, Page& m) {
    if (m.dirty != kPageBitsAll && k.pmaps.is_modified(m)) {
        k.pages.dirty(m);
    }
}

void page_free(Kernel& k, Page& m) {
    if (k.probe != nullptr) {
        k.probe->before_free(m);
    }
    k.pages.free(m);
}

void page_unmap_and_free(Kernel& k, Page& m) {
    k.pmaps.page_protect(m, kProtNone);
    page_free(k, m);
}

void page_cache(Kernel& k, Page& m) {
    // Mappings go first, then M is looked at: a store may have slipped in between (uvm log, topic 8).
    const bool tested_before = k.on(Defect::b101_modify_tested_first);
    const bool dirty_before = m.dirty != 0;
    k.pmaps.page_protect(m, kProtNone);
    if (tested_before ? dirty_before : m.dirty != 0) {
        k.pages.deactivate(m);
        k.pages.wakeup(m);
        return;
    }
    if (!is_only_copy(m)) {
        k.pages.to_cache(m);
        k.pages.wakeup(m);
        return;
    }
    const PageIndex below = m.object->backing_index(m.pindex);
    if (m.object->backing != nullptr && object_content(m.object->backing, below).kind != Content::Kind::zero) {
        // Clean, without block, and covering older data: only a dirty mark keeps it the newest copy (I-11).
        k.pages.dirty(m);
        k.pages.activate(m);
        k.pages.wakeup(m);
        return;
    }
    if (!all_zero(k.machine.memory().frame(m.frame))) {
        witness_discard(k, *m.object, m.pindex);
    }
    page_free(k, m);
}

void page_dontneed(Kernel& k, Page& m) {
    if (m.wire_count != 0 || m.has(kPageUnmanaged)) {
        return;
    }
    k.pmaps.clear_reference(m);
    m.clear(kPageReferenced);
    page_test_dirty(k, m);
    k.pages.deactivate(m);
}

void page_set_nosync(Kernel& k, Page& m, bool entry_nosync) {
    const bool was_set = m.has(kPageNoSync);
    if (!entry_nosync) {
        m.clear(kPageNoSync);
    } else if (m.dirty == 0) {
        m.set(kPageNoSync);
        k.stats.pages_nosync += was_set ? 0 : 1;
    }
    if (k.probe != nullptr) {
        k.probe->nosync_judged(m, entry_nosync, was_set);
    }
}

void witness_discard(Kernel& k, const Object& object, PageIndex index) {
    for_each_view(object, index, [&](const MapEntry& entry, Va va) {
        k.discarded.push_back({entry.map->pid, va, k.bytes_moved});
    });
    if (k.discard_witness != nullptr) {
        k.discard_witness->discarded(object, index);
    }
}

void page_move_wiring(Kernel& k, Page& from, Page& to) {
    k.pages.wire(to);
    k.pages.unwire(from, true);
}

}  // namespace vmref::impl
