# SPDX-License-Identifier: GPL-2.0-only
"""Packets for a ruleset: flows that its rules want, and the order in which they come.

A flow is drawn from a rule's own values at random, the rules in turn, so that all are hit evenly (a rule in front may
want the packet as well, and then gets it). Rules for protocols that the fast parser does not know have no flows: what
is measured is the rules, not the parser. With `popularity` the flows come as often as Zipf's law says; without it each
comes once in every round, in an order that never changes.
"""
import random
import struct

import rulesets

MAGIC = b"flow"
# One packet. Ports are type and code for ICMP. The checksum is that of the IPv4 header.
_RECORD = {4: struct.Struct("!IIHHBBH"), 6: struct.Struct("!16s16sHHBBH")}
_PROTOCOLS = {"tcp": 6, "udp": 17, "icmp": 1, "ipv6-icmp": 58}
_SYN, _ACK, _RST, _FIN = 0x02, 0x10, 0x04, 0x01
_FLAGS = {"setup": _SYN, "established": _ACK, "tcpflags !syn": _ACK, "tcpflags ack": _ACK, "tcpflags rst": _RST,
          "tcpflags fin": _FIN}
_UNICAST = [octet for octet in range(1, 224) if octet != 127]
IP_BYTES = 40
ZIPF_PACKETS = 65536


def _checksum4(source, destination, protocol):
    """Of the header that replay.c makes: 40 bytes, identification 0, don't fragment, time to live 64."""
    total = 0x4500 + IP_BYTES + 0x4000 + (64 << 8 | protocol)
    for address in (source, destination):
        total += (address >> 16) + (address & 0xffff)
    total = (total & 0xffff) + (total >> 16)
    return 0xffff - ((total & 0xffff) + (total >> 16))


def _address(source, value, length, width):
    """An address of the prefix; of the whole IPv4 internet only one that packets may come from."""
    if length == width:
        return value
    if length or width == 128:
        return value | source.getrandbits(width - length)
    first = source.choice(_UNICAST)
    return first << 24 | source.getrandbits(24)


def _protocol(source, rule):
    """Number of the protocol, None: no fast packet has it."""
    if rule.protocol in ("ip", "ip6"):
        return source.choice((6, 6, 17))
    return _PROTOCOLS.get(rule.protocol)


def _ports(source, rule, protocol):
    if protocol in (1, 58):
        words = rule.words.split()
        return (int(words[1]) if words else source.choice((8, 0) if protocol == 1 else (128, 129))), 0
    # Most clients use high ports.
    chosen = []
    for low, high in (rule.source_ports, rule.destination_ports):
        chosen.append(source.randint(1024 if (low, high) == rulesets.ANY_PORT else low, high))
    return tuple(chosen)


def _packet(source, rule):
    """The record of a packet that the rule wants, or None."""
    protocol = _protocol(source, rule)
    if protocol is None:
        return None
    width = 32 if rule.version == 4 else 128
    one = _address(source, rule.source, rule.source_length, width)
    other = _address(source, rule.destination, rule.destination_length, width)
    flags = _FLAGS.get(rule.words, source.choice((_SYN, _ACK))) if protocol == 6 else 0
    ports = _ports(source, rule, protocol)
    if protocol in (1, 58):
        ports = ports[0] << 8 | ports[1], 0
    if rule.version == 4:
        return _RECORD[4].pack(one, other, *ports, protocol, flags, _checksum4(one, other, protocol))
    return _RECORD[6].pack(one.to_bytes(16, "big"), other.to_bytes(16, "big"), *ports, protocol, flags, 0)


def flows(rules, count, seed=1):
    """Packets of `count` different flows, or of fewer, if the rules name everything and so want no more."""
    source = random.Random(f"flows {seed} {count}")
    order = list(rules)
    source.shuffle(order)
    found = {}
    barren = 0
    while len(found) < count and barren < 3:
        before = len(found)
        for rule in order:
            packet = _packet(source, rule)
            if packet:
                found[packet] = None
            if len(found) == count:
                break
        barren = barren + 1 if len(found) == before else 0
    made = list(found)
    source.shuffle(made)
    return made


def sequence(packets, popularity=False, seed=1):
    """The packets in the order in which they come; see above."""
    if not popularity:
        return packets
    source = random.Random(f"popularity {seed} {len(packets)}")
    weights = [1 / (rank + 1) for rank in range(len(packets))]
    return source.choices(packets, weights, k=ZIPF_PACKETS)


def write(path, version, packets):
    """The file that build/bench/replay reads."""
    with open(path, "wb") as file:
        file.write(MAGIC + struct.pack("=II", version, len(packets)))
        file.write(b"".join(packets))
