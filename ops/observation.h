// What the model and the implementation must agree on after each operation.
#pragma once

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

// Choices that the sources leave free. The implementation fills them in; the model checks that each was
// legal and then follows it.
struct Witness {
    std::vector<Discard> discarded;  // in order; before the operation's own effect, `after` excepted
    std::vector<Pid> killed;         // ended for memory during this operation, in order
    bool cached = false;             // Probe: used a translation found earlier
    bool operator==(const Witness&) const = default;
};

struct Observation {
    Status status = Status::success;
    Signal signal = Signal::none;
    std::uint32_t value = 0;  // load, fetch: the value read; FileRead, FileWrite: bytes moved; Probe: or the error code
    Va address = 0;  // mmap: where it is; an access that ends in a signal or a page fault: the faulting address
    Witness witness{};
    bool operator==(const Observation&) const = default;
};

}  // namespace vmref
