// Columns that line up.
#pragma once

#include <ostream>
#include <string>
#include <vector>

namespace vmref::cli {

class Table {
  public:
    explicit Table(std::vector<std::string> heads) : rows_{std::move(heads)} {}

    // Requires: as many cells as there are heads.
    void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
    bool empty() const { return rows_.size() == 1; }
    // Each row on a line of its own behind `indent` spaces; what is a number in every row is aligned to the right.
    void put(std::ostream& out, std::size_t indent = 2) const;

  private:
    std::vector<std::vector<std::string>> rows_;  // the heads first
};

}  // namespace vmref::cli
