// The containers of the simulated machine. They take their memory from the arena that is current when they are made,
// or from the heap if there is none.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

#include "impl/arena/arena.h"

namespace vmref::impl {

template <class T>
inline constexpr std::size_t kBytesOf = sizeof(T);  // NOLINT(bugprone-sizeof-expression): a T may be a pointer

template <class T>
class ArenaAllocator {
  public:
    using value_type = T;
    using is_always_equal = std::false_type;

    ArenaAllocator() : arena_(current_arena()) {}
    template <class U>
    explicit(false) ArenaAllocator(  // NOLINT(google-explicit-constructor): containers convert their allocators
        const ArenaAllocator<U>& other)
        : arena_(other.arena()) {}

    T* allocate(std::size_t count) {
        static_assert(alignof(T) <= 16);
        return arena_ != nullptr ? static_cast<T*>(arena_->allocate(count * kBytesOf<T>))
                                 : std::allocator<T>().allocate(count);
    }
    void deallocate(T* block, std::size_t count) {
        if (arena_ != nullptr) {
            arena_->deallocate(block, count * kBytesOf<T>);
        } else {
            std::allocator<T>().deallocate(block, count);
        }
    }
    Arena* arena() const { return arena_; }
    bool operator==(const ArenaAllocator& other) const { return arena_ == other.arena_; }

  private:
    Arena* arena_;
};

// For an array of fixed length with an element per frame or swap slot, each value-initialised. kStartsZero: to zero.
template <class T, Indexed kKind, bool kStartsZero>
class IndexedAllocator {
  public:
    using value_type = T;
    using is_always_equal = std::false_type;
    template <class U>
    struct rebind {
        using other = IndexedAllocator<U, kKind, kStartsZero>;
    };

    IndexedAllocator() : arena_(current_arena()) {}
    template <class U>
    explicit(false) IndexedAllocator(  // NOLINT(google-explicit-constructor)
        const IndexedAllocator<U, kKind, kStartsZero>& other)
        : arena_(other.arena()) {}

    T* allocate(std::size_t count) {
        static_assert(alignof(T) <= 16);
        return arena_ != nullptr ? static_cast<T*>(arena_->allocate_indexed(kKind, kBytesOf<T>, count, kStartsZero))
                                 : std::allocator<T>().allocate(count);
    }
    void deallocate(T* block, std::size_t count) {
        if (arena_ == nullptr) {
            std::allocator<T>().deallocate(block, count);
        }
    }
    // The arena's zeroes are left untouched: the host need not supply what is never used.
    template <class U>
    void construct(U* element) {
        if (!kStartsZero || arena_ == nullptr) {
            ::new (element) U();
        }
    }
    Arena* arena() const { return arena_; }
    bool operator==(const IndexedAllocator& other) const { return arena_ == other.arena_; }

  private:
    Arena* arena_;
};

template <class T>
using Vector = std::vector<T, ArenaAllocator<T>>;
template <class T>
using Deque = std::deque<T, ArenaAllocator<T>>;
template <class Key, class T>
using OrderedMap = std::map<Key, T, std::less<Key>, ArenaAllocator<std::pair<const Key, T>>>;

// Gives an object back to where make_owned took it from.
template <class T>
struct ArenaDelete {
    Arena* arena = nullptr;
    void operator()(T* object) const {
        if (arena == nullptr) {
            delete object;
        } else {
            object->~T();
            arena->deallocate(object, sizeof(T));
        }
    }
};
template <class T>
using Owned = std::unique_ptr<T, ArenaDelete<T>>;
template <class T, class... Args>
Owned<T> make_owned(Args&&... args) {
    Arena* const arena = current_arena();
    T* const object = arena == nullptr ? new T(std::forward<Args>(args)...)
                                       : new (arena->allocate(sizeof(T))) T(std::forward<Args>(args)...);
    return Owned<T>(object, ArenaDelete<T>{arena});
}

// Zeroes at first: what is all zero needs no image.
template <class T>
using PerFrame = std::vector<T, IndexedAllocator<T, Indexed::by_frame, true>>;
template <class T>
using PerSwapSlot = std::vector<T, IndexedAllocator<T, Indexed::by_swap_slot, true>>;

}  // namespace vmref::impl
