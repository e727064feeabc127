// Operations a second of a random mix: the implementation alone, and in lockstep with model and invariants. Both run
// the same operations, drawn beforehand.
#include <benchmark/benchmark.h>

#include <vector>

#include "props/generators/system_generator.h"
#include "props/lockstep.h"
#include "props/prng.h"

namespace vmref::bench {

namespace {

constexpr std::size_t kOperations = 20000;

std::vector<Operation> drawn_mix() {
    props::SystemLockstep lockstep(Config{}, {});
    props::Prng random(1, 0);
    std::vector<Operation> operations;
    for (std::size_t n = 0; n < kOperations; ++n) {
        props::Record record;
        random.fill(record);
        props::Choices choices(record);
        operations.push_back(props::draw(choices, lockstep.model(), Config{}));
        lockstep.apply(operations.back());
    }
    return operations;
}

void run(benchmark::State& state, bool compare) {
    const std::vector<Operation> operations = drawn_mix();
    props::RunCounts counts;
    props::SystemLockstep lockstep(Config{}, {}, {.checkpoint_every = 4096, .compare = compare});
    for ([[maybe_unused]] const auto iteration : state) {
        lockstep.reset();
        for (const Operation& operation : operations) {
            benchmark::DoNotOptimize(lockstep.apply(operation));
        }
        counts = lockstep.counts();
    }
    state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations() * operations.size()));
    state.counters["faulting"] = static_cast<double>(counts.faulting) / static_cast<double>(counts.operations);
}

void implementation_alone(benchmark::State& state) {
    run(state, false);
}
void lockstep(benchmark::State& state) {
    run(state, true);
}

BENCHMARK(implementation_alone)->Unit(benchmark::kMillisecond);
BENCHMARK(lockstep)->Unit(benchmark::kMillisecond);

}  // namespace

}  // namespace vmref::bench

BENCHMARK_MAIN();
