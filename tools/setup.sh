#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Makes a Debian 12 ready to build pinwheel: installs the packages that are missing and builds wolfSSL with its
# x86-64 assembly into the user's cache. Safe to run again; with nothing to do it takes about a second.
set -euo pipefail
export LC_ALL=C
# shellcheck source=tools/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

usage() {
    cat <<'END'
usage: tools/setup.sh [--tests] [--bench]

Installs the Debian packages that pinwheel needs (as root, or through sudo) and builds wolfSSL from Debian's source
package into ${XDG_CACHE_HOME:-~/.cache}/pinwheel. Needs no root where nothing is missing.

  --tests   also what ./tools/test.sh needs (Criterion, curl, openssl, node, npm)
  --bench   also what pinwheel bench compares with (boost, DPDK, simdjson); build anew afterwards
  --help    this text
END
}

BUILD_PACKAGES=(gcc libc6-dev meson ninja-build pkg-config liburing-dev liblmdb-dev libhwloc-dev
    libyaml-dev libjansson-dev libncurses-dev libssl-dev zlib1g-dev ca-certificates)
TEST_PACKAGES=(libcriterion-dev curl openssl g++ libsimdjson-dev)
BENCH_PACKAGES=(g++ libboost-dev libdpdk-dev libsimdjson-dev)
WOLFSSL_BUILD_PACKAGES=(make autoconf automake libtool dpkg-dev)

# What wolfSSL is configured with. --enable-distro is Debian's own choice of features; the rest adds the assembly and
# makes a static library that can go into position-independent programs.
WOLFSSL_OPTIONS=(--enable-distro --enable-intelasm --enable-static --disable-shared --with-pic --disable-examples
    --disable-crypttests)
WOLFSSL_CFLAGS="-O2 -g -fstack-protector-strong"
# Of wolfssl_compile; a new number makes builds of an older recipe unfit.
WOLFSSL_RECIPE=2
WOLFSSL_COST="AES-128-GCM seal of 256 bytes 2833 ns instead of 106 ns, as measured on our machine"
DEBIAN_KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

WORK=
cleanup() {
    [[ -z $WORK ]] || rm -rf -- "$WORK"
}
trap cleanup EXIT

# ---- packages ----

# Prints those of the named packages that are not installed, or not wholly.
missing_packages() {
    local name
    declare -A installed=()
    while read -r name; do
        installed[$name]=1
    done < <(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "$@" 2>/dev/null | sed -n 's/^installed //p')
    for name in "$@"; do
        [[ -n ${installed[$name]:-} ]] || printf '%s\n' "$name"
    done
}

UPDATED=
update_lists() {
    [[ -z $UPDATED ]] || return 0
    UPDATED=1
    say "reading the package lists (apt-get update)"
    quiet "$WORK/update.log" as_root apt-get -q -o DPkg::Lock::Timeout=300 update
}

apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get -y -q -o DPkg::Lock::Timeout=300 \
        install --no-install-recommends "$@"
}

# Installs what is missing of the named packages. A first failure may be due to old lists: update, try once more.
install_packages() {
    local missing
    mapfile -t missing < <(missing_packages "$@")
    [[ ${#missing[@]} -gt 0 ]] || return 0
    if ! can_be_root; then
        warn "these Debian packages are missing, and this user is neither root nor able to use sudo: ${missing[*]}"
        warn "ask an administrator for: apt-get install ${missing[*]}"
        return 1
    fi
    say "installing: ${missing[*]}"
    if ! apt_install "${missing[@]}" >"$WORK/install.log" 2>&1 </dev/null; then
        update_lists || true
        quiet "$WORK/install.log" apt_install "${missing[@]}"
    fi
}

# ---- wolfSSL ----

# The version that this Debian would install, without the mark of a rebuild of the binary alone (+b1).
wolfssl_candidate() {
    apt-cache policy libwolfssl-dev 2>/dev/null | sed -n 's/^ *Candidate: \([0-9].*\)/\1/p' | sed 's/+b[0-9]*$//'
}

# Where the archive has it: "address suite/component", from the system's own lists.
wolfssl_origin() {
    apt-cache madison libwolfssl-dev 2>/dev/null |
        awk -F ' *[|] *' -v version="$1" 'index($2, version) == 1 { split($3, at, " "); print at[1], at[2]; exit }'
}

# Prints the newest finished build in the cache that is at least of version $1 and has options hash $2.
wolfssl_cached() {
    local least=$1 hash=$2 built version best='' best_version=0
    for built in "$CACHE"/wolfssl-*-"$hash"/built; do
        [[ -f $built ]] || continue
        version=$(basename -- "$(dirname -- "$built")")
        version=${version#wolfssl-}
        version=${version%-"$hash"}
        if dpkg --compare-versions "$version" ge "$least" && dpkg --compare-versions "$version" gt "$best_version"; then
            best_version=$version
            best=wolfssl-$version-$hash
        fi
    done
    printf '%s' "$best"
}

# apt with lists, cache and sources of our own under $WORK: it neither reads nor changes the user's.
own_apt() {
    apt-get -q -o Dir::Etc::SourceList="$WORK/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::State::Lists="$WORK/lists" -o Dir::Cache="$WORK/cache" -o APT::Sandbox::User=root \
        -o Acquire::Languages=none -o Acquire::Retries=3 "$@"
}

# Unpacks the newest wolfSSL of that archive to $WORK/source, Debian's patches applied.
wolfssl_fetch() {
    local address=$1 suite=${2%%/*} component=${2#*/}
    mkdir -p -- "$WORK/lists/partial" "$WORK/cache/archives/partial" "$WORK/fetch" &&
        printf 'deb-src [signed-by=%s] %s %s %s\n' "$DEBIAN_KEYRING" "$address" "$suite" "$component" \
            >"$WORK/sources.list" &&
        quiet "$WORK/lists.log" own_apt update &&
        (cd -- "$WORK/fetch" && quiet "$WORK/source.log" own_apt source wolfssl) &&
        mv -- "$WORK"/fetch/wolfssl-*/ "$WORK/source"
}

# Builds $WORK/source and puts what is needed to link it into $1; its .pc file finds the library from its own place,
# so that the folder can be moved. --enable-distro installs no options.h, which says how the library was configured:
# without it a program would be compiled for the packaged library's structs. Called where errexit is off: hence the
# chain.
# shellcheck disable=SC2016
wolfssl_compile() {
    local result=$1 stage=$WORK/stage
    (
        cd -- "$WORK/source" &&
            quiet "$WORK/autoreconf.log" autoreconf -fi &&
            quiet "$WORK/configure.log" ./configure --prefix="$stage" "${WOLFSSL_OPTIONS[@]}" \
                CFLAGS="$WOLFSSL_CFLAGS -ffile-prefix-map=$WORK/source=wolfssl" &&
            quiet "$WORK/make.log" make -j"$(nproc)" &&
            quiet "$WORK/make-install.log" make install
    ) &&
        mkdir -p -- "$result" &&
        cp -a -- "$stage/include" "$stage/lib" "$result/" &&
        cp -- "$WORK/source/wolfssl/options.h" "$result/include/wolfssl/" &&
        find "$result/lib" \( -name '*.so*' -o -name '*.la' \) -delete &&
        sed -i 's|^prefix=.*|prefix=${pcfiledir}/../..|' "$result/lib/pkgconfig/wolfssl.pc"
}

# Fetches wolfSSL, of about version $1, builds it and sets WOLFSSL_FOLDER to its folder in the cache, which appears
# whole or not at all.
wolfssl_build() {
    local version=$1 hash=$2 origin folder fresh=$CACHE/new
    origin=$(wolfssl_origin "$version")
    if [[ -z $origin || ! -r $DEBIAN_KEYRING ]]; then
        warn "the package lists do not say where wolfSSL $version comes from"
        return 1
    fi
    install_packages "${WOLFSSL_BUILD_PACKAGES[@]}" || return 1
    say "building wolfSSL from Debian's sources, with x86-64 assembly"
    # shellcheck disable=SC2086
    wolfssl_fetch $origin && version=$(dpkg-parsechangelog -l "$WORK/source/debian/changelog" -S Version) || return 1

    folder=wolfssl-$version-$hash
    rm -rf -- "$fresh" "${CACHE:?}/$folder"
    wolfssl_compile "$fresh" &&
        printf 'wolfSSL %s from %s\n%s\nCFLAGS=%s\n' "$version" "$origin" "${WOLFSSL_OPTIONS[*]}" \
            "$WOLFSSL_CFLAGS" >"$fresh/built" &&
        mv -T -- "$fresh" "$CACHE/$folder" &&
        WOLFSSL_FOLDER=$folder
}

# Sets WOLFSSL_FOLDER: the cache folder to link. Where only the packaged library can be had it is empty, and
# WOLFSSL_WHY says why.
wolfssl_choose() {
    local version hash failed
    WOLFSSL_FOLDER=
    if [[ $(dpkg --print-architecture) != amd64 ]]; then
        WOLFSSL_WHY="wolfSSL's assembly is for x86-64 only"
        return 0
    fi
    hash=$(sha256sum <<<"$WOLFSSL_RECIPE ${WOLFSSL_OPTIONS[*]} $WOLFSSL_CFLAGS" | head -c 12)
    version=$(wolfssl_candidate)
    WOLFSSL_FOLDER=$(wolfssl_cached "${version:-0}" "$hash")
    [[ -z $WOLFSSL_FOLDER ]] || return 0

    failed=$CACHE/wolfssl-$version-$hash.failed
    if [[ -n $(find "$failed" -mtime -1 2>/dev/null) ]]; then
        WOLFSSL_WHY="building it failed less than a day ago (delete $failed to try again)"
        return 0
    fi
    # Old lists would have us build a version with known holes.
    if can_be_root_quietly; then
        update_lists || true
        version=$(wolfssl_candidate)
    fi
    if [[ -z $version ]]; then
        WOLFSSL_WHY="the package lists do not know wolfSSL"
    elif ! wolfssl_build "$version" "$hash"; then
        touch -- "$failed"
        WOLFSSL_WHY="its sources could not be had or built"
    fi
}

wolfssl_setup() {
    mkdir -p -- "$CACHE"
    exec 9>"$CACHE/lock"
    if ! flock -n 9; then
        say "another set-up is at work: waiting for it"
        flock 9
    fi
    wolfssl_choose
    if [[ -z $WOLFSSL_FOLDER ]]; then
        install_packages libwolfssl-dev || die "wolfSSL is missing"
        warn "using Debian's binary wolfSSL, because $WOLFSSL_WHY; the cost: $WOLFSSL_COST"
    fi
    printf '%s\n' "$WOLFSSL_FOLDER" >"$WOLFSSL_CURRENT.new"
    mv -- "$WOLFSSL_CURRENT.new" "$WOLFSSL_CURRENT"
    exec 9>&-
}

main() {
    local tests= bench=
    while [[ $# -gt 0 ]]; do
        case $1 in
        --tests) tests=1 ;;
        --bench) bench=1 ;;
        --help) usage && exit 0 ;;
        *) wrong_use "unknown argument '$1'" ;;
        esac
        shift
    done
    if ! type -P dpkg-query apt-get >/dev/null; then
        die "this is made for Debian 12: without apt, install by hand: ${BUILD_PACKAGES[*]} libwolfssl-dev"
    fi

    WORK=$(mktemp -d "${TMPDIR:-/tmp}/pinwheel-setup.XXXXXX")
    local packages=("${BUILD_PACKAGES[@]}")
    if [[ -n $tests ]]; then
        packages+=("${TEST_PACKAGES[@]}")
        # A node from elsewhere brings its npm along; Debian's come as a pair.
        command -v node >/dev/null || packages+=(nodejs)
        command -v npm >/dev/null || packages+=(npm)
    fi
    [[ -z $bench ]] || packages+=("${BENCH_PACKAGES[@]}")
    install_packages "${packages[@]}" || exit 1
    wolfssl_setup
}

main "$@"
