// Bad input is refused with one line.
#include <string>
#include <vector>

#include "model/system_test.h"

namespace vmref::model {
namespace {

class RefuseTest : public SystemTest {};

TEST_F(RefuseTest, RefusesBadInputWithOneLine) {
    Mmap outside{1, 0xbfbff000, 0x2000, kRw};
    outside.fixed = true;
    Mmap huge{1, 0, 0xc0000000, kRw};
    const Mmap far{1, kUserEnd, kPageSize, kRw};
    Mmap no_file{1, kBase, kPageSize, kRw};
    no_file.file = 3;
    const std::vector<std::pair<Operation, std::string>> table{
        {Spawn{0}, "process 0 cannot be made: numbers start at 1"},
        {Spawn{1}, "process 1 exists already"},
        {Exec{7}, "process 7 does not exist"},
        {Exit{0}, "process 0 does not exist"},
        {Fork{7, 8}, "process 7 does not exist"},
        {Fork{1, 1}, "process 1 exists already"},
        {Threads{1, 0}, "thread count 0 is not 1 to 8"},
        {Threads{1, 9}, "thread count 9 is not 1 to 8"},
        {Switch{4, 1}, "cpu 4 does not exist (2 are configured)"},
        {Switch{0, 7}, "process 7 does not exist"},
        {CreateFile{0, 1, ""}, "file 0 cannot be made: numbers start at 1"},
        {CreateFile{1, 1, ""}, "file 1 exists already"},
        {CreateFile{2, kMaxFileSize + 1, ""}, "file size 1073741825 exceeds 1073741824"},
        {Ftruncate{3, 0}, "file 3 does not exist"},
        {Ftruncate{1, kMaxFileSize + 1}, "file size 1073741825 exceeds 1073741824"},
        {FileRead{1, 3, 0, 0, 0}, "file 3 does not exist"},
        {outside, "mapping [0xbfbff000, 0xbfc01000) lies outside user space"},
        {huge, "mapping [0x0, 0xc0000000) lies outside user space"},
        {far, "mapping [0xbfc00000, 0xbfc01000) lies outside user space"},
        {no_file, "file 3 does not exist"},
        {Mprotect{1, kBase, 0, 8}, "protection 8 is not 0 to 7"},
        {Access{1, AccessKind::load, kBase, 3}, "access size 3 is not 1, 2 or 4"},
        {Madvise{7, kBase, 0, Advice::free}, "process 7 does not exist"},
    };
    for (const auto& [operation, line] : table) {
        EXPECT_EQ(system.refuse(operation), line);
    }
    for (const Operation& good :
         {Operation{Switch{0, 0}}, Operation{Pageout{5}}, Operation{Munmap{1, 0xfffff000, 0x2000}},
          Operation{CreateFile{2, kMaxFileSize, ""}}}) {
        EXPECT_EQ(system.refuse(good), std::nullopt);
    }
}

TEST_F(RefuseTest, RefusesMoreProcessesThanFit) {
    for (Pid pid = 2; pid <= 4096; ++pid) {
        run(Spawn{pid});
    }
    EXPECT_TRUE(system.refuse(Spawn{4097}));
    EXPECT_TRUE(system.refuse(Fork{1, 4097}));
    run(Exit{17});
    EXPECT_EQ(system.refuse(Spawn{4097}), std::nullopt);
    EXPECT_EQ(system.processes().size(), 4095U);
}

}  // namespace
}  // namespace vmref::model
