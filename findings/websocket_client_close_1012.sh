#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Python's websocket-client takes "service restart" for a protocol error and then waits on a connection that is over.
#
# Expected: a server's close frame ends the connection, whatever registered code it carries; recv() raises, and nothing that
#   the server did not send comes out of recv().
# Seen (python3-websocket 1.2.3-1 on Debian's python3 3.11, ws 8.18.3 as the server): a close with 1000, 1001, 1011, 1014 or
#   4000 comes out of recv() as an empty string, the same as an empty message, and only the next call raises. A close with
#   1012 (service restart) or 1013 (try again later), both in IANA's registry as 1014 is, raises WebSocketProtocolException,
#   and leaves the object `connected`: every later recv() runs into its time-out.
# So what: the two codes are made for a venue or a local API that restarts or is overloaded. A client that logs the exception
#   and reads on stays silent instead of reconnecting; one that parses each string fails on '' at a plain close. A server
#   with such clients closes with 1001.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd -- "$work"
fail() { printf 'CHANGED: %s\n' "$*"; exit 1; }

version=1.2.3-1
apt-get download "python3-websocket=$version" >/dev/null 2>&1 || fail "python3-websocket $version cannot be downloaded"
dpkg -x python3-websocket_*.deb root
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$work" ws@8.18.3 >/dev/null 2>&1 ||
    fail "ws 8.18.3 cannot be installed"

cat >server.cjs <<'END'
const { WebSocketServer } = require('ws');
const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
server.on('listening', () => console.log(server.address().port));
server.on('connection', (peer, request) => {
    peer.send('one');
    peer.close(Number(request.url.slice(1)), 'bye');
});
setTimeout(() => process.exit(), 60000);
END
cat >client.py <<'END'
import sys
import websocket

def read(peer):
    try:
        return repr(peer.recv())
    except Exception as error:
        return type(error).__name__

for code in (1000, 1001, 1011, 1012, 1013, 1014, 4000):
    peer = websocket.create_connection("ws://127.0.0.1:%s/%d" % (sys.argv[1], code), timeout=1)
    texts = [read(peer) for _ in range(3)]
    print(code, *texts, "connected" if peer.connected else "closed")
END
node server.cjs >port &
server=$!
trap 'kill "$server" 2>/dev/null || true; rm -rf -- "$work"' EXIT
for _ in $(seq 50); do [[ -s port ]] && break; sleep 0.1; done
seen=$(PYTHONPATH=$work/root/usr/lib/python3/dist-packages /usr/bin/python3 client.py "$(cat port)")
printf '%s\n' "$seen"

stated=
for code in 1000 1001 1011 1012 1013 1014 4000; do
    case $code in
        1012 | 1013) stated+="$code 'one' WebSocketProtocolException WebSocketTimeoutException connected"$'\n' ;;
        *) stated+="$code 'one' '' WebSocketConnectionClosedException closed"$'\n' ;;
    esac
done
[[ $seen == "${stated%$'\n'}" ]] || fail "closes are read in another way"
echo "as stated"
