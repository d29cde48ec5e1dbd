# SPDX-License-Identifier: GPL-2.0-only
"""setdscp, tcp-setmss, abort, abort6, call, return, skipto: on real packets, in at XDP and out at TC."""
import contextlib
import socket

import frames
import harness
import modes
import traffic
import wire
from frames import ICMP, IP, TCP, UDP, Dot1Q, Ether, IPv6, Raw
from network import CLIENT, SERVER
from scapy.layers.inet import IPOption_NOP
from scapy.layers.inet6 import ICMPv6DestUnreach, ICMPv6EchoRequest, IPv6ExtHdrDestOpt
from scapy.layers.sctp import SCTP, SCTPChunkAbort, SCTPChunkCookieEcho, SCTPChunkData, SCTPChunkInit

OPEN = "65000 allow ip from any to any"
# Where packets are counted: the kernel sends neighbour discovery and multicast reports when it likes.
OPEN_UDP = "65000 allow udp from any to any"


def _ether(**fields):
    return Ether(**{"src": CLIENT.host_mac, "dst": CLIENT.firewall_mac, **fields})


def _v4(payload, **fields):
    return _ether() / IP(**{"src": CLIENT.host4, "dst": SERVER.host4, **fields}) / payload


def _v6(payload, **fields):
    return _ether() / IPv6(**{"src": CLIENT.host6, "dst": SERVER.host6, **fields}) / payload


def _silence(net):
    """Lets the server answer to nothing, so that counters show the packets of the test alone."""
    net.server.ip("route del default", "route del ::/0")


def _far(net, frame, wanted):
    """Sends `frame` from the client; returns the one packet that `wanted` says yes to at the server."""
    with frames.Sniffer(net.server) as far:
        frames.send(net.client, "eth0", frame)
        far.wait(wanted)
        found = far.packets(wanted, patience=0.02)
    harness.equal(len(found), 1, f"arrivals of {frame.summary()}")
    harness.true(frames.checksums_right(found[0]), f"wrong checksum: {found[0].show(dump=True)}")
    return found[0]


def _nothing_far(net, frame, rule):
    """Sends `frame`; rule `rule` must count it, and nothing of it may arrive at the server."""
    before = net.firewall.packets(rule)
    with frames.Sniffer(net.server) as far:
        frames.send(net.client, "eth0", frame)
        harness.true(traffic.wait_for(lambda: net.firewall.packets(rule) > before), "the rule did not match")
        harness.equal([packet.summary() for packet in far.packets(lambda one: one.src == SERVER.firewall_mac)], [])


def _traffic_class(packet):
    return packet[IP].tos if IP in packet else packet[IPv6].tc


def _from_client(packet):
    return (IP in packet and packet[IP].src == CLIENT.host4) or (IPv6 in packet and packet[IPv6].src == CLIENT.host6)


@harness.time_limit(60)
def test_setdscp_as_freebsd_tests_it(net):
    """tos.sh of FreeBSD's test suite: the code point changes, the ECN bits stay; deny by DSCP."""
    net.firewall.load("100 setdscp 9 ip from any to any in\n" + OPEN)
    for before, after in ((0, 36), (4, 36), (3, 39), (36, 36), (0xff, 39)):
        harness.equal(_traffic_class(_far(net, _v4(ICMP(), tos=before), _from_client)), after, f"tos {before}")
        harness.equal(_traffic_class(_far(net, _v6(ICMPv6EchoRequest(), tc=before), _from_client)), after)
    net.firewall.load("100 deny ip from any to any dscp 9\n" + OPEN)
    for make, field in ((lambda **fields: _v4(ICMP(), **fields), "tos"),
                        (lambda **fields: _v6(ICMPv6EchoRequest(), **fields), "tc")):
        _nothing_far(net, make(**{field: 36}), 100)
        harness.equal(_traffic_class(_far(net, make(**{field: 32}), _from_client)), 32)


def _unchanged_but_for_the_class(sent, arrived, after):
    """Compares IP packets but for the traffic class, the TTL and what is computed over them."""
    before, now = bytearray(bytes(sent[Ether].payload)), bytearray(bytes(arrived[Ether].payload))
    if before[0] >> 4 == 4:
        for data in (before, now):
            del data[10:12], data[8]
        before[1] = after
    else:
        before[7] = now[7] = 0
        before[0:2] = bytes([0x60 | after >> 4, (after << 4 & 0xff) | (before[1] & 0xf)])
    harness.equal(now.hex(), before.hex(), sent.summary())


@harness.time_limit(60)
def test_setdscp_changes_nothing_else(net):
    """All kinds of packets, changed on the way in and once more on the way out."""
    datagram = UDP(sport=1000, dport=53) / Raw(b"data")
    packets = [
        _v4(datagram, tos=1, id=7), _v4(TCP(sport=1000, dport=80, flags="PA") / Raw(b"odd"), tos=2),
        _v4(ICMP() / Raw(b"ping"), tos=3), _v4(datagram, options=[IPOption_NOP()] * 8, tos=0xfd),
        _v4(Raw(b"any"), proto=99, tos=2), _v6(datagram, tc=1, fl=0xabcde), _v6(ICMPv6EchoRequest(), tc=2, fl=0xfffff),
        _v6(TCP(sport=1000, dport=80, flags="S"), tc=0xff), _v6(IPv6ExtHdrDestOpt() / datagram, tc=3),
    ]
    _silence(net)
    client = f"{{ src-ip {CLIENT.host4} or src-ip6 {CLIENT.host6} }}"
    net.firewall.load(f"100 setdscp ef {client} in\n200 count {client} in dscp ef\n"
                      f"300 setdscp af11 {client} out dscp ef\n400 count {client} out dscp af11\n" + OPEN)
    for sent in packets:
        sent = Ether(bytes(sent))
        before = _traffic_class(sent)
        with frames.Sniffer(net.server) as far:
            frames.send(net.client, "eth0", sent)
            arrived = far.wait(_from_client)
        harness.equal(len(arrived), 1, sent.summary())
        _unchanged_but_for_the_class(sent, arrived[0], 10 << 2 | (before & 3))
        harness.equal(wire.internet_sum(bytes(arrived[0])[14:14 + 4 * arrived[0][IP].ihl]) if IP in arrived[0]
                      else 0xffff, 0xffff, "IPv4 header")
    harness.equal([net.firewall.packets(number) for number in (100, 200, 300, 400)], [len(packets)] * 4)


def test_setdscp_of_fragments_and_tagged_frames(net):
    net.firewall.load("100 setdscp cs6 ip from any to any in\n" + OPEN)
    later = _v4(Raw(bytes(24)), proto=17, frag=10, tos=1)
    first = _v4(UDP(sport=1, dport=2, len=100) / Raw(bytes(24)), flags="MF", tos=2)
    for sent, after in ((later, 0xc1), (first, 0xc2)):
        with frames.Sniffer(net.server) as far:
            frames.send(net.client, "eth0", sent)
            arrived = far.wait(_from_client)
        harness.equal([packet[IP].tos for packet in arrived], [after])
        harness.equal(wire.internet_sum(bytes(arrived[0][IP])[:20]), 0xffff, "IPv4 header")
    # Nobody here takes frames of this VLAN; what XDP left of them can be seen on the interface.
    with frames.Sniffer(net.gateway, "west0") as near:
        frames.send(net.client, "eth0", _ether() / Dot1Q(vlan=7) / IP(src=CLIENT.host4, dst=SERVER.host4, tos=3) /
                    UDP(sport=1, dport=2))
        arrived = near.wait(lambda packet: Dot1Q in packet)
    harness.equal([packet[IP].tos for packet in arrived], [0xc3])
    harness.true(frames.checksums_right(arrived[0]), "wrong checksum")


@harness.time_limit(60)
def test_setdscp_of_sockets(net):
    """The machine's own packets, whose checksums the kernel has not computed yet when they meet the rules."""
    net.firewall.load("100 setdscp 9 ip from any to any out\n" + OPEN)
    for address in (CLIENT.host4, CLIENT.host6):
        with traffic.tcp_server(net.client, 80), traffic.udp_server(net.client, 53), frames.Sniffer(net.client) as wired:
            wire.checksums_in_software(net.gateway, "west0")
            harness.equal(traffic.tcp_connect(net.gateway, address, 80), "ok")
            harness.equal(traffic.udp_exchange(net.gateway, address, 53), "ok")
            seen = wired.packets(lambda packet: TCP in packet or UDP in packet)
        harness.true(len(seen) >= 3, f"only {len(seen)} packets")
        harness.equal({_traffic_class(packet) for packet in seen}, {36}, address)
        harness.equal(wired.unfinished, 0, "checksums left to hardware")
        harness.equal([packet.summary() for packet in seen if not frames.checksums_right(packet)], [])


def _options(*options):
    return TCP(sport=1000, dport=80, flags="S", seq=1, options=list(options))


_MSS_CASES = {
    "alone": [("MSS", 1460)],
    "behind one octet": [("NOP", None), ("MSS", 1460), ("NOP", None)],
    "behind two": [("NOP", None), ("NOP", None), ("MSS", 1460)],
    "behind three": [("NOP", None), ("NOP", None), ("NOP", None), ("MSS", 8960)],
    "among others": [("SAckOK", b""), ("Timestamp", (123456, 0)), ("WScale", 7), ("MSS", 1401)],
}


def _check_mss(net, rules):
    net.firewall.load(rules + OPEN)
    for what, options in _MSS_CASES.items():
        for make in (_v4, _v6):
            sent = make(_options(*options))
            arrived = _far(net, sent, lambda packet: TCP in packet)
            lowered = [(kind, 1400 if kind == "MSS" else value) for kind, value in options]
            harness.equal([option for option in arrived[TCP].options if option[0] not in ("NOP", "EOL")],
                          [option for option in lowered if option[0] != "NOP"], what)
            harness.equal(len(bytes(arrived)), len(bytes(sent)), what)
    harness.equal(net.firewall.packets(100), 2 * len(_MSS_CASES))
    for make in (_v4, _v6):
        for payload in (_options(("MSS", 536)), _options(("MSS", 1400))):
            arrived = _far(net, make(payload), lambda packet: TCP in packet)
            harness.equal(arrived[TCP].options, payload.options, "a size that is low enough")
        for payload in (_options(), _options(("WScale", 2)),
                        TCP(sport=1000, dport=80, flags="A", options=[("MSS", 1460)])):
            arrived = _far(net, make(payload), lambda packet: TCP in packet)
            harness.equal([value for kind, value in arrived[TCP].options if kind == "MSS"],
                          [value for kind, value in payload.options if kind == "MSS"], "nothing to lower")
    harness.equal(net.firewall.packets(100), 2 * (len(_MSS_CASES) + 2), "only a SYN with the option counts")


@harness.time_limit(60)
def test_setmss_in(net):
    _check_mss(net, "100 tcp-setmss 1400 ip from any to any in\n")


@harness.time_limit(60)
def test_setmss_out(net):
    _check_mss(net, "100 tcp-setmss 1400 ip from any to any out\n")


@harness.time_limit(60)
def test_setmss_is_seen_by_later_rules(net):
    net.firewall.load("100 count tcp from any to any in tcpmss 1460\n200 tcp-setmss 1400 tcp from any to any in\n"
                      "300 count tcp from any to any in tcpmss 1460\n400 count tcp from any to any in tcpmss 1400\n" +
                      OPEN)
    for make in (_v4, _v6):
        _far(net, make(_options(("MSS", 1460))), lambda packet: TCP in packet)
    harness.equal([net.firewall.packets(number) for number in (100, 200, 300, 400)], [2, 2, 0, 2])


@contextlib.contextmanager
def _syns(net, host):
    """Collects the SYN packets, answers included, that arrive at `host` while the block runs; checks their checksums."""
    collected = []
    with frames.Sniffer(host) as seen:
        yield collected
        collected += seen.packets(lambda packet: TCP in packet and packet[TCP].flags.S)
    harness.equal(seen.unfinished, 0, "checksums left to hardware")
    harness.equal([packet.summary() for packet in collected if not frames.checksums_right(packet)], [])


def _sizes(packets):
    return {value for packet in packets for kind, value in packet[TCP].options if kind == "MSS"}


@harness.time_limit(60)
def test_setmss_of_sockets(net):
    """
    SYNs of real sockets, whose checksum nobody has computed when they meet the rules: forwarded ones, which XDP sees
    first, and the machine's own. What leaves the machine must be right.
    """
    for interface in ("west0", "east0"):
        wire.checksums_in_software(net.gateway, interface)
    for rule in ("tcp-setmss 1000 tcp from any to any in", "tcp-setmss 1000 tcp from any to any out"):
        net.firewall.load(f"100 {rule}\n" + OPEN)
        for address in (SERVER.host4, SERVER.host6):
            with traffic.tcp_server(net.server, 80), _syns(net, net.server) as requests, _syns(net, net.client) as answers:
                harness.equal(traffic.tcp_connect(net.client, address, 80), "ok", f"{rule}: {address}")
            harness.equal((_sizes(requests), _sizes(answers)), ({1000}, {1000}), f"{rule}: {address}")
    for address in (SERVER.host4, SERVER.host6):
        with traffic.tcp_server(net.server, 80), _syns(net, net.server) as requests:
            harness.equal(traffic.tcp_connect(net.gateway, address, 80), "ok", address)
        harness.equal(_sizes(requests), {1000}, address)


@harness.time_limit(60)
def test_setmss_keeps_connections_to_it(net):
    """Data in segments of the size that the rules put into the SYNs of both sides."""
    net.firewall.load("100 tcp-setmss 700 tcp from any to any setup in\n110 tcp-setmss 700 tcp from any to any tcpflags "
                      "syn,ack in\n" + OPEN)
    with traffic.tcp_sink(net.server, 80) as served, traffic.tcp_socket(net.client, SERVER.host4) as connection:
        connection.settimeout(traffic.PATIENCE * 4)
        connection.connect((SERVER.host4, 80))
        harness.within(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG), 600, 700, "segment size")
        connection.sendall(bytes(100_000))
        harness.true(traffic.wait_for(lambda: served.bytes == 100_000), f"{served.bytes} bytes arrived")


def _sctp(tag, *chunks):
    packet = SCTP(sport=1000, dport=36412, tag=tag)
    for chunk in chunks:
        packet = packet / chunk
    return packet


def _init(tag=0xabcdef01):
    return SCTPChunkInit(init_tag=tag, a_rwnd=1500, n_out_streams=1, n_in_streams=1, init_tsn=1)


_DATA = SCTPChunkData(tsn=1, data=b"x" * 33)
_REFLECTED = 1  # the flag T of an ABORT

# What is sent, and the tag and the flags of the ABORT that comes back, None: nothing does.
_ABORT_CASES = {
    "an INIT": (_sctp(0, _init()), (0xabcdef01, 0)),
    "data": (_sctp(0x12345678, _DATA), (0x12345678, _REFLECTED)),
    "a cookie": (_sctp(7, SCTPChunkCookieEcho(cookie=b"c" * 400), _DATA), (7, _REFLECTED)),
    "no chunk": (_sctp(0x99), (0x99, _REFLECTED)),
    "an ABORT": (_sctp(0x12345678, SCTPChunkAbort()), None),
    "data without a tag": (_sctp(0, _DATA), None),
    "an INIT with a tag": (_sctp(5, _init()), None),
    "an INIT without an initiate tag": (_sctp(0, _init(0)), None),
    "an INIT with data": (_sctp(0, _init(), _DATA), None),
}


def _is_sctp(packet):
    return (IP in packet and packet[IP].proto == socket.IPPROTO_SCTP) or (
        IPv6 in packet and packet[IPv6].nh == socket.IPPROTO_SCTP)


def _is_answer(packet):
    return _is_sctp(packet) or ICMPv6DestUnreach in packet or (ICMP in packet and packet[ICMP].type == 3)


def _check_abort(answers, sent, expected, what):
    harness.equal(len(answers), 0 if expected is None else 1, f"{what}: answers")
    if expected is None:
        return
    answer = answers[0]
    network = IP if IP in sent else IPv6
    harness.equal((answer[network].src, answer[network].dst), (sent[network].dst, sent[network].src), what)
    harness.equal((answer[SCTP].sport, answer[SCTP].dport, answer[SCTP].tag), (36412, 1000, expected[0]), what)
    harness.equal((answer[SCTPChunkAbort].TCB, answer[SCTPChunkAbort].len), (expected[1], 4), what)
    length, ttl = ((answer[IP].len, answer[IP].ttl) if network is IP else
                   (answer[IPv6].plen + 40, answer[IPv6].hlim))
    harness.equal(length, (20 if network is IP else 40) + 16, what)
    harness.true(ttl >= 63, f"ttl {ttl}")
    if network is IP:
        harness.equal(wire.internet_sum(bytes(answer[IP])[:20]), 0xffff, "IPv4 header")
    right = SCTP(sport=36412, dport=1000, tag=expected[0]) / SCTPChunkAbort(TCB=expected[1])
    harness.equal(bytes(answer[SCTP])[:16].hex(), bytes(right).hex(), f"{what}: checksum")


def _abort_cases(net, make, rule):
    net.firewall.load(f"100 {rule}\n" + OPEN)
    for what, (payload, expected) in _ABORT_CASES.items():
        sent = Ether(bytes(make(payload)))
        before = net.firewall.packets(100)
        with frames.Sniffer(net.client) as near, frames.Sniffer(net.server) as far:
            frames.send(net.client, "eth0", sent)
            harness.true(traffic.wait_for(lambda: net.firewall.packets(100) > before), f"{what}: no match")
            if expected:
                near.wait(_is_answer)
            _check_abort(near.packets(_is_answer, patience=0.05), sent, expected, what)
            harness.equal([packet.summary() for packet in far.packets(_is_sctp, patience=0.02)], [], what)


@harness.time_limit(60)
def test_abort(net):
    _abort_cases(net, _v4, "abort sctp from any to any in")
    _abort_cases(net, _v4, "abort sctp from any to any out")


@harness.time_limit(60)
def test_abort6(net):
    _abort_cases(net, _v6, "abort6 sctp from any to any in")
    _abort_cases(net, _v6, "abort6 sctp from any to any out")


@harness.time_limit(60)
def test_abort_of_other_things(net):
    """As `reset`: other protocols are dropped, the other family gets an ICMPv6 error from `abort', nothing from `abort6'."""
    def answers(frame):
        before = net.firewall.packets(100)
        with frames.Sniffer(net.client) as near:
            frames.send(net.client, "eth0", frame)
            harness.true(traffic.wait_for(lambda: net.firewall.packets(100) > before), frame.summary())
            return near.packets(_is_answer, patience=0.1)

    net.firewall.load("100 abort ip from any to any in\n" + OPEN)
    harness.equal(answers(_v4(UDP(sport=1, dport=9))), [])
    harness.equal(answers(_v4(TCP(sport=1, dport=9, flags="S"))), [])
    harness.equal(answers(_v4(Raw(bytes(_sctp(1, _DATA))), proto=132, frag=20)), [], "a later fragment")
    for payload in (_sctp(1, _DATA), UDP(sport=1, dport=9)):
        harness.equal([packet[ICMPv6DestUnreach].code for packet in answers(_v6(payload))], [1])
    net.firewall.load("100 abort6 ip from any to any in\n" + OPEN)
    harness.equal(answers(_v4(_sctp(1, _DATA))), [])
    harness.equal(answers(_v6(UDP(sport=1, dport=9))), [])
    # Longer and shorter than its answer, and with IP options.
    net.firewall.load("100 abort ip from any to any in\n" + OPEN)
    sent = Ether(bytes(_v4(_sctp(3, SCTPChunkData(data=b"y" * 1400)), options=[IPOption_NOP()] * 8)))
    _check_abort(answers(sent), sent, (3, _REFLECTED), "IP options")


@harness.time_limit(60)
def test_abort_of_local_senders(net):
    """A packet of the machine itself, refused on its way out: the answer comes in as from the other side."""
    net.firewall.load("100 abort sctp from any to any out\n110 abort6 sctp from any to any out\n" + OPEN)
    for family, address, rule in ((socket.AF_INET, CLIENT.host4, 100), (socket.AF_INET6, CLIENT.host6, 110)):
        if family == socket.AF_INET6:
            net.firewall("delete 100")
        with net.gateway, socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_SCTP) as sender:
            sender.settimeout(traffic.PATIENCE * 2)
            sender.sendto(bytes(_sctp(0, _init())), (address, 0))
            answer, source = sender.recvfrom(2000)
        harness.equal(source[0], address)
        answer = answer[20:] if family == socket.AF_INET else answer
        right = SCTP(sport=36412, dport=1000, tag=0xabcdef01) / SCTPChunkAbort(TCB=0)
        harness.equal(answer.hex(), bytes(right).hex())
        harness.equal(net.firewall.packets(rule), 1)


def _check_changes(net, mode):
    """Everything that changes or answers packets, at whichever hook they come in by."""
    net.firewall.load("100 setdscp 9 ip from any to any in\n200 tcp-setmss 1400 tcp from any to any in\n"
                      "300 abort ip4 from any to any proto sctp in\n310 abort6 ip6 from any to any proto sctp in\n" + OPEN)
    harness.true([line for line in net.firewall("status").splitlines()
                  if line.split()[:1] == ["west0"] and mode in line], f"not in mode {mode}")
    for make, traffic_class in ((_v4, {"tos": 3}), (_v6, {"tc": 3})):
        arrived = _far(net, make(_options(("NOP", None), ("MSS", 1460)), **traffic_class), lambda packet: TCP in packet)
        harness.equal((_traffic_class(arrived), _sizes([arrived])), (39, {1400}), mode)
    for address in (SERVER.host4, SERVER.host6):
        with traffic.tcp_server(net.server, 80), _syns(net, net.server) as requests:
            harness.equal(traffic.tcp_connect(net.client, address, 80), "ok", f"{mode}: {address}")
        harness.equal((_sizes(requests), {_traffic_class(packet) for packet in requests}), ({1400}, {36}), mode)
    for make in (_v4, _v6):
        sent = Ether(bytes(make(_sctp(0, _init()))))
        with frames.Sniffer(net.client) as near:
            frames.send(net.client, "eth0", sent)
            near.wait(_is_answer)
            _check_abort(near.packets(_is_answer, patience=0.05), sent, (0xabcdef01, 0), mode)


@harness.time_limit(60)
def test_changes_at_native_xdp(net):
    wire.checksums_in_software(net.gateway, "east0")
    _check_changes(net, "XDP native")


@harness.time_limit(60)
def test_changes_at_generic_xdp(net):
    modes.make_generic(net)
    wire.checksums_in_software(net.gateway, "east0")
    _check_changes(net, "XDP generic")


@harness.time_limit(60)
def test_changes_at_tc_ingress(net):
    wire.checksums_in_software(net.gateway, "east0")
    with modes.occupied(net.gateway, "west0"):
        _check_changes(net, "TC ingress")


def _counts(net, *numbers):
    return [net.firewall.packets(number) for number in numbers]


def _datagram(net, version6=False):
    return _far(net, (_v6 if version6 else _v4)(UDP(sport=1, dport=9)), lambda packet: UDP in packet)


def test_calls_and_returns(net):
    """A subroutine for each direction, called from several places, backward and nested."""
    _silence(net)
    net.firewall.load("""
        100 skipto 1000 udp from any to any
        200 count udp from any to any in
        210 call 300 udp from any to any in
        220 return via any
        300 count udp from any to any
        310 return udp from any to any
        320 deny udp from any to any
        1000 call 200 udp from any to any in
        1000 deny udp from any to any in
        1100 call 300 udp from any to any out
        """ + OPEN_UDP)
    _datagram(net)
    _datagram(net, True)
    harness.equal(_counts(net, 200, 210, 220, 300, 310, 320, 1000, 1100), [2, 2, 2, 4, 4, 0, 2, 2])
    harness.equal(net.firewall.listing()[3], "00220 return via any")


def test_return_to_the_next_rule(net):
    _silence(net)
    net.firewall.load("100 call 500 udp from any to any in\n100 count udp from any to any in\n" + OPEN_UDP.replace(
        "65000", "400") + "\n500 return next-rule via any")
    _datagram(net)
    harness.equal([rule.packets for rule in net.firewall.show()[:2]], [1, 1])
    net.firewall.load("100 call 500 udp from any to any in\n100 count udp from any to any in\n" + OPEN_UDP.replace(
        "65000", "400") + "\n500 return next-rulenum via any")
    _datagram(net)
    harness.equal([rule.packets for rule in net.firewall.show()[:2]], [1, 0])


def test_too_deep_and_too_many_calls(net):
    """The 17th call is passed over; rules that go round and round are cut off, and `status' says so."""
    _silence(net)
    net.firewall.load("100 count udp from any to any in\n200 call 100 udp from any to any in\n" + OPEN_UDP)
    _datagram(net)
    harness.equal(_counts(net, 100, 200), [17, 16])
    # Each of the 65 calls returns: 130 jumps, 128 are allowed.
    calls = "".join(f"{number} call 1000 udp from any to any in\n" for number in range(1, 66))
    net.firewall.load(calls + OPEN_UDP.replace("65000", "900") + "\n1000 return via any")
    reason = "too many calls, returns and states"
    before = net.firewall.drops()[reason]
    with frames.Sniffer(net.server) as far:
        frames.send(net.client, "eth0", _v4(UDP(sport=1, dport=9)))
        harness.true(traffic.wait_for(lambda: net.firewall.drops()[reason] == before + 1), "no drop was counted")
        harness.equal(far.packets(lambda packet: UDP in packet), [])
    harness.equal(_counts(net, 64, 65, 900), [1, 1, 0])
    net.firewall("delete 65")
    _datagram(net)
    harness.equal(_counts(net, 64, 900), [2, 2])


def test_skipto_goes_forward(net):
    """To a number that is not there, to its own, to a lower one: further down in any case."""
    _silence(net)
    net.firewall.load("100 count udp from any to any\n200 skipto 150 udp from any to any\n"
                      "200 deny udp from any to any\n300 skipto 300 udp from any to any\n300 deny udp from any to any\n"
                      "400 skipto 12345 udp from any to any\n500 deny udp from any to any\n" +
                      OPEN_UDP)
    _datagram(net)
    _datagram(net, True)
    harness.equal([rule.packets for rule in net.firewall.show()[:8]], [4, 4, 0, 4, 0, 4, 0, 4])


def test_many_rules_between_a_call_and_its_return(net):
    """The subroutine stands in another function than its caller, in front of it."""
    filler = "".join(f"{number} count tcp from any to any 9999\n" for number in range(1000, 2200))
    _silence(net)
    net.firewall.load("100 skipto 3000 udp from any to any\n200 count udp from any to any\n300 return via any\n" + filler +
                      "3000 call 200 udp from any to any\n3100 skipto 64000 udp from any to any\n" +
                      filler.replace(" count", "0 count") + OPEN_UDP)
    _datagram(net)
    _datagram(net, True)
    harness.equal(_counts(net, 100, 200, 300, 1000, 3000, 3100, 65000), [4, 4, 4, 0, 4, 4, 4])
