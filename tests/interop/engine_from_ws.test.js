// SPDX-License-Identifier: MIT
'use strict';

/**
 * pinwheel run takes its data from a venue that is none of ours: npm's ws on node's TLS. What its journal holds in
 * the end must equal facts computed elsewhere.
 */

const test = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const {
  Child,
  PROGRAM,
  loadWs,
  makeIdentity,
  pinwheel,
  sharedFile,
  temporaryFolder,
  until,
} = require('./peers.js');
const { dataOf, factsOf, generateCapture, parseCapture } = require('./capture.js');
const { Venue } = require('./venue.js');

const ws = loadWs();
const options = { skip: ws ? false : "npm's ws is not installed", timeout: 90_000 };
const SYMBOLS = ['AAAUSDT', 'BBBUSDT'];
let instances = 0;

/** "1.50" and "1.5" are one number. */
function plain(value) {
  if (Array.isArray(value)) return value.map(plain);
  return typeof value === 'string' && value.includes('.') ? value.replace(/\.?0+$/, '') : value;
}

/** Every figure of `mine`, by its path, must be in `theirs` with the same value. */
function assertFigures(theirs, mine, at) {
  for (const [key, value] of Object.entries(mine)) {
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
      assertFigures(theirs?.[key], value, `${at}/${key}`);
    } else {
      assert.deepStrictEqual(plain(theirs?.[key]), plain(value), `${at}/${key}`);
    }
  }
}

function writeConfig(folder, venue, symbols, more) {
  const file = path.join(folder, 'engine.yaml');
  fs.writeFileSync(
    file,
    `
instance: interop-${process.pid}-${++instances}
memory: {huge_pages: false}
cores:
  - {core: none, idle: sleep, stages: [net_rx, parse, strategy, execution, net_tx, journal, housekeeping]}
feeds:
  - name: peer
    venue: binance_spot
    ws_url: "wss://localhost:${venue.port}"
    rest_url: "https://localhost:${venue.port}"
    ca_file: "${venue.identity.ca}"
    streams: [trade, bookTicker, depth@100ms]
    instruments: [${symbols.join(', ')}]
    backoff_min_ms: 100
    backoff_max_ms: 500
gateway: paper
journal: {path: "${path.join(folder, 'journal')}", market_ring_full: stall, commit_interval_ms: 50}
${more}`,
  );
  return { file, instance: `interop-${process.pid}-${instances}`, journal: path.join(folder, 'journal') };
}

/** The whole of `lines` through an engine; its facts and the venue as it was left. */
async function through(t, lines, venueOptions = {}, moreConfig = '') {
  const folder = temporaryFolder(t);
  const venue = new Venue({ ws, identity: makeIdentity(folder), lines, ...venueOptions });
  await venue.listen();
  t.after(() => venue.close());
  const config = writeConfig(folder, venue, [...new Set(lines.map((line) => line.symbol))], moreConfig);
  process.env.PINWHEEL_SHM_DIR = temporaryFolder(t, '/dev/shm'); // for the engine and for the monitor
  const engine = new Child(t, PROGRAM, ['run', config.file]);
  const messages = lines.filter((line) => line.stream !== null).length;
  const look = () => {
    assert.ok(!engine.end, engine.output);
    if (!venue.finished) return false;
    const { metrics, markets } = JSON.parse(pinwheel('top', config.instance, '--json'));
    const judged = metrics.find((row) => row.group === 'parse' && row.name === 'frames').value;
    const inStep = (market) =>
      market.book_synced && market.book_update_id === String(dataOf(lines, market.symbol, 'depth').at(-1).u);
    return judged >= messages && markets.every(inStep);
  };
  await until(`all ${messages} messages in the engine`, look);
  assert.strictEqual(await engine.stop(), 0, engine.output);
  await until('the close handshake', () => venue.closes.length > 0);
  const facts = JSON.parse(pinwheel('journal', config.journal, 'facts', '--json'));
  pinwheel('journal', config.journal, 'verify');
  return { venue, facts: facts.symbols, fills: facts.fills };
}

function assertPolite(venue) {
  assert.deepStrictEqual(venue.errors, []);
  assert.strictEqual(venue.pongs.at(-1), venue.pings.at(-1)); // RFC 6455, 5.5.3: earlier ones may go unanswered
  assert.ok([1000, 1001].includes(venue.closes.at(-1)), `closed with ${venue.closes.at(-1)}`);
}

const recorded = sharedFile('unit', 'spot_btcusdt_2000.txt');
const expected = sharedFile('expected', 'unit_spot_btcusdt_2000.json');
test(
  'recorded_capture_gives_the_expected_facts',
  { ...options, skip: options.skip || (recorded && expected ? false : 'no recorded data here') },
  async (t) => {
    const { venue, facts } = await through(t, parseCapture(fs.readFileSync(recorded, 'utf8'), 'BTCUSDT'));
    const { trades, bookTicker, depthUpdate, book_from_snapshot } = JSON.parse(fs.readFileSync(expected))
      .symbols.BTCUSDT;
    const pick = (from, ...keys) => Object.fromEntries(keys.map((key) => [key, from[key]]));
    assertFigures(
      facts.BTCUSDT,
      {
        trades: pick(
          trades,
          'count',
          'total_qty',
          'sum_price_times_qty',
          'first_id',
          'last_id',
          'buyer_maker_count',
        ),
        bookTicker: pick(bookTicker, 'count', 'last'),
        depthUpdate: pick(depthUpdate, 'count', 'bid_entries', 'ask_entries', 'first_U', 'last_u'),
        book_from_snapshot: pick(
          book_from_snapshot,
          'events_dropped',
          'events_applied',
          'bid_levels',
          'ask_levels',
          'top_bids',
          'top_asks',
        ),
      },
      'BTCUSDT',
    );
    assertPolite(venue);
  },
);

test('two_symbols_over_tls_1_2', options, async (t) => {
  const lines = parseCapture(generateCapture(5, SYMBOLS, 60));
  const { venue, facts } = await through(t, lines, { tls: { maxVersion: 'TLSv1.2' } });
  assertFigures(facts, factsOf(lines), 'journal');
  assertPolite(venue);
});

test('venue_that_restarts_loses_nothing', options, async (t) => {
  const lines = parseCapture(generateCapture(6, SYMBOLS, 60));
  const { venue, facts } = await through(t, lines, { breakAt: Math.floor(lines.length / 2) });
  assertFigures(facts, factsOf(lines), 'journal');
  assert.strictEqual(venue.closes.length, 2);
  assert.strictEqual(venue.closes[0], 1012); // our code came back in the engine's close frame
  assertPolite(venue);
});

test('paper_orders_never_reach_the_venue', options, async (t) => {
  const lines = parseCapture(generateCapture(7, SYMBOLS, 120));
  const strategy = `
strategies:
  - {name: ma, kind: ma_cross, instruments: [AAAUSDT], params: {fast: 1, slow: 3, quantity: "1"}}
paper: {cash: "1000000", fee_rate: "0.001", latency_us: 0}
`;
  const { venue, fills } = await through(t, lines, {}, strategy);
  assert.ok(fills.length > 0, 'nothing was traded');
  assert.deepStrictEqual([...new Set(venue.requests)].sort(), ['GET /api/v3/depth', 'GET /api/v3/exchangeInfo']);
  assert.deepStrictEqual(venue.received, []); // not even a subscription: the streams stand in the path
  assertPolite(venue);
});
