#include "impl/arena/arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace vmref::impl {

namespace {

constexpr std::size_t kReserved = std::size_t{16} << 30;  // addresses, not memory
constexpr std::size_t kAlignment = 16;
constexpr std::size_t kHostPage = 4096;

thread_local Arena* arena_of_thread = nullptr;

unsigned size_class(std::size_t bytes) {
    return static_cast<unsigned>(std::bit_width(std::max(bytes, kAlignment) - 1));
}

// The address sanitizer shall see the use of freed blocks here as it does on the heap.
void forbid([[maybe_unused]] void* start, [[maybe_unused]] std::size_t bytes) {
#if defined(__SANITIZE_ADDRESS__)
    __asan_poison_memory_region(start, bytes);
#endif
}
void allow([[maybe_unused]] void* start, [[maybe_unused]] std::size_t bytes) {
#if defined(__SANITIZE_ADDRESS__)
    __asan_unpoison_memory_region(start, bytes);
#endif
}

}  // namespace

Arena::Arena() {
    void* const base =
        mmap(nullptr, kReserved, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED) {
        throw std::bad_alloc();
    }
    base_ = static_cast<std::byte*>(base);
    indexed_start_ = base_ + kReserved;
    new (base_) State{};
    state().used = (sizeof(State) + kAlignment - 1) / kAlignment * kAlignment;
}

Arena::~Arena() {
    allow(base_, state().used);
    munmap(base_, kReserved);
}

void* Arena::take(std::size_t bytes) {
    const std::size_t room = static_cast<std::size_t>(indexed_start_ - base_) - state().used;
    if (bytes > room) {
        throw std::bad_alloc();
    }
    void* const block = base_ + state().used;
    state().used += bytes;
    return block;
}

// Blocks are powers of two: what a growing vector leaves behind serves the next one.
void* Arena::allocate(std::size_t bytes) {
    const unsigned size = size_class(bytes);
    FreeBlock*& free = state().free[size];
    if (free == nullptr) {
        return take(std::size_t{1} << size);
    }
    FreeBlock* const block = free;
    allow(block, std::size_t{1} << size);
    free = block->next;
    return block;
}

void Arena::deallocate(void* block, std::size_t bytes) {
    const unsigned size = size_class(bytes);
    FreeBlock*& free = state().free[size];
    free = new (block) FreeBlock{free};
    forbid(block, std::size_t{1} << size);
}

void* Arena::allocate_indexed(Indexed kind, std::size_t element_size, std::size_t elements, bool starts_zero) {
    const std::size_t bytes = (element_size * elements + kHostPage - 1) / kHostPage * kHostPage;
    if (bytes > static_cast<std::size_t>(indexed_start_ - base_) - state().used) {
        throw std::bad_alloc();
    }
    indexed_start_ -= bytes;
    indexed_.push_back({kind, element_size, elements, indexed_start_, {}});
    if (!starts_zero) {
        indexed_.back().saved.resize(element_size * elements);
    }
    return indexed_start_;
}

// Calls act(block, bytes) for every free block. Requires: they are allowed to be read.
template <class Act>
void Arena::for_each_free(Act act) {
    for (unsigned size = 0; size < kSizeClasses; ++size) {
        for (FreeBlock* block = state().free[size]; block != nullptr;) {
            FreeBlock* const next = block->next;
            act(block, std::size_t{1} << size);
            block = next;
        }
    }
}

void Arena::save() {
    allow(base_, state().used);
    image_.assign(base_, base_ + state().used);
    for_each_free(forbid);
    for (IndexedArray& array : indexed_) {
        std::copy_n(array.start, array.saved.size(), array.saved.begin());
    }
}

void Arena::restore(const TouchedCounts& touched) {
    allow(base_, state().used);
    std::copy(image_.begin(), image_.end(), base_);
    for_each_free(forbid);
    for (const IndexedArray& array : indexed_) {
        const std::size_t elements = std::min(touched[static_cast<std::size_t>(array.kind)], array.elements);
        const std::size_t bytes = elements * array.element_size;
        if (array.saved.empty()) {
            std::memset(array.start, 0, bytes);
        } else {
            std::copy_n(array.saved.begin(), bytes, array.start);
        }
    }
}

Arena* current_arena() {
    return arena_of_thread;
}

ArenaScope::ArenaScope(Arena* arena) : previous_(arena_of_thread) {
    arena_of_thread = arena;
}

ArenaScope::~ArenaScope() {
    arena_of_thread = previous_;
}

}  // namespace vmref::impl
