#include "props/machine/cases.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "impl/machine/pte.h"
#include "ops/codec.h"
#include "ops/machine_ram.h"
#include "props/lockstep.h"
#include "props/machine_world.h"

namespace vmref::props {

namespace {

using impl::kPteA;
using impl::kPteG;
using impl::kPteM;
using impl::kPtePS;
using impl::kPteRW;
using impl::kPteU;
using impl::kPteV;

constexpr Va kVa = 0x00400000;  // slot 1 of the directory, slot 0 of its table
constexpr Pa kPde = machine_ram::kDirectoriesStart + 4;
constexpr Pa kTable = machine_ram::kTablesStart;
constexpr Pa kPte = kTable;
constexpr Pa kOne = machine_ram::kDataStart;
constexpr Pa kOther = machine_ram::kDataStart + 5 * kPageSize;
constexpr Pa kBig = machine_ram::kDataStart;
constexpr std::uint32_t kOpen = kPteV | kPteRW | kPteU;
constexpr std::uint32_t kReadOnly = kPteV | kPteU;
constexpr std::uint32_t kKernel = kPteV | kPteRW;

// --- steps -----------------------------------------------------------------------------------------------------------

using Step = MachineCase::Step;

Step set(Pa pa, std::uint32_t value) {
    return {SetWord{pa, value}, std::nullopt};
}
Probe access(AccessKind kind, bool user, Va va = kVa) {
    Probe probe{0, kind, kind == AccessKind::store ? va + 8 : va, 0, user};
    probe.value = kind == AccessKind::store ? 0x1234 : 0;
    return probe;
}
Probe load(bool user = true, Va va = kVa) {
    return access(AccessKind::load, user, va);
}
Probe store(bool user = true, Va va = kVa) {
    return access(AccessKind::store, user, va);
}
Probe fetch(bool user = true, Va va = kVa) {
    return access(AccessKind::fetch, user, va);
}

Observation outcome(const Probe& probe, Pa frame, bool cached) {
    Observation observation;
    if (probe.kind != AccessKind::store) {
        observation.value = machine_ram::initial_data(frame + probe.va % kPageSize);
    }
    observation.witness.cached = cached;
    return observation;
}
// Walks, and finds the page in `frame`.
Step walks(const Probe& probe, Pa frame = kOne) {
    return {probe, outcome(probe, frame, false)};
}
// Uses what was found before.
Step hits(const Probe& probe, Pa frame = kOne) {
    return {probe, outcome(probe, frame, true)};
}
Step faults(const Probe& probe, std::uint32_t error_code) {
    Observation observation;
    observation.status = Status::failure;
    observation.value = error_code;
    observation.address = probe.va;
    return {probe, observation};
}
Step control(bool wp, bool pse, bool pge) {
    return {Control{0, wp, pse, pge}, std::nullopt};
}
Step invlpg(Va va) {
    return {Invlpg{0, va}, std::nullopt};
}
Step load_cr3(std::uint32_t directory = 0) {
    return {LoadCr3{0, directory}, std::nullopt};
}

constexpr std::uint32_t kP = impl::kFaultPresent;
constexpr std::uint32_t kW = impl::kFaultWrite;
constexpr std::uint32_t kUs = impl::kFaultUser;
constexpr std::uint32_t kRsvd = impl::kFaultReserved;

// --- the cases -------------------------------------------------------------------------------------------------------

std::vector<MachineCase> rights() {
    const Step table = set(kPde, kTable | kOpen);
    return {
        {"nothing_mapped", {faults(load(), kUs), faults(store(false), kW), faults(fetch(false), 0)}, {{kPde, 0}}},
        {"empty_leaf", {table, faults(store(), kW | kUs)}, {{kPde, kTable | kOpen | kPteA}, {kPte, 0}}},
        {"load_marks_a",
         {table, set(kPte, kOne | kOpen), walks(load()), hits(fetch())},
         {{kPde, kTable | kOpen | kPteA}, {kPte, kOne | kOpen | kPteA}}},
        {"store_marks_m", {table, set(kPte, kOne | kOpen), walks(store())}, {{kPte, kOne | kOpen | kPteA | kPteM}}},
        {"read_only_user_store",
         {table, set(kPte, kOne | kReadOnly), faults(store(), kP | kW | kUs), walks(load())},
         {{kPde, kTable | kOpen | kPteA}, {kPte, kOne | kReadOnly | kPteA}}},
        {"refused_leaf_is_not_marked",
         {table, set(kPte, kOne | kReadOnly), faults(store(), kP | kW | kUs)},
         {{kPte, kOne | kReadOnly}}},
        {"write_protect_binds_the_supervisor",
         {table, set(kPte, kOne | kReadOnly), faults(store(false), kP | kW), control(false, true, false),
          walks(store(false)), faults(store(), kP | kW | kUs)},
         {{kPte, kOne | kReadOnly | kPteA | kPteM}}},
        {"user_needs_u_in_the_directory",
         {set(kPde, kTable | kKernel), set(kPte, kOne | kOpen), faults(load(), kP | kUs), walks(load(false))},
         {{kPde, kTable | kKernel | kPteA}}},
        {"user_needs_u_in_the_leaf",
         {table, set(kPte, kOne | kKernel), faults(fetch(), kP | kUs), walks(fetch(false))},
         {}},
        {"the_directory_restricts_stores",
         {set(kPde, kTable | kReadOnly), set(kPte, kOne | kOpen), faults(store(), kP | kW | kUs)},
         {}},
    };
}

std::vector<MachineCase> big_pages() {
    const Step page = set(kPde, kBig | kOpen | kPtePS);
    constexpr Va inside = kVa + 5 * kPageSize;
    return {
        {"big_page", {page, walks(load(true, inside), kOther)}, {{kPde, kBig | kOpen | kPtePS | kPteA}}},
        {"big_page_store_marks_m", {page, walks(store())}, {{kPde, kBig | kOpen | kPtePS | kPteA | kPteM}}},
        {"big_page_reserved_bit",
         {set(kPde, kBig | 0x200000 | kOpen | kPtePS), faults(load(), kRsvd | kP | kUs)},
         {{kPde, kBig | 0x200000 | kOpen | kPtePS}}},
        {"big_page_pat_bit", {set(kPde, kBig | 0x1000 | kOpen | kPtePS), walks(load())}, {}},
        {"without_pse_ps_means_nothing",
         {control(true, false, false), page, faults(load(), kUs)},
         {{kPde, kBig | kOpen | kPtePS | kPteA}}},
        {"invlpg_drops_a_big_page",
         {page, walks(load()), walks(load(true, inside), kOther), set(kPde, 0), invlpg(kVa + 0x123456),
          faults(load(), kUs), faults(load(true, inside), kUs)},
         {}},
    };
}

std::vector<MachineCase> caching() {
    const Step table = set(kPde, kTable | kOpen);
    const Step one = set(kPte, kOne | kOpen);
    const Step other = set(kPte, kOther | kOpen);
    const Step global = set(kPte, kOne | kOpen | kPteG);
    const Step other_global = set(kPte, kOther | kOpen | kPteG);
    return {
        {"stale_until_invlpg",
         {table, one, walks(load()), other, hits(load()), invlpg(kVa + 0x42), walks(load(), kOther)},
         {}},
        {"load_of_cr3_drops", {table, one, walks(load()), other, load_cr3(), walks(load(), kOther)}, {}},
        {"load_of_cr3_keeps_global",
         {control(true, true, true), table, global, walks(load()), other_global, load_cr3(), hits(load())},
         {}},
        {"g_means_nothing_without_pge",
         {table, global, walks(load()), other_global, load_cr3(), walks(load(), kOther)},
         {}},
        {"change_of_pge_drops_global",
         {control(true, true, true), table, global, walks(load()), other_global, control(true, true, false),
          walks(load(), kOther)},
         {}},
        {"change_of_wp_drops_nothing",
         {table, one, walks(load()), other, control(false, true, false), hits(load())},
         {}},
        {"store_through_clean_entry_marks_m",
         {table, one, walks(load()), walks(store()), hits(store())},
         {{kPte, kOne | kOpen | kPteA | kPteM}}},
        {"store_through_marked_entry_leaves_the_word",
         {table, one, walks(store()), one, hits(store())},
         {{kPte, kOne | kOpen}}},
        {"a_fault_drops",
         {table, set(kPte, kOne | kReadOnly), walks(load()), set(kPte, 0), hits(load()), faults(store(), kW | kUs),
          faults(load(), kUs)},
         {}},
        {"each_cpu_has_its_own",
         {table,
          one,
          walks(load()),
          {Probe{1, AccessKind::load, kVa, 0, true}, std::nullopt},
          other,
          invlpg(kVa),
          walks(load(), kOther),
          {Probe{1, AccessKind::load, kVa, 0, true}, outcome(load(), kOne, true)}},
         {}},
    };
}

std::vector<MachineCase> make_cases() {
    std::vector<MachineCase> all;
    for (auto& part : {rights(), big_pages(), caching()}) {
        all.insert(all.end(), part.begin(), part.end());
    }
    return all;
}

std::string text(const Observation& observation) {
    return encode_observation(observation).dump();
}

std::optional<Violation> run_case(const MachineCase& test, const Config& config, const impl::DefectSet& defects,
                                  std::vector<Operation>& done) {
    Lockstep<MachineWorld> lockstep(config, defects);
    for (const Step& step : test.steps) {
        done.push_back(step.operation);
        if (auto violation = lockstep.apply(step.operation)) {
            return violation;
        }
        if (step.expect && lockstep.observed() != *step.expect) {
            return Violation{
                "case", fmt::format("{}: {}, expected {}", test.name, text(lockstep.observed()), text(*step.expect)),
                done.size() - 1};
        }
    }
    for (const MachineCase::Word& word : test.words) {
        const std::uint32_t found = lockstep.subject().machine().memory().read32(word.pa);
        if (found != word.value) {
            return Violation{
                "case",
                fmt::format("{}: word at {:#x} is {:#x}, expected {:#x}", test.name, word.pa, found, word.value),
                done.size() - 1};
        }
    }
    return lockstep.checkpoint();
}

}  // namespace

std::span<const MachineCase> machine_cases() {
    static const std::vector<MachineCase> kCases = make_cases();
    return kCases;
}

std::optional<FailedCase> run_machine_cases(const impl::DefectSet& defects) {
    for (const MachineCase& test : machine_cases()) {
        FailedCase failed{test.name, Config{}, {}, {}};
        if (auto violation = run_case(test, failed.config, defects, failed.operations)) {
            failed.violation = *std::move(violation);
            return failed;
        }
    }
    return std::nullopt;
}

}  // namespace vmref::props
