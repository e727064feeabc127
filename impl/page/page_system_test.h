// What the tests of PageSystem share: a few frames, objects, and somebody to wait for.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <utility>

#include "impl/defects/assertion_test.h"
#include "impl/page/page_system.h"

namespace vmref::impl {

inline constexpr Scheduler::ThreadId kStranger = 2;

inline Config small_config() {
    Config config;
    config.frames = 8;
    config.free_reserved = 2;
    config.free_severe = 3;
    config.free_min = 4;
    config.free_target = 6;
    return config;
}

// Stands in for whatever the sleeper waits for.
class Waiter : public InlineWaiter {
  public:
    bool make_progress(BlockPoint /*point*/, const void* channel) override {
        channel_ = channel;
        return action_ && action_();
    }
    void on_sleep(std::function<bool()> action) { action_ = std::move(action); }
    const void* channel() const { return channel_; }

  private:
    std::function<bool()> action_;
    const void* channel_ = nullptr;
};

class PageSystemTest : public ::testing::Test {
  protected:
    explicit PageSystemTest(const Config& config = small_config()) : config_(config) {
        sched_.set_inline_waiter(&waiter_);
    }

    Page& busy_page(PageIndex index) { return busy_page(object_, index); }
    Page& busy_page(Object& object, PageIndex index) {
        Page* const page = pages_.alloc(object, index, AllocClass::system);
        if (page == nullptr) {
            throw std::logic_error("the test has no page");
        }
        return *page;
    }
    // A valid, clean page that nobody has busied.
    Page& idle_page(PageIndex index) {
        Page& page = busy_page(index);
        pages_.set_valid_clean(page);
        pages_.wakeup(page);
        return page;
    }
    bool cell_is_journaled(const Object& object, PageIndex index) const {
        return std::any_of(journal_.cells.begin(), journal_.cells.end(),
                           [&](const Journal::Cell& cell) { return cell.object == object.id && cell.index == index; });
    }

    const Config config_;
    const DefectSet defects_{};
    Journal journal_{config_.frames + 1};
    Machine machine_{config_, defects_, journal_};
    Scheduler sched_;
    Waiter waiter_;
    ObjectStore objects_{journal_};
    PageSystem pages_{config_, defects_, machine_, sched_, journal_};
    Object& object_ = objects_.allocate(ObjectType::default_, 100);
    Object& file_ = objects_.allocate(ObjectType::vnode, 100);
    Object& tables_ = objects_.allocate(ObjectType::page_table, 1024);
};

}  // namespace vmref::impl
