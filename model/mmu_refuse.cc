// What cannot be asked of the machine world.
#include <cstdio>

#include "model/mmu.h"

namespace vmref::model {

namespace {

using Reason = std::optional<std::string>;

constexpr std::uint32_t kPresent = 1;
constexpr std::uint32_t kSize = 0x80;
constexpr std::uint32_t kLateAddressBits = 0x001FE000;  // of a 4 MiB page: address bits on later machines
constexpr std::uint32_t kMaxPmapOperations = 100'000;

std::string hex(std::uint32_t value) {
    char text[11];
    std::snprintf(text, sizeof text, "0x%08x", value);
    return text;
}

Reason refuse_cpu(CpuId cpu, std::size_t count) {
    if (cpu < count) {
        return std::nullopt;
    }
    return "/cpu: expected a number below " + std::to_string(count) + ", found " + std::to_string(cpu);
}

Reason refuse_address(Va va) {
    if (va >> 22 != machine_ram::kGuestSlot) {
        return std::nullopt;
    }
    return "/va: expected an address outside of directory slot 0x3f0, found " + hex(va);
}

// Directories lead to tables or to the 4 MiB pages of data, tables to data.
Reason refuse_word(const SetWord& op) {
    const bool in_directory = machine_ram::is_directory_word(op.pa);
    if (op.pa % 4 != 0 || (!in_directory && !machine_ram::is_table_word(op.pa))) {
        return "/pa: expected the address of a word in a directory or a table, found " + hex(op.pa);
    }
    if (in_directory && op.pa % kPageSize == 4 * machine_ram::kGuestSlot) {
        return "/pa: expected a directory slot other than 0x3f0, found " + hex(op.pa);
    }
    const Pa target = op.value & ~kPageMask;
    if ((op.value & kPresent) == 0) {
        return std::nullopt;
    }
    if (!in_directory || (op.value & kSize) != 0) {
        const bool late_bits = in_directory && (op.value & kLateAddressBits) != 0;
        return machine_ram::is_data(target) && !late_bits
                   ? std::nullopt
                   : Reason("/value: expected a frame of data, found " + hex(op.value));
    }
    return machine_ram::is_table_word(target)
               ? std::nullopt
               : Reason("/value: expected the frame of a table or a 4 MiB page of data, found " + hex(op.value));
}

Reason refuse_probe(const Probe& op) {
    const std::uint32_t offset = op.va % 16;
    if (op.kind == AccessKind::load && op.va % 4 != 0) {
        return "/va: expected a multiple of 4, found " + hex(op.va);
    }
    if (op.kind == AccessKind::fetch && offset != 0) {
        return "/va: expected a multiple of 16 for a fetch, found " + hex(op.va);
    }
    if (op.kind == AccessKind::store && offset != 8 && offset != 12) {
        return "/va: expected one of the last two words of 16 bytes for a store, found " + hex(op.va);
    }
    if (op.kind == AccessKind::store && op.value % 2 != 0) {
        return "/value: expected an even number, found " + hex(op.value);
    }
    return std::nullopt;
}

Reason refuse_rest(const SetWord& op) {
    return refuse_word(op);
}
Reason refuse_rest(const Probe& op) {
    return refuse_probe(op);
}
Reason refuse_rest(const LoadCr3& op) {
    if (op.directory < machine_ram::kDirectories) {
        return std::nullopt;
    }
    return "/directory: expected a number below " + std::to_string(machine_ram::kDirectories) + ", found " +
           std::to_string(op.directory);
}
Reason refuse_rest(const PmapTables& op) {
    if (op.operations <= kMaxPmapOperations) {
        return std::nullopt;
    }
    return "/operations: expected at most " + std::to_string(kMaxPmapOperations) + ", found " +
           std::to_string(op.operations);
}
Reason refuse_rest(const auto& /*op*/) {
    return std::nullopt;
}

}  // namespace

std::optional<std::string> Mmu::refuse(const Operation& operation) const {
    if (!belongs_to<WorldName::machine>(operation)) {
        return "/op: expected an operation of the machine world";
    }
    return visit_operation<WorldName::machine>(
        [this](const auto& op) -> Reason {
            if constexpr (requires { op.cpu; }) {
                if (auto reason = refuse_cpu(op.cpu, cpus_.size())) {
                    return reason;
                }
            }
            if constexpr (requires { op.va; }) {
                if (auto reason = refuse_address(op.va)) {
                    return reason;
                }
            }
            return refuse_rest(op);
        },
        operation);
}

}  // namespace vmref::model
