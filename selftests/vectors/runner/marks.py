# SPDX-License-Identifier: GPL-2.0-only
"""Tags and routing tables: what rules gave a packet, and what a packet that they let through takes along."""

import struct

from .pins import NUMBERS, STRUCTS
from .tool import Mismatch, expect

WORDS = {"tag", "untag", "setfib"}
TAG_WORDS = {"tag", "untag", "tagged"}
FIB_SHIFT, TAGS_SHIFT, BYTE = NUMBERS["CARRY_FIB_SHIFT"], NUMBERS["CARRY_TAGS_SHIFT"], 0xFF


def concern(vector):
    """Whether the vector's rules, or commands between packets, give packets tags or tables."""
    commands = vector["rules"] + [element["cmd"] for element in vector["packets"] if "cmd" in element]
    return any(WORDS & set(command.split()) for command in commands)


def numbered(vector):
    """Whether rules take tags out of tables: then packets have them as numbers (PACKET_TAG() in ipfw/packet.h)."""
    rules = [rule.split() for rule in vector["rules"]]
    return any(word in TAG_WORDS and following == "tablearg"
               for rule in rules for word, following in zip(rule, rule[1:]))


def _tags(word, pins):
    """The tags that packet.tags stands for."""
    if not pins.tags_numbered:
        return sorted(number for bit, number in enumerate(pins.tags) if word >> bit & 1)
    fields = [word >> 16 * place & 0xFFFF for place in range(NUMBERS["PACKET_TAGS_MAX"])]
    return sorted(field ^ 0xFFFF for field in fields if field)


def incoming(element):
    """skb->mark of a packet that comes to the rules with a table."""
    return element.get("fib", 0) << FIB_SHIFT


def _expected(element):
    return element.get("fib_out", element.get("fib", 0)), sorted(element.get("tags", []))


def _check_mark(element, mark, mask, pins):
    """Compares the bits of skb->mark that the rules care for."""
    fib, tags = _expected(element)
    if mask >> FIB_SHIFT & BYTE:
        expect("fib_out of the packet let through", fib, mark >> FIB_SHIFT & BYTE)
    crossing = {number: mark >> TAGS_SHIFT + bit & 1 for bit, number in enumerate(pins.tags)
                if mask >> TAGS_SHIFT & 1 << bit}
    expect("tags of the packet let through", [tag for tag in tags if tag in crossing],
           sorted(tag for tag, there in crossing.items() if there))


def check_metadata(element, metadata, pins):
    """What XDP has left in front of a packet that passes; nothing where no rule gives anything."""
    if not metadata:
        return
    marks = STRUCTS["packet_marks"]
    data = metadata[NUMBERS["MARKS_OFFSET_ETHERNET"] :]
    secret = STRUCTS["control"].get(pins.control.read(0), "reply_mark") ^ 0xFFFFFFFF
    if pins.tags_numbered and marks.raw(data, "secret")[0] & 1 != secret & 1:
        secret ^= 1
    expect("secret of the metadata", secret.to_bytes(4, "little").hex(), marks.raw(data, "secret").hex())
    _check_mark(element, marks.get(data, "mark") << 16, marks.get(data, "mask") << 16, pins)


def check_mark(element, mark, pins):
    """skb->mark of a packet that passes TC."""
    if "fib_out" in element:
        _check_mark(element, mark, BYTE << FIB_SHIFT, pins)


def check_traced(element, pins, run):
    """
    Has the programs trace the packet: `run` runs them on it, given the trace mark without the packet's link address.
    Compares what the rules gave it, also if they let nobody have it.
    """
    control = STRUCTS["control"]
    data = pins.control.read(0)
    pins.trace.write(0, bytes(STRUCTS["trace"].size))
    run(struct.pack("=I", control.get(data, "reply_mark")), control.raw(data, "reply_mac"))
    trace, packet = pins.trace.read(0), STRUCTS["packet"]
    if not STRUCTS["trace"].get(trace, "outcome"):
        raise Mismatch("tags: expected a traced packet | got none")
    base = STRUCTS["trace"].members["packet"][0]
    fib, expected = _expected(element)
    expect("tags", expected, _tags(packet.get(trace, "tags", base), pins))
    expect("fib_out", fib, packet.get(trace, "fib", base))
