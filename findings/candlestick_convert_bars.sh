#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# candlestick-convert opens a bar at the close of the one before, outside its own high and low, and does not count the first
# trade of a bar as bought.
#
# Expected: bars from trades open at their first trade, low <= open <= high, and of the sums of a bar the bought volume and
#   the number of trades cover the same trades as the volume.
# Seen (candlestick-convert 7.0.0 on node 20.20.2): from the second bar on, `open` is the last price of the bar before; high
#   and low do not include it, so that a bar with one trade at 90 after a close of 106 is open 106, high 90, low 90, close
#   90. In its bars with sides, that trade is in `volume`, but not in `tx`, `buyTx` or `buyVolume`: one trade, none counted.
# So what: a pattern, a true range or a chart made of such bars sees falls and rises within the bar that nobody traded, and
#   order-flow imbalance is off by a trade a bar, all of it in quiet markets. A check low <= open <= high refuses nearly
#   every bar with a gap. Bars of a recording and bars made by this package cannot be compared at the open.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd -- "$work"
fail() { printf 'CHANGED: %s\n' "$*"; exit 1; }

version=7.0.0
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$work" "candlestick-convert@$version" \
    >/dev/null 2>&1 || fail "candlestick-convert $version cannot be installed"

cat >bars.cjs <<'END'
const { batchTicksToCandle, batchTradeToExtCandle } = require('candlestick-convert');
const start = Date.UTC(2026, 0, 1);
const buy = 0; // the package's number for a buyer
// Seconds since the start, price: two trades in each of two minutes, one in the third, one that closes the third.
const trades = [[1, 100], [2, 100], [61, 105], [62, 106], [121, 90], [181, 91]].map(([second, price]) => (
    { time: start + 1000 * second, price, quantity: 1, side: buy }));
for (const b of batchTicksToCandle(trades, 60)) {
    console.log(`open ${b.open} high ${b.high} low ${b.low} close ${b.close} volume ${b.volume}`);
}
for (const b of batchTradeToExtCandle(trades, 60)) {
    console.log(`volume ${b.volume} bought ${b.buyVolume} trades ${b.tx}`);
}
END
seen=$(node bars.cjs)
printf '%s\n' "$seen"

[[ $seen == "open 100 high 100 low 100 close 100 volume 2
open 100 high 106 low 105 close 106 volume 2
open 106 high 90 low 90 close 90 volume 1
volume 2 bought 2 trades 2
volume 2 bought 1 trades 1
volume 1 bought 0 trades 0" ]] || fail "other bars"
echo "as stated"
