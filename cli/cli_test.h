// What the tests of the command line share: a run in this process, and files to run on.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "cli/run_cli.h"
#include "traces/test_files.h"

namespace vmref::cli {

using Json = nlohmann::json;

inline const std::string kRecorded = std::string(VMREF_SOURCE_DIR) + "/traces/recorded/ls.jsonl.gz";
inline constexpr const char* kHead = R"({"version":1,"operations":[)";

struct Outcome {
    int status = -1;
    std::string out;
    std::string err;
};

inline Outcome run(const std::vector<std::string>& args) {
    std::ostringstream out;
    std::ostringstream err;
    Outcome outcome;
    outcome.status = run_cli(args, out, err);
    outcome.out = out.str();
    outcome.err = err.str();
    return outcome;
}

inline bool one_line(const std::string& text) {
    return std::count(text.begin(), text.end(), '\n') == 1 && text.ends_with('\n');
}

// Bad input: status 2, nothing but one line, which has all of `parts`.
inline void expect_refused(const std::vector<std::string>& args, const std::vector<std::string>& parts) {
    const Outcome outcome = run(args);
    EXPECT_EQ(outcome.status, 2) << outcome.err;
    EXPECT_EQ(outcome.out, "");
    EXPECT_TRUE(one_line(outcome.err)) << outcome.err;
    EXPECT_TRUE(outcome.err.starts_with("vmref: ")) << outcome.err;
    for (const std::string& part : parts) {
        EXPECT_NE(outcome.err.find(part), std::string::npos) << "no '" << part << "' in: " << outcome.err;
    }
}

class CurrentFolder {
  public:
    explicit CurrentFolder(const std::string& path) : before_(std::filesystem::current_path()) {
        std::filesystem::current_path(path);
    }
    ~CurrentFolder() { std::filesystem::current_path(before_); }
    CurrentFolder(const CurrentFolder&) = delete;
    CurrentFolder& operator=(const CurrentFolder&) = delete;

  private:
    std::filesystem::path before_;
};

class Cli : public testing::Test {
  protected:
    // A trace of these operations, one per line from line 2 on.
    std::string trace(const std::string& name, const std::string& operations) const {
        return folder_.write(name, kHead + operations + "\n]}\n");
    }

    TestFolder folder_;
};

}  // namespace vmref::cli
