// A system with one process of every kind of mapping, and ways to break it behind the kernel's back.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "impl/vm/pager.h"
#include "props/invariants/invariant_set.h"

namespace vmref::props {

inline constexpr Prot kReadWrite = kProtRead | kProtWrite;
inline constexpr Va kAnonymous = 0x10000;  // four pages, private
inline constexpr Va kShared = 0x20000;     // two pages, anonymous
inline constexpr Va kFile = 0x30000;       // four pages of file 1, shared, read-only
inline constexpr Va kPrivateFile = 0x40000;

class InvariantSetTest : public ::testing::Test {
  protected:
    InvariantSetTest() : system_(config(), impl::DefectSet{}), set_(system_), kernel_(system_.kernel()) {}

    static Config config() {
        Config result;
        result.frames = 512;
        result.swap_slots = 256;
        return result;
    }

    // Keeps what the journal named before.
    Observation apply(const Operation& operation) {
        impl::Journal& journal = kernel_.journal;
        const impl::Journal before = journal;
        const Observation result = system_.apply(operation);
        const auto prepend = [](auto& now, const auto& earlier) {
            now.insert(now.begin(), earlier.begin(), earlier.end());
        };
        prepend(journal.frames, before.frames);
        prepend(journal.ptes, before.ptes);
        prepend(journal.cells, before.cells);
        prepend(journal.entries, before.entries);
        prepend(journal.objects, before.objects);
        return result;
    }
    void store(Pid pid, Va va, std::uint32_t value) {
        apply(Access{.pid = pid, .kind = AccessKind::store, .addr = va, .size = 4, .value = value});
    }
    void load(Pid pid, Va va) { apply(Access{.pid = pid, .kind = AccessKind::load, .addr = va, .size = 4}); }

    // A process with all kinds of mappings, its pages present; and a second one that shares kShared.
    void populate() {
        apply(CreateFile{.file = 1, .size = 4 * kPageSize, .path = "file"});
        apply(Spawn{.pid = 1});
        apply(Mmap{.pid = 1, .addr = kAnonymous, .length = 4 * kPageSize, .prot = kReadWrite, .fixed = true});
        apply(Mmap{
            .pid = 1, .addr = kShared, .length = 2 * kPageSize, .prot = kReadWrite, .shared = true, .fixed = true});
        apply(Mmap{.pid = 1,
                   .addr = kFile,
                   .length = 4 * kPageSize,
                   .prot = kProtRead,
                   .shared = true,
                   .fixed = true,
                   .file = 1});
        apply(Mmap{
            .pid = 1, .addr = kPrivateFile, .length = 4 * kPageSize, .prot = kReadWrite, .fixed = true, .file = 1});
        store(1, kAnonymous, 11);
        store(1, kShared, 12);
        load(1, kFile);
        store(1, kPrivateFile, 13);
    }
    void share() {
        apply(Fork{.parent = 1, .child = 2});
        store(2, kShared, 21);
        store(1, kAnonymous, 22);
        load(2, kAnonymous);
    }

    impl::MapEntry& entry(Pid pid, Va va) { return *impl::map_entry_at(system_.find(pid)->map, va); }
    impl::Pmap& pmap(Pid pid) { return *system_.find(pid)->map.pmap; }
    impl::Page& page(Pid pid, Va va) { return *kernel_.pmaps.page_at(pmap(pid), va); }
    impl::Object& object(Pid pid, Va va) { return *entry(pid, va).object; }
    std::uint32_t pte(Pid pid, Va va) { return kernel_.pmaps.pte(pmap(pid), va); }

    // Behind the pmap's back; no CPU has cached the old word.
    void set_pte(Pid pid, Va va, std::uint32_t word) {
        const std::uint32_t table = kernel_.pmaps.pde(pmap(pid), va) & impl::kPteFrame;
        kernel_.machine.memory().write32(table + 4 * impl::pte_index(va), word);
        for (CpuId cpu = 0; cpu < kernel_.machine.cpu_count(); ++cpu) {
            kernel_.machine.flush_tlb(cpu);
        }
    }

    void set_wired(impl::Page& target, bool wired) {
        ASSERT_TRUE(kernel_.pages.busy_try(target));
        if (wired) {
            kernel_.pages.wire(target);
        } else {
            kernel_.pages.unwire(target, true);
        }
        kernel_.pages.wakeup(target);
    }
    void write_to_swap(impl::Page& target) {
        ASSERT_TRUE(kernel_.pages.busy_try(target));
        ASSERT_EQ(impl::pager_put_page(kernel_, target), impl::PagerResult::ok);
        kernel_.pages.wakeup(target);
    }

    static std::string violated(const InvariantSet& set) {
        std::string rules;
        for (const Invariant& invariant : set.invariants()) {
            if (invariant.violated != 0) {
                rules += (rules.empty() ? "" : " ") + std::string(invariant.id);
            }
        }
        return rules;
    }
    static std::string message(const InvariantSet& set) { return set.violation() ? set.violation()->message : "none"; }

    std::string found_by_changes() {
        InvariantSet set(system_);
        set.check_changes();
        EXPECT_EQ(set.violation() ? set.violation()->rule : "", violated(set)) << message(set);
        return violated(set);
    }
    std::string found_by_all() {
        InvariantSet set(system_);
        set.check_all();
        EXPECT_EQ(set.violation() ? set.violation()->rule : "", violated(set)) << message(set);
        return violated(set);
    }
    // The journal names everything since the start: both kinds of check must find that rule broken, and no other.
    void expect_broken(const std::string& rule) {
        EXPECT_EQ(found_by_changes(), rule);
        EXPECT_EQ(found_by_all(), rule);
    }

    const Invariant& invariant(const InvariantSet& set, std::string_view id) {
        const auto all = set.invariants();
        return *std::find_if(all.begin(), all.end(), [id](const Invariant& each) { return each.id == id; });
    }

    impl::System system_;
    InvariantSet set_;
    impl::Kernel& kernel_;
};

}  // namespace vmref::props
