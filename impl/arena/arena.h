// Memory that can be put back to what it was. A simulated machine that lies in an arena, with everything its containers
// allocate, is reset by copying bytes instead of being built anew: pointers stay right because addresses do not change.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace vmref::impl {

// Arrays with an element per frame or per swap slot. Low numbers are used first, so that between two resets only the
// front of such an array changes.
enum class Indexed : std::uint8_t { by_frame, by_swap_slot };
inline constexpr std::size_t kIndexKinds = 2;
using TouchedCounts = std::array<std::size_t, kIndexKinds>;  // elements that may have changed, by kind

class Arena {
  public:
    Arena() = default;
    ~Arena();
    Arena(const Arena&) = delete;
    Arena& operator=(const Arena&) = delete;

    // Aligned to 16 bytes. Errors: std::bad_alloc.
    void* allocate(std::size_t bytes);
    void deallocate(void* block, std::size_t bytes);

    // An array of zeroes that is never given back. `starts_zero`: when save() is called it is still all zero but
    // for the elements touched by then.
    void* allocate_indexed(Indexed kind, std::size_t element_size, std::size_t elements, bool starts_zero);

    // Remembers the contents of everything allocated; of arrays of zeroes the first `touched` elements. Once.
    void save(const TouchedCounts& touched = {});
    // Puts back what save() remembered. Of indexed arrays only the first `touched` elements are looked at.
    // Requires: no other element has changed since save().
    void restore(const TouchedCounts& touched);

  private:
    struct FreeBlock {
        FreeBlock* next;
    };
    // Memory of the host, supplied as it is touched.
    struct Region {
        std::byte* start = nullptr;
        std::size_t bytes = 0;
    };
    static constexpr std::size_t kSizeClasses = 64;
    // What restore() puts back besides contents.
    struct State {
        std::size_t chunks = 0;                       // in use; the last one has room
        std::size_t last_used = 0;                    // bytes of it
        std::array<FreeBlock*, kSizeClasses> free{};  // by binary logarithm of the size
    };
    struct Chunk {
        Region region;
        std::size_t used = 0;  // when the next one was begun
        std::vector<std::byte> image{};
    };
    struct IndexedArray {
        Indexed kind;
        std::size_t element_size;
        std::size_t elements;
        Region region;
        std::vector<std::byte> image;  // the elements behind are zero
    };
    static std::size_t bytes_of(const IndexedArray& array, const TouchedCounts& touched);

    static Region reserve(std::size_t bytes);
    void* take(std::size_t bytes);
    std::size_t used_of(std::size_t chunk) const;
    template <class Act>
    void for_each_free(Act act);

    State state_;
    State saved_;
    std::vector<Chunk> chunks_;  // those beyond state_.chunks wait for their next use
    std::vector<IndexedArray> indexed_;
};

// The arena that new containers of this thread take their memory from; nullptr: the heap.
Arena* current_arena();

// Makes `arena` the current one for a scope.
class ArenaScope {
  public:
    explicit ArenaScope(Arena* arena);
    ~ArenaScope();
    ArenaScope(const ArenaScope&) = delete;
    ArenaScope& operator=(const ArenaScope&) = delete;

  private:
    Arena* previous_;
};

}  // namespace vmref::impl
