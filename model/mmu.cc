#include "model/mmu.h"

#include <algorithm>
#include <variant>

namespace vmref::model {

namespace {

// Bits of a table word, and of an error code, as the manual numbers them.
constexpr std::uint32_t kPresent = 1U << 0;
constexpr std::uint32_t kWritable = 1U << 1;
constexpr std::uint32_t kUser = 1U << 2;
constexpr std::uint32_t kAccessed = 1U << 5;
constexpr std::uint32_t kDirty = 1U << 6;
constexpr std::uint32_t kSize = 1U << 7;
constexpr std::uint32_t kGlobal = 1U << 8;
constexpr std::uint32_t kReservedInBig = 0x003FE000;

constexpr std::uint32_t kErrorPresent = 1U << 0;
constexpr std::uint32_t kErrorWrite = 1U << 1;
constexpr std::uint32_t kErrorUser = 1U << 2;
constexpr std::uint32_t kErrorReserved = 1U << 3;

constexpr std::uint32_t kPagesOfBig = 1024;

bool is_big(const Mmu::Cpu& cpu, std::uint32_t pde) {
    return cpu.pse && (pde & kSize) != 0;
}

}  // namespace

std::uint32_t Mmu::data_word(Pa pa) const {
    const auto found = stored_.find(pa);
    return found == stored_.end() ? machine_ram::initial_data(pa) : found->second;
}

Path Mmu::path(CpuId cpu, Va va) const {
    const Cpu& state = cpus_[cpu];
    Path path;
    path.pde_at = machine_ram::directory_address(state.directory) + (va >> 22) * 4;
    path.pde = table_word(path.pde_at);
    if ((path.pde & kPresent) != 0 && !is_big(state, path.pde)) {
        path.leaf_at = (path.pde & ~kPageMask) + ((va >> 12) & 0x3FF) * 4;
        // Without PSE an entry made for a 4 MiB page takes data for a table, in which nothing is present.
        path.leaf = machine_ram::is_data(path.leaf_at) ? data_word(path.leaf_at) : table_word(path.leaf_at);
    }
    return path;
}

void Mmu::load_tables(std::span<const std::uint32_t> words) {
    std::copy(words.begin(), words.end(), tables_.begin());
    for (Cpu& cpu : cpus_) {
        cpu.cached.clear();
    }
}

Outcome Mmu::step(const Operation& operation, const Observation& actual) {
    return visit_operation<WorldName::machine>(
        [&]<typename Op>(const Op& op) -> Outcome {
            if constexpr (std::is_same_v<Op, Probe>) {
                return run(op, actual);
            } else if constexpr (requires { this->run(op); }) {
                run(op);
            }
            return {};
        },
        operation);
}

void Mmu::run(const SetWord& op) {
    set_table_word(op.pa, op.value);
}

void Mmu::run(const Invlpg& op) {
    drop(cpus_[op.cpu], op.va);
}

void Mmu::run(const LoadCr3& op) {
    Cpu& cpu = cpus_[op.cpu];
    cpu.directory = op.directory;
    std::erase_if(cpu.cached, [](const auto& entry) { return !entry.second.global; });
}

void Mmu::run(const Control& op) {
    Cpu& cpu = cpus_[op.cpu];
    if (cpu.pse != op.pse || cpu.pge != op.pge) {
        cpu.cached.clear();
    }
    cpu.wp = op.wp;
    cpu.pse = op.pse;
    cpu.pge = op.pge;
}

void Mmu::drop(Cpu& cpu, Va va) {
    const std::uint32_t page = page_of(va);
    cpu.cached.erase(page);
    std::erase_if(cpu.cached, [page](const auto& entry) {
        return entry.second.big && entry.first / kPagesOfBig == page / kPagesOfBig;
    });
}

// --- probes ----------------------------------------------------------------------------------------------------------

bool Mmu::allows(const Cpu& cpu, const Probe& op, bool user, bool writable) const {
    if (op.user && !user) {
        return false;
    }
    return op.kind != AccessKind::store || writable || (!op.user && !cpu.wp);
}

Outcome Mmu::run(const Probe& op, const Observation& actual) {
    Outcome outcome;
    last_ = {};
    last_.before = path(op.cpu, op.va);
    if (actual.witness.cached) {
        outcome.illegal = use_cached(op, outcome.expected);
    } else {
        outcome.expected = walk(op);
    }
    outcome.expected.witness = actual.witness;
    last_.after = path(op.cpu, op.va);
    return outcome;
}

// Why the CPU could not have used a cached translation; empty if it could.
std::string Mmu::use_cached(const Probe& op, Observation& expected) {
    Cpu& cpu = cpus_[op.cpu];
    const auto found = cpu.cached.find(page_of(op.va));
    if (found == cpu.cached.end()) {
        return "the access used a cached translation, expected that none is left";
    }
    const Translation& cached = found->second;
    if (!allows(cpu, op, cached.user, cached.writable)) {
        return "the access used a cached translation, expected that its rights refuse it";
    }
    if (op.kind == AccessKind::store && !cached.modified) {
        return "the store used a cached translation that had not seen M, expected a walk that sets M";
    }
    last_.stale = cached.path != last_.before;
    expected = finish(op, cached.page);
    return {};
}

Observation Mmu::walk(const Probe& op) {
    Cpu& cpu = cpus_[op.cpu];
    Path found = last_.before;
    if ((found.pde & kPresent) == 0) {
        return page_fault(op, 0);
    }
    const bool big = is_big(cpu, found.pde);
    std::uint32_t& leaf = big ? found.pde : found.leaf;
    std::uint32_t rights = found.pde;
    if (big && (found.pde & kReservedInBig) != 0) {
        return page_fault(op, kErrorPresent | kErrorReserved);
    }
    if (!big) {
        found.pde |= kAccessed;
        set_table_word(found.pde_at, found.pde);
        rights &= leaf;
        if ((leaf & kPresent) == 0) {
            return page_fault(op, 0);
        }
    }
    const bool user = (rights & kUser) != 0;
    const bool writable = (rights & kWritable) != 0;
    if (!allows(cpu, op, user, writable)) {
        return page_fault(op, kErrorPresent);
    }
    leaf |= kAccessed | (op.kind == AccessKind::store ? kDirty : 0);
    set_table_word(big ? found.pde_at : found.leaf_at, leaf);
    const Pa page = big ? (leaf & 0xFFC00000U) | (op.va & 0x003FF000U) : leaf & ~kPageMask;
    cpu.cached[page_of(op.va)] = {.path = found,
                                  .page = page,
                                  .big = big,
                                  .user = user,
                                  .writable = writable,
                                  .modified = (leaf & kDirty) != 0,
                                  .global = cpu.pge && (leaf & kGlobal) != 0};
    return finish(op, page);
}

// A page fault at a page drops what is cached for it.
Observation Mmu::page_fault(const Probe& op, std::uint32_t error_code) {
    drop(cpus_[op.cpu], op.va);
    Observation observation;
    observation.status = Status::failure;
    observation.value = error_code | (op.kind == AccessKind::store ? kErrorWrite : 0) | (op.user ? kErrorUser : 0);
    observation.address = op.va;
    return observation;
}

Observation Mmu::finish(const Probe& op, Pa page) {
    last_.data = page | (op.va & kPageMask);
    Observation observation;
    if (op.kind == AccessKind::store) {
        stored_[last_.data] = op.value;
    } else {
        observation.value = data_word(last_.data);
    }
    return observation;
}

}  // namespace vmref::model
