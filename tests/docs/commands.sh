#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The pages about commands are what the programs print: commands.sh PINWHEEL DOCS. man pages and completion are well-formed.
set -eu
pinwheel=$1
docs=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

"$pinwheel" help --page | diff -u "$docs/commands.md" - || status=1
sed -n '/^| `pinwheel /p' "$docs/exit-codes.md" >"$work/written"
"$pinwheel" help --exit-codes | diff -u "$work/written" - || status=1

# Each command's man page: roff without warnings, where there is a checker.
for verb in $("$pinwheel" help | sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
    "$pinwheel" help --man "$verb" >"$work/page.1"
    grep -q "^.TH " "$work/page.1" || { echo "$verb: no man page"; status=1; }
    if command -v groff >/dev/null; then
        groff -man -ww -z "$work/page.1" 2>"$work/warnings"
        [ ! -s "$work/warnings" ] || { cat "$work/warnings"; status=1; }
    fi
done

"$pinwheel" help --completion >"$work/completion"
bash -n "$work/completion" || status=1
[ "$status" -eq 0 ] || echo "write the pages anew: pinwheel help --page >docs/commands.md; docs/exit-codes.md has the rows of pinwheel help --exit-codes" >&2
exit "$status"
