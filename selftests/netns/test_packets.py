# SPDX-License-Identifier: GPL-2.0-only
"""Odd packets: IP options, extension headers, fragments, VLAN tags; truncated and malformed ones."""
import contextlib
import struct

import frames
import harness
import matrix
import traffic
import wire
from frames import ICMP, IP, TCP, UDP, Dot1Q, Ether, IPv6, Raw
from network import CLIENT, SERVER
from scapy.layers.inet import IPOption_NOP
from scapy.layers.inet6 import (HBHOptUnknown, ICMPv6EchoRequest, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment,
                                IPv6ExtHdrHopByHop)

OPEN = "65000 allow ip from any to any"
# The kernel sends multicast reports when it likes.
_ASKED_FOR = "not dst-ip6 ff02::/16"


def _v4(payload, **fields):
    return IP(**{"src": CLIENT.host4, "dst": SERVER.host4, **fields}) / payload


def _v6(payload, **fields):
    return IPv6(**{"src": CLIENT.host6, "dst": SERVER.host6, **fields}) / payload


def _ether(**fields):
    return Ether(**{"src": CLIENT.host_mac, "dst": CLIENT.firewall_mac, **fields})


_DATAGRAM = UDP(sport=1000, dport=53) / Raw(b"data")


@harness.time_limit(60)
def test_ip_options_are_stepped_over(net):
    packets = {"none": _v4(_DATAGRAM), "nops": _v4(_DATAGRAM, options=[IPOption_NOP()] * 4),
               "full": _v4(_DATAGRAM, options=[IPOption_NOP()] * 40),
               "tcp": _v4(TCP(sport=1000, dport=80, flags="S"), options=[IPOption_NOP()] * 8),
               "icmp": _v4(ICMP(), options=[IPOption_NOP()] * 12)}
    matrix.check(net, packets, {
        "udp from any 1000 to any 53": {"none", "nops", "full"},
        "tcp from any 1000 to any 80 setup": {"tcp"},
        "icmp from any to any icmptypes 8": {"icmp"},
    })


@harness.time_limit(60)
def test_extension_headers_are_stepped_over(net):
    pad = [HBHOptUnknown(otype=0x1e, optdata=b"\1" * 12)]
    routing = Raw(bytes.fromhex("1102020000000000") + bytes(16))  # type 2, no segments left, UDP follows
    routing_tcp = Raw(bytes.fromhex("0602020000000000") + bytes(16))
    authentication = Raw(bytes.fromhex("11040000000000010000000100000000") + bytes(8))
    packets = {
        "plain": _v6(_DATAGRAM), "hop": _v6(IPv6ExtHdrHopByHop(options=pad) / _DATAGRAM),
        "destination": _v6(IPv6ExtHdrDestOpt(options=pad) / _DATAGRAM),
        "routing": _v6(routing / Raw(bytes(UDP(sport=1000, dport=53, len=12, chksum=1))) / Raw(b"data"), nh=43),
        "authentication": _v6(authentication / Raw(bytes(UDP(sport=1000, dport=53, len=12, chksum=1))) / Raw(b"data"),
                              nh=51),
        "many": _v6(IPv6ExtHdrHopByHop(options=pad) / IPv6ExtHdrDestOpt(options=pad) / IPv6ExtHdrDestOpt(options=pad) /
                    _DATAGRAM),
        "atomic": _v6(IPv6ExtHdrFragment() / _DATAGRAM),
        "tcp": _v6(IPv6ExtHdrHopByHop(options=pad) / TCP(sport=1000, dport=80, flags="S")),
        "tcprouting": _v6(routing_tcp / Raw(bytes(TCP(sport=1000, dport=80, flags="S", chksum=1))), nh=43),
        "echo": _v6(IPv6ExtHdrDestOpt(options=pad) / ICMPv6EchoRequest()),
    }
    datagrams = set(packets) - {"tcp", "tcprouting", "echo"}
    matrix.check(net, packets, {
        "udp from any to any": datagrams,
        "udp from any 1000 to any 53": datagrams,
        "tcp from any to any 80 setup": {"tcp", "tcprouting"},
        "ip6 from any to any icmp6types 128": {"echo"},
        "ip from any to any frag": set(),
        "ip6 from any to any": set(packets),
    })


def _dropped(net, cases):
    """Every frame must vanish before rule 1 and be counted among the drops of `status`, not by a rule."""
    net.server.ip("route del default", "route del ::/0")
    net.firewall.load("1 count udp from any to any 777\n2 count ip from any to any not dst-port 777 " + _ASKED_FOR +
                      "\n" + OPEN)
    for what, frame in cases.items():
        drops = net.firewall.drops()
        with frames.Sniffer(net.server) as far:
            frames.send(net.client, "eth0", frame)
            # Something ordinary behind it, so that waiting for it means that the odd one is through.
            frames.send(net.client, "eth0", _ether() / _v4(UDP(sport=1, dport=777)))
            far.wait(lambda packet: UDP in packet and packet[UDP].dport == 777)
            arrived = [packet.summary() for packet in far.packets(patience=0.02)
                       if not (UDP in packet and packet[UDP].dport == 777) and packet.src == SERVER.firewall_mac]
        harness.equal(arrived, [], f"{what}: arrived")
        harness.equal(net.firewall.packets(1), 2, f"{what}: passes of the ordinary packet")
        harness.equal(net.firewall.packets(2), 0, f"{what}: counted by a rule")
        after = net.firewall.drops()
        harness.equal(sum(after.values()) - sum(drops.values()), 1, f"{what}: drops {drops} -> {after}")
        net.firewall("zero")


def _cut(packet, length, keep):
    """A frame whose IP header claims `length` bytes but that has only `keep`."""
    data = bytearray(bytes(packet)[:keep])
    if data[0] >> 4 == 4:
        data[2:4] = struct.pack("!H", length)
        data[10:12] = b"\0\0"
        total = 0xffff - wire.internet_sum(bytes(data[:20])) if len(data) >= 20 else 0
        data[10:12] = struct.pack("!H", total)
    else:
        data[4:6] = struct.pack("!H", length - 40)
    return bytes(data)


def _frame4(data):
    return bytes(_ether(type=0x800)) + data


def _frame6(data):
    return bytes(_ether(type=0x86dd)) + data


@harness.time_limit(60)
def test_truncated_ipv4(net):
    tcp, udp, icmp = _v4(TCP(dport=80, flags="S")), _v4(_DATAGRAM), _v4(ICMP())
    _dropped(net, {
        "half an IP header": _frame4(bytes(udp)[:10]),
        "nothing behind Ethernet": _frame4(b""),
        "10 bytes of TCP": _frame4(_cut(tcp, 30, 30)),
        "19 bytes of TCP": _frame4(_cut(tcp, 39, 39)),
        "4 bytes of UDP": _frame4(_cut(udp, 24, 24)),
        "2 bytes of ICMP": _frame4(_cut(icmp, 22, 22)),
        "total length beyond the frame": _frame4(_cut(udp, 500, 32)),
        "options beyond the packet": _frame4(bytes(_v4(b"", ihl=8, len=20))[:20]),
    })


@harness.time_limit(60)
def test_truncated_ipv6(net):
    tcp, udp = _v6(TCP(dport=80, flags="S")), _v6(_DATAGRAM)
    hop = bytes(_v6(IPv6ExtHdrHopByHop(options=[HBHOptUnknown(otype=0x1e, optdata=b"\1" * 12)]) / _DATAGRAM))
    _dropped(net, {
        "half an IPv6 header": _frame6(bytes(udp)[:20]),
        "10 bytes of TCP": _frame6(_cut(tcp, 50, 50)),
        "4 bytes of UDP": _frame6(_cut(udp, 44, 44)),
        "2 bytes of ICMPv6": _frame6(_cut(_v6(ICMPv6EchoRequest()), 42, 42)),
        "payload length beyond the frame": _frame6(_cut(udp, 500, 52)),
        "an extension header cut off": _frame6(_cut(IPv6(hop), 44, 44)),
        "half a fragment header": _frame6(_cut(_v6(Raw(bytes(8)), nh=44), 44, 44)),
    })


@harness.time_limit(60)
def test_malformed(net):
    version = bytearray(bytes(_v4(_DATAGRAM)))
    version[0] = 0x55
    short_header = bytearray(bytes(_v4(_DATAGRAM)))
    short_header[0] = 0x44
    small_length = bytearray(bytes(_v4(_DATAGRAM)))
    small_length[2:4] = b"\0\x0c"
    version6 = bytearray(bytes(_v6(_DATAGRAM)))
    version6[0] = 0x40
    _dropped(net, {
        "IP version 5": _frame4(bytes(version)),
        "an IPv4 header of 16 bytes": _frame4(bytes(short_header)),
        "total length below the header's": _frame4(bytes(small_length)),
        "version 4 in an IPv6 frame": _frame6(bytes(version6)),
        "a TCP fragment at offset 8": _ether() / _v4(Raw(bytes(24)), frag=1, proto=6),
        "an unknown extension header": _ether() / _v6(Raw(bytes(16)), nh=253),
        "too many extension headers": _ether() / _v6(Raw(b"\x3c\0\x01\x04\0\0\0\0" * 40 + bytes(8)), nh=60),
    })


@harness.time_limit(60)
def test_malformed_on_the_way_out(net):
    """A router's own raw socket may send nonsense: dropped at output too."""
    net.firewall.load(f"1 count ip from any to any {_ASKED_FOR}\n" + OPEN)
    before = net.firewall.drops()
    frame = bytes(Ether(src=CLIENT.firewall_mac, dst=CLIENT.host_mac, type=0x800)) + _cut(_v4(_DATAGRAM), 24, 24)
    with frames.Sniffer(net.client) as wire:
        with contextlib.suppress(OSError):  # the sender is told that it was dropped
            frames.send(net.gateway, "west0", frame)
        harness.true(traffic.wait_for(lambda: sum(net.firewall.drops().values()) > sum(before.values())),
                     "no drop counted")
        harness.equal(wire.raw(0.05), [], "it left")
    harness.equal(net.firewall.packets(1), 0)


def test_other_protocols_pass_uncounted(net):
    """ARP and whatever else is not IP does not meet the rules."""
    net.firewall.load(f"1 count ip from any to any {_ASKED_FOR}\n65000 deny ip from any to any")
    net.client.ip(f"neigh del {CLIENT.firewall4} dev eth0")
    with frames.Sniffer(net.client) as wire:
        traffic.ping(net.client, CLIENT.firewall4)
        harness.equal(len(wire.wait(lambda packet: packet.type == 0x806)), 1, "ARP replies")
    harness.equal(net.firewall.packets(1), 1, "only the echo request is IP")
    frames.send(net.client, "eth0", bytes(_ether(type=0x88b5)) + bytes(50))
    harness.equal(net.firewall.packets(1), 1)


@harness.time_limit(60)
def test_vlan_tags_are_looked_through(net):
    net.firewall.load("100 deny udp from any to any 9 in\n110 count udp from any 1000 to any 10 in\n"
                      "120 count udp from 2001:db8:1::/64 to any 10 in\n" + OPEN)
    stacks = {"one tag": [Dot1Q(vlan=7)], "two tags": [Dot1Q(vlan=7), Dot1Q(vlan=9)],
              "802.1ad": [Dot1Q(vlan=7), Dot1Q(vlan=9)]}
    for what, tags in stacks.items():
        ether = _ether(type=0x88a8 if what == "802.1ad" else 0x8100)
        for tag in tags:
            ether = ether / tag
        packet = IP(src=CLIENT.host4, dst=SERVER.host4)
        packet6 = IPv6(src=CLIENT.host6, dst=SERVER.host6)
        net.firewall("zero")
        with frames.Sniffer(net.gateway, "west0") as inside:
            frames.send(net.client, "eth0", ether / packet / UDP(sport=1000, dport=9) / Raw(b"denied"),
                        ether / packet6 / UDP(sport=1000, dport=9) / Raw(b"denied"),
                        ether / packet6 / UDP(sport=1000, dport=10) / Raw(b"allowed"),
                        ether / packet / UDP(sport=1000, dport=10) / Raw(b"allowed"))
            harness.true(traffic.wait_for(lambda: net.firewall.packets(110) == 2), f"{what}: not looked through")
            seen = inside.raw(0.05)
        harness.equal(net.firewall.counters(100), (2, 34 + 54), what)
        harness.equal(net.firewall.counters(110), (2, 35 + 55), what)
        harness.equal(net.firewall.counters(120), (1, 55), what)
        harness.equal(sum(b"denied" in data for data in seen), 0, f"{what}: denied frames passed")
        harness.equal(sum(b"allowed" in data for data in seen), 2, f"{what}: allowed frames passed")


@harness.time_limit(60)
def test_vlan_device_is_filtered_once(net):
    """With a VLAN device, its packets are its own: seen with its name, and once. (A tag that the sending end of a
    veth pair leaves to the hardware is not in the frame that XDP sees, so it is made to write it.)"""
    try:
        net.gateway.ip("link add dev probe0 link west0 type vlan id 99")
    except OSError as error:
        raise harness.Skip("this kernel has no VLAN devices") from error
    for namespace, parent, address in ((net.gateway, "west0", "10.7.0.1"), (net.client, "eth0", "10.7.0.2")):
        namespace.ip(f"link add link {parent} name vlan7 type vlan id 7", f"addr add {address}/24 dev vlan7",
                     "link set vlan7 up")
    wire.vlan_offload_off(net.client, "eth0")
    net.firewall.load("100 count icmp from any to any in recv vlan7\n110 count icmp from any to any in recv west0\n"
                      "120 count icmp from any to any out xmit vlan7\n130 count icmp from any to any out xmit west0\n"
                      "140 deny udp from any to any 9 in via vlan7\n" + OPEN)
    harness.true(traffic.ping(net.client, "10.7.0.1"), "no answer over the VLAN")
    harness.equal([net.firewall.packets(number) for number in (100, 110, 120, 130)], [1, 0, 1, 0])
    with traffic.udp_server(net.gateway, 9, 10):
        harness.equal(traffic.udp_exchange(net.client, "10.7.0.1", 9), "timeout")
        harness.equal(traffic.udp_exchange(net.client, "10.7.0.1", 10), "ok")


def test_fragmented_datagrams(net):
    """Whole datagrams in fragments get through when fragments are allowed, and not when they are denied."""
    payload = bytes(3000)
    with traffic.udp_server(net.server, 53) as served:
        net.firewall.load("100 allow udp from any to any 53\n110 allow ip from any to any frag\n"
                          "120 allow udp from any 53 to any\n65000 deny ip from any to any")
        harness.equal(traffic.udp_exchange(net.client, SERVER.host4, 53, payload=payload), "ok")
        harness.equal(traffic.udp_exchange(net.client, SERVER.host6, 53, payload=payload), "ok")
        net.firewall("delete 110")
        harness.equal(traffic.udp_exchange(net.client, SERVER.host4, 53, payload=payload), "timeout")
        harness.equal(traffic.udp_exchange(net.client, SERVER.host6, 53, payload=payload), "timeout")
        harness.equal(served.packets, 2)
