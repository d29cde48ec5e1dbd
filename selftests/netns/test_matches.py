# SPDX-License-Identifier: GPL-2.0-only
"""What rule bodies match: every option, on input and on output, with packets that do and do not."""
import contextlib

import frames
import harness
import matrix
import traffic
from frames import ICMP, IP, TCP, UDP, IPv6, Raw
from network import CLIENT, OTHER, SERVER
from scapy.layers.inet import IPOption, IPOption_RR
from scapy.layers.inet6 import ICMPv6DestUnreach, ICMPv6EchoReply, ICMPv6EchoRequest, IPv6ExtHdrDestOpt


def _v4(payload, **fields):
    return IP(**{"src": CLIENT.host4, "dst": SERVER.host4, **fields}) / payload


def _v6(payload, **fields):
    return IPv6(**{"src": CLIENT.host6, "dst": SERVER.host6, **fields}) / payload


TCP4 = _v4(TCP(sport=1000, dport=80, flags="S"))
UDP4 = _v4(UDP(sport=1000, dport=53) / Raw(b"x"))
ICMP4 = _v4(ICMP())
GRE4 = _v4(Raw(b"\0\0\x08\0"), proto=47)
TCP6 = _v6(TCP(sport=1000, dport=80, flags="S"))
UDP6 = _v6(UDP(sport=1000, dport=53) / Raw(b"x"))
ICMP6 = _v6(ICMPv6EchoRequest())


@harness.time_limit(60)
def test_protocols(net):
    v4 = {"tcp4", "udp4", "icmp4", "gre4"}
    v6 = {"tcp6", "udp6", "icmp6"}
    matrix.check(net, {"tcp4": TCP4, "udp4": UDP4, "icmp4": ICMP4, "gre4": GRE4,
                       "tcp6": TCP6, "udp6": UDP6, "icmp6": ICMP6}, {
        "ip from any to any": v4 | v6,
        "all from any to any": v4 | v6,
        "ip4 from any to any": v4,
        "ipv4 from any to any": v4,
        "ip6 from any to any": v6,
        "ipv6 from any to any": v6,
        "tcp from any to any": {"tcp4", "tcp6"},
        "6 from any to any": {"tcp4", "tcp6"},
        "udp from any to any": {"udp4", "udp6"},
        "icmp from any to any": {"icmp4"},
        "ipv6-icmp from any to any": {"icmp6"},
        "gre from any to any": {"gre4"},
        "47 from any to any": {"gre4"},
        "132 from any to any": set(),
        "not tcp from any to any": (v4 | v6) - {"tcp4", "tcp6"},
        "{ tcp or udp } from any to any": {"tcp4", "tcp6", "udp4", "udp6"},
        "{ not tcp or ip4 } from any to any": (v4 | v6) - {"tcp6"},
        "ip from any to any proto udp": {"udp4", "udp6"},
        "ip from any to any not proto udp": (v4 | v6) - {"udp4", "udp6"},
        "proto icmp": {"icmp4"},
        "{ proto icmp or proto gre }": {"icmp4", "gre4"},
        "tcp from any to any proto udp": set(),
    })


@harness.time_limit(60)
def test_source_addresses(net):
    sources = {"2": "192.0.2.2", "4": "192.0.2.4", "7": "192.0.2.7", "8": "192.0.2.8", "9": "192.0.2.9",
               "203": "203.0.113.9"}
    packets = {name: _v4(UDP(sport=1, dport=9), src=address) for name, address in sources.items()}
    packets["six2"] = _v6(UDP(sport=1, dport=9))
    packets["six9"] = _v6(UDP(sport=1, dport=9), src="2001:db8:1::9")
    packets["sixb"] = _v6(UDP(sport=1, dport=9), src="2001:db8:bad::9")
    everything = set(packets)
    matrix.check(net, packets, {
        "ip from 192.0.2.2 to any": {"2"},
        "ip from not 192.0.2.2 to any": everything - {"2"},
        "ip from 192.0.2.0/24 to any": {"2", "4", "7", "8", "9"},
        "ip from 192.0.2.0/29 to any": {"2", "4", "7"},
        "ip from 192.0.2.4/30,203.0.113.9 to any": {"4", "7", "203"},
        "ip from 192.0.2.0:255.255.255.0 to any": {"2", "4", "7", "8", "9"},
        "ip from 192.0.2.1:255.255.255.1 to any": {"7", "9"},
        "ip from 0.0.0.1:0.0.0.1 to any": {"7", "9", "203"},
        "ip from 192.0.2.0/24{4,7-9} to any": {"4", "7", "8", "9"},
        "ip from not 192.0.2.0/24{4,7-9} to any": everything - {"4", "7", "8", "9"},
        "ip from 192.0.2.0/28{2} to any": {"2"},
        "ip from { 192.0.2.2 or 192.0.2.9 } to any": {"2", "9"},
        "ip from { 192.0.2.2 or 203.0.113.0/24 or 192.0.2.0/24{8} } to any": {"2", "8", "203"},
        "ip from { not 192.0.2.0/24 or 192.0.2.4 } to any": everything - {"2", "7", "8", "9"},
        "ip from any to any src-ip 192.0.2.7": {"7"},
        "src-ip 192.0.2.7,192.0.2.8": {"7", "8"},
        "ip6 from 2001:db8:1::2 to any": {"six2"},
        "ip6 from 2001:db8:1::/64 to any": {"six2", "six9"},
        "ip6 from 2001:db8:1::9,2001:db8:1::2 to any": {"six2", "six9"},
        "ip6 from 2001:db8:bad::/48,2001:db8:1::9 to any": {"sixb", "six9"},
        "ip6 from not 2001:db8:1::/64 to any": {"sixb"},
        "ip from any to any src-ip6 2001:db8:1::9": {"six9"},
        "ip from me to any": set(),
    })


@harness.time_limit(60)
def test_destination_addresses(net):
    net.gateway.ip(*(f"neigh replace {address} lladdr {SERVER.host_mac} dev east0 nud permanent"
                     for address in ("198.51.100.4", "198.51.100.7", "2001:db8:2::9")))
    packets = {"2": _v4(UDP(sport=1, dport=9)), "4": _v4(UDP(sport=1, dport=9), dst="198.51.100.4"),
               "7": _v4(UDP(sport=1, dport=9), dst="198.51.100.7"), "six2": _v6(UDP(sport=1, dport=9)),
               "six9": _v6(UDP(sport=1, dport=9), dst="2001:db8:2::9")}
    matrix.check(net, packets, {
        "ip from any to 198.51.100.4": {"4"},
        "ip from any to not 198.51.100.4": set(packets) - {"4"},
        "ip from any to 198.51.100.0/24": {"2", "4", "7"},
        "ip from any to 198.51.100.4/30": {"4", "7"},
        "ip from any to 0.0.0.1:0.0.0.1": {"7"},
        "ip from any to 198.51.100.0/24{2,7}": {"2", "7"},
        "ip from any to { 198.51.100.2 or 198.51.100.7 }": {"2", "7"},
        "ip from any to any dst-ip 198.51.100.2": {"2"},
        "ip6 from any to 2001:db8:2::2": {"six2"},
        "ip6 from any to 2001:db8:2::/64": {"six2", "six9"},
        "ip from any to any dst-ip6 2001:db8:2::9": {"six9"},
        "ip from 192.0.2.2 to 198.51.100.2": {"2"},
        "ip from any to me": set(),
        "ip from any to not me": set(packets),
    })


@harness.time_limit(60)
def test_ports(net):
    packets = {"ssh": _v4(TCP(sport=1000, dport=22)), "http": TCP4, "https6": _v6(TCP(sport=2000, dport=443)),
               "dns": UDP4, "dns6": UDP6, "high": _v4(UDP(sport=53, dport=40000)), "icmp": ICMP4,
               "sctp": _v4(Raw(bytes.fromhex("03e80050000000000000000000000000")), proto=132),
               "udplite": _v4(Raw(bytes.fromhex("03e8005000080000")), proto=136)}
    matrix.check(net, packets, {
        "tcp from any to any 80": {"http"},
        "tcp from any to any http": {"http"},
        "tcp from any to any dst-port 80": {"http"},
        "ip from any to any 80": {"http", "sctp", "udplite"},
        "tcp from any to any 22,80": {"ssh", "http"},
        "tcp from any to any ssh,https": {"ssh", "https6"},
        "tcp from any to any 20-80": {"ssh", "http"},
        "ip from any to any 443,50-60,40000-65535": {"https6", "dns", "dns6", "high"},
        "tcp from any to any not 80": {"ssh", "https6"},
        "ip from any to any not dst-port 80": {"ssh", "https6", "dns", "dns6", "high", "icmp"},
        "ip from any 1000 to any": {"ssh", "http", "dns", "dns6", "sctp", "udplite"},
        "ip from any 1000 to any 53": {"dns", "dns6"},
        "udp from any to any src-port 53": {"high"},
        "ip from any to any { dst-port 22 or src-port 53 }": {"ssh", "high"},
        "ip from any 1-65535 to any": set(packets) - {"icmp"},
        "ip from any 0 to any": set(),
    })


@harness.time_limit(60)
def test_tcp_flags(net):
    flags = {"syn": "S", "synack": "SA", "ack": "A", "fin": "F", "finack": "FA", "rst": "R", "null": "", "xmas": "FPU"}
    packets = {name: _v4(TCP(sport=1000, dport=80, flags=value)) for name, value in flags.items()}
    packets["ack6"] = _v6(TCP(sport=1000, dport=80, flags="A"))
    packets["udp"] = UDP4
    everything = set(packets) - {"udp"}
    matrix.check(net, packets, {
        "tcp from any to any established": everything - {"syn"},
        "tcp from any to any not established": {"syn"},
        "ip from any to any established": everything - {"syn"},
        "tcp from any to any setup": {"syn"},
        "tcp from any to any not setup": everything - {"syn"},
        "tcp from any to any tcpflags syn": {"syn", "synack"},
        "tcp from any to any tcpflags syn,!ack": {"syn"},
        "tcp from any to any tcpflags ack": {"synack", "ack", "finack", "ack6"},
        "tcp from any to any tcpflags fin,psh,urg": {"xmas"},
        "tcp from any to any tcpflags !fin,!syn,!rst,!ack,!psh,!urg": {"null"},
        "tcp from any to any tcpflags rst": {"rst"},
        "tcp from any to any not tcpflags ack": everything - {"synack", "ack", "finack", "ack6"},
    })


@harness.time_limit(60)
def test_icmp_types(net):
    quoted = bytes(TCP4)[:28]
    packets = {"echo": ICMP4, "reply": _v4(ICMP(type=0)), "unreach": _v4(ICMP(type=3, code=1) / Raw(quoted)),
               "exceeded": _v4(ICMP(type=11) / Raw(quoted)), "echo6": ICMP6, "reply6": _v6(ICMPv6EchoReply()),
               "unreach6": _v6(ICMPv6DestUnreach(code=4) / Raw(bytes(TCP6))), "udp": UDP4}
    matrix.check(net, packets, {
        "icmp from any to any icmptypes 8": {"echo"},
        "icmp from any to any icmptypes 0,8": {"echo", "reply"},
        "ip from any to any icmptypes 3,11": {"unreach", "exceeded"},
        "icmp from any to any not icmptypes 8": {"reply", "unreach", "exceeded"},
        "ipv6-icmp from any to any icmp6types 128": {"echo6"},
        "ip6 from any to any icmp6types 1,129": {"reply6", "unreach6"},
        "icmp from any to any icmp6types 128": set(),
        "ip from any to any { icmptypes 8 or icmp6types 128 }": {"echo", "echo6"},
    })


@harness.time_limit(60)
def test_fragments(net):
    payload = bytes(range(64))
    packets = {"whole": UDP4, "df": _v4(UDP(sport=1000, dport=53), flags="DF"),
               "first": _v4(UDP(sport=1000, dport=53, len=72, chksum=1) / Raw(payload[:32]), flags="MF", id=7),
               "middle": _v4(Raw(payload[:40]), flags="MF", frag=5, proto=17, id=7),
               "last": _v4(Raw(payload[40:]), frag=10, proto=17, id=7),
               # Looks like a datagram from port 1000 to port 53, were it not in a later fragment.
               "trap": _v4(Raw(bytes(UDP4[UDP])), frag=100, proto=17, id=8),
               "first6": _v6(Raw(bytes.fromhex("1100000100000007") + bytes(UDP(sport=1000, dport=53, len=72)) +
                                 bytes(32)), nh=44),
               "last6": _v6(Raw(bytes.fromhex("1100002800000007") + bytes(UDP6[UDP]) + bytes(31)), nh=44)}
    later = {"middle", "last", "trap", "last6"}
    matrix.check(net, packets, {
        "ip from any to any frag": later,
        "ip from any to any not frag": set(packets) - later,
        "ip from any to any frag offset": later,
        # The flags are those of IPv4; IPv6 has the offset alone.
        "ip from any to any frag mf": {"first", "middle"},
        "ip from any to any frag mf,offset": {"middle"},
        "ip from any to any frag mf,!offset": {"first"},
        "ip4 from any to any frag df": {"df"},
        "udp from any to any": set(packets),
        "udp from any to any 53": {"whole", "df", "first", "first6"},
        "udp from any to any not 53": later,
        "udp from any 1000 to any": {"whole", "df", "first", "first6"},
    })


@harness.time_limit(60)
def test_ip_header_numbers(net):
    """In ordinary headers, and in such as only the slow parser takes (options, extension headers)."""
    routed = IPOption_RR(length=7, routers=["0.0.0.0"])
    packets = {"plain": UDP4, "id": _v4(UDP(sport=1000, dport=53), id=150), "ef": _v4(UDP(dport=53), tos=0xb8 | 1),
               "low": _v4(ICMP(), tos=0x10), "recorded": _v4(UDP(dport=53), options=[routed], id=150, tos=0xb8),
               "stamped": _v4(ICMP(), options=[IPOption(bytes([68, 8, 5, 0, 0, 0, 0, 0]))]),
               "six": UDP6, "ef6": _v6(UDP(sport=1000, dport=53), tc=0xb8),
               "extended": IPv6(src=CLIENT.host6, dst=SERVER.host6, tc=0xb8) / IPv6ExtHdrDestOpt() / UDP(dport=53)}
    v4, v6 = set(packets) - {"six", "ef6", "extended"}, {"six", "ef6", "extended"}
    matrix.check(net, packets, {
        "ip from any to any ipid 150": {"id", "recorded"},
        "ip from any to any ipid 100-149,151": set(),
        "ip from any to any not ipid 0-65535": v6,
        "ip from any to any ipversion 4": v4,
        "ip from any to any ipversion 6": v6,
        "ip from any to any not ipversion 6": v4,
        "ip from any to any iplen 29": {"plain"},
        "ip from any to any iplen 48-56": {name for name, packet in packets.items()
                                           if 48 <= len(packet) <= 56},
        "ip from any to any ipprecedence 5": {"ef", "recorded"},
        "ip from any to any iptos lowdelay": {"ef", "low", "recorded"},
        "ip from any to any iptos lowdelay,!throughput": {"low"},
        "ip from any to any dscp ef": {"ef", "recorded", "ef6", "extended"},
        "ip from any to any dscp be,4": {"plain", "id", "low", "stamped", "six"},
        "ip from any to any ipoptions rr": {"recorded"},
        "ip from any to any ipoptions ts": {"stamped"},
        "ip from any to any ipoptions !rr": v4 - {"recorded"},
        "ip from any to any ipttl 65-255": set(),
        "ip from any to any ipttl 62-64": v4,
        "ip from any to any { ipid 150 or dscp ef } not ipversion 6": {"id", "ef", "recorded"},
    })


@harness.time_limit(60)
def test_tcp_header_numbers(net):
    def tcp(payload=b"", **fields):
        return TCP(**{"sport": 1000, "dport": 80, **fields}) / Raw(payload)

    offer = [("MSS", 1300), ("SAckOK", b""), ("WScale", 7)]
    packets = {"bare": _v4(tcp(flags="S", seq=0, window=0)), "offer": _v4(tcp(flags="S", options=offer, window=1000)),
               "offer6": _v6(tcp(flags="SA", options=offer, window=2000)),
               "data": _v4(tcp(b"x" * 100, flags="PA", seq=0xffffffff, ack=0x80000000,
                               options=[("NOP", None), ("NOP", None), ("Timestamp", (1, 2))])),
               "data6": _v6(tcp(b"x" * 7, flags="A", seq=5)), "optioned": _v4(tcp(b"12", flags="A", window=1001),
                                                                              options=[IPOption(b"\1\1\1\0")]),
               "late": _v4(tcp(flags="A", options=[("MSS", 1300)])), "udp": UDP4, "udp6": UDP6}
    tcp_ones = set(packets) - {"udp", "udp6"}
    matrix.check(net, packets, {
        "ip from any to any tcpseq 4294967295": {"data"},
        "ip from any to any tcpseq 5": {"data6"},
        "ip from any to any tcpack 2147483648": {"data"},
        "ip from any to any tcpwin 1000-1001": {"offer", "optioned"},
        "ip from any to any tcpwin 0": {"bare"},
        "ip from any to any tcpdatalen 0": {"bare", "offer", "offer6", "late"},
        "ip from any to any tcpdatalen 1-7": {"data6", "optioned"},
        "ip from any to any tcpdatalen 100": {"data"},
        "ip from any to any not tcpdatalen 0": {"data", "data6", "optioned", "udp", "udp6"},
        "ip from any to any tcpoptions mss": {"offer", "offer6", "late"},
        "ip from any to any tcpoptions mss,sack,window,!ts": {"offer", "offer6"},
        "ip from any to any tcpoptions ts": {"data"},
        "ip from any to any tcpoptions !mss,!ts": tcp_ones - {"offer", "offer6", "late", "data"},
        "ip from any to any tcpmss 1300": {"offer", "offer6"},
        "ip from any to any tcpmss 536-1299": set(),
        "ip from any to any not tcpmss 1300": set(packets) - {"offer", "offer6"},
    })


def _probe(net, host, address, port):
    """One datagram that nobody answers; returns the rules that it moved, as {number: packets}."""
    before = {rule.number: rule.packets for rule in net.firewall.show()}
    now = {}

    def arrived():
        now.update({rule.number: rule.packets for rule in net.firewall.show()})
        return now[65000] + now[65001] > before[65000] + before[65001]

    with contextlib.ExitStack() as stack:
        for namespace in (net.client, net.gateway, net.server):
            stack.enter_context(traffic.udp_server(namespace, port, echo=False))
        traffic.udp_send(host, address, port, [b"probe"])
        harness.true(traffic.wait_for(arrived), "the packet did not come through")
    return {number: now[number] - before[number] for number in now if now[number] != before[number] and number < 65000}


def _counting(bodies):
    rules = [f"{100 + index} count udp from any to any 9 {body}" for index, body in enumerate(bodies)]
    return "\n".join(rules + [_ENDS])


_ENDS = "65000 allow ip from any to any out\n65001 allow ip from any to me in\n65002 allow ip from any to any in"


@harness.three_hosts
@harness.time_limit(60)
def test_interfaces_of_forwarded_packets(net):
    bodies = ["in", "out", "not in", "not out", "recv west0", "xmit east0", "via west0", "via east0",
              "in recv west0", "out recv west0", "out recv west0 xmit east0", "out xmit east0", "in via west0",
              "out via west0",
              "recv west1", "recv west*", "recv west?", "recv west[01]", "recv west[1-9]", "via *st0", "xmit west*",
              "recv any", "xmit any", "not recv west0", "recv 192.0.2.1", "xmit 198.51.100.1", "via 198.51.100.1",
              "{ recv west1 or xmit west0 }", "out not xmit west*"]
    net.firewall.load(_counting(bodies))

    def moved(host):
        counted = {}
        for number, packets in _probe(net, host, SERVER.host4, 9).items():
            counted[bodies[number - 100]] = packets
        return counted

    # `any` in place of an interface is no test at all, as in ipfw.
    twice = {"recv west*": 2, "recv west?": 2, "recv west[01]": 2, "recv any": 2, "xmit any": 2}
    common = {"in": 1, "out": 1, "not in": 1, "not out": 1, "xmit east0": 1, "via east0": 1, "out xmit east0": 1,
              "xmit 198.51.100.1": 1, "via 198.51.100.1": 1, "out not xmit west*": 1, **twice}
    harness.equal(moved(net.client), {
        **common, "recv west0": 2, "via west0": 1, "in recv west0": 1, "out recv west0": 1,
        "out recv west0 xmit east0": 1, "in via west0": 1, "via *st0": 2, "recv 192.0.2.1": 2})
    harness.equal(moved(net.other), {
        **common, "recv west1": 2, "recv west[1-9]": 2, "via *st0": 1, "not recv west0": 2,
        "{ recv west1 or xmit west0 }": 2})


@harness.time_limit(60)
def test_interfaces_of_local_packets(net):
    bodies = ["in", "out", "recv west0", "recv *", "xmit west0", "xmit *", "via west0", "via lo", "not recv *",
              "in recv west0", "out xmit west0"]
    net.firewall.load(_counting(bodies))

    def moved(host, address):
        return {bodies[number - 100]: packets for number, packets in _probe(net, host, address, 9).items()}

    harness.equal(moved(net.client, CLIENT.firewall4),
                  {"in": 1, "recv west0": 1, "recv *": 1, "via west0": 1, "in recv west0": 1})
    harness.equal(moved(net.gateway, CLIENT.host4),
                  {"out": 1, "xmit west0": 1, "xmit *": 1, "via west0": 1, "not recv *": 1, "out xmit west0": 1})


@harness.time_limit(60)
def test_me(net):
    net.gateway.ip("addr add 192.0.2.99/32 dev lo")
    net.client.ip(f"route add 192.0.2.99/32 via {CLIENT.firewall4}")
    net.firewall.load("100 count udp from any to me 9 in\n110 count udp from any to me6 9 in\n"
                      "120 count udp from me to any 9 out\n130 count udp from me6 to any 9 out\n"
                      "140 count udp from any to not me 9 in\n150 count udp from not me to any 9\n"
                      "160 count ip4 from any to me 9 in\n" + _ENDS)
    harness.equal(_probe(net, net.client, CLIENT.firewall4, 9), {100: 1, 150: 1, 160: 1})
    harness.equal(_probe(net, net.client, SERVER.firewall4, 9), {100: 1, 150: 1, 160: 1})
    harness.equal(_probe(net, net.client, "192.0.2.99", 9), {100: 1, 150: 1, 160: 1})
    harness.equal(_probe(net, net.client, CLIENT.firewall6, 9), {100: 1, 110: 1, 150: 1})
    harness.equal(_probe(net, net.gateway, CLIENT.host4, 9), {120: 1})
    harness.equal(_probe(net, net.gateway, CLIENT.host6, 9), {120: 1, 130: 1})
    harness.equal(_probe(net, net.client, SERVER.host4, 9), {140: 1, 150: 2})


def test_me_of_other_namespaces(net):
    """The server's addresses are not `me` at the firewall."""
    net.firewall.load("100 deny ip from any to me\n200 allow ip from any to any")
    for address in (SERVER.host4, SERVER.host6):
        harness.true(traffic.ping(net.client, address), "forwarding stopped")
    harness.true(not traffic.ping(net.client, CLIENT.firewall4), "`me` does not match 192.0.2.1")
    harness.true(not traffic.ping(net.client, SERVER.firewall6), "`me` does not match 2001:db8:2::1")


@harness.time_limit(60)
def test_probability(net):
    net.firewall.load("100 prob 0.25 count udp from any to any in\n110 prob 0.75 deny udp from any to any 9 in\n"
                      "65000 allow ip from any to any")
    harness.contains(net.firewall.listing()[0], "prob 0.250000 count")
    total = 2000
    with frames.Sniffer(net.server) as wire:
        for _ in range(total // 100):
            traffic.udp_send(net.client, SERVER.host4, 9, [b"x"] * 100)
            wire.raw(0.001)
        # Six standard deviations of a binomial distribution with p = 1/4 and n = 2000 are 116.
        harness.within(len(wire.packets(lambda packet: UDP in packet)), 500 - 116, 500 + 116, "passed 110")
    counted = net.firewall.packets(100)
    harness.within(counted, 500 - 116, 500 + 116, "counted by 100")
    harness.within(net.firewall.packets(110), 1500 - 116, 1500 + 116, "counted by 110")


@harness.three_hosts
def test_or_blocks_and_not_decide(net):
    net.firewall.load("100 deny udp from { 192.0.2.2 or 203.0.113.0/24 } to any { dst-port 9 or dst-port 10 }\n"
                      "200 deny not udp from 203.0.113.0/24 to any\n65000 allow ip from any to any")
    with traffic.udp_server(net.server, 9, 10, 11), traffic.tcp_server(net.server, 80):
        for host, port, outcome in ((net.client, 9, "timeout"), (net.other, 10, "timeout"), (net.client, 11, "ok"),
                                    (net.other, 11, "ok")):
            harness.equal(traffic.udp_exchange(host, SERVER.host4, port), outcome, f"port {port}")
        harness.equal(traffic.tcp_connect(net.client, SERVER.host4, 80), "ok")
        harness.equal(traffic.tcp_connect(net.other, SERVER.host4, 80), "timeout")
    harness.equal(OTHER.interface, "west1")


def test_comments_and_sets_do_not_match(net):
    net.firewall.load("100 set 5 deny icmp from any to any // nothing to match here\n"
                      "65000 allow ip from any to any // rest")
    harness.true(not traffic.ping(net.client, SERVER.host4), "a rule of set 5 with a comment does nothing")
    net.firewall("delete set 5")
    harness.true(traffic.ping(net.client, SERVER.host4), "a comment changed what a rule matches")
