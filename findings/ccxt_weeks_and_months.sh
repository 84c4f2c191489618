#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# ccxt has two calendars: its week begins on Monday or on Thursday, its month on the first or on any day.
#
# Expected: bars that ccxt builds from trades begin where the venue's bars of that name begin, and where ccxt itself rounds a
#   time to: weeks on Monday, months on the first.
# Seen (ccxt 4.5.84 on node 20.20.2): for a trade on Wednesday 2026-01-14, roundTimeframe('1w') gives Monday 2026-01-12, and
#   the bar made by buildOHLCVC(trades, '1w') opens on Thursday 2026-01-08. For '1M' they give 2026-01-01 and 2026-01-07, for
#   '1y' 2026-01-01 and 2025-12-18: buildOHLCVC cuts time since 1970 into pieces of 7, 30 and 365 days. Up to a day both
#   agree.
# So what: weekly and monthly bars built from trades or a recording share no bar with those that the venue sends (Binance's
#   week begins on Monday), nothing in their shape tells it, and a strategy tested on one trades on the other. Build both
#   from days.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd -- "$work"
fail() { printf 'CHANGED: %s\n' "$*"; exit 1; }

version=4.5.84
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$work" "ccxt@$version" >/dev/null 2>&1 ||
    fail "ccxt $version cannot be installed"

cat >opens.mjs <<'END'
import ccxt from 'ccxt';

const venue = new ccxt.binance();
const trade = { timestamp: Date.UTC(2026, 0, 14, 13, 37), price: 100, amount: 1 };
const day = (stamp) => new Date(stamp).toUTCString().slice(0, 16);
for (const frame of ['1d', '1w', '1M', '1y']) {
    const [bar] = venue.buildOHLCVC([trade], frame);
    console.log(`${frame} rounded ${day(venue.roundTimeframe(frame, trade.timestamp))} built ${day(bar[0])}`);
}
END
seen=$(node opens.mjs)
printf 'ccxt %s, node %s\n%s\n' "$version" "$(node --version)" "$seen"

[[ $seen == "1d rounded Wed, 14 Jan 2026 built Wed, 14 Jan 2026
1w rounded Mon, 12 Jan 2026 built Thu, 08 Jan 2026
1M rounded Thu, 01 Jan 2026 built Wed, 07 Jan 2026
1y rounded Thu, 01 Jan 2026 built Thu, 18 Dec 2025" ]] || fail "bars begin on other days"
echo "as stated"
