// The source of choice words of a campaign: SplitMix64, the same everywhere and for ever.
#pragma once

#include <cstdint>

#include "props/generators/choices.h"

namespace vmref::props {

class Prng {
  public:
    // Streams of one seed are independent of each other.
    Prng(std::uint64_t seed, std::uint64_t stream) : state_(scramble(scramble(seed + kStep) + stream)) {}

    std::uint64_t next() {
        state_ += kStep;
        return scramble(state_);
    }

    void fill(Record& record) {
        static_assert(kRecordWords % 2 == 0, "every number gives two words");
        for (std::size_t i = 0; i < kRecordWords; i += 2) {
            const std::uint64_t number = next();
            record[i] = static_cast<std::uint32_t>(number);
            record[i + 1] = static_cast<std::uint32_t>(number >> 32);
        }
    }

  private:
    static constexpr std::uint64_t kStep = 0x9e3779b97f4a7c15U;

    static constexpr std::uint64_t scramble(std::uint64_t x) {
        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
        x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
        return x ^ (x >> 31);
    }

    std::uint64_t state_;
};

}  // namespace vmref::props
