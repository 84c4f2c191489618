// SPDX-License-Identifier: MIT
'use strict';

/**
 * A Binance-like venue made of other people's parts: npm's ws on node's https and TLS. It plays a capture to
 * whoever subscribes, byte for byte, with pings in between and some messages in fragments, as RFC 6455 allows.
 */

const fs = require('node:fs');
const https = require('node:https');
const { bookFromSnapshot, dataOf } = require('./capture.js');

const FRAGMENTED_EACH = 20; // messages
const PING_EACH = 50; // messages
const CHUNK = 100; // messages between looks at the socket's buffer
const BUFFERED_MAX = 1 << 20;

class Venue {
  /** options: ws (the module), identity, lines, tls (more of node's TLS options), breakAt (line to hang up at). */
  constructor(options) {
    Object.assign(this, {
      breakAt: -1,
      ...options,
      at: 0,
      pings: [],
      pongs: [],
      requests: [], // each HTTP request's method and path
      received: [], // each WebSocket message of a client
      closes: [],
      fetched: new Map(),
      errors: [],
    });
    this.server = https.createServer(
      { cert: fs.readFileSync(this.identity.cert), key: fs.readFileSync(this.identity.key), ...this.tls },
      (request, response) => this.answer(request, response),
    );
    const sockets = new this.ws.WebSocketServer({ server: this.server });
    sockets.on('connection', (socket, request) => this.accept(socket, request));
  }

  async listen() {
    await new Promise((resolve) => this.server.listen(0, 'localhost', resolve));
    this.port = this.server.address().port;
  }

  close() {
    this.server.closeAllConnections?.();
    this.server.close();
  }

  get finished() {
    return this.at === this.lines.length;
  }

  answer(request, response) {
    const url = new URL(request.url, 'https://localhost');
    this.requests.push(`${request.method} ${url.pathname}`);
    const reply = (status, body) => {
      response.writeHead(status, {
        'Content-Type': 'application/json;charset=UTF-8',
        'Content-Length': Buffer.byteLength(body),
      });
      response.end(body);
    };
    if (url.pathname === '/api/v3/exchangeInfo') return reply(200, JSON.stringify(this.exchangeInfo()));
    if (url.pathname === '/api/v3/depth') {
      const symbol = url.searchParams.get('symbol');
      const body = this.snapshot(symbol);
      return body ? reply(200, body) : reply(400, '{"code":-1121,"msg":"Invalid symbol."}');
    }
    return reply(404, '{"code":-1000,"msg":"not here"}');
  }

  /** The recorded snapshot's own bytes the first time; the book as of what has been sent after that. */
  snapshot(symbol) {
    const recorded = this.lines.find((line) => line.stream === null && line.symbol === symbol);
    if (!recorded || !this.fetched.get(symbol)) {
      this.fetched.set(symbol, true);
      return recorded?.raw;
    }
    const sent = dataOf(this.lines.slice(0, this.at), symbol, 'depth');
    return JSON.stringify(bookFromSnapshot(recorded.data, sent));
  }

  exchangeInfo() {
    const symbols = [...new Set(this.lines.map((line) => line.symbol))].map((symbol) => ({
      symbol,
      status: 'TRADING',
      baseAsset: symbol.slice(0, -4),
      quoteAsset: symbol.slice(-4),
      isSpotTradingAllowed: true,
      orderTypes: ['LIMIT', 'LIMIT_MAKER', 'MARKET'],
      filters: [
        {
          filterType: 'PRICE_FILTER',
          minPrice: '0.01000000',
          maxPrice: '1000000.00000000',
          tickSize: '0.01000000',
        },
        { filterType: 'LOT_SIZE', minQty: '0.00001000', maxQty: '9000.00000000', stepSize: '0.00001000' },
        {
          filterType: 'NOTIONAL',
          minNotional: '5.00000000',
          applyMinToMarket: true,
          maxNotional: '9000000.00000000',
          applyMaxToMarket: false,
          avgPriceMins: 5,
        },
      ],
    }));
    return { timezone: 'UTC', serverTime: Date.now(), rateLimits: [], exchangeFilters: [], symbols };
  }

  accept(socket, request) {
    const url = new URL(request.url, 'https://localhost');
    const streams = new Set((url.searchParams.get('streams') ?? '').split('/').filter(Boolean));
    socket.on('message', (data) => this.received.push(data.toString()));
    socket.on('pong', (data) => this.pongs.push(data.toString()));
    socket.on('close', (code) => {
      this.closes.push(code);
    });
    socket.on('error', (error) => {
      this.errors.push(error);
    });
    if (url.pathname !== '/stream' || streams.size === 0) {
      this.errors.push(new Error(`connected to ${request.url}`));
      socket.close(1008);
      return;
    }
    this.play(socket, streams).catch((error) => this.errors.push(error));
  }

  /** Goes on where the last connection ended. A recorded snapshot's line waits until it has been fetched. */
  async play(socket, streams) {
    while (!this.finished && socket.readyState === this.ws.OPEN) {
      if (this.at === this.breakAt) {
        this.breakAt = -1;
        socket.close(1012, 'restart');
        return;
      }
      const line = this.lines[this.at];
      if (line.stream === null) await this.waitFor(() => this.fetched.get(line.symbol));
      else if (streams.has(line.stream)) this.send(socket, line.raw);
      this.at++;
      if (this.at % CHUNK === 0) await this.waitFor(() => socket.bufferedAmount < BUFFERED_MAX);
    }
  }

  send(socket, text) {
    if (this.at % PING_EACH === 0) this.ping(socket, 'between messages');
    if (this.at % FRAGMENTED_EACH !== 0) {
      socket.send(text);
      return;
    }
    const bytes = Buffer.from(text);
    const [a, b] = [Math.floor(bytes.length / 3), Math.floor(bytes.length / 2)];
    socket.send(bytes.subarray(0, a), { binary: false, fin: false });
    this.ping(socket, 'between fragments');
    socket.send(bytes.subarray(a, b), { binary: false, fin: false });
    socket.send(bytes.subarray(b), { binary: false, fin: true });
  }

  ping(socket, text) {
    this.pings.push(`${text} ${this.at}`);
    socket.ping(this.pings.at(-1));
  }

  async waitFor(check) {
    const end = Date.now() + 20_000;
    while (!check() && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

module.exports = { Venue };
