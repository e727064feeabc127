#include "impl/defects/assertion.h"

#include <string_view>

namespace vmref::impl {

namespace {

// The path from "impl/" on, so that a report does not depend on where the tree was built.
std::string_view inside_tree(std::string_view path) {
    const std::size_t folder = path.rfind("impl/");
    if (folder != std::string_view::npos) {
        return path.substr(folder);
    }
    const std::size_t slash = path.rfind('/');
    return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

}  // namespace

void fail(const char* rule, const char* statement, const char* file, int line) {
    std::string what{statement};
    what += " (";
    what += inside_tree(file);
    what += ":" + std::to_string(line) + ")";
    throw Finding(rule, what);
}

}  // namespace vmref::impl
