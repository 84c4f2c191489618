// SPDX-License-Identifier: MIT
'use strict';

/**
 * Trading clients that others wrote, pointed at pinwheel sim and otherwise as they are: ccxt and Binance's own
 * @binance/spot, over REST, streams and the WebSocket API.
 *
 * They must trust the simulator's authority from node's start on, so this file makes it and runs itself again.
 */

const test = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { DEADLINE_MS, until } = require('./peers.js');
const { assertBooksBalance, startVenue } = require('./trading.js');

const TLS_FOLDER = process.env.PINWHEEL_TEST_TLS;
const SYMBOL = 'BTC/USDT';
const ASSETS = ['BTC', 'USDT'];

/** The package, or null where it is not installed (npm ci in this folder). */
function load(name) {
  try {
    return require(name);
  } catch {
    return null;
  }
}

/** A venue makes its authority when it starts; with that, node is started on this file once more. */
async function runAgainTrusting() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'pinwheel-interop-'));
  const ends = [() => fs.rmSync(folder, { recursive: true })];
  const venue = await startVenue({ after: (end) => ends.push(end) }, folder);
  await venue.child.stop();
  const again = spawnSync(process.execPath, [...process.execArgv, __filename], {
    stdio: 'inherit',
    env: {
      ...process.env,
      NODE_EXTRA_CA_CERTS: path.join(folder, 'ca.pem'),
      PINWHEEL_TEST_TLS: folder,
      LOG_LEVEL: 'error', // @binance/spot's, which would stand between lines of TAP
    },
  });
  for (const end of ends) end();
  process.exitCode = again.status ?? 1;
}

// ---- ccxt ----

function ccxtClient(t, ccxt, venue, account, options = {}) {
  const exchange = new ccxt.pro.binance({
    apiKey: account.apiKey,
    secret: account.secret,
    timeout: DEADLINE_MS,
    urls: {
      api: {
        public: `${venue.rest}/api/v3`,
        private: `${venue.rest}/api/v3`,
        v1: `${venue.rest}/api/v1`,
        sapi: `${venue.rest}/sapi/v1`,
        fapiPublic: `${venue.rest}/fapi/v1`,
        dapiPublic: `${venue.rest}/dapi/v1`,
        ws: { spot: `${venue.ws}/stream/ws`, 'ws-api': { spot: `${venue.ws}/ws-api/v3` } },
      },
    },
    ...options,
  });
  t.after(() => exchange.close());
  return exchange;
}

/** Calls watch() over and over and keeps what it gives, until the exchange is closed. */
function keepWatching(exchange, watch) {
  const kept = { items: [], error: null };
  (async () => {
    while (!exchange.ended) kept.items.push(...[await watch()].flat());
  })().catch((error) => {
    kept.error = exchange.ended ? null : error;
  });
  return kept;
}

const raw = (items) => items.map((item) => item.info);

/** What the account has done in BTC/USDT since `before`, by its own trades and open orders. */
async function ccxtBooksBalance(exchange, before) {
  assertBooksBalance({
    before,
    after: (await exchange.fetchBalance()).info,
    trades: raw(await exchange.fetchMyTrades(SYMBOL)),
    openOrders: raw(await exchange.fetchOpenOrders(SYMBOL)),
    assets: ASSETS,
  });
}

function assertBook(bids, asks) {
  assert.ok(bids.length > 10 && asks.length > 10);
  for (let i = 1; i < bids.length; i++) assert.ok(bids[i][0] < bids[i - 1][0]);
  for (let i = 1; i < asks.length; i++) assert.ok(asks[i][0] > asks[i - 1][0]);
  assert.ok(bids[0][0] < asks[0][0]);
  for (const [, qty] of [...bids, ...asks]) assert.ok(qty > 0);
}

async function ccxtMarketData(t, ccxt) {
  const venue = await startVenue(t, TLS_FOLDER);
  const exchange = ccxtClient(t, ccxt, venue, venue.hmac);
  const markets = await exchange.loadMarkets();
  assert.deepStrictEqual(Object.keys(markets).sort(), ['BTC/USDT', 'ETH/USDT']);
  assert.strictEqual(markets[SYMBOL].precision.price, 0.01);
  assert.ok(Math.abs((await exchange.fetchTime()) - Date.now()) < DEADLINE_MS);
  assert.ok((await exchange.fetchTicker(SYMBOL)).bid > 0);
  const fetched = await exchange.fetchOrderBook(SYMBOL, 100);
  assertBook(fetched.bids, fetched.asks);

  const nonces = new Set();
  while (nonces.size < 5) {
    const watched = await exchange.watchOrderBook(SYMBOL);
    assertBook(watched.bids, watched.asks);
    nonces.add(watched.nonce);
  }
  const trades = keepWatching(exchange, () => exchange.watchTrades(SYMBOL));
  const tops = keepWatching(exchange, () => exchange.watchBidsAsks([SYMBOL]));
  const tickers = keepWatching(exchange, () => exchange.watchTicker(SYMBOL));
  await until('trades, quotes and tickers', () => {
    for (const kept of [trades, tops, tickers]) assert.ifError(kept.error);
    return trades.items.length > 5 && tops.items.length > 5 && tickers.items.length > 1;
  });
  assert.ok(trades.items.every((trade) => trade.symbol === SYMBOL && trade.price > 0 && trade.amount > 0));
  assert.ok((await exchange.fetchTrades(SYMBOL, undefined, 5)).length === 5);
}

/** Every kind of order; each is left as a client would find it. */
async function ccxtPlacesAllKinds(exchange) {
  const ask = (await exchange.fetchOrderBook(SYMBOL, 5)).asks[0][0];
  const place = (type, side, amount, price, params) =>
    exchange.createOrder(SYMBOL, type, side, amount, price, params);

  const limit = await place('limit', 'buy', 0.012, ask - 500);
  assert.strictEqual(limit.status, 'open');
  const market = await place('market', 'buy', 0.05);
  assert.strictEqual(market.status, 'closed');
  assert.strictEqual(market.filled, 0.05);
  const spent = await exchange.createMarketBuyOrderWithCost(SYMBOL, 250);
  assert.ok(spent.cost <= 250 && spent.cost > 248);
  const maker = await place('limit', 'sell', 0.01, ask + 500, { postOnly: true });
  assert.strictEqual((await exchange.fetchOrder(maker.id, SYMBOL)).postOnly, true);
  const ioc = await place('limit', 'sell', 0.02, ask - 400, { timeInForce: 'IOC' });
  assert.strictEqual(ioc.status, 'closed');
  const fok = await place('limit', 'sell', 1.9, ask + 400, { timeInForce: 'FOK' });
  assert.strictEqual(fok.status, 'expired');
  assert.strictEqual(fok.filled, 0);
  const stops = [
    await place('market', 'sell', 0.01, undefined, { stopLossPrice: ask - 900 }),
    await place('limit', 'sell', 0.01, ask - 950, { stopLossPrice: ask - 900 }),
    await place('market', 'sell', 0.01, undefined, { takeProfitPrice: ask + 900 }),
    await place('limit', 'buy', 0.01, ask - 900, { takeProfitPrice: ask - 900 }),
  ];
  for (const stop of stops) assert.strictEqual(stop.status, 'open');
  return { limit, maker, stops };
}

async function ccxtTrades(t, ccxt, kind) {
  const venue = await startVenue(t, TLS_FOLDER);
  const exchange = ccxtClient(t, ccxt, venue, venue[kind]);
  await exchange.loadMarkets();
  const before = (await exchange.fetchBalance()).info;
  const { limit, maker, stops } = await ccxtPlacesAllKinds(exchange);
  await ccxtBooksBalance(exchange, before);
  assert.strictEqual((await exchange.fetchOpenOrders(SYMBOL)).length, 2 + stops.length);

  const tested = await exchange.createOrder(SYMBOL, 'limit', 'buy', 0.01, 61000, { test: true });
  assert.deepStrictEqual(tested.info, {});
  const moved = await exchange.editOrder(maker.id, SYMBOL, 'limit', 'sell', 0.011, maker.price + 10);
  assert.strictEqual((await exchange.fetchOrder(maker.id, SYMBOL)).status, 'canceled');
  assert.strictEqual((await exchange.fetchOrder(moved.id, SYMBOL)).amount, 0.011);
  const cancelled = await exchange.cancelOrder(limit.id, SYMBOL);
  assert.strictEqual(cancelled.status, 'canceled');
  await exchange.cancelOrder(stops[0].id, SYMBOL, { clientOrderId: stops[0].clientOrderId });
  await ccxtBooksBalance(exchange, before);
  assert.strictEqual((await exchange.fetchOrders(SYMBOL)).length, 7 + stops.length);
  assert.strictEqual((await exchange.cancelAllOrders(SYMBOL)).length, stops.length);
  assert.deepStrictEqual(await exchange.fetchOpenOrders(SYMBOL), []);
  assert.strictEqual((await exchange.fetchTradingFee(SYMBOL)).taker, 0.0013);
  await ccxtBooksBalance(exchange, before);
}

/** A stop a tick from the market, until one is fired by the crowd's trades. */
async function ccxtStopFires(t, ccxt) {
  const venue = await startVenue(t, TLS_FOLDER);
  const exchange = ccxtClient(t, ccxt, venue, venue.hmac);
  await exchange.loadMarkets();
  const before = (await exchange.fetchBalance()).info;
  const bought = await exchange.createOrder(SYMBOL, 'market', 'buy', 0.01);
  const stop = await until('a stop that is taken', async () => {
    const last = (await exchange.fetchTicker(SYMBOL)).last ?? bought.price;
    return exchange
      .createOrder(SYMBOL, 'market', 'sell', 0.01, undefined, { stopLossPrice: last - 0.01 })
      .catch((error) => {
        assert.match(error.message, /Stop price would trigger immediately/);
        return null;
      });
  });
  const fired = await until('the fired stop', async () => {
    const order = await exchange.fetchOrder(stop.id, SYMBOL);
    return order.status === 'closed' && order;
  });
  assert.strictEqual(fired.filled, 0.01);
  await ccxtBooksBalance(exchange, before);
}

const ORDER = { symbol: 'BTCUSDT', side: 'BUY', type: 'LIMIT', timeInForce: 'GTC', quantity: '0.01' };

/** What the venue refuses, and the exception that ccxt makes of it. */
const REFUSALS = [
  [{ ...ORDER, price: '61000.001' }, 'InvalidOrder', /-1013.*PRICE_FILTER/],
  [{ ...ORDER, price: '61000', quantity: '0.000011' }, 'InvalidOrder', /-1013.*LOT_SIZE/],
  [{ ...ORDER, price: '61000', quantity: '0.00001' }, 'BadRequest', /-1013.*NOTIONAL/],
  [{ ...ORDER, price: '61000.000000001' }, 'BadRequest', /-1111/],
  [{ ...ORDER }, 'BadRequest', /-1102/],
  [{ ...ORDER, symbol: 'NOSUCH', price: '61000' }, 'BadSymbol', /-1121/],
  [{ ...ORDER, price: '61000', quantity: '2' }, 'InsufficientFunds', /insufficient balance/],
  [
    { symbol: 'BTCUSDT', side: 'BUY', type: 'LIMIT_MAKER', quantity: '0.01', price: '70000' },
    'OrderImmediatelyFillable',
    /would immediately match/,
  ],
];

async function ccxtRefusals(t, ccxt) {
  const venue = await startVenue(t, TLS_FOLDER);
  const exchange = ccxtClient(t, ccxt, venue, venue.hmac);
  await exchange.loadMarkets();
  const refused = (promise, name, message) =>
    assert.rejects(promise, (error) => {
      assert.strictEqual(error.constructor.name, name, error.message);
      assert.match(error.message, message);
      return true;
    });
  for (const [order, name, message] of REFUSALS) {
    await refused(exchange.privatePostOrder({ ...order }), name, message);
  }
  const params = { clientOrderId: 'twice' };
  await exchange.createOrder(SYMBOL, 'limit', 'buy', 0.01, 60000, params);
  await refused(exchange.createOrder(SYMBOL, 'limit', 'buy', 0.01, 60000, params), 'InvalidOrder', /Duplicate/);
  await refused(exchange.cancelOrder('1', SYMBOL), 'OrderNotFound', /-2011/);
  await refused(exchange.fetchOrder('1', SYMBOL), 'OrderNotFound', /-2013/);

  const wrong = (account) => ccxtClient(t, ccxt, venue, account).fetchBalance();
  await refused(wrong({ ...venue.hmac, secret: 'another' }), 'AuthenticationError', /-1022/);
  await refused(wrong({ ...venue.hmac, apiKey: 'another' }), 'AuthenticationError', /-2015/);
  const late = ccxtClient(t, ccxt, venue, venue.hmac);
  late.nonce = () => Date.now() - 120_000;
  await refused(late.fetchBalance(), 'InvalidNonce', /-1021/);
}

async function ccxtLimits(t, ccxt) {
  const venue = await startVenue(t, TLS_FOLDER, 'weight_per_min: 300, ban_after: 3');
  const exchange = ccxtClient(t, ccxt, venue, venue.hmac, { enableRateLimit: false });
  await exchange.loadMarkets();
  const refused = (status) =>
    until(`${status}`, () =>
      exchange.fetchBalance().then(
        () => null,
        (error) => {
          assert.strictEqual(error.constructor.name, 'DDoSProtection', error.message);
          return error.message.includes(` ${status} `);
        },
      ),
    );
  await refused(429);
  await refused(418);
}

async function ccxtWebSocketTrading(t, ccxt, kind) {
  const venue = await startVenue(t, TLS_FOLDER);
  const exchange = ccxtClient(t, ccxt, venue, venue[kind]);
  await exchange.loadMarkets();
  const before = (await exchange.fetchBalance()).info;
  const orders = keepWatching(exchange, () => exchange.watchOrders(SYMBOL));
  const balances = keepWatching(exchange, () => exchange.watchBalance());
  const told = (what, check) =>
    until(what, () => {
      assert.ifError(orders.error ?? balances.error);
      return check();
    });

  // The subscription is there when the first event is told: an order that is placed until one is.
  await told('the first event', async () => {
    if (orders.items.length) return true;
    await exchange.createOrderWs(SYMBOL, 'limit', 'buy', 0.01, 60000);
    return false;
  });
  const placed = await exchange.createOrderWs(SYMBOL, 'limit', 'buy', 0.012, 60100);
  await told('the new order', () => orders.items.find((o) => o.id === placed.id && o.status === 'open'));
  assert.strictEqual((await exchange.fetchOrderWs(placed.id, SYMBOL)).amount, 0.012);
  await exchange.cancelOrderWs(placed.id, SYMBOL);
  await told('its end', () => orders.items.find((o) => o.id === placed.id && o.status === 'canceled'));
  const taken = await exchange.createOrderWs(SYMBOL, 'market', 'sell', 0.02);
  await told('the fill', () => orders.items.find((o) => o.id === taken.id && o.filled === 0.02));
  const { balances: now } = (await exchange.fetchBalanceWs()).info; // this ccxt fills in nothing but info
  const free = Number(now.find((entry) => entry.asset === 'BTC').free);
  await told('the balance', () => balances.items.at(-1)?.BTC?.free === free);
  const old = (await exchange.fetchOpenOrders(SYMBOL))[0];
  const edited = await exchange.editOrderWs(old.id, SYMBOL, 'limit', 'buy', 0.013, 60050);
  await told('the replaced one', () => orders.items.find((o) => o.id === old.id && o.status === 'canceled'));
  await told('its successor', () => orders.items.find((o) => o.id === edited.id && o.amount === 0.013));
  await ccxtBooksBalance(exchange, before);
}

// ---- @binance/spot ----

function spotClient(spot, venue, account) {
  const key = account.privateKey ? { privateKey: account.privateKey } : { apiSecret: account.secret };
  const common = { apiKey: account.apiKey, timeout: DEADLINE_MS, ...key };
  return new spot.Spot({
    configurationRestAPI: { ...common, basePath: venue.rest },
    configurationWebsocketAPI: { ...common, wsURL: `${venue.ws}/ws-api/v3` },
    configurationWebsocketStreams: { wsURL: venue.ws },
  });
}

async function spotRest(t, spot, kind) {
  const venue = await startVenue(t, TLS_FOLDER);
  const { restAPI } = spotClient(spot, venue, venue[kind]);
  const ask = async (promise) => (await promise).data();
  const symbol = 'BTCUSDT';
  const info = await ask(restAPI.exchangeInfo({ symbol }));
  assert.ok(info.symbols[0].orderTypes.includes('TAKE_PROFIT_LIMIT'));
  const before = await ask(restAPI.getAccount());
  const depth = await ask(restAPI.depth({ symbol, limit: 100 }));
  assertBook(...[depth.bids, depth.asks].map((side) => side.map((level) => level.map(Number))));

  const limit = { symbol, side: 'BUY', type: 'LIMIT', timeInForce: 'GTC', quantity: 0.01, price: 60000 };
  assert.deepStrictEqual(await ask(restAPI.orderTest(limit)), {});
  const rates = await ask(restAPI.orderTest({ ...limit, computeCommissionRates: true }));
  assert.strictEqual(rates.standardCommissionForOrder.taker, '0.00130000');
  const open = await ask(restAPI.newOrder({ ...limit, newClientOrderId: 'a.b:c/1-_' }));
  assert.strictEqual(open.status, 'NEW');
  const bought = await ask(restAPI.newOrder({ symbol, side: 'BUY', type: 'MARKET', quoteOrderQty: 500 }));
  assert.strictEqual(bought.status, 'FILLED');
  const stop = { symbol, side: 'SELL', type: 'STOP_LOSS_LIMIT', timeInForce: 'GTC', quantity: 0.01 };
  await ask(restAPI.newOrder({ ...stop, price: 58000, stopPrice: 59000 }));
  assert.strictEqual((await ask(restAPI.getOpenOrders({ symbol }))).length, 2);
  const replaced = await ask(
    restAPI.orderCancelReplace({
      ...limit,
      price: 60010,
      cancelReplaceMode: 'STOP_ON_FAILURE',
      cancelOrigClientOrderId: 'a.b:c/1-_',
    }),
  );
  assert.strictEqual(replaced.newOrderResult, 'SUCCESS');
  const found = await ask(restAPI.getOrder({ symbol, orderId: open.orderId }));
  assert.strictEqual(found.status, 'CANCELED');
  assert.strictEqual((await ask(restAPI.allOrders({ symbol }))).length, 4);
  assert.ok((await ask(restAPI.rateLimitOrder())).length === 2);
  assert.strictEqual(
    (await ask(restAPI.accountCommission({ symbol }))).standardCommission.maker,
    '0.00070000',
  );
  await assert.rejects(restAPI.deleteOrder({ symbol, orderId: open.orderId }), /Unknown order sent/);
  await assertSpotBalance(restAPI, before);
  assert.strictEqual((await ask(restAPI.deleteOpenOrders({ symbol }))).length, 2);
  await assertSpotBalance(restAPI, before);
}

async function assertSpotBalance(restAPI, before) {
  const symbol = 'BTCUSDT';
  assertBooksBalance({
    before,
    after: await (await restAPI.getAccount()).data(),
    trades: await (await restAPI.myTrades({ symbol })).data(),
    openOrders: await (await restAPI.getOpenOrders({ symbol })).data(),
    assets: ASSETS,
  });
}

async function spotStreams(t, spot) {
  const venue = await startVenue(t, TLS_FOLDER);
  const connection = await spotClient(spot, venue, venue.hmac).websocketStreams.connect();
  t.after(() => connection.disconnect());
  const heard = { trade: [], depth: [] };
  connection.trade({ symbol: 'btcusdt' }).on('message', (event) => heard.trade.push(event));
  connection
    .diffBookDepth({ symbol: 'btcusdt', updateSpeed: '100ms' })
    .on('message', (event) => heard.depth.push(event));
  await until('trades and depth', () => heard.trade.length > 5 && heard.depth.length > 5);
  for (let i = 1; i < heard.depth.length; i++) {
    assert.strictEqual(BigInt(heard.depth[i].U), BigInt(heard.depth[i - 1].u) + 1n);
  }
  for (let i = 1; i < heard.trade.length; i++) {
    assert.strictEqual(BigInt(heard.trade[i].t), BigInt(heard.trade[i - 1].t) + 1n);
  }
}

async function spotWebSocketApi(t, spot) {
  const venue = await startVenue(t, TLS_FOLDER);
  const client = spotClient(spot, venue, venue.ed25519);
  const before = await (await client.restAPI.getAccount()).data();
  const connection = await client.websocketAPI.connect();
  t.after(() => connection.disconnect());
  await connection.sessionLogon();
  const events = [];
  const { stream } = await connection.userDataStreamSubscribe();
  stream.on('message', (event) => events.push(event));
  const symbol = 'BTCUSDT';
  const report = (order, type) =>
    until(`${type} of ${order}`, () =>
      events.find((e) => e.e === 'executionReport' && `${e.i}` === `${order}` && e.x === type),
    );

  const limit = { symbol, side: 'BUY', type: 'LIMIT', timeInForce: 'GTC', quantity: 0.01, price: 60000 };
  const placed = (await connection.orderPlace(limit)).data;
  assert.strictEqual((await report(placed.orderId, 'NEW')).X, 'NEW');
  const status = (await connection.orderStatus({ symbol, orderId: placed.orderId })).data;
  assert.strictEqual(status.clientOrderId, placed.clientOrderId);
  await connection.orderCancel({ symbol, orderId: placed.orderId });
  assert.strictEqual((await report(placed.orderId, 'CANCELED')).C, placed.clientOrderId);
  const taken = (await connection.orderPlace({ symbol, side: 'SELL', type: 'MARKET', quantity: 0.01 })).data;
  const trade = await report(taken.orderId, 'TRADE');
  assert.strictEqual(trade.m, false);
  await until('the position', () => events.some((event) => event.e === 'outboundAccountPosition'));
  await assert.rejects(connection.orderCancel({ symbol, orderId: placed.orderId }), (error) => {
    assert.match(JSON.stringify(error.message ?? error), /Unknown order sent/);
    return true;
  });
  assert.ok((await connection.accountStatus()).data.balances.length > 0);
  await assertSpotBalance(client.restAPI, before);
}

// ---- the table ----

const TESTS = [
  ['ccxt', 'watches_trades_and_books_that_fit_together', ccxtMarketData],
  ['ccxt', 'trades_over_rest_with_hmac_and_the_money_is_exact', ccxtTrades, 'hmac'],
  ['ccxt', 'trades_over_rest_with_ed25519_and_the_money_is_exact', ccxtTrades, 'ed25519'],
  ['ccxt', 'sees_a_stop_fire', ccxtStopFires],
  ['ccxt', 'makes_the_right_exception_of_each_refusal', ccxtRefusals],
  ['ccxt', 'is_told_of_limits_and_bans', ccxtLimits],
  ['ccxt', 'trades_over_the_websocket_api_and_hears_of_it_with_hmac', ccxtWebSocketTrading, 'hmac'],
  ['ccxt', 'trades_over_the_websocket_api_and_hears_of_it_with_ed25519', ccxtWebSocketTrading, 'ed25519'],
  ['@binance/spot', 'trades_over_rest_with_hmac', spotRest, 'hmac'],
  ['@binance/spot', 'trades_over_rest_with_ed25519', spotRest, 'ed25519'],
  ['@binance/spot', 'hears_consecutive_trades_and_depth', spotStreams],
  ['@binance/spot', 'logs_on_trades_and_hears_of_it_over_the_websocket_api', spotWebSocketApi],
];

if (!TLS_FOLDER) {
  runAgainTrusting();
} else {
  for (const [name, does, run, kind] of TESTS) {
    const peer = load(name);
    const skip = peer ? false : `npm's ${name} is not installed`;
    test(`${name.replace(/\W+/g, '_')}_${does}`, { skip, timeout: 120_000 }, (t) => run(t, peer, kind));
  }
}
