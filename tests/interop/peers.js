// SPDX-License-Identifier: MIT
'use strict';

/**
 * What the interop tests share: the third-party WebSocket, a test authority made by openssl, programs as
 * children, and waiting with a deadline.
 *
 * Told by meson: PINWHEEL_PROGRAM, the built `pinwheel`; PINWHEEL_SHARED, the folder of recorded data, if any.
 */

const { execFileSync, spawn } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');

const PROGRAM = process.env.PINWHEEL_PROGRAM ?? 'pinwheel';
const SHARED = process.env.PINWHEEL_SHARED ?? '';
const DEADLINE_MS = 30_000; // for anything that takes well under a second on an idle machine

/** npm's `ws`, or null where it is not installed (npm ci in this folder). */
function loadWs() {
  try {
    return require('ws');
  } catch {
    return null;
  }
}

/** The path of a file of recorded data, or null. */
function sharedFile(...parts) {
  const file = path.join(SHARED, 'data', ...parts);
  return SHARED && fs.existsSync(file) ? file : null;
}

/** A new folder that goes with the test. */
function temporaryFolder(t, parent = os.tmpdir()) {
  const folder = fs.mkdtempSync(path.join(parent, 'pinwheel-interop-'));
  t.after(() => fs.rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Makes an authority and a server certificate for localhost with openssl; the files are { ca, cert, key }. */
function makeIdentity(folder) {
  const file = (name) => path.join(folder, name);
  const make = (name, subject, extensions, more) => {
    const request = '[req]\nprompt=no\ndistinguished_name=dn\nx509_extensions=ext\n';
    fs.writeFileSync(file(`${name}.cnf`), `${request}[dn]\nCN=${subject}\n[ext]\n${extensions}\n`);
    execFileSync(
      'openssl',
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:prime256v1',
        '-nodes',
        '-sha256',
        '-days',
        '2',
        '-config',
        file(`${name}.cnf`),
        '-keyout',
        file(`${name}-key.pem`),
        '-out',
        file(`${name}.pem`),
        ...more,
      ],
      { stdio: 'pipe' },
    );
  };
  make(
    'ca',
    'interop test authority',
    'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign',
    [],
  );
  make(
    'server',
    'localhost',
    'basicConstraints=critical,CA:FALSE\nsubjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth',
    ['-CA', file('ca.pem'), '-CAkey', file('ca-key.pem')],
  );
  return { ca: file('ca.pem'), cert: file('server.pem'), key: file('server-key.pem') };
}

/** Waits until check() gives something true, and gives that; throws, naming `what`, after ms. */
async function until(what, check, ms = DEADLINE_MS) {
  const end = Date.now() + ms;
  for (;;) {
    const result = await check();
    if (result) return result;
    if (Date.now() > end) throw new Error(`${what}: not within ${ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A child process whose output is kept; it is killed with the test if it has not ended by itself. */
class Child {
  constructor(t, command, args, env = {}) {
    this.output = '';
    this.process = spawn(command, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        this.output += text;
      });
    }
    this.ended = new Promise((resolve) => {
      this.process.on('error', (error) => resolve({ code: -1, signal: String(error) }));
      this.process.on('close', (code, signal) => resolve({ code, signal }));
    });
    this.ended.then((end) => {
      this.end = end;
    });
    t.after(() => this.process.kill('SIGKILL'));
  }

  /** Asks it to stop, waits, and gives its exit code (a signal's name if that ended it). */
  async stop(signal = 'SIGTERM') {
    this.process.kill(signal);
    await until(`end of ${this.process.spawnfile}`, () => this.end);
    return this.end.code ?? this.end.signal;
  }
}

/** Runs pinwheel COMMAND ... to its end; gives its standard output. Throws, with its errors, if it fails. */
function pinwheel(...args) {
  return execFileSync(PROGRAM, args, { encoding: 'utf8', timeout: DEADLINE_MS, maxBuffer: 1 << 28 });
}

module.exports = {
  Child,
  DEADLINE_MS,
  PROGRAM,
  loadWs,
  makeIdentity,
  pinwheel,
  sharedFile,
  temporaryFolder,
  until,
};
