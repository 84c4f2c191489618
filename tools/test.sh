#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Sets up, builds and tests pinwheel: with warnings as errors, under the address and undefined-behaviour sanitizers,
# and the concurrent parts under the thread sanitizer. The last line is "N passed, N failed, N skipped".
set -euo pipefail
# shellcheck source=tools/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

usage() {
    cat <<'END'
usage: tools/test.sh [--quick]

Sets up what is missing, builds into build/, build-asan/ and build-tsan/, and runs the tests. Exit code: 0 when tests
ran and none failed, 1 else.

  --quick   only the unit tests, only in build/
  --help    this text
END
}

# A test's own time limit is meant for an idle machine with a core for each of its threads; others may keep the
# cores busy, which makes the suite slower, and nothing else.
slowness() {
    local factor=$((3 * $1))
    [[ $(nproc) -gt 2 ]] || factor=$((2 * factor))
    printf '%s' "$factor"
}

# Most of the long tests wait for processes of theirs: two a core fill the time.
MESON_TEST=(meson test --no-rebuild --print-errorlogs --num-processes "$((2 * $(nproc)))")
LOGS=()
PROBLEMS=()

# build NAME OPTION...: configures and builds build folder NAME; true if it is fit to be tested.
build() {
    local dir=$ROOT/$1
    shift
    say "building $(basename -- "$dir")"
    if configure_build "$dir" "$@" && quiet "$dir/build.log" ninja -C "$dir"; then
        return 0
    fi
    PROBLEMS+=("$(basename -- "$dir") does not build")
    return 1
}

# run NAME MINUTES SLOWNESS [MESON ARGUMENT...]: runs tests of build folder NAME; their log is counted at the end.
run() {
    local name=$1 minutes=$2 factor=$3 log=$ROOT/$1/meson-logs/testlog.json code=0
    shift 3
    rm -f -- "$log"
    say "testing $name $*"
    # Interrupted, meson still ends its tests and writes its log.
    timeout --foreground -s INT -k 60 "${minutes}m" "${MESON_TEST[@]}" -C "$ROOT/$name" \
        --timeout-multiplier "$factor" "$@" </dev/null || code=$?
    [[ $code -ne 124 && $code -ne 137 ]] || PROBLEMS+=("the tests of $name took over $minutes minutes")
    LOGS+=("$log")
}

# The third-party peers of tests/interop come from npm, in the versions of its lock file.
install_peers() {
    local dir=$ROOT/tests/interop stamp
    [[ -f $dir/package-lock.json ]] || return 0
    stamp=$dir/node_modules/.pinwheel-lock
    cmp -s "$dir/package-lock.json" "$stamp" && return 0
    say "installing the peers of the interop tests (npm ci)"
    if (cd -- "$dir" && quiet "$ROOT/build/npm.log" npm ci --ignore-scripts --no-audit --no-fund); then
        cp -- "$dir/package-lock.json" "$stamp"
    else
        warn "no packages from npm: tests that need them are skipped"
    fi
}

report() {
    local counts passed=0 failed=0 skipped=0 problem
    if [[ ${#LOGS[@]} -gt 0 ]]; then
        counts=$("$ROOT/tools/count_tests.py" "${LOGS[@]}")
        head -n -1 <<<"$counts"
        read -r passed failed skipped < <(tail -n 1 <<<"$counts")
    fi
    for problem in "${PROBLEMS[@]}"; do
        printf 'FAILED %s\n' "$problem"
        failed=$((failed + 1))
    done
    printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
    [[ $failed -eq 0 && $passed -gt 0 ]]
}

main() {
    local quick=
    while [[ $# -gt 0 ]]; do
        case $1 in
        --quick) quick=1 ;;
        --help) usage && exit 0 ;;
        *) wrong_use "unknown argument '$1'" ;;
        esac
        shift
    done

    # Skipped tests are named in Criterion's output only from this level on.
    export CRITERION_VERBOSITY_LEVEL=1
    export ASAN_OPTIONS=${ASAN_OPTIONS:-strict_string_checks=1:detect_stack_use_after_return=1}
    export UBSAN_OPTIONS=${UBSAN_OPTIONS:-print_stacktrace=1:halt_on_error=1}
    export TSAN_OPTIONS=${TSAN_OPTIONS:-halt_on_error=1:second_deadlock_stack=1}

    if ! "$ROOT/tools/setup.sh" --tests; then
        PROBLEMS+=("set-up")
    elif [[ -n $quick ]]; then
        ! build build -Dwerror=true || run build 15 "$(slowness 1)" --suite unit
    else
        if build build -Dwerror=true; then
            install_peers
            run build 45 "$(slowness 1)"
        fi
        ! build build-asan -Dwerror=true -Dbuildtype=debugoptimized -Db_sanitize=address,undefined -Db_lundef=false ||
            run build-asan 60 "$(slowness 2)"
        # gcc 12's thread sanitizer does not know the address layouts that newer kernels choose at random.
        if setarch "$(uname -m)" -R true 2>/dev/null; then
            MESON_TEST=(setarch "$(uname -m)" -R "${MESON_TEST[@]}")
        fi
        ! build build-tsan -Dwerror=true -Dbuildtype=debugoptimized -Db_sanitize=thread -Db_lundef=false ||
            run build-tsan 30 "$(slowness 2)" --suite concurrent
    fi
    report
}

main "$@"
