// vm_page: allocation, busy protocol, queues, wiring, validity (semantics.md 1.3 to 1.6, 2.10).
// Nothing here touches a page table; what needs mappings to go first is in impl/vm/page_ops.h.
#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <span>
#include <vector>

#include "impl/arena/containers.h"
#include "impl/defects/assertion.h"
#include "impl/defects/defects.h"
#include "impl/machine/machine.h"
#include "impl/page/failing_allocations.h"
#include "impl/page/object.h"
#include "impl/page/page.h"
#include "impl/sched/scheduler.h"
#include "ops/config.h"

namespace vmref::impl {

// How deep an allocation may dig into the free pages (vm_page_alloc). normal: leaves free_reserved pages, may recycle
// cache pages. system: may take every page.
enum class AllocClass : std::uint8_t { normal, system };

class PageSystem {
  public:
    PageSystem(const Config& config, const DefectSet& defects, Machine& machine, Scheduler& sched, Journal& journal);

    // --- finding and busying -------------------------------------------------------------------------------------
    Page* lookup(Object& object, PageIndex index) const {
        if (Page* const near = object.last_found) {
            if (near->pindex == index) {
                return near;
            }
            const auto next = std::next(object.pages.iterator_to(*near));
            if (next != object.pages.end() && next->pindex == index) {
                return object.last_found = &*next;
            }
        }
        const auto found = object.pages.find(index);
        return found == object.pages.end() ? nullptr : object.last_found = &*found;
    }
    // nullptr: not resident. Otherwise the page: busied by us (error false), or somebody else's, hard or soft (error
    // true).
    Page* lookup_busy_try(Object& object, PageIndex index, bool& error);
    // Busies the page, waiting for others; nullptr if it is gone by then. Blocks.
    Page* lookup_busy_wait(Object& object, PageIndex index);
    bool busy_try(Page& page);    // also refuses soft-busy pages; true: busied by us
    void busy_wait(Page& page);   // Blocks. Requires: `page` cannot be freed meanwhile
    void sleep_busy(Page& page);  // at most one sleep; owns nothing afterwards. Blocks.
    void wakeup(Page& page) {     // unbusies and wakes. Requires: busied by us
        ensure_rule(owned(page), "I-47", "only its owner unbusies a page");
        page.busy_owner = 0;
        wake_sleepers(page);
    }
    void io_start(Page& page);   // soft busy. Requires: busied by us
    void io_finish(Page& page);  // the last one wakes. Requires: soft-busy
    // The page stays busy, of another owner from now on. Requires: busied by us
    void hand_over(Page& page, Scheduler::ThreadId owner);

    // --- allocation ----------------------------------------------------------------------------------------------
    // A page busied by us, on no queue, valid == 0, dirty == 0, inserted at (object, index); nullptr if there is no
    // memory or the slot is taken. Does not block.
    Page* alloc(Object& object, PageIndex index, AllocClass allocation);
    // The free page of that frame, taken as by alloc: for memory that is not everybody's.
    Page& take(Frame frame, Object& object, PageIndex index);
    // Frees a busied page: out of its object and queue, valid := 0, dirty := 0, unbusied. Requires: busied by us, not
    // mapped, not soft-busy, not wired (I-50). A held page waits on the hold queue. A fictitious one has no frame to
    // give back: it is only unbusied.
    void free(Page& page);

    // What a thread that waits for memory sleeps on: woken by every page that becomes free or cached.
    const void* memory_channel() const { return &free_; }
    std::uint32_t free_count() const { return static_cast<std::uint32_t>(free_.size()); }
    std::uint32_t cache_count() const { return static_cast<std::uint32_t>(cache_.size()); }
    std::uint32_t wired_count() const { return wired_count_; }  // v_wire_count
    std::uint32_t frames_used() const { return static_cast<std::uint32_t>(pages_.size()) - 1 - free_count(); }
    std::uint32_t peak_frames() const { return peak_frames_; }  // highest frames_used() so far
    bool count_severe() const { return free_count() + cache_count() < config_.free_severe; }
    bool count_min() const { return free_count() + cache_count() < config_.free_min; }
    bool count_target() const { return free_count() + cache_count() < config_.free_target; }

    // --- identity ------------------------------------------------------------------------------------------------
    void insert(Page& page, Object& object, PageIndex index);  // Requires: busied, in no object, slot empty
    void remove(Page& page);                                   // Requires: busied. Mappings are not touched
    // Moves a busied page; dirty := all, mappings and the RAM mark stay, off the cache queue, still busied.
    void rename(Page& page, Object& object, PageIndex index);

    // --- queues --------------------------------------------------------------------------------------------------
    // activate and deactivate leave wired pages, unmanaged ones and page-table pages on no queue. No order of use is
    // kept within a queue: act_count says how active a page is.
    void activate(Page& page) {
        if (page.queue != Queue::active) {
            move_to_active(page);
        }
        page.act_count = std::max(page.act_count, kActInit);
    }
    void deactivate(Page& page);
    void to_cache(Page& page);  // Requires: clean, unmapped, unheld, unwired, no I/O
    void unqueue(Page& page);   // Requires: neither free nor waiting for its last unhold
    PageQueue& active() { return active_; }
    PageQueue& inactive() { return inactive_; }
    PageQueue& cache() { return cache_; }

    // --- wiring and holding --------------------------------------------------------------------------------------
    void wire(Page& page);
    void unwire(Page& page, bool to_active);  // 1 -> 0 queues the page. Requires: wire_count > 0
    void wire_quick(Page& page);              // Requires: wire_count >= 1
    bool unwire_quick(Page& page);            // true, and no change, if wire_count == 1
    void hold(Page& page);
    void unhold(Page& page);

    // --- contents and validity -----------------------------------------------------------------------------------
    // What makes a page clean or changes its validity requires a page busied by us (I-47); for the end of I/O a
    // soft-busy one will do.
    void dirty(Page& page);    // dirty := all; the object may be dirty now. Requires: neither cached nor free
    void undirty(Page& page);  // dirty := 0; the written ghost is cleared too
    // A write-out begins: the page is dirty until it has ended, and the ghost of what is written goes now.
    void write_begins(Page& page);
    // It has ended: dirty := 0 unless somebody marked the page meanwhile. M in a PTE makes it dirty again (D-12).
    void write_ends(Page& page);
    void set_valid_clean(Page& page);  // valid := all, dirty := 0, NOSYNC and ghost cleared (after a read)
    void set_invalid(Page& page);      // valid := 0, dirty := 0; generation grows. Requires: not soft-busy
    void zero_fill(Page& page);        // zeroes the frame; the caller sets valid, the journal names the cell already
    void zero_invalid(Page& page);     // zeroes the invalid chunks, valid := all
    void copy(const Page& from, Page& to);  // contents; to.valid := all, to.dirty := all

    Page& page_of_frame(Frame frame) { return pages_[frame]; }
    std::span<const Page> pages() const { return pages_; }
    PhysicalMemory& memory() { return machine_.memory(); }
    std::uint64_t reactivated() const { return reactivated_; }
    // How often pages came into and out of objects, and were wired first and unwired last.
    struct Counts {
        std::uint64_t inserted = 0;
        std::uint64_t removed = 0;
        std::uint64_t wired = 0;
        std::uint64_t unwired = 0;
    };
    const Counts& counts() const { return counts_; }
    FailingAllocations& failing() { return failing_; }
    const FailingAllocations& failing() const { return failing_; }

  private:
    static constexpr std::uint8_t kActInit = 5;  // ACT_INIT

    bool owned(const Page& page) const { return page.busy_owner == sched_.current(); }
    void wake_sleepers(Page& page) {
        if (page.has(kPageWanted) && !defects_.on(Defect::m21_wakeup_omitted)) {
            page.clear(kPageWanted);
            sched_.wakeup(&page);
        }
    }
    void cell_changed(const Page& page) {
        if (page.object != nullptr) {
            journal_.cell_changed(page.object->id, page.pindex);
        }
    }

    bool recycle();
    bool link(Page& page, Object& object, PageIndex index);
    void release_frame(Page& page);
    void move_to_active(Page& page);
    PageQueue* queue_of(Queue queue);
    void enqueue(Page& page, Queue queue);
    void dequeue(Page& page);

    const Config& config_;
    const DefectSet& defects_;
    Machine& machine_;
    Scheduler& sched_;
    Journal& journal_;
    PageQueue free_, hold_, cache_, inactive_, active_;
    std::vector<Page, IndexedAllocator<Page, Indexed::by_frame, false>> pages_;  // by frame; frame 0 unused
    std::uint32_t wired_count_ = 0;
    std::uint32_t peak_frames_ = 0;
    std::uint64_t reactivated_ = 0;
    Counts counts_;
    FailingAllocations failing_;
};

}  // namespace vmref::impl
