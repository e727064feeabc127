// vm_page: what the kernel knows of one frame (semantics.md 1.1 to 1.6).
#pragma once

#include <boost/intrusive/list.hpp>
#include <boost/intrusive/set.hpp>
#include <cstdint>

#include "impl/page/flag_changes.h"
#include "ops/types.h"

namespace vmref::impl {

struct Object;
struct Page;
struct Pmap;

namespace intrusive = boost::intrusive;
// Whether a thing is on a list is told by its own fields (queue, object, ...), not by the hook.
using ListHook = intrusive::list_member_hook<intrusive::link_mode<intrusive::normal_link>>;
using TreeHook = intrusive::set_member_hook<intrusive::link_mode<intrusive::normal_link>>;

// One managed mapping of a page: (pmap, va). On exactly one page's list and one pmap's list (I-60).
struct PvEntry {
    Pmap* pmap = nullptr;
    Va va = 0;
    Page* page = nullptr;        // nullptr: free
    Page* page_table = nullptr;  // pv_ptem: the page-table page that holds the PTE
    ListHook page_hook;
    ListHook pmap_hook;
};
using PagePvList = intrusive::list<PvEntry, intrusive::member_hook<PvEntry, ListHook, &PvEntry::page_hook>>;
using PmapPvList = intrusive::list<PvEntry, intrusive::member_hook<PvEntry, ListHook, &PvEntry::pmap_hook>>;

// Where the pageout daemon finds a page. none: wired, busied by a fault, or unmanaged.
enum class Queue : std::uint8_t { none, free, hold, cache, inactive, active };

inline constexpr std::uint8_t kPageBitsAll = 0xFF;  // eight 512-byte chunks

// Page flags (semantics.md 1.2).
inline constexpr std::uint16_t kPageMapped = 1U << 0;     // at least one managed mapping
inline constexpr std::uint16_t kPageWriteable = 1U << 1;  // some mapping may be writable (conservative)
inline constexpr std::uint16_t kPageReferenced = 1U << 2;
inline constexpr std::uint16_t kPageZero = 1U << 3;  // known to be all zero
inline constexpr std::uint16_t kPageUnmanaged = 1U << 4;
inline constexpr std::uint16_t kPageFictitious = 1U << 5;
inline constexpr std::uint16_t kPageCleanChk = 1U << 6;  // was present when page_clean's first pass ran
inline constexpr std::uint16_t kPageNoSync = 1U << 7;
inline constexpr std::uint16_t kPageRam = 1U << 8;         // read-ahead mark: restart read-ahead here
inline constexpr std::uint16_t kPageSwapped = 1U << 9;     // a swap block is assigned at (object, pindex)
inline constexpr std::uint16_t kPageWanted = 1U << 10;     // somebody sleeps on the page
inline constexpr std::uint16_t kPageRedirtied = 1U << 11;  // marked dirty while it was written out
// No flags: `valid` and `dirty` among the changes (Page::changes).
inline constexpr std::uint16_t kChangeValid = 1U << 14;
inline constexpr std::uint16_t kChangeDirty = 1U << 15;

struct Page {
    Frame frame = 0;
    Object* object = nullptr;  // a page is in at most one object
    PageIndex pindex = 0;

    std::uint32_t busy_owner = 0;  // hard busy: the thread that owns it, 0 nobody (PBUSY_LOCKED)
    std::uint32_t soft_busy = 0;   // I/O in progress or short read-only use
    std::uint32_t wire_count = 0;  // above 0: on no paging queue, cannot be freed
    std::uint32_t hold_count = 0;  // keeps the frame from reuse, not the page in its object
    std::uint16_t flags = 0;
    FlagChanges changes;
    std::uint8_t valid = 0;  // one bit per 512-byte chunk
    std::uint8_t dirty = 0;
    Queue queue = Queue::none;
    std::uint8_t act_count = 0;

    PagePvList pv_list;

    TreeHook object_hook;
    ListHook queue_hook;

    bool busied() const { return busy_owner != 0; }
    bool has(std::uint16_t flag) const { return (flags & flag) != 0; }
    void set(std::uint16_t flag) {
        changes.set(flags, flag);
        flags = static_cast<std::uint16_t>(flags | flag);
    }
    void clear(std::uint16_t flag) {
        changes.clear(flags, flag);
        flags = static_cast<std::uint16_t>(flags & ~flag);
    }
    bool fully_valid() const { return valid == kPageBitsAll; }
};

struct PageIndexOf {
    using type = PageIndex;
    const type& operator()(const Page& page) const { return page.pindex; }
};
// The pages of one object, ordered by index. Lookups are logarithmic, nothing is allocated.
using PageTree = intrusive::set<Page, intrusive::member_hook<Page, TreeHook, &Page::object_hook>,
                                intrusive::key_of_value<PageIndexOf>>;
using PageQueue = intrusive::list<Page, intrusive::member_hook<Page, ListHook, &Page::queue_hook>>;

}  // namespace vmref::impl
