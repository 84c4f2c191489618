#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""hardened.py PROGRAM...: each program's ELF headers say that it is hardened: loaded anywhere, symbols bound before it
runs and then read-only, no stack or data that is code.

cases/39-least-privilege
"""
import struct
import sys

PT_LOAD, PT_DYNAMIC, PT_INTERP = 1, 2, 3
PT_GNU_STACK, PT_GNU_RELRO = 0x6474E551, 0x6474E552
DT_TEXTREL, DT_BIND_NOW, DT_FLAGS, DT_FLAGS_1 = 22, 24, 30, 0x6FFFFFFB


class Elf:
    def __init__(self, path):
        with open(path, "rb") as file:
            self.data = file.read()
        assert self.data[:6] == b"\x7fELF\x02\x01", "no ELF of 64 bits, little-endian"
        self.type, = struct.unpack_from("<H", self.data, 16)
        table, = struct.unpack_from("<Q", self.data, 32)
        size, count = struct.unpack_from("<HH", self.data, 54)
        self.segments = [struct.unpack_from("<IIQQQQQQ", self.data, table + i * size) for i in range(count)]
        self.dynamic = []
        for kind, _, offset, _, _, bytes_, _, _ in self.segments:
            if kind == PT_DYNAMIC:
                self.dynamic = [struct.unpack_from("<QQ", self.data, offset + i) for i in range(0, bytes_, 16)]

    def entry(self, tag):
        return next((value for found, value in self.dynamic if found == tag), None)


def faults(elf):
    flags = {kind: flags for kind, flags, *_ in elf.segments}
    now = elf.entry(DT_BIND_NOW) is not None or (elf.entry(DT_FLAGS) or 0) & 8 or (elf.entry(DT_FLAGS_1) or 0) & 1
    return [text for bad, text in (
        (elf.type != 3 or PT_INTERP not in flags, "is not position independent"),
        (flags.get(PT_GNU_STACK, 1) & 1, "has a stack that is code"),
        (any(kind == PT_LOAD and bits & 3 == 3 for kind, bits, *_ in elf.segments), "has data that is code"),
        (PT_GNU_RELRO not in flags, "has no read-only relocations"),
        (not now, "binds symbols while it runs"),
        (elf.entry(DT_TEXTREL) is not None, "changes its code when it is loaded"),
    ) if bad]


def main():
    bad = [f"{path}: {text}" for path in sys.argv[1:] for text in faults(Elf(path))]
    print("\n".join(bad) if bad else f"{len(sys.argv) - 1} programs are hardened")
    sys.exit(1 if bad or len(sys.argv) < 2 else 0)


main()
