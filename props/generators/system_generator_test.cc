#include "props/generators/system_generator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "impl/system.h"
#include "model/system.h"
#include "ops/codec.h"
#include "ops/config.h"
#include "props/generators/configs.h"
#include "props/prng.h"

namespace vmref::props {
namespace {

// The model, led by the real implementation where the contract leaves it choices.
class DrawnRun {
  public:
    explicit DrawnRun(const Config& config) : config_(config), model_(config), subject_(config, {}) {}

    // Why the operation was refused; nullopt if it was taken.
    std::optional<std::string> take(const Record& record) {
        Choices choices(record);
        operation = draw(choices, model_, config_);
        if (std::optional<std::string> reason = model_.refuse(operation)) {
            return *reason + ": " + encode_operation(operation).dump();
        }
        const std::uint64_t traps = subject_.kernel().stats.traps;
        observation = subject_.apply(operation);
        faulted = subject_.kernel().stats.traps != traps;
        model_.step(operation, observation);
        return std::nullopt;
    }

    const model::System& model() const { return model_; }

    Operation operation;
    Observation observation;
    bool faulted = false;

  private:
    Config config_;
    model::System model_;
    impl::System subject_;
};

// Every record is taken in every state that `count` of them lead to.
void expect_all_taken(const Config& config, std::uint64_t seed, std::uint32_t count) {
    DrawnRun run(config);
    Prng prng(seed, 0);
    Record record{};
    for (std::uint32_t n = 0; n < count; ++n) {
        prng.fill(record);
        const auto refused = run.take(record);
        ASSERT_FALSE(refused) << "operation " << n << " of seed " << seed << ": " << *refused;
    }
}

TEST(Choices, GoesOnPastTheEndOfItsRecord) {
    Record record{};
    record.back() = 7;
    Choices choices(record);
    Choices same(record);
    bool differs = false;
    std::uint32_t last = 0;
    for (std::size_t i = 0; i < 4 * kRecordWords; ++i) {
        const std::uint32_t word = choices.word();
        EXPECT_EQ(word, same.word());
        differs |= i > kRecordWords && word != last;
        last = word;
    }
    EXPECT_TRUE(differs);
}

TEST(Choices, ZeroMeansFirstSmallestNo) {
    const Record record{};
    Choices choices(record);
    for (std::size_t i = 0; i < 2 * kRecordWords; ++i) {
        EXPECT_EQ(choices.between(5, 9), 5U);
        EXPECT_FALSE(choices.chance(99));
        EXPECT_EQ(choices.pick<int>({{3, 0}, {4, 1}, {5, 100}}), 4);
    }
}

TEST(Choices, PicksAsOftenAsTheWeightsSay) {
    Prng prng(1, 0);
    Record record{};
    std::array<int, 3> picked{};
    for (int n = 0; n < 10000; ++n) {
        prng.fill(record);
        Choices choices(record);
        ++picked[choices.pick<std::size_t>({{0, 1}, {1, 3}, {2, 0}})];
    }
    EXPECT_NEAR(picked[0], 2500, 200);
    EXPECT_NEAR(picked[1], 7500, 200);
    EXPECT_EQ(picked[2], 0);
}

TEST(Configs, SmallOnesFitTogetherAndDiffer) {
    std::uint32_t tight = 0;
    for (std::uint64_t n = 0; n < 20000; ++n) {
        const Config config = small_config(n);
        ASSERT_EQ(config_problem(config), "") << "small_config(" << n << ")";
        ASSERT_TRUE(config.frames >= 32 && config.frames <= 512) << "small_config(" << n << ")";
        tight += config.frames <= 96 ? 1 : 0;
    }
    EXPECT_NEAR(tight, 10000, 1000);
    EXPECT_EQ(small_config(3), small_config(3));
}

TEST(SystemGenerator, StartsWithAProcess) {
    const model::System model(Config{});
    Prng prng(1, 0);
    Record record{};
    for (int n = 0; n < 100; ++n) {
        prng.fill(record);
        Choices choices(record);
        EXPECT_EQ(draw(choices, model, Config{}), Operation(Spawn{1}));
    }
}

TEST(SystemGenerator, DrawsOnlyWhatTheModelTakes) {
    expect_all_taken(Config{}, 1, 50000);
    for (std::uint64_t n = 0; n < 24; ++n) {
        expect_all_taken(small_config(n), n, 2000);
    }
}

// What shrinking and coverage-guided bytes lead to: few bits set, equal words, the largest words.
TEST(SystemGenerator, TakesRecordsThatNoPrngWouldGive) {
    constexpr std::array<std::uint32_t, 6> kWords{0, 1, 2, 0x7FFFFFFFU, 0xFFFFFFFEU, 0xFFFFFFFFU};
    DrawnRun run(small_config(6));
    Prng prng(5, 0);
    Record record{};
    std::array<std::uint32_t, kOperationKinds<WorldName::system>> kinds{};
    std::uint32_t faulting = 0;
    for (int n = 0; n < 10000; ++n) {
        prng.fill(record);
        for (std::size_t i = 0; i < kRecordWords; ++i) {
            // The kind, the process and what a stand-in stands in for vary freely, or little would ever happen.
            record[i] = i < 4 ? record[i] : kWords[record[i] % kWords.size()];
        }
        const auto refused = run.take(record);
        ASSERT_FALSE(refused) << "operation " << n << ": " << *refused;
        ++kinds[run.operation.index()];
        faulting += run.faulted ? 1 : 0;
    }
    EXPECT_EQ(std::ranges::count(kinds, 0U), 0);
    EXPECT_GT(faulting, 100U);
}

TEST(SystemGenerator, SameRecordsGiveSameOperations) {
    const Config config = small_config(2);
    DrawnRun one(config);
    DrawnRun other(config);
    Prng prng(9, 3);
    Record record{};
    for (int n = 0; n < 5000; ++n) {
        prng.fill(record);
        ASSERT_FALSE(one.take(record));
        ASSERT_FALSE(other.take(record));
        ASSERT_EQ(one.operation, other.operation) << "operation " << n;
        ASSERT_EQ(one.observation, other.observation) << "operation " << n;
    }
}

struct Tally {
    std::array<std::uint32_t, kOperationKinds<WorldName::system>> kinds{};
    std::uint32_t faulting = 0;
    std::uint32_t signals = 0;
    std::uint32_t kernel = 0;
    std::uint32_t across_pages = 0;
    std::size_t most_processes = 0;
    std::size_t most_mappings = 0;
    std::size_t most_files = 0;
    std::uint32_t across_tables = 0;  // mappings made

    void add(const DrawnRun& run) {
        ++kinds[run.operation.index()];
        faulting += run.faulted ? 1 : 0;
        signals += run.observation.signal != Signal::none ? 1 : 0;
        if (const auto* access = std::get_if<Access>(&run.operation)) {
            kernel += access->kernel ? 1 : 0;
            across_pages += page_of(access->addr) != page_of(access->addr + access->size - 1U) ? 1 : 0;
        }
        if (const auto* mmap = std::get_if<Mmap>(&run.operation); mmap != nullptr && mmap->length != 0) {
            across_tables += (mmap->addr ^ (mmap->addr + mmap->length - 1)) >> 22 != 0 ? 1 : 0;
        }
        most_processes = std::max(most_processes, run.model().processes().size());
        most_files = std::max(most_files, run.model().files().size());
        for (const Pid pid : run.model().processes()) {
            most_mappings = std::max(most_mappings, run.model().mapping_count(pid));
        }
    }
};

TEST(SystemGenerator, MixIsAsIntended) {
    constexpr std::uint32_t kDraws = 100000;
    DrawnRun run{Config{}};
    Prng prng(2, 0);
    Record record{};
    Tally tally;
    for (std::uint32_t n = 0; n < kDraws; ++n) {
        prng.fill(record);
        ASSERT_FALSE(run.take(record));
        tally.add(run);
    }
    for (std::size_t kind = 0; kind < tally.kinds.size(); ++kind) {
        EXPECT_GT(tally.kinds[kind], kind == Operation(CreateFile{}).index() ? 0U : 50U) << "kind " << kind;
        RecordProperty("kind_" + std::to_string(kind), static_cast<int>(tally.kinds[kind]));
    }
    const std::uint32_t accesses = tally.kinds[Operation(Access{}).index()];
    EXPECT_GE(accesses, kDraws * 50 / 100);
    EXPECT_LE(accesses, kDraws * 72 / 100);
    EXPECT_GE(tally.faulting, kDraws / 5);
    EXPECT_GE(tally.signals, kDraws / 50);
    EXPECT_LE(tally.signals, kDraws / 5);
    EXPECT_GE(tally.kernel, kDraws / 100);
    EXPECT_GE(tally.across_pages, kDraws / 100);
    EXPECT_GE(tally.across_tables, 200U);
    EXPECT_EQ(tally.most_processes, most_processes(Config{}));
    EXPECT_EQ(tally.most_files, kMostFiles);
    EXPECT_GE(tally.most_mappings, kManyMappings);
    EXPECT_LE(tally.most_mappings, kManyMappings + 24);
    RecordProperty("faulting", static_cast<int>(tally.faulting));
    RecordProperty("signals", static_cast<int>(tally.signals));
    RecordProperty("accesses", static_cast<int>(accesses));
    RecordProperty("most_mappings", static_cast<int>(tally.most_mappings));
}

}  // namespace
}  // namespace vmref::props
