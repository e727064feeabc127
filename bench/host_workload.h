// The same work done by the host kernel: real mappings, real faults.
#pragma once

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "bench/workload.h"

namespace vmref::bench {

class HostWorkload final : public Workload {
  public:
    HostWorkload() : file_(memfd_create("vmref-bench", 0)) {
        if (file_ < 0 || ftruncate(file_, kBytes) != 0) {
            throw std::runtime_error("the host gives no memory file");
        }
        map_file(true);
        std::memset(base_, 1, kBytes);
        unmap();
    }
    ~HostWorkload() override { close(file_); }
    HostWorkload(const HostWorkload&) = delete;
    HostWorkload& operator=(const HostWorkload&) = delete;

    void map_anonymous() override { map(MAP_PRIVATE | MAP_ANONYMOUS, -1); }
    void map_file(bool shared) override { map(shared ? MAP_SHARED : MAP_PRIVATE, file_); }
    void unmap() override { munmap(base_, kBytes); }
    void store(std::uint32_t page) override { *word(page) = page; }
    void load(std::uint32_t page) override { static_cast<void>(*word(page)); }
    void protect(bool writable) override { mprotect(base_, kBytes, writable ? PROT_READ | PROT_WRITE : PROT_READ); }
    void fork_child() override {
        child_ = fork();
        if (child_ == 0) {
            for (;;) {
                pause();
            }
        }
    }
    void end_child() override {
        kill(child_, SIGKILL);
        waitpid(child_, nullptr, 0);
    }

  private:
    static constexpr std::size_t kHostPage = 4096;
    static constexpr std::size_t kBytes = kPages * kHostPage;

    void map(int flags, int file) {
        void* const base = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, flags, file, 0);
        if (base == MAP_FAILED) {
            throw std::runtime_error("the host maps no memory");
        }
        base_ = static_cast<char*>(base);
        madvise(base_, kBytes, MADV_NOHUGEPAGE);  // page by page, as the i386 does it
    }
    volatile std::uint32_t* word(std::uint32_t page) {
        return reinterpret_cast<volatile std::uint32_t*>(base_ + page * kHostPage);
    }

    int file_;
    char* base_ = nullptr;
    pid_t child_ = 0;
};

}  // namespace vmref::bench
