# SPDX-License-Identifier: GPL-2.0-only
"""reject, unreach, unreach6, reset, reset6: the answers as they are on the wire, and when none is sent."""
import frames
import harness
import traffic
from frames import ICMP, IP, TCP, UDP, Ether, IPv6, Raw
from network import CLIENT, OTHER, SERVER
from scapy.layers.inet6 import ICMPv6DestUnreach, ICMPv6EchoRequest

OPEN = "65000 allow ip from any to any"
CODES4 = {"net": 0, "host": 1, "protocol": 2, "port": 3, "needfrag": 4, "srcfail": 5, "net-unknown": 6,
          "host-unknown": 7, "isolated": 8, "net-prohib": 9, "host-prohib": 10, "tosnet": 11, "toshost": 12,
          "filter-prohib": 13, "host-precedence": 14, "precedence-cutoff": 15, "200": 200}
CODES6 = {"no-route": 0, "admin-prohib": 1, "address": 3, "port": 4, "7": 7}


def _ether(**fields):
    return Ether(**{"src": CLIENT.host_mac, "dst": CLIENT.firewall_mac, **fields})


def _is_error4(packet):
    return ICMP in packet and packet[ICMP].type in (3, 11, 12)


def _is_error6(packet):
    return ICMPv6DestUnreach in packet


def _is_reset(packet):
    return TCP in packet and packet[TCP].flags.R


def _answer(net, frame, wanted, host=None):
    """Sends `frame` from the client (or `host`) and returns the one answer that `wanted` accepts."""
    host = host or net.client
    with frames.Sniffer(host) as wire:
        frames.send(host, "eth0", frame)
        found = wire.wait(wanted)
        found = wire.packets(wanted, patience=0.05)
        harness.equal(len(found), 1, f"answers to {frame.summary()}")
        harness.equal(wire.unfinished, 0, "answers with a checksum left to hardware")
    harness.true(frames.checksums_right(found[0]), f"wrong checksum: {found[0].show(dump=True)}")
    return found[0]


def _no_answer(net, frame, what, rule=100):
    """Sends `frame`; rule `rule` must count it and nothing must come back."""
    before = net.firewall.packets(rule)
    with frames.Sniffer(net.client) as wire:
        frames.send(net.client, "eth0", frame)
        harness.true(traffic.wait_for(lambda: net.firewall.packets(rule) > before), f"{what}: the rule did not match")
        answers = wire.packets(lambda packet: _is_error4(packet) or _is_error6(packet) or _is_reset(packet))
        harness.equal([packet.summary() for packet in answers], [], what)


def _check_error4(reply, sent, code, quoted_ttl):
    harness.equal((reply[Ether].src, reply[Ether].dst), (CLIENT.firewall_mac, CLIENT.host_mac))
    harness.equal((reply[IP].src, reply[IP].dst), (CLIENT.firewall4, CLIENT.host4))
    harness.true(reply[IP].ttl >= 63, f"ttl {reply[IP].ttl}")
    harness.equal((reply[ICMP].type, reply[ICMP].code), (3, code))
    quoted = bytes(reply[ICMP])[8:]
    harness.true(len(quoted) >= 28, f"only {len(quoted)} bytes quoted")
    original = bytes(sent[IP])
    header = IP(quoted[:20])
    harness.equal(header.ttl, quoted_ttl, "quoted ttl")
    # The header as it was sent, but for the TTL and so the checksum.
    harness.equal(quoted[:8] + quoted[9:10] + quoted[12:28], original[:8] + original[9:10] + original[12:28], "quote")


def test_reject_forwarded_in(net):
    net.firewall.load("100 reject udp from any to any 9 in\n" + OPEN)
    sent = (_ether() / IP(src=CLIENT.host4, dst=SERVER.host4, id=77, ttl=40) / UDP(sport=1, dport=9) /
            Raw(bytes(range(40))))
    _check_error4(_answer(net, sent, _is_error4), sent, 1, 40)
    harness.equal(net.firewall.counters(100), (1, 68))


def test_reject_forwarded_out(net):
    net.firewall.load("100 reject udp from any to any 9 out\n" + OPEN)
    sent = _ether() / IP(src=CLIENT.host4, dst=SERVER.host4, id=78, ttl=40) / UDP(sport=1, dport=9) / Raw(b"data")
    with frames.Sniffer(net.server) as far:
        _check_error4(_answer(net, sent, _is_error4), sent, 1, 39)
        harness.equal(far.packets(lambda packet: UDP in packet), [], "the packet arrived")
    harness.equal(net.firewall.counters(100), (1, 32))


@harness.time_limit(60)
def test_unreach_codes(net):
    rules = "".join(f"{100 + index} unreach {name} udp from any to any {1000 + index} in\n"
                    f"{200 + index} unreach {name} udp from any to any {2000 + index} out\n"
                    for index, name in enumerate(CODES4))
    net.firewall.load(rules + "300 unreach needfrag 1234 udp from any to any 3000 in\n" + OPEN)
    for base in (1000, 2000):
        for index, code in enumerate(CODES4.values()):
            sent = _ether() / IP(src=CLIENT.host4, dst=SERVER.host4) / UDP(sport=1, dport=base + index) / Raw(b"x")
            reply = _answer(net, sent, _is_error4)
            harness.equal((reply[ICMP].type, reply[ICMP].code), (3, code), f"port {base + index}")
            if code == CODES4["needfrag"]:
                harness.equal(reply[ICMP].nexthopmtu, 0, "no MTU was given")
    reply = _answer(net, _ether() / IP(src=CLIENT.host4, dst=SERVER.host4) / UDP(sport=1, dport=3000), _is_error4)
    harness.equal((reply[ICMP].code, reply[ICMP].nexthopmtu), (4, 1234))


@harness.time_limit(60)
def test_unreach6_codes(net):
    rules = "".join(f"{100 + index} unreach6 {name} udp from any to any {1000 + index} in\n"
                    f"{200 + index} unreach6 {name} udp from any to any {2000 + index} out\n"
                    for index, name in enumerate(CODES6))
    net.firewall.load(rules + OPEN)
    for base, ttl in ((1000, 40), (2000, 39)):
        for index, code in enumerate(CODES6.values()):
            sent = (_ether() / IPv6(src=CLIENT.host6, dst=SERVER.host6, hlim=40) / UDP(sport=1, dport=base + index) /
                    Raw(bytes(range(60))))
            reply = _answer(net, sent, _is_error6)
            harness.equal((reply[Ether].src, reply[Ether].dst), (CLIENT.firewall_mac, CLIENT.host_mac))
            harness.equal((reply[IPv6].src, reply[IPv6].dst), (CLIENT.firewall6, CLIENT.host6))
            harness.true(reply[IPv6].hlim >= 63, f"hop limit {reply[IPv6].hlim}")
            harness.equal((reply[ICMPv6DestUnreach].type, reply[ICMPv6DestUnreach].code), (1, code))
            quoted, original = bytes(reply[ICMPv6DestUnreach])[8:], bytes(sent[IPv6])
            harness.equal(quoted[7], ttl, "quoted hop limit")
            harness.equal(quoted[:7] + quoted[8:], original[:7] + original[8:], "quote")


def test_unreach_of_the_other_family(net):
    """unreach and reject on IPv6 are translated; unreach6 on IPv4 only drops."""
    net.firewall.load("100 reject udp from any to any 9 in\n110 unreach port udp from any to any 10 in\n"
                      "120 unreach filter-prohib udp from any to any 11 in\n"
                      "130 unreach6 port udp from any to any 12 in\n140 unreach needfrag 1300 udp from any to any 13 in\n" +
                      OPEN)
    for port, code in ((9, 0), (10, 4), (11, 1), (13, 1)):
        reply = _answer(net, _ether() / IPv6(src=CLIENT.host6, dst=SERVER.host6) / UDP(sport=1, dport=port), _is_error6)
        harness.equal(reply[ICMPv6DestUnreach].code, code, f"port {port}")
    _no_answer(net, _ether() / IP(src=CLIENT.host4, dst=SERVER.host4) / UDP(sport=1, dport=12), "unreach6 on IPv4", 130)


def test_answers_to_the_machine_itself_in(net):
    net.firewall.load("100 reset tcp from any to me 22 in\n110 unreach port udp from any to me 9 in\n"
                      "120 reset6 tcp from any to me6 23 in\n130 unreach6 port udp from any to me6 10 in\n" + OPEN)
    with traffic.tcp_server(net.gateway, 22, 23, 24):
        for address in (CLIENT.firewall4, SERVER.firewall4):
            harness.equal(traffic.tcp_connect(net.client, address, 22), "refused", address)
            harness.equal(traffic.tcp_connect(net.client, address, 24), "ok", address)
            harness.equal(traffic.udp_exchange(net.client, address, 9), "refused", address)
        harness.equal(traffic.tcp_connect(net.client, CLIENT.firewall6, 23), "refused")
        harness.equal(traffic.tcp_connect(net.client, CLIENT.firewall6, 24), "ok")
        harness.equal(traffic.udp_exchange(net.client, CLIENT.firewall6, 10), "refused")


def test_answers_to_local_senders(net):
    """Packets that the machine itself sends, refused on their way out."""
    net.firewall.load("100 reset tcp from me to any 80 out\n110 unreach port udp from me to any 9 out\n"
                      "120 reset6 tcp from me6 to any 81 out\n130 unreach6 port udp from me6 to any 10 out\n"
                      "140 reject tcp from me to any 82 out\n" + OPEN)
    with traffic.tcp_server(net.client, 80, 81, 82, 83), frames.Sniffer(net.client) as wire:
        harness.equal(traffic.tcp_connect(net.gateway, CLIENT.host4, 80), "refused")
        harness.equal(traffic.udp_exchange(net.gateway, CLIENT.host4, 9), "refused")
        harness.equal(traffic.tcp_connect(net.gateway, CLIENT.host6, 81), "refused")
        harness.equal(traffic.udp_exchange(net.gateway, CLIENT.host6, 10), "refused")
        harness.equal(traffic.tcp_connect(net.gateway, CLIENT.host4, 82), "ehostunreach")
        harness.equal([packet.summary() for packet in wire.packets(lambda packet: IP in packet or IPv6 in packet)], [],
                      "something left the machine")
        harness.equal(traffic.tcp_connect(net.gateway, CLIENT.host4, 83), "ok")


def _tcp4(flags, **fields):
    return _ether() / IP(src=CLIENT.host4, dst=SERVER.host4) / TCP(sport=1000, dport=80, flags=flags, **fields)


def _tcp6(flags, **fields):
    return _ether() / IPv6(src=CLIENT.host6, dst=SERVER.host6) / TCP(sport=1000, dport=80, flags=flags, **fields)


def _check_reset(reply, sent, network, sequence, acknowledgment, flags):
    harness.equal((reply[Ether].src, reply[Ether].dst), (CLIENT.firewall_mac, CLIENT.host_mac))
    harness.equal((reply[network].src, reply[network].dst), (sent[network].dst, sent[network].src))
    harness.equal((reply[TCP].sport, reply[TCP].dport), (80, 1000))
    harness.equal(str(reply[TCP].flags), flags)
    harness.equal((reply[TCP].seq, reply[TCP].ack if "A" in flags else None), (sequence, acknowledgment))
    harness.equal(reply[TCP].dataofs, 5)
    length = reply[IP].len if network is IP else reply[IPv6].plen + 40
    harness.equal(length, (20 if network is IP else 40) + 20, "length")
    ttl = reply[IP].ttl if network is IP else reply[IPv6].hlim
    harness.true(ttl >= 63, f"ttl {ttl}")


def _reset_cases(net, make, network):
    # As ipfw does: of what a segment without ACK carries, only the SYN is acknowledged.
    sent = make("S", seq=1000)
    _check_reset(_answer(net, sent, _is_reset), sent, network, 0, 1001, "RA")
    sent = make("A", seq=1000, ack=5000)
    _check_reset(_answer(net, sent, _is_reset), sent, network, 5000, None, "R")
    sent = make("PA", seq=1000, ack=4294967295) / Raw(b"twelve bytes")
    _check_reset(_answer(net, sent, _is_reset), sent, network, 4294967295, None, "R")
    sent = make("P", seq=4294967290) / Raw(b"twelve bytes")
    _check_reset(_answer(net, sent, _is_reset), sent, network, 0, 4294967290, "RA")
    sent = make("F", seq=10)
    _check_reset(_answer(net, sent, _is_reset), sent, network, 0, 10, "RA")
    sent = make("SA", seq=10, ack=20)
    _check_reset(_answer(net, sent, _is_reset), sent, network, 20, None, "R")
    _no_answer(net, make("R", seq=1), "reset of a RST")
    _no_answer(net, make("RA", seq=1, ack=7), "reset of a RST with ACK")


@harness.time_limit(60)
def test_reset_in(net):
    net.firewall.load("100 reset tcp from any to any 80 in\n" + OPEN)
    _reset_cases(net, _tcp4, IP)


@harness.time_limit(60)
def test_reset_out(net):
    net.firewall.load("100 reset tcp from any to any 80 out\n" + OPEN)
    _reset_cases(net, _tcp4, IP)


@harness.time_limit(60)
def test_reset6_in(net):
    net.firewall.load("100 reset6 tcp from any to any 80 in\n" + OPEN)
    _reset_cases(net, _tcp6, IPv6)


@harness.time_limit(60)
def test_reset6_out(net):
    net.firewall.load("100 reset6 tcp from any to any 80 out\n" + OPEN)
    _reset_cases(net, _tcp6, IPv6)


def test_reset_of_other_things(net):
    net.firewall.load("100 reset ip from any to any in\n" + OPEN)
    _no_answer(net, _ether() / IP(src=CLIENT.host4, dst=SERVER.host4) / UDP(sport=1, dport=9), "reset of UDP")
    reply = _answer(net, _tcp6("S"), _is_error6)
    harness.equal(reply[ICMPv6DestUnreach].code, 1, "reset of TCP in IPv6 is an ICMPv6 error")
    net.firewall.load("100 reset6 ip from any to any in\n" + OPEN)
    _no_answer(net, _tcp4("S"), "reset6 of TCP in IPv4")


@harness.time_limit(60)
def test_no_errors_about_these(net):
    """RFC 1122 3.2.2 and RFC 4443 2.4 e: what must never be answered with an error."""
    net.firewall.load("100 unreach port ip from any to any in\n" + OPEN)
    error4 = ICMP(type=3, code=3) / IP(src=SERVER.host4, dst=CLIENT.host4) / UDP(sport=1, dport=2)
    quoted6 = IPv6(src=SERVER.host6, dst=CLIENT.host6) / UDP(sport=1, dport=2)
    datagram = UDP(sport=1, dport=9) / Raw(b"12345678")
    cases = {
        "an ICMP error": _ether() / IP(src=CLIENT.host4, dst=SERVER.host4) / error4,
        "a later fragment": _ether() / IP(src=CLIENT.host4, dst=SERVER.host4, frag=10, proto=17) / Raw(bytes(24)),
        "a multicast": _ether(dst="01:00:5e:01:02:03") / IP(src=CLIENT.host4, dst="224.1.2.3") / datagram,
        "a broadcast": _ether(dst="ff:ff:ff:ff:ff:ff") / IP(src=CLIENT.host4, dst="255.255.255.255") / datagram,
        "a broadcast frame": _ether(dst="ff:ff:ff:ff:ff:ff") / IP(src=CLIENT.host4, dst=CLIENT.firewall4) / datagram,
        "a source 0.0.0.0": _ether() / IP(src="0.0.0.0", dst=SERVER.host4) / datagram,
        "a multicast source": _ether() / IP(src="224.0.0.9", dst=SERVER.host4) / datagram,
        "a loopback source": _ether() / IP(src="127.0.0.1", dst=SERVER.host4) / datagram,
        "an ICMPv6 error": _ether() / IPv6(src=CLIENT.host6, dst=SERVER.host6) / ICMPv6DestUnreach(code=4) / quoted6,
        "an IPv6 multicast": _ether(dst="33:33:00:00:00:05") / IPv6(src=CLIENT.host6, dst="ff02::5") / datagram,
        "the source ::": _ether() / IPv6(src="::", dst=SERVER.host6) / datagram,
        "an IPv6 multicast source": _ether() / IPv6(src="ff02::9", dst=SERVER.host6) / datagram,
        "a later IPv6 fragment": _ether() / IPv6(src=CLIENT.host6, dst=SERVER.host6, nh=44) /
                                 Raw(bytes.fromhex("1100005000000007") + bytes(24)),
    }
    for what, frame in cases.items():
        _no_answer(net, frame, what)
    _answer(net, _ether() / IP(src=CLIENT.host4, dst=SERVER.host4) / ICMP(), _is_error4)
    _answer(net, _ether() / IPv6(src=CLIENT.host6, dst=SERVER.host6) / ICMPv6EchoRequest(), _is_error6)
    _answer(net, _ether() / IP(src=CLIENT.host4, dst=SERVER.host4, flags="MF") / UDP(sport=1, dport=9, len=100) /
            Raw(bytes(40)), _is_error4)


def test_no_reset_for_broadcasts_and_fragments(net):
    net.firewall.load("100 reset ip from any to any in\n" + OPEN)
    _no_answer(net, _ether(dst="ff:ff:ff:ff:ff:ff") / IP(src=CLIENT.host4, dst=SERVER.host4) / TCP(dport=80, flags="S"),
               "a broadcast frame")
    _no_answer(net, _ether() / IP(src=CLIENT.host4, dst=SERVER.host4, frag=100, proto=6) / Raw(bytes(40)),
               "a later fragment")
    _no_answer(net, _ether(dst="01:00:5e:01:02:03") / IP(src=CLIENT.host4, dst="224.1.2.3") / TCP(dport=80, flags="S"),
               "a multicast")


@harness.three_hosts
def test_answers_bypass_the_rules(net):
    """A ruleset that denies everything else still lets the answers out, uncounted."""
    net.firewall.load("100 reset tcp from any to any 80 in\n110 unreach port udp from any to any 9 in\n"
                      "120 reset tcp from any to any 81 out\n130 allow tcp from any to any 81 in\n"
                      "200 deny ip from any to any")
    harness.equal(traffic.tcp_connect(net.client, SERVER.host4, 80), "refused")
    harness.equal(traffic.udp_exchange(net.client, SERVER.host4, 9), "refused")
    harness.equal(traffic.tcp_connect(net.other, SERVER.host4, 80), "refused")
    harness.equal(traffic.tcp_connect(net.client, SERVER.host4, 81), "refused")
    harness.equal(net.firewall.packets(200), 0, "an answer met the rules")
    harness.equal(OTHER.interface, "west1")


def test_connections_are_reset_midway(net):
    with traffic.tcp_sink(net.server, 80) as served, traffic.tcp_socket(net.client, SERVER.host4) as connection:
        net.firewall.load(OPEN)
        connection.settimeout(traffic.PATIENCE * 4)
        connection.connect((SERVER.host4, 80))
        connection.send(b"first")
        harness.true(traffic.wait_for(lambda: served.bytes == 5), "no data before the rule")
        net.firewall("add 100 reset tcp from any to any 80 in")
        connection.send(b"second")
        try:
            connection.recv(1)
            harness.true(False, "the connection ended without a reset")
        except ConnectionResetError:
            pass
