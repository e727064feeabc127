// What the tests of the model share: one system, and short words for what is done to it.
#pragma once

#include <gtest/gtest.h>

#include "model/system.h"
#include "ops/synthetic.h"

namespace vmref::model {

inline constexpr Va kBase = 0x100000;
inline constexpr Prot kRw = kProtRead | kProtWrite;

constexpr Va at(std::uint32_t page, std::uint32_t offset = 0) {
    return kBase + page * kPageSize + offset;
}

// A file of `pages` pages, processes, and short words for what is done to them. Pages count from kBase.
class SystemTest : public ::testing::Test {
  protected:
    SystemTest() : system(config()) {
        run(Spawn{1});
        run(CreateFile{1, 4 * kPageSize, "f"});
    }

    static Config config() {
        Config config;
        config.stack_grow = 4;
        return config;
    }

    Outcome step(const Operation& operation, const Observation& actual = {}) {
        EXPECT_EQ(system.refuse(operation), std::nullopt);
        return system.step(operation, actual);
    }
    Observation run(const Operation& operation, const Observation& actual = {}) {
        const Outcome outcome = step(operation, actual);
        EXPECT_EQ(outcome.illegal, "");
        return outcome.expected;
    }
    Status status(const Operation& operation, const Observation& actual = {}) { return run(operation, actual).status; }

    void map(std::uint32_t page, std::uint32_t pages, FileId file = 0, bool shared = false, Prot prot = kRw,
             std::uint32_t file_page = 0, Pid pid = 1) {
        Mmap op{pid, at(page), pages * kPageSize, prot};
        op.shared = shared;
        op.fixed = true;
        op.file = file;
        op.offset = file_page * kPageSize;
        ASSERT_EQ(run(op), placed(at(page)));
    }
    void stack(std::uint32_t page, std::uint32_t pages, Prot prot = kRw) {
        Mmap op{1, at(page), pages * kPageSize, prot};
        op.fixed = op.stack = true;
        ASSERT_EQ(run(op), placed(at(page)));
    }
    Observation load(Pid pid, Va va, std::uint8_t size = 4, const Observation& actual = {}) {
        return run(Access{pid, AccessKind::load, va, size}, actual);
    }
    Observation store(Pid pid, Va va, std::uint32_t value, std::uint8_t size = 4) {
        return run(Access{pid, AccessKind::store, va, size, value});
    }
    void put(Pid pid, std::uint32_t page, std::uint32_t value) {
        ASSERT_EQ(store(pid, at(page), value), Observation{});
    }
    std::uint32_t get(Pid pid, std::uint32_t page) {
        const Observation seen = load(pid, at(page));
        EXPECT_EQ(seen.signal, Signal::none);
        return seen.value;
    }
    // Writes one word to the start of a file page, through a buffer of process 9.
    void write_file(std::uint32_t page, std::uint32_t value) {
        if (system.refuse(Exit{9})) {
            run(Spawn{9});
            map(0, 1, 0, false, kRw, 0, 9);
        }
        put(9, 0, value);
        ASSERT_EQ(run(FileWrite{9, 1, page * kPageSize, 4, at(0)}).value, 4U);
    }
    static std::uint32_t original(PageIndex page) { return synthetic_word(1, page, 0); }

    static Observation seen(Status status, Signal signal, std::uint32_t value, Va address) {
        Observation observation;
        observation.status = status;
        observation.signal = signal;
        observation.value = value;
        observation.address = address;
        return observation;
    }
    static Observation segv(Va va) { return seen(Status::success, Signal::segv, 0, va); }
    static Observation bus(Va va) { return seen(Status::success, Signal::bus, 0, va); }
    static Observation loaded(std::uint32_t value) { return seen(Status::success, Signal::none, value, 0); }
    static Observation placed(Va va) { return seen(Status::success, Signal::none, 0, va); }
    static Observation failed(Status status, std::uint32_t value = 0) { return seen(status, Signal::none, value, 0); }
    static Observation discarding(Pid pid, Va va, std::uint32_t after = 0) {
        Observation observation;
        observation.witness.discarded.push_back({pid, va, after});
        return observation;
    }
    static Observation killing(Pid pid, std::uint32_t value = 0) {
        Observation observation = loaded(value);
        observation.witness.killed.push_back(pid);
        return observation;
    }

    System system;
};

}  // namespace vmref::model
