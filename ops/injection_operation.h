// Operations of the system world that stand in for others at a chosen moment (catalogue.md, "Rules for defaults" 4): a
// daemon that goes for one page, disks that fail or take their time, somebody else who has a page busy or takes the
// last memory, another thread that runs while one waits. The comments are the contract, as in ops/operation.h.
//
// All of them succeed and none changes a value by itself. "The page at addr" is the one that a load of `pid` there
// would find in memory, valid or not; without one, an operation on it has no effect. pid 0: the kernel's own memory.
#pragma once

#include <cstdint>

#include "ops/types.h"

namespace vmref {

// The page at addr is written to its file or to swap, if it is valid and neither busy nor clean. It stays mapped.
//   unfinished: the write only begins. It ends by FinishIo, or when somebody waits for the page.
//   fails:      it ends in an error: the page stays dirty.
struct WriteOut {
    Pid pid;
    Va addr;
    bool unfinished = false;
    bool fails = false;
    bool operator==(const WriteOut&) const = default;
};

// Everything that was begun and not finished, reads and writes, ends now.
struct FinishIo {
    bool operator==(const FinishIo&) const = default;
};

// The page at addr leaves memory, if it is clean, unwired, and neither busy nor held. Its mappings go in any case.
// What madvise(free) has made clean becomes zero by it (Witness::discarded).
struct Reclaim {
    Pid pid;
    Va addr;
    bool operator==(const Reclaim&) const = default;
};

// Somebody else has the page at addr busy, until others have slept on it `sleeps` times (at least once).
struct BusyPage {
    Pid pid;
    Va addr;
    std::uint32_t sleeps = 1;
    bool operator==(const BusyPage&) const = default;
};

enum class IoCall : std::uint8_t { get, put };

// What a pager answers. Only `error` and `bad` of a read can be observed: Witness::failed.
enum class IoAnswer : std::uint8_t {
    ok,          // with at most `ahead` pages read ahead
    error,       // the data cannot be read, or written
    bad,         // get: outside the pager's range
    again,       // a temporary shortage
    pend,        // begun, to be finished later
    pend_error,  // the same, and then it ends in an error
    replaced,    // get: done; the data is in another page, which is the caller's
    taken,       // get: the same, but somebody else has that page until somebody slept on it
    lost,        // get: done, but the page is gone
};

inline constexpr std::uint32_t kAnyAhead = 0xFFFFFFFFU;

// The ordinal-th next read (get) or write (put) of a page is answered like this. A read of what the pager does not
// have, or of what is in memory already, is answered as always.
struct PlanIo {
    IoCall call;
    std::uint32_t ordinal;  // from 1
    IoAnswer answer;
    std::uint32_t ahead = kAnyAhead;
    bool operator==(const PlanIo&) const = default;
};

enum class Scarce : std::uint8_t { page, page_table, pv };

// The ordinal-th next allocation of this kind fails although there is memory.
struct PlanShortage {
    Scarce what;
    std::uint32_t ordinal;  // from 1
    bool operator==(const PlanShortage&) const = default;
};

// The next operation is kept back; its own observation is plain success. It has to be a Mprotect, Munmap, MapDevice,
// Minherit, Madvise (but not `willneed`, `dontneed` and `free`), or an Access inside one page. The operation after it
// is the one that it runs beside: as another thread's, while that one waits for a pager for the first time
// (HookTime::during); only an Access inside one page or an Msync lets it, and only if it need not wait for anything
// that the waiting one has. Else it runs right after that operation (HookTime::after), unless its process has ended
// (HookTime::never). Observation::hooked says how it went. The contents are as if it had come before (during) or after.
struct Hook {
    bool operator==(const Hook&) const = default;
};

}  // namespace vmref
