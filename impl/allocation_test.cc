// In the steady state the fault path allocates nothing: what grows has grown once.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <new>

#include "impl/system.h"

namespace {

std::uint64_t allocations = 0;

void* counted(std::size_t bytes) {
    ++allocations;
    void* const block = std::malloc(bytes);
    if (block == nullptr) {
        throw std::bad_alloc();
    }
    return block;
}

}  // namespace

// Of this test program alone.
void* operator new(std::size_t bytes) {
    return counted(bytes);
}
void* operator new[](std::size_t bytes) {
    return counted(bytes);
}
void operator delete(void* block) noexcept {
    std::free(block);
}
void operator delete[](void* block) noexcept {
    std::free(block);
}
void operator delete(void* block, std::size_t /*bytes*/) noexcept {
    std::free(block);
}
void operator delete[](void* block, std::size_t /*bytes*/) noexcept {
    std::free(block);
}

namespace vmref::impl {
namespace {

constexpr Pid kParent = 1;
constexpr Pid kChild = 2;
constexpr FileId kFile = 1;
constexpr std::uint32_t kPages = 64;
constexpr std::uint32_t kLength = kPages * kPageSize;
constexpr Va kAnonymous = 0x10000000;
constexpr Va kPrivateFile = 0x20000000;
constexpr Va kSharedFile = 0x30000000;

Config short_of_memory() {
    Config config;
    config.frames = 160;  // three mappings of 64 pages and a child do not fit: pages go to swap and come back
    config.swap_slots = 1024;
    return config;
}

class Allocation : public testing::Test {
  protected:
    Allocation() : system_(short_of_memory(), {}) {
        system_.apply(Spawn{kParent});
        system_.apply(CreateFile{kFile, kLength, "file"});
    }

    void map(Va start, FileId file, bool shared) {
        system_.apply(Mmap{.pid = kParent,
                           .addr = start,
                           .length = kLength,
                           .prot = kProtRead | kProtWrite,
                           .shared = shared,
                           .fixed = true,
                           .file = file});
    }

    // Accesses every page; these are what must not allocate.
    void touch(Pid pid, AccessKind kind, Va start) {
        const std::uint64_t before = allocations;
        for (std::uint32_t page = 0; page < kPages; ++page) {
            const Observation seen = system_.apply(Access{pid, kind, start + page * kPageSize, 4, page});
            EXPECT_EQ(seen.signal, Signal::none);
        }
        while_touching_ += allocations - before;
    }

    void round() {
        map(kAnonymous, 0, false);
        map(kPrivateFile, kFile, false);
        map(kSharedFile, kFile, true);
        for (const Va start : {kAnonymous, kPrivateFile, kSharedFile}) {
            touch(kParent, AccessKind::load, start);
            touch(kParent, AccessKind::store, start);
        }
        system_.apply(Fork{kParent, kChild});
        touch(kParent, AccessKind::store, kAnonymous);
        touch(kChild, AccessKind::load, kPrivateFile);
        touch(kChild, AccessKind::store, kAnonymous);
        system_.apply(Exit{kChild});
        touch(kParent, AccessKind::store, kAnonymous);
        system_.apply(Mprotect{kParent, kAnonymous, kLength, kProtRead});
        system_.apply(Mprotect{kParent, kAnonymous, kLength, kProtRead | kProtWrite});
        touch(kParent, AccessKind::store, kAnonymous);
        for (const Va start : {kAnonymous, kPrivateFile, kSharedFile}) {
            system_.apply(Munmap{kParent, start, kLength});
        }
    }

    System system_;
    std::uint64_t while_touching_ = 0;
};

TEST_F(Allocation, TheFaultPathAllocatesNothingInTheSteadyState) {
    for (int warm_up = 0; warm_up < 4; ++warm_up) {
        round();
    }
    EXPECT_GT(while_touching_, 0U) << "nothing was counted";
    const Statistics before = system_.kernel().stats;
    while_touching_ = 0;
    round();
    EXPECT_EQ(while_touching_, 0U);

    const Statistics& now = system_.kernel().stats;
    EXPECT_GT(now.zfod, before.zfod);
    EXPECT_GT(now.cow_faults, before.cow_faults);
    EXPECT_GT(now.pageouts, before.pageouts);
    EXPECT_GT(now.pageins, before.pageins);
}

}  // namespace
}  // namespace vmref::impl
