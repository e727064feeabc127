// One measured piece of memory work, done the same way by vmref and by the host kernel.
#pragma once

#include <cstdint>

namespace vmref::bench {

inline constexpr std::uint32_t kPages = 256;  // pages of the region under test

// A memory system under measurement: one process with one region of kPages pages, and a child it can have.
class Workload {
  public:
    virtual ~Workload() = default;
    virtual void map_anonymous() = 0;
    virtual void map_file(bool shared) = 0;  // a file of kPages pages that is in memory
    virtual void unmap() = 0;
    virtual void store(std::uint32_t page) = 0;
    virtual void load(std::uint32_t page) = 0;
    virtual void protect(bool writable) = 0;
    virtual void fork_child() = 0;  // the child exists and does nothing
    virtual void end_child() = 0;

    void store_all() {
        for (std::uint32_t page = 0; page < kPages; ++page) {
            store(page);
        }
    }
    void load_all() {
        for (std::uint32_t page = 0; page < kPages; ++page) {
            load(page);
        }
    }
};

}  // namespace vmref::bench
