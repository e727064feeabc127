// Contents that nobody recorded: a function of where they are, so that a page in the wrong place shows.
#pragma once

#include <cstdint>
#include <cstring>

#include "ops/types.h"

namespace vmref {

constexpr std::uint32_t mix32(std::uint32_t x) {
    x ^= x >> 16;
    x *= 0x7feb352dU;
    x ^= x >> 15;
    x *= 0x846ca68bU;
    x ^= x >> 16;
    return x;
}

// The 32-bit word at word index `word` (0 to 1023) of page `page` of a file as created.
constexpr std::uint32_t synthetic_word(FileId file, PageIndex page, std::uint32_t word) {
    return mix32(word + 0x9e3779b9U * mix32(page + 0x85ebca6bU * mix32(file + 1)));
}

// Fills one page (kPageSize bytes) of a file of `size` bytes; what lies past the end is zero.
inline void synthetic_page(FileId file, PageIndex page, std::uint32_t size, std::uint8_t* out) {
    const std::uint32_t seed = 0x9e3779b9U * mix32(page + 0x85ebca6bU * mix32(file + 1));
    for (std::uint32_t word = 0; word < kPageSize / 4; ++word) {
        const std::uint32_t value = mix32(word + seed);
        std::memcpy(out + 4 * word, &value, 4);
    }
    const std::uint64_t start = std::uint64_t{page} * kPageSize;
    if (start + kPageSize > size) {
        const std::uint32_t kept = start >= size ? 0 : static_cast<std::uint32_t>(size - start);
        std::memset(out + kept, 0, kPageSize - kept);
    }
}

// The value of the n-th synthetic store of a run; never 0.
constexpr std::uint32_t synthetic_store(std::uint64_t n) {
    return mix32(static_cast<std::uint32_t>(n) * 2654435761U + 1) | 1U;
}

}  // namespace vmref
