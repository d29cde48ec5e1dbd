# SPDX-License-Identifier: GPL-2.0-only
"""tablearg: what a table holds for a packet is the argument of actions and options, wherever the rules run."""
import socket
import struct

import explain
import frames
import harness
import modes
import traffic
from frames import IP, TCP, UDP, Ether, IPv6, Raw
from network import CLIENT, OTHER, SERVER

_SO_MARK = 36
_OPEN = "\n60000 allow ip from any to any\n"

# Every rule is straight-line code, or looked up as far as that is possible.
_FORMS = ({}, {"IPFW_BPF_CLASSIFY_FROM": "0"})


def _frames(ports, source=40000, kind=UDP, **fields):
    ether = Ether(src=CLIENT.host_mac, dst=CLIENT.firewall_mac)
    return [ether / ip / kind(sport=source, dport=port, **fields) / Raw(b"x" if kind is UDP else b"")
            for port in ports for ip in (IP(src=CLIENT.host4, dst=SERVER.host4), IPv6(src=CLIENT.host6, dst=SERVER.host6))]


def _send(net, ports, **fields):
    """A packet to each port of the server, over IPv4 and IPv6."""
    frames.send(net.client, "eth0", *_frames(ports, **fields))


def _expect(net, expected, factor=2, what=""):
    """Waits for counters; each port was asked by IPv4 and by IPv6."""
    def counted():
        return {number: net.firewall.packets(number) for number in expected}

    expected = {number: count * factor for number, count in expected.items()}
    traffic.wait_for(lambda: counted() == expected)
    harness.equal(counted(), expected, what)


def _numbers(net, entries, *options):
    """Makes the table p of ports: {port: value}."""
    net.firewall.run("table", "p", "create", "type", "number", *options)
    net.firewall.run("-q", "table", "p", "add", *(str(word) for entry in entries.items() for word in entry))


_SKIPTO = """
100 skipto tablearg udp from any to any lookup dst-port p in
200 count udp from any to any 1-9 in
300 count udp from any to any 1-9 in
310 count udp from any to any 1-9 in
60000 allow udp from any to any 1-9 in
60010 allow ip from any to any
"""
# To a rule that is there, to one that is not, to its own number, back, nowhere, behind all rules but the last one, and
# further than rules go.
_SKIPTO_VALUES = {1: 300, 2: 201, 3: 100, 4: 50, 5: 0, 6: 65535, 7: 301, 8: 1_000_000}
_SKIPTO_COUNTS = {100: 8, 200: 4, 300: 6, 310: 7, 60000: 7}


def _skipto(net):
    _numbers(net, _SKIPTO_VALUES)
    for environment in _FORMS:
        net.firewall.run("-q", "-f", "flush")
        net.firewall.load(_SKIPTO, environment=environment)
        net.firewall("zero")
        _send(net, range(1, 10))
        _expect(net, _SKIPTO_COUNTS, what=str(environment))


def test_skipto(net):
    _skipto(net)


def test_skipto_tc_ingress(net):
    with modes.occupied(net.gateway, "west0"):
        _skipto(net)


def test_skipto_generic(net):
    modes.make_generic(net)
    _skipto(net)


def test_skipto_on_output(net):
    _numbers(net, _SKIPTO_VALUES)
    net.firewall.load(_SKIPTO.replace(" in\n", " out\n"))
    _send(net, range(1, 10))
    _expect(net, _SKIPTO_COUNTS)


def test_skipto_goes_behind_rules_of_its_number(net):
    _numbers(net, {1: 100, 2: 99})
    net.firewall.load("100 skipto tablearg udp from any to any lookup dst-port p in\n100 deny udp from any to any 1-2 in\n"
                      "110 count udp from any to any 1-2 in" + _OPEN)
    _send(net, (1, 2))
    _expect(net, {110: 2})


def test_rules_are_found_where_they_are_now(net):
    """Numbers in tables mean the rules of the moment; new values count at once."""
    _numbers(net, {1: 300})
    net.firewall.load("100 skipto tablearg udp from any to any lookup dst-port p in\n200 deny udp from any to any 1 in" + _OPEN)
    net.firewall("add 250 count udp from any to any 1 in")
    net.firewall("add 300 count udp from any to any 1 in")
    _send(net, (1,))
    _expect(net, {200: 0, 250: 0, 300: 1})
    net.firewall("delete 300")
    net.firewall("-q table p add 1 201")
    _send(net, (1,))
    _expect(net, {200: 0, 250: 1})
    net.firewall("table p flush")
    _send(net, (1,))
    _expect(net, {100: 2, 200: 1, 250: 1})


def test_many_skiptos(net):
    """More than there are functions for: some rules start over."""
    _numbers(net, {1: 0, 2: 5000})
    rules = [f"{1000 + 10 * index} skipto tablearg udp from any to any lookup dst-port p in" for index in range(120)]
    net.firewall.load("\n".join(rules) + "\n5000 count udp from any to any 1-2 in" + _OPEN)
    _send(net, (1, 2))
    _expect(net, {1000: 2, 1010: 1, 2190: 1, 5000: 2})


_CALL = """
10 skipto 100 ip from any to any
50 count udp from any to any 1-4 in
60 return udp from any to any
100 call tablearg udp from any to any lookup dst-port p in
200 count udp from any to any 1-4 in
300 allow ip from any to any
400 count udp from any to any 1-4 in
410 return udp from any to any
"""


def test_call(net):
    _numbers(net, {1: 50, 2: 400, 3: 301})
    for environment in _FORMS:
        net.firewall.run("-q", "-f", "flush")
        net.firewall.load(_CALL, environment=environment)
        _send(net, range(1, 5))
        _expect(net, {100: 3, 50: 1, 400: 2, 200: 4}, what=str(environment))


def test_call_tc_ingress(net):
    with modes.occupied(net.gateway, "west0"):
        test_call(net)


def _columns(net):
    net.firewall("table c create type addr valtype skipto,fib,dscp,tag,limit,mark")
    net.firewall(f"table c add {CLIENT.host4} 300,3,ef,5,2,0x10 {CLIENT.host6} 400,4,10,6,3,0x20")
    net.firewall("table l create type addr")
    net.firewall(f"table l add {CLIENT.host4} 300 {CLIENT.host6} 300")
    for table, environment in (("c", {}), ("l", _FORMS[1]), ("c", _FORMS[1]), ("l", {})):
        net.firewall.run("-q", "-f", "flush")
        net.firewall.load(
            f"100 count tag tablearg ip from table({table}) to any in\n110 setfib tablearg ip from table({table}) to any in\n"
            f"120 setdscp tablearg ip from table({table}) to any in\n130 setmark tablearg ip from table({table}) to any in\n"
            f"200 skipto tablearg ip from table({table}) to any in\n290 deny udp from any to any in\n"
            "300 count udp from any to any tagged 5 fib 3 dscp ef mark 0x10 in\n"
            "310 count udp from any to any tagged 300 fib 0 dscp 44 mark 300 in\n"
            "400 count udp from any to any tagged 6 fib 4 dscp 10 mark 0x20 in" + _OPEN, environment=environment)
        _send(net, (1,))
        wanted = {300: 1, 310: 0, 400: 1} if table == "c" else {300: 0, 310: 2, 400: 0}
        _expect(net, wanted, factor=1, what=f"{table} {environment}")


def test_each_argument_has_its_column(net):
    """Legacy values stand for all of them."""
    _columns(net)
    told = explain.objects(net, "tcp", f"[{CLIENT.host6}]:9", "to", f"[{SERVER.host6}]:80")[0]["passes"][0]["rules"]
    harness.equal([rule["tablearg"] for rule in told[:5]],
                  [{"tag": 300}, {"fib": 300}, {"dscp": 300}, {"mark": 300}, {"skipto": 300}])


def test_columns_tc_ingress(net):
    with modes.occupied(net.gateway, "west0"):
        _columns(net)


def test_two_skiptos_with_one_number(net):
    """The captive portal of pfSense: by source or by destination, whichever table has it."""
    net.firewall("table 0 create")
    net.firewall(f"table 0 add {CLIENT.host4} 5000 {SERVER.host6} 5100")
    net.firewall.load("3000 skipto tablearg ip from table(0) to any in\n3000 skipto tablearg ip from any to table(0) in\n"
                      "4000 deny udp from any to any in\n5000 allow udp from any to any in\n5100 allow udp from any to any in\n"
                      "6000 allow ip from any to any")
    _send(net, (1, 2))
    _expect(net, {4000: 0, 5000: 1, 5100: 1})
    net.firewall(f"table 0 delete {CLIENT.host4}")
    _send(net, (1, 2))
    _expect(net, {4000: 1, 5000: 1, 5100: 2})


def test_last_table_decides(net):
    net.firewall("table a create")
    net.firewall(f"table a add {CLIENT.host4} 300 {CLIENT.host6} 300")
    net.firewall("table b create")
    net.firewall(f"table b add {SERVER.host4} 400 {SERVER.host6} 400")
    _numbers(net, {5: 500})
    for body, port, number in (("from table(a) to table(b)", 1, 400), ("from table(a) to not table(a)", 1, 300),
                               ("from table(a) to any lookup dst-ip b", 1, 400),
                               ("from any to table(b) lookup src-ip a", 1, 300),
                               ("from table(a) to table(b) { lookup dst-port p or dst-port 6 }", 5, 500),
                               ("from table(a) to table(b) { lookup dst-port p or dst-port 6 }", 6, 400),
                               ("from table(a) to any { not lookup dst-port p or dst-port 5 }", 5, 500),
                               ("from table(a) to any { lookup dst-port p or in }", 5, 500),
                               ("from table(a) to any { in or lookup dst-port p }", 5, 300),
                               ("from table(a) to any { lookup dst-port p or in }", 7, 300),
                               ("from { me or me6 or table(a) } to any", 1, 300),
                               ("from table(a,300) to { table(b,1) or any }", 1, 300),
                               ("from any to any", 1, 200)):
        for environment in _FORMS:
            net.firewall.run("-q", "-f", "flush")
            net.firewall.load(f"100 skipto tablearg udp {body} in\n200 skipto 1000 udp from any to any in\n"
                              "300 skipto 1000 udp from any to any in\n400 skipto 1000 udp from any to any in\n"
                              "500 skipto 1000 udp from any to any in\n1000 allow ip from any to any", environment=environment)
            _send(net, (port,))
            _expect(net, {100: 1, **{other: int(other == number) for other in (200, 300, 400, 500)}},
                    what=f"{body} to port {port}, {environment}")


def test_every_look_up_gives_its_value(net):
    """Interfaces, flows, link addresses, whole and in part."""
    net.firewall("-q sysctl net.link.ether.ipfw=1")
    net.firewall("table i create type iface")
    net.firewall(f"table i add {CLIENT.interface} 300")
    net.firewall("table f create type flow:src-ip,proto,dst-port")
    net.firewall(f"table f add {CLIENT.host4},udp,1 300 {CLIENT.host6},udp,1 300")
    net.firewall("table m create type mac")
    net.firewall(f"table m add {CLIENT.host_mac} 300")
    net.firewall("table n create type number")
    net.firewall("table n add 1 300 100 300 16 300")
    bodies = ("recv table(i)", "via table(i)", "flow table(f)", "src-mac table(m)", "lookup src-mac m",
                 "lookup dst-port n", "lookup src-port:0x10 n", "lookup rulenum n")
    for body, environment in ((body, environment) for body in bodies for environment in _FORMS):
        layer2 = "mac" in body
        net.firewall.run("-q", "-f", "flush")
        net.firewall.load(f"100 skipto tablearg udp from any to any {body} in\n200 deny udp from any to any 1 in"
                          f"{' layer2' if layer2 else ' not layer2'}\n300 count udp from any to any 1 in" + _OPEN,
                          environment=environment)
        _send(net, (1,), source=0x9c5f)
        _expect(net, {200: 0, 300: 2}, what=f"{body} {environment}")


def test_interfaces_of_the_manual(net):
    """The per-interface firewall of the manual page, LOOKUP TABLES."""
    net.firewall("table IN create type iface valtype skipto,fib")
    net.firewall(f"table IN add {CLIENT.interface} 12000,12 {SERVER.interface} 13000,13")
    net.firewall("table OUT create type iface valtype skipto")
    net.firewall(f"table OUT add {CLIENT.interface} 22000 {SERVER.interface} 23000")
    net.firewall.load("100 setfib tablearg ip from any to any recv table(IN) in\n"
                      "200 skipto tablearg ip from any to any recv table(IN) in\n"
                      "300 skipto tablearg ip from any to any xmit table(OUT) out\n400 deny udp from any to any\n"
                      "12000 allow udp from any to any fib 12\n13000 allow udp from any to any fib 13\n"
                      "22000 allow udp from any to any fib 13\n23000 allow udp from any to any fib 12")
    with traffic.udp_server(net.server, 9):
        for address in (SERVER.host4, SERVER.host6):
            harness.equal(traffic.udp_exchange(net.client, address, 9), "ok", address)
    _expect(net, {12000: 1, 13000: 1, 22000: 1, 23000: 1})


@harness.three_hosts
def test_setfib_chooses_the_next_hop(net):
    """What is no routing table is the main one."""
    for address in (SERVER.host4, SERVER.host6):
        net.gateway.ip(f"route add {address} via {OTHER.host6 if ':' in address else OTHER.host4} table 7")
    _numbers(net, {9: 7, 10: 16, 11: 0x8007, 12: 0})
    net.firewall.load("100 setfib tablearg udp from any to any lookup dst-port p in" + _OPEN)
    for port, host in ((9, "other"), (10, "server"), (11, "other"), (12, "server"), (13, "server")):
        with frames.Sniffer(net.server) as server, frames.Sniffer(net.other) as other:
            _send(net, (port,))
            traffic.wait_for(lambda: net.firewall.packets(60000) >= 4 * (port - 8))
            found = {"server": len(server.packets(lambda packet: UDP in packet)),
                     "other": len(other.packets(lambda packet: UDP in packet))}
        harness.equal(found, {"server": 0, "other": 0, host: 2}, f"port {port}")


def test_setdscp(net):
    """The lower six bits count."""
    _numbers(net, {1: 46, 2: 64 + 10, 3: 0})
    net.firewall.load("100 setdscp tablearg udp from any to any lookup dst-port p in" + _OPEN)
    with frames.Sniffer(net.server) as sniffer:
        _send(net, (1, 2, 3))
        traffic.wait_for(lambda: net.firewall.packets(60000) >= 12)
        found = sniffer.packets(lambda packet: UDP in packet)
    classes = sorted((packet[UDP].dport, packet[IPv6].tc if IPv6 in packet else packet[IP].tos) for packet in found)
    harness.equal(classes, [(1, 0xb8), (1, 0xb8), (2, 40), (2, 40), (3, 0), (3, 0)])


def test_mark(net):
    _numbers(net, {1: 0xa5, 2: 0x5a})
    net.firewall.load("100 setmark tablearg udp from any to any lookup dst-port p in\n"
                      "200 count udp from any to any 1-2 mark 0xa5 in\n"
                      "210 count udp from any to any lookup dst-port p mark tablearg in\n"
                      "220 setmark 0x15 udp from any to any 1-2 in\n"
                      "230 count udp from any to any lookup dst-port p mark tablearg:0xf in\n"
                      "240 count udp from any to any lookup dst-port p not mark tablearg:0xf0 in" + _OPEN)
    _send(net, (1, 2, 3))
    _expect(net, {100: 2, 200: 1, 210: 2, 230: 1, 240: 2})


# Port n carries tag n * 1000 from input to output; port 5 loses it before.
_TAGS = """
100 count tag tablearg udp from any to any lookup dst-port p in
110 count udp from any to any tagged 1000-2000 in
120 count untag tablearg udp from any to any 5 lookup dst-port p in
130 count tag 7 udp from any to any 1-2 in
200 count udp from any to any 1-5 tagged 1000 out
210 count udp from any to any lookup dst-port p tagged tablearg out
220 count udp from any to any 1-5 tagged 3000-5000,60000 out
230 count udp from any to any 1-5 not tagged 1-65534 out
240 count udp from any to any 1-5 tagged 7 out
"""


def _tags(net):
    _numbers(net, {port: port * 1000 for port in range(1, 6)}, "valtype", "tag")
    for environment in _FORMS:
        net.firewall.run("-q", "-f", "flush")
        net.firewall.load(_TAGS + _OPEN, environment=environment)
        _send(net, range(1, 6))
        _expect(net, {100: 5, 110: 2, 120: 1, 200: 1, 210: 4, 220: 2, 230: 1, 240: 2}, what=str(environment))


def test_tags(net):
    _tags(net)


def test_tags_generic(net):
    modes.make_generic(net)
    _tags(net)


def test_tags_refused_without_xdp(net):
    """There they could cross by skb->mark alone, which has no room for any number."""
    with modes.occupied(net.gateway, "west0"):
        _numbers(net, {1: 5})
        net.firewall.load("100 count tag tablearg udp from any to any lookup dst-port p in\n"
                          "110 count udp from any to any tagged 5 in" + _OPEN)
        _send(net, (1, 2))
        _expect(net, {100: 1, 110: 1})
        result = net.firewall.run("add", "200", "count", "ip", "from", "any", "to", "any", "tagged", "5", "out", status=69)
        harness.contains(result.stderr, "tags out of tables that `in' rules set are tested by `out' rules")


def test_four_tags(net):
    """A packet with no room for one more is dropped and counted; one that it has takes none."""
    _numbers(net, {1: 1000, 2: 2000})
    net.firewall.load("100 count tag 1 udp from any to any 1-2 in\n110 count tag 2 udp from any to any 1-2 in\n"
                      "120 count tag 3 udp from any to any 1-2 in\n130 count tag tablearg udp from any to any lookup dst-port p in\n"
                      "140 count tag 4 udp from any to any 2 in\n150 count tag 1000 udp from any to any 1 in\n"
                      "200 count udp from any to any 1-2 tagged 3 tagged 1000 tagged 1 tagged 2 in" + _OPEN)
    _send(net, (1, 2))
    _expect(net, {130: 2, 140: 0, 150: 1, 200: 1})
    harness.equal(net.firewall.drops()["tags or routing table lost"], 2)


def test_tag_0_and_none(net):
    """Without an entry the number is 0, which is a tag here; 65535 is none."""
    _numbers(net, {2: 65535, 3: 65536 + 9})
    net.firewall.load("100 count tag tablearg udp from any to any 1 { lookup dst-port p or in } in\n"
                      "110 count tag tablearg udp from any to any lookup dst-port p in\n"
                      "200 count udp from any to any tagged tablearg in\n210 count udp from any to any tagged 1-65534 in" + _OPEN)
    _send(net, (1, 2, 3, 4))
    _expect(net, {100: 1, 110: 2, 200: 1, 210: 1})
    told = explain.objects(net, "udp", CLIENT.host4, "to", f"{SERVER.host4}:3")
    harness.equal(told[0]["passes"][0]["tags"], [9])


def _commit_while_held(net, rules):
    """Replaces the rules while a packet that has met those on input waits for the server's link address. Returns how
    many packets were dropped for lost tags."""
    before = net.firewall.drops()["tags or routing table lost"]
    net.gateway.ip(f"neigh del {SERVER.host4} dev east0")
    traffic.udp_send(net.client, SERVER.host4, 7, [b"x"])
    held = ("ip", "neigh", "show", SERVER.host4, "dev", "east0")
    harness.true(traffic.wait_for(lambda: "INCOMPLETE" in net.gateway.run(*held).stdout), "no packet waits")
    net.firewall.run("-q", "-f", "flush")
    net.firewall.load(rules)
    with frames.Sniffer(net.server) as server:
        net.gateway.ip(f"neigh replace {SERVER.host4} lladdr {SERVER.host_mac} dev east0")
        arrived = len(server.packets(lambda packet: UDP in packet))
    lost = net.firewall.drops()["tags or routing table lost"] - before
    harness.equal(arrived, 1 - lost, "packets that arrived")
    return lost


def test_tags_of_another_form_are_lost(net):
    """A packet on its way from input to output when rules begin, or cease, to take tags out of tables is dropped, lest
    its tags are taken for others."""
    bits = "\n".join(f"{100 + tag} count tag {tag} udp from any to any in\n"
                     f"{200 + tag} count udp from any to any tagged {tag} out" for tag in range(1, 21)) + _OPEN
    numbers = "100 count tag 5 udp from any to any in\n200 count udp from any to any tagged 5 out\n300 count tagged tablearg" + _OPEN
    net.gateway.sysctl(ipv4__neigh__east0__retrans_time_ms=60_000)
    net.server.ip("link set eth0 arp off")
    net.firewall.load(numbers)
    harness.equal(_commit_while_held(net, numbers + "60100 count ip from any to any\n"), 0, "of the same form")
    harness.equal(_commit_while_held(net, bits), 1, "from numbers to bits")
    harness.equal(_commit_while_held(net, numbers), 1, "from bits to numbers")


def _limit(net, option, packets):
    """What is refused is counted at the rule, which denies it."""
    net.firewall("table t create valtype limit")
    net.firewall(f"table t add {CLIENT.host4} 2 {CLIENT.host6} 3 {SERVER.host4} 0")
    net.firewall.load(f"100 count udp from any to any 1-9 in\n200 allow udp from table(t) to any 1-9 in {option} src-addr tablearg\n"
                      "300 deny udp from any to any in" + _OPEN)
    for source in range(5):
        _send(net, (1,), source=40000 + source)
    _expect(net, {100: 10, 300: 0, **packets}, factor=1)
    states = [(state.kind, state.source) for state in net.firewall.dynamic() if state.kind == "LIMIT"]
    harness.equal(sorted(states), sorted([("LIMIT", CLIENT.host4)] * 2 + [("LIMIT", CLIENT.host6)] * 3))


def test_limit(net):
    # On output states are found, of those that made one.
    _limit(net, "limit", {200: 15})


def test_set_limit(net):
    _limit(net, "set-limit", {200: 10})


def test_states_bring_no_value(net):
    """A packet whose state is found has been looked up in no table: its value is 0."""
    _numbers(net, {1: 400})
    net.firewall.load("100 skipto tablearg udp from any to any lookup dst-port p in keep-state\n"
                      "200 count udp from any to any in\n300 count udp from any to any in\n400 count udp from any to any in" + _OPEN)
    _send(net, (1,))
    # On output it is its state that each packet is met by.
    _expect(net, {100: 2, 200: 0, 400: 1})
    _send(net, (1,))
    _expect(net, {100: 4, 200: 1, 300: 1, 400: 2})


def test_socket_mark(net):
    """sockarg gives the mark of the socket as a value, also behind a table."""
    net.firewall("table t create")
    net.firewall(f"table t add {SERVER.host4} 200 {SERVER.host6} 200")
    net.firewall.load("100 skipto tablearg udp from me to any 9 out sockarg\n"
                      "110 skipto tablearg udp from me to table(t) 10 out sockarg\n"
                      "200 count udp from me to any 9-10 out\n300 count udp from me to any 9-10 out" + _OPEN)
    for address in (SERVER.host4, SERVER.host6):
        for mark in (0, 300):
            with net.gateway:
                sender = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
            with sender:
                sender.setsockopt(socket.SOL_SOCKET, _SO_MARK, struct.pack("I", mark))
                for port in (9, 10):
                    sender.sendto(b"x", (address, port))
    _expect(net, {100: 1, 110: 1, 200: 2, 300: 4})


def test_explain_brings_numbers_along(net):
    net.firewall.load("100 count tag tablearg ip from table(t) to any in\n200 count ip from any to any tagged 7,9 out" + _OPEN)
    words = ["out", "recv", CLIENT.interface, "xmit", SERVER.interface, "tag"]
    packet = ["udp", f"{CLIENT.host4}:1", "to", f"{SERVER.host4}:2"]
    told = explain.objects(net, *words, "8,9", *packet)[0]["passes"][0]
    harness.equal(([rule["number"] for rule in told["rules"]], told["tags"]), ([200, 60000], [8, 9]))
    result = net.firewall.run("explain", *words, "1,2,3,4,5", *packet, status=65)
    harness.contains(result.stderr, "with these rules a packet has at most 4 tags")


def test_log_tells_the_value(net):
    _numbers(net, {1: 300})
    net.firewall.load("100 skipto tablearg log udp from any to any lookup dst-port p in" + _OPEN)
    _send(net, (1,))
    _expect(net, {100: 1})
    lines = net.firewall("monitor -n").splitlines()
    harness.equal([" ".join(line.split()[:5]) for line in lines], ["ipfw: 100 SkipTo 300 UDP"] * 2)


def test_tcp_by_value(net):
    """A whole connection goes where the table says."""
    net.firewall("table t create")
    net.firewall(f"table t add {CLIENT.host4} 500 {CLIENT.host6} 600")
    net.firewall.load("100 skipto tablearg tcp from table(t) to any in\n200 skipto 700 tcp from any to table(t) in\n"
                      "300 allow tcp from any to any out\n400 deny ip from any to any\n500 allow tcp from any to any\n"
                      "600 deny tcp from any to any\n700 allow tcp from any to any")
    with traffic.tcp_server(net.server, 80):
        harness.equal(traffic.tcp_connect(net.client, SERVER.host4, 80), "ok")
        harness.equal(traffic.tcp_connect(net.client, SERVER.host6, 80), "timeout")
        net.firewall(f"-q table t add {CLIENT.host6} 500")
        harness.equal(traffic.tcp_connect(net.client, SERVER.host6, 80), "ok")


def test_later_actions_are_refused(net):
    """The actions themselves, plainly; nothing changes."""
    net.firewall("table t create")
    for rule in ("divert tablearg", "tee tablearg", "pipe tablearg", "queue tablearg", "nat tablearg", "netgraph tablearg",
                 "ngtee tablearg", "fwd tablearg"):
        result = net.firewall.run("add", "100", *rule.split(), "ip", "from", "table(t)", "to", "any", status=69)
        harness.contains(result.stderr, f"{rule.split()[0]}: not supported yet")
    harness.equal(net.firewall("list").splitlines(), ["65535 deny ip from any to any"])


def test_values_out_of_range_are_refused(net):
    for kind, values in {"skipto": ("65536", "-1", "x", "99999999999"), "divert": ("65536",), "tag": ("65535", "-5"),
                         "dscp": ("64", "zz"), "fib": ("-1", "1x"), "limit": ("4294967296",), "mark": ("0x1ffffffff", "q"),
                         "ipv4": ("1.2.3.999",), "ipv6": ("1.2.3.4",)}.items():
        net.firewall(f"table {kind} create valtype {kind}")
        for value in values:
            result = net.firewall.run("table", kind, "add", "192.0.2.1", value, status=64)
            harness.contains(result.stderr, f"Unable to parse {value} as {kind}")
        harness.equal(net.firewall(f"table {kind} list"), "", f"{kind}: a refused value left an entry")
    net.firewall("table skipto add 192.0.2.1 65535")
    net.firewall("table tag add 192.0.2.1 65534")
    net.firewall("table dscp add 192.0.2.1 af11")
    harness.equal(net.firewall("table dscp list"), "192.0.2.1/32 10\n")
