// What mappings refer to: a sparse array of cells, each one page. Three kinds:
//   file:       a cell without a value is synthetic or zero; cells at or past the end of the file refuse;
//   anonymous:  a cell without a value is zero;
//   private:    a cell without a value sees through to a cell of the file below, until the first store.
// Equal values are held once where that is cheap; nobody can observe it.
#pragma once

#include <array>
#include <boost/smart_ptr/intrusive_ptr.hpp>
#include <boost/smart_ptr/intrusive_ref_counter.hpp>
#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

#include "ops/types.h"

namespace vmref::model {

template <typename T>
using Ref = boost::intrusive_ptr<T>;  // counts without atomics: not for use by two threads at a time
template <typename T>
using Counted = boost::intrusive_ref_counter<T, boost::thread_unsafe_counter>;

// Its bytes change only while one cell alone holds it.
struct PageValue : Counted<PageValue> {
    std::array<std::uint8_t, kPageSize> bytes{};
};

class Container : public Counted<Container> {
  public:
    struct Cell {
        PageIndex page;
        bool discardable = false;  // madvise(free), no store since
        Ref<PageValue> value{};
    };
    // What a deep copy has copied so far.
    struct Copies {
        std::unordered_map<const Container*, Ref<Container>> containers;
        std::unordered_map<const PageValue*, Ref<PageValue>> values;
    };

    Container() = default;                                  // anonymous
    Container(Ref<Container> below, PageIndex below_page);  // private; cell 0 sees through to `below_page`
    Container(FileId file, std::uint32_t size);             // file
    Ref<Container> clone(Copies& copies) const;

    Ref<Container> base() { return file_ == 0 || below_ ? below_ : Ref<Container>(this); }  // its file, if any
    FileId file() const { return file_; }         // its own, or the one below; 0: anonymous
    std::uint32_t size() const { return size_; }  // file: bytes
    PageIndex file_page(PageIndex page) const { return below_page_ + page; }

    bool refused(PageIndex page) const;  // past the end of its file
    // The bytes of a cell that is not refused; read gives nullptr for zeroes. The pointer of write may be stored to.
    const std::uint8_t* read(PageIndex page);
    std::uint8_t* write(PageIndex page);
    // Cells that see through, and are not refused, keep from now on the value they show.
    void settle(PageIndex first, std::uint32_t pages);
    // The cells of [first, first + pages) that have a value of their own, in order.
    std::pair<Cell*, Cell*> values(PageIndex first, std::uint32_t pages);

    // A copy of the cells [first, first + pages), with the freedom to discard; what sees through goes on doing so.
    // A file's cells all see through.
    Ref<Container> snapshot(PageIndex first, std::uint32_t pages);
    // Whether the implementation may make this cell zero; if so it is.
    bool discard(PageIndex page);
    // File: sets the size; what lies past the old and the new end becomes zero.
    void resize(std::uint32_t size);

  private:
    Cell* find(PageIndex page);         // nullptr: no value of its own
    const Cell* shown(PageIndex page);  // nullptr: zero
    Cell& make(PageIndex page, Ref<PageValue> value);

    Ref<Container> below_;
    PageIndex below_page_ = 0;
    FileId file_ = 0;
    std::uint32_t size_ = 0;
    std::uint32_t created_size_ = 0;
    std::uint32_t synthetic_pages_ = 0;  // file: cells from here on are zero, not synthetic
    std::vector<Cell> cells_;            // by page; every one has a value
};

}  // namespace vmref::model
