# SPDX-License-Identifier: MIT
# shellcheck shell=bash
#
# What setup.sh, test.sh and demo.sh share: messages, the tree's and the cache's place, acting as root, and
# configuring a build folder against the wolfSSL that setup.sh made. Sourced, never run.

ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
CACHE="${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/pinwheel"
# Names the folder of the cache that holds the wolfSSL to link; empty: the packaged one. Written by setup.sh.
WOLFSSL_CURRENT="$CACHE/wolfssl-current"
PROGRAM=$(basename -- "$0" .sh)

say() {
    printf '%s: %s\n' "$PROGRAM" "$*"
}

warn() {
    printf '%s: %s\n' "$PROGRAM" "$*" >&2
}

die() {
    warn "$*"
    exit 1
}

wrong_use() {
    warn "$*; see 'tools/$PROGRAM.sh --help'"
    exit 2
}

# True when as_root works without asking anybody.
can_be_root_quietly() {
    [[ $EUID -eq 0 ]] || sudo -n true 2>/dev/null
}

# True when as_root can work: we are root, or there is a sudo that needs no password or can ask for one.
can_be_root() {
    can_be_root_quietly || { command -v sudo >/dev/null && [[ -t 0 ]]; }
}

as_root() {
    if [[ $EUID -eq 0 ]]; then
        "$@"
    else
        sudo "$@"
    fi
}

# Runs a command whose output matters only when it fails: quiet LOG COMMAND...
quiet() {
    local log=$1
    shift
    "$@" >"$log" 2>&1 </dev/null && return 0
    warn "failed: $*"
    tail -n 25 -- "$log" >&2
    return 1
}

# Configures build folder $1 with the meson options that follow; cheap when they are in force already. Options that
# somebody else gave that folder stay.
configure_build() {
    local dir=$1 option wanted=()
    shift
    if [[ -s $WOLFSSL_CURRENT ]]; then
        wanted=("-Dpkg_config_path=$CACHE/$(<"$WOLFSSL_CURRENT")/lib/pkgconfig")
    else
        wanted=("-Dpkg_config_path=")
    fi
    wanted+=("$@")

    local stamp=$dir/pinwheel-options missing=
    for option in "${wanted[@]}"; do
        grep -qxFe "$option" "$stamp" 2>/dev/null || missing=1
    done
    [[ -z $missing && -f $dir/build.ninja ]] && return 0

    local again=()
    [[ -f $dir/meson-private/coredata.dat ]] && again=(--reconfigure)
    mkdir -p -- "$dir"
    quiet "$dir/configure.log" meson setup "${again[@]}" "$dir" "$ROOT" "${wanted[@]}" || return 1
    printf '%s\n' "${wanted[@]}" >"$stamp"
}
