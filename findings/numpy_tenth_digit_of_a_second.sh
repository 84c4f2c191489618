#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# numpy reads a time stamp with ten to twelve digits of a second as a day in November 1969, without an error.
#
# Expected: a tenth digit is cut, as the further ones are by pandas, or refused; an array of stamps keeps their differences.
# Seen (python3-numpy 1:1.24.2-1+deb12u1): numpy.datetime64 takes its unit from the number of digits. Nine digits of
#   2026-01-01T00:00:00.123456789 read well; with a tenth the unit is the picosecond, whose 64 bits reach 106 days around
#   1970, and the value wraps to 1969-11-19T14:49:29. One such stamp in an array does it to all of them, also to those with
#   whole seconds. With the unit given ('ns'), the same texts are cut and right.
# So what: cards and taps that stamp packets by hardware write up to twelve digits of a second. The differences of such
#   stamps look sane, so latencies are right and each join with other times is empty. Always give the unit.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd -- "$work"
fail() { printf 'CHANGED: %s\n' "$*"; exit 1; }

packages=(python3-numpy=1:1.24.2-1+deb12u1 libblas3=3.11.0-2 liblapack3=3.11.0-2
    libgfortran5=12.2.0-14+deb12u1 libquadmath0=12.2.0-14+deb12u1)
apt-get download "${packages[@]}" >/dev/null 2>&1 || fail "the packages cannot be downloaded"
for package in *.deb; do dpkg -x "$package" root; done
lib=$work/root/usr/lib/x86_64-linux-gnu
export LD_LIBRARY_PATH=$lib:$lib/blas:$lib/lapack PYTHONPATH=$work/root/usr/lib/python3/dist-packages

cat >stamps.py <<'END'
import numpy

digits = "123456789012"
for count in (9, 10, 12):
    text = "2026-01-01T00:00:00." + digits[:count]
    print(count, numpy.datetime64(text), numpy.datetime64(text, "ns"))
both = numpy.array(["2026-01-01T00:00:00." + digits, "2026-01-01T00:00:01"], dtype="M8")
print("array", *both)
END
seen=$(/usr/bin/python3 stamps.py)
printf '%s\n' "$seen"

[[ $seen == "9 2026-01-01T00:00:00.123456789 2026-01-01T00:00:00.123456789
10 1969-11-19T14:49:29.047339833864 2026-01-01T00:00:00.123456789
12 1969-11-19T14:49:29.047339833876 2026-01-01T00:00:00.123456789
array 1969-11-19T14:49:29.047339833876 1969-11-19T14:49:29.923883044864" ]] || fail "stamps are read in another way"
echo "as stated"
