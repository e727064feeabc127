// The words that decide one drawn operation, and how they are read.
//
// A record has a fixed width, so that a list of records can lose any of them without shifting the others: removing a
// record removes an operation. A word of 0 chooses the first alternative, the smallest number and "no", so that what
// shrinks towards 0 becomes simple.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "ops/synthetic.h"

namespace vmref::props {

inline constexpr std::size_t kRecordWords = 10;
using Record = std::array<std::uint32_t, kRecordWords>;

template <typename T>
struct Weighted {
    T value;
    std::uint32_t weight;
};

// Reads one record, which must outlive it. It never runs out: past the end it goes on with a function of the last
// words, which stays 0 where those are 0.
class Choices {
  public:
    explicit Choices(const Record& record) : record_(record) {}

    std::uint32_t word() {
        if (next_ < kRecordWords) {
            return record_[next_++];
        }
        const std::uint32_t turn = static_cast<std::uint32_t>(next_++ % 4);
        folded_ = mix32(folded_ * 0x9e3779b9U + record_[kRecordWords - 1 - turn]);
        return folded_;
    }

    // 0 to n - 1. Requires: n > 0.
    std::uint32_t below(std::uint32_t n) { return word() % n; }
    // low to high, both included. Requires: low <= high, not the whole range of the type.
    std::uint32_t between(std::uint32_t low, std::uint32_t high) { return low + below(high - low + 1); }
    bool chance(std::uint32_t percent) { return below(100) + percent >= 100; }

    // One of the values, as often as its weight says. Requires: the weights are not all 0.
    template <typename T, std::size_t N>
    T pick(const Weighted<T> (&options)[N]) {
        std::uint32_t total = 0;
        for (const Weighted<T>& option : options) {
            total += option.weight;
        }
        std::uint32_t left = below(total);
        const Weighted<T>* option = options;
        while (left >= option->weight) {
            left -= option->weight;
            ++option;
        }
        return option->value;
    }

  private:
    const Record& record_;
    std::size_t next_ = 0;
    std::uint32_t folded_ = 0;
};

}  // namespace vmref::props
