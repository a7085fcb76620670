# shellcheck shell=bash
# The Debian packages that portreeve is built, run and tested with: the one list that contrib/up and
# contrib/check install from. Both source this file. Why each one is there: docs/DEPENDENCIES.md.

# shellcheck disable=SC2034  # the scripts that source this file read them
{
    build_packages=(
        build-essential cmake ninja-build pkg-config
        liburing-dev libssh-dev libssl-dev libc-ares-dev libtomlplusplus-dev libsystemd-dev
        libexpected-dev libcrypt-dev nlohmann-json3-dev)
    run_packages=(openssh-client)
    try_packages=(python3 curl)
    # openssh-server is what tests and benchmark compare with; where systemd runs, Debian also
    # starts it.
    test_packages=(
        libgtest-dev libgmock-dev git
        python3 python3-pytest python3-paramiko python3-prometheus-client
        openssh-client openssh-server dropbear-bin putty-tools curl zsh fish tmux chromium
        dnsmasq-base
        clang-format-14 clang-tidy-14 shellcheck man-db ccache
        dpkg-dev file systemd systemd-container mmdebstrap eatmydata)
}

say() { printf '%s: %s\n' "${0##*/}" "$*"; }
fail() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

is_installed() {
    [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

# all_installed PACKAGE...
all_installed() {
    local package
    for package in "$@"; do
        is_installed "$package" || return 1
    done
}

# need_packages PURPOSE PACKAGE...: installs those that are missing, as root or through sudo.
need_packages() {
    local purpose=$1 package missing=() as_root=()
    shift
    command -v apt-get >/dev/null ||
        fail "there is no apt-get here; what this script needs from Debian 12: $*"
    for package in "$@"; do
        is_installed "$package" || missing+=("$package")
    done
    if ((${#missing[@]} == 0)); then
        say "packages to $purpose: all installed"
        return
    fi
    say "packages to $purpose: installing ${missing[*]}"
    if ((EUID != 0)); then
        command -v sudo >/dev/null ||
            fail "not root, and there is no sudo; as root: apt-get install ${missing[*]}"
        as_root=(sudo)
    fi
    "${as_root[@]}" apt-get update -q || fail "apt-get update failed"
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -q -y --no-install-recommends "${missing[@]}" ||
        fail "apt-get install failed; the packages to $purpose are: $*"
}
