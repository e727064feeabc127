// The pmap and its machine alone: what entering, removing, protecting and translating cost.
#include <benchmark/benchmark.h>

#include <vector>

#include "impl/defects/assertion.h"
#include "impl/machine/machine.h"
#include "impl/page/page_system.h"
#include "impl/pmap_i386/pmap.h"
#include "impl/sched/scheduler.h"

namespace vmref::bench {

namespace {

constexpr Va kBase = 0x10000000;
constexpr std::uint32_t kMostPages = 100000;

Config roomy() {
    Config config;
    config.frames = kMostPages + 1024;
    return config;
}

// One pmap, loaded on CPU 0, and pages that it can map.
class Mapper {
  public:
    explicit Mapper(std::uint32_t pages) : data_(objects_.allocate(impl::ObjectType::default_, pages)) {
        for (std::uint32_t n = 0; n < pages; ++n) {
            impl::Page* const page = pages_.alloc(data_, n, impl::AllocClass::system);
            impl::ensure(page != nullptr, "there is memory for every page");
            mapped_.push_back(page);
        }
        pmaps_.activate(0, nullptr, &pmap_);
    }

    std::uint32_t count() const { return static_cast<std::uint32_t>(mapped_.size()); }
    void enter_all(Prot prot) {
        for (std::uint32_t n = 0; n < count(); ++n) {
            enter(n, prot);
        }
    }
    void enter(std::uint32_t n, Prot prot) { pmaps_.enter(pmap_, va(n), *mapped_[n], prot, false); }
    void remove_all() { pmaps_.remove(pmap_, kBase, va(count())); }
    void remove(std::uint32_t n) { pmaps_.remove(pmap_, va(n), va(n + 1)); }
    void protect_all() { pmaps_.protect(pmap_, kBase, va(count()), kProtRead); }
    std::uint32_t load(std::uint32_t n) {
        std::uint32_t value = 0;
        machine_.access(0, AccessKind::load, va(n), 4, impl::Privilege::user, value);
        return value;
    }
    void start_step() { journal_.clear(); }

  private:
    static Va va(std::uint32_t n) { return kBase + n * kPageSize; }

    const Config config_ = roomy();
    const impl::DefectSet defects_;
    impl::Journal journal_{config_.frames + 1};
    impl::Scheduler sched_;
    impl::Machine machine_{config_, defects_, journal_};
    impl::PageSystem pages_{config_, defects_, machine_, sched_, journal_};
    impl::ObjectStore objects_{journal_};
    impl::PmapSystem pmaps_{config_, defects_, machine_, pages_, objects_, sched_, journal_};
    impl::Object& data_;
    std::vector<impl::Page*> mapped_;
    impl::Pmap& pmap_ = *pmaps_.create();
};

// A page is entered and removed again; the page table goes and comes with it.
void enter_remove_pair(benchmark::State& state) {
    Mapper mapper(1);
    for ([[maybe_unused]] const auto iteration : state) {
        mapper.start_step();
        mapper.enter(0, kProtRead | kProtWrite);
        mapper.remove(0);
    }
    state.SetItemsProcessed(state.iterations());
}

void protect_1024_pages(benchmark::State& state) {
    Mapper mapper(1024);
    for ([[maybe_unused]] const auto iteration : state) {
        state.PauseTiming();
        mapper.start_step();
        mapper.enter_all(kProtRead | kProtWrite);
        state.ResumeTiming();
        mapper.protect_all();
    }
    state.SetItemsProcessed(state.iterations() * 1024);
}

// Items are pages: their rate should not depend on how many there are.
void remove_pages_of_range(benchmark::State& state) {
    Mapper mapper(static_cast<std::uint32_t>(state.range(0)));
    for ([[maybe_unused]] const auto iteration : state) {
        state.PauseTiming();
        mapper.start_step();
        mapper.enter_all(kProtRead | kProtWrite);
        state.ResumeTiming();
        mapper.remove_all();
    }
    state.SetItemsProcessed(state.iterations() * mapper.count());
}

void tlb_hit(benchmark::State& state) {
    Mapper mapper(1);
    mapper.enter_all(kProtRead);
    for ([[maybe_unused]] const auto iteration : state) {
        benchmark::DoNotOptimize(mapper.load(0));
    }
    state.SetItemsProcessed(state.iterations());
}

// More pages than the TLB has entries, one after the other: every load walks.
void tlb_miss_walk(benchmark::State& state) {
    const std::uint32_t pages = 4 * roomy().tlb_entries;
    Mapper mapper(pages);
    mapper.enter_all(kProtRead);
    std::uint32_t next = 0;
    for ([[maybe_unused]] const auto iteration : state) {
        benchmark::DoNotOptimize(mapper.load(next));
        next = next + 1 == pages ? 0 : next + 1;
    }
    state.SetItemsProcessed(state.iterations());
}

BENCHMARK(enter_remove_pair);
BENCHMARK(protect_1024_pages);
BENCHMARK(remove_pages_of_range)->RangeMultiplier(10)->Range(10, kMostPages)->Unit(benchmark::kMicrosecond);
BENCHMARK(tlb_hit);
BENCHMARK(tlb_miss_walk);

}  // namespace

}  // namespace vmref::bench

BENCHMARK_MAIN();
