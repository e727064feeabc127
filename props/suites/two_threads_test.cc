// Two or three operations at a time, each on a fiber of its own: the first is interrupted after every one of its
// steps in turn, the others run then as far as they can. With every planted defect off nothing may be seen of that but
// what some order of the operations explains; the defect must show for at least one place.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "impl/defects/defects.h"
#include "impl/sched/fibers.h"
#include "impl/system.h"
#include "ops/operation.h"
#include "props/campaign.h"
#include "props/invariants/invariant_set.h"

namespace vmref::props {
namespace {

constexpr Va kBase = 0x10000;
constexpr Prot kReadWrite = kProtRead | kProtWrite;
// A thread that starts over for ever lets the others run after so many steps.
constexpr std::uint32_t kLongTurn = 400;

Va page(std::uint32_t n) {
    return kBase + n * kPageSize;
}
Access load(Pid pid, std::uint32_t n) {
    return {.pid = pid, .kind = AccessKind::load, .addr = page(n), .size = 4};
}
Access store(Pid pid, std::uint32_t n, std::uint32_t value) {
    return {.pid = pid, .kind = AccessKind::store, .addr = page(n), .size = 4, .value = value};
}
Mmap anonymous(Pid pid, std::uint32_t pages, bool shared) {
    return {
        .pid = pid, .addr = kBase, .length = pages * kPageSize, .prot = kReadWrite, .shared = shared, .fixed = true};
}
Mmap file(Pid pid) {
    return {.pid = pid,
            .addr = kBase,
            .length = 2 * kPageSize,
            .prot = kReadWrite,
            .shared = true,
            .fixed = true,
            .file = 1};
}
Mprotect protect(Pid pid, std::uint32_t first, std::uint32_t pages, Prot prot) {
    return {pid, page(first), pages * kPageSize, prot};
}

struct Scene {
    const char* defect;
    std::vector<Operation> before;
    std::vector<Operation> threads;
    std::vector<Operation> after;
    std::uint32_t prefault_pages = 0;
    // A rule that holds at every moment: a thread that does nothing else looks at it.
    const char* always = nullptr;
};

void PrintTo(const Scene& scene, std::ostream* out) {
    *out << scene.defect;
}

Config config_of(const Scene& scene) {
    Config config;
    config.frames = 64;
    config.cpus = 3;
    config.swap_slots = 32;
    config.free_reserved = 2;
    config.free_severe = 3;
    config.free_min = 4;
    config.free_target = 5;
    config.prefault_pages = scene.prefault_pages;
    config.shared_fault = 0;
    return config;
}

using Seen = std::vector<Observation>;

Observation without_witness(Observation seen) {
    seen.witness = {};
    return seen;
}

void require_always(impl::System& system, std::string_view rule) {
    InvariantSet set(system);
    set.check_all();
    system.kernel().probe = nullptr;
    for (const Invariant& invariant : set.invariants()) {
        if (invariant.id == rule && invariant.violated != 0) {
            throw impl::Finding(std::string(rule), "broken in between");
        }
    }
}

std::string broken_invariants(impl::System& system) {
    InvariantSet set(system);
    set.check_all();
    const std::string rule = set.violation() ? set.violation()->rule : "";
    system.kernel().probe = nullptr;
    return rule;
}

// The threads of a scene on fibers. What is each one's own in the kernel is put aside while another runs.
class Together {
  public:
    Together(const Scene& scene, const impl::DefectSet& defects)
        : scene_(scene),
          system_(config_of(scene), defects),
          own_(scene.threads.size()),
          fibers_(
              system_.kernel().sched, [this](std::uint32_t thread) { begins(thread); },
              [this](std::uint32_t thread) { stops(thread); }) {}

    // The rule that was broken, "order" if no order explains what was seen, or "".
    std::string run(std::uint32_t steps) {
        for (const Operation& operation : scene_.before) {
            system_.apply(operation);
        }
        Seen seen(scene_.threads.size());
        std::vector<impl::Turn> schedule{{0, steps}};
        for (std::uint32_t n = 0; n < scene_.threads.size(); ++n) {
            fibers_.add([this, n, &seen] { seen[n] = without_witness(system_.apply(scene_.threads[n])); });
            if (n != 0) {
                schedule.push_back({n, kLongTurn});
            }
        }
        if (scene_.always != nullptr) {
            fibers_.add([this] { require_always(system_, scene_.always); });
            own_.emplace_back();
            schedule.push_back({static_cast<std::uint32_t>(scene_.threads.size()), kLongTurn});
        }
        try {
            fibers_.run(schedule);
            if (const std::string broken = broken_invariants(system_); !broken.empty()) {
                return broken;
            }
            for (const Operation& operation : scene_.after) {
                seen.push_back(without_witness(system_.apply(operation)));
            }
        } catch (const impl::Finding& finding) {
            return finding.rule() + " (" + finding.what() + ")";
        }
        return explained(seen) ? "" : "order";
    }
    std::uint32_t steps() const { return fibers_.steps(0); }

  private:
    struct Own {
        impl::Process* curproc = nullptr;
        impl::Process* debuggee = nullptr;
    };
    void begins(std::uint32_t thread) {
        system_.kernel().curproc = own_[thread].curproc;
        system_.kernel().debuggee = own_[thread].debuggee;
    }
    void stops(std::uint32_t thread) { own_[thread] = {system_.kernel().curproc, system_.kernel().debuggee}; }

    // Some order of the operations, one after the other, shows the same.
    bool explained(const Seen& seen) const {
        std::vector<std::size_t> order(scene_.threads.size());
        for (std::size_t n = 0; n < order.size(); ++n) {
            order[n] = n;
        }
        do {
            if (one_after_the_other(order) == seen) {
                return true;
            }
        } while (std::ranges::next_permutation(order).found);
        return false;
    }
    Seen one_after_the_other(const std::vector<std::size_t>& order) const {
        impl::System system(config_of(scene_), {});
        for (const Operation& operation : scene_.before) {
            system.apply(operation);
        }
        Seen seen(order.size());
        for (const std::size_t thread : order) {
            seen[thread] = without_witness(system.apply(scene_.threads[thread]));
        }
        for (const Operation& operation : scene_.after) {
            seen.push_back(without_witness(system.apply(operation)));
        }
        return seen;
    }

    const Scene& scene_;
    impl::System system_;
    std::vector<Own> own_;
    impl::Fibers fibers_;
};

// What each place of interruption shows: "I-41 at 3, ...".
std::string search(const Scene& scene, const impl::DefectSet& defects) {
    std::string found;
    for (std::uint32_t steps = 0;; ++steps) {
        Together together(scene, defects);
        if (const std::string broken = together.run(steps); !broken.empty()) {
            found += (found.empty() ? "" : ", ") + broken + " at " + std::to_string(steps);
        }
        if (together.steps() < steps) {
            return found;
        }
        if (steps > 2000) {
            return "the first operation does not end";
        }
    }
}

std::vector<Operation> on_own_cpus(std::vector<Operation> operations) {
    operations.insert(operations.end(), {Switch{0, 1}, Switch{1, 2}, Switch{2, 3}});
    return operations;
}

// Mapped by three processes, present in the first two.
std::vector<Operation> shared_file() {
    return on_own_cpus(
        {Spawn{1}, CreateFile{1, 2 * kPageSize, {}}, file(1), Fork{1, 2}, Fork{1, 3}, store(1, 0, 5), load(2, 0)});
}

std::vector<Operation> shared_file_unread() {
    return on_own_cpus({Spawn{1}, CreateFile{1, 2 * kPageSize, {}}, file(1), Fork{1, 2}, Fork{1, 3}});
}

// Process 1 sees page 2 in its own object, page 1 in the next, which process 3 shares, page 0 in the last, which
// process 2 maps. Process 1 has no PTEs.
std::vector<Operation> chain_of_three() {
    return on_own_cpus({Spawn{1}, anonymous(1, 3, false), store(1, 0, 10), store(1, 1, 11), store(1, 2, 12), Fork{1, 2},
                        store(1, 1, 21), Fork{1, 3}, store(1, 2, 32), protect(1, 0, 3, kProtNone),
                        protect(1, 0, 3, kReadWrite)});
}

std::vector<Operation> shared_anonymous() {
    return on_own_cpus({Spawn{1}, anonymous(1, 4, true), Fork{1, 2}, Fork{1, 3}});
}

std::vector<Operation> then(std::vector<Operation> first, const std::vector<Operation>& more) {
    first.insert(first.end(), more.begin(), more.end());
    return first;
}

const Scene kScenes[] = {
    {"M-07", shared_anonymous(), {store(1, 0, 7), Reclaim{2, page(0)}}, {load(2, 0)}},
    {"B-23", chain_of_three(), {load(1, 2), Exit{2}}, {load(1, 0), load(3, 0), load(1, 1)}, 4},
    {"B-101",
     then(shared_anonymous(), {store(2, 0, 1), load(1, 0), WriteOut{1, page(0)}}),
     {Reclaim{1, page(0)}, store(2, 0, 7)},
     {load(2, 0), load(1, 0)}},
    {"B-105",
     then(shared_anonymous(), {Mlock{1, kBase, 4 * kPageSize}, BusyPage{1, page(0), 1}}),
     {Munlock{1, kBase, 4 * kPageSize}, protect(1, 2, 2, kProtRead)},
     {Munmap{1, kBase, 4 * kPageSize}}},
    {"B-88",
     then(shared_anonymous(), {store(1, 0, 1), WriteOut{1, page(0)}, store(1, 0, 2)}),
     {Munmap{1, kBase, 4 * kPageSize}, Reclaim{2, page(0)}},
     {load(2, 0)}},
    {"M-09", shared_file_unread(), {load(1, 0)}, {load(1, 0)}, 0, "I-18"},
    {"B-74", shared_file(), {Ftruncate{1, 0}, Exit{2}}, {load(1, 0)}},
    {"B-111", shared_file(), {Ftruncate{1, 0}, Exit{2}}, {load(1, 0)}},
    {"B-52", shared_file(), {Msync{1, kBase, kPageSize}, Reclaim{2, page(0)}}, {load(1, 0)}},
    {"B-34",
     on_own_cpus({Spawn{1}, anonymous(1, 2, false), store(1, 0, 10), store(1, 1, 11), Fork{1, 2}, store(1, 1, 21),
                  protect(1, 0, 2, kProtNone), protect(1, 0, 2, kReadWrite), Spawn{3}}),
     {WriteOut{1, page(0)}, Exit{2}, load(1, 0)},
     {load(1, 1)}},
};

// One thread alone does nothing wrong with any of them on: each needs another one.
TEST(OneThread, ShowsNoneOfTheDefectsThatNeedTwo) {
    for (const impl::DefectInfo& info : impl::defect_catalogue()) {
        if (info.world != "system" || info.reach != "il") {
            continue;
        }
        CampaignOptions options;
        options.small_systems = true;
        options.operations_per_system = 3000;
        options.max_operations = 15000;
        options.defects.switch_on(info.defect);
        const CampaignResult result = run_campaign(options);
        EXPECT_FALSE(result.violation) << info.id << ": " << result.violation->rule << ": "
                                       << result.violation->message;
    }
}

class TwoThreads : public ::testing::TestWithParam<Scene> {};

TEST_P(TwoThreads, ShowNothingWithoutTheDefect) {
    EXPECT_EQ(search(GetParam(), {}), "");
}

TEST_P(TwoThreads, ShowTheDefect) {
    impl::DefectSet defects;
    defects.switch_on(impl::find_defect(GetParam().defect).value());
    const std::string found = search(GetParam(), defects);
    EXPECT_NE(found, "");
    RecordProperty("found", found);
}

INSTANTIATE_TEST_SUITE_P(Catalogue, TwoThreads, ::testing::ValuesIn(kScenes), [](const auto& instance) {
    std::string name = instance.param.defect;
    std::erase(name, '-');
    return name;
});

}  // namespace
}  // namespace vmref::props
