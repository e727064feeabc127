#include "props/machine/oracle.h"

#include <fmt/format.h>

#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "impl/machine/pte.h"
#include "ops/codec.h"
#include "ops/machine_ram.h"
#include "props/machine/machine_subject.h"

namespace vmref::props {

namespace {

using guest::Do;
using guest::Step;

constexpr std::size_t kBatch = 4096;  // steps
constexpr std::uint32_t kPageFault = 14;
constexpr std::uint32_t kCr0Wp = 0x10000;
constexpr std::uint32_t kCr4Pse = 0x10;
constexpr std::uint32_t kCr4Pge = 0x80;

Step step_of(Do what, std::uint32_t address, std::uint32_t value) {
    Step step{};
    step.what = what;
    step.address = address;
    step.value = value;
    return step;
}

Do access_of(AccessKind kind) {
    return kind == AccessKind::store ? Do::store : kind == AccessKind::fetch ? Do::fetch : Do::load;
}

// QEMU reports reserved bits without P; the manual says that they imply it.
std::uint32_t comparable(std::uint32_t error_code) {
    return (error_code & impl::kFaultReserved) != 0 ? error_code & ~impl::kFaultPresent : error_code;
}

std::string text(const Operation& operation) {
    return encode_operation(operation).dump();
}

bool is_guest_word(Pa pa) {
    return machine_ram::is_directory_word(pa) && pa % kPageSize == 4 * machine_ram::kGuestSlot;
}

}  // namespace

MmuOracle::MmuOracle(const MachineModel& model) : model_(model), mmu_(model.mmu()), qemu_(Qemu::take()) {
    const auto data = initial_data_bytes();
    std::memcpy(qemu_->ram() + machine_ram::kDataStart, data.data(), data.size());
    upload_tables();
}

MmuOracle::~MmuOracle() {
    Qemu::give_back(std::move(qemu_));
}

std::optional<Violation> MmuOracle::follow() {
    ++operations_;
    const Operation& operation = model_.last();
    if (std::holds_alternative<RandomTables>(operation) || std::holds_alternative<PmapTables>(operation)) {
        auto violation = run_steps();
        upload_tables();
        return violation;
    }
    visit_operation<WorldName::machine>([this](const auto& op) { take(op); }, operation);
    return steps_.size() >= kBatch ? run_steps() : std::nullopt;
}

// The guest is idle, but it lives in the directory that it has loaded: its own slot stays.
void MmuOracle::upload_tables() {
    const auto& words = mmu_.tables();
    for (std::size_t n = 0; n < words.size(); ++n) {
        const Pa pa = machine_ram::kDirectoriesStart + static_cast<Pa>(4 * n);
        if (!is_guest_word(pa)) {
            std::memcpy(qemu_->ram() + pa, &words[n], sizeof words[n]);
        }
    }
    cpu_.reset();
}

void MmuOracle::write_ram(Pa pa, std::uint32_t value) {
    steps_.push_back(step_of(Do::write_ram, pa, value));
}

void MmuOracle::take(const SetWord& op) {
    write_ram(op.pa, op.value);
}

void MmuOracle::take(const Invlpg& op) {
    if (cpu_ != op.cpu) {
        return;
    }
    steps_.push_back(step_of(Do::invlpg, op.va, 0));
    const std::uint32_t page = page_of(op.va);
    seen_.erase(page);
    std::erase_if(seen_, [page](const auto& entry) {
        return entry.second.big && entry.first / machine_ram::kEntries == page / machine_ram::kEntries;
    });
}

// QEMU drops global translations as well; the model may keep them.
void MmuOracle::load_cr3(CpuId cpu) {
    const Pa directory = machine_ram::directory_address(mmu_.cpu(cpu).directory);
    steps_.push_back(step_of(Do::load_cr3, 0, directory));
    seen_.clear();
}

void MmuOracle::load_controls(CpuId cpu) {
    const model::Mmu::Cpu& state = mmu_.cpu(cpu);
    steps_.push_back(step_of(Do::load_cr4, 0, (state.pse ? kCr4Pse : 0) | (state.pge ? kCr4Pge : 0)));
    steps_.push_back(step_of(Do::load_cr0, 0, state.wp ? kCr0Wp : 0));
}

void MmuOracle::take(const LoadCr3& op) {
    if (cpu_ == op.cpu) {
        load_cr3(op.cpu);
    }
}

// Whatever QEMU drops then, it may keep as far as `seen_` is concerned.
void MmuOracle::take(const Control& op) {
    if (cpu_ == op.cpu) {
        load_controls(op.cpu);
    }
}

void MmuOracle::switch_to(CpuId cpu) {
    if (cpu_ != cpu) {
        load_controls(cpu);
        load_cr3(cpu);
        cpu_ = cpu;
    }
}

void MmuOracle::take(const Probe& op) {
    const model::Mmu::Last& last = mmu_.last();
    const Observation& outcome = model_.observed();
    if (last.stale) {
        if (op.kind == AccessKind::store) {
            write_ram(last.data, op.value);
        }
        return;
    }
    switch_to(op.cpu);
    const auto seen = seen_.find(page_of(op.va));
    if (seen != seen_.end() && seen->second.path != last.before) {
        load_cr3(op.cpu);
    }
    Step step = step_of(access_of(op.kind), op.va, op.value);
    step.user = op.user ? 1 : 0;
    step.pde_at = last.after.pde_at;
    step.leaf_at = last.after.leaf_at;
    expected_.push_back({steps_.size(), operations_, op, outcome, last.after});
    steps_.push_back(step);
    if (outcome.status == Status::success) {
        seen_.insert_or_assign(page_of(op.va), Seen{last.after, last.after.leaf_at == 0});
    }
}

std::optional<Violation> MmuOracle::run_steps() {
    qemu_->run(steps_);
    std::optional<Violation> violation;
    for (const Expected& expected : expected_) {
        violation = violation ? violation : judge(expected, steps_[expected.step]);
    }
    compared_ += expected_.size();
    steps_.clear();
    expected_.clear();
    return violation;
}

std::optional<Violation> MmuOracle::judge(const Expected& expected, const Step& step) const {
    const Observation& outcome = expected.outcome;
    const bool faulted = step.vector != guest::kNoException;
    const auto differs = [&](const char* rule, const std::string& what) {
        return Violation{
            rule, fmt::format("QEMU: {}, of operation {} {}", what, expected.operation, text(expected.probe)), 0};
    };
    if (faulted != (outcome.status != Status::success)) {
        return differs("qemu.outcome", faulted ? fmt::format("exception {} with error code {:#x}, expected success",
                                                             step.vector, step.error)
                                               : "success, expected a page fault");
    }
    if (faulted && (step.vector != kPageFault || comparable(step.error) != comparable(outcome.value) ||
                    step.cr2 != outcome.address)) {
        return differs(
            "qemu.fault",
            fmt::format("exception {}, error code {:#x}, CR2 {:#x}, expected exception 14, error code {:#x}, "
                        "CR2 {:#x}",
                        step.vector, step.error, step.cr2, outcome.value, outcome.address));
    }
    const AccessKind kind = expected.probe.kind;
    const std::uint32_t value = kind == AccessKind::fetch ? machine_ram::code_result(outcome.value) : outcome.value;
    if (!faulted && kind != AccessKind::store && step.read != value) {
        return differs("qemu.value", fmt::format("value {:#x}, expected {:#x}", step.read, value));
    }
    const model::Path& after = expected.after;
    if (step.pde != after.pde || (after.leaf_at != 0 && step.leaf != after.leaf)) {
        return differs("qemu.words", fmt::format("directory entry {:#x} and leaf {:#x}, expected {:#x} and {:#x}",
                                                 step.pde, step.leaf, after.pde, after.leaf));
    }
    return std::nullopt;
}

std::optional<Violation> MmuOracle::compare_all() {
    auto violation = run_steps();
    return violation ? violation : compare_memory();
}

std::optional<Violation> MmuOracle::compare_memory() const {
    const auto word = [this](Pa pa) {
        std::uint32_t value = 0;
        std::memcpy(&value, qemu_->ram() + pa, sizeof value);
        return value;
    };
    const auto differs = [](Pa pa, std::uint32_t found, std::uint32_t expected) {
        return Violation{"qemu.memory",
                         fmt::format("QEMU: word at {:#x} is {:#x}, expected {:#x}", pa, found, expected), 0};
    };
    for (Pa pa = machine_ram::kDirectoriesStart; pa < machine_ram::kTablesEnd; pa += 4) {
        if (!is_guest_word(pa) && word(pa) != mmu_.table_word(pa)) {
            return differs(pa, word(pa), mmu_.table_word(pa));
        }
    }
    const auto initial = initial_data_bytes();
    for (Pa pa = machine_ram::kDataStart; pa < machine_ram::kDataEnd; pa += kPageSize) {
        if (std::memcmp(qemu_->ram() + pa, &initial[pa - machine_ram::kDataStart], kPageSize) == 0) {
            continue;
        }
        for (Pa at = pa; at < pa + kPageSize; at += 4) {
            if (word(at) != mmu_.data_word(at)) {
                return differs(at, word(at), mmu_.data_word(at));
            }
        }
    }
    for (const auto& [pa, value] : mmu_.stored()) {
        if (word(pa) != value) {
            return differs(pa, word(pa), value);
        }
    }
    return std::nullopt;
}

}  // namespace vmref::props
