#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Sets up, builds, and lets pinwheel trade on paper against the simulator, all on this host. In a terminal it shows the
# monitor; without one it runs for some seconds, prints a summary, and fails unless all of it worked.
set -euo pipefail
# shellcheck source=tools/common.sh
source "$(dirname -- "${BASH_SOURCE[0]}")/common.sh"

usage() {
    cat <<'END'
usage: tools/demo.sh [--keep] [--seconds N]

In a terminal: shows the monitor; `q` ends it and prints the summary; 0 if engine and simulator ended cleanly. Without one:
runs for some seconds, prints the summary, and ends with 0 only if ticks, orders and fills came, nothing was lost, the
journal verifies, and engine and simulator ended cleanly.

  --keep        keep the journal and the logs in .cache/demo of the tree
  --seconds N   how long without a terminal (default 20; orders take some seconds to come); in a terminal: no monitor
  --help        this text
END
}

PORT=9443 # where it is free, else any
HUGE_PAGES_WANTED=64 # of 2 MiB: enough for the demo's workspace
START_SECONDS=30 # for simulator and engine together
END_SECONDS=20 # an engine gives its own stages 10

PINWHEEL=$ROOT/build/tools/pinwheel
WORK=
KEEP=
SIM=
ENGINE=
UNCLEAN= # an end that was none
START_UNTIL=
HUGE_PAGES_ADDED=0
HUGE_MOUNT=

# ---- processes ----

# Starts a program apart from the terminal's signals, so that Ctrl-C reaches it once, through us: start LOG COMMAND...
start() {
    local log=$1
    shift
    setsid "$@" >"$log" 2>&1 </dev/null &
    STARTED=$!
}

# Asks process $1 to end and waits; its exit code. Kills it if it does not end within END_SECONDS.
stop() {
    local pid=$1 waited
    kill -TERM "$pid" 2>/dev/null || true
    for ((waited = 0; waited < END_SECONDS * 10; waited++)); do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null || true
    local code=0
    { wait "$pid" || code=$?; } 2>/dev/null # the shell tells of a killed process there
    return "$code"
}

# Waits until the command that follows succeeds; fails when process $1 ends, or at START_UNTIL, when a question that is
# still open is ended, too.
await() {
    local pid=$1 left
    shift
    while ((left = START_UNTIL - SECONDS, left > 0)); do
        timeout -k 1 "$left" "$@" >/dev/null 2>&1 && return 0
        kill -0 "$pid" 2>/dev/null || return 1
        sleep 0.1
    done
    return 1
}

# Ends the demo because $1, process $2 with log $3, did not start: the log, then why.
start_failed() {
    local code=0
    cat -- "$3" >&2
    if kill -0 "$2" 2>/dev/null; then
        die "$1 did not start within $START_SECONDS seconds; its last log line: $(tail -n 1 -- "$3")"
    fi
    wait "$2" || code=$?
    die "$1 did not start: exit code $code; its last log line: $(tail -n 1 -- "$3")"
}

# Stops the engine; its exit code. One that was killed leaves its memory, in the file that its log names.
stop_engine() {
    local code=0 file
    stop "$ENGINE" || code=$?
    ENGINE=
    if [[ $code -gt 128 ]]; then
        file=$(sed -n 's/.* workspace \(\/[^:]*\): .*/\1/p' "$WORK/engine.log" | tail -n 1)
        [[ -z $file ]] || rm -f -- "$file"
    fi
    return "$code"
}

cleanup() {
    local code=$?
    trap - EXIT
    trap '' INT TERM HUP # what follows is bounded, and nothing is to stay
    set +e               # the terminal may be gone
    [[ -z $ENGINE ]] || stop_engine
    [[ -z $SIM ]] || stop "$SIM"
    huge_pages_give_back
    [[ -z $WORK || -n $KEEP ]] || rm -rf --one-file-system -- "$WORK" 2>/dev/null || true # a busy mount stays
    exit "$code"
}

# ---- huge pages ----

huge_pages_free() {
    awk '$1 == "HugePages_Free:" { free = $2 } $1 == "HugePages_Rsvd:" { reserved = $2 } END { print free - reserved }' \
        /proc/meminfo
}

# The number of reserved pages becomes $1.
huge_pages_set() {
    as_root sh -c "echo $1 >/proc/sys/vm/nr_hugepages" 2>/dev/null
}

# Reserves what is missing, where root and memory allow it; says what it did.
huge_pages_reserve() {
    local missing=$1 available_kb before
    available_kb=$(awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo)
    before=$(cat /proc/sys/vm/nr_hugepages 2>/dev/null) || before=
    if [[ -z $before ]] || ! grep -q '^Hugepagesize: *2048 kB' /proc/meminfo; then
        say "huge pages: none reserved (this host has none of 2 MiB)"
    elif ! can_be_root_quietly; then
        say "huge pages: none reserved (needs root: echo $HUGE_PAGES_WANTED >/proc/sys/vm/nr_hugepages)"
    elif [[ $available_kb -lt $((missing * 2048 + 1048576)) ]]; then
        say "huge pages: none reserved (memory is short)"
    elif ! huge_pages_set $((before + missing)); then
        say "huge pages: none reserved (this host does not allow it)"
    else
        HUGE_PAGES_ADDED=$missing
        say "huge pages: $(</proc/sys/vm/nr_hugepages) of 2 MiB reserved, $before before; given back at the end" \
            "(by hand: echo $before >/proc/sys/vm/nr_hugepages)"
    fi
}

# Huge pages for the demo where they can be had; never fails because of it.
huge_pages_take() {
    local missing
    missing=$((HUGE_PAGES_WANTED - $(huge_pages_free)))
    [[ $missing -le 0 ]] || huge_pages_reserve "$missing"
    if can_be_root_quietly && ! grep -q ' hugetlbfs ' /proc/mounts; then
        mkdir -p -- "$WORK/huge"
        if as_root mount -t hugetlbfs -o "pagesize=2M,mode=0700,uid=$EUID" pinwheel-demo "$WORK/huge" 2>/dev/null; then
            HUGE_MOUNT=$WORK/huge
        fi
    fi
}

huge_pages_give_back() {
    # Another engine may have put its memory there: each takes the first mount with room.
    [[ -z $HUGE_MOUNT ]] || as_root umount -- "$HUGE_MOUNT" 2>/dev/null ||
        warn "another engine uses $HUGE_MOUNT: it stays; umount it when that engine has ended"
    # Not to what it was before: another demo may have changed it since.
    [[ $HUGE_PAGES_ADDED -eq 0 ]] || huge_pages_set $(($(</proc/sys/vm/nr_hugepages) - HUGE_PAGES_ADDED)) || true
}

# ---- the demo ----

start_sim() {
    export PINWHEEL_SIM_PORT=$PORT PINWHEEL_CA_FILE
    ! (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null || PINWHEEL_SIM_PORT=0
    start "$WORK/sim.log" "$PINWHEEL" sim "$ROOT/configs/sim-demo.yaml"
    SIM=$STARTED
    await "$SIM" grep -q '^listening ' "$WORK/sim.log" || start_failed "the simulator" "$SIM" "$WORK/sim.log"
    PINWHEEL_SIM_PORT=$(sed -n 's/^listening .*:\([0-9]*\) ca .*/\1/p' "$WORK/sim.log")
    PINWHEEL_CA_FILE=$(sed -n 's/^listening .* ca //p' "$WORK/sim.log")
    say "simulator: https://localhost:$PINWHEEL_SIM_PORT"
}

start_engine() {
    # A demo that runs already keeps its name, wherever its memory is: ctl ends with 3 if there is none.
    local taken=0
    PINWHEEL_INSTANCE=demo
    "$PINWHEEL" ctl demo status >/dev/null 2>&1 || taken=$?
    [[ $taken -eq 3 ]] || PINWHEEL_INSTANCE=demo-$$
    PINWHEEL_JOURNAL=$WORK/journal
    export PINWHEEL_INSTANCE PINWHEEL_JOURNAL
    start "$WORK/engine.log" "$PINWHEEL" run "$ROOT/configs/demo.yaml"
    ENGINE=$STARTED
    await "$ENGINE" "$PINWHEEL" health "$PINWHEEL_INSTANCE" || start_failed "the engine" "$ENGINE" "$WORK/engine.log"
    say "engine: $PINWHEEL_INSTANCE, with configs/demo.yaml"
}

# Stops both ends; true if both ended cleanly.
stop_both() {
    local code=0
    stop_engine || { warn "the engine ended with exit code $?" && code=1; }
    stop "$SIM" || { warn "the simulator ended with exit code $?" && code=1; }
    SIM=
    [[ $code -eq 0 ]] || UNCLEAN=1
    return "$code"
}

run_unattended() {
    local seconds=$1 second good=0
    say "running for $seconds seconds"
    for ((second = 0; second < seconds; second++)); do
        sleep 1
        if ! kill -0 "$ENGINE" 2>/dev/null || ! kill -0 "$SIM" 2>/dev/null; then
            cat -- "$WORK/engine.log" "$WORK/sim.log" >&2
            die "engine or simulator ended too early"
        fi
    done
    finish FAILED || good=1
    [[ $good -eq 0 ]] || cat -- "$WORK/engine.log" "$WORK/sim.log" >&2
    return "$good"
}

# Stops both ends and prints the summary, with $1 before what is wrong; true if all of it worked.
finish() {
    local label=$1 good=0
    "$PINWHEEL" top "$PINWHEEL_INSTANCE" --json >"$WORK/top.json" || good=1
    stop_both || good=1
    "$PINWHEEL" journal "$PINWHEEL_JOURNAL" verify >"$WORK/verify.txt" 2>&1 || good=1
    "$PINWHEEL" journal "$PINWHEEL_JOURNAL" summary --json >"$WORK/facts.json" || good=1
    [[ ! -s $WORK/top.json || ! -s $WORK/facts.json ]] ||
        "$ROOT/tools/demo_summary.py" "$WORK/top.json" "$WORK/facts.json" "$label" || good=1
    sed 's/^/verified  /' "$WORK/verify.txt"
    return "$good"
}

run_in_terminal() {
    "$PINWHEEL" top "$PINWHEEL_INSTANCE" || true
    # Somebody who looks in for a second has no fills yet.
    finish note || [[ -z $UNCLEAN ]] || { cat -- "$WORK/engine.log" "$WORK/sim.log" >&2 && exit 1; }
}

main() {
    local seconds=
    while [[ $# -gt 0 ]]; do
        case $1 in
        --keep) KEEP=1 ;;
        --seconds)
            [[ ${2:-} =~ ^[1-9][0-9]{0,5}$ ]] || wrong_use "--seconds: '${2:-}' is not a number from 1 to 999999"
            seconds=$2
            shift
            ;;
        --help) usage && exit 0 ;;
        *) wrong_use "unknown argument '$1'" ;;
        esac
        shift
    done

    "$ROOT/tools/setup.sh"
    say "building"
    configure_build "$ROOT/build"
    quiet "$ROOT/build/build.log" ninja -C "$ROOT/build"

    if [[ -n $KEEP ]]; then
        WORK=$ROOT/.cache/demo
        rm -rf --one-file-system -- "$WORK" 2>/dev/null || true # a busy mount stays
        mkdir -p -- "$WORK"
    else
        WORK=$(mktemp -d "${TMPDIR:-/tmp}/pinwheel-demo.XXXXXX")
    fi
    trap cleanup EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    huge_pages_take
    START_UNTIL=$((SECONDS + START_SECONDS))
    start_sim
    start_engine
    if [[ -z $seconds && -t 0 && -t 1 ]]; then
        run_in_terminal
    else
        run_unattended "${seconds:-20}"
    fi
    [[ -z $KEEP ]] || say "kept: $WORK"
}

main "$@"
