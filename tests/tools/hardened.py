#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""hardened.py PROGRAM...: each program's ELF headers say that it is hardened: loaded anywhere, symbols bound before it
runs and then read-only, no stack or data that is code, and its own code built with stack protector and checked calls.

cases/39-least-privilege
"""
import struct
import sys

PT_LOAD, PT_DYNAMIC, PT_INTERP = 1, 2, 3
PT_GNU_STACK, PT_GNU_RELRO = 0x6474E551, 0x6474E552
DT_NEEDED, DT_STRTAB, DT_SYMTAB, DT_STRSZ, DT_RPATH, DT_TEXTREL, DT_FLAGS, DT_RUNPATH, DT_BIND_NOW, DT_FLAGS_1 = (
    1, 5, 6, 10, 15, 22, 30, 29, 24, 0x6FFFFFFB)


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

    def at(self, address):
        for kind, _, offset, start, _, bytes_, _, _ in self.segments:
            if kind == PT_LOAD and start <= address < start + bytes_:
                return offset + address - start
        raise ValueError("address outside of the file")

    def names(self):
        """All names of dynamic symbols and libraries."""
        start = self.at(self.entry(DT_STRTAB))
        return set(self.data[start:start + self.entry(DT_STRSZ)].split(b"\0"))


def faults(elf):
    flags = {kind: flags for kind, flags, *_ in elf.segments}
    names = elf.names()
    now = elf.entry(DT_BIND_NOW) is not None or (elf.entry(DT_FLAGS) or 0) & 8 or (elf.entry(DT_FLAGS_1) or 0) & 1
    return [text for bad, text in (
        (elf.type != 3 or PT_INTERP not in flags, "is not position independent"),
        (flags.get(PT_GNU_STACK, 1) & 1, "has a stack that is code"),
        (any(kind == PT_LOAD and bits & 3 == 3 for kind, bits, *_ in elf.segments), "has data that is code"),
        (PT_GNU_RELRO not in flags, "has no read-only relocations"),
        (not now, "binds symbols while it runs"),
        (elf.entry(DT_TEXTREL) is not None, "changes its code when it is loaded"),
        (b"__stack_chk_fail" not in names, "has no stack protector"),
        (not any(name.startswith(b"__") and name.endswith(b"_chk") for name in names), "has no checked calls"),
    ) if bad]


def main():
    bad = [f"{path}: {text}" for path in sys.argv[1:] for text in faults(Elf(path))]
    print("\n".join(bad) if bad else f"{len(sys.argv) - 1} programs are hardened")
    sys.exit(1 if bad or len(sys.argv) < 2 else 0)


main()
