// SPDX-License-Identifier: MIT
'use strict';

/**
 * pinwheel sim, as seen by other people's clients: npm's ws, curl and openssl s_client. All verify its certificate.
 */

const test = require('node:test');
const assert = require('node:assert');
const fs = require('node:fs');
const path = require('node:path');
const { execFileSync } = require('node:child_process');
const { Child, PROGRAM, loadWs, makeIdentity, sharedFile, temporaryFolder, until } = require('./peers.js');
const { generateCapture, parseCapture } = require('./capture.js');

const ws = loadWs();
const options = { skip: ws ? false : "npm's ws is not installed", timeout: 60_000 };
const SYMBOL = 'AAAUSDT';
const STREAMS = ['trade', 'bookTicker', 'depth@100ms'];
const streamsOf = (symbol) => STREAMS.map((stream) => `${symbol.toLowerCase()}@${stream}`).join('/');

/** Starts a simulator that serves the capture file, as fast as it is read, to the first that subscribes. */
async function startSim(t, file, limits = '') {
  const folder = temporaryFolder(t);
  const config = path.join(folder, 'sim.yaml');
  const portFile = path.join(folder, 'port');
  fs.writeFileSync(
    config,
    `
listen: {port: 0, port_file: ${portFile}, tls_dir: ${folder}/tls}
pace: flood
capture: {files: [${file}], wait_clients: 1, at_end: stay}
${limits}
`,
  );
  const child = new Child(t, PROGRAM, ['sim', config]);
  const port = await until("the simulator's port", () => {
    assert.ok(!child.end, child.output);
    return fs.existsSync(portFile) && Number.parseInt(fs.readFileSync(portFile, 'utf8'), 10);
  });
  return { child, port, ca: path.join(folder, 'tls', 'ca.pem'), base: `localhost:${port}` };
}

function writeGenerated(t) {
  const file = path.join(temporaryFolder(t), 'capture.txt');
  fs.writeFileSync(file, generateCapture(11, [SYMBOL], 40));
  return file;
}

const linesOf = (file, symbol) => parseCapture(fs.readFileSync(file, 'utf8'), symbol);

/** A ws client that keeps what it gets; open once awaited. */
async function connect(t, sim, target) {
  const socket = new ws(`wss://${sim.base}${target}`, { ca: fs.readFileSync(sim.ca), family: 4 });
  const client = { socket, texts: [], pongs: [], pings: 0 };
  socket.on('message', (data, isBinary) => client.texts.push(isBinary ? null : data.toString('utf8')));
  socket.on('pong', (data) => client.pongs.push(data.toString()));
  socket.on('ping', () => {
    client.pings++;
  });
  client.closed = new Promise((resolve) =>
    socket.on('close', (code, reason) => resolve({ code, reason: reason.toString() })),
  );
  t.after(() => socket.terminate());
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  return client;
}

function curl(sim, target, ...more) {
  return execFileSync(
    'curl',
    ['-sS', '--max-time', '20', '--cacert', sim.ca, ...more, `https://${sim.base}${target}`],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], maxBuffer: 1 << 26 },
  );
}

/** Everything that was recorded arrives, in order and byte for byte; the snapshot is the recorded one too. */
async function receivesCapture(t, file, symbol) {
  const sim = await startSim(t, file);
  const lines = linesOf(file, symbol);
  const messages = lines.filter((line) => line.stream !== null);
  const client = await connect(t, sim, `/stream?streams=${streamsOf(symbol)}`);
  await until('the first message', () => client.texts.length > 0);
  const snapshot = curl(sim, `/api/v3/depth?symbol=${symbol}&limit=5000`);
  assert.strictEqual(snapshot, lines.find((line) => line.stream === null).raw.trim());
  await until('the whole capture', () => client.texts.length >= messages.length);
  for (const [i, message] of messages.entries()) assert.strictEqual(client.texts[i], message.raw.trim());
  assert.strictEqual(client.texts.length, messages.length);
}

test('ws_gets_a_generated_capture_byte_for_byte', options, async (t) => {
  await receivesCapture(t, writeGenerated(t), SYMBOL);
});

const recorded = sharedFile('unit', 'spot_btcusdt_2000.txt');
test(
  'ws_gets_a_recorded_capture_byte_for_byte',
  { ...options, skip: options.skip || (recorded ? false : 'no recorded data here') },
  async (t) => {
    await receivesCapture(t, recorded, 'BTCUSDT');
  },
);

test('raw_path_gives_messages_without_envelope', options, async (t) => {
  const file = writeGenerated(t);
  const sim = await startSim(t, file);
  const trades = linesOf(file).filter((line) => line.stream === `${SYMBOL.toLowerCase()}@trade`);
  const client = await connect(t, sim, `/ws/${SYMBOL.toLowerCase()}@trade`);
  await until('all trades', () => client.texts.length >= trades.length);
  assert.deepStrictEqual(
    client.texts.map((text) => JSON.parse(text)),
    trades.map((line) => line.data),
  );
});

test('subscriptions_are_made_listed_and_ended', options, async (t) => {
  const sim = await startSim(t, writeGenerated(t), 'limits: {messages_per_s: 0}');
  const client = await connect(t, sim, '/stream');
  const ask = async (request) => {
    client.socket.send(JSON.stringify(request));
    return until(`answer ${request.id}`, () =>
      client.texts.map((text) => JSON.parse(text)).find((message) => message.id === request.id),
    );
  };
  const other = 'zzzusdt@trade'; // no stream of this market, so that nothing begins to flow
  assert.deepStrictEqual(await ask({ method: 'SUBSCRIBE', params: [other], id: 1 }), { result: null, id: 1 });
  assert.deepStrictEqual(await ask({ method: 'LIST_SUBSCRIPTIONS', id: 'list' }), {
    result: [other],
    id: 'list',
  });
  assert.deepStrictEqual(await ask({ method: 'UNSUBSCRIBE', params: [other], id: 3 }), {
    result: null,
    id: 3,
  });
  assert.deepStrictEqual(await ask({ method: 'LIST_SUBSCRIPTIONS', id: 4 }), { result: [], id: 4 });
  assert.ok((await ask({ method: 'NONSENSE', id: 5 })).error);
});

test('fragmented_request_is_one_request', options, async (t) => {
  const sim = await startSim(t, writeGenerated(t));
  const client = await connect(t, sim, '/ws');
  const text = JSON.stringify({ method: 'LIST_SUBSCRIPTIONS', id: 9 });
  client.socket.send(text.slice(0, 7), { fin: false });
  client.socket.ping('between');
  client.socket.send(text.slice(7), { fin: true });
  await until('the answer', () => client.texts.length === 1);
  assert.deepStrictEqual(JSON.parse(client.texts[0]), { result: [], id: 9 });
  await until('the pong', () => client.pongs.length === 1);
  assert.deepStrictEqual(client.pongs, ['between']);
});

test('answered_pings_keep_the_connection', options, async (t) => {
  const sim = await startSim(
    t,
    writeGenerated(t),
    'limits: {ping_interval_ms: 100, pong_timeout_ms: 1000, messages_per_s: 0}',
  );
  const client = await connect(t, sim, '/ws');
  await until('pings over more than the time-out', () => client.pings >= 15);
  assert.strictEqual(client.socket.readyState, ws.OPEN);
});

test('client_that_never_answers_pings_is_dropped', options, async (t) => {
  const sim = await startSim(t, writeGenerated(t), 'limits: {ping_interval_ms: 100, pong_timeout_ms: 500}');
  const socket = new ws(`wss://${sim.base}/ws`, { ca: fs.readFileSync(sim.ca), family: 4, autoPong: false });
  socket.on('error', () => {});
  t.after(() => socket.terminate());
  await until('the end of the connection', () => socket.readyState === ws.CLOSED);
});

test('client_that_sends_too_much_is_closed_with_1008', options, async (t) => {
  const sim = await startSim(t, writeGenerated(t));
  const client = await connect(t, sim, '/ws');
  for (let id = 0; id < 10; id++) client.socket.send(JSON.stringify({ method: 'LIST_SUBSCRIPTIONS', id }));
  assert.strictEqual((await client.closed).code, 1008);
});

test('close_handshake_from_either_side', options, async (t) => {
  const sim = await startSim(t, writeGenerated(t));
  const [first, second] = [await connect(t, sim, '/ws'), await connect(t, sim, '/ws')];
  first.socket.close(1000, 'enough');
  assert.strictEqual((await first.closed).code, 1000);
  assert.strictEqual(await sim.child.stop(), 0, sim.child.output);
  assert.strictEqual((await second.closed).code, 1001); // going away
});

test('frame_beyond_the_limit_closes_with_1009', options, async (t) => {
  const sim = await startSim(t, writeGenerated(t));
  const client = await connect(t, sim, '/ws');
  client.socket.send('x'.repeat(1 << 20));
  assert.strictEqual((await client.closed).code, 1009);
});

test('another_authority_does_not_verify', options, async (t) => {
  const sim = await startSim(t, writeGenerated(t));
  const identity = makeIdentity(temporaryFolder(t));
  await assert.rejects(connect(t, { ...sim, ca: identity.ca }, '/ws'), /certificate|signature|issuer/i);
  assert.throws(
    () => curl({ ...sim, ca: identity.ca }, '/api/v3/time'),
    (error) => error.status === 60,
  );
});

test('curl_gets_time_exchange_info_and_errors', { ...options, skip: false }, async (t) => {
  const sim = await startSim(t, writeGenerated(t));
  assert.ok(Math.abs(JSON.parse(curl(sim, '/api/v3/time', '--fail')).serverTime) > 0);
  assert.strictEqual(curl(sim, '/api/v3/ping', '--fail', '--http1.1'), '{}');
  const info = JSON.parse(curl(sim, `/api/v3/exchangeInfo?symbol=${SYMBOL}`, '--fail', '--tls-max', '1.2'));
  assert.deepStrictEqual(
    info.symbols.map((symbol) => symbol.symbol),
    [SYMBOL],
  );
  const refused = curl(sim, '/api/v3/depth?symbol=NOSUCH', '--write-out', '\n%{http_code}').split('\n');
  assert.strictEqual(refused[1], '400');
  assert.strictEqual(JSON.parse(refused[0]).code, -1121);
  assert.match(curl(sim, '/nowhere', '--output', '/dev/null', '--write-out', '%{http_code}'), /^404$/);
});

test('curl_gets_compressed_answers_that_are_the_same', { ...options, skip: false }, async (t) => {
  const sim = await startSim(t, writeGenerated(t));
  const target = '/api/v3/exchangeInfo';
  const headers = curl(sim, target, '--compressed', '--output', '/dev/null', '--dump-header', '-');
  assert.match(headers, /^Content-Encoding: gzip\r$/m);
  const timeless = (text) => text.replace(/"serverTime":\d+/, '');
  assert.strictEqual(timeless(curl(sim, target, '--compressed')), timeless(curl(sim, target)));
  assert.doesNotMatch(curl(sim, target, '--output', '/dev/null', '--dump-header', '-'), /Encoding/);
});

test('curl_gets_several_answers_on_one_connection', { ...options, skip: false }, async (t) => {
  const sim = await startSim(t, writeGenerated(t));
  const url = `https://${sim.base}/api/v3/ping`;
  const connects = curl(sim, '/api/v3/ping', url, url, '--write-out', '%{num_connects} ');
  assert.deepStrictEqual(connects.replaceAll('{}', '').trim().split(' '), ['1', '0', '0']);
});

for (const version of ['-tls1_2', '-tls1_3']) {
  test(
    `openssl_s_client_verifies_and_talks${version.replace('-', '_')}`,
    { ...options, skip: false },
    async (t) => {
      const sim = await startSim(t, writeGenerated(t));
      const output = execFileSync(
        'openssl',
        [
          's_client',
          '-connect',
          sim.base,
          '-servername',
          'localhost',
          '-verify_hostname',
          'localhost',
          '-CAfile',
          sim.ca,
          '-verify_return_error',
          '-ign_eof',
          version,
        ],
        {
          input: 'GET /api/v3/time HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
          encoding: 'utf8',
          stdio: 'pipe',
          timeout: 20_000,
        },
      );
      assert.match(output, /Verify return code: 0 \(ok\)/);
      assert.match(output, /HTTP\/1\.1 200/);
      assert.match(output, /"serverTime":\d+/);
    },
  );
}

test('openssl_s_client_cannot_use_tls_1_1', { ...options, skip: false }, async (t) => {
  const sim = await startSim(t, writeGenerated(t));
  assert.throws(() =>
    execFileSync(
      'openssl',
      ['s_client', '-connect', sim.base, '-CAfile', sim.ca, '-tls1_1', '-cipher', 'ALL:@SECLEVEL=0'],
      { input: '', stdio: 'pipe', timeout: 20_000 },
    ),
  );
});
