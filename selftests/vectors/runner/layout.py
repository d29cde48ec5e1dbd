# SPDX-License-Identifier: GPL-2.0-only
"""Reads C struct layouts and number macros from the project's headers, so that no offset is written twice."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
SIZES = {"__u8": 1, "__u16": 2, "__u32": 4, "__u64": 8}


class Struct:
    """Offsets of the members of one struct whose members are plain __uN, structs of such, or arrays of them."""

    def __init__(self, name, body, numbers, structs):
        self.name = name
        self.members = {}
        offset = 0
        self.alignment = 1
        for kind, declarators in re.findall(r"(__u\d+|struct \w+)\s+([^;]+);", body):
            for declarator in declarators.split(","):
                member, dimensions = re.fullmatch(r"\s*(\w+)\s*((?:\[\w+\])*)\s*", declarator).groups()
                inner = structs.get(kind.removeprefix("struct "))
                unit = inner.size if inner else SIZES[kind]
                alignment = inner.alignment if inner else unit
                count = 1
                for length in re.findall(r"\w+", dimensions):
                    count *= numbers[length] if length in numbers else int(length)
                offset = -(-offset // alignment) * alignment
                self.members[member] = (offset, unit, count)
                self.alignment = max(self.alignment, alignment)
                offset += unit * count
        self.size = -(-offset // self.alignment) * self.alignment

    def get(self, data, member, base=0):
        """The number in `member` of the struct that starts at `base` of `data`."""
        offset, unit, _ = self.members[member]
        return int.from_bytes(data[base + offset : base + offset + unit], "little")

    def numbers(self, data, member, base=0):
        """The numbers of the array `member`."""
        offset, unit, count = self.members[member]
        start = base + offset
        return [int.from_bytes(data[at : at + unit], "little") for at in range(start, start + unit * count, unit)]

    def set(self, data, member, value):
        """Writes the number into `member` of the struct in the bytearray `data`."""
        offset, unit, _ = self.members[member]
        data[offset : offset + unit] = value.to_bytes(unit, "little")

    def raw(self, data, member, base=0):
        """The bytes of `member`."""
        offset, unit, count = self.members[member]
        return bytes(data[base + offset : base + offset + unit * count])


def _without_comments(path):
    return re.sub(r"/\*.*?\*/|//[^\n]*", "", (ROOT / path).read_text(), flags=re.S)


def _enumerators(text):
    """The numbers of enumerators that are just counted."""
    return {name: number for body in re.findall(r"^enum \w+ \{([\w\s,]*)\};", text, flags=re.M)
            for number, name in enumerate(re.findall(r"\w+", body))}


def read_layouts():
    """Returns (structs by name, numbers by name of macro or enumerator) of the headers that describe pinned maps."""
    headers = ("include/ipfw/limits.h", "include/ipfw/carry.h", "include/ipfw/packet.h", "maps/layout.h")
    text = "".join(map(_without_comments, headers))
    numbers = {
        name: int(value, 0) for name, value in re.findall(r"^#define (\w+) (0x[0-9a-fA-F]+|\d+)\s*$", text, flags=re.M)
    }
    numbers |= _enumerators(text)
    structs = {}
    for name, body in re.findall(r"^struct (\w+) \{(.*?)\};", text, flags=re.M | re.S):
        structs[name] = Struct(name, body, numbers, structs)
    return structs, numbers
