#include "props/machine/machine_subject.h"

#include <cstring>

#include "ops/machine_ram.h"
#include "props/machine/tables.h"

namespace vmref::props {

namespace {

constexpr std::uint32_t kFrames = machine_ram::kDataEnd >> kPageShift;

std::vector<std::uint8_t> make_initial_data() {
    std::vector<std::uint8_t> bytes(machine_ram::kDataEnd - machine_ram::kDataStart);
    for (Pa pa = machine_ram::kDataStart; pa < machine_ram::kDataEnd; pa += 4) {
        const std::uint32_t word = machine_ram::initial_data(pa);
        std::memcpy(&bytes[pa - machine_ram::kDataStart], &word, 4);
    }
    return bytes;
}

// The world's RAM is what it is; CPUs and TLBs are the run's.
Config with_ram(Config config) {
    config.frames = kFrames - 1;
    return config;
}

}  // namespace

std::span<const std::uint8_t> initial_data_bytes() {
    static const std::vector<std::uint8_t> kBytes = make_initial_data();
    return kBytes;
}

MachineSubject::MachineSubject(const Config& config, const impl::DefectSet& defects)
    : journal_(kFrames), machine_(with_ram(config), defects, journal_) {
    for (CpuId cpu = 0; cpu < machine_.cpu_count(); ++cpu) {
        machine_.load_cr3(cpu, machine_ram::directory_address(0));
    }
}

void MachineSubject::fill_data() {
    const auto data = initial_data_bytes();
    for (Frame frame = machine_ram::kDataStart >> kPageShift; frame < kFrames; ++frame) {
        const std::size_t offset = (frame << kPageShift) - machine_ram::kDataStart;
        std::memcpy(machine_.memory().frame_for_write(frame), &data[offset], kPageSize);
    }
    has_data_ = true;
}

impl::TouchedCounts MachineSubject::touched() const {
    return {kFrames, 0};
}

Observation MachineSubject::apply(const Operation& operation) {
    if (!has_data_) {
        fill_data();
    }
    journal_.clear();
    return visit_operation<WorldName::machine>([this](const auto& op) { return run(op); }, operation);
}

Observation MachineSubject::run(const SetWord& op) {
    machine_.memory().write32(op.pa, op.value);
    return {};
}

Observation MachineSubject::run(const Probe& op) {
    const std::uint64_t walks = machine_.cpu(op.cpu).walks;
    std::uint32_t value = op.value;
    const auto privilege = op.user ? impl::Privilege::user : impl::Privilege::supervisor;
    const impl::AccessResult result = machine_.access(op.cpu, op.kind, op.va, 4, privilege, value);
    Observation observation;
    if (!result.ok) {
        ++page_faults_;
        observation.status = Status::failure;
        observation.value = result.error_code;
        observation.address = result.cr2;
    } else if (op.kind != AccessKind::store) {
        observation.value = value;
    }
    observation.witness.cached = machine_.cpu(op.cpu).walks == walks;
    return observation;
}

Observation MachineSubject::run(const Invlpg& op) {
    machine_.invlpg(op.cpu, op.va);
    return {};
}

Observation MachineSubject::run(const LoadCr3& op) {
    machine_.load_cr3(op.cpu, machine_ram::directory_address(op.directory));
    return {};
}

Observation MachineSubject::run(const Control& op) {
    machine_.load_cr0(op.cpu, op.wp);
    machine_.load_cr4(op.cpu, op.pse, op.pge);
    return {};
}

Observation MachineSubject::run(const Evict& op) {
    machine_.evict(op.cpu, op.va);
    return {};
}

Observation MachineSubject::run(const RandomTables& op) {
    return load_tables(tables_of(op));
}

Observation MachineSubject::run(const PmapTables& op) {
    return load_tables(tables_of(op));
}

Observation MachineSubject::load_tables(std::span<const std::uint32_t> words) {
    Pa pa = machine_ram::kDirectoriesStart;
    for (const std::uint32_t word : words) {
        machine_.memory().write32(pa, word);
        pa += 4;
    }
    for (CpuId cpu = 0; cpu < machine_.cpu_count(); ++cpu) {
        machine_.flush_tlb(cpu);
    }
    return {};
}

}  // namespace vmref::props
