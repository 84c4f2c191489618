#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# ccxt keeps a long id of a stream exact or rounds it, by what character stands after it in the message.
#
# Expected: a 19-digit id arrives exactly, or is rounded as JavaScript numbers are; the same id in the same field arrives in
#   the same way, whatever the order of the fields and the blanks between them, which mean nothing in JSON.
# Seen (ccxt 4.5.84 with ws 8.18.3 on node 20.20.2): with a comma right behind it the id arrives exact, as a string. As the
#   last field of its object, after a blank, in a list, or with a minus sign, it is a number with its last digits changed.
#   Replies to requests follow another rule: there the last field of an object is exact too, but one id after a blank or in
#   a list is rounded all the same.
# So what: an id from the stream does not match the id from the reply, in type or in value, and a venue that adds a field,
#   moves one or prints its JSON with blanks changes which of them are right. Match by ids that the venue sends as strings.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd -- "$work"
fail() { printf 'CHANGED: %s\n' "$*"; exit 1; }

version=4.5.84
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$work" "ccxt@$version" ws@8.18.3 >/dev/null 2>&1 ||
    fail "ccxt $version cannot be installed"

cat >places.mjs <<'END'
import ccxt from 'ccxt';
import { WebSocketServer } from 'ws';

const texts = [
    '{"id":1234567890123456789,"p":"1"}',
    '{"p":"1","id":1234567890123456789}',
    '{"id": 1234567890123456789, "p":"1"}',
    '{"ids":[1234567890123456789,1],"p":"1"}',
    '{"id":-1234567890123456789,"p":"1"}',
];
const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
server.on('connection', (peer) => peer.on('message', () => texts.forEach((text) => peer.send(text))));
await new Promise((done) => server.once('listening', done));

const venue = new ccxt.pro.binance({ enableRateLimit: false });
await venue.loadHttpProxyAgent(); // ccxt asks for this before any ws:// address
const show = (value) => JSON.stringify(value.id ?? value.ids[0]);
const streamed = [];
venue.handleMessage = (client, message) => {
    streamed.push(show(message));
    if (streamed.length === texts.length) {
        client.resolve(message, 'all');
    }
};
await venue.watch(`ws://127.0.0.1:${server.address().port}/`, 'all', { go: 1 }, 'all');
texts.forEach((text, i) => console.log(`${text} stream ${streamed[i]} reply ${show(venue.parseJson(text))}`));
process.exit(0);
END
seen=$(timeout 60 node places.mjs)
printf 'ccxt %s, node %s\n%s\n' "$version" "$(node --version)" "$seen"

exact='"1234567890123456789"'
rounded=1234567890123456800
stated="{\"id\":1234567890123456789,\"p\":\"1\"} stream $exact reply $exact
{\"p\":\"1\",\"id\":1234567890123456789} stream $rounded reply $exact
{\"id\": 1234567890123456789, \"p\":\"1\"} stream $rounded reply $rounded
{\"ids\":[1234567890123456789,1],\"p\":\"1\"} stream $rounded reply $rounded
{\"id\":-1234567890123456789,\"p\":\"1\"} stream -$rounded reply \"-1234567890123456789\""
[[ $seen == "$stated" ]] || fail "other ids are exact or rounded"
echo "as stated"
