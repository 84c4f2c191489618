#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Python's InfluxDB client moves the stamps of a pandas table to steps of 256 ns, where the server keeps one row of each step.
#
# Expected: a table with an integer column and an index of nanosecond stamps is written with these integers and stamps, as
#   InfluxDB's line protocol holds both in 64 bits; the same integer gives the same field from a table and from a dict.
# Seen (python3-influxdb 5.3.1-3, python3-pandas 1.5.3+dfsg-2): DataFrameClient.write_points sends the columns exactly, but
#   the stamps through a double: 1764450000123456700, ..6789 and ..6791 become ..6768, ..6768 and ..6768. InfluxDBClient
#   sends an int exactly and the same number as numpy.int64 as a float, 1.7644500001234568e+18; a numpy.bool_ as 1.0; and a
#   pandas Timestamp cut to the microsecond.
# So what: a point with the stamp and tags of an earlier one replaces it on the server, so trades within 256 ns of each other,
#   or within a microsecond, are silently one; and an id or quantity taken from a numpy row turns its field into floats, after
#   which integers are refused. Give the stamps as Python ints, and values as int(x).
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd -- "$work"
fail() { printf 'CHANGED: %s\n' "$*"; exit 1; }

# The last two lines: libraries beneath, in whatever version Debian 12 has.
packages=(python3-influxdb=5.3.1-3 python3-pandas=1.5.3+dfsg-2 python3-pandas-lib=1.5.3+dfsg-2
    python3-numpy=1:1.24.2-1+deb12u1 libblas3=3.11.0-2 liblapack3=3.11.0-2
    libgfortran5=12.2.0-14+deb12u1 libquadmath0=12.2.0-14+deb12u1
    python3-dateutil python3-tz python3-six python3-requests python3-urllib3 python3-msgpack
    python3-idna python3-chardet python3-charset-normalizer python3-certifi)
apt-get download "${packages[@]}" >/dev/null 2>&1 || fail "the packages cannot be downloaded"
for package in *.deb; do dpkg -x "$package" root; done
lib=$work/root/usr/lib/x86_64-linux-gnu
export LD_LIBRARY_PATH=$lib:$lib/blas:$lib/lapack PYTHONPATH=$work/root/usr/lib/python3/dist-packages

cat >write.py <<'END'
import http.server
import threading

import influxdb
import numpy
import pandas

class Server(http.server.BaseHTTPRequestHandler):
    """Stands where the database stands: shows each line that it is sent."""

    def do_POST(self):
        for line in self.rfile.read(int(self.headers["content-length"])).decode().splitlines():
            print(line, flush=True)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *args):
        pass

server = http.server.HTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
place = dict(host="127.0.0.1", port=server.server_port, database="trades")

stamps = [1764450000123456700, 1764450000123456789, 1764450000123456791]
table = pandas.DataFrame({"id": stamps}, index=pandas.to_datetime(stamps))
influxdb.DataFrameClient(**place).write_points(table, "trade")

client = influxdb.InfluxDBClient(**place)
for time, value in ((stamps[1], stamps[1]), (stamps[1], numpy.int64(stamps[1])), (stamps[1], numpy.bool_(True)),
                    (pandas.Timestamp(stamps[1]), 1)):
    client.write_points([{"measurement": "trade", "fields": {"id": value}, "time": time}])
END
seen=$(env -u http_proxy -u https_proxy -u all_proxy no_proxy=127.0.0.1 /usr/bin/python3 -W ignore write.py)
printf '%s\n' "$seen"

[[ $seen == "trade id=1764450000123456700i 1764450000123456768
trade id=1764450000123456789i 1764450000123456768
trade id=1764450000123456791i 1764450000123456768
trade id=1764450000123456789i 1764450000123456789
trade id=1.7644500001234568e+18 1764450000123456789
trade id=1.0 1764450000123456789
trade id=1i 1764450000123456000" ]] || fail "other lines are sent"
echo "as stated"
