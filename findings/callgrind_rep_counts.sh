#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Callgrind counts a repeated string instruction once an iteration, not once.
#
# Expected: `rep movsb` is one instruction of the program, so it counts 1, whatever it copies; and what memcpy counts
#   grows smoothly with the size of the copy.
# Seen (valgrind 1:3.19.0-1, glibc 2.36-9+deb12u14, x86-64 with AVX2): `rep movsb` over 4,096 bytes counts 4,096 and more,
#   `rep movsq` over the same bytes 512 and more. glibc's memcpy changes from vector moves to `rep movsb` above 8,192 bytes
#   (also under valgrind, whose CPUID shows the feature): 8,192 bytes count about 800 instructions, 8,193 bytes about 8,200.
# So what: a bound on instruction counts jumps by a factor of ten at a copy that got a byte longer and no slower, and a
#   compiler that turns memcpy into `rep movs` looks worse, and one that turns it into vector moves better, than it is.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd -- "$work"
fail() { printf 'CHANGED: %s\n' "$*"; exit 1; }

version=1:3.19.0-1
apt-get download "valgrind=$version" >/dev/null 2>&1 || fail "valgrind $version cannot be downloaded"
dpkg -x valgrind_*.deb root
export VALGRIND_LIB=$work/root/usr/libexec/valgrind

cat >copy.c <<'END'
#include <stdlib.h>
#include <string.h>
static char from[16384], to[16384];
__attribute__((noinline)) static void rep_bytes(char *d, const char *s, size_t n)
{
    __asm__ volatile("rep movsb" : "+D"(d), "+S"(s), "+c"(n) : : "memory");
}
__attribute__((noinline)) static void rep_words(char *d, const char *s, size_t n)
{
    n /= 8;
    __asm__ volatile("rep movsq" : "+D"(d), "+S"(s), "+c"(n) : : "memory");
}
__attribute__((noinline)) static void by_library(char *d, const char *s, size_t n)
{
    memcpy(d, s, n);
    __asm__ volatile("" : : : "memory");
}
int main(int argc, char **argv)
{
    size_t n = strtoul(argv[2], NULL, 10);
    (*argv[1] == 'b' ? rep_bytes : *argv[1] == 'w' ? rep_words : by_library)(to, from, n);
    return to[argc];
}
END
gcc -O2 -Wl,-z,now -o copy copy.c

# Instructions inside the copying function and what it calls.
count() {
    local name=$1 toggle=$2 bytes=$3
    "$work/root/usr/bin/valgrind" --tool=callgrind --callgrind-out-file=out --toggle-collect="$toggle" \
        ./copy "$name" "$bytes" >log 2>&1 || true
    sed -n 's/^summary: //p; s/^totals: //p' out | tail -n 1
}

bytes=$(count b rep_bytes 4096)
words=$(count w rep_words 4096)
below=$(count l by_library 8192)
above=$(count l by_library 8193)
printf 'rep movsb, 4096 bytes: %s\nrep movsq, 4096 bytes: %s\nmemcpy, 8192 bytes: %s\nmemcpy, 8193 bytes: %s\n' \
    "$bytes" "$words" "$below" "$above"

[[ $bytes -ge 4096 && $bytes -lt 4200 ]] || fail "rep movsb counts $bytes"
[[ $words -ge 512 && $words -lt 600 ]] || fail "rep movsq counts $words"
[[ $above -gt $((5 * below)) ]] || fail "memcpy has no step between 8192 and 8193 bytes"
echo "as stated"
