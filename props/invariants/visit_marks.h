// What was already visited in one round of checks. Starting a round costs nothing, and once everything has been seen a
// visit allocates nothing.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "ops/types.h"

namespace vmref::props {

// Things named by small numbers: frames, object ids.
class NumberMarks {
  public:
    void start_round() { ++round_; }

    // True at the first visit of `number` in this round.
    bool first_visit(std::size_t number) {
        if (number >= marks_.size()) {
            marks_.resize(std::max(number + 1, 2 * marks_.size()), 0);
        }
        return std::exchange(marks_[number], round_) != round_;
    }

  private:
    std::vector<std::uint64_t> marks_;
    std::uint64_t round_ = 0;
};

// Addresses in numbered spaces. Only the latest ones are remembered, so an address may be taken for new twice.
class AddressMarks {
  public:
    void start_round() { ++round_; }

    bool first_visit(std::uint32_t space, Va va) {
        constexpr std::uint32_t kSpread = 0x9E3779B1U;
        Mark& mark = marks_[(page_of(va) ^ (space * kSpread)) % marks_.size()];
        if (mark.round == round_ && mark.space == space && mark.va == va) {
            return false;
        }
        mark = {round_, space, va};
        return true;
    }

  private:
    struct Mark {
        std::uint64_t round = 0;
        std::uint32_t space = 0;
        Va va = 0;
    };
    std::array<Mark, 1024> marks_;
    std::uint64_t round_ = 0;
};

}  // namespace vmref::props
