#include "props/shrink_changes.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace vmref::props {
namespace {

constexpr Va kHere = 0x00400000;

Operation store(Pid pid, Va va) {
    return Access{pid, AccessKind::store, va, 4, 1};
}
Operation map(Pid pid, std::uint32_t pages) {
    return Mmap{.pid = pid, .addr = kHere, .length = pages * kPageSize, .prot = kProtRead, .fixed = true};
}
bool has(const std::vector<Operations>& candidates, const Operations& operations) {
    return std::find(candidates.begin(), candidates.end(), operations) != candidates.end();
}

// However long one goes on simplifying, whichever way first, it ends: nothing leads back.
void expect_end(const Operation& operation) {
    for (const bool first : {true, false}) {
        Operation now = operation;
        Operations simpler = simpler_operations(now);
        for (unsigned steps = 0; !simpler.empty(); ++steps) {
            ASSERT_LT(steps, 100U);
            EXPECT_EQ(std::count(simpler.begin(), simpler.end(), now), 0);
            now = first ? simpler.front() : simpler.back();
            simpler = simpler_operations(now);
        }
    }
}

TEST(ShrinkChanges, SimplifyingOperationsEnds) {
    expect_end(Mremap{1, kHere, 3 * kPageSize, kHere, 4 * kPageSize});
    expect_end(Mremap{1, kHere, 3 * kPageSize, kHere, 2 * kPageSize});
    expect_end(Mmap{1, kHere, 3 * kPageSize, kProtNone, kProtRead, true, true, true, 4, kPageSize});
    expect_end(Access{1, AccessKind::store, kHere + 5, 2, 99, true});
    expect_end(Ftruncate{1, 77});
    EXPECT_TRUE(simpler_operations(Spawn{1}).empty());
    EXPECT_TRUE(simpler_operations(store(1, kHere)).empty());
}

TEST(ShrinkChanges, ProcessesAreNumberedAsTheyAppear) {
    const Operations before{Spawn{7}, Fork{7, 3}, Switch{0, 0}, Exit{7}, store(3, kHere)};
    const Operations after{Spawn{1}, Fork{1, 2}, Switch{0, 0}, Exit{1}, store(2, kHere)};
    EXPECT_EQ(renumber_processes(before), after);
    EXPECT_EQ(renumber_processes(after), after);
}

TEST(ShrinkChanges, AdviceStandsForManyScans) {
    const Operations start{Spawn{1}, map(1, 2), store(1, kHere + kPageSize)};
    Operations many = start;
    many.insert(many.end(), 5, Pageout{3});
    Operations advised = start;
    advised.insert(advised.end(), {Madvise{1, kHere, 2 * kPageSize, Advice::dontneed}, Pageout{64}, Pageout{64}});
    EXPECT_TRUE(has(with_advice_for_scans(many), advised));
    for (const Operations& candidate : with_advice_for_scans(many)) {
        EXPECT_LT(candidate.size(), many.size());
    }
    many.resize(start.size() + 2);
    EXPECT_TRUE(with_advice_for_scans(many).empty());
}

TEST(ShrinkChanges, ParentWorksForItsChild) {
    const Operations before{Spawn{1}, Fork{1, 2}, map(2, 1), store(2, kHere)};
    EXPECT_TRUE(has(with_fewer_actors(before), {Spawn{1}, map(1, 1), store(1, kHere)}));
}

TEST(ShrinkChanges, FilesAreCreatedWithTheirLaterSizeOrNotAtAll) {
    const Operations sized{CreateFile{1, 5, ""}, Ftruncate{1, 9}};
    EXPECT_TRUE(has(with_fewer_actors(sized), {CreateFile{1, 9, ""}}));
    const Operations two{CreateFile{1, 5, ""}, CreateFile{2, 9, ""}, Ftruncate{1, 3}};
    EXPECT_TRUE(has(with_fewer_actors(two), {CreateFile{2, 9, ""}, Ftruncate{2, 3}}));
}

TEST(ShrinkChanges, ForksComeLater) {
    const Operations before{Spawn{1}, Fork{1, 2}, map(1, 1), store(1, kHere)};
    const std::vector<Operations> later = with_later_fork(before);
    EXPECT_EQ(later.size(), 2U);
    EXPECT_TRUE(has(later, {Spawn{1}, map(1, 1), store(1, kHere), Fork{1, 2}}));
}

TEST(ShrinkChanges, OneEndDoesNotReplaceAnother) {
    const Operations running{Spawn{1}, Spawn{2}, store(1, kHere)};
    EXPECT_TRUE(has(with_early_exit(running), {Spawn{1}, Spawn{2}, Exit{1}}));
    for (const Operations& candidate : with_early_exit({Spawn{1}, Spawn{2}, Exit{1}})) {
        EXPECT_LT(candidate.size(), 3U);
    }
}

TEST(ShrinkChanges, ConfigurationsBecomeSmallerAndFitTogether) {
    Config config;
    config.frames = 64;
    config.prefault_pages = 3;
    const std::vector<Config> simpler = simpler_configs(config);
    EXPECT_FALSE(simpler.empty());
    for (const Config& one : simpler) {
        EXPECT_EQ(config_problem(one), "");
        EXPECT_NE(one, config);
        EXPECT_LE(one.frames, config.frames);
        EXPECT_LE(one.cpus, config.cpus);
        EXPECT_LE(one.tlb_entries, config.tlb_entries);
    }
    EXPECT_TRUE(std::any_of(simpler.begin(), simpler.end(), [](const Config& one) { return one.frames == 48; }));
    EXPECT_TRUE(std::any_of(simpler.begin(), simpler.end(),
                            [](const Config& one) { return one.prefault_pages == Config{}.prefault_pages; }));
}

}  // namespace
}  // namespace vmref::props
