#include "cli/table.h"

#include <algorithm>
#include <cctype>

namespace vmref::cli {

namespace {

bool is_number(const std::string& text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0 || c == ','; });
}

}  // namespace

void Table::put(std::ostream& out, std::size_t indent) const {
    std::vector<std::size_t> widths(rows_.front().size(), 0);
    std::vector<bool> right(widths.size(), true);
    for (std::size_t n = 0; n < rows_.size(); ++n) {
        for (std::size_t column = 0; column < widths.size(); ++column) {
            widths[column] = std::max(widths[column], rows_[n][column].size());
            right[column] = right[column] && (n == 0 || is_number(rows_[n][column]));
        }
    }
    for (const std::vector<std::string>& row : rows_) {
        std::string line(indent, ' ');
        for (std::size_t column = 0; column < widths.size(); ++column) {
            const std::string padding(widths[column] - row[column].size(), ' ');
            line += (right[column] ? padding + row[column] : row[column] + padding) + "  ";
        }
        line.erase(line.find_last_not_of(' ') + 1);
        out << line << '\n';
    }
}

}  // namespace vmref::cli
