#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# json-bigint makes an object of every number written with more than 15 characters, small decimals included.
#
# Expected: integers that a double cannot hold become big numbers; all others stay plain numbers. With `useNativeBigInt`,
#   those integers become BigInt and decimals stay numbers.
# Seen (json-bigint 1.0.0, and binance-api-node 0.13.10 that reads replies with it, on node 20.20.2): the rule goes by the
#   length of the text, with sign and point. -0.000012345678 is 15 characters long and a number; -0.0000123456789 and
#   1234567.12345678 are 16 long and objects, as is 1764450000123456, which a double holds exactly. Adding 1 to one appends
#   the letter "1". With `useNativeBigInt` the whole document is refused because of one such decimal.
# So what: a funding rate, an index price or a balance with many decimals is sometimes a number and sometimes text to `+`,
#   by its digits of that moment; a venue asked for microseconds turns all stamps into objects; a strategy's numbers written
#   with 17 digits cannot be read at all by a client that asked for native big integers.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd -- "$work"
fail() { printf 'CHANGED: %s\n' "$*"; exit 1; }

npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$work" json-bigint@1.0.0 binance-api-node@0.13.10 \
    >/dev/null 2>&1 || fail "the packages cannot be installed"

cat >lengths.cjs <<'END'
const http = require('http');
const json = require('json-bigint');
const Binance = require('binance-api-node').default;

for (const text of ['-0.000012345678', '-0.0000123456789', '1234567.12345678', '1764450000123456']) {
    const { value } = json.parse(`{"value":${text}}`);
    let native;
    try {
        native = typeof json({ useNativeBigInt: true }).parse(`{"value":${text}}`).value;
    } catch (error) {
        native = error.name;
    }
    console.log(`${text} ${typeof value} plus 1 ${value + 1} native ${native}`);
}

// The time of the server in milliseconds, then in microseconds.
const replies = ['{"serverTime":1764450000123}', '{"serverTime":1764450000123456}'];
const server = http.createServer((request, reply) => {
    reply.setHeader('content-type', 'application/json');
    reply.end(replies.shift());
});
server.listen(0, '127.0.0.1', async () => {
    const client = Binance({ httpBase: `http://127.0.0.1:${server.address().port}` });
    console.log(`serverTime ${typeof await client.time()} ${typeof await client.time()}`);
    process.exit(0);
});
END
seen=$(timeout 60 node lengths.cjs)
printf '%s\n' "$seen"

[[ $seen == "-0.000012345678 number plus 1 0.999987654322 native number
-0.0000123456789 object plus 1 -0.00001234567891 native SyntaxError
1234567.12345678 object plus 1 1234567.123456781 native SyntaxError
1764450000123456 object plus 1 17644500001234561 native bigint
serverTime number object" ]] || fail "numbers are read in another way"
echo "as stated"
