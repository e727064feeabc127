// Page faults and what surrounds them, vmref's implementation alone beside the host kernel. Time is per page.
#include <benchmark/benchmark.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "bench/host_workload.h"
#include "bench/simulated_workload.h"

namespace vmref::bench {

namespace {

// What is set up, what is measured, what is taken down again.
struct Case {
    const char* name;
    std::function<void(Workload&)> prepare;
    std::function<void(Workload&)> measured;
    std::function<void(Workload&)> clean_up;
};

const Case kCases[] = {
    {"zero_fill_write", [](Workload& w) { w.map_anonymous(); }, [](Workload& w) { w.store_all(); },
     [](Workload& w) { w.unmap(); }},
    {"read_fault", [](Workload& w) { w.map_file(true); }, [](Workload& w) { w.load_all(); },
     [](Workload& w) { w.unmap(); }},
    {"cow_write_after_fork",
     [](Workload& w) {
         w.map_anonymous();
         w.store_all();
         w.fork_child();
     },
     [](Workload& w) { w.store_all(); },
     [](Workload& w) {
         w.end_child();
         w.unmap();
     }},
    {"cow_reuse_after_exit",
     [](Workload& w) {
         w.map_anonymous();
         w.store_all();
         w.fork_child();
         w.end_child();
     },
     [](Workload& w) { w.store_all(); }, [](Workload& w) { w.unmap(); }},
    {"private_file_cow", [](Workload& w) { w.map_file(false); }, [](Workload& w) { w.store_all(); },
     [](Workload& w) { w.unmap(); }},
    {"mprotect_toggle_write",
     [](Workload& w) {
         w.map_anonymous();
         w.store_all();
     },
     [](Workload& w) {
         w.protect(false);
         w.protect(true);
         w.store_all();
     },
     [](Workload& w) { w.unmap(); }},
    {"fork_per_mapped_page",
     [](Workload& w) {
         w.map_anonymous();
         w.store_all();
     },
     [](Workload& w) { w.fork_child(); },
     [](Workload& w) {
         w.end_child();
         w.unmap();
     }},
};

void run(benchmark::State& state, const Case& test, Workload& workload) {
    using Clock = std::chrono::steady_clock;
    for ([[maybe_unused]] const auto iteration : state) {
        test.prepare(workload);
        const auto start = Clock::now();
        test.measured(workload);
        const std::chrono::duration<double> elapsed = Clock::now() - start;
        test.clean_up(workload);
        state.SetIterationTime(elapsed.count() / kPages);
    }
    state.SetItemsProcessed(state.iterations());
}

void add(const Case& test, const std::string& side, std::shared_ptr<Workload> workload) {
    benchmark::RegisterBenchmark((std::string(test.name) + "/" + side).c_str(),
                                 [&test, workload](benchmark::State& state) { run(state, test, *workload); })
        ->UseManualTime()
        ->Iterations(300)
        ->Unit(benchmark::kNanosecond);
}

}  // namespace

}  // namespace vmref::bench

int main(int argc, char** argv) {
    using namespace vmref::bench;
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
        return 2;
    }
    const auto simulated = std::make_shared<SimulatedWorkload>();
    const auto host = std::make_shared<HostWorkload>();
    for (const Case& test : kCases) {
        add(test, "vmref", simulated);
        add(test, "host", host);
    }
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
