// SPDX-License-Identifier: MIT
'use strict';

/**
 * What the tests of trading clients share: a venue with accounts, and the money, exact to the last digit: an
 * account must hold what it held before plus what its fills brought, less what they and their fees took.
 */

const assert = require('node:assert');
const crypto = require('node:crypto');
const fs = require('node:fs');
const path = require('node:path');
const { Child, PROGRAM, temporaryFolder, until } = require('./peers.js');

const FEE_BIPS = { maker: 7n, taker: 13n };
const MARKET = `
market:
  seed: 23
  instruments:
    - {symbol: BTCUSDT, price: "61500", tick: "0.01", step: "0.00001"}
    - {symbol: ETHUSDT, price: "2600", tick: "0.01", step: "0.0001"}
`;

/** An account's config and what its clients need: by secret, or (ed25519) by a key pair. */
function makeAccount(folder, name, ed25519) {
  const account = { apiKey: `${name}key`, secret: `${name}secret` };
  let credential = `secret: ${account.secret}`;
  if (ed25519) {
    const { publicKey, privateKey } = crypto.generateKeyPairSync('ed25519');
    const file = path.join(folder, `${name}.pem`);
    fs.writeFileSync(file, publicKey.export({ type: 'spki', format: 'pem' }));
    account.secret = account.privateKey = privateKey.export({ type: 'pkcs8', format: 'pem' });
    credential = `public_key: ${file}`;
  }
  account.yaml = `
  - api_key: ${account.apiKey}
    ${credential}
    maker_fee_bps: ${FEE_BIPS.maker}
    taker_fee_bps: ${FEE_BIPS.taker}
    balances: [{asset: USDT, free: "100000"}, {asset: BTC, free: "2"}]`;
  return account;
}

/** Starts a venue with a market of its own and two accounts: hmac, ed25519. */
async function startVenue(t, tlsFolder, limits = 'messages_per_s: 0') {
  const folder = temporaryFolder(t);
  const config = path.join(folder, 'sim.yaml');
  const portFile = path.join(folder, 'port');
  const hmac = makeAccount(folder, 'hmac', false);
  const ed25519 = makeAccount(folder, 'ed25519', true);
  const listen = `listen: {port: 0, port_file: ${portFile}, tls_dir: ${tlsFolder}}`;
  const accounts = `accounts:${hmac.yaml}${ed25519.yaml}`;
  fs.writeFileSync(config, `${listen}\n${MARKET}\n${accounts}\nlimits: {${limits}}\n`);
  const child = new Child(t, PROGRAM, ['sim', config]);
  const port = await until("the simulator's port", () => {
    assert.ok(!child.end, child.output);
    return fs.existsSync(portFile) && Number.parseInt(fs.readFileSync(portFile, 'utf8'), 10);
  });
  return { child, rest: `https://localhost:${port}`, ws: `wss://localhost:${port}`, hmac, ed25519 };
}

// ---- money in units of 1e-8 ----

const E8 = 100_000_000n;

function e8(text) {
  assert.match(text, /^\d+\.\d{8}$/);
  return BigInt(text.replace('.', ''));
}

const down = (e16) => e16 / E8;
const up = (e16) => (e16 + E8 - 1n) / E8;

/** { asset: { free, locked } } of the answer's balances. */
function balancesOf(answer) {
  return Object.fromEntries(
    answer.balances.map((entry) => [entry.asset, { free: e8(entry.free), locked: e8(entry.locked) }]),
  );
}

/** Adds what one of myTrades changed to the totals { asset: amount }; checks its value and fee by the way. */
function book(totals, trade, [base, quote]) {
  const [price, qty, value, fee] = [trade.price, trade.qty, trade.quoteQty, trade.commission].map(e8);
  const [got, gotAsset, paid, paidAsset] = trade.isBuyer
    ? [qty, base, value, quote]
    : [value, quote, qty, base];
  assert.strictEqual(value, down(price * qty), 'value');
  assert.strictEqual(fee, (got * (trade.isMaker ? FEE_BIPS.maker : FEE_BIPS.taker)) / 10_000n, 'fee');
  assert.strictEqual(trade.commissionAsset, gotAsset);
  totals[gotAsset] += got - fee;
  totals[paidAsset] -= paid;
}

/** What open orders hold, by asset. */
function holds(openOrders, [base, quote]) {
  const held = { [base]: 0n, [quote]: 0n };
  for (const order of openOrders) {
    const left = e8(order.origQty) - e8(order.executedQty);
    const price = e8(order.price) || e8(order.stopPrice);
    if (order.side === 'BUY') held[quote] += up(price * left);
    else held[base] += left;
  }
  return held;
}

/** All of before, after (answers about the account), its trades and open orders in one symbol fit together. */
function assertBooksBalance({ before, after, trades, openOrders, assets }) {
  const [then, now] = [balancesOf(before), balancesOf(after)];
  const totals = Object.fromEntries(assets.map((asset) => [asset, then[asset].free + then[asset].locked]));
  for (const trade of trades) book(totals, trade, assets);
  const held = holds(openOrders, assets);
  for (const asset of assets) {
    assert.strictEqual(now[asset].free + now[asset].locked, totals[asset], `${asset} in all`);
    assert.strictEqual(now[asset].locked, held[asset], `${asset} held for orders`);
  }
}

module.exports = { assertBooksBalance, startVenue };
