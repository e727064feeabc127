// A process maps a page, stores a word and loads it again, in the abstract model of an installed vmref.
#include <cstdint>
#include <cstdio>
#include <variant>

#include "model/system.h"
#include "ops/config.h"
#include "ops/observation.h"
#include "ops/operation.h"

namespace {

constexpr vmref::Pid kPid = 1;
constexpr vmref::Va kPage = 0x10000;
constexpr std::uint32_t kWord = 0xC0FFEE;

// Takes `operation`, which must be possible, legal and free of a signal. Returns the value it yields.
std::uint32_t step(vmref::model::System& system, const vmref::Operation& operation, bool& ok) {
    if (const auto refusal = system.refuse(operation)) {
        std::printf("refused: %s\n", refusal->c_str());
        ok = false;
        return 0;
    }
    // The actual observation matters only where the contract leaves a choice; a fixed mapping has none.
    vmref::Observation actual;
    actual.address = std::holds_alternative<vmref::Mmap>(operation) ? kPage : 0;
    const auto outcome = system.step(operation, actual);
    if (!outcome.illegal.empty()) {
        std::printf("illegal: %s\n", outcome.illegal.c_str());
        ok = false;
    }
    ok = ok && outcome.expected.status == vmref::Status::success && outcome.expected.signal == vmref::Signal::none;
    return outcome.expected.value;
}

}  // namespace

int main() {
    vmref::model::System system(vmref::Config{});
    bool ok = true;
    step(system, vmref::Spawn{.pid = kPid}, ok);
    step(system,
         vmref::Mmap{.pid = kPid,
                     .addr = kPage,
                     .length = vmref::kPageSize,
                     .prot = vmref::kProtRead | vmref::kProtWrite,
                     .fixed = true},
         ok);
    step(system, vmref::Access{.pid = kPid, .kind = vmref::AccessKind::store, .addr = kPage, .size = 4, .value = kWord},
         ok);
    const std::uint32_t loaded =
        step(system, vmref::Access{.pid = kPid, .kind = vmref::AccessKind::load, .addr = kPage, .size = 4}, ok);
    std::printf("stored %#x, loaded %#x\n", kWord, loaded);
    return ok && loaded == kWord ? 0 : 1;
}
