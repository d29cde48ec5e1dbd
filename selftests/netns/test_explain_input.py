# SPDX-License-Identifier: GPL-2.0-only
"""What `explain` can be asked about: bytes, captures, places; and what it says where nothing is filtered."""
import json
import os
import struct
import tempfile

import explain
import frames
import harness
from frames import ICMP, IP, TCP, UDP, Ether, IPv6, Raw
from network import CLIENT, SERVER

_RULES = """
100 count ip from any to any
110 deny tcp from any to any 80
120 unreach port udp from any to any 53 in
65000 allow ip from any to any // it's "quoted" back\\slashed and caf\u00e9
"""


def _capture(*packets, link=1, order="<", magic=0xa1b2c3d4, keep=65535):
    """A classic capture file."""
    text = struct.pack(order + "IHHIIII", magic, 2, 4, 0, 0, 65535, link)
    for packet in map(bytes, packets):
        text += struct.pack(order + "IIII", 1, 2, min(len(packet), keep), len(packet)) + packet[:keep]
    return text


def _block(order, kind, body):
    body += bytes(-len(body) % 4)
    return struct.pack(order + "II", kind, len(body) + 12) + body + struct.pack(order + "I", len(body) + 12)


def _capture_ng(*packets, order="<", simple=False):
    """The same as pcapng."""
    text = _block(order, 0x0a0d0d0a, struct.pack(order + "IHHq", 0x1a2b3c4d, 1, 0, -1))
    text += _block(order, 1, struct.pack(order + "HHI", 1, 0, 0)) + _block(order, 5, bytes(12))
    for packet in map(bytes, packets):
        if simple:
            text += _block(order, 3, struct.pack(order + "I", len(packet)) + packet)
        else:
            text += _block(order, 6, struct.pack(order + "IIIII", 0, 0, 0, len(packet), len(packet)) + packet)
    return text


def _tcp(port, **fields):
    return IP(**{"src": CLIENT.host4, "dst": SERVER.host4, **fields}) / TCP(sport=9, dport=port)


def _came_in(packet):
    return Ether(src=CLIENT.host_mac, dst=CLIENT.firewall_mac) / packet


def _went_out(packet):
    return Ether(src=SERVER.firewall_mac, dst=SERVER.host_mac) / packet


class _File:
    """A file with this content, while it is needed."""

    def __init__(self, content, suffix=".pcap"):
        with tempfile.NamedTemporaryFile(suffix=suffix, delete=False) as file:
            file.write(content)
        self.path = file.name

    def __enter__(self):
        return self.path

    def __exit__(self, *_):
        os.unlink(self.path)


def _summary(found):
    return [(one["number"], packet["direction"], packet["interface"], explain.numbers(packet), packet["verdict"])
            for one in found for packet in one["passes"]]


def test_captures(net):
    net.firewall.load(_RULES)
    packets = [_came_in(_tcp(80)), _went_out(_tcp(81)), _came_in(IP(src=CLIENT.host4, dst=SERVER.host4) / UDP(dport=53)),
               _came_in(IPv6(src=CLIENT.host6, dst=SERVER.host6) / UDP(dport=54)),
               Ether(dst="02:00:00:00:00:77", src=CLIENT.host_mac) / _tcp(80)]
    expected = [(1, "in", "west0", [100, 110], "drop"), (2, "out", "east0", [100, 65000], "allow"),
                (3, "in", "west0", [100, 120], "drop"), (4, "in", "west0", [100, 65000], "allow"),
                (5, "in", "west0", [], "pass")]
    for content in (_capture(*packets), _capture(*packets, order=">"), _capture(*packets, magic=0xa1b23c4d),
                    _capture_ng(*packets), _capture_ng(*packets, order=">"), _capture_ng(*packets, simple=True),
                    _capture_ng(*packets[:3]) + _capture_ng(*packets[3:], order=">")):
        with _File(content) as path:
            harness.equal(_summary(explain.both(net, path)), expected)
    with _File(_capture(*packets), suffix="") as path:
        harness.equal(_summary(explain.both(net, "pcap", path)), expected)
        # As if they were all addressed to this machine.
        everywhere = explain.both(net, "in", "recv", "west0", "pcap-ip", path)
        harness.equal([explain.numbers(one["passes"][0]) for one in everywhere],
                      [[100, 110], [100, 65000], [100, 120], [100, 65000], [100, 110]])
        through = net.firewall.run("explain", "-q", "/dev/stdin", stdin="", status=65).stderr
        harness.contains(through, "ends in the middle of a packet")


def test_captures_of_other_links(net):
    net.firewall.load(_RULES)
    packet, arp = bytes(_tcp(80)), bytes(28)
    kinds = {101: packet, 12: packet, 228: packet, 0: struct.pack("=I", 2) + packet,
             113: bytes(14) + b"\x08\0" + packet, 276: b"\x08\0" + bytes(18) + packet}
    for link, content in kinds.items():
        with _File(_capture(content, link=link)) as path:
            harness.equal(_summary(explain.both(net, path)), [(1, "in", "west0", [100, 110], "drop")], f"link layer {link}")
    with _File(_capture(bytes(14) + b"\x08\x06" + arp, link=113)) as path:
        found = explain.both(net, path)[0]["passes"][0]
        harness.equal((found["verdict"], found["reason"]), ("pass", "not IP"))
    with _File(_capture(packet, link=147)) as path:
        harness.contains(net.firewall.run("explain", path, status=65).stderr, "link layer 147 is not known")


def test_captures_that_are_cut(net):
    """What a capture has not kept is taken for zeros, and that is said."""
    net.firewall.load(_RULES)
    with _File(_capture(_came_in(_tcp(80) / Raw(bytes(range(200)))), keep=64)) as path:
        found = explain.both(net, path)[0]
        harness.equal((found["bytes"], found["verdict"]), (240, "drop"))
        harness.contains(found["note"], "zeros stand for the rest")
    whole = _capture(_came_in(_tcp(80)), _came_in(_tcp(81)))
    for length, text in ((10, "ends in the middle"), (30, "ends in the middle"), (60, "ends in the middle")):
        with _File(whole[:length]) as path:
            harness.contains(net.firewall.run("explain", path, status=65).stderr, text)
    with _File(whole[:-3]) as path:
        result = net.firewall.run("explain", path, status=65)
        harness.contains(result.stderr, "ends in the middle")
        harness.contains(result.stdout, "00110 deny tcp from any to any 80")
    for content, text in ((b"#!/bin/sh, a script that is no capture", "not a capture file"),
                          (_capture_ng(_came_in(_tcp(80)))[:-6], "ends in the middle"),
                          (struct.pack("<IIII", 0x0a0d0d0a, 28, 7, 7) + bytes(12), "not a pcapng section")):
        with _File(content) as path:
            harness.contains(net.firewall.run("explain", path, status=65).stderr, text)
    harness.contains(net.firewall.run("explain", "/nowhere.pcap", status=66).stderr, "No such file")


def test_bytes(net):
    """The same packet as text, from the IP header on, as tcpdump prints it, and as a whole frame."""
    net.firewall.load(_RULES)
    told = explain.one(net, "in", f"tcp {CLIENT.host4}:9 > {SERVER.host4}:80 syn win 8192 id 1")
    packet = bytes(_tcp(80))
    groups = " ".join(packet[at:at + 2].hex() for at in range(0, len(packet), 2)).split()
    dump = [word for line in range(0, len(groups), 8) for word in [f"0x{2 * line:04x}:", *groups[line:line + 8]]]
    frame = bytes(_came_in(_tcp(80)))
    for words in ([packet.hex()], ["hex", packet.hex()], ["hex", *dump], ["hex", " ".join(dump)], ["ether", frame.hex()]):
        found = explain.one(net, "in", *words)
        for name in ("rules", "verdict", "interface"):
            harness.equal(found[name], told[name], f"{name} of {words}")
        harness.equal(found["packet"].split(" mac ")[0], told["packet"].split(" mac ")[0])
    for words, status, text in ((["hex"], 65, "missing bytes"), (["hex", "450"], 65, "half a byte is missing"),
                                (["hex", "45xx"], 65, "bad bytes ``45xx''"), (["ether"], 65, "missing bytes")):
        harness.contains(net.firewall.run("explain", *words, status=status).stderr, text)


def test_mistakes(net):
    net.firewall.load(_RULES)
    udp = f"udp {CLIENT.host4}:1 > {SERVER.host4}:2"
    for words, status, text in (
            (["in"], 64, "missing packet"), (["in", "recv"], 64, "missing name of an interface"),
            (["in", "recv", "nowhere0", udp], 69, "there is no interface nowhere0"),
            (["out", "xmit", "east0", "recv", "nowhere0", udp], 69, "there is no interface nowhere0"),
            (["in", "xmit", "east0", udp], 64, "a packet that comes in is not sent yet"),
            (["out", "fib", "256", udp], 65, "bad number ``256''"), (["out", "tag", "a", udp], 65, "bad number ``a''"),
            (["tcp", CLIENT.host4], 64, "missing destination"), (["out", udp + " len 60000"], 69, "60014 bytes")):
        for form in ([], ["-j"]):
            result = net.firewall.run("explain", *form, *words, status=status)
            harness.contains(result.stderr, text)
    marked = net.firewall.run("explain", "in", f"udp {CLIENT.host4}:1 > {SERVER.host4}:2 ttl 999", status=65).stderr
    shown = f"    explain in udp {CLIENT.host4}:1 > {SERVER.host4}:2 ttl 999"
    harness.equal(marked.splitlines(), ["ipfw: bad value ``999''", shown, " " * shown.index("999") + "^~~",
                                        "    ttl takes a number up to 255"])
    in_file = net.firewall.run("-q", "/dev/stdin", stdin=f"explain in {udp}\n", status=64).stderr
    harness.contains(in_file, "explain: not possible in a rules file")
    # Without a kernel to ask: what was understood.
    harness.equal(net.firewall.run("-n", "explain", "in", udp).stdout, f"{udp}, 28 bytes\n")


def test_json_is_json(net):
    """Also where a rule has in it what must be escaped; and the answer is a frame that scapy understands."""
    net.firewall.load(_RULES)
    found = explain.one(net, "in", f"udp {CLIENT.host4}:1 > {SERVER.host4}:54 len 600")
    harness.contains(found["rules"][-1]["rule"], "it's \"quoted\" back\\slashed and caf\u00e9")
    answer = explain.one(net, "in", f"udp {CLIENT.host4}:1 > {SERVER.host4}:53 len 600")["answer"]
    packet = Ether(bytes.fromhex(answer["frame"]))
    harness.equal((packet[IP].src, packet[IP].dst, packet[ICMP].type, packet[ICMP].code),
                  (CLIENT.firewall4, CLIENT.host4, 3, 3))
    harness.true(frames.checksums_right(packet), "the answer's checksums are wrong")
    line = net.firewall.run("explain", "-j", "in", f"icmp {CLIENT.host4} > {SERVER.host4}").stdout
    harness.true(line.isascii() and line.count("\n") == 1, "not one line of ASCII")
    harness.equal(sorted(json.loads(line)), ["bytes", "error", "note", "packet", "passes", "verdict"])


def test_not_filtered(net):
    udp = f"udp {CLIENT.host4}:1 > {SERVER.host4}:2"

    def outcome(*words):
        found = explain.one(net, *words)
        return found["verdict"], found["rules_say"], found["reason"]

    harness.equal(outcome("in", udp), ("pass", "pass", "no ruleset is loaded"))
    net.firewall.load("100 deny udp from any to any\n65000 allow ip from any to any")
    harness.equal(outcome("in", udp), ("drop", "drop", None))
    harness.equal(outcome("in", "mac-type arp"), ("pass", "pass", "not IP"))
    harness.equal(outcome("in", udp + " mac 02:00:00:00:00:01 > 02:00:00:00:00:02"),
                  ("pass", "pass", "addressed to another host"))
    harness.equal(outcome("in", udp + " mac 02:00:00:00:00:01 > ff:ff:ff:ff:ff:ff"), ("drop", "drop", None))
    net.firewall("disable firewall")
    harness.equal(outcome("in", udp), ("pass", "drop", None))
    harness.contains(explain.text(net, "in", udp), "verdict: pass, the firewall is disabled; enabled: drop\n")
    net.firewall("enable firewall")
    net.gateway.ip("link add new0 type veth peer name new1", "link set new0 up")
    harness.equal(outcome("in", "recv", "new0", udp),
                  ("pass", "pass", "the interface came after the last change of the rules"))
    harness.equal(outcome("out", "xmit", "new0", udp),
                  ("pass", "pass", "the interface came after the last change of the rules"))


def test_bridge_ports(net):
    try:
        net.gateway.ip("link add br0 type bridge", "link add new0 type veth peer name new1", "link set new0 master br0",
                       "link set br0 up")
    except OSError as error:
        raise harness.Skip(f"no bridges here: {error}") from None
    net.firewall.load("65000 allow ip from any to any")
    found = explain.one(net, "in", "recv", "new0", f"udp {CLIENT.host4}:1 > {SERVER.host4}:2")
    harness.equal((found["verdict"], found["reason"]), ("pass", "port of a bridge: packets are filtered on br0"))


def test_vlan_devices(net):
    """Tags of a VLAN that has a device are filtered there; others are looked through."""
    net.firewall.load("100 deny udp from any to any\n65000 allow ip from any to any")
    udp = f"udp {CLIENT.host4}:1 > {SERVER.host4}:2"
    for words in (["in", udp + " vlan 7"], ["in", udp + " vlan 7 vlan 8"], ["out", udp + " vlan 7"]):
        harness.equal(explain.numbers(explain.one(net, *words)), [100], str(words))
    try:
        net.gateway.ip("link add link west0 name vlan7 type vlan id 7", "link set vlan7 up")
    except OSError as error:
        raise harness.Skip(f"no VLAN devices here: {error}") from None
    net.firewall("add 200 count ip from any to any")
    found = explain.one(net, "in", "recv", "west0", udp + " vlan 7")
    harness.equal((found["verdict"], found["reason"]), ("pass", "filtered on the VLAN's own device"))
    harness.equal(explain.numbers(explain.one(net, "in", "recv", "west0", udp + " vlan 8")), [100])
    harness.equal(explain.numbers(explain.one(net, "in", "recv", "vlan7", udp)), [100])


def test_interface_without_link_header(net):
    try:
        net.gateway.ip("tuntap add dev tun0 mode tun", "addr add 10.9.0.1/24 dev tun0", "link set tun0 up")
    except OSError as error:
        raise harness.Skip(f"no tun devices here: {error}") from None
    net.firewall.load("100 count ip from any to any via tun0\n110 unreach port udp from any to any 53\n"
                      "120 reset tcp from any to any 80\n65000 allow ip from any to any")
    for direction, source, target in (("in", "10.9.0.2", "10.9.0.1"), ("out", "10.9.0.1", "10.9.0.2")):
        place = [direction, "via", "tun0"]
        refused = explain.one(net, *place, f"udp {source}:1 > {target}:53")
        harness.equal((explain.numbers(refused), refused["verdict"]), ([100, 110], "drop"))
        harness.contains(refused["answer"]["packet"], f"> {source} type unreachable code port len 56")
        harness.equal(len(refused["answer"]["frame"]), 2 * 56, "bytes of the answer")
        reset = explain.one(net, *place, f"tcp {source}:1 > {target}:80 syn")
        harness.contains(reset["answer"]["packet"], f"tcp {target}:80 > {source}:1 rst,ack ack 1")
        harness.equal(explain.numbers(explain.one(net, *place, f"icmp {source} > {target}")), [100, 65000])
        harness.equal(explain.numbers(explain.one(net, *place, f"udp {source} > {target} frag 8")), [100, 65000])
        # A frame from elsewhere loses its link header.
        frame = bytes(Ether() / IP(src=source, dst=target) / UDP(dport=53)).hex()
        harness.equal(explain.numbers(explain.one(net, *place, "ether", frame)), [100, 110])


def test_what_is_assumed(net):
    """Direction and interfaces that are not said come from frame and routes, and are told."""
    net.firewall.load("65000 allow ip from any to any")
    udp = f"udp {CLIENT.host4}:1 > {SERVER.host4}:2"
    for words, place, assumed in (
            ([udp], ("in", "west0", "west0"), ["direction", "interface"]),
            (["in", udp], ("in", "west0", "west0"), ["interface"]),
            (["recv", "east0", udp], ("in", "east0", "east0"), ["direction"]),
            (["in", "via", "east0", udp], ("in", "east0", "east0"), []),
            (["out", udp], ("out", "east0", "west0"), ["interface", "recv"]),
            (["xmit", "west0", udp], ("out", "west0", "west0"), ["recv"]),
            (["out", "xmit", "west0", "recv", "east0", udp], ("out", "west0", "east0"), []),
            (["out", f"udp {CLIENT.firewall4}:1 > {SERVER.host4}:2"], ("out", "east0", None), ["interface", "recv"]),
            (["in", "udp 203.0.113.9:1 > 203.0.113.8:2"], ("in", "west0", "west0"), ["interface"]),
            (["ether", bytes(_went_out(_tcp(1))).hex()], ("out", "east0", "west0"), ["direction", "interface", "recv"]),
            (["ether", bytes(_came_in(_tcp(1))).hex()], ("in", "west0", "west0"), ["direction", "interface"])):
        found = explain.one(net, *words)
        harness.equal((found["direction"], found["interface"], found["recv"]), place, str(words))
        harness.equal(found["assumed"], assumed, str(words))
    harness.contains(explain.text(net, udp), "  assumed: in, recv west0\n")
    harness.contains(explain.text(net, "out", udp), "  assumed: xmit east0, recv west0\n")
