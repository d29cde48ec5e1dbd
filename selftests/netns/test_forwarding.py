# SPDX-License-Identifier: GPL-2.0-only
"""Forwarding at XDP: what it forwards, as the stack would; what it leaves to the stack; when it does not forward."""
import multiprocessing
import os
import time

import blast
import explain
import frames
import harness
import modes
import namespaces
import traffic
import wire
from frames import ICMP, IP, TCP, UDP, Dot1Q, Ether, IPv6, Raw
from network import CLIENT, OTHER, SERVER
from scapy.layers.inet import IPOption_NOP
from scapy.layers.inet6 import (HBHOptUnknown, ICMPv6EchoRequest, ICMPv6ND_NS, ICMPv6PacketTooBig, ICMPv6TimeExceeded,
                                IPv6ExtHdrDestOpt, IPv6ExtHdrFragment)

_VARIABLE = "net.inet.ip.fastforwarding"
# Before 6.3 the kernel does not tell which interfaces can.
_ON = 1 if tuple(map(int, os.uname().release.split(".")[:2])) >= (6, 3) else 2
_NEIGHBOURS = "10 allow ipv6-icmp from any to any icmp6types 133,134,135,136,143\n"
_OPEN = "65000 allow ip from any to any"
_COUNT = "100 count ip from any to any in\n200 count ip from any to any out\n" + _OPEN
# Of those that XDP might forward the stack gets one per next hop, CPU and four seconds.
_SHOWN = 8


def _prepare(net, rules, value=_ON):
    """The hosts take XDP frames and compute checksums, the gateway forwards at XDP."""
    for host in (net.client, net.server):
        wire.receive_offload_on(host, "eth0")
        wire.checksums_in_software(host, "eth0")
    net.firewall(f"-q sysctl {_VARIABLE}={value}")
    net.firewall.load(rules)


def _status(net):
    """What `status` says of forwarding."""
    return next(line for line in net.firewall("status").splitlines() if line.startswith("forwarding:")).split(None, 1)[1]


def _by_stack(net):
    """How many packets the stack of the gateway has forwarded."""
    with net.gateway, open("/proc/thread-self/net/snmp", encoding="ascii") as file:
        names, values = (line.split() for line in file if line.startswith("Ip:"))
    with net.gateway, open("/proc/thread-self/net/snmp6", encoding="ascii") as file:
        six = next(line.split()[1] for line in file if line.startswith("Ip6OutForwDatagrams"))
    return int(values[names.index("ForwDatagrams")]) + int(six)


def _v4(payload, **fields):
    return IP(**{"src": CLIENT.host4, "dst": SERVER.host4, **fields}) / payload


def _v6(payload, **fields):
    return IPv6(**{"src": CLIENT.host6, "dst": SERVER.host6, **fields}) / payload


def _ether(**fields):
    return Ether(**{"src": CLIENT.host_mac, "dst": CLIENT.firewall_mac, **fields})


_DATAGRAM = UDP(sport=1000, dport=9) / Raw(b"data")


def _send(net, *packets):
    frames.send(net.client, "eth0", *(_ether() / packet for packet in packets))


def _warm_up(net):
    """Lets the stack see a packet for each next hop on each CPU, so that those that follow go by XDP."""
    for cpu in sorted(os.sched_getaffinity(0)):
        allowed = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {cpu})
        _send(net, _v4(_DATAGRAM), _v6(_DATAGRAM))
        frames.send(net.server, "eth0", *(
            Ether(src=SERVER.host_mac, dst=SERVER.firewall_mac) / packet / _DATAGRAM for packet in (
                IP(src=SERVER.host4, dst=CLIENT.host4), IPv6(src=SERVER.host6, dst=CLIENT.host6))))
        os.sched_setaffinity(0, allowed)
    time.sleep(0.05)


def test_forwards_past_the_stack(net):
    """Real traffic of both families both ways, counted by the rules for both directions, not by the stack."""
    _prepare(net, _NEIGHBOURS + _COUNT)
    harness.equal(_status(net), "at XDP, to west0 east0")
    before = _by_stack(net)
    with traffic.udp_server(net.server, 53), traffic.tcp_server(net.server, 80):
        for address in (SERVER.host4, SERVER.host6):
            harness.true(traffic.ping(net.client, address, count=30), f"{address} does not answer")
            for _ in range(10):
                harness.equal(traffic.udp_exchange(net.client, address, 53), "ok", address)
                harness.equal(traffic.tcp_connect(net.client, address, 80), "ok", address)
    harness.true(net.firewall.packets(200) > 200, "the rules for outgoing packets have not seen all")
    harness.equal(net.firewall.counters(100), net.firewall.counters(200), "counters of both directions")
    harness.within(_by_stack(net) - before, 0, 2 * _SHOWN, "packets that the stack has forwarded")


def test_counts_as_the_stack(net):
    """The same packets move the same counters by as much, whoever forwards them."""
    packets = [_v4(UDP(sport=1000 + number, dport=9) / Raw(bytes(number))) for number in range(20)]
    packets += [_v6(TCP(sport=1000 + number, dport=9, flags="S")) for number in range(20)]
    packets += [_v4(ICMP()), _v6(ICMPv6EchoRequest())]
    rules = ("10 allow ip6 from any to ff02::/16\n100 count ip from any to any in recv west0\n110 count tcp from any to any out recv west0 xmit east0 setup\n"
             "120 count udp from any to any 9 out iplen 28-40\n130 count ip4 from any to any out ipttl 63\n"
             f"140 count ip from {CLIENT.host4} to any via east0\n150 skipto 170 ip from any to any out\n"
             "160 count ip from any to any\n170 allow ip from any to any")
    net.server.ip("route del default", "route del ::/0")
    seen = []
    for value in (0, _ON):
        _prepare(net, rules, value)
        _warm_up(net)
        net.firewall("-q zero")
        before = _by_stack(net)
        with frames.Sniffer(net.server) as far:
            _send(net, *packets)
            arrived = far.wait(lambda packet: packet.src == SERVER.firewall_mac, len(packets))
        harness.equal(len(arrived), len(packets), "packets that arrived")
        harness.equal(_by_stack(net) - before, 0 if value else len(packets), "packets that the stack has forwarded")
        seen.append([(rule.number, rule.packets, rule.bytes) for rule in net.firewall.show() if rule.number > 10])
    harness.equal(seen[1], seen[0], "counters")
    harness.true(all(rule[1] for rule in seen[0] if 10 < rule[0] < 65535), "a rule of this test counts nothing")


def test_what_arrives(net):
    """One hop less, right checksums, the link addresses of the way, and nothing behind the packet."""
    _prepare(net, _COUNT)
    _warm_up(net)
    net.firewall("-q zero")
    before = _by_stack(net)
    sent = [_v4(_DATAGRAM, ttl=64, tos=0x10), _v4(TCP(dport=80, flags="S"), ttl=2), _v4(ICMP() / Raw(bytes(100)), ttl=255),
            _v6(_DATAGRAM, hlim=64, tc=0x20, fl=7), _v6(ICMPv6EchoRequest(), hlim=2)]
    sent = [packet.__class__(bytes(packet)) for packet in sent]
    behind = b"behind the packet" * 5
    with frames.Sniffer(net.server) as far:
        for packet in sent:
            frames.send(net.client, "eth0", bytes(_ether() / packet) + behind)
        arrived = far.wait(lambda packet: packet.src == SERVER.firewall_mac, len(sent))
    harness.equal(_by_stack(net), before, "packets that the stack has forwarded")
    harness.equal(len(arrived), len(sent), "packets that arrived")
    for packet, got in zip(sent, arrived):
        harness.equal((got.dst, got.src), (SERVER.host_mac, SERVER.firewall_mac), packet.summary())
        harness.true(frames.checksums_right(got), f"{packet.summary()}: wrong checksum")
        expected = packet.copy()
        if IP in packet:
            expected[IP].ttl -= 1
            del expected[IP].chksum
        else:
            expected[IPv6].hlim -= 1
        wanted = bytes(expected)
        # Short frames are padded.
        harness.equal(bytes(got)[14:], wanted + behind[:max(0, 60 - 14 - len(wanted))], packet.summary())


def test_deny_on_output(net):
    """What the rules for outgoing packets refuse is dropped, and counted."""
    _prepare(net, "50 deny udp from any to any 9 out xmit east0\n60 deny ip6 from any to any out recv west0\n" + _COUNT)
    before = _by_stack(net)
    with frames.Sniffer(net.server) as far:
        _send(net, *[_v4(_DATAGRAM)] * 20, *[_v6(TCP(dport=80))] * 20, _v4(UDP(dport=10)))
        far.wait(lambda packet: UDP in packet and packet[UDP].dport == 10)
        arrived = far.packets(lambda packet: packet.src == SERVER.firewall_mac)
    harness.equal(len(arrived), 1, "packets that arrived")
    harness.equal([net.firewall.packets(number) for number in (50, 60)], [20, 20])
    harness.within(_by_stack(net) - before, 0, 4, "packets that the stack has forwarded")


@harness.time_limit(60)
def test_refused_on_output(net):
    """Rules for outgoing packets answer, with what they would answer to packets of the stack."""
    rules = ("50 unreach port udp from any to any 9 out\n51 unreach needfrag 1300 udp from any to any 10 out\n"
             "52 unreach6 admin-prohib udp from any to any 9 out\n53 reset tcp from any to any 80 out\n"
             "54 reset6 tcp from any to any 80 out\n" + _COUNT)
    syn = TCP(sport=5, dport=80, flags="S", seq=77)
    packets = [_v4(_DATAGRAM), _v6(_DATAGRAM), _v4(UDP(dport=10) / Raw(bytes(700))), _v4(syn), _v6(syn)]
    answers = []
    for value in (0, _ON):
        _prepare(net, rules, value)
        _warm_up(net)
        net.firewall("-q zero")
        before, got = _by_stack(net), []
        for packet in packets:
            with frames.Sniffer(net.client) as near:
                _send(net, packet)
                answer, = near.wait(lambda each: each.src == CLIENT.firewall_mac and each.dst == CLIENT.host_mac)[:1]
            harness.true(frames.checksums_right(answer), f"{packet.summary()}: wrong checksum")
            got.append((answer.summary(), len(answer)))
        if value:
            harness.equal(_by_stack(net), before, "packets that the stack has forwarded")
        answers.append(got + [net.firewall.packets(number) for number in range(50, 55)])
    harness.equal(answers[1], answers[0], "answers")


@harness.time_limit(60)
def test_states(net):
    """States made on input or on output let answers through, and nothing else."""
    for rules in ("100 check-state\n200 allow ip from any to any in recv west0 keep-state\n300 deny ip from any to any",
                  "100 check-state\n150 allow ip from any to any in recv west0\n"
                  "200 allow ip from any to any out recv west0 xmit east0 keep-state\n300 deny ip from any to any"):
        _prepare(net, _NEIGHBOURS + rules)
        before = _by_stack(net)
        with traffic.udp_server(net.server, 53), traffic.tcp_server(net.server, 80), traffic.udp_server(net.client, 53):
            for server, client in ((SERVER.host4, CLIENT.host4), (SERVER.host6, CLIENT.host6)):
                harness.true(traffic.ping(net.client, server, count=20), f"{server} does not answer")
                harness.equal(traffic.tcp_connect(net.client, server, 80), "ok", server)
                for _ in range(10):
                    harness.equal(traffic.udp_exchange(net.client, server, 53), "ok", server)
                harness.equal(traffic.udp_exchange(net.server, client, 53), "timeout", client)
        harness.true(net.firewall.packets(200) > 100, "the rule of the states does not count")
        harness.within(_by_stack(net) - before, 0, 2 * _SHOWN, "packets that the stack has forwarded")


@harness.time_limit(90)
def test_transfers(net):
    """Long connections both ways, with checksums that are computed and with such as wait for the hardware."""
    size = 10_000_000
    _prepare(net, _NEIGHBOURS + _COUNT)
    for finished in (True, False):
        if not finished:
            for host in (net.client, net.server):
                host.run("ethtool", "-K", "eth0", "tx", "on")
        before, packets = _by_stack(net), net.firewall.packets(200)
        for source, target, addresses in ((net.client, net.server, (SERVER.host4, SERVER.host6)),
                                          (net.server, net.client, (CLIENT.host4, CLIENT.host6))):
            for address in addresses:
                with traffic.tcp_sink(target, 5001) as served:
                    harness.equal(traffic.tcp_transfer(source, address, 5001, size), size)
                    harness.true(traffic.wait_for(lambda: served.bytes == size), f"{served.bytes} bytes of {size} came through")
        if finished:
            harness.within(_by_stack(net) - before, 0, (net.firewall.packets(200) - packets) // 10,
                           "packets that the stack has forwarded")


def _checked(net, packet, by_stack, arrives=True):
    """Sends a packet that arrives or not, forwarded by the stack or not (None: either)."""
    _warm_up(net)
    before = _by_stack(net)
    with frames.Sniffer(net.server) as far:
        frames.send(net.client, "eth0", packet)
        _send(net, _v4(UDP(sport=1, dport=777)))
        harness.true(far.wait(lambda packet: UDP in packet and packet[UDP].dport == 777), "the packet behind it is lost")
        arrived = [each for each in far.packets(patience=0.02)
                   if each.src == SERVER.firewall_mac and not (UDP in each and each[UDP].dport == 777)]
    harness.equal(len(arrived), arrives, f"{packet.summary()}: arrived")
    if by_stack is not None:
        harness.equal(_by_stack(net) - before, by_stack, f"{packet.summary()}: forwarded by the stack")


@harness.time_limit(60)
def test_left_to_the_stack(net):
    """What arrives as ever, by the stack."""
    _prepare(net, _COUNT)
    pending4, pending6 = _v4(_DATAGRAM), _v6(TCP(dport=80, flags="S"))
    pending4 = IP(bytes(pending4))
    total = wire.internet_sum(bytes(pending4)[12:20] + bytes([0, 17, 0, 12]))
    pending4[UDP].chksum = total
    for name, packet, by_stack in (
            ("ordinary", _v4(_DATAGRAM), 0), ("ordinary", _v6(_DATAGRAM), 0),
            ("without checksum", _v4(UDP(dport=9, chksum=0) / Raw(b"data")), 0),
            ("options", _v4(_DATAGRAM, options=[IPOption_NOP()] * 4), 1),
            ("extension header", _v6(IPv6ExtHdrDestOpt(options=[HBHOptUnknown(otype=0x1e, optdata=b"\1" * 4)]) / _DATAGRAM), 1),
            ("first fragment", _v4(_DATAGRAM, flags="MF"), 1), ("last fragment", _v4(Raw(bytes(64)), frag=8, proto=17), 1),
            ("fragment", _v6(IPv6ExtHdrFragment(m=1) / _DATAGRAM), 1),
            ("odd source", _v4(_DATAGRAM, src="0.0.0.1"), 1), ("odd source", _v4(_DATAGRAM, src="169.254.0.1"), 1),
            ("neighbour discovery", _v6(ICMPv6ND_NS(tgt=SERVER.host6), hlim=255), 1),
            ("another protocol", _v4(Raw(bytes(32)), proto=132), 1),
            ("checksum to be computed", pending4, 1)):
        print(f"# {name}")
        _checked(net, _ether() / packet, by_stack)


def _answer(net, packet, is_answer):
    """
    Whether the gateway answers a frame of the client's, and XDP does not forward it. Of some answers the kernel sends
    one a second.
    """
    answered = False
    with frames.Sniffer(net.client) as near, frames.Sniffer(net.server) as far:
        for _ in range(4):
            frames.send(net.client, "eth0", packet)
            answered = answered or bool(near.wait(lambda each: each.src == CLIENT.firewall_mac and is_answer(each)))
        arrived = far.packets(lambda each: each.src == SERVER.firewall_mac)
    harness.equal([each.summary() for each in arrived], [], f"{packet.summary()}: arrived")
    return answered


@harness.time_limit(60)
def test_answered_by_the_stack(net):
    """What cannot be forwarded is answered as ever."""
    _prepare(net, _COUNT)
    net.gateway.ip(f"route add 10.0.0.0/8 via {SERVER.host4} mtu lock 1000", "route add unreachable 10.1.0.0/16",
                   "route add prohibit 10.2.0.0/16", f"route add 2001:db8:a::/48 via {SERVER.host6} mtu lock 1280")
    _warm_up(net)
    for name, packet, is_answer in (
            ("time to live", _v4(_DATAGRAM, ttl=1), lambda each: ICMP in each and each[ICMP].type == 11),
            ("hop limit", _v6(_DATAGRAM, hlim=1), lambda each: ICMPv6TimeExceeded in each),
            ("MTU", _v4(UDP(dport=9) / Raw(bytes(1000)), dst="10.0.0.1", flags="DF"),
             lambda each: ICMP in each and (each[ICMP].type, each[ICMP].code, each[ICMP].nexthopmtu) == (3, 4, 1000)),
            ("MTU", _v6(UDP(dport=9) / Raw(bytes(1300)), dst="2001:db8:a::1"), lambda each: ICMPv6PacketTooBig in each),
            ("no route", _v4(_DATAGRAM, dst="11.0.0.1"), lambda each: ICMP in each and (each[ICMP].type, each[ICMP].code) == (3, 0)),
            ("unreachable", _v4(_DATAGRAM, dst="10.1.0.1"), lambda each: ICMP in each and each[ICMP].code == 1),
            ("prohibited", _v4(_DATAGRAM, dst="10.2.0.1"), lambda each: ICMP in each and each[ICMP].code == 13)):
        harness.true(_answer(net, _ether() / packet, is_answer), f"{name}: no answer")


@harness.time_limit(60)
def test_never_forwarded(net):
    """What the stack would never forward, XDP does not either."""
    _prepare(net, _COUNT)
    net.gateway.ip(f"route add default via {SERVER.host4}", f"route add ::/0 via {SERVER.host6}")
    for packet in (_v4(_DATAGRAM, chksum=0x1234), _v4(_DATAGRAM, dst="224.0.0.5"), _v4(_DATAGRAM, dst="198.51.100.255"), _v4(_DATAGRAM, dst="127.0.0.1"),
                   _v4(_DATAGRAM, dst="255.255.255.255"), _v4(_DATAGRAM, src="127.0.0.1"),
                   _v4(_DATAGRAM, src="224.0.0.1"), _v4(_DATAGRAM, src=SERVER.firewall4),
                   _v4(_DATAGRAM, dst=SERVER.firewall4), _v6(_DATAGRAM, dst="ff0e::1"), _v6(_DATAGRAM, src="ff0e::1"),
                   _v6(_DATAGRAM, src="::1"), _v6(_DATAGRAM, src="fe80::1"), _v6(_DATAGRAM, dst="fe80::1")):
        _checked(net, _ether() / packet, None, arrives=False)
    for mac in ("ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "02:00:00:00:00:77"):
        _checked(net, _ether(dst=mac) / _v4(_DATAGRAM), None, arrives=False)
    net.gateway.sysctl(ipv4__conf__west0__forwarding=0, ipv6__conf__all__forwarding=0)
    with frames.Sniffer(net.server) as far:
        _send(net, _v4(_DATAGRAM), _v6(_DATAGRAM))
        harness.equal(far.packets(lambda each: UDP in each and each.src == SERVER.firewall_mac), [], "forwarded though forwarding is off")


@harness.time_limit(60)
@harness.three_hosts
def test_routes_and_neighbours(net):
    """Changes of routes and neighbours are in force at once, without a commit."""
    _prepare(net, _COUNT)
    wire.receive_offload_on(net.other, "eth0")
    net.firewall("-q add 300 count ip from any to any")
    harness.equal(_status(net), "at XDP, to west0 east0 west1")
    _warm_up(net)

    def where():
        """Who gets a packet for 10.0.0.1, and by which link address."""
        with frames.Sniffer(net.server) as server, frames.Sniffer(net.other) as other:
            for _ in range(3):  # the first one for a next hop goes by the stack
                _send(net, _v4(_DATAGRAM, dst="10.0.0.1"))
            time.sleep(0.1)
            return [{each.dst for each in far.packets(lambda each: IP in each and each[IP].dst == "10.0.0.1")}
                    for far in (server, other)]

    net.gateway.ip(f"route add 10.0.0.0/8 via {SERVER.host4}")
    harness.equal(where(), [{SERVER.host_mac}, set()])
    net.gateway.ip(f"route add 10.0.0.0/24 via {OTHER.host4}")
    harness.equal(where(), [set(), {OTHER.host_mac}])
    net.gateway.ip("route del 10.0.0.0/24")
    net.gateway.ip(f"neigh replace {SERVER.host4} lladdr 02:00:00:00:00:99 dev {SERVER.interface} nud permanent")
    harness.equal(where(), [{"02:00:00:00:00:99"}, set()])
    net.gateway.ip(f"neigh del {SERVER.host4} dev {SERVER.interface}")
    with frames.Sniffer(net.server) as server:
        _send(net, _v4(_DATAGRAM, dst="10.0.0.1"))
        harness.true(server.wait(lambda each: each.type == 0x806), "nobody asks for the neighbour")
    net.gateway.ip("route replace blackhole 10.0.0.0/8")
    harness.equal(where(), [set(), set()])


@harness.time_limit(60)
def test_next_hop_that_has_gone(net):
    """A neighbour that nobody has heard of for long is asked whether it is still there, though XDP sends to it."""
    _prepare(net, _COUNT)
    net.gateway.sysctl(ipv4__neigh__east0__delay_first_probe_time=1)
    _warm_up(net)
    net.gateway.ip(f"neigh replace {SERVER.host4} lladdr 02:00:00:00:00:99 dev {SERVER.interface} nud stale")
    before, sent, end = _by_stack(net), 0, time.monotonic() + 20
    with frames.Sniffer(net.server) as far:
        while not far.packets(lambda each: each.type == 0x806, patience=0) and time.monotonic() < end:
            _send(net, *[_v4(_DATAGRAM)] * 10)
            sent += 10
            time.sleep(0.05)
        harness.true(far.packets(lambda each: each.type == 0x806, patience=0), "nobody asks for the neighbour")
    harness.within(_by_stack(net) - before, 1, sent // 4, f"packets of {sent} that the stack has forwarded")


@harness.time_limit(60)
def test_source_checks(net):
    """rp_filter, read at the commit: 1 wants the way back by the same interface, 2 any, 0 none."""
    true, spoofed, strange = CLIENT.host4, "198.51.100.77", "203.0.113.1"
    for everywhere, here, passing in ((0, 0, (true, spoofed, strange)), (0, 1, (true,)), (1, 0, (true,)),
                                      (2, 0, (true, spoofed)), (1, 2, (true, spoofed))):
        net.gateway.sysctl(ipv4__conf__all__rp_filter=everywhere, ipv4__conf__west0__rp_filter=here)
        _prepare(net, _COUNT)
        for source in (true, spoofed, strange):
            print(f"# {everywhere} {here} {source}")
            _checked(net, _ether() / _v4(_DATAGRAM, src=source), 0, arrives=source in passing)


def test_vlan_devices(net):
    """What comes in by the parent of a VLAN device may be for that device: the stack knows."""
    try:
        net.gateway.ip("link add link west0 name vlan7 type vlan id 7")
    except OSError as error:
        raise harness.Skip("this kernel has no VLAN devices") from error
    net.gateway.ip("addr add 10.7.0.1/24 dev vlan7", "link set vlan7 up")
    _prepare(net, "50 deny udp from any to any in recv vlan7\n" + _COUNT)
    before = _by_stack(net)
    with frames.Sniffer(net.server) as far:
        _send(net, *[_v4(_DATAGRAM)] * 20)
        harness.equal(len(far.wait(lambda each: each.src == SERVER.firewall_mac, 20)), 20, "packets that arrived")
    harness.within(_by_stack(net) - before, 20, 60, "packets that the stack has forwarded, answers to them included")
    with frames.Sniffer(net.server) as far:
        frames.send(net.client, "eth0", _ether() / Dot1Q(vlan=7) / _v4(_DATAGRAM, src="10.7.0.2"))
        harness.equal(far.packets(lambda each: each.src == SERVER.firewall_mac, patience=0.3), [], "around the VLAN's rules")
    harness.equal(net.firewall.packets(50), 1, "packets that the VLAN's rules refused")


def test_interfaces_that_take_none(net):
    """Without the kernel's word on it no interface is sent to; nor is one that came after the commit."""
    net.firewall(f"-q sysctl {_VARIABLE}=1")
    net.firewall.load(_COUNT)
    harness.equal(_status(net), "by the stack: no interface is known to send what XDP forwards")
    harness.true(traffic.ping(net.client, SERVER.host4, count=3), "no answer")
    _prepare(net, _COUNT)
    net.gateway.ip("link delete east0")
    net.gateway.ip(f"link add dev east0 index 77 address {SERVER.firewall_mac} type veth peer name eth0 "
                   f"address {SERVER.host_mac} netns {net.server.name}")
    net.configure_link(net.server, SERVER)
    before = _by_stack(net)
    harness.true(traffic.ping(net.client, SERVER.host4, count=10), "no answer by the new interface")
    harness.equal(_by_stack(net) - before, 20, "packets that the stack has forwarded")


_HINDRANCES = (("100 count ip from any to any uid 0", "sockets (uid, gid, jail, sockarg)"),
               ("100 setfib 7 ip from any to any 7 in", "routing tables (setfib)"),
               ("100 count tag 7 udp from any to any 7 in\n110 count ip from any to any tagged 7 out", "tags go along"))


@harness.time_limit(60)
def test_rules_that_hinder(net):
    """Rules that XDP cannot hold to for forwarded packets: the stack forwards, and `status' says why."""
    _prepare(net, _COUNT)
    for rules, reason in _HINDRANCES:
        net.firewall.load(rules + "\n65000 allow ip from any to any")
        harness.contains(_status(net), "by the stack: ")
        harness.contains(_status(net), reason)
        before = _by_stack(net)
        harness.true(traffic.ping(net.client, SERVER.host4, count=5), "no answer")
        harness.equal(_by_stack(net) - before, 10, "packets that the stack has forwarded")
    net.firewall("-q sysctl net.link.ether.ipfw=1")
    net.firewall.load(_COUNT)
    harness.contains(_status(net), "net.link.ether.ipfw")
    net.firewall("-q sysctl net.link.ether.ipfw=0")
    policy = f"xfrm policy add src {CLIENT.host4} dst {SERVER.host4} dir out tmpl proto esp mode tunnel src {SERVER.firewall4} " \
        f"dst {SERVER.host4}"
    try:
        net.gateway.ip(policy)
    except OSError:
        print("# no IPsec here")
    else:
        net.firewall.load(_COUNT)
        harness.equal(_status(net), "by the stack: there are IPsec policies")
        net.gateway.ip("xfrm policy flush")
    try:
        net.gateway.ip("link add vrf0 type vrf table 10")
    except OSError:
        print("# no VRF here")
    else:
        net.firewall.load(_COUNT)
        harness.equal(_status(net), "by the stack: there is a VRF")
        net.gateway.ip("link delete vrf0")
    for rules in ("100 reset tcp from any to any 7", "100 unreach port udp from any to any 7 out",
                  "100 count ip from any to any uid 0 in", "100 setdscp ef ip from any to any 7",
                  "100 count log ip from any to any 7", "100 count tag 7 ip from any to any out\n110 count ip from any to any tagged 7"):
        net.firewall.load(rules + "\n65000 allow ip from any to any")
        harness.equal(_status(net), "at XDP, to west0 east0", rules)


def test_switches(net):
    """The variable outlives `disable firewall', and can be set meanwhile."""
    _prepare(net, _COUNT)
    net.firewall("disable firewall")
    harness.contains(net.firewall("status"), "disabled, every packet passes")
    harness.equal(net.firewall(f"sysctl -n {_VARIABLE}"), f"{_ON}\n")
    net.firewall("enable firewall")
    harness.equal(_status(net), "at XDP, to west0 east0")
    net.firewall("disable firewall")
    net.firewall(f"-q sysctl {_VARIABLE}=0")
    harness.contains(net.firewall("status"), "disabled, every packet passes")
    net.firewall("enable firewall")
    harness.equal((_status(net), net.firewall(f"sysctl -n {_VARIABLE}")), ("by the stack", "0\n"))
    harness.contains(net.firewall.run("sysctl", f"{_VARIABLE}=3", status=1).stderr, "must be 0 to 2")


@harness.time_limit(60)
def test_logged_and_marked_on_output(net):
    """Rules for outgoing packets log, and change packets, as they do for the stack."""
    _prepare(net, "100 count log udp from any to any 9 out recv west0 xmit east0\n200 setdscp ef udp from any to any 9 out\n" + _OPEN)
    _warm_up(net)
    net.firewall("-q resetlog")
    net.firewall.run("monitor", "-n")
    before = _by_stack(net)
    with frames.Sniffer(net.server) as far:
        _send(net, _v4(_DATAGRAM), _v6(_DATAGRAM))
        arrived = far.wait(lambda each: UDP in each and each[UDP].dport == 9, 2)
    harness.equal(_by_stack(net), before, "packets that the stack has forwarded")
    harness.equal([each[IP].tos if IP in each else each[IPv6].tc for each in arrived], [46 << 2] * 2, "traffic classes")
    harness.true(all(frames.checksums_right(each) for each in arrived), "wrong checksum")
    lines = net.firewall.run("monitor", "-n").stdout.splitlines()
    harness.equal([line.split("ipfw: ")[1].split(" UDP ")[0] for line in lines], ["100 Count"] * 2)
    harness.true(all("out via east0" in line for line in lines), f"{lines}")


def test_explain(net):
    """Packets that the tool asks about are not forwarded, and say the same."""
    said = []
    for value in (0, _ON):
        _prepare(net, "50 count udp from any to any 9 in\n60 deny udp from any to any 10 out\n" + _COUNT, value)
        said.append([explain.text(net, "recv", "west0", "xmit", "east0", f"udp [{source}]:5 > [{destination}]:{port}")
                     for source, destination in ((CLIENT.host4, SERVER.host4), (CLIENT.host6, SERVER.host6)) for port in (9, 10)])
        harness.equal([net.firewall.packets(number) for number in (50, 60)], [0, 0], "packets counted")
    harness.equal(said[1], said[0])
    harness.contains(said[1][1], "out via east0")


@harness.time_limit(120)
@harness.no_second_try
def test_switching_under_traffic(net):
    """Nothing is lost while XDP takes over from the stack and back."""
    emulated = namespaces.in_virtual_machine()
    _prepare(net, "100 count udp from any to any in\n200 count udp from any to any out\n" + _OPEN, 0)
    receiver = blast.Receiver(net.server, 5000)
    stop, sent = multiprocessing.Event(), multiprocessing.Value("q", 0)
    sender = multiprocessing.Process(target=blast.blast, daemon=True, args=(
        net.client, CLIENT.host4, SERVER.host4, (5000,), 1000 if emulated else 10000, stop, sent))
    sender.start()
    before = _by_stack(net)
    for number in range(10 if emulated else 60):
        net.firewall(f"-q sysctl {_VARIABLE}={(_ON, 0, 2, _ON)[number % 4]}")
    stop.set()
    sender.join()
    arrived, refused = receiver.stop(), blast.ring_drops(net)
    stack = _by_stack(net) - before
    print(f"# {sent.value} packets, {stack} of them by the stack, lost {sent.value - arrived}, refused by rings {refused}", flush=True)
    harness.within(sent.value - arrived, 0, refused, "lost packets")
    harness.within(stack, sent.value // 20, sent.value * 19 // 20, "packets by the stack")
    harness.equal(net.firewall.packets(200), net.firewall.packets(100), "packets out")


def test_generic(net):
    """What comes in by an interface with XDP in the stack is forwarded, too."""
    modes.make_generic(net)
    _prepare(net, _COUNT)
    harness.contains(_status(net), "at XDP, to ")
    harness.contains(_status(net), "east0")
    _warm_up(net)
    before = _by_stack(net)
    with traffic.udp_server(net.server, 53, echo=False) as served:
        traffic.udp_send(net.client, SERVER.host4, 53, [bytes(number) for number in range(100)])
        harness.true(traffic.wait_for(lambda: served.packets == 100), f"{served.packets} packets of 100 arrived")
    harness.within(_by_stack(net) - before, 0, 2, "packets that the stack has forwarded")
