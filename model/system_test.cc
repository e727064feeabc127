// Processes and what they inherit; the model as a value.
#include <map>
#include <utility>
#include <vector>

#include "model/system_test.h"

namespace vmref::model {
namespace {

TEST_F(SystemTest, ForkByInheritance) {
    map(0, 1);
    map(1, 1, 0, true);
    map(2, 1, 1);
    map(3, 1, 1, true);
    map(4, 2);
    run(Minherit{1, at(4), kPageSize, Inherit::share});
    run(Minherit{1, at(5), kPageSize, Inherit::none});
    for (std::uint32_t page = 0; page < 6; ++page) {
        put(1, page, 10 + page);
    }
    run(Threads{1, 3});
    run(Fork{1, 2});
    EXPECT_EQ(system.threads(1), 3U);
    EXPECT_EQ(system.threads(2), 1U);
    EXPECT_EQ(load(2, at(5)), segv(at(5)));
    for (std::uint32_t page = 0; page < 5; ++page) {
        put(1, page, 20 + page);
    }
    const std::map<std::uint32_t, bool> shares{{0, false}, {1, true}, {2, false}, {3, true}, {4, true}};
    for (const auto& [page, shared] : shares) {
        EXPECT_EQ(get(2, page), (shared ? 20 : 10) + page);
        put(2, page, 30 + page);
        EXPECT_EQ(get(1, page), (shared ? 30 : 20) + page);
    }
    EXPECT_FALSE(system.mapping(2, 4).shared);
    EXPECT_TRUE(system.mapping(2, 3).shared);
}

TEST_F(SystemTest, ForkCopyOfSharedMappingsBecomesPrivate) {
    map(0, 1, 0, true);
    map(1, 2, 1, true);
    put(1, 0, 1);
    run(Fork{1, 2});  // 1 and 2 share
    run(Minherit{1, at(0), 3 * kPageSize, Inherit::copy});
    run(Fork{1, 3});
    EXPECT_FALSE(system.mapping(3, 0).shared);
    EXPECT_FALSE(system.mapping(3, 1).shared);
    put(2, 0, 2);  // still shared with 1, not with the snapshot in 3
    EXPECT_EQ(get(1, 0), 2U);
    EXPECT_EQ(get(3, 0), 1U);
    put(1, 1, 5);  // 3 sees through to the file
    EXPECT_EQ(get(3, 1), 5U);
    put(3, 1, 6);
    EXPECT_EQ(get(1, 1), 5U);
    EXPECT_EQ(system.mapping(3, 1).file, 1U);
    EXPECT_EQ(system.mapping(3, 1).file_page, 0U);
}

TEST_F(SystemTest, ForkOfSharedPrivateFileMappingKeepsSeeingThrough) {
    map(0, 3, 1);
    run(Minherit{1, at(0), 3 * kPageSize, Inherit::share});
    run(Fork{1, 2});
    put(2, 0, 1);
    EXPECT_EQ(get(1, 0), 1U);  // one set of private cells for both
    run(Minherit{1, at(0), 3 * kPageSize, Inherit::copy});
    run(Munmap{1, at(0), kPageSize});
    put(1, 2, 8);
    run(Fork{1, 3});
    put(1, 2, 9);
    write_file(1, 5);
    for (const Pid pid : {1U, 2U, 3U}) {
        EXPECT_EQ(get(pid, 1), 5U);
    }
    EXPECT_EQ(get(2, 2), 9U);
    EXPECT_EQ(get(3, 2), 8U);
    EXPECT_EQ(system.mapping(3, 0).file_page, 1U);
}

TEST_F(SystemTest, WiredForkCopiesAtOnce) {
    map(0, 2, 1, false, kProtRead, 3);
    map(2, 1, 1, true);
    run(Minherit{1, at(2), kPageSize, Inherit::copy});
    EXPECT_EQ(status(Mlock{1, at(0), kPageSize}), Status::success);
    EXPECT_EQ(status(Mlock{1, at(2), kPageSize}), Status::success);
    run(Fork{1, 2});
    write_file(3, 5);
    write_file(0, 6);
    EXPECT_EQ(get(1, 0), 5U);
    EXPECT_EQ(get(2, 0), original(3));
    EXPECT_EQ(get(1, 2), 6U);
    EXPECT_EQ(get(2, 2), original(0));
    EXPECT_FALSE(system.page(2, at(0)).wired);
    // Wired pages past the end go on seeing through.
    run(Ftruncate{1, 3 * kPageSize});
    run(Fork{1, 3});
    EXPECT_EQ(load(3, at(0)), bus(at(0)));
    write_file(3, 7);
    EXPECT_EQ(get(3, 0), 7U);
    EXPECT_EQ(get(2, 0), original(3));
}

TEST_F(SystemTest, KilledProcesses) {
    map(0, 2);
    run(Fork{1, 2});
    run(Fork{1, 3});
    const Observation killed = run(Access{1, AccessKind::store, at(0), 4, 5}, killing(1));
    Observation kill = killing(1);
    kill.signal = Signal::kill;
    EXPECT_EQ(killed, kill);
    EXPECT_EQ(run(Access{2, AccessKind::store, at(0), 4, 5}, killing(3)).signal, Signal::none);
    EXPECT_EQ(system.processes(), std::vector<Pid>{2});
    EXPECT_EQ(get(2, 0), 5U);
    EXPECT_NE(step(Pageout{1}, killing(3)).illegal, "");
    // The bytes that were moved stay moved; the rest is not.
    const Observation actual = killing(2, kPageSize);
    const Observation half = run(FileWrite{2, 1, 0, 2 * kPageSize, at(0)}, actual);
    EXPECT_EQ(half.signal, Signal::kill);
    EXPECT_EQ(half.value, kPageSize);
    EXPECT_EQ(system.file_page(1, 0)[0], 5);
    EXPECT_EQ(system.file_page(1, 1)[0], original(1) & 0xff);
    run(Spawn{4});
    EXPECT_EQ(run(Fork{4, 5}, killing(4)).signal, Signal::kill);
    EXPECT_TRUE(system.processes().empty());
}

TEST_F(SystemTest, ExecAndExit) {
    map(0, 1);
    run(Threads{1, 4});
    run(Exec{1});
    EXPECT_EQ(system.threads(1), 1U);
    EXPECT_EQ(system.mapping_count(1), 0U);
    run(Exit{1});
    EXPECT_TRUE(system.processes().empty());
    EXPECT_EQ(system.files(), std::vector<FileId>{1});
}

TEST_F(SystemTest, CopyIsDeep) {
    map(0, 1);
    map(1, 1, 1);
    map(2, 1, 1, true);
    run(Minherit{1, at(0), kPageSize, Inherit::share});
    run(Fork{1, 2});
    put(1, 0, 1);
    System copy = system;
    put(1, 0, 2);
    put(1, 2, 3);
    run(Exit{2});
    std::swap(copy, system);
    EXPECT_EQ(get(1, 0), 1U);
    EXPECT_EQ(get(1, 1), original(0));
    put(2, 0, 4);  // the sharing and the view of the file were copied, too
    EXPECT_EQ(get(1, 0), 4U);
    put(1, 2, 5);
    EXPECT_EQ(get(2, 1), 5U);
}

TEST_F(SystemTest, Views) {
    map(0, 2, 1, true, kRw, 1);
    run(Mprotect{1, at(1), kPageSize, kProtRead});
    std::vector<MappingView> out(7);
    system.mappings(1, out);
    ASSERT_EQ(out.size(), 2U);
    EXPECT_EQ(out[1].start, at(1));
    EXPECT_EQ(out[1].pages, 1U);
    EXPECT_EQ(out[1].file, 1U);
    EXPECT_EQ(out[1].file_page, 2U);
    EXPECT_EQ(out[1].inherit, Inherit::share);
    const PageView page = system.page(1, at(1, 5));
    EXPECT_TRUE(page.mapped);
    EXPECT_EQ(page.prot, kProtRead);
    EXPECT_EQ(page.bytes, system.file_page(1, 2));
    EXPECT_EQ(system.file_page(1, 4), nullptr);
    map(5, 1);
    EXPECT_EQ(system.page(1, at(5)).bytes, nullptr);
    EXPECT_TRUE(system.page(1, at(5)).mapped);
    EXPECT_FALSE(system.page(8, at(5)).mapped);
}

}  // namespace
}  // namespace vmref::model
