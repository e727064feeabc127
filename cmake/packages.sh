# The Debian packages that vmref builds with, and how the scripts get them. Sourced by ./quickstart and ./check.
# shellcheck shell=bash

vmref_packages=(
    g++ cmake ninja-build ccache
    libboost-dev libboost-context-dev libcli11-dev libfmt-dev libvalijson-dev libz3-dev nlohmann-json3-dev zlib1g-dev
    libbenchmark-dev libgtest-dev librapidcheck-dev
    graphviz
)
vmref_test_packages=(cvc5 qemu-system-x86) # only the tests need them; `vmref check --world machine` needs the second

# Prints which of the named packages are not installed, in one line.
missing_packages() {
    local package missing=()
    for package in "$@"; do
        case "$(dpkg-query --show --showformat='${db:Status-Abbrev}' "$package" 2>/dev/null || true)" in
            ?i*) ;;
            *) missing+=("$package") ;;
        esac
    done
    echo "${missing[*]-}"
}

# Installs what is missing of vmref_packages and the named ones, as root or through sudo. If neither can, says in one line
# what is missing and returns 1. On other systems only looks for the tools.
install_packages() {
    local tool missing as_root=() wanted=("${vmref_packages[@]}" "$@")
    if ! command -v dpkg-query >/dev/null; then
        for tool in c++ cmake ninja; do
            if ! command -v "$tool" >/dev/null; then
                echo "Missing $tool, and this is no Debian system: install the equivalents of ${wanted[*]}" >&2
                return 1
            fi
        done
        return 0
    fi
    missing=$(missing_packages "${wanted[@]}")
    if [ -z "$missing" ]; then
        return 0
    fi
    if [ "$(id -u)" -ne 0 ]; then
        # Without a terminal sudo could not ask for a password.
        if ! command -v sudo >/dev/null || { [ ! -t 0 ] && ! sudo -n true 2>/dev/null; }; then
            echo "Missing packages, and no right to install them: $missing" >&2
            return 1
        fi
        as_root=(sudo)
    fi
    echo "Installing $missing"
    local output
    if ! output=$(apt_get_install "${as_root[@]}" 2>&1); then
        echo "Packages that apt-get could not install: $missing ($(tail -n 1 <<<"$output"))" >&2
        return 1
    fi
}

# Expects `missing` of the caller; the arguments are the prefix that gives root's rights.
apt_get_install() {
    local apt_get=("$@" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=120)
    local packages
    read -ra packages <<<"$missing"
    if ! compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null; then
        "${apt_get[@]}" update
    fi
    # Lists that are too old name packages that are gone: fetch them anew, once.
    "${apt_get[@]}" install --yes --no-install-recommends "${packages[@]}" >/dev/null </dev/null && return
    "${apt_get[@]}" update
    "${apt_get[@]}" install --yes --no-install-recommends "${packages[@]}" >/dev/null </dev/null
}
