#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# QuickFIX writes a quantity with 15 digits, a large whole one in a form that it refuses to read, and wraps integers.
#
# Expected: what set(OrderQty(x)) writes is a FIX float (digits and a point, no exponent) that reads back as the same double,
#   and an integer field beyond the C++ type is an error.
# Seen (libquickfix17 1.15.1+dfsg-4+b1): 12345678.12345678 is written 12345678.1234568, and 99999.99999999999 as 100000;
#   1e15 is written "1e15", which FIX does not allow and the library itself then refuses; 1e-17 is written "0.". Reading the
#   integers 3000000000 and 4294967297 gives -1294967296 and 1, without an error.
# So what: above ten million with eight decimals (a quantity, a notional) the last decimals that a venue reports are not the
#   ones sent; a token traded in units of 10^15 gets an order that breaks the format. Set such fields as strings.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd -- "$work"
fail() { printf 'CHANGED: %s\n' "$*"; exit 1; }

version=1.15.1+dfsg-4+b1
apt-get download "libquickfix17=$version" "libquickfix-dev=$version" >/dev/null 2>&1 ||
    fail "libquickfix17 $version cannot be downloaded"
for package in *.deb; do dpkg -x "$package" root; done
export LD_LIBRARY_PATH=$work/root/usr/lib/x86_64-linux-gnu

cat >fields.cpp <<'END'
#include <iostream>
#include <quickfix/FieldConvertors.h>
#include <quickfix/Fields.h>

static void write_quantity(double x)
{
    FIX::OrderQty field(x);
    std::cout << field.getString();
    try {
        double read = FIX::DoubleConvertor::convert(field.getString());
        std::cout << (read == x ? " same\n" : " other\n");
    } catch (const FIX::FieldConvertError &) {
        std::cout << " refused\n";
    }
}

int main()
{
    for (double x : {100.5, 12345678.12345678, 99999.99999999999, 1e15, 1e-17}) {
        write_quantity(x);
    }
    for (const char *text : {"2147483647", "3000000000", "4294967297"}) {
        std::cout << text << ' ' << FIX::IntConvertor::convert(std::string(text)) << '\n';
    }
}
END
g++ -std=c++14 -w -Iroot/usr/include -o fields fields.cpp -Lroot/usr/lib/x86_64-linux-gnu -l:libquickfix.so.17
seen=$(./fields)
printf '%s\n' "$seen"

[[ $seen == "100.5 same
12345678.1234568 other
100000 other
1e15 refused
0. other
2147483647 2147483647
3000000000 -1294967296
4294967297 1" ]] || fail "fields are written or read in another way"
echo "as stated"
