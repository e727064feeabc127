// The operations of the object world: objects, their chains and pages, without address spaces. Model and implementation
// are both written from these comments.
//
// Objects are named by numbers from 1 to kMaxObjects - 1. An object is anonymous, or a file's; a file's name is good
// for ever, that of an anonymous object as long as there are references by name: object_allocate and object_shadow give
// one, object_reference one more, object_deallocate takes one. An object shows at each index below its size
//   - what was last stored there: a page is full of copies of one word, a file's page synthetic at first;
//   - else, if it was made as the shadow of another object, what that one shows at the index plus the offset;
//   - else zero; or a refusal, where the chain ends in a file that ends before the index.
// Contract for all:
//   - Nothing else changes what an object shows, whatever is collapsed, bypassed, paged out or freed meanwhile. In
//     particular no error of a pager ever becomes data (I-08).
//   - Anonymous objects that are shadowed are not stored to (catalogue D-9), and what has (or had) something but a file
//     below is not removed: `refuse` refuses both, and what does not exist.
//   - success is the only outcome where none is named.
#pragma once

#include <cstdint>

#include "ops/types.h"

namespace vmref {

using ObjectNumber = std::uint32_t;
inline constexpr ObjectNumber kMaxObjects = 24;
inline constexpr std::uint32_t kMaxObjectPages = 32;  // size of an object
inline constexpr std::uint32_t kMaxObjectFiles = 3;
inline constexpr std::uint32_t kMaxPins = 12;  // wirings and holds of pages at a time, named from 0
inline constexpr std::uint32_t kMaxBusySleeps = 4;

// What the pager does of its own accord during an operation: `ordinal` says at which of its calls (reads of
// object_fault, writes of the others), counted from 1. Other calls go well.
enum class PagerEvent : std::uint8_t {
    ok,
    error,       // I/O error: of a read the fault gives failure, of a write the page stays as it is
    bad,         // object_fault: protection_failure
    again,       // a temporary shortage: it is tried again
    pend,        // goes on by itself; ends when somebody waits for it, at the latest at object_io_done
    pend_error,  // the same, and fails in the end
    replaced,    // a read gives another page
    taken,       // a read gives another page, which somebody else has busy
    lost,        // a read that went well leaves no page
};
struct PagerTurn {
    PagerEvent event = PagerEvent::ok;
    std::uint32_t ordinal = 1;
    bool operator==(const PagerTurn&) const = default;
};

// A new object of `pages` pages: anonymous and zero, or that of a new file (vnode) as long.
struct ObjectAllocate {
    ObjectNumber object;
    std::uint32_t pages;
    bool vnode = false;
    bool operator==(const ObjectAllocate&) const = default;
};

enum class ObjectCallName : std::uint8_t {
    object_reference,         // one more reference by name
    object_deallocate,        // one less; with the last the name goes
    object_collapse,          // vm_object_collapse
    object_qcollapse,         // vm_object_qcollapse: what can be had without waiting
    object_deactivate_pages,  // vm_object_deactivate_pages
};
struct ObjectCall {
    ObjectCallName call;
    ObjectNumber object;
    bool operator==(const ObjectCall&) const = default;
};

// One reference by name of `source` becomes that of `object`, a new one of `pages` pages that shadows it from index
// `offset` on; value 1. If nobody else can see the source, nothing changes instead; value 0.
struct ObjectShadow {
    ObjectNumber source;
    ObjectNumber object;
    std::uint32_t offset;
    std::uint32_t pages;
    bool operator==(const ObjectShadow&) const = default;
};

// vm_object_coalesce: the pages [first, first + count) of the object are the end of a mapping that `next` pages more
// are appended to. value 1: the object ends no earlier than that now, and the appended pages show zero; value 0:
// nothing happened. 0 if the object is a file's, if something may be below it, or if somebody else may use the appended
// part.
struct ObjectCoalesce {
    ObjectNumber object;
    std::uint32_t first;
    std::uint32_t count;
    std::uint32_t next;
    bool operator==(const ObjectCoalesce&) const = default;
};

// The file gets `size` bytes, as by ftruncate.
struct ObjectTruncate {
    ObjectNumber object;
    std::uint32_t size;
    bool operator==(const ObjectTruncate&) const = default;
};

// A kernel user fills the page at `index` with `value`. `shortage`: the n-th allocation of a page meanwhile fails, and
// is tried again; 0 none.
struct ObjectPut {
    ObjectNumber object;
    std::uint32_t index;
    std::uint32_t value;
    std::uint32_t shortage = 0;
    bool operator==(const ObjectPut&) const = default;
};

// vm_fault_object_page for an access of `prot`: none, r or rw. With rw the page is then filled with `value`. value: its
// first word. protection_failure where the object refuses. `unswap`: as swapoff does it, the page is made dirty and its
// block freed; only with prot none. `shared`: begins with shared holds.
struct ObjectFault {
    ObjectNumber object;
    std::uint32_t index;
    Prot prot = kProtRead;
    std::uint32_t value = 0;  // with rw only
    bool unswap = false;
    bool shared = false;
    std::uint32_t shortage = 0;
    PagerTurn pager{};
    bool operator==(const ObjectFault&) const = default;
};

// One resident page of the object's own; nothing happens if there is none.
enum class ObjectPageName : std::uint8_t {
    object_grab,     // if there is none: another kernel user allocates it, and its fill fails (catalogue D-6)
    object_reclaim,  // leaves memory if it is clean, and neither wired, held nor busy
};
struct ObjectPage {
    ObjectPageName call;
    ObjectNumber object;
    std::uint32_t index;
    bool operator==(const ObjectPage&) const = default;
};

// Somebody else has the page at `index` busy until the `sleeps`-th sleep on it; nothing if it is not there, or busy.
struct ObjectBusy {
    ObjectNumber object;
    std::uint32_t index;
    std::uint32_t sleeps;
    bool operator==(const ObjectBusy&) const = default;
};

// The page that a read of (object, index) finds is wired or held as number `pin`; protection_failure where the object
// refuses.
enum class ObjectPinName : std::uint8_t { object_wire, object_hold };
struct ObjectPin {
    ObjectPinName call;
    std::uint32_t pin;
    ObjectNumber object;
    std::uint32_t index;
    bool operator==(const ObjectPin&) const = default;
};
struct ObjectUnpin {
    std::uint32_t pin;
    bool operator==(const ObjectUnpin&) const = default;
};

// The page at `index`, if it is there and valid, is written out.
struct ObjectWrite {
    ObjectNumber object;
    std::uint32_t index;
    PagerEvent event = PagerEvent::ok;
    bool operator==(const ObjectWrite&) const = default;
};

// What the pagers have begun and not finished is finished.
struct ObjectIoDone {
    bool operator==(const ObjectIoDone&) const = default;
};

// [index, index + pages), inside the object.
enum class ObjectRangeName : std::uint8_t {
    object_page_remove,        // of an anonymous object: shows there what is below, if anything
    object_page_remove_clean,  // vm_object_page_remove with clean_only, of a file: nothing changes
    object_page_clean,         // of a file: its dirty pages are written
    object_pmap_copy_1,        // no mapping of them may be stored to
    object_pmap_remove,        // no mapping of them is left
    object_madvise_willneed,
    object_madvise_dontneed,
    object_madvise_free,  // an anonymous object, where nobody else sees it: may show zero there at any later time,
                          // until the next store (Witness::discarded: number of the object, index in bytes)
};
struct ObjectRange {
    ObjectRangeName call;
    ObjectNumber object;
    std::uint32_t index;
    std::uint32_t pages;
    PagerTurn pager{};  // object_page_clean
    bool operator==(const ObjectRange&) const = default;
};

// One step of the pageout daemon, as in the system world.
struct ObjectPageout {
    std::uint32_t pages;
    bool operator==(const ObjectPageout&) const = default;
};

}  // namespace vmref
