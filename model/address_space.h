// The mapping ranges of one process, in address order, and the rules that concern addresses alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "model/container.h"
#include "ops/kernel_operation.h"
#include "ops/types.h"

namespace vmref::model {

struct Range {
    PageIndex start = 0;
    std::uint32_t pages = 0;
    Ref<Container> container{};
    PageIndex offset = 0;  // the cell at `start`
    std::uint32_t reserve = 0;
    Prot prot = kProtAll;
    Prot max_prot = kProtAll;
    Inherit inherit = Inherit::copy;
    bool wired = false;                // by the user
    std::uint32_t kernel_wirings = 0;  // KernelWire without its KernelUnwire
    bool shared = false;
    bool table = false;      // Mmap::vpagetable; never clipped, wired or moved
    std::uint32_t root = 0;  // of its tables
    bool device = false;
    KernelUse use = KernelUse::pageable;  // of the kernel's own memory

    // Wired by whomever: the pages stay in memory, with all the rights of the mapping.
    bool pinned() const { return wired || kernel_wirings != 0; }
    PageIndex end() const { return start + pages; }
    PageIndex cell(PageIndex page) const { return offset + (page - start); }
};

// A page that a virtual page table translated: it may be used again until the table is told to be forgotten.
struct Translation {
    PageIndex cell;
    bool writable;
};

class AddressSpace {
  public:
    const std::vector<Range>& ranges() const { return ranges_; }

    const Range* at(PageIndex page) const;  // nullptr: not mapped
    bool has_hole(PageIndex first, PageIndex end) const;
    void insert(Range range);  // where nothing is mapped
    void unmap(PageIndex first, PageIndex end);
    // Whether clipping to [first, end) would cut a range with a virtual page table.
    bool would_cut_table(PageIndex first, PageIndex end) const;
    void remember(PageIndex page, const Translation& translation) { translations_.insert_or_assign(page, translation); }
    void forget_translations(PageIndex first, PageIndex end);
    const Translation* translation(PageIndex page) const;  // nullptr: none
    // The ranges inside [first, end), clipped at both ends. Valid until ranges come or go.
    std::span<Range> clip(PageIndex first, PageIndex end);

    // Grows the stack whose reserve has the unmapped `page`; the new range, or nullptr.
    const Range* grow_stack(PageIndex page, std::uint32_t unit);
    // Whether [first, first + pages) is in user space, unmapped and outside the reserves of stacks.
    bool fits(PageIndex first, std::uint32_t pages) const;
    // The lowest such place; nullopt if there is none.
    std::optional<PageIndex> room(std::uint32_t pages) const;

    // Calls visit(range, first page, pages) for the part of each range inside [first, end), until one returns false;
    // whether none did.
    template <typename Visit>
    bool each(PageIndex first, PageIndex end, Visit visit) const {
        for (std::size_t n = find(first); n < ranges_.size() && ranges_[n].start < end; ++n) {
            const PageIndex from = ranges_[n].start > first ? ranges_[n].start : first;
            const PageIndex to = ranges_[n].end() < end ? ranges_[n].end() : end;
            if (!visit(ranges_[n], from, to - from)) {
                return false;
            }
        }
        return true;
    }

  private:
    std::size_t find(PageIndex page) const;  // index of the first range that ends above `page`
    void split(PageIndex page);
    PageIndex gap_start(std::size_t n) const { return n == 0 ? 0 : ranges_[n - 1].end(); }  // below range n

    std::vector<Range> ranges_;
    std::map<PageIndex, Translation> translations_;
};

}  // namespace vmref::model
