// Which pages of one process are mapped, as far as the reader of recorded programs needs to know it.
//
// On the recording machine a stack is mapped as a whole; here its lower part is a reserve that becomes mapped when it
// is touched (grow_stack in ops/operation.h). This class follows that rule, so that the reader asks only for what is
// mapped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "ops/types.h"

namespace vmref {

// [start, end); both page aligned, end at most kUserEnd.
struct VaRange {
    Va start;
    Va end;
    bool empty() const { return start == end; }
    std::uint32_t length() const { return end - start; }
    bool operator==(const VaRange&) const = default;
};

class MappedRanges {
  public:
    // `stack_grow` is Config::stack_grow, in pages.
    explicit MappedRanges(std::uint32_t stack_grow) : grow_bytes_(stack_grow * kPageSize) {}

    void map(VaRange range);
    void map_stack(VaRange range);
    void unmap(VaRange range);
    // As Mremap: to the same start, or to a range that is disjoint from `from`. Requires: covers(from).
    void move(VaRange from, VaRange to);
    // An access to the page at `page`: a stack above it may grow down to it.
    void touch(Va page);
    // Notes which mapped pages are locked.
    void set_locked(VaRange range, bool locked);
    void unlock_all() { set_locked({0, kUserEnd}, false); }

    bool covers(VaRange range) const;
    // The longest runs of mapped pages inside `range`, in order.
    std::vector<VaRange> mapped(VaRange range) const { return runs(range, false); }
    // The same for locked pages.
    std::vector<VaRange> locked(VaRange range) const { return runs(range, true); }
    // Pieces that this keeps apart.
    std::size_t size() const { return pieces_.size(); }

  private:
    struct Piece {
        Va end;
        std::uint32_t reserve = 0;  // bytes below the piece into which it may grow
        bool locked = false;
    };
    using Pieces = std::map<Va, Piece>;  // by start; disjoint

    std::vector<VaRange> runs(VaRange range, bool only_locked) const;
    // Makes `at` a border of pieces.
    void split(Va at);

    std::uint32_t grow_bytes_;
    Pieces pieces_;
};

}  // namespace vmref
