// vm_map: the entries of one address space (semantics.md 1.8, 2.1 to 2.7).
#pragma once

#include <boost/intrusive/set.hpp>
#include <cstdint>

#include "impl/arena/containers.h"
#include "impl/page/object.h"
#include "impl/pmap_i386/pmap.h"
#include "ops/types.h"

namespace vmref::impl {

struct Kernel;
struct Map;

// MAP_ENTRY_* flags.
inline constexpr std::uint16_t kEntryCow = 1U << 0;           // private: stores must not reach the object below
inline constexpr std::uint16_t kEntryNeedsCopy = 1U << 1;     // a shadow must be made before the first store
inline constexpr std::uint16_t kEntryUserWired = 1U << 2;     // one of wired_count is the user's
inline constexpr std::uint16_t kEntryInTransition = 1U << 3;  // being wired: must not be freed
inline constexpr std::uint16_t kEntryStack = 1U << 4;         // grows down by avail_ssize pages
inline constexpr std::uint16_t kEntryNoSync = 1U << 5;        // written back only when memory is short
inline constexpr std::uint16_t kEntryKstack = 1U << 6;        // a kernel thread's: its first page is a guard
inline constexpr std::uint16_t kEntryNoFault = 1U << 7;       // addresses alone: nobody may fault there

// MAP_ENTRY_BEHAV_*: what madvise said about the access pattern.
enum class Behavior : std::uint8_t { normal, sequential, random };

// A range of pages with equal attributes. Invariants: start < end, page aligned, inside user space; an entry on an
// anonymous object never exceeds its size (I-30); listed in its object's entry list (catalogue D-1).
struct MapEntry {
    Map* map = nullptr;
    Va start = 0;
    Va end = 0;
    Object* object = nullptr;  // nullptr until the first touch of anonymous memory
    std::uint64_t offset = 0;  // bytes into the object, of `start`
    Prot protection = kProtNone;
    Prot max_protection = kProtNone;
    Inherit inheritance = Inherit::copy;
    Behavior behavior = Behavior::normal;
    std::uint16_t eflags = 0;
    std::uint32_t wired_count = 0;  // number of wirings of the entry; the user's counts once
    std::uint32_t avail_ssize = 0;  // stack reserve, pages
    // VM_MAPTYPE_VPAGETABLE: the memory of the entry is translated by tables in it, from master_pde on. Such an entry
    // is never clipped and never wired: its offset is 0, and its object's index is the page's number (decision 0040).
    bool vpagetable = false;
    std::uint32_t master_pde = 0;
    std::uint16_t device = 0;  // above 0: UKSMAP, the entry shows that device and has no object
    Map* submap = nullptr;     // SUBMAP: the entries of the range are in that map, which has the same pmap

    std::uint32_t kernel_wirings() const { return wired_count - (has(kEntryUserWired) ? 1 : 0); }
    MapEntry* next_of_object = nullptr;
    MapEntry* prev_of_object = nullptr;
    intrusive::set_member_hook<intrusive::link_mode<intrusive::normal_link>> map_hook;

    bool has(std::uint16_t flag) const { return (eflags & flag) != 0; }
    void set(std::uint16_t flag) { eflags = static_cast<std::uint16_t>(eflags | flag); }
    void clear(std::uint16_t flag) { eflags = static_cast<std::uint16_t>(eflags & ~flag); }
    PageIndex index_of(Va va) const { return static_cast<PageIndex>((offset + (va - start)) >> kPageShift); }
    PageIndex first_index() const { return static_cast<PageIndex>(offset >> kPageShift); }
    PageIndex page_count() const { return (end - start) >> kPageShift; }
    bool covers_index(PageIndex index) const { return index >= first_index() && index - first_index() < page_count(); }
    Va va_of(PageIndex index) const { return start + ((index - first_index()) << kPageShift); }
    bool guards(Va va) const { return has(kEntryKstack) && va - start < kPageSize; }
    // What a PTE of this entry may grant at most: COW entries that still need a shadow never grant stores.
    Prot pte_protection() const {
        return has(kEntryNeedsCopy) ? static_cast<Prot>(protection & ~kProtWrite) : protection;
    }
};

struct EntryStart {
    using type = Va;
    const type& operator()(const MapEntry& entry) const { return entry.start; }
};
using EntryTree = intrusive::set<
    MapEntry,
    intrusive::member_hook<MapEntry, intrusive::set_member_hook<intrusive::link_mode<intrusive::normal_link>>,
                           &MapEntry::map_hook>,
    intrusive::key_of_value<EntryStart>>;

// One address space. The lock is reader/writer; an exclusive lock bumps the timestamp, so that whoever released the map
// can tell whether it changed (semantics.md 2.7).
struct Map {
    Pid pid = 0;  // of the process
    Pmap* pmap = nullptr;
    EntryTree entries;
    MapEntry* hint = nullptr;  // the entry found last
    std::uint32_t timestamp = 0;
    std::uint32_t readers = 0;
    bool exclusive = false;
    bool system = false;       // the kernel's: its entries do not get objects by faults
    bool wire_future = false;  // MAP_WIREFUTURE: new mappings are wired for the user
};

// Storage of entries; type-stable.
class EntryPool {
  public:
    MapEntry& allocate();
    void release(MapEntry& entry);

  private:
    Deque<MapEntry> storage_;
    Vector<MapEntry*> free_;
};

// --- locks (semantics.md 2.7) ---------------------------------------------------------------------------------------
void map_lock(Kernel& k, Map& map);  // Blocks
void map_unlock(Map& map);
bool map_try_lock(Map& map);
void map_lock_read(Kernel& k, Map& map);     // Blocks
bool map_lock_read_to(Kernel& k, Map& map);  // with timeout: false if it could not be had. Blocks
void map_unlock_read(Map& map);
bool map_lock_upgrade(Kernel& k, Map& map);  // false: the lock was lost
void map_lock_downgrade(Map& map);

// Either kind of lock, for the life of a scope; released without blocking.
class MapLock {
  public:
    MapLock(Kernel& k, Map& map) : map_(map) { map_lock(k, map_); }
    // A Finding may pass through here while the map is given up for a blocking call.
    ~MapLock() {
        if (map_.exclusive) {
            map_unlock(map_);
        }
    }
    MapLock(const MapLock&) = delete;
    MapLock& operator=(const MapLock&) = delete;

  private:
    Map& map_;
};

// --- entries (map locked exclusively unless said otherwise) ---------------------------------------------------------
MapEntry* map_entry_at(Map& map, Va va);           // the entry that contains va, or nullptr; any lock
MapEntry* map_entry_through(Map& map, Va va);      // the same, in the submap if that has it
MapEntry* map_entry_at_or_after(Map& map, Va va);  // the first entry with end > va, or nullptr; any lock
MapEntry* map_next(Map& map, MapEntry& entry);
MapEntry* map_previous(Map& map, MapEntry& entry);
bool map_has_hole(Map& map, Va start, Va end);  // any lock

// Attributes of a new entry.
struct EntrySpec {
    Object* object = nullptr;  // the caller's reference goes to the entry
    std::uint64_t offset = 0;
    Prot protection = kProtAll;
    Prot max_protection = kProtAll;
    Inherit inheritance = Inherit::copy;
    std::uint16_t eflags = 0;
    std::uint32_t avail_ssize = 0;
    Behavior behavior = Behavior::normal;
    bool vpagetable = false;
    std::uint32_t master_pde = 0;
    std::uint16_t device = 0;
    Map* submap = nullptr;
};
// vm_map_insert. Requires: the range is free.
MapEntry& map_insert(Kernel& k, Map& map, Va start, Va end, const EntrySpec& spec);
// vm_map_findspace: start of the first free range of `length` bytes at or above `hint`, outside stack
// reserves; false if there is none. `length` is a multiple of the page size.
bool map_find_space(Map& map, Va hint, std::uint32_t length, Va& start);
// vm_map_clip_start / _end: makes entry boundaries at `start` and `end`; returns the first entry of the range.
void map_clip_start(Kernel& k, Map& map, MapEntry& entry, Va start);
void map_clip_end(Kernel& k, Map& map, MapEntry& entry, Va end);
MapEntry* map_clip_range(Kernel& k, Map& map, Va start, Va end);
// vm_map_delete: unwires and unmaps the range, drops the entries' references. Blocks
void map_delete(Kernel& k, Map& map, Va start, Va end);

// Sets entry.object, keeping the object's entry list. References are the caller's affair.
void entry_set_object(MapEntry& entry, Object* object);
void entry_changed(Kernel& k, const MapEntry& entry);

// --- operations on ranges: page aligned, start < end; they lock the map themselves ----------------------------------
Status map_protect(Kernel& k, Map& map, Va start, Va end, Prot prot);  // vm_map_protect, catalogue D-3
Status map_inherit(Kernel& k, Map& map, Va start, Va end, Inherit inherit);
Status map_madvise(Kernel& k, Map& map, Va start, Va end, Advice advice);
Status map_clean(Kernel& k, Map& map, Va start, Va end, bool invalidate);  // msync
Status map_user_wire(Kernel& k, Map& map, Va start, Va end);               // vm_map_unwire(.., FALSE): mlock
// MAP_WIREFUTURE: what was newly mapped is wired for the user, without limit, if the process wants that.
void map_wire_new(Kernel& k, Map& map, Va start, Va end);
Status map_user_unwire(Kernel& k, Map& map, Va start, Va end);    // vm_map_unwire(.., TRUE): munlock
Status map_kernel_wire(Kernel& k, Map& map, Va start, Va end);    // vm_map_wire
Status map_kernel_unwire(Kernel& k, Map& map, Va start, Va end);  // vm_map_wire(.., KM_PAGEABLE)
Status map_remove(Kernel& k, Map& map, Va start, Va end);         // munmap, holes allowed
Status map_stack(Kernel& k, Map& map, Va start, Va end, const EntrySpec& spec);
Status map_growstack(Kernel& k, Map& map, Va va);
Status map_relocate(Kernel& k, Map& map, Va start, Va end, Va to);  // mremap's move

// --- virtual page tables (map_table.cc) -----------------------------------------------------------------------------
bool map_has_table(Map& map, Va start, Va end);         // an entry of the range has one; any lock
bool map_would_clip_table(Map& map, Va start, Va end);  // a boundary of the range lies inside such an entry; any lock
// vm_map_madvise with MADV_SETMAP; invalid_argument, without effect, where an entry of the range has no table.
Status map_set_table(Kernel& k, Map& map, Va start, Va end, std::uint32_t master_pde);
// The same with MADV_INVAL: the PTEs of the range go, but for those of wired entries.
Status map_invalidate(Kernel& k, Map& map, Va start, Va end);

// vm_map_entry_shadow / _allocate_object (semantics.md 2.2). add_reference: one more reference on the result.
void map_entry_shadow(Kernel& k, MapEntry& entry, bool add_reference);
void map_entry_allocate_object(Kernel& k, MapEntry& entry);

// vmspace_fork: entries by inheritance (semantics.md 2.6, D-9, D-10). resource_shortage if the forking process
// was killed for memory meanwhile, failure if a page to be copied cannot be read; the child's map holds what was copied
// until then. Blocks
Status map_fork(Kernel& k, Map& from, Map& to);

// --- lookup (semantics.md 2.1) --------------------------------------------------------------------------------------
inline constexpr Prot kProtOverrideWrite = 8;  // a debugger's store: judged by the maximum protection

struct LookupResult {
    Status status = Status::failure;
    Map* map = nullptr;  // which has the entry: the one asked, or a submap
    MapEntry* entry = nullptr;
    Object* object = nullptr;
    PageIndex pindex = 0;
    Prot prot = kProtNone;
    bool wired = false;  // FW_WIRED
};
// vm_map_lookup. Requires: no lock of the map held. On success the entry's map is read-locked. Blocks
LookupResult map_lookup(Kernel& k, Map& map, Va va, Prot fault_type);
void map_lookup_done(Map& map);  // either kind of lock

}  // namespace vmref::impl
