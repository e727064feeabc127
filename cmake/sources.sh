#!/usr/bin/env bash
# Checks and edits of all sources: sources.sh format-check | format | relative-includes | tidy <build folder>
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

skipped=77  # what ctest is told to report as Skipped

list_sources() {
    find ops model impl props traces cli bench fuzz tests \( -name '*.h' -o -name '*.cc' \) -print0 | sort -z
}

# Prints the name of an installed tool of LLVM 14: other versions format and warn differently.
find_tool() {
    if command -v "$1-14"; then
        return
    fi
    echo "SKIPPED: $1-14 is not installed (package ${2:-$1}-14)" >&2
    return 1
}

case "${1:-}" in
    format-check)
        clang_format=$(find_tool clang-format) || exit "$skipped"
        list_sources | xargs -0r "$clang_format" --dry-run --Werror
        ;;
    format)
        clang_format=$(find_tool clang-format) || exit "$skipped"
        list_sources | xargs -0r "$clang_format" -i
        ;;
    relative-includes)
        # An include that climbs out of its folder would pass by the include directories that keep the layers apart.
        if list_sources | xargs -0r grep -nE '^[[:space:]]*#[[:space:]]*include[[:space:]]+"[^"]*\.\./'; then
            echo "includes are rooted at the repository: write \"impl/page/page.h\", not \"../page/page.h\"" >&2
            exit 1
        fi
        ;;
    tidy)
        run_clang_tidy=$(find_tool run-clang-tidy clang-tidy) || exit "$skipped"
        # GCC's flags for link-time optimisation mean nothing to clang.
        exec "$run_clang_tidy" -quiet -p "${2:?the build folder}" -j "$(nproc)" \
            -extra-arg=-Wno-ignored-optimization-argument
        ;;
    *)
        echo "usage: $0 format-check | format | relative-includes | tidy <build folder>" >&2
        exit 2
        ;;
esac
