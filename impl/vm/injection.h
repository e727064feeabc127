// What stands in for other actors where there is one thread only: pagers that fail, replace pages or do not finish at
// once, and holders of busy pages. (Allocations that fail: impl/page/failing_allocations.h.)
//
// Injection holds what is planned and what is unfinished; the functions below do the work when its time has come.
// Nothing is planned by default, and then nothing here costs more than a test.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "impl/arena/containers.h"
#include "impl/page/object.h"
#include "impl/sched/scheduler.h"

namespace vmref::impl {

struct Kernel;

// VM_PAGER_*. ok: done. bad: outside the pager's range. fail: in range, but no data. pend: started, not
// finished. error: data exists but could not be read. again: temporary shortage.
enum class PagerResult : std::uint8_t { ok, bad, fail, pend, error, again };
inline constexpr std::size_t kPagerResults = 6;

// What a pager does with the page it was asked to read, besides reading it (semantics.md 2.8).
enum class PageSwitch : std::uint8_t {
    kept,
    replaced,            // another page is there, busied by the caller
    replaced_and_taken,  // another page is there, busied by somebody else until somebody slept on it once
    lost,                // no page is there
};

enum class PagerCall : std::uint8_t { get, put };

struct PagerPlan {
    PagerCall call = PagerCall::get;
    std::uint32_t ordinal = 1;  // the n-th call of that kind from now on
    PagerResult result = PagerResult::ok;
    PageSwitch page = PageSwitch::kept;      // get
    std::uint32_t read_ahead = 0xFFFFFFFFU;  // get: at most so many neighbours
    PagerResult finish = PagerResult::ok;    // pend: how it ends, ok or error
};

// I/O that a pager has begun and not finished. The object has paging in progress for it. put: the page is soft-busy.
// get: the page is busied by nobody's thread (kStandIn).
struct UnfinishedIo {
    PagerCall call = PagerCall::put;
    Page* page = nullptr;
    std::uint32_t slot = kNoSwapSlot;  // the target of a write to swap
    PagerResult finish = PagerResult::ok;
};

// A page that somebody else keeps busy until the `sleeps`-th sleep on it from now on.
struct BusyStandIn {
    Page* page = nullptr;
    std::uint32_t sleeps = 1;
};

class Injection {
  public:
    // Of a thousand calls that nothing is planned for so many fail.
    explicit Injection(std::uint32_t errors_per_thousand = 0) : errors_per_thousand_(errors_per_thousand) {}

    void plan(const PagerPlan& plan) { plans_.push_back(plan); }
    void forget_plans() { plans_.clear(); }
    std::size_t plans() const { return plans_.size(); }
    // Counts one call; the plan that is due for it.
    std::optional<PagerPlan> due(PagerCall call);

    const Vector<UnfinishedIo>& unfinished() const { return unfinished_; }
    const Vector<BusyStandIn>& stand_ins() const { return stand_ins_; }
    bool quiet() const { return unfinished_.empty() && stand_ins_.empty(); }
    // Whether a write to that block has begun and not ended (I-10).
    bool under_write(std::uint32_t slot) const;
    // How often `object` has paging in progress on account of unfinished I/O (I-33).
    std::uint32_t unfinished_in(const Object& object) const;
    // Whether the page may be busy at rest: I/O on it is unfinished, or a stand-in has it (I-46).
    bool may_be_busy(const Page& page) const;

    // Plans that came true since the last clear: results other than a plain ok, in order.
    const Vector<PagerPlan>& fired() const { return fired_; }
    void clear_fired() { fired_.clear(); }

  private:
    friend void begin_unfinished(Kernel& k, const UnfinishedIo& io);
    friend void finish_io(Kernel& k, const Page* page);
    friend void take_for_other(Kernel& k, Page& page, std::uint32_t sleeps);
    friend bool stand_in_progress(Kernel& k, BlockPoint point, const void* channel);

    bool fails_by_chance();

    std::uint32_t errors_per_thousand_;
    std::uint32_t chance_ = 0;  // state of a generator of random numbers
    Vector<PagerPlan> plans_;
    Vector<PagerPlan> fired_;
    Vector<UnfinishedIo> unfinished_;
    Vector<BusyStandIn> stand_ins_;
};

// Busies the page in somebody else's name until the `sleeps`-th sleep on it. Requires: not busy, not under I/O.
void take_for_other(Kernel& k, Page& page, std::uint32_t sleeps);
// The I/O has begun: the object has paging in progress until it is finished. For a get, the busy page of the caller
// becomes the stand-in's.
void begin_unfinished(Kernel& k, const UnfinishedIo& io);
// Finishes what is unfinished in the order of its beginning: on that page, or all (nullptr).
void finish_io(Kernel& k, const Page* page);
// For inline waiters: finishes the I/O or lets go of the busy page that a sleeper on `channel` waits for; for memory,
// all I/O. False: there is nothing of that kind.
bool stand_in_progress(Kernel& k, BlockPoint point, const void* channel);

}  // namespace vmref::impl
