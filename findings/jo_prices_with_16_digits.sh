#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# jo, which writes JSON bodies for curl, makes 88176.71 into 88176.71000000001.
#
# Expected: a number given as key=value is written as it was given, or as the shortest text of the same double; whole numbers
#   of 64 bits stay whole.
# Seen (jo 1.9-1): numbers are written with 16 digits, one too few to be exact and one too many to be short. Of the 10,000
#   prices from 88100.01 to 88200.00, 3,200 come out with a tail such as 00000001 or 99999999. 1764450000123456789 becomes
#   1.764450000123457e+18, 0x10 becomes 16, and a symbol 1E5 the number 100000.
# So what: an order sent with such a body is refused for its tick at one price in three, where a reader checks the decimals
#   that it is given, or is taken with a price that was never typed. Quantities, ids and symbols need `-s key=value`.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd -- "$work"
fail() { printf 'CHANGED: %s\n' "$*"; exit 1; }

version=1.9-1
apt-get download "jo=$version" >/dev/null 2>&1 || fail "jo $version cannot be downloaded"
dpkg -x jo_*.deb root
jo() { "$work/root/usr/bin/jo" "$@"; }

seen=$(jo price=88176.71 price2=88176.72 id=1764450000123456789 size=0x10 symbol=1E5)
text=$(jo -- -s price=88176.71 -s id=1764450000123456789 -s symbol=1E5)
prices=()
for cents in {8810001..8820000}; do prices+=("${cents:0:5}.${cents:5}"); done
long=$(jo -a "${prices[@]}" | tr -d '[]' | tr , '\n' | grep -c '[0-9]\{10\}$')
printf '%s\n%s\n%s of %s\n' "$seen" "$text" "$long" "${#prices[@]}"

[[ $seen == '{"price":88176.71000000001,"price2":88176.72,"id":1.764450000123457e+18,"size":16,"symbol":100000}' ]] ||
    fail "numbers are written in another way"
[[ $text == '{"price":"88176.71","id":"1764450000123456789","symbol":"1E5"}' ]] || fail "-s writes another text"
[[ $long -eq 3200 ]] || fail "$long prices have a tail"
echo "as stated"
