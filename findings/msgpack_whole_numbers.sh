#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# MessagePack and CBOR from JavaScript: a whole number of 2^32 or more is sent as a floating-point value by some packages.
#
# Expected: both formats have 64-bit integers, JavaScript's whole numbers are exact to 2^53, so a stamp in milliseconds or a
#   quantity in the smallest unit is sent as an integer, as it is below 2^32.
# Seen (msgpackr 2.1.4, cbor-x 1.6.9 on node 20.20.2): 4294967295 is an integer of four bytes, 4294967296 and every larger
#   whole number is a double of eight. @msgpack/msgpack 3.1.3 sends integers, but the same doubles when told to use BigInt
#   for 64 bits. notepack.io 3.0.1 and msgpack5 6.0.2 send integers always; msgpack5 sends 100.5 in four bytes.
# So what: a reader in C that asks for an integer takes 42.94967295 BTC in satoshi and refuses, or reads as 0, 42.94967296;
#   a field of milliseconds is never an integer. Let the reader take doubles that are whole, or the sender send BigInt.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd -- "$work"
fail() { printf 'CHANGED: %s\n' "$*"; exit 1; }

npm install --silent --no-audit --no-fund --ignore-scripts --omit=optional --prefix "$work" msgpackr@2.1.4 \
    cbor-x@1.6.9 @msgpack/msgpack@3.1.3 notepack.io@3.0.1 msgpack5@6.0.2 >/dev/null 2>&1 ||
    fail "the packages cannot be installed"

cat >numbers.cjs <<'END'
const plain = require('@msgpack/msgpack');
const writers = {
    'msgpackr': require('msgpackr').pack,
    'cbor-x': require('cbor-x').encode,
    'msgpack': plain.encode,
    'msgpack with BigInt': (value) => plain.encode(value, { useBigInt64: true }),
    'notepack.io': require('notepack.io').encode,
    'msgpack5': (value) => require('msgpack5')().encode(value).slice(),
};
const types = { ca: 'float32', cb: 'double', fb: 'double', ce: 'integer', cf: 'integer', '1a': 'integer', '1b': 'integer' };
const type = (bytes) => types[Buffer.from(bytes).toString('hex', 0, 1)];
for (const [name, write] of Object.entries(writers)) {
    console.log(`${name}: ${[4294967295, 4294967296, 1764450000000, 100.5].map((value) => type(write(value))).join(' ')}`);
}
END
seen=$(node numbers.cjs)
printf '%s\n' "4294967295 4294967296 1764450000000 100.5" "$seen"

[[ $seen == "msgpackr: integer double double double
cbor-x: integer double double double
msgpack: integer integer integer double
msgpack with BigInt: integer double double double
notepack.io: integer integer integer double
msgpack5: integer integer integer float32" ]] || fail "other types"
echo "as stated"
