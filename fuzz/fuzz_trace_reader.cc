// libFuzzer looks for a file that the readers of traces and recordings cannot take: one that crashes them, takes too
// long or too much memory, or is accepted without being what its own JSON says. BadInput is the answer that is meant.
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

#include "ops/codec.h"
#include "traces/bad_input.h"
#include "traces/recorded.h"
#include "traces/trace.h"

namespace {

constexpr std::size_t kMostStepsEncoded = 200;

[[noreturn]] void give_up(const std::string& problem) {
    std::fprintf(stderr, "%s\n", problem.c_str());
    std::abort();
}

// A file of these bytes that has no place on disk.
class MemoryFile {
  public:
    MemoryFile(const std::uint8_t* data, std::size_t size) : descriptor_(memfd_create("input", MFD_CLOEXEC)) {
        if (descriptor_ < 0 || write(descriptor_, data, size) != static_cast<ssize_t>(size)) {
            give_up("the input cannot be kept in a memory file");
        }
    }
    ~MemoryFile() { close(descriptor_); }
    MemoryFile(const MemoryFile&) = delete;
    MemoryFile& operator=(const MemoryFile&) = delete;

    std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

  private:
    int descriptor_;
};

// What was accepted survives being written and read again.
void require_same_after_encoding(const vmref::Trace& trace) {
    if (vmref::decode_config(vmref::encode_config(trace.config)) != trace.config) {
        give_up("the configuration is another one after encoding and decoding");
    }
    const std::size_t count = std::min(trace.steps.size(), kMostStepsEncoded);
    for (std::size_t n = 0; n < count; ++n) {
        const vmref::Step& step = trace.steps[n];
        if (vmref::decode_operation(vmref::encode_operation(step.operation)) != step.operation ||
            (step.expect && vmref::decode_observation(vmref::encode_observation(*step.expect)) != *step.expect)) {
            give_up("operation " + std::to_string(n) + " is another one after encoding and decoding");
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const MemoryFile file(data, size);
    try {
        require_same_after_encoding(vmref::read_any(file.path()));
    } catch (const vmref::BadInput& error) {
        const std::string text = error.what();
        if (text.empty() || text.find('\n') != std::string::npos) {
            give_up("expected a message of one line, found: " + text);
        }
    }
    return 0;
}
