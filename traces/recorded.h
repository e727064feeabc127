// Reads recordings of real programs (traces/recorded/README.md) and turns their rows into operations.
//
// What differs between the machines is settled here:
//   - a row may need several operations (munmap over holes) or none (advice that has no meaning here);
//   - a stack is mapped as it grows; calls on its untouched part are left out (traces/mapped_ranges.h);
//   - the i386 cannot refuse reading what may be written or executed, so such protections get the right to read;
//   - what is stored, and where in the page an access falls, is made up from the number of the touch.
#pragma once

#include <cstdint>
#include <string>

#include "ops/config.h"
#include "traces/trace.h"

namespace vmref {

inline constexpr std::uint64_t kMaxRecordedBytes = 1U << 30;   // of text, decompressed
inline constexpr std::size_t kMaxRecordedLine = 1U << 16;      // bytes
inline constexpr std::size_t kMaxRecordedMappings = 1U << 20;  // over all processes at a time

// The trace says `recorded`, has `config`, and every step knows its line. Errors: BadInput, as "FILE:LINE: ... expected
// ...".
Trace read_recorded(const std::string& path, const Config& config = {});

// A recording if the name ends in .jsonl or .jsonl.gz or if the first line is an object with "op"; else a trace, which
// has its own configuration.
Trace read_any(const std::string& path, const Config& recorded_config = {});

}  // namespace vmref
