# SPDX-License-Identifier: GPL-2.0-only
"""What `explain` says the loaded rules would do is what they do, and asking does nothing."""
import contextlib
import socket
import threading
import time

import explain
import frames
import harness
import modes
import traffic
from frames import ICMP, IP, TCP, UDP, Dot1Q, Ether, IPv6, Raw
from network import CLIENT, SERVER
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6ExtHdrFragment, IPv6ExtHdrHopByHop

_RULES = """
5 allow dst-ip6 ff02::/16
10 allow { out or recv east0 }
100 count ip from any to any
110 skipto 130 udp from any to any 7
120 count udp from any to any
130 call 900 tcp from any to any setup
200 deny udp from any to any 9
210 unreach port udp from any to any 53
220 unreach6 admin-prohib udp from any to any 54
230 reset tcp from any to any 80
240 reset6 tcp from any to any 80
250 unreach needfrag 1400 udp from any to any 55
300 deny ip from any to any frag
310 deny icmp from any to any icmptypes 13
320 count ip from any to any ipttl 1-5
800 skipto 1000 ip from any to any
900 count ip from any to me
910 return ip from any to any
1000 allow ip from any to any
"""


def _ether(**fields):
    return Ether(**{"src": CLIENT.host_mac, "dst": CLIENT.firewall_mac, **fields})


def _v4(**fields):
    return _ether() / IP(**{"src": CLIENT.host4, "dst": SERVER.host4, **fields})


def _v6(**fields):
    return _ether() / IPv6(**{"src": CLIENT.host6, "dst": SERVER.host6, **fields})


def _packets():
    yield from (("udp 7", _v4() / UDP(sport=1, dport=7)), ("udp 9", _v4() / UDP(sport=1, dport=9)),
                ("udp 53", _v4() / UDP(sport=1, dport=53) / Raw(b"question")),
                ("udp 53 to us", _v4(dst=CLIENT.firewall4) / UDP(sport=1, dport=53)),
                ("udp 54", _v4() / UDP(sport=1, dport=54)), ("udp 55", _v4() / UDP(sport=1, dport=55)),
                ("syn", _v4() / TCP(sport=1, dport=80, flags="S", seq=77)),
                ("syn to us", _v4(dst=CLIENT.firewall4) / TCP(sport=1, dport=80, flags="S", seq=77)),
                ("ack", _v4() / TCP(sport=1, dport=80, flags="A", ack=99)),
                ("rst", _v4() / TCP(sport=1, dport=80, flags="R")), ("other syn", _v4() / TCP(sport=1, dport=81)),
                ("ping", _v4() / ICMP()), ("timestamp", _v4() / ICMP(type=13)), ("ttl", _v4(ttl=3) / ICMP()),
                ("first fragment", _v4(flags="MF") / UDP(sport=1, dport=53) / Raw(bytes(64))),
                ("later fragment", _v4(frag=8, proto=17) / Raw(bytes(64))),
                ("bogus fragment", _v4(frag=1, proto=6) / Raw(bytes(64))),
                ("sctp", _v4(proto=132) / Raw(bytes(12))), ("gre", _v4(proto=47) / Raw(bytes(8))),
                ("short", _v4(len=200) / UDP(sport=1, dport=53)), ("no header", _v4(ihl=4) / UDP(sport=1, dport=53)),
                ("runt", _ether(type=0x800) / Raw(b"\x45\0\0\x14")), ("tcp runt", _v4(proto=6) / Raw(bytes(12))))
    yield from (("udp6 7", _v6() / UDP(sport=1, dport=7)), ("udp6 53", _v6() / UDP(sport=1, dport=53)),
                ("udp6 54", _v6() / UDP(sport=1, dport=54)), ("syn6", _v6() / TCP(sport=1, dport=80, flags="S", seq=5)),
                ("ping6", _v6() / ICMPv6EchoRequest()),
                ("hop by hop", _v6() / IPv6ExtHdrHopByHop() / UDP(sport=1, dport=54)),
                ("first fragment6", _v6() / IPv6ExtHdrFragment(m=1) / UDP(sport=1, dport=54) / Raw(bytes(64))),
                ("later fragment6", _v6() / IPv6ExtHdrFragment(offset=9, nh=17) / Raw(bytes(64))),
                ("unknown header", _v6(nh=200) / Raw(bytes(64))), ("short6", _v6(plen=200) / UDP(sport=1, dport=53)))
    yield from (("vlan", _ether() / Dot1Q(vlan=7) / IP(src=CLIENT.host4, dst=SERVER.host4) / UDP(sport=1, dport=53)),
                ("other host", _ether(dst="02:00:00:00:00:77") / IP(src=CLIENT.host4, dst=SERVER.host4) / UDP(dport=53)),
                ("all hosts", _ether(dst="ff:ff:ff:ff:ff:ff") / IP(src=CLIENT.host4, dst=SERVER.host4) / UDP(dport=53)),
                ("arp", _ether(type=0x88b5) / Raw(bytes(28))))


def _moved(net):
    return sorted(rule.number for rule in net.firewall.show() if rule.packets and rule.number > 10)


def _dropped(before, after):
    return [reason for reason in after if after[reason] != before[reason]]


def _settled(net, expected):
    """What moved once the counters have come to rest."""
    traffic.wait_for(lambda: _moved(net) == expected)
    return _moved(net)


def _comparable(frame):
    """A frame without the identification, which is random in answers, and the checksum that has it in."""
    data, start = bytearray(frame), 14
    while data[start - 2:start] == b"\x81\0":
        start += 4
    if data[start - 2:start] == b"\x08\0":
        data[start + 4:start + 6] = data[start + 10:start + 12] = b"\0\0"
    return data.hex()


def _agrees(net, name, frame):
    """Explains the frame, sends it, and compares."""
    explained = explain.one(net, "in", "recv", "west0", "ether", bytes(frame).hex())
    net.firewall("zero")
    drops = net.firewall.drops()
    with frames.Sniffer(net.client) as heard:
        frames.send(net.client, "eth0", frame)
        expected = sorted(set(explain.numbers(explained)))
        harness.equal(_settled(net, expected), expected, f"{name}: rules that moved")
        reason = explained["reason"] if explained["verdict"] == "drop" else None
        traffic.wait_for(lambda: _dropped(drops, net.firewall.drops()) == ([reason] if reason else []))
        harness.equal(_dropped(drops, net.firewall.drops()), [reason] if reason else [], f"{name}: why it was dropped")
        if explained["verdict"] == "drop":
            wanted = 1 if explained["answer"] else 0
            answers = [bytes(packet) for packet in heard.wait(lambda packet: IP in packet or IPv6 in packet, wanted)]
            harness.equal([_comparable(answer) for answer in answers],
                          [_comparable(bytes.fromhex(explained["answer"]["frame"]))] if wanted else [],
                          f"{name}: answer")
    return explained


@harness.time_limit(180)
def test_says_what_happens(net):
    net.firewall.load(_RULES)
    seen = {}
    for name, frame in _packets():
        explained = _agrees(net, name, frame)
        seen.setdefault((explained["verdict"], explained["reason"]), []).append(name)
    # The packets above are of all kinds: nothing of this is asked in vain.
    for kind in (("allow", None), ("drop", None), ("drop", "truncated header"), ("drop", "malformed header"),
                 ("drop", "bogus fragment"), ("drop", "unknown IPv6 extension header"),
                 ("pass", "addressed to another host"), ("pass", "not IP")):
        harness.true(kind in seen, f"no packet is {kind}: {seen}")


def _some_agree(net, mode):
    """A packet of each kind, on an interface that runs its rules in this mode."""
    net.firewall.load(_RULES)
    packets = dict(_packets())
    for name in ("udp 53", "syn", "first fragment", "later fragment6", "short", "other host", "arp", "udp6 54", "vlan"):
        explained = _agrees(net, name, packets[name])
        harness.equal(explained["hook"], mode, f"{name}: hook")


@harness.time_limit(90)
def test_generic(net):
    modes.make_generic(net)
    _some_agree(net, "XDP generic")


@harness.time_limit(90)
def test_tc_ingress(net):
    with modes.occupied(net.gateway, "west0"):
        _some_agree(net, "TC ingress")


_FORWARDED = """
100 count ip from any to any in
110 count tag 7 udp from any to any 8 in
120 setfib 0 udp from any to any 8 in
200 count ip from any to any out
210 count ip from any to any out tagged 7
220 count ip from any to any out recv west0 xmit east0
230 count ip from any to any out ipttl 63
240 unreach port udp from any to any 9 out
250 deny udp from any to any 10 out
65000 allow ip from any to any
"""


@harness.time_limit(60)
def test_forwarded(net):
    """`recv IF xmit IF`: both passes, the second with what the first has made of the packet."""
    net.firewall.load(_FORWARDED)
    for address, source in ((SERVER.host4, CLIENT.host4), (SERVER.host6, CLIENT.host6)):
        for port in (7, 8, 9, 10):
            words = f"udp [{source}]:5 > [{address}]:{port} len 60"
            found = explain.both(net, "recv", "west0", "xmit", "east0", words)[0]
            first, second = found["passes"]
            net.firewall("zero")
            harness.equal((first["direction"], second["direction"], second["recv"]), ("in", "out", "west0"))
            harness.true(" ttl 63" in second["packet"], f"no hop: {second['packet']}")
            traffic.udp_send(net.client, address, port, [bytes(60 - (48 if ":" in address else 28))], source_port=5)
            expected = sorted(set(explain.numbers(first) + explain.numbers(second)))
            # The server's answers come back through here, but not in the names of these rules.
            wanted = [number for number in expected if 110 <= number <= 250 and number != 200]
            traffic.wait_for(lambda wanted=wanted: set(wanted) <= set(_moved(net)))
            harness.equal([number for number in _moved(net) if 110 <= number <= 250 and number != 200], wanted, words)
            harness.equal(found["verdict"], "drop" if port in (9, 10) else "allow", words)
    dying = explain.text(net, "recv", "west0", "xmit", "east0", f"icmp {CLIENT.host4} > {SERVER.host4} ttl 1")
    harness.contains(dying, "note: not forwarded: its time to live is over")
    harness.true("out via" not in dying, "a dead packet goes on")


def test_brought_along(net):
    """Tags and routing table of a packet that goes out can be said."""
    net.firewall.load("110 count tag 5 udp from any to any 1 in\n200 count ip from any to any out tagged 5\n"
                      "210 count ip from any to any out fib 3\n65000 allow ip from any to any")
    udp = f"udp {CLIENT.host4}:1 > {SERVER.host4}:2"
    harness.equal(explain.numbers(explain.one(net, "out", udp)), [65000])
    harness.equal(explain.numbers(explain.one(net, "out", "tag", "4,5", udp)), [200, 65000])
    harness.equal(explain.numbers(explain.one(net, "out", "fib", "3", udp)), [210, 65000])


@harness.time_limit(60)
def test_own_packets(net):
    """What this machine sends goes out, on lo in and out; the answer comes back to it."""
    net.firewall.load("100 count ip from me to any out not recv any\n110 reset tcp from any to any 80 out\n"
                      "120 deny udp from any to any 9 in recv lo\n65000 allow ip from any to any")
    refused = explain.one(net, "out", f"tcp {CLIENT.firewall4}:5 > {CLIENT.host4}:80 syn")
    harness.equal((explain.numbers(refused), refused["interface"], refused["recv"]), ([100, 110], "west0", None))
    harness.equal(traffic.tcp_connect(net.gateway, CLIENT.host4, 80), "refused")
    for direction, numbers, verdict in (("out", [100, 65000], "allow"), ("in", [120], "drop")):
        lo = explain.one(net, direction, "udp 127.0.0.1:5 > 127.0.0.1:9")
        harness.equal((lo["interface"], explain.numbers(lo), lo["verdict"]), ("lo", numbers, verdict))
    harness.equal(traffic.udp_exchange(net.gateway, "127.0.0.1", 9), "timeout")


@harness.time_limit(60)
def test_layer_2(net):
    """With net.link.ether.ipfw a frame meets the rules twice, and one that is not IP once."""
    net.firewall("sysctl net.link.ether.ipfw=1")
    net.firewall.load("5 allow dst-ip6 ff02::/16\n100 count ip from any to any layer2\n110 count ip from any to any\n"
                      "120 deny mac-type 0x88b5\n130 deny udp from any to any 9 not layer2\n"
                      "140 count MAC any 02:00:00:00:00:99 layer2\n65000 allow ip from any to any")
    udp, source = f"udp {CLIENT.host4}:1 > {SERVER.host4}:9", " mac 02:00:00:00:00:99 > "
    for words, layers, numbers, verdict in (
            (("in", udp), [True, True, True, False, False], [100, 110, 65000, 110, 130], "drop"),
            (("out", udp), [False, False], [110, 130], "drop"),
            (("in", udp[:-1] + "8"), [True] * 3 + [False] * 2, [100, 110, 65000, 110, 65000], "allow"),
            (("in", udp + source + CLIENT.firewall_mac), [True] * 4 + [False] * 2, [100, 110, 140, 65000, 110, 130], "drop"),
            (("in", "mac-type 0x88b5"), [True] * 3, [100, 110, 120], "drop")):
        found = explain.one(net, *words)
        harness.equal(explain.numbers(found), numbers, str(words))
        harness.equal([rule["layer2"] for rule in found["rules"]], layers, str(words))
        harness.equal(found["verdict"], verdict, str(words))
    printed = explain.text(net, "in", udp)
    harness.true(printed.index("  at layer 2:\n") < printed.index("  as a packet:\n"), printed)
    net.firewall("zero")
    frames.send(net.client, "eth0", _v4() / UDP(sport=1, dport=9))
    harness.equal(_settled(net, [100, 110, 130, 65000]), [100, 110, 130, 65000])


def test_sockets(net):
    """`uid` asks for the socket of a packet: the one that would get it, or could have sent it."""
    net.firewall.load("100 count udp from any to any uid 0\n65000 allow ip from any to any")
    with net.gateway, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as bound:
        bound.bind((CLIENT.firewall4, 1234))
        for direction, own, other in (("in", 1234, 9), ("in", 1235, 9), ("out", 1234, 9), ("out", 1235, 9)):
            here, there = f"{CLIENT.firewall4}:{own}", f"{CLIENT.host4}:{other}"
            words = f"udp {there} > {here}" if direction == "in" else f"udp {here} > {there}"
            harness.equal(explain.numbers(explain.one(net, direction, words)), [100, 65000] if own == 1234 else [65000], words)


_CHANGES = """
100 setdscp ef tcp from any to any
110 tcp-setmss 1200 tcp from any to any
120 setmark 0x10 tcp from any to any
130 count tag 9 tcp from any to any
140 setfib 0 tcp from any to any
65000 allow ip from any to any
"""


def test_changes_are_told(net):
    net.firewall.load(_CHANGES)
    for direction in ("in", "out"):
        for source, target in ((CLIENT.host4, SERVER.host4), (CLIENT.host6, SERVER.host6)):
            changed = explain.one(net, direction, f"tcp [{source}]:5 > [{target}]:80 syn mss 1460")
            harness.equal([(one["field"], one["before"], one["after"]) for one in changed["changes"]],
                          [("mss", "1460", "1200"), ("dscp", "be", "ef")])
            harness.equal((changed["mark"], changed["tags"]), (0x10, [9]))
    printed = explain.text(net, f"tcp {CLIENT.host4}:5 > {SERVER.host4}:80 syn mss 1460")
    for line in ("  changed: mss 1460 -> 1200\n", "  changed: dscp be -> ef\n", "  given: mark 0x10\n", "  given: tag 9\n"):
        harness.contains(printed, line)
    unchanged = explain.one(net, f"tcp {CLIENT.host4}:5 > {SERVER.host4}:80 syn mss 1000 dscp ef")
    harness.equal(unchanged["changes"], [])


_TABLES = f"""
table nets create type addr
table nets add {CLIENT.prefix4()} 2 {CLIENT.host4} 3 2001:db8::/32 4 {SERVER.prefix6()} 5
table cards create type iface
table cards add {CLIENT.interface} 7
table ports create type number
table ports add 16 8 53 9
table flows create type flow:src-ip,proto,dst-port
table flows add {CLIENT.host4},17,53 10
table marks create type number
table marks add 32 11 46 12
5 allow dst-ip6 ff02::/16
46 count lookup rulenum marks
47 count lookup rulenum marks
100 count src-ip table(nets)
110 count src-ip table(nets,3) dst-ip table(nets)
120 count not dst-ip table(nets,2)
130 count recv table(cards)
140 count xmit table(cards)
150 count via table(cards)
160 count {{ lookup dst-port ports or lookup dst-port:0x10 ports }}
170 count flow table(flows)
180 count lookup src-ip4:255.255.255.0 nets
200 count lookup mark marks
210 setmark 0x20 udp from any to any
220 setdscp ef udp from any to any
230 count lookup mark marks
240 count lookup dscp marks
65000 allow ip from any to any
"""


def _looked_up(net, *words):
    """What each rule that matched found in tables, by its number, if it looks into any."""
    return {rule["number"]: explain.lookups(rule) for rule in explain.one(net, *words)["rules"] if rule["lookups"]}


def test_tables_are_told(net):
    """For each rule that matched: which entries its tables have for the packet, and what they hold."""
    net.firewall.load(_TABLES)
    card, changed = [["cards", f"{CLIENT.interface} 7"]], {230: [["marks", "32 11"]], 240: [["marks", "46 12"]]}
    source = {46: [["marks", "46 12"]], 100: [["nets", f"{CLIENT.host4}/32 3"]],
              180: [["nets", f"{CLIENT.prefix4()} 2"]], 150: card, **changed}
    harness.equal(_looked_up(net, "in", f"udp {CLIENT.host4}:1 > {SERVER.host4}:53"), {
        **source, 120: [["nets", f"nothing for {SERVER.host4}/32"]], 130: card,
        160: [["ports", "53 9"], ["ports", "16 8"]], 170: [["flows", f"{CLIENT.host4},17,53 10"]]})
    harness.equal(_looked_up(net, "out", "xmit", CLIENT.interface, f"udp {CLIENT.host4}:1 > {CLIENT.host4}:9"), {
        **source, 110: [["nets", f"{CLIENT.host4}/32 3"]] * 2, 120: [["nets", f"{CLIENT.host4}/32 3"]], 130: card, 140: card})
    for address in (SERVER.host6, "2001:db8:ffff::1"):
        found = net.firewall.run("table", "nets", "lookup", address).stdout.strip()
        harness.equal(_looked_up(net, "in", f"udp [{address}]:1 > [{CLIENT.host6}]:9")[100], [["nets", found]])


def test_tables_and_sets_of_the_moment(net):
    """Entries that come and go, tables and sets that change places, disabled sets."""
    net.firewall.load("table a create\ntable b create\ntable b add 0.0.0.0/0 9\n5 allow dst-ip6 ff02::/16\n"
                      "100 set 3 count src-ip table(a)\n110 set 4 count src-ip table(b)\n65000 allow ip from any to any")
    every, host = "0.0.0.0/0 9", f"{CLIENT.host4}/32 5"
    for command, found in (("zero", {110: [["b", every]]}),
                           (f"table a add {CLIENT.host4} 5", {100: [["a", host]], 110: [["b", every]]}),
                           ("set disable 4", {100: [["a", host]]}),
                           ("table a swap b", {100: [["a", every]]}),
                           ("set swap 3 4", {110: [["b", host]]}),
                           (f"table b delete {CLIENT.host4}", {}),
                           ("set enable 4", {100: [["a", every]]})):
        net.firewall(command)
        harness.equal(_looked_up(net, "in", f"udp {CLIENT.host4}:1 > {SERVER.host4}:9"), found, command)


def test_tables_behind_values_of_tables(net):
    """What a rule looks up may be what an earlier one has put there out of a table."""
    net.firewall.load(f"table a create valtype mark,dscp\ntable a add {CLIENT.host4} 46,0x21\ntable marks create type number\n"
                      "table marks add 33 1 46 2\n5 allow dst-ip6 ff02::/16\n100 setmark tablearg src-ip table(a)\n"
                      "110 count lookup mark marks\n120 setdscp tablearg src-ip table(a)\n130 count lookup dscp marks\n"
                      "65000 allow ip from any to any")
    harness.equal(_looked_up(net, "in", f"udp {CLIENT.host4}:1 > {SERVER.host4}:9"), {
        100: [["a", f"{CLIENT.host4}/32 46,0x21"]], 110: [["marks", "33 1"]],
        120: [["a", f"{CLIENT.host4}/32 46,0x21"]], 130: [["marks", "46 2"]]})


def test_tables_of_link_addresses(net):
    net.firewall("sysctl net.link.ether.ipfw=1")
    net.firewall.load("table links create type mac valtype skipto,mark\ntable links add 02:00:00:00:00:00/40 300,0x77\n"
                      "5 allow dst-ip6 ff02::/16\n100 count src-mac table(links)\n65000 allow ip from any to any")
    words = f"udp {CLIENT.host4}:1 > {SERVER.host4}:9 mac 02:00:00:00:00:99 > {CLIENT.firewall_mac}"
    harness.equal(_looked_up(net, "in", words), {100: [["links", "02:00:00:00:00:00/40 300,0x77"]]})


def _state(net):
    """Counters, times of last matches and drops; without multicast, which the kernel sends when it likes."""
    lines = net.firewall.run("-T", "show").stdout.splitlines()
    return [line for line in lines if not line.startswith("00005 ")], net.firewall.drops()


def _ours(packet):
    return IP in packet or IPv6 in packet and not packet[IPv6].dst.startswith("ff")


@harness.time_limit(90)
def test_asking_does_nothing(net):
    """No counter, no time, no record of a drop moves, and nothing is sent."""
    net.firewall.load(_RULES + "950 count log ip from any to any\n")
    traffic.ping(net.client, SERVER.host4)
    traffic.ping(net.client, CLIENT.firewall6)
    with frames.Sniffer(net.client) as west, frames.Sniffer(net.server) as east:
        before = _state(net)
        for name, frame in _packets():
            explain.objects(net, "in", "recv", "west0", "ether", bytes(frame).hex())
            if name == "runt":  # which the kernel does not run programs at TC on
                continue
            explain.objects(net, "out", "xmit", "east0", "recv", "west0", "ether", bytes(frame).hex())
            explain.objects(net, "out", "xmit", "lo", "ether", bytes(frame).hex())
        time.sleep(1.1)
        harness.equal(_state(net), before)
        harness.equal([packet.summary() for packet in west.packets(_ours) + east.packets(_ours)], [], "sent")


@harness.alone
@harness.time_limit(120)
def test_under_a_flood(net):
    """Neither disturbs the other: answers are always the same, and every frame is counted."""
    net.firewall.load("10 allow dst-ip6 ff02::/16\n100 count udp from any to any 1 in\n110 count ip from any to any in frag\n"
                      "120 call 500 icmp from any to any in\n130 deny ip from any to any in\n"
                      "500 count ip from any to any\n510 return ip from any to any\n65000 allow ip from any to any")
    flood = [bytes(_v4() / UDP(sport=1, dport=1)), bytes(_v4(frag=8, proto=17) / Raw(bytes(64))),
             bytes(_v4() / ICMP()), bytes(_v6() / IPv6ExtHdrHopByHop() / UDP(sport=1, dport=1))]
    questions = [("in", f"udp {CLIENT.host4}:5 > {SERVER.host4}:1"), ("in", f"udp {CLIENT.host4} > {SERVER.host4} frag 64"),
                 ("in", f"icmp {CLIENT.host4} > {SERVER.host4}"), ("out", f"icmp {SERVER.host4} > {CLIENT.host4}")]
    expected = {question: explain.text(net, *question) for question in questions}
    stop, sent = threading.Event(), [0]

    def send():
        while not stop.is_set():
            frames.send(net.client, "eth0", *flood * 64)
            sent[0] += 64

    with contextlib.ExitStack() as stack:
        sender = threading.Thread(target=send)
        sender.start()
        stack.callback(sender.join)
        stack.callback(stop.set)
        end, asked = time.monotonic() + 5, 0
        while time.monotonic() < end or asked < 40:
            running = [(question, net.firewall.start("explain", *question)) for question in questions]
            for question, process in running:
                harness.equal(process.communicate()[0], expected[question], f"{question} under traffic")
                asked += 1
    harness.true(sent[0] > 1000, f"only {sent[0]} frames of a kind were sent")
    counted = {100: 2 * sent[0], 110: sent[0], 120: sent[0], 130: 4 * sent[0], 500: sent[0], 510: sent[0]}
    traffic.wait_for(lambda: net.firewall.packets(130) == counted[130])
    harness.equal({number: net.firewall.packets(number) for number in counted}, counted)
    harness.equal(net.firewall.drops(), {reason: 0 for reason in net.firewall.drops()})


def test_while_rules_change(net):
    """An answer is about one ruleset, whole: the one before or the one behind a change."""
    sets = ["100 deny udp from any to any\n110 count ip from any to any", "200 count ip from any to any\n210 allow ip from any to any"]
    udp = f"udp {CLIENT.host4}:5 > {SERVER.host4}:1"
    net.firewall.load(sets[0])
    possible, stop = {}, threading.Event()
    for rules in sets:
        net.firewall.load(rules)
        possible[tuple(explain.numbers(explain.one(net, "in", udp)))] = 0

    def change():
        while not stop.is_set():
            for rules in sets:
                net.firewall.load(rules)

    changer = threading.Thread(target=change)
    changer.start()
    try:
        for _ in range(30):
            found = tuple(explain.numbers(explain.objects(net, "in", udp)[0]["passes"][0]))
            harness.true(found in possible, f"{found} is neither of {list(possible)}")
            possible[found] += 1
    finally:
        stop.set()
        changer.join()
    harness.true(all(possible.values()), f"only one ruleset was ever seen: {possible}")
