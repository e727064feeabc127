#include "impl/arena/arena.h"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>
#include <new>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

namespace vmref::impl {

namespace {

constexpr std::size_t kChunk = std::size_t{4} << 20;
constexpr std::size_t kAlignment = 16;

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

Arena::~Arena() {
    for (const Chunk& chunk : chunks_) {
        allow(chunk.region.start, chunk.region.bytes);
        munmap(chunk.region.start, chunk.region.bytes);
    }
    for (const IndexedArray& array : indexed_) {
        munmap(array.region.start, array.region.bytes);
    }
}

Arena::Region Arena::reserve(std::size_t bytes) {
    void* const start = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED) {
        throw std::bad_alloc();
    }
    return {static_cast<std::byte*>(start), bytes};
}

// From the last chunk; if it has no room, from the next one that has.
void* Arena::take(std::size_t bytes) {
    while (state_.chunks == 0 || chunks_[state_.chunks - 1].region.bytes - state_.last_used < bytes) {
        if (state_.chunks != 0) {
            chunks_[state_.chunks - 1].used = state_.last_used;
        }
        if (state_.chunks == chunks_.size()) {
            const Region region = reserve(std::max(bytes, kChunk));
            chunks_.push_back({.region = region});
        }
        ++state_.chunks;
        state_.last_used = 0;
    }
    void* const block = chunks_[state_.chunks - 1].region.start + state_.last_used;
    state_.last_used += bytes;
    return block;
}

// Blocks are powers of two: what a growing vector leaves behind serves the next one.
void* Arena::allocate(std::size_t bytes) {
    if (bytes > std::numeric_limits<std::size_t>::max() / 4) {
        throw std::bad_alloc();
    }
    const unsigned size = size_class(bytes);
    FreeBlock*& free = state_.free[size];
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
    FreeBlock*& free = state_.free[size];
    free = new (block) FreeBlock{free};
    forbid(block, std::size_t{1} << size);
}

void* Arena::allocate_indexed(Indexed kind, std::size_t element_size, std::size_t elements, bool starts_zero) {
    const Region region = reserve(std::max(element_size * elements, kAlignment));
    IndexedArray& array = indexed_.emplace_back(IndexedArray{kind, element_size, elements, region, {}});
    if (!starts_zero) {
        array.image.resize(element_size * elements);
    }
    return region.start;
}

std::size_t Arena::used_of(std::size_t chunk) const {
    return chunk + 1 == state_.chunks ? state_.last_used : chunks_[chunk].used;
}

// Calls act(block, bytes) for every free block. Requires: they are allowed to be read.
template <class Act>
void Arena::for_each_free(Act act) {
    for (unsigned size = 0; size < kSizeClasses; ++size) {
        for (FreeBlock* block = state_.free[size]; block != nullptr;) {
            FreeBlock* const next = block->next;
            act(block, std::size_t{1} << size);
            block = next;
        }
    }
}

std::size_t Arena::bytes_of(const IndexedArray& array, const TouchedCounts& touched) {
    return std::min(touched[static_cast<std::size_t>(array.kind)], array.elements) * array.element_size;
}

void Arena::save(const TouchedCounts& touched) {
    saved_ = state_;
    for (std::size_t n = 0; n < state_.chunks; ++n) {
        Chunk& chunk = chunks_[n];
        allow(chunk.region.start, chunk.region.bytes);
        chunk.image.assign(chunk.region.start, chunk.region.start + used_of(n));
    }
    for_each_free(forbid);
    for (IndexedArray& array : indexed_) {
        if (array.image.empty()) {
            array.image.resize(bytes_of(array, touched));
        }
        std::copy_n(array.region.start, array.image.size(), array.image.begin());
    }
}

void Arena::restore(const TouchedCounts& touched) {
    state_ = saved_;
    for (const Chunk& chunk : chunks_) {
        allow(chunk.region.start, chunk.region.bytes);
        std::copy(chunk.image.begin(), chunk.image.end(), chunk.region.start);
    }
    for_each_free(forbid);
    for (const IndexedArray& array : indexed_) {
        const std::size_t bytes = bytes_of(array, touched);
        const std::size_t saved = std::min(bytes, array.image.size());
        std::copy_n(array.image.begin(), saved, array.region.start);
        std::memset(array.region.start + saved, 0, bytes - saved);
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
