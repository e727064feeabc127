// A run that is kept: the configuration and the operations, with what they gave if someone wrote it down.
// traces/README.md describes the file, traces/schema.json is its schema.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ops/config.h"
#include "ops/observation.h"
#include "ops/operation.h"
#include "ops/world.h"

namespace vmref {

class TextFile;

inline constexpr int kTraceVersion = 1;
inline constexpr std::size_t kMaxTraceOperations = 5'000'000;
inline constexpr std::uint64_t kMaxTraceBytes = 256U << 20;  // of text, decompressed

struct Step {
    Operation operation;
    std::optional<Observation> expect;  // what it must give
    unsigned line = 0;                  // of the file it was read from; 0: no file

    // Where a step was read is not part of what it is.
    friend bool operator==(const Step& a, const Step& b) { return a.operation == b.operation && a.expect == b.expect; }
};

struct Trace {
    int version = kTraceVersion;
    WorldName world = WorldName::system;
    std::uint64_t seed = 0;
    std::string note;
    bool recorded = false;  // from a real program: no access may end in a signal
    std::vector<std::string> defects;
    Config config;
    std::string schedule;  // "thread*steps ..."; empty: nothing ran concurrently
    std::vector<Step> steps;
    bool operator==(const Trace&) const = default;
};

// Errors: BadInput, as "FILE:LINE: ..." for what is not JSON, "FILE: /operations/3/addr: expected ..." for what is no
// trace.
Trace read_trace(const std::string& path);
// `file` at its beginning.
Trace read_trace(TextFile& file);

// Writes what read_trace reads back as an equal value. Either `path` holds the whole trace afterwards, or it is as
// before and the reason is a BadInput. A path that ends in ".gz" is written compressed.
void write_trace(const std::string& path, const Trace& trace);

}  // namespace vmref
