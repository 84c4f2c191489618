#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
#
# Compressed files that were joined: which readers stop early, and fflate even inside the first one.
#
# Expected: gzip, LZ4 and Zstandard allow several members or frames in one file, so that an archive can be appended to with
#   cat; a reader gives all of them, or at least the first one whole, or an error.
# Seen (6,000 bytes joined with 3,500): fflate 0.8.3's gunzipSync gives 3,500 bytes of the first member, since it takes the
#   length from the end of the file, and nothing at all when the last member is empty; its streaming Gunzip gives all 9,500.
#   lz4js 0.2.0's decompress and python3-lz4 4.0.2's lz4.frame.decompress give the first 6,000, python3-lz4's open all.
#   python3-zstd 1.5.2.5 refuses. pako 3.0.3, fzstd 0.1.1 and node's zlib give all.
# So what: captures and daily files of trades are often appended to, or joined by the hour. Read with fflate, such a day is
#   its first hour, cut in mid-record to the size of the last one; with lz4, it is its first hour. Nothing is reported: use
#   the streaming calls, and compare the number of bytes.
set -euo pipefail

work=$(mktemp -d)
trap 'rm -rf -- "$work"' EXIT
cd -- "$work"
fail() { printf 'CHANGED: %s\n' "$*"; exit 1; }

packages=(python3-lz4=4.0.2+dfsg-1+b2 liblz4-1=1.9.4-1 python3-zstd=1.5.2.5-1+b3)
apt-get download "${packages[@]}" >/dev/null 2>&1 || fail "the Debian packages cannot be downloaded"
for package in *.deb; do dpkg -x "$package" root; done
npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$work" \
    fflate@0.8.3 lz4js@0.2.0 pako@3.0.3 fzstd@0.1.1 >/dev/null 2>&1 || fail "the npm packages cannot be installed"
export LD_LIBRARY_PATH=$work/root/usr/lib/x86_64-linux-gnu PYTHONPATH=$work/root/usr/lib/python3/dist-packages

cat >make.py <<'END'
import gzip
import lz4.frame
import zstd

first, second = b"first\n" * 1000, b"second\n" * 500
open("joined.gz", "wb").write(gzip.compress(first) + gzip.compress(second))
open("ended.gz", "wb").write(gzip.compress(first) + gzip.compress(b""))
open("joined.lz4", "wb").write(lz4.frame.compress(first) + lz4.frame.compress(second))
open("joined.zst", "wb").write(zstd.compress(first) + zstd.compress(second))
END
/usr/bin/python3 make.py

cat >read.cjs <<'END'
const fs = require('fs');
const fflate = require('fflate');
const [gzip, ended, lz4, zstd] = ['joined.gz', 'ended.gz', 'joined.lz4', 'joined.zst'].map((name) => fs.readFileSync(name));
let streamed = 0;
new fflate.Gunzip((chunk) => { streamed += chunk.length; }).push(gzip, true);
console.log(`fflate ${fflate.gunzipSync(gzip).length} ${fflate.gunzipSync(ended).length} stream ${streamed}`);
console.log(`lz4js ${require('lz4js').decompress(lz4).length}`);
console.log(`pako ${require('pako').ungzip(gzip).length} fzstd ${require('fzstd').decompress(zstd).length}`);
console.log(`zlib ${require('zlib').gunzipSync(gzip).length}`);
END
cat >read.py <<'END'
import lz4.frame
import zstd

joined = open("joined.lz4", "rb").read()
print("lz4.frame", len(lz4.frame.decompress(joined)), "open", len(lz4.frame.open("joined.lz4").read()))
try:
    print("zstd", len(zstd.decompress(open("joined.zst", "rb").read())))
except zstd.Error:
    print("zstd refuses")
END
seen=$(node read.cjs; /usr/bin/python3 read.py)
printf '%s\n' "$seen"

[[ $seen == "fflate 3500 0 stream 9500
lz4js 6000
pako 9500 fzstd 9500
zlib 9500
lz4.frame 6000 open 9500
zstd refuses" ]] || fail "other readers stop, or elsewhere"
echo "as stated"
