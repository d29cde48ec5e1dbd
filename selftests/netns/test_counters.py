# SPDX-License-Identifier: GPL-2.0-only
"""Counters are what was on the wire: packets, bytes of IP, time of the last match."""
import contextlib
import socket
import time

import frames
import harness
import traffic
import wire
from frames import IP, TCP, UDP, Ether, IPv6, Raw
from network import CLIENT, SERVER

OPEN = "65000 allow ip from any to any"
_UDP_SEGMENT = 103


@harness.time_limit(60)
def test_counts_what_was_sent(net):
    net.firewall.load("100 count udp from any to any 9 in\n110 count udp from any to any 9 out\n"
                      "120 count icmp from any to any in icmptypes 0,8\n"
                      "130 count ip6 from any to any in icmp6types 128,129\n" + OPEN)
    sizes = [0, 1, 8, 100, 1000, 1400, 1472]
    ether = Ether(src=CLIENT.host_mac, dst=CLIENT.firewall_mac)
    for size in sizes:
        packet = IP(src=CLIENT.host4, dst=SERVER.host4) / UDP(sport=1, dport=9) / Raw(bytes(size))
        frames.send(net.client, "eth0", ether / packet)
    expected = (len(sizes), sum(28 + size for size in sizes))
    harness.true(traffic.wait_for(lambda: net.firewall.packets(110) == len(sizes)), "not all were forwarded")
    harness.equal(net.firewall.counters(100), expected)
    harness.equal(net.firewall.counters(110), expected)
    harness.true(traffic.ping(net.client, SERVER.host4, size=100, count=3), "no answer")
    harness.equal(net.firewall.counters(120), (6, 6 * 128))
    harness.true(traffic.ping(net.client, SERVER.host6, size=100, count=3), "no answer")
    harness.equal(net.firewall.counters(130), (6, 6 * 148))


def test_padding_is_not_counted(net):
    """Ethernet pads short frames; the IP length says what counts."""
    net.firewall.load("100 count udp from any to any 9 in\n" + OPEN)
    ether = Ether(src=CLIENT.host_mac, dst=CLIENT.firewall_mac)
    frames.send(net.client, "eth0",
                bytes(ether / IP(src=CLIENT.host4, dst=SERVER.host4) / UDP(sport=1, dport=9)) + bytes(18),
                bytes(ether / IPv6(src=CLIENT.host6, dst=SERVER.host6) / UDP(sport=1, dport=9)) + bytes(9))
    harness.true(traffic.wait_for(lambda: net.firewall.packets(100) == 2), "not counted")
    harness.equal(net.firewall.counters(100), (2, 28 + 48))


@harness.time_limit(60)
def test_first_rule_decides_on_output(net):
    """No descriptor is made of what leaves then: all that came in is counted, and what is malformed is dropped as ever."""
    net.firewall.load("100 allow ip from any to any out\n200 count ip from any to any in\n" + OPEN)
    ether = Ether(src=CLIENT.host_mac, dst=CLIENT.firewall_mac)
    to4, to6 = IP(src=CLIENT.host4, dst=SERVER.host4), IPv6(src=CLIENT.host6, dst=SERVER.host6)
    for head in (to4, to6):
        frames.send(net.client, "eth0", *(bytes(ether / head / part) for part in (
            UDP(sport=1, dport=9) / Raw(bytes(100)), TCP(sport=1, dport=9), Raw(bytes(20)))))
    options = IP(src=CLIENT.host4, dst=SERVER.host4, options=[b"\1\1\1\0"])
    frames.send(net.client, "eth0", bytes(ether / options / UDP(sport=1, dport=9)),
                bytes(ether / IP(src=CLIENT.host4, dst=SERVER.host4, flags="MF", id=7) / UDP(sport=1, dport=9) / Raw(bytes(24))),
                bytes(ether / IP(src=CLIENT.host4, dst=SERVER.host4, frag=4, id=7, proto=17) / Raw(bytes(24))))
    harness.true(traffic.ping(net.client, SERVER.host4, size=100) and traffic.ping(net.client, SERVER.host6), "no answer")
    harness.true(traffic.wait_for(lambda: net.firewall.counters(100) == net.firewall.counters(200)),
                 f"{net.firewall.counters(200)} came in, {net.firewall.counters(100)} went out")
    harness.true(net.firewall.packets(100) >= 13, "hardly any packets")
    out, dropped = net.firewall.counters(100), net.firewall.drops()["truncated header"]
    leaving = Ether(src=SERVER.firewall_mac, dst=SERVER.host_mac)
    for frame in (bytes(leaving / to4 / UDP(sport=1, dport=9))[:14 + 20 + 7],
                  bytes(leaving / IP(src=CLIENT.host4, dst=SERVER.host4, len=60, proto=6) / Raw(bytes(20)))):
        harness.true(wire.refused(net.gateway, "east0", frame), "a malformed frame left")
    harness.equal((net.firewall.counters(100), net.firewall.drops()["truncated header"]), (out, dropped + 2))
    net.firewall("-q add 50 deny ip from any to any out")
    harness.true(not traffic.ping(net.client, SERVER.host4), "a packet left")
    harness.equal(net.firewall.counters(50), (1, 84))


@contextlib.contextmanager
def _wire_count(namespace, port):
    """Yields a function that tells (packets, bytes of IP) of TCP to `port` that arrived."""
    with frames.Sniffer(namespace) as wire:
        def count():
            lengths = [packet[IP].len if IP in packet else packet[IPv6].plen + 40
                       for packet in wire.packets(lambda packet: TCP in packet and packet[TCP].dport == port)]
            return len(lengths), sum(lengths)
        yield count


def _bulk(net, sender, address, size):
    """A bulk transfer out of east0: the rule's counters and the wire's."""
    # The kernel cuts TCP super-packets itself, behind the firewall, so that the other end sees wire packets.
    wire.segmentation_off(net.gateway, "east0")
    net.firewall.load("100 count tcp from any to any 80 out xmit east0\n" + OPEN)
    with traffic.tcp_sink(net.server, 80) as served, _wire_count(net.server, 80) as count:
        traffic.tcp_transfer(sender, address, 80, size)
        harness.true(traffic.wait_for(lambda: served.bytes == size, 10), f"{served.bytes} of {size} bytes arrived")
        time.sleep(0.1)
        return net.firewall.counters(100), count()


@harness.time_limit(60)
def test_gso_of_local_sender(net):
    for address in (SERVER.host4, SERVER.host6):
        counted, wire = _bulk(net, net.gateway, address, 500_000)
        harness.true(wire[0] > 325, f"only {wire[0]} wire packets: segmentation is not what this test thinks")
        harness.equal(counted, wire, f"{address}: counters against the wire (packets, bytes)")


@harness.time_limit(60)
def test_gso_of_forwarded(net):
    for address in (SERVER.host4, SERVER.host6):
        counted, wire = _bulk(net, net.client, address, 500_000)
        harness.true(wire[0] > 325, f"only {wire[0]} wire packets: segmentation is not what this test thinks")
        harness.equal(counted, wire, f"{address}: counters against the wire (packets, bytes)")


def test_udp_gso(net):
    """UDP_SEGMENT: one send call, many datagrams, each with its headers."""
    net.firewall.load("100 count udp from any to any 9 out\n" + OPEN)
    for address, headers in ((SERVER.host4, 28), (SERVER.host6, 48)):
        net.firewall("zero")
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        with net.gateway, socket.socket(family, socket.SOCK_DGRAM) as sender:
            sender.setsockopt(socket.IPPROTO_UDP, _UDP_SEGMENT, 1000)
            sender.sendto(bytes(10_500), (address, 9))
        harness.equal(net.firewall.counters(100), (11, 10_500 + 11 * headers), address)


def test_loopback(net):
    """Packets to the machine itself pass `out` and then `in`, both on lo."""
    net.firewall.load("100 count icmp from any to any out via lo\n110 count icmp from any to any in via lo\n"
                      "120 count icmp from any to any in recv lo\n130 count ipv6-icmp from any to any via lo\n"
                      "140 deny udp from any to any 9 in recv lo\n150 deny udp from any to any 10 out xmit lo\n" + OPEN)
    harness.true(traffic.ping(net.gateway, "127.0.0.1"), "no answer from 127.0.0.1")
    harness.true(traffic.ping(net.gateway, "::1"), "no answer from ::1")
    harness.true(traffic.ping(net.gateway, CLIENT.firewall4), "no answer from an own address")
    for number, expected in ((100, 4), (110, 4), (120, 4), (130, 4)):
        harness.equal(net.firewall.counters(number)[0], expected, f"rule {number}")
    with traffic.udp_server(net.gateway, 9, 10, 11):
        harness.equal(traffic.udp_exchange(net.gateway, "127.0.0.1", 9), "timeout")
        # The sender is told that its packet was refused on the way out.
        harness.true(traffic.udp_exchange(net.gateway, "127.0.0.1", 10) in ("timeout", "eperm", "enobufs"),
                     "port 10 answers")
        harness.equal(traffic.udp_exchange(net.gateway, "127.0.0.1", 11), "ok")
        harness.equal(traffic.udp_exchange(net.gateway, "::1", 11), "ok")


def _loopback_bulk(net):
    """Counters of rules 100 and 110 after a transfer over lo, or None if the machine sent something twice."""
    net.firewall("zero")
    before = traffic.retransmissions(net.gateway)
    with traffic.tcp_sink(net.gateway, 80) as served:
        traffic.tcp_transfer(net.gateway, "127.0.0.1", 80, 2_000_000)
        harness.true(traffic.wait_for(lambda: served.bytes == 2_000_000, 10), f"only {served.bytes} bytes arrived")
    counted = net.firewall.counters(100), net.firewall.counters(110)
    return counted if traffic.retransmissions(net.gateway) == before else None


@harness.time_limit(60)
def test_loopback_bulk(net):
    """lo carries super-packets, whose number of segments XDP cannot know: the data that `out` and `in` count agree."""
    net.firewall.load("100 count tcp from any to any 80 out\n110 count tcp from any to any 80 in\n" + OPEN)
    # A busy machine answers so late that TCP sends again.
    counted = next(filter(None, (_loopback_bulk(net) for _ in range(5))), None)
    harness.true(counted, "every transfer had retransmissions")
    out, into = counted
    harness.within(out[1], 2_000_000, 2_100_000, "bytes out")
    harness.within(into[1], 2_000_000, 2_100_000, "bytes in")
    headers = 20 + 20 + 12  # IP, TCP, its timestamps; the SYN's options have 8 bytes more
    harness.equal(out[1] - out[0] * headers, 2_000_000 + 8, "bytes of data out")
    harness.equal(into[1] - into[0] * headers, 2_000_000 + 8, "bytes of data in")


def test_last_match(net):
    net.firewall.load("100 count icmp from any to any\n110 count udp from any to any\n" + OPEN)
    before = int(time.time())
    traffic.ping(net.client, SERVER.host4)
    after = int(time.time())
    raw = net.firewall.listing("-T")
    harness.within(int(raw[0].split()[1]), before - 1, after + 1, "-T of a rule that matched")
    harness.equal(raw[1].split()[1], "0", "-T of a rule that never matched")
    words = net.firewall.listing("-t")[0].split()
    shown = time.mktime(time.strptime(" ".join(words[1:6]), "%a %b %d %H:%M:%S %Y"))
    harness.within(int(shown), before - 1, after + 1, "-t of a rule that matched")
    harness.equal(net.firewall.listing("-t")[1].split()[1], "count", "-t of a rule that never matched")
    net.firewall("zero 100")
    harness.equal(net.firewall.listing("-T")[0].split()[1], "0", "-T after zero")


def test_actions_count(net):
    """count goes on, skipto jumps, allow and deny end: and each counts what it did."""
    net.firewall.load("100 count udp from any to any 9\n200 skipto 400 udp from any to any 9\n"
                      "300 deny udp from any to any\n400 count udp from any to any\n"
                      "400 allow udp from any to any 9 in\n"
                      "500 deny udp from any to any 9 out\n" + OPEN)
    with frames.Sniffer(net.server) as far:
        traffic.udp_send(net.client, SERVER.host4, 9, [b"1234"])
        traffic.udp_send(net.client, SERVER.host4, 10, [b"1234"])
        harness.true(traffic.wait_for(lambda: net.firewall.packets(300) == 1 and net.firewall.packets(500) == 1),
                     "no match")
        harness.equal(far.packets(lambda packet: UDP in packet), [], "a denied packet arrived")
    counted = [(rule.number, rule.packets, rule.bytes) for rule in net.firewall.show() if rule.number < 65000]
    harness.equal(counted, [(100, 2, 64), (200, 2, 64), (300, 1, 32), (400, 2, 64), (400, 1, 32), (500, 1, 32)])


def test_skipto_to_a_missing_rule_and_backwards(net):
    net.firewall.load("100 skipto 250 icmp from any to any\n200 deny ip4 from any to any\n"
                      "300 skipto 100 icmp from any to any\n400 allow icmp from any to any\n" + OPEN)
    harness.true(traffic.ping(net.client, SERVER.host4), "skipto 250 did not go on at 300")
    harness.equal([net.firewall.packets(number) for number in (100, 200, 300, 400)], [4, 0, 4, 4])


def test_allow_synonyms_and_deny_synonyms(net):
    net.firewall.load("100 pass udp from any to any 1\n110 permit udp from any to any 2\n"
                      "120 accept udp from any to any 3\n130 allow udp from any 1-3 to any\n"
                      "140 drop udp from any to any 4\n150 deny udp from any to any 5\n" + OPEN)
    with traffic.udp_server(net.server, 1, 2, 3, 4, 5):
        outcomes = [traffic.udp_exchange(net.client, SERVER.host4, port) for port in range(1, 6)]
    harness.equal(outcomes, ["ok", "ok", "ok", "timeout", "timeout"])
