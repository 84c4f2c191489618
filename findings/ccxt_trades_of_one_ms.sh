#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# ccxt puts trades of one millisecond in the order of their ids as text, so trade 1000 stands before trade 999.
#
# Expected: fetchTrades gives trades in the order of execution. Binance sends them in that order, with rising whole-number
#   ids, and three trades of one millisecond come out as they went in.
# Seen (ccxt 4.5.84 on node 20.20.2): rows that share a timestamp are sorted again by their id, and the id is a string: ids
#   999, 1000, 1001 come back as 1000, 1001, 999. A bar made by ccxt's own buildOHLCVC from the result then opens with the
#   second trade and closes with the first one.
# So what: an order that sweeps a book leaves many trades in one millisecond; each time the ids get a digit longer, their
#   order is wrong, and with it the last price and the open and close of the bar. Sort by the id as a number before use.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd -- "$work"
fail() { printf 'CHANGED: %s\n' "$*"; exit 1; }

version=4.5.84
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$work" "ccxt@$version" >/dev/null 2>&1 ||
    fail "ccxt $version cannot be installed"

cat >order.mjs <<'END'
import ccxt from 'ccxt';

const venue = new ccxt.binance();
const market = venue.safeMarketStructure({
    id: 'BTCUSDT', symbol: 'BTC/USDT', base: 'BTC', quote: 'USDT', type: 'spot', spot: true,
    precision: { price: 0.01, amount: 0.00001 },
});
venue.setMarkets([market]);

// What the venue sends for its aggregate trades: ids rise, prices walk up, all within one millisecond.
const stamp = 1764450000123;
venue.fetch = async () => [999, 1000, 1001].map((id, i) => (
    { a: id, p: `${100 + i}.00`, q: '1', f: id, l: id, T: stamp, m: false, M: true }));

const trades = await venue.fetchTrades('BTC/USDT');
const [bar] = venue.buildOHLCVC(trades, '1m');
console.log(`ids ${trades.map((t) => t.id).join(' ')}`);
console.log(`open ${bar[1]} close ${bar[4]}`);
END
seen=$(node order.mjs)
printf 'ccxt %s, node %s\n%s\n' "$version" "$(node --version)" "$seen"

[[ $seen == *'ids 1000 1001 999'* ]] || fail "trades of one millisecond come in another order"
[[ $seen == *'open 101 close 100'* ]] || fail "the bar opens or closes with another trade"
echo "as stated"
