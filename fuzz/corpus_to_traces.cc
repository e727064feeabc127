// corpus_to_traces seed FOLDER COUNT: writes COUNT inputs for fuzz_lockstep, the same ones every time.
// corpus_to_traces export CORPUS FOLDER COUNT: writes the COUNT inputs that together cover most, as traces.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <stdexcept>
#include <string>
#include <unordered_set>
#include <vector>

#include "fuzz/lockstep_input.h"
#include "props/prng.h"

namespace {

using vmref::fuzz::kOperationBytes;
using Bytes = std::vector<std::uint8_t>;
namespace fs = std::filesystem;

constexpr std::size_t kMostOperations = 60;  // of a trace
constexpr std::size_t kBuckets = 9;          // of a counter of 8 bits

// The counters that the compiler's instrumentation keeps, one range per linked part of the program.
std::vector<std::span<std::uint8_t>>& counters() {
    static std::vector<std::span<std::uint8_t>> ranges;
    return ranges;
}

// As libFuzzer does: more often counts as other coverage, but only by orders of magnitude.
std::size_t bucket(std::uint8_t count) {
    std::size_t bits = 0;
    for (; count != 0; count = static_cast<std::uint8_t>(count >> 1U)) {
        ++bits;
    }
    return bits;
}

struct Candidate {
    std::string name;
    vmref::Config config;
    std::vector<vmref::Operation> operations;
    std::vector<std::size_t> adds;  // what it covers and no trace written so far does
};

Candidate run(const std::string& name, const Bytes& bytes) {
    for (const std::span<std::uint8_t> range : counters()) {
        std::ranges::fill(range, std::uint8_t{0});
    }
    const auto input = vmref::fuzz::lockstep_input(bytes, kMostOperations);
    const auto run = vmref::fuzz::run_lockstep(input);
    if (run.violation) {
        throw std::runtime_error(name + ": expected an input that holds, found " + run.violation->rule);
    }
    Candidate candidate{name, input.config, run.operations, {}};
    std::size_t base = 0;
    for (const std::span<std::uint8_t> range : counters()) {
        for (std::size_t n = 0; n < range.size(); ++n) {
            if (range[n] != 0) {
                candidate.adds.push_back((base + n) * kBuckets + bucket(range[n]));
            }
        }
        base += range.size();
    }
    return candidate;
}

std::vector<Candidate> run_all(const fs::path& corpus) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::directory_iterator(corpus)) {
        files.push_back(entry.path());
    }
    std::ranges::sort(files);
    std::vector<Candidate> candidates;
    for (const fs::path& file : files) {
        std::ifstream in(file, std::ios::binary);
        candidates.push_back(run(file.filename().string(), Bytes(std::istreambuf_iterator<char>(in), {})));
    }
    return candidates;
}

// Greedy: whoever adds most comes next.
int write_traces(const fs::path& corpus, const fs::path& folder, std::size_t count) {
    std::vector<Candidate> candidates = run_all(corpus);
    std::unordered_set<std::size_t> covered;
    fs::create_directories(folder);
    std::size_t written = 0;
    while (written < count && !candidates.empty()) {
        const auto best =
            std::ranges::max_element(candidates, {}, [](const Candidate& candidate) { return candidate.adds.size(); });
        if (best->adds.empty()) {
            break;
        }
        covered.insert(best->adds.begin(), best->adds.end());
        const std::string name = std::to_string(100 + ++written).substr(1);
        vmref::fuzz::write_operations((folder / (name + ".json")).string(), best->config, best->operations,
                                      "coverage-guided, input " + best->name.substr(0, 12));
        std::printf("%s: %zu operations, %zu features so far\n", name.c_str(), best->operations.size(), covered.size());
        for (Candidate& candidate : candidates) {
            std::erase_if(candidate.adds, [&](std::size_t feature) { return covered.contains(feature); });
        }
    }
    return written == 0 ? 1 : 0;
}

int write_seeds(const fs::path& folder, std::size_t count) {
    fs::create_directories(folder);
    for (std::size_t n = 0; n < count; ++n) {
        vmref::props::Prng prng(1, n);
        Bytes bytes(1 + (1 + n * 8) * kOperationBytes);
        std::ranges::generate(bytes, [&] { return static_cast<std::uint8_t>(prng.next()); });
        bytes[0] = static_cast<std::uint8_t>(n);
        std::ofstream(folder / ("seed-" + std::to_string(n)), std::ios::binary)
            .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    }
    return 0;
}

}  // namespace

// Called by the instrumentation before main, once per linked part.
extern "C" void __sanitizer_cov_8bit_counters_init(char* start, char* stop) {
    const auto ranges = std::span(reinterpret_cast<std::uint8_t*>(start), reinterpret_cast<std::uint8_t*>(stop));
    counters().push_back(ranges);
}

int main(int argc, char** argv) {
    const std::vector<std::string> arguments(argv + 1, argv + argc);
    try {
        if (arguments.size() == 3 && arguments[0] == "seed") {
            return write_seeds(arguments[1], std::stoul(arguments[2]));
        }
        if (arguments.size() == 4 && arguments[0] == "export") {
            return write_traces(arguments[1], arguments[2], std::min(std::stoul(arguments[3]), 99UL));
        }
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return 2;
    }
    std::fprintf(stderr, "usage: corpus_to_traces seed FOLDER COUNT | export CORPUS FOLDER COUNT\n");
    return 2;
}
