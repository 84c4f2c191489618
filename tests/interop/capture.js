// SPDX-License-Identifier: MIT
'use strict';

/**
 * Captures ("<receive time in ns> <raw JSON>" a line, as the recordings have them): reading one, generating one,
 * and the facts that whoever receives it must find. Written apart from the engine: amounts are BigInts of 1e-8.
 */

const LEVELS_SHOWN = 10;

/** Parses text into [{ raw, message, stream }]; a line without a stream is a recorded REST depth snapshot. */
function parseCapture(text, symbolOfSnapshot) {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const raw = line.slice(line.indexOf(' ') + 1);
      const message = JSON.parse(raw);
      const stream = message.stream ?? null;
      return {
        raw,
        stream,
        data: message.data ?? message,
        symbol: message.data?.s ?? message.symbol ?? symbolOfSnapshot,
      };
    });
}

/** "61837.63000000" to 6183763000000n. */
function toE8(decimal) {
  const [whole, fraction = ''] = decimal.split('.');
  return BigInt(whole + fraction.padEnd(8, '0').slice(0, 8));
}

/** A whole number of 10^-digits as a decimal. */
function toDecimal(scaled, digits) {
  const text = scaled.toString().padStart(digits + 1, '0');
  return `${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

/** The book of the venue's rule: the snapshot, then every update that reaches beyond it; as REST would give it. */
function bookFromSnapshot(snapshot, updates) {
  const sides = { b: new Map(), a: new Map() };
  const apply = (side, levels) => {
    for (const [price, qty] of levels) {
      if (toE8(qty) === 0n) sides[side].delete(price);
      else sides[side].set(price, qty);
    }
  };
  const sorted = (side, sign) => [...sides[side]].sort((x, y) => (toE8(x[0]) < toE8(y[0]) ? -sign : sign));
  let { lastUpdateId } = snapshot;
  apply('b', snapshot.bids);
  apply('a', snapshot.asks);
  for (const update of updates) {
    if (update.u <= lastUpdateId) continue;
    apply('b', update.b);
    apply('a', update.a);
    lastUpdateId = update.u;
  }
  return { lastUpdateId, bids: sorted('b', -1), asks: sorted('a', 1) };
}

/** The data of one symbol's lines of one kind ("trade", "bookTicker", "depth"; null: the recorded snapshots). */
function dataOf(lines, symbol, kind) {
  return lines
    .filter((line) => line.symbol === symbol && (line.stream?.split('@')[1] ?? null) === kind)
    .map((line) => line.data);
}

/** By symbol, what an engine that took all of these lines must have journalled; shaped as the expected facts. */
function factsOf(lines) {
  const facts = {};
  for (const symbol of new Set(lines.map((line) => line.symbol))) {
    const [trades, quotes, updates] = ['trade', 'bookTicker', 'depth'].map((kind) =>
      dataOf(lines, symbol, kind),
    );
    const book = bookFromSnapshot(dataOf(lines, symbol, null)[0], updates);
    const last = quotes.at(-1);
    const sum = (items, of) => items.reduce((total, item) => total + of(item), 0n);
    facts[symbol] = {
      trades: {
        count: trades.length,
        total_qty: toDecimal(
          sum(trades, (trade) => toE8(trade.q)),
          8,
        ),
        sum_price_times_qty: toDecimal(
          sum(trades, (trade) => toE8(trade.p) * toE8(trade.q)),
          16,
        ),
        first_id: trades[0].t,
        last_id: trades.at(-1).t,
      },
      bookTicker: {
        count: quotes.length,
        last: { update_id: last.u, bid: last.b, bid_qty: last.B, ask: last.a, ask_qty: last.A },
      },
      depthUpdate: {
        count: updates.length,
        bid_entries: updates.reduce((total, update) => total + update.b.length, 0),
        ask_entries: updates.reduce((total, update) => total + update.a.length, 0),
        first_U: updates[0].U,
        last_u: updates.at(-1).u,
      },
      book_from_snapshot: {
        bid_levels: book.bids.length,
        ask_levels: book.asks.length,
        top_bids: book.bids.slice(0, LEVELS_SHOWN),
        top_asks: book.asks.slice(0, LEVELS_SHOWN),
      },
    };
  }
  return facts;
}

/** xorshift32: a small generator that gives the same market for the same seed on every machine. */
function randomOf(seed) {
  let state = seed | 0 || 1;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

/** One symbol's market: a book in ticks of 0.01 and steps of 0.00001, and the messages about its changes. */
class Market {
  constructor(symbol, middle, random) {
    Object.assign(this, {
      symbol,
      random,
      middle,
      id: 1_000_000 * (1 + random(900)),
      tradeId: 5_000_000 + random(1000),
      ms: 1_700_000_000_000,
    });
    this.bids = new Map();
    this.asks = new Map();
    for (let i = 1; i <= 40; i++) {
      this.bids.set(middle - i, 1 + random(90_000));
      this.asks.set(middle + i, 1 + random(90_000));
    }
    this.forgetChanges();
  }

  forgetChanges() {
    this.changed = { b: new Map(), a: new Map(), first: this.id + 1 };
  }

  static price(ticks) {
    return `${Math.floor(ticks / 100)}.${String(ticks % 100).padStart(2, '0')}000000`;
  }

  static qty(steps) {
    return `${Math.floor(steps / 100_000)}.${String(steps % 100_000).padStart(5, '0')}000`;
  }

  envelope(stream, data) {
    return { stream: `${this.symbol.toLowerCase()}@${stream}`, data };
  }

  best() {
    return { bid: Math.max(...this.bids.keys()), ask: Math.min(...this.asks.keys()) };
  }

  set(side, price, qty) {
    const book = side === 'b' ? this.bids : this.asks;
    if (qty === 0) book.delete(price);
    else book.set(price, qty);
    this.changed[side].set(price, qty);
    this.id++;
  }

  /** Some level changes, appears or goes; the book neither empties nor crosses. */
  stir() {
    const side = this.random(2) === 0 ? 'b' : 'a';
    const { bid, ask } = this.best();
    const away = this.random(8);
    const price = side === 'b' ? Math.min(bid + 1, ask - 1) - away : Math.max(ask - 1, bid + 1) + away;
    const book = side === 'b' ? this.bids : this.asks;
    this.set(side, price, book.size > 20 && this.random(3) === 0 ? 0 : 1 + this.random(90_000));
  }

  quote() {
    const { bid, ask } = this.best();
    return this.envelope('bookTicker', {
      u: this.id,
      s: this.symbol,
      b: Market.price(bid),
      B: Market.qty(this.bids.get(bid)),
      a: Market.price(ask),
      A: Market.qty(this.asks.get(ask)),
    });
  }

  trade() {
    const { bid, ask } = this.best();
    const sold = this.random(2) === 0;
    this.ms += this.random(5);
    return this.envelope('trade', {
      e: 'trade',
      E: this.ms + 1,
      s: this.symbol,
      t: this.tradeId++,
      p: Market.price(sold ? bid : ask),
      q: Market.qty(1 + this.random(20_000)),
      T: this.ms,
      m: sold,
      M: true,
    });
  }

  update() {
    const levels = (changes) => [...changes].map(([price, qty]) => [Market.price(price), Market.qty(qty)]);
    const { b, a, first } = this.changed;
    const update = this.envelope('depth@100ms', {
      e: 'depthUpdate',
      E: (this.ms += 100),
      s: this.symbol,
      U: first,
      u: this.id,
      b: levels(b),
      a: levels(a),
    });
    this.forgetChanges();
    return update;
  }

  snapshot() {
    const levels = (book, sign) =>
      [...book]
        .sort((x, y) => sign * (x[0] - y[0]))
        .map(([price, qty]) => [Market.price(price), Market.qty(qty)]);
    return {
      symbol: this.symbol,
      lastUpdateId: this.id,
      bids: levels(this.bids, -1),
      asks: levels(this.asks, 1),
    };
  }
}

/** A capture's text with `rounds` updates for each symbol; its snapshots lie inside an update's range of ids. */
function generateCapture(seed, symbols, rounds) {
  const random = randomOf(seed);
  const markets = symbols.map((symbol, i) => new Market(symbol, 200_000 * (i + 1), random));
  const lines = [];
  for (let round = 0; round < rounds; round++) {
    for (const market of markets) {
      for (let i = 0; i < 6; i++) {
        market.stir();
        lines.push(market.quote());
        if (random(3) === 0) lines.push(market.trade());
        if (round === 3 && i === 3) lines.push(market.snapshot());
      }
      lines.push(market.trade(), market.update());
    }
  }
  return lines
    .map((line, i) => `${1_700_000_000_000_000_000n + BigInt(i) * 1_000_000n} ${JSON.stringify(line)}\n`)
    .join('');
}

module.exports = { bookFromSnapshot, dataOf, factsOf, generateCapture, parseCapture };
