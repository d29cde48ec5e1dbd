# SPDX-License-Identifier: GPL-2.0-only
"""Which packets does which rule body match? On input and on output at once.

check() loads two `count` rules per body, one with ` in` and one with ` out`, forwards each packet
from the client to the server alone, and compares which counters moved by the packet, and how far.
"""
import frames
import harness
import traffic
from frames import IP, Ether, IPv6
from network import CLIENT

LAST = 65000


def _length(packet):
    """IP length of a packet that starts with its IP header."""
    return packet[IP].len if IP in packet else packet[IPv6].plen + 40


def _rules(bodies):
    lines = []
    for index, body in enumerate(bodies):
        for offset, direction in enumerate(("in", "out")):
            lines.append(f"{100 + index * 10 + offset} count {body} {direction}")
    return "\n".join(lines) + f"\n{LAST} allow ip from any to any"


def _counters(net):
    return {rule.number: (rule.packets, rule.bytes) for rule in net.firewall.show()}


def _forward(net, packet, what):
    """Sends `packet` alone; returns {number: (packets, bytes)} that it moved, without rule LAST."""
    ether = Ether(src=CLIENT.host_mac, dst=CLIENT.firewall_mac)
    expected = (2, 2 * _length(packet))
    for _ in range(5):
        before = _counters(net)
        frames.send(net.client, "eth0", ether / packet)
        traffic.wait_for(lambda: net.firewall.packets(LAST) - before[LAST][0] >= 2, traffic.PATIENCE * 2)
        now = _counters(net)
        moved = {number: (now[number][0] - before[number][0], now[number][1] - before[number][1])
                 for number in now if now[number] != before[number]}
        # Anything else: the kernel sent something of its own (multicast reports) in between.
        if moved.pop(LAST, None) == expected:
            return moved
    raise harness.Failure(f"{what} was not forwarded")


def check(net, packets, expected):
    """packets: {name: scapy IP or IPv6 packet}; expected: {body: names of the packets that match}."""
    # The server knows no way back, so it answers nothing.
    net.server.ip("route del default", "route del ::/0")
    bodies = list(expected)
    net.firewall.load(_rules(bodies))
    matched = {(body, direction): set() for body in bodies for direction in ("in", "out")}
    for name, packet in packets.items():
        packet = packet.__class__(bytes(packet))
        for number, counted in _forward(net, packet, name).items():
            body = bodies[(number - 100) // 10]
            direction = ("in", "out")[number % 10]
            harness.equal(counted, (1, _length(packet)), f"{name} at {body!r} {direction}")
            matched[body, direction].add(name)
    wrong = [f"{body!r} {direction}: matched {sorted(matched[body, direction])} instead of {sorted(set(names))}"
             for body, names in expected.items() for direction in ("in", "out")
             if matched[body, direction] != set(names)]
    if wrong:
        raise harness.Failure("; ".join(wrong))
