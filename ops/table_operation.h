// The operation on mappings with a virtual page table (Mmap::vpagetable). The comments are the contract, as in
// ops/operation.h.
#pragma once

#include <cstdint>

#include "ops/types.h"

namespace vmref {

enum class TableCall : std::uint8_t { set_map, invalidate };

// mcontrol(MADV_SETMAP) and mcontrol(MADV_INVAL) on every mapping of the range; holes are skipped.
//   set_map:    `value` is the root of the mappings' tables from now on (a word as in ops/virtual_page_table.h).
//               invalid_argument, without effect, if something mapped in the range has no virtual page table.
//   invalidate: of any mapping; no value changes.
// Afterwards every access to the range walks the tables anew.
struct Mcontrol {
    TableCall call;
    Pid pid;
    Va addr;
    std::uint32_t length;
    std::uint32_t value = 0;  // set_map only
    bool operator==(const Mcontrol&) const = default;
};

}  // namespace vmref
