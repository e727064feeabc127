// Files for the tests of this folder.
#pragma once

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "traces/bad_input.h"

namespace vmref {

// A folder that goes away with the test.
class TestFolder {
  public:
    TestFolder()
        : path_(testing::TempDir() + "vmref-" + std::to_string(getpid()) + "-" +
                testing::UnitTest::GetInstance()->current_test_info()->name()) {
        std::filesystem::create_directories(path_);
    }
    ~TestFolder() { std::filesystem::remove_all(path_); }
    TestFolder(const TestFolder&) = delete;
    TestFolder& operator=(const TestFolder&) = delete;

    const std::string& path() const { return path_; }
    std::string file(const std::string& name) const { return path_ + "/" + name; }
    std::string write(const std::string& name, const std::string& text) const {
        std::ofstream(file(name), std::ios::binary) << text;
        return file(name);
    }
    // `start`, then a megabyte of `c` and `end` as many times, compressed.
    std::string write_huge(const std::string& name, const std::string& start, char c, int times,
                           const std::string& end = "") const {
        const std::string text = std::string(1U << 20, c) + end;
        gzFile stream = gzopen(file(name).c_str(), "wb1");
        gzputs(stream, start.c_str());
        for (int n = 0; n < times; ++n) {
            gzwrite(stream, text.data(), static_cast<unsigned>(text.size()));
        }
        gzclose_w(stream);
        return file(name);
    }
    std::string read(const std::string& name) const {
        std::ostringstream text;
        text << std::ifstream(file(name), std::ios::binary).rdbuf();
        return text.str();
    }

  private:
    std::string path_;
};

// The message of the BadInput that `read` throws, without the folder.
template <typename Read>
std::string bad_input(const TestFolder& folder, Read&& read) {
    try {
        read();
    } catch (const BadInput& error) {
        std::string text = error.what();
        const std::string prefix = folder.path() + "/";
        return text.starts_with(prefix) ? text.substr(prefix.size()) : text;
    }
    return "accepted";
}

// The most memory that this process has had so far, in MiB.
inline long peak_mib() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss / 1024;
}

}  // namespace vmref
