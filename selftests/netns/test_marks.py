# SPDX-License-Identifier: GPL-2.0-only
"""tag, untag, tagged, setfib, fib: what packets take along from the rules on input to the routing and to the rules on
output, wherever the rules run."""
import contextlib
import errno
import fcntl
import json
import os
import socket
import struct

import firewall
import frames
import harness
import modes
import traffic
import wire
from frames import IP, UDP, Ether, Raw
from network import CLIENT, OTHER, SERVER
from scapy.layers.inet import ICMP
from scapy.layers.inet6 import ICMPv6EchoReply

_SO_MARK, _SO_RCVMARK = 36, 75
_TUNSETIFF, _IFF_TUN, _IFF_NO_PI = 0x400454ca, 0x0001, 0x1000
_FAULT = os.path.join(firewall.BUILD, "fault", "bpf_fault.so")
_ROUTE_FAULT = os.path.join(firewall.BUILD, "fault", "route_fault.so")
_OPEN = "65000 allow ip from any to any\n"

# Port 1: nothing, 2: tag 5, 3: tags 5, 6 and 65534, 4: tag 5 put on and taken off, 5: a tag that another rule gives.
_TAGS = """
100 count tag 5 udp from any to any 2-4 in
110 count tag 6 udp from any to any 3 in
120 count tag 65534 udp from any to any 3 in
130 count untag 5 udp from any to any 4 in
140 count tag 300 udp from any to any 5 in
150 count udp from any to any tagged 5 in
200 count udp from any to any 1-5 tagged 5 out
210 count udp from any to any 1-5 tagged 6,7 out
220 count udp from any to any 1-5 tagged 5,6,1000-65534 out
230 count udp from any to any 1-5 tagged 200-400 out
240 count udp from any to any 1-5 not tagged 1-65534 out
250 count udp from any to any 1-5 out
"""
_TAGGED = {150: 2, 200: 2, 210: 1, 220: 2, 230: 1, 240: 2, 250: 5}


def _exchange(net, ports, expected="ok", address=None):
    for host in (SERVER.host4, SERVER.host6) if address is None else (address,):
        outcomes = [traffic.udp_exchange(net.client, host, port) for port in ports]
        harness.equal(outcomes, [expected] * len(ports), f"UDP to {host}")


def _counted(net, expected, factor=2):
    """Compares counters; each port was asked by IPv4 and by IPv6."""
    got = {number: net.firewall.packets(number) for number in expected}
    harness.equal(got, {number: count * factor for number, count in expected.items()})


def _make_generic(net):
    """Gives west0 a peer with which it takes no native program."""
    net.gateway.ip("link delete west0")
    net.gateway.ip(f"link add dev west0 address {CLIENT.firewall_mac} numrxqueues 1 numtxqueues 1 type veth "
                   f"peer name eth0 address {CLIENT.host_mac} numrxqueues 2 numtxqueues 2 netns {net.client.name}")
    net.configure_link(net.client, CLIENT)


def _tags_cross(net, mode):
    net.firewall.load(_TAGS + _OPEN)
    harness.true(any(line.split()[:1] == ["west0"] and mode in line for line in net.firewall("status").splitlines()),
                 f"west0 is not in mode {mode}")
    with traffic.udp_server(net.server, 1, 2, 3, 4, 5):
        _exchange(net, range(1, 6))
    _counted(net, _TAGGED)


def test_native(net):
    _tags_cross(net, "XDP native")


def test_generic(net):
    _make_generic(net)
    _tags_cross(net, "XDP generic")


def test_tc_ingress(net):
    with modes.occupied(net.gateway, "west0"):
        _tags_cross(net, "TC ingress")


@harness.time_limit(60)
def test_super_packets(net):
    """TCP in frames of many segments, some of which generic XDP copies."""
    _make_generic(net)
    net.firewall.load("100 count tag 5 tcp from any to any 80 in\n200 deny tcp from any to any 80 not tagged 5 out\n"
                      "210 count tcp from any to any 80 out\n" + _OPEN)
    with traffic.tcp_sink(net.server, 80):
        traffic.tcp_transfer(net.client, SERVER.host4, 80, 3_000_000)
    harness.equal(net.firewall.packets(200), 0)
    harness.within(net.firewall.packets(210), 2000, 10000)


def _many(count):
    """Rules that put a tag of its own on each of `count` ports, and test it on output."""
    return "".join(f"{100 + port} count tag {port * 7} udp from any to any {port} in\n"
                   f"{300 + port} count udp from any to any {port} tagged {port * 7} out\n"
                   f"{500 + port} count udp from any to any {port} tagged 1-65534 out\n"
                   for port in range(1, count + 1)) + _OPEN


def _many_cross(net):
    net.firewall.load(_many(20))
    with traffic.udp_server(net.server, *range(1, 21)):
        _exchange(net, range(1, 21))
    _counted(net, {base + port: 1 for port in range(1, 21) for base in (100, 300, 500)})


def test_many_native(net):
    _many_cross(net)


def test_many_generic(net):
    _make_generic(net)
    _many_cross(net)


def test_many_refused_without_xdp(net):
    """Nine tags do not fit into the mark; the old rules stay."""
    with modes.occupied(net.gateway, "west0"):
        net.firewall.load(_many(8))
        with traffic.udp_server(net.server, *range(1, 9)):
            _exchange(net, range(1, 9))
        _counted(net, {300 + port: 1 for port in range(1, 9)})
        before = net.firewall.listing()
        refused = net.firewall.load(_many(9), status=69)
        harness.contains(refused.stderr, "more than 8 tags that `in' rules set are tested by `out' rules")
        harness.contains(refused.stderr, "without XDP")
        harness.equal(net.firewall.listing(), before)


def test_sixty_four_tags(net):
    rules = "".join(f"{number} count tag {number} ip from any to any\n" for number in range(1, 65))
    net.firewall.load(rules + _OPEN)
    before = net.firewall.listing()
    refused = net.firewall.run("add", "70", "count", "tag", "65", "ip", "from", "any", "to", "any", status=69)
    harness.equal(refused.stderr.splitlines()[0], "ipfw: more than 64 different tags: a ruleset can have no more")
    harness.equal(net.firewall.listing(), before)
    net.firewall("add 70 count tag 64 ip from any to any tagged 1-65534")


def test_a_removed_tag_is_gone(net):
    """Bits are dealt anew: what had the bit of one tag is not taken for another."""
    with traffic.udp_server(net.server, 2, 3):
        for tag in (5, 6, 7):
            net.firewall.load(f"100 count tag {tag} udp from any to any 2 in\n110 count tag {tag + 1} udp from any to "
                              f"any 3 in\n200 count udp from any to any 2 tagged {tag} out\n210 count udp from any to "
                              f"any 3 tagged {tag} out\n220 count udp from any to any 3 tagged {tag + 1} out\n" + _OPEN)
            _exchange(net, (2, 3))
            _counted(net, {200: 1, 210: 0, 220: 1})


def _send_large(net):
    """A datagram that is cut in two on its way out; returns how many pieces arrived."""
    frame = (Ether(src=CLIENT.host_mac, dst=CLIENT.firewall_mac) / IP(src=CLIENT.host4, dst=SERVER.host4) /
             UDP(sport=1, dport=2) / Raw(bytes(1400)))
    with frames.Sniffer(net.server) as far:
        frames.send(net.client, "eth0", frame)
        return len(far.wait(lambda packet: IP in packet and packet[IP].proto == 17, count=2, patience=0.5))


def test_fragments(net):
    """The kernel makes fragments anew, with the mark of the whole, but without what was in front of it: then none of
    them may pass, for nobody knows their tags."""
    net.gateway.ip("link set east0 mtu 1280")
    net.firewall.load("100 count tag 5 udp from any to any in\n200 count udp from any to any tagged 5 out\n" + _OPEN)
    harness.equal(_send_large(net), 2)
    harness.equal(net.firewall.packets(200), 2)
    net.firewall.load(_many(20))
    harness.equal(_send_large(net), 0)
    harness.within(net.firewall.drops()["tags or routing table lost"], 1, 2)


def test_held_packets(net):
    """A packet that somebody else holds, too, is copied to be changed: as with fragments."""
    with frames.Sniffer(net.gateway, "west0"), traffic.udp_server(net.server, 1, 2, 3, 4, 5):
        net.firewall.load(_TAGS + _OPEN)
        _exchange(net, range(1, 6))
        _counted(net, _TAGGED)
        net.firewall.load(_many(20))
        outcomes = [traffic.udp_exchange(net.client, SERVER.host4, port) for port in range(1, 6)]
    lost = net.firewall.drops()["tags or routing table lost"]
    harness.equal(outcomes.count("timeout"), lost, "drops")
    harness.equal(sum(net.firewall.packets(300 + port) for port in range(1, 6)), 5 - lost, "packets with their tag")


def _vlan_devices(net, host, parent, interface):
    """VLAN 10 between the firewall and a host: 192.168.10.1 and 192.168.10.2."""
    try:
        net.gateway.ip(f"link add link {interface} name {interface}.10 type vlan id 10")
    except OSError as error:
        raise harness.Skip("this kernel has no VLAN devices") from error
    net.gateway.ip(f"addr add 192.168.10.1/24 dev {interface}.10", f"link set {interface}.10 up")
    host.ip(f"link add link {parent} name {parent}.10 type vlan id 10", f"addr add 192.168.10.2/24 dev {parent}.10",
            f"link set {parent}.10 up")
    wire.vlan_offload_off(host, parent)


# Rulesets whose tags cross by skb->mark and in front of the packet, and what they count for one exchange of ports 1 to 5.
_BOTH_WAYS = ((_TAGS + _OPEN, _TAGGED), (_many(20), {300 + port: 1 for port in range(1, 6)}))


def test_vlan_way_in(net):
    _vlan_devices(net, net.client, "eth0", "west0")
    net.client.ip(f"route add {SERVER.host4} via 192.168.10.1")
    net.server.ip(f"route add 192.168.10.0/24 via {SERVER.firewall4}")
    for rules, numbers in _BOTH_WAYS:
        net.firewall.load(rules)
        with traffic.udp_server(net.server, 1, 2, 3, 4, 5):
            _exchange(net, range(1, 6), address=SERVER.host4)
        _counted(net, numbers, factor=1)


def test_vlan_way_out(net):
    _vlan_devices(net, net.server, "eth0", "east0")
    net.server.ip(f"route add {CLIENT.prefix4()} via 192.168.10.1")
    for rules, numbers in _BOTH_WAYS:
        net.firewall.load(rules)
        with traffic.udp_server(net.server, 1, 2, 3, 4, 5):
            _exchange(net, range(1, 6), address="192.168.10.2")
        _counted(net, numbers, factor=1)


@contextlib.contextmanager
def _tun(namespace):
    """A device without link header, tun0, 192.168.20.1; yields the file by which packets come in."""
    with namespace:
        device = open("/dev/net/tun", "r+b", buffering=0)  # pylint: disable=consider-using-with
    with device:
        fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH", b"tun0", _IFF_TUN | _IFF_NO_PI))
        namespace.ip("addr add 192.168.20.1/24 dev tun0", "link set tun0 up")
        yield device


def test_without_link_header_way_out(net):
    """What lies in front of the packet is then seen from another place."""
    with _tun(net.gateway):
        for rules, numbers in _BOTH_WAYS:
            net.firewall.load(rules)
            for port in range(1, 6):
                traffic.udp_send(net.client, "192.168.20.2", port, [b"x"])
            harness.true(traffic.wait_for(lambda numbers=numbers: net.firewall.packets(list(numbers)[-1])), "no packet")
            _counted(net, numbers, factor=1)


def test_without_link_header_way_in(net):
    with _tun(net.gateway) as device:
        for rules, numbers in _BOTH_WAYS:
            net.firewall.load(rules)
            with traffic.udp_server(net.server, 1, 2, 3, 4, 5) as served:
                for port in range(1, 6):
                    device.write(wire.datagram(SERVER.host_mac, SERVER.host_mac, "192.168.20.2", SERVER.host4,
                                               (1000, port))[14:])
                harness.true(traffic.wait_for(lambda served=served: served.packets == 5), "datagrams at the server")
            _counted(net, numbers, factor=1)


@harness.three_hosts
def test_forgotten_when_it_comes_back(net):
    """The server sends the packet back, in the same buffer: on its second way through it has no tags."""
    net.server.sysctl(ipv4__ip_forward=1)
    net.gateway.ip(f"rule add iif west0 to {OTHER.host4} lookup 99", f"route add {OTHER.host4} via {SERVER.host4} "
                   "table 99")
    for rules in ("", _many(20).replace(_OPEN, "")):
        net.firewall.load(rules + "700 count tag 5000 udp from any to any 30 in recv west0\n"
                          "710 count udp from any to any 30 out recv west0 tagged 5000\n"
                          "720 count udp from any to any 30 out recv east0\n"
                          "730 count udp from any to any 30 out recv east0 tagged 5000\n" + _OPEN)
        with frames.Sniffer(net.other) as far:
            traffic.udp_send(net.client, OTHER.host4, 30, [b"x"] * 5)
            harness.equal(len(far.wait(lambda packet: UDP in packet, count=5)), 5, "datagrams at the end")
        _counted(net, {710: 5, 720: 5, 730: 0}, factor=1)


def _other_way(net, table):
    """Routes of table `table`: the server is behind `other`."""
    net.gateway.ip(f"route add {SERVER.host4} via {OTHER.host4} table {table}",
                   f"route add {SERVER.host6} via {OTHER.host6} table {table}",
                   f"route add {CLIENT.host4} via {OTHER.host4} table {table}",
                   f"route add {CLIENT.host6} via {OTHER.host6} table {table}")


def _arrivals(net, send, wanted):
    """{host: number of packets that `wanted` accepts} after send()."""
    with frames.Sniffer(net.server) as server, frames.Sniffer(net.other) as other, \
            frames.Sniffer(net.client) as client:
        send()
        return {name: len(sniffer.packets(wanted)) for name, sniffer in
                (("client", client), ("server", server), ("other", other))}


def _forwarded(net):
    _other_way(net, 7)
    net.firewall.load("100 setfib 7 udp from any to any 9 in\n110 count udp from any to any 9 fib 7 in\n"
                      "120 setfib 7 udp from any to any 11 in\n130 setfib 0 udp from any to any 11 in\n"
                      "200 count udp from any to any 9 out fib 7\n210 count udp from any to any not 9 out fib 0\n" +
                      _OPEN)
    for address in (SERVER.host4, SERVER.host6):
        for port, host in ((9, "other"), (10, "server"), (11, "server")):
            found = _arrivals(net, lambda port=port, to=address: traffic.udp_send(net.client, to, port, [b"x"]),
                              lambda packet: UDP in packet)
            harness.equal(found, {"client": 0, "server": 0, "other": 0, host: 1}, f"port {port} of {address}")
    _counted(net, {100: 1, 110: 1, 120: 1, 130: 1, 200: 1, 210: 2})


@harness.three_hosts
def test_setfib_chooses_the_next_hop(net):
    _forwarded(net)


@harness.three_hosts
def test_setfib_generic(net):
    _make_generic(net)
    _forwarded(net)


@harness.three_hosts
def test_setfib_tc_ingress(net):
    with modes.occupied(net.gateway, "west0"):
        _forwarded(net)


@harness.three_hosts
def test_setfib_local(net):
    """The answer of the machine itself takes the table of the question, if the kernel is told to reflect marks."""
    net.gateway.sysctl(ipv4__fwmark_reflect=1, ipv6__fwmark_reflect=1)
    _other_way(net, 7)
    net.firewall.load("100 setfib 7 icmp from any to me in icmptypes 8\n110 setfib 7 ipv6-icmp from any to me6 in "
                      "icmp6types 128\n200 count ip from me to any out fib 7\n" + _OPEN)
    for address in (CLIENT.firewall4, CLIENT.firewall6):
        found = _arrivals(net, lambda to=address: traffic.ping(net.client, to),
                          lambda packet: ICMPv6EchoReply in packet or (ICMP in packet and packet[ICMP].type == 0))
        harness.equal(found, {"client": 0, "server": 0, "other": 1}, f"answers to the ping of {address}")
    harness.equal(net.firewall.packets(200), 2)
    net.firewall("delete 100 110")
    for address in (CLIENT.firewall4, CLIENT.firewall6):
        harness.true(traffic.ping(net.client, address), f"no answer from {address}")


def _received_mark(net, port):
    """The mark of one datagram that the client sends to the firewall itself."""
    with contextlib.ExitStack() as stack:
        with net.gateway:
            server = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        server.setsockopt(socket.SOL_SOCKET, _SO_RCVMARK, 1)
        server.settimeout(traffic.PATIENCE)
        server.bind((CLIENT.firewall4, port))
        traffic.udp_send(net.client, CLIENT.firewall4, port, [b"x"])
        _, ancillary, _, _ = server.recvmsg(100, 100)
    return next(struct.unpack("=I", value)[0] for level, kind, value in ancillary
                if (level, kind) == (socket.SOL_SOCKET, _SO_MARK))


def _bits_of_the_mark(net):
    net.firewall.load("100 setfib 15 udp from any to any 9 in\n110 setfib 3 udp from any to any 10-11 in\n"
                      "120 count tag 4 udp from any to any 11-12 in\n200 count ip from any to any tagged 4 out\n" +
                      _OPEN)
    marks = [_received_mark(net, port) for port in (8, 9, 10, 11, 12)]
    tag = marks[4]
    harness.true(tag >> 24 and not tag & 0xffffff and not tag & (tag - 1), f"mark of a tag: {tag:#x}")
    harness.equal(marks, [0, 15 << 16, 3 << 16, tag | 3 << 16, tag])


def test_mark(net):
    _bits_of_the_mark(net)


def test_mark_tc_ingress(net):
    with modes.occupied(net.gateway, "west0"):
        _bits_of_the_mark(net)


def test_mark_beside_many_tags(net):
    """What lies in front of the packet serves the route and the rules on output."""
    net.firewall.load("50 setfib 3 udp from any to any 1-9 in\n" + _many(20))
    with traffic.udp_server(net.server, *range(1, 21)):
        _exchange(net, range(1, 21))
    _counted(net, {300 + port: 1 for port in range(1, 21)})
    harness.equal([_received_mark(net, port) for port in (9, 10)], [3 << 16, 0])


def _send_marked(net, mark, port):
    with net.gateway:
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with sender:
        sender.setsockopt(socket.SOL_SOCKET, _SO_MARK, struct.pack("I", mark))
        sender.sendto(b"x", (SERVER.host4, port))


def test_fib_of_an_application(net):
    """SO_MARK chooses the table of the machine's own packets; an application has no tags to give."""
    net.firewall.load("100 count tag 5 udp from any to any in\n200 count udp from any to any 9 out fib 3\n"
                      "210 count udp from any to any 9 out fib 0\n220 count udp from any to any 9 out tagged 5\n"
                      "230 setfib 4 udp from any to any 9 out fib 3\n240 count udp from any to any 9 out fib 4\n" + _OPEN)
    for mark in (0xffff, 0x3ffff, 0xff030000):
        _send_marked(net, mark, 9)
    _counted(net, {200: 2, 210: 1, 220: 0, 230: 2, 240: 2}, factor=1)


def _routing_rules(net):
    """Tables of our routing rules, IPv4 and IPv6."""
    found = []
    for family in ("-4", "-6"):
        listed = json.loads(net.gateway.run("ip", "-N", "-j", family, "rule").stdout)
        ours = [rule for rule in listed if rule.get("protocol") == "105"]
        harness.equal([rule["fwmark"] for rule in ours], [hex(int(rule["table"]) << 16) for rule in ours])
        harness.equal({rule["fwmask"] for rule in ours} - {"0xff0000"}, set())
        found.append(sorted(int(rule["table"]) for rule in ours))
    harness.equal(found[0], found[1], "tables of IPv4 and of IPv6")
    return found[0]


def test_routing_rules_come_and_go(net):
    net.gateway.ip("rule add fwmark 0x50000/0xff0000 lookup 5 priority 10000", "rule add fwmark 7 lookup 7")
    net.firewall.load("100 setfib 5 ip from any to any 1 in\n110 setfib 5 ip from any to any 2\n"
                      "120 setfib 9 ip from any to any 3 in\n130 set 4 setfib 8 ip from any to any 4 in\n"
                      "140 setfib 0 ip from any to any 5 in\n" + _OPEN)
    harness.equal(_routing_rules(net), [5, 8, 9])
    net.firewall("delete 100 120")
    harness.equal(_routing_rules(net), [5, 8])
    net.gateway.ip("rule delete fwmark 0x80000/0xff0000 lookup 8 priority 10000")
    net.firewall("add 150 count ip from any to any")
    harness.equal(_routing_rules(net), [5, 8])
    net.firewall("-q flush")
    harness.equal(_routing_rules(net), [])
    net.firewall("add 100 setfib 15 ip from any to any")
    harness.equal(_routing_rules(net), [15])
    net.firewall("down")
    harness.equal(_routing_rules(net), [])
    others = json.loads(net.gateway.run("ip", "-N", "-j", "rule").stdout)
    harness.equal(len([rule for rule in others if "fwmark" in rule]), 2, "rules of somebody else")


def test_routing_rules_that_cannot_be_added_leave_none(net):
    """Neither with a ruleset in force nor without; and the error says what could not be done."""
    for inactive in (True, False):
        if not inactive:
            net.firewall.load("100 setfib 5 ip from any to any 1 in\n" + _OPEN)
        kept, listing = _routing_rules(net), net.firewall.listing()
        result = net.firewall.run("add", "200", "setfib", "6", "ip", "from", "any", "to", "any", "2", "in", status=69,
                                  environment={"LD_PRELOAD": _ROUTE_FAULT})
        harness.true("cannot add the routing rules of setfib" in result.stderr, result.stderr)
        harness.equal(_routing_rules(net), kept)
        harness.equal(net.firewall.listing(), listing)
    net.firewall("add 200 setfib 6 ip from any to any 2 in")
    harness.equal(_routing_rules(net), [5, 6])


def _calls(net, *arguments, stdin=""):
    """Number of bpf() calls of a command."""
    log = os.path.join("/tmp", f"ifb-{os.getpid()}-calls")
    try:
        net.firewall.run(*arguments, stdin=stdin, environment={"LD_PRELOAD": _FAULT, "FAULT_LOG": log})
        with open(log, encoding="ascii") as lines:
            return len(lines.readlines())
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(log)


@harness.time_limit(300)
def test_routing_rules_after_a_crash(net):
    """Killed at any step, or refused: what the next command leaves is what its rules need."""
    old, new = "100 setfib 5 ip from any to any 1 in\n" + _OPEN, "100 setfib 6 ip from any to any 1 in\n" + _OPEN
    file = "flush\n" + "".join(f"add {line}\n" for line in new.splitlines())
    net.firewall.load(old)
    calls = _calls(net, "-q", "/dev/stdin", stdin=file)
    harness.true(calls > 20, f"only {calls} bpf() calls: the library has no effect")
    for fault in ({"FAULT_KILL": "1"}, {"FAULT_ERRNO": str(errno.ENOMEM)}):
        for call in list(range(1, calls - 20, max(1, calls // 12))) + list(range(calls - 20, calls + 1)):
            net.firewall.load(old)
            net.firewall.run("-q", "/dev/stdin", stdin=file, status=None,
                             environment={"LD_PRELOAD": _FAULT, "FAULT_AT": str(call), **fault})
            in_force = 6 if any("setfib 6" in line for line in net.firewall.listing()) else 5
            harness.true(in_force in _routing_rules(net), f"call {call}, {fault}: setfib {in_force} has no rule")
            net.firewall("-q add 50 count ip from any to any")
            harness.equal(_routing_rules(net), [in_force], f"call {call}, {fault}")


@harness.time_limit(120)
def test_routing_rules_after_a_crash_of_down(net):
    rules = "100 setfib 5 ip from any to any 1 in\n" + _OPEN
    net.firewall.load(rules)
    calls = _calls(net, "down")
    for call in range(1, calls + 1, max(1, calls // 10)):
        net.firewall.load(rules)
        net.firewall.run("down", status=None, environment={"LD_PRELOAD": _FAULT, "FAULT_AT": str(call),
                                                           "FAULT_KILL": "1"})
        net.firewall("down")
        harness.equal(_routing_rules(net), [], f"killed at call {call}")
