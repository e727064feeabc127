// What the model and the implementation must agree on after each operation.
#pragma once

#include <cstdint>
#include <vector>

#include "ops/types.h"

namespace vmref {

// A page of anonymous memory that became zero because madvise(free) allowed it.
struct Discard {
    Pid pid;
    Va va;                    // page aligned
    std::uint32_t after = 0;  // FileRead, FileWrite: bytes moved when it happened; else 0
    bool operator==(const Discard&) const = default;
};

// A page that could not be read because its pager failed.
struct FailedRead {
    Pid pid;           // 0: a page of a file or of an object, of nobody's mapping
    Va va;             // page aligned; pid 0: its place in the object, in bytes
    bool bad = false;  // the pager's answer was `bad`, not `error`
    bool operator==(const FailedRead&) const = default;
};

// A page that stopped seeing through to its file although no store got through: the copy was made, then the fault had
// to start over, and came to nothing (I-92). All mappings of the copy.
struct EarlyCopy {
    Pid pid;
    Va va;  // page aligned
    bool operator==(const EarlyCopy&) const = default;
};

// A fault walked the virtual page tables of a mapping (Mmap::vpagetable).
struct TableWalk {
    Pid pid;
    Va va;                    // of the access; page aligned
    std::uint32_t depth = 0;  // tables that it went through at most, if it had to start over
    bool operator==(const TableWalk&) const = default;
};

// Choices that the sources leave free. The implementation fills them in; the model checks that each was
// legal and then follows it.
struct Witness {
    std::vector<Discard> discarded;  // in order; before the operation's own effect, `after` excepted
    std::vector<Pid> killed;         // ended for memory during this operation, in order
    std::vector<FailedRead> failed;  // in order
    std::vector<EarlyCopy> copied;   // before the operation's own effect; of a Mmap, after it
    std::vector<TableWalk> walked;   // in order
    bool cached = false;             // Probe: used a translation found earlier
    bool operator==(const Witness&) const = default;
};

// When the operation that a Hook kept back ran (ops/injection_operation.h).
enum class HookTime : std::uint8_t { during, after, never };

struct Hooked;

struct Observation {
    Status status = Status::success;
    Signal signal = Signal::none;
    std::uint32_t value = 0;  // load, fetch: the value read; FileRead, FileWrite: bytes moved; Probe: or the error code
    Va address = 0;  // mmap: where it is; an access that ends in a signal or a page fault: the faulting address
    Witness witness{};
    // What was kept back and ran beside this operation: none or one. clang 14 takes no initializer for a vector of an
    // incomplete type; without one g++ 12 warns wherever an observation is written down.
#ifdef __clang__
    std::vector<Hooked> hooked;
#else
    std::vector<Hooked> hooked{};
#endif
    bool operator==(const Observation&) const = default;
};

struct Hooked {
    HookTime time = HookTime::after;  // a choice, as a witness is
    Observation seen{};
    bool operator==(const Hooked&) const = default;
};

}  // namespace vmref
