#include "impl/vm/read_ahead.h"

#include <algorithm>

#include "impl/vm/vm_object.h"

namespace vmref::impl {

namespace {

// Pages behind `index`: as long as the pager has them, they are not resident, and memory is plenty. They end up valid,
// clean, deactivated and unbusied; the last one is the mark where read-ahead goes on. After an error those of a swap
// cluster stay without data, with their blocks (catalogue D-6); a file's are not allocated at all. Returns how many.
std::uint32_t read_neighbours(Kernel& k, Object& object, PageIndex index, std::uint32_t count, bool fails) {
    if (fails && object.type == ObjectType::vnode) {
        return 0;
    }
    Page* last = nullptr;
    std::uint32_t n = 0;
    for (; n < count; ++n, ++index) {
        if (index >= object.size || !pager_has_page(object, index) || k.pages.lookup(object, index) != nullptr ||
            k.pages.count_target()) {
            break;
        }
        Page* const page = k.pages.alloc(object, index, AllocClass::normal);
        if (page == nullptr) {
            break;
        }
        if (!fails) {
            read_block(k, *page);
            ++k.stats.pageins;
            last = page;
        }
        k.pages.deactivate(*page);
        k.pages.wakeup(*page);
    }
    if (last != nullptr) {
        last->set(kPageRam);
    }
    return n;
}

}  // namespace

void read_block(Kernel& k, Page& m) {
    const Object& object = *m.object;
    const bool is_file = object.type == ObjectType::vnode;
    const std::uint8_t* const bytes = is_file ? object.vnode->block(m.pindex) : k.swap.read(object.swap_slot(m.pindex));
    if (bytes == nullptr) {
        k.pages.zero_fill(m);
    } else {
        std::copy_n(bytes, kPageSize, k.machine.memory().frame_for_write(m.frame));
    }
    k.pages.set_valid_clean(m);
    if (!is_file) {
        m.set(kPageSwapped);
    }
}

PagerResult read_cluster(Kernel& k, Object& object, PageIndex index, Page& m, const ReadRequest& request) {
    k.sched.yield(BlockPoint::pager_io);
    const bool wanted = !m.fully_valid();
    if (wanted && !pager_has_page(object, index)) {
        return PagerResult::fail;
    }
    if (wanted && !request.fails) {
        read_block(k, m);
        ++k.stats.pageins;
    }
    const std::uint32_t neighbours = wanted ? request.cluster - 1 : request.cluster;
    const std::uint32_t ahead = read_neighbours(k, object, index + 1, neighbours, request.fails);
    if (k.journal.narration != nullptr) {
        k.journal.narration->page_read(narrated(m), wanted, ahead);
    }
    return wanted && request.fails ? PagerResult::error : PagerResult::ok;
}

}  // namespace vmref::impl
