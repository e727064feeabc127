// Shadow chains alone: what a fault costs that many levels down, and a lookup and a collapse among that many pages.
#include <benchmark/benchmark.h>

#include <cstdint>

#include "impl/defects/assertion.h"
#include "impl/vm/fault.h"
#include "impl/vm/kernel.h"
#include "impl/vm/vm_object.h"

namespace vmref::bench {

namespace {

constexpr PageIndex kMostPages = 200000;

Config roomy() {
    Config config;
    config.frames = kMostPages + 1024;
    return config;
}

impl::Object& anonymous(impl::Kernel& k, PageIndex pages) {
    return k.objects.allocate(impl::ObjectType::default_, pages);
}

void put_page(impl::Kernel& k, impl::Object& object, PageIndex index) {
    impl::Page* const page = k.pages.alloc(object, index, impl::AllocClass::normal);
    impl::ensure(page != nullptr, "there is memory for every page");
    k.pages.set_valid_clean(*page);
    k.pages.dirty(*page);
    k.pages.activate(*page);
    k.pages.wakeup(*page);
}

// A new object on top of `backing`, which nobody else refers to afterwards.
impl::Object& put_on_top(impl::Kernel& k, impl::Object& backing) {
    impl::Object& top = anonymous(k, backing.size);
    impl::object_set_backing(k, top, backing, 0);
    return top;
}

// The page is in the lowest of that many objects. Items are levels.
void read_through_chain(benchmark::State& state) {
    impl::Kernel k(roomy(), {});
    impl::Object* top = &anonymous(k, 1);
    put_page(k, *top, 0);
    for (std::int64_t level = 1; level < state.range(0); ++level) {
        top = &put_on_top(k, *top);
    }
    for ([[maybe_unused]] const auto iteration : state) {
        k.journal.clear();
        Status status = Status::success;
        impl::Page* const page = impl::vm_fault_object_page(k, *top, 0, kProtRead, impl::kFaultNormal, status);
        impl::ensure(page != nullptr, "the lowest object has the page");
        k.pages.unhold(*page);
    }
    state.SetItemsProcessed(state.iterations() * state.range(0));
}

// Every 17th page, so that no lookup finds the page next to the one before.
void lookup_in_object(benchmark::State& state) {
    impl::Kernel k(roomy(), {});
    const auto pages = static_cast<PageIndex>(state.range(0));
    impl::Object& object = anonymous(k, pages);
    for (PageIndex index = 0; index < pages; ++index) {
        put_page(k, object, index);
    }
    PageIndex index = 0;
    for ([[maybe_unused]] const auto iteration : state) {
        benchmark::DoNotOptimize(k.pages.lookup(object, index));
        index = (index + 17) % pages;
    }
    state.SetItemsProcessed(state.iterations());
}

// All pages of the backing object move up. Items are pages.
void collapse_pages(benchmark::State& state) {
    impl::Kernel k(roomy(), {});
    const auto pages = static_cast<PageIndex>(state.range(0));
    impl::Object* object = &anonymous(k, pages);
    for (PageIndex index = 0; index < pages; ++index) {
        put_page(k, *object, index);
    }
    for ([[maybe_unused]] const auto iteration : state) {
        state.PauseTiming();
        k.journal.clear();
        object = &put_on_top(k, *object);
        state.ResumeTiming();
        impl::object_collapse(k, *object);
    }
    impl::ensure(object->resident_page_count == pages && object->backing == nullptr, "every collapse moved every page");
    state.SetItemsProcessed(state.iterations() * pages);
}

BENCHMARK(read_through_chain)->RangeMultiplier(10)->Range(1, 1000);
BENCHMARK(lookup_in_object)->RangeMultiplier(10)->Range(10, kMostPages);
BENCHMARK(collapse_pages)->RangeMultiplier(10)->Range(10, kMostPages)->Unit(benchmark::kMicrosecond);

}  // namespace

}  // namespace vmref::bench

BENCHMARK_MAIN();
