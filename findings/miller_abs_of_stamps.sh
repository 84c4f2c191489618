#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Miller adds and multiplies 64-bit integers exactly, but abs, floor, round and roundm send them through a double.
#
# Expected: the absolute value and the floor of an integer are that integer, and roundm(t, 1000) of a nanosecond stamp is a
#   multiple of 1000, since Miller has a 64-bit integer type and gives t + 1, t * 2 and t - u of such stamps exactly.
# Seen (miller 6.6.0-2+b3): of 1764450000123456789, abs, floor, ceil and round give 1764450000123456768, and roundm to 1000
#   gives 1764450000123457024. abs(9223372036854775807) is -9223372036854775808. int and // stay exact.
# So what: differences of stamps are small enough, but a stamp that is rounded to a microsecond this way is up to 128 ns off
#   besides, does not end in 000, and matches no stamp rounded elsewhere. Cut with `$t // 1000 * 1000`.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd -- "$work"
fail() { printf 'CHANGED: %s\n' "$*"; exit 1; }

version=6.6.0-2+b3
apt-get download "miller=$version" >/dev/null 2>&1 || fail "miller $version cannot be downloaded"
dpkg -x miller_*.deb root

cat >program.mlr <<'END'
print "plus " . ($t + 1) . " times " . ($t * 2) . " cut " . ($t // 1000 * 1000) . " int " . int($t);
print "abs " . abs($t) . " floor " . floor($t) . " ceil " . ceil($t) . " round " . round($t);
print "roundm " . roundm($t, 1000);
print "abs of the largest " . abs(9223372036854775807);
END
seen=$(printf 't=1764450000123456789\n' | root/usr/bin/mlr put -q -f program.mlr)
printf '%s\n' "$seen"

[[ $seen == "plus 1764450000123456790 times 3528900000246913578 cut 1764450000123456000 int 1764450000123456789
abs 1764450000123456768 floor 1764450000123456768 ceil 1764450000123456768 round 1764450000123456768
roundm 1764450000123457024
abs of the largest -9223372036854775808" ]] || fail "other results"
echo "as stated"
