#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# What `meson install` puts into DESTDIR works from there: install.sh MESON BUILD PREFIX. Programs, man pages, completion.
set -euo pipefail
meson=$1
build=$2
prefix=$3
work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
status=0

fail() {
    echo "$1"
    status=1
}

DESTDIR=$work "$meson" install -C "$build" --no-rebuild --quiet >"$work/log" 2>&1 || { cat "$work/log" && exit 1; }
root=$work$prefix
pinwheel=$root/bin/pinwheel
[[ $("$pinwheel" version) == "pinwheel "* ]] || fail "pinwheel version does not run"

mapfile -t verbs < <("$pinwheel" help | sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
[[ ${#verbs[@]} -ge 9 ]] || fail "only ${#verbs[@]} commands"
for verb in "${verbs[@]}"; do
    "$pinwheel" "$verb" --help >"$work/help" || fail "$verb --help"
    grep -q "^usage: pinwheel $verb" "$work/help" || fail "$verb: no usage"
    page=$root/share/man/man1/pinwheel-$verb.1
    grep -qs '^\.SH "EXIT STATUS"' "$page" || fail "$verb: no man page at $page"
done
[[ -s $root/share/man/man1/pinwheel.1 ]] || fail "no pinwheel.1"

# ---- completion ----

PATH=$root/bin:$PATH
export PINWHEEL_SHM_DIR=$work
# shellcheck disable=SC1091
source "$root/share/bash-completion/completions/pinwheel.bash"

# What is offered behind the words given, the last of which is being written.
offered() {
    COMP_WORDS=(pinwheel "$@")
    COMP_CWORD=$#
    COMPREPLY=()
    _pinwheel
    echo " ${COMPREPLY[*]} "
}

expect() {
    local word=$1
    shift
    [[ $(offered "$@") == *" $word "* ]] || fail "pinwheel $*: '$word' is not offered, but$(offered "$@")"
}

expect top to
expect doctor help doc
expect --json top --j
expect --help top --
expect halt ctl demo ha
expect fill journal demo query --kind fil
expect tick-to-order bench tick
[[ $(offered journal demo --lim) != *" --json "* ]] || fail "an option is offered that does not begin so"
exit "$status"
