// Allocations that fail although there is memory: a stand-in for the thread that took the last page just before.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace vmref::impl {

// What is allocated: a page of an object, a page of a pmap's page-table object, a pv entry.
enum class AllocationKind : std::uint8_t { page, page_table, pv, count };

class FailingAllocations {
  public:
    // The `ordinal`-th allocation of that kind from now on fails (1 is the next one); 0 takes the plan back.
    void plan(AllocationKind kind, std::uint32_t ordinal) {
        planned_ += (ordinal != 0 ? 1 : 0) - (left(kind) != 0 ? 1 : 0);
        left(kind) = ordinal;
    }
    bool planned(AllocationKind kind) const { return left_[static_cast<std::size_t>(kind)] != 0; }

    // Counts one allocation of that kind; true: this is the one that fails.
    bool fails(AllocationKind kind) {
        if (planned_ == 0) [[likely]] {
            return false;
        }
        if (left(kind) == 0 || --left(kind) != 0) {
            return false;
        }
        --planned_;
        ++failed_[static_cast<std::size_t>(kind)];
        return true;
    }
    // How many have failed by plan so far.
    std::uint64_t failed(AllocationKind kind) const { return failed_[static_cast<std::size_t>(kind)]; }

  private:
    static constexpr std::size_t kKinds = static_cast<std::size_t>(AllocationKind::count);
    std::uint32_t& left(AllocationKind kind) { return left_[static_cast<std::size_t>(kind)]; }

    int planned_ = 0;
    std::array<std::uint32_t, kKinds> left_{};
    std::array<std::uint64_t, kKinds> failed_{};
};

}  // namespace vmref::impl
