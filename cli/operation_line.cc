#include "cli/operation_line.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <variant>

#include "cli/describe.h"
#include "cli/text.h"
#include "ops/codec.h"

namespace vmref::cli {

std::string operation_line(const Operation& operation) {
    std::string line(operation_name(operation));
    const nlohmann::ordered_json json = encode_operation(operation);
    for (const auto& [name, value] : json.items()) {
        if (name == "op") {
            continue;
        }
        if (name == "value" && value.is_number()) {
            line += fmt::format(" value={}", hex(value.get<std::uint32_t>()));
        } else {
            line += fmt::format(" {}={}", name, value.is_string() ? value.get<std::string>() : json_line(value));
        }
    }
    return line;
}

std::string observation_line(const Operation& operation, const Observation& observation) {
    std::string line;
    const nlohmann::ordered_json json = encode_observation(observation);
    if (json.contains("signal")) {
        line = "signal " + json["signal"].get<std::string>();
    } else {
        line = status_text(observation.status);
    }
    const auto* const access = std::get_if<Access>(&operation);
    const auto* const debug = std::get_if<DebugAccess>(&operation);
    const auto* const nofault = std::get_if<NofaultAccess>(&operation);
    const bool peeks = (debug != nullptr && debug->call == DebugCall::debug_read) ||
                       std::holds_alternative<KernelGet>(operation) ||
                       (nofault != nullptr && nofault->call == NofaultCall::load_nofault);
    const bool reads = peeks || (access != nullptr && access->kind != AccessKind::store);
    if (reads && observation.signal == Signal::none && observation.status == Status::success) {
        line += ", value " + hex(observation.value);
    } else if (access == nullptr && json.contains("value")) {
        line += fmt::format(", {} bytes", observation.value);
    }
    if (json.contains("address")) {
        line += ", at " + hex(observation.address);
    }
    for (const Pid pid : observation.witness.killed) {
        line += fmt::format(", pid {} killed for memory", pid);
    }
    for (const Discard& discard : observation.witness.discarded) {
        line += fmt::format(", pid {} {} is zero now", discard.pid, hex(discard.va));
    }
    for (const FailedRead& failed : observation.witness.failed) {
        line += failed.pid != 0 ? fmt::format(", pid {} {} cannot be read", failed.pid, hex(failed.va))
                                : fmt::format(", page {} of an object cannot be read", page_of(failed.va));
    }
    for (const EarlyCopy& copy : observation.witness.copied) {
        line += fmt::format(", pid {} {} has its own copy now", copy.pid, hex(copy.va));
    }
    for (const Hooked& hooked : observation.hooked) {
        constexpr const char* kTimes[] = {"while it waits", "after it", "never"};
        line += fmt::format(", what was kept back runs {}", kTimes[static_cast<unsigned>(hooked.time)]);
        line += hooked.time == HookTime::never ? "" : ": " + observation_line(Hook{}, hooked.seen);
    }
    return line;
}

}  // namespace vmref::cli
