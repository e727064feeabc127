// A T that can be put back to its beginning by copying what it has touched since.
#pragma once

#include <new>
#include <utility>

#include "impl/arena/arena.h"

namespace vmref::impl {

// Requires of T: it and everything it owns take their memory from impl/arena/containers.h; touched() says how much of
// its indexed arrays it may have changed.
template <class T>
class Resettable {
  public:
    template <class... Args>
    explicit Resettable(Args&&... args) {
        const ArenaScope scope(&arena_);
        object_ = new (arena_.allocate(sizeof(T))) T(std::forward<Args>(args)...);
        arena_.save(object_->touched());
    }
    ~Resettable() { object_->~T(); }
    Resettable(const Resettable&) = delete;
    Resettable& operator=(const Resettable&) = delete;

    // As if it was just made, whatever happened, an exception out of the middle of a change included. References to the
    // T stay right, those to what it made since do not.
    void reset() { arena_.restore(object_->touched()); }

    T& operator*() { return *object_; }
    const T& operator*() const { return *object_; }
    T* operator->() { return object_; }
    const T* operator->() const { return object_; }

  private:
    Arena arena_;
    T* object_;  // in the arena
};

}  // namespace vmref::impl
