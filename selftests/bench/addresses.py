# SPDX-License-Identifier: GPL-2.0-only
"""Addresses of made-up networks: trees that branch and are skewed as a family says (families.Branching).

An address is the way from the root down such a tree. Nothing is stored: whether a node branches is a hash of where it
is, so the same tree can be walked again and again. IPv6 addresses are IPv4 ones, stretched so that what is a network of
a network there still is one: /16 becomes /32, /24 /48, /28 /64, a host a host.
"""
import socket

_MASK = (1 << 64) - 1
_UNIT = 1 << 32
# How many bits of an IPv6 address, behind 0x2001, each bit of the IPv4 one becomes.
_STRETCH = [1] * 16 + [2] * 8 + [4] * 4 + [16] * 4


def _hash(salt, level, prefix):
    """64 bits that depend on all three."""
    mixed = (prefix * 0x9e3779b97f4a7c15 + (salt << 6 | level) * 0xbf58476d1ce4e5b9) & _MASK
    mixed = (mixed ^ mixed >> 29) * 0x94d049bb133111eb & _MASK
    return mixed ^ mixed >> 32


def walk(random, tree, salt, length, prefix=0, depth=0):
    """`length` bits from tree number `salt`, going on from the `depth` bits in `prefix`."""
    bands = iter(tree)
    band = next(bands)
    for level in range(depth, length):
        while level >= band.until:
            band = next(bands)
        node = _hash(salt, level, prefix)
        heavier = node & 1
        if node >> 32 < band.chance * _UNIT and random.random() >= band.skew:
            heavier ^= 1
        prefix = prefix << 1 | heavier
    return prefix


def stretch(prefix, length):
    """(bits, length) in IPv6 of `length` bits in IPv4."""
    bits, taken = 0x2001, 16
    for level in range(length):
        width = _STRETCH[level]
        seen = prefix >> (length - level - 1)
        bits = bits << width | (seen & 1) << (width - 1) | _hash(0, level, seen) & ((1 << (width - 1)) - 1)
        taken += width
    return (bits, taken) if length else (0, 0)


def text(version, address, length):
    """As rules write it; `address` is a whole one, the bits behind `length` are zero."""
    if not length:
        return "any"
    width = 32 if version == 4 else 128
    packed = address.to_bytes(width // 8, "big")
    name = socket.inet_ntop(socket.AF_INET if version == 4 else socket.AF_INET6, packed)
    return name if length == width else f"{name}/{length}"
