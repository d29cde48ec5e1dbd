# SPDX-License-Identifier: GPL-2.0-only
"""What can be looked up in tables, with packets that have an entry and packets that have none: the cases of FreeBSD's
lookup.sh and the keys that it leaves out. Link addresses are in test_layer2.py, users and control groups in
test_sockets.py."""
import harness
import matrix
import traffic
from frames import ICMP, IP, TCP, UDP, IPv6, Raw
from network import CLIENT, SERVER
from scapy.layers.inet6 import ICMPv6EchoRequest


def _v4(payload, **fields):
    return IP(**{"src": CLIENT.host4, "dst": SERVER.host4, **fields}) / payload


def _v6(payload, **fields):
    return IPv6(**{"src": CLIENT.host6, "dst": SERVER.host6, **fields}) / payload


def _tables(net, **entries):
    """Makes tables of these names, of numbers or addresses as their entries are."""
    for name, keys in entries.items():
        kind = "number" if keys[0].isdigit() else "addr"
        net.firewall(f"table {name} create type {kind}")
        net.firewall(f"-q table {name} add " + " ".join(f"{key} 1" for key in keys))


@harness.time_limit(60)
def test_addresses(net):
    _tables(net, source=[CLIENT.host4, CLIENT.host6], target=[SERVER.prefix4(), SERVER.prefix6()],
            masked=["198.51.100.0", "2001:db8:2::"], nobody=["10.0.0.1", "2001:db8:9::/64"])
    net.gateway.ip(*(f"neigh replace {address} lladdr {SERVER.host_mac} dev east0 nud permanent"
                     for address in ("198.51.100.3", "2001:db8:2::3")))
    v4, v6 = {"near4", "far4"}, {"near6", "far6"}
    packet = UDP(sport=1000, dport=9) / Raw(b"x")
    matrix.check(net, {"near4": _v4(packet), "far4": _v4(packet, src="192.0.2.77", dst="198.51.100.3"),
                       "near6": _v6(packet), "far6": _v6(packet, src="2001:db8:1::77", dst="2001:db8:2::3")}, {
        "lookup src-ip source": {"near4", "near6"},
        "not lookup src-ip source": {"far4", "far6"},
        "lookup src-ip4 source": {"near4"},
        "lookup src-ip6 source": {"near6"},
        "lookup dst-ip target": v4 | v6,
        "lookup dst-ip4 target": v4,
        "lookup dst-ip6 target": v6,
        "not lookup dst-ip6 target": v4,
        "lookup dst-ip nobody": set(),
        "lookup dst-ip4:255.255.255.253 masked": {"near4"},
        "lookup dst-ip4:255.255.255.252 masked": v4,
        "lookup dst-ip6:ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffd masked": {"near6"},
        "lookup dst-ip6:ffff:ffff:ffff:: masked": v6,
        "lookup src-ip6:ffff:ffff:ffff:: masked": set(),
        "{ lookup src-ip4 source or lookup dst-ip6 target }": {"near4"} | v6,
    })


@harness.time_limit(60)
def test_ports(net):
    _tables(net, web=["80", "443"], low=["16"], none=["0"])
    packets = {"tcp4": _v4(TCP(sport=1000, dport=80, flags="S")), "udp6": _v6(UDP(sport=443, dport=53) / Raw(b"x")),
               "icmp4": _v4(ICMP()), "icmp6": _v6(ICMPv6EchoRequest()),
               "later": _v4(Raw(bytes(UDP(sport=80, dport=80)) + b"x"), proto=17, frag=100)}
    matrix.check(net, packets, {
        "lookup dst-port web": {"tcp4"},
        "lookup src-port web": {"udp6"},
        "not lookup dst-port web": set(packets) - {"tcp4"},
        "lookup dst-port:0x1f low": {"tcp4"},
        "lookup src-port none": set(),
        "lookup dst-port:0 none": {"tcp4", "udp6"},
    })


@harness.time_limit(60)
def test_dscp(net):
    _tables(net, marked=["46", "10"], high=["32"])
    packet = UDP(sport=1000, dport=9) / Raw(b"x")
    matrix.check(net, {"ef4": _v4(packet, tos=46 << 2 | 3), "ef6": _v6(packet, tc=46 << 2), "af11": _v6(packet, tc=10 << 2 | 1),
                       "be4": _v4(packet, tos=1), "be6": _v6(packet)}, {
        "lookup dscp marked": {"ef4", "ef6", "af11"},
        "ip4 from any to any lookup dscp marked": {"ef4"},
        "not lookup dscp marked": {"be4", "be6"},
        "lookup dscp:0xf0 high": {"ef4", "ef6"},
    })


@harness.time_limit(60)
def test_rule_number(net):
    """The rules of matrix.check() have the numbers 100 and 101, 110 and 111..."""
    _tables(net, these=["100", "101", "120", "121"], high=["128"])
    packets = {"4": _v4(ICMP()), "6": _v6(ICMPv6EchoRequest())}
    every = set(packets)
    matrix.check(net, packets, {
        "lookup rulenum these": every,
        "ip from any to any lookup rulenum these": set(),
        "not lookup rulenum these": set(),
        "lookup rulenum:0xe0 high": every,  # 130 is 0x82
        "lookup rulenum:0x1c high": set(),  # 140 is 0x8c
        "lookup rulenum high": set(),
    })


def test_mark(net):
    """Marks that rules have given the packet in the same pass."""
    _tables(net, seven=["7"], high=["16"], none=["0"])
    net.firewall.load("""
        100 setmark 7 udp from any to any 7 in
        110 setmark 0x17 udp from any to any 23 in
        200 count lookup mark seven
        210 count lookup mark:0xf0 high
        220 count udp from any to any lookup mark none
        230 count udp from any to any not lookup mark seven in
        300 count udp from any to any out
        65000 allow ip from any to any""")
    for port, expected in ((7, [1, 0, 1, 0]), (23, [0, 1, 1, 1]), (9, [0, 0, 2, 1])):
        net.firewall("zero")
        traffic.udp_send(net.client, SERVER.host4, port, [b"x"])
        harness.true(traffic.wait_for(lambda: net.firewall.packets(300) == 1), "the datagram was not forwarded")
        harness.equal([net.firewall.packets(number) for number in (200, 210, 220, 230)], expected, f"to port {port}")
