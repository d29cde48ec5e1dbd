# SPDX-License-Identifier: GPL-2.0-only
"""Frames meet the rules once more (net.link.ether.ipfw=1): link addresses, EtherTypes, ARP, both directions."""
import contextlib
import fcntl
import struct

import frames
import harness
import traffic
import wire
from frames import ICMP, IP, UDP, Dot1Q, Ether, IPv6, Raw
from network import CLIENT, SERVER
from scapy.layers.l2 import ARP

OPEN = "65000 allow ip from any to any"
BROADCAST = "ff:ff:ff:ff:ff:ff"
_VARIABLE = "net.link.ether.ipfw"


def _load(net, rules, value=1):
    net.firewall(f"-q sysctl {_VARIABLE}={value}")
    net.firewall.load(rules)


def _counted(net, *numbers):
    """[(packets, bytes)] of the rules with these numbers."""
    found = {rule.number: (rule.packets, rule.bytes) for rule in net.firewall.show()}
    return [found[number] for number in numbers]


def _datagram(port=9):
    return IP(src=CLIENT.host4, dst=SERVER.host4) / UDP(sport=1000, dport=port) / Raw(b"datagram")


def _frame(payload, **fields):
    return Ether(**{"src": CLIENT.host_mac, "dst": CLIENT.firewall_mac, **fields}) / payload


def test_passes(net):
    """A rule without `layer2` counts both; `layer2` and `not layer2` tell them apart, in and out."""
    _load(net, "100 count icmp from any to any icmptypes 8 in\n110 count icmp from any to any icmptypes 8 in layer2\n"
          "120 count icmp from any to any icmptypes 8 in not layer2\n"
          "130 count icmp from any to any icmptypes 8 in bridged\n"
          "200 count icmp from any to any icmptypes 8 out\n210 count icmp from any to any icmptypes 8 out layer2\n"
          "220 count icmp from any to any icmptypes 8 out not layer2\n"
          "300 count ip6 from any to any icmp6types 128 layer2\n" + OPEN)
    for address in (SERVER.host4, SERVER.host6):
        harness.true(traffic.ping(net.client, address), f"no answer from {address}")
    one, two = (1, 84), (2, 168)
    harness.equal(_counted(net, 100, 110, 120, 130, 200, 210, 220), [two, one, one, one, two, one, one])
    harness.equal(_counted(net, 300), [(2, 208)])


def test_order(net):
    """Coming in, a frame is seen before its packet, going out behind it; what one pass drops the other never sees."""
    icmp = "icmp from any to any icmptypes 8"
    _load(net, f"100 count {icmp} in not layer2\n110 deny {icmp} in layer2\n" + OPEN)
    harness.true(not traffic.ping(net.client, SERVER.host4), "the frame was not dropped")
    harness.equal(_counted(net, 100, 110), [(0, 0), (1, 84)])
    _load(net, f"100 count {icmp} out not layer2\n110 deny {icmp} out layer2\n" + OPEN)
    harness.true(not traffic.ping(net.client, SERVER.host4), "the frame was not dropped")
    harness.equal(_counted(net, 100, 110), [(1, 84), (1, 84)])
    _load(net, f"100 count {icmp} in layer2\n110 deny {icmp} in not layer2\n" + OPEN)
    harness.true(not traffic.ping(net.client, SERVER.host4), "the packet was not dropped")
    harness.equal(_counted(net, 100, 110), [(1, 84), (1, 84)])
    _load(net, f"100 count {icmp} out layer2\n110 deny {icmp} out not layer2\n" + OPEN)
    harness.true(not traffic.ping(net.client, SERVER.host4), "the packet was not dropped")
    harness.equal(_counted(net, 100, 110), [(0, 0), (1, 84)])


def test_off(net):
    """As long as the variable is 0 nothing of this exists, and switching takes effect at once."""
    rules = ("100 deny icmp from any to any layer2\n110 deny icmp from any to any MAC any any\n"
             "120 deny icmp from any to any mac-type ip\n130 count icmp from any to any not layer2\n"
             "140 count icmp from any to any not mac-type ip\n150 count layer2\n" + OPEN)
    net.firewall.load(rules)
    harness.true(traffic.ping(net.client, SERVER.host4), "a rule for frames matched")
    frames.send(net.client, "eth0", _frame(Raw(bytes(46)), dst=BROADCAST, type=0x88cc))
    harness.equal(_counted(net, 100, 110, 120, 130, 140, 150), [(0, 0)] * 3 + [(4, 336)] * 2 + [(0, 0)])
    net.firewall(f"sysctl {_VARIABLE}=1")
    harness.true(not traffic.ping(net.client, SERVER.host4), "frames do not meet the rules")
    net.firewall(f"sysctl {_VARIABLE}=0")
    harness.true(traffic.ping(net.client, SERVER.host4), "frames still meet the rules")


def test_rules_file(net):
    """The variable and the rules that it takes come into force together."""
    rules = "deny icmp from any to any layer2\n65000 allow ip from any to any"
    net.firewall("-q add 65000 allow ip from any to any")
    before = net.firewall("status").splitlines()[2]
    net.firewall.run("-q", "/dev/stdin", stdin=f"flush\nsysctl {_VARIABLE}=1\n"
                     + "".join(f"add {line}\n" for line in rules.splitlines()))
    harness.equal([line.split()[1] for line in (before, net.firewall("status").splitlines()[2])], ["1", "2"])
    harness.true(not traffic.ping(net.client, SERVER.host4), "the rule does nothing")
    text = f"sysctl {_VARIABLE}=0\nadd deny nonsense\n"
    net.firewall.run("-q", "/dev/stdin", stdin=text, status=None)
    harness.equal(net.firewall(f"sysctl -n {_VARIABLE}"), "1\n")
    harness.true(not traffic.ping(net.client, SERVER.host4), "a file that failed has changed the variable")


def test_only_frames(net):
    """IPv4 and IPv6 can be switched off by themselves."""
    pings = "{ icmptypes 0,8 or icmp6types 128,129 }"
    _load(net, f"100 count {pings} via west0\n110 count {pings} not layer2\n" + OPEN)
    net.firewall("-q sysctl net.inet.ip.fw.enable=0")
    for address in (SERVER.host4, SERVER.host6):
        harness.true(traffic.ping(net.client, address), f"no answer from {address}")
    harness.equal(_counted(net, 100, 110), [(6, 84 * 2 + 104 * 4), (4, 104 * 4)])
    net.firewall("disable firewall")
    net.firewall("-q zero")
    for address in (SERVER.host4, SERVER.host6):
        harness.true(traffic.ping(net.client, address), f"no answer from {address}")
    harness.equal(_counted(net, 100, 110), [(4, 84 * 2 + 104 * 2), (0, 0)])
    net.firewall("-q add 50 deny ipv6-icmp from any to any")
    harness.equal([traffic.ping(net.client, address) for address in (SERVER.host4, SERVER.host6)], [True, False])


def _matched(net, name, frame, count):
    """Sends the frame alone; returns which of the rules 100, 101... counted it. What else comes is the kernel's own."""
    for _ in range(5):
        net.firewall("-q zero")
        frames.send(net.client, "eth0", frame)
        harness.true(traffic.wait_for(lambda: net.firewall.packets(99)), f"{name} did not arrive")
        packets = [counter[0] for counter in _counted(net, *range(99, 100 + count))]
        if packets[0] == 1:
            return {index for index, counter in enumerate(packets[1:]) if counter}
    raise harness.Failure(f"{name} never came alone")


def _check(net, sent, expected, where):
    """`sent`: {name: frame}; `expected`: {body: names that match}. Frames are sent one by one."""
    bodies = list(expected)
    # The server knows no way back, so it answers nothing.
    net.server.ip("route del default", "route del ::/0")
    _load(net, f"99 count {where}\n" + "\n".join(f"{100 + index} count {body} {where}"
                                               for index, body in enumerate(bodies)) + "\n" + OPEN)
    matched = {name: _matched(net, name, frame, len(bodies)) for name, frame in sent.items()}
    for index, body in enumerate(bodies):
        harness.equal({name for name in sent if index in matched[name]}, expected[body], body)


@harness.time_limit(60)
def test_mac(net):
    sources = {"one": "02:00:00:00:00:01", "two": "02:00:00:00:01:02", "other": "06:00:aa:bb:01:ff"}
    sent = {name: _frame(_datagram(), src=mac) for name, mac in sources.items()}
    sent["all"] = _frame(_datagram(), src="02:00:00:00:00:02", dst=BROADCAST)
    every, me = set(sent), CLIENT.firewall_mac
    _check(net, sent, {
        "MAC any any": every,
        "not MAC any any": set(),
        f"MAC {me} any": every - {"all"},
        f"not MAC {me} any": {"all"},
        "MAC any 02:00:00:00:00:01": {"one"},
        "mac any 2:0:0:0:0:1": {"one"},
        "MAC any 02:00:00:00:00:00/32": {"one", "two", "all"},
        "MAC any 02:00:00:00:00:00/40": {"one", "all"},
        "MAC any 02:00:00:00:01:00&ff:00:00:00:ff:00": {"two"},
        "MAC any 00:00:00:00:01:00&00:00:00:00:ff:00": {"two", "other"},
        f"MAC {me} 06:00:aa:bb:01:ff": {"other"},
        f"MAC {BROADCAST} any": {"all"},
        f"MAC {BROADCAST} 02:00:00:00:00:01": set(),
        "{ MAC any 02:00:00:00:00:01 or MAC any 02:00:00:00:01:02 }": {"one", "two"},
    }, "in recv west0 layer2")


@harness.time_limit(60)
def test_mac_tables(net):
    sources = {"one": "02:00:00:00:00:01", "two": "02:00:00:00:01:02", "other": "06:00:aa:bb:01:ff"}
    sent = {name: _frame(_datagram(), src=mac) for name, mac in sources.items()}
    sent["all"] = _frame(_datagram(), src="02:00:00:00:00:02", dst=BROADCAST)
    for name, entries in (("hosts", "02:00:00:00:00:01 1 06:00:aa:bb:01:ff 2"), ("nets", "02:00:00:00:00:00/40 1"),
                          ("me", f"{CLIENT.firewall_mac} 1"), ("everybody", f"{BROADCAST} 1"), ("masked", "02:00:00:00:01:00 1")):
        net.firewall(f"table {name} create type mac")
        net.firewall(f"-q table {name} add {entries}")
    every = set(sent)
    _check(net, sent, {
        "src-mac table(hosts)": {"one", "other"},
        "not src-mac table(hosts)": {"two", "all"},
        "src-mac table(hosts,2)": {"other"},
        "src-mac table(nets)": {"one", "all"},
        "dst-mac table(me)": every - {"all"},
        "dst-mac table(everybody)": {"all"},
        "dst-mac table(hosts)": set(),
        "src-mac table(hosts) dst-mac table(me)": {"one", "other"},
        "lookup src-mac hosts": {"one", "other"},
        "lookup dst-mac me": every - {"all"},
        "not lookup dst-mac me": {"all"},
        "lookup src-mac:ff:ff:ff:ff:ff:00 masked": {"two"},
        "lookup dst-mac:00:00:00:00:00:00 masked": set(),
    }, "in recv west0 layer2")


def test_packets_have_no_link_addresses(net):
    net.firewall("table hosts create type mac")
    net.firewall(f"table hosts add {CLIENT.host_mac}")
    _check(net, {"one": _frame(_datagram())}, {"src-mac table(hosts)": set(), "not src-mac table(hosts)": {"one"},
                                            "lookup src-mac hosts": set()}, "in recv west0 not layer2")


@harness.time_limit(60)
def test_mac_on_output(net):
    _load(net, f"100 count icmp from any to any icmptypes 8 MAC {SERVER.host_mac} {SERVER.firewall_mac} out\n"
          f"110 count icmp from any to any icmptypes 8 MAC any {CLIENT.host_mac} out\n"
          f"120 count ip6 from any to any icmp6types 128 mac-type ipv6 out xmit east0\n"
          f"130 count icmp from any to any icmptypes 0 MAC {CLIENT.host_mac} any out\n" + OPEN)
    for address in (SERVER.host4, SERVER.host6):
        harness.true(traffic.ping(net.client, address), f"no answer from {address}")
    harness.equal(_counted(net, 100, 110, 120, 130), [(1, 84), (0, 0), (1, 104), (1, 84)])


@harness.time_limit(60)
def test_mac_type(net):
    arp = ARP(op=1, hwsrc=CLIENT.host_mac, psrc=CLIENT.host4, pdst=CLIENT.firewall4)
    six = IPv6(src=CLIENT.host6, dst=SERVER.host6) / UDP(sport=1000, dport=9) / Raw(b"x")
    sent = {"ip": _frame(_datagram()), "ip6": _frame(six), "arp": _frame(arp, dst=BROADCAST),
            "lldp": _frame(Raw(bytes(46)), dst="01:80:c2:00:00:0e", type=0x88cc),
            "length": _frame(Raw(bytes(46)), dst="01:80:c2:00:00:00", type=38),
            "zero": _frame(Raw(bytes(46)), type=0),
            "vlan": _frame(Dot1Q(vlan=5) / _datagram()),
            "vlans": _frame(Dot1Q(vlan=5) / Dot1Q(vlan=6) / _datagram(), type=0x88a8)}
    tagged, every = {"vlan", "vlans"}, set(sent)
    _check(net, sent, {
        "mac-type ip": {"ip"} | tagged,
        "mac-type ipv4": {"ip"} | tagged,
        "mac-type ipv6": {"ip6"},
        "mac-type arp": {"arp"},
        "mac-type arp,ipv6": {"arp", "ip6"},
        "mac-type 0x0800-0x0806": {"ip", "arp"} | tagged,
        "mac-type 0x88cc": {"lldp"},
        "mac-type 0-0x05dc": {"length", "zero"},
        "not mac-type ip,ipv6": every - {"ip", "ip6"} - tagged,
        "ip from any to any": every,
        "ip4 from any to any": {"ip"} | tagged,
        "udp from any 1000 to any 9": {"ip", "ip6"} | tagged,
        "ip from 192.0.2.0/24 to any": {"ip"} | tagged,
        "not tcp from any to any": every,
        "ip from not 192.0.2.0/24 to any": every - {"ip"} - tagged,
        "ip from any to not me": every,
        "frag": set(), "established": set(), "iptos !lowdelay": {"ip"} | tagged,
    }, "in recv west0 layer2")
    # Frames that are not IP have no length of IP, and are seen at layer 2 alone.
    _load(net, "100 count not ipversion 4 not ipversion 6 in\n" + OPEN)
    frames.send(net.client, "eth0", sent["lldp"])
    traffic.wait_for(lambda: net.firewall.packets(100))
    harness.equal(_counted(net, 100), [(1, 0)])


def _forget_neighbours(net):
    for namespace, interface in ((net.client, "eth0"), (net.gateway, "west0")):
        namespace.run("ip", "-4", "neigh", "flush", "dev", interface, "nud", "all")


@harness.time_limit(60)
def test_arp(net):
    """By default ARP passes uncounted; with the variable it needs a rule, in both directions."""
    allowed = "200 allow ip from any to any not layer2\n210 allow ip from any to any layer2 mac-type ip,ipv6\n"
    for rules, value, expected in ((allowed, 0, True), (allowed, 1, False),
                                   (allowed + "220 allow layer2 mac-type arp", 1, True),
                                   (allowed + "220 allow layer2 mac-type arp in", 1, False),
                                   ("100 deny layer2 mac-type arp\n" + allowed, 0, True),
                                   ("100 deny layer2 mac-type arp\n" + OPEN, 1, False),
                                   (f"100 allow mac-type arp MAC any {CLIENT.host_mac} in\n"
                                    f"110 allow mac-type arp MAC {CLIENT.host_mac} any out\n" + allowed, 1, True)):
        _load(net, rules, value)
        _forget_neighbours(net)
        harness.equal(traffic.ping(net.client, CLIENT.firewall4, patience=1.0), expected, f"{rules!r}, {value}")


def test_arp_is_counted(net):
    _load(net, "100 count layer2 mac-type arp in\n110 count layer2 mac-type arp out\n"
          "120 count mac-type arp not layer2\n" + OPEN)
    net.client.run("ip", "-4", "neigh", "flush", "dev", "eth0", "nud", "all")
    harness.true(traffic.ping(net.client, CLIENT.firewall4), "no answer")
    harness.equal(_counted(net, 100, 110, 120), [(1, 0), (1, 0), (0, 0)])


def test_opnsense(net):
    """The rules for frames of a distribution that is built on ipfw."""
    _load(net, "100 allow pfsync from any to any\n110 allow carp from any to any\n"
          "120 pass layer2 mac-type arp,rarp\n130 pass layer2 mac-type 0x888e,0x88c7\n"
          "140 pass layer2 mac-type 0x8863,0x8864\n150 deny layer2 not mac-type ip,ipv6\n" + OPEN)
    _forget_neighbours(net)
    for address in (CLIENT.firewall4, SERVER.host4, SERVER.host6):
        harness.true(traffic.ping(net.client, address, patience=1.0), f"no answer from {address}")
    for ether_type in (0x888e, 0x8863, 0x88cc):
        frames.send(net.client, "eth0", _frame(Raw(bytes(46)), type=ether_type))
    traffic.wait_for(lambda: net.firewall.packets(150))
    harness.equal([net.firewall.packets(number) for number in (130, 140, 150)], [1, 1, 1])


def test_other_hosts(net):
    """Frames for somebody else's link address are not for the rules, in promiscuous mode either."""
    _load(net, "100 count udp from any 1000 to any 9 in recv west0\n110 count mac-type 0x88cc\n" + OPEN)
    net.gateway.ip("link set west0 promisc on")
    frames.send(net.client, "eth0", _frame(_datagram(), dst="02:99:99:99:99:99"),
                _frame(Raw(bytes(46)), dst="02:99:99:99:99:99", type=0x88cc), _frame(_datagram()))
    traffic.wait_for(lambda: net.firewall.packets(100) >= 2)
    harness.equal([net.firewall.packets(number) for number in (100, 110)], [2, 0])


def test_loopback_has_no_frames(net):
    _load(net, "100 count ip from any to any via lo\n110 count layer2 via lo\n" + OPEN)
    harness.true(traffic.ping(net.gateway, "127.0.0.1"), "no answer")
    harness.equal([net.firewall.packets(number) for number in (100, 110)], [4, 0])


@harness.time_limit(60)
def test_vlan_device(net):
    """Frames of a VLAN are seen on its device, which has taken the tag off."""
    try:
        net.gateway.ip("link add link west0 name vlan5 type vlan id 5", "addr add 10.5.0.1/24 dev vlan5",
                       "link set vlan5 up")
    except OSError as error:
        raise harness.Skip("this kernel has no VLAN devices") from error
    net.client.ip("link add link eth0 name vlan5 type vlan id 5", "addr add 10.5.0.2/24 dev vlan5", "link set vlan5 up")
    wire.vlan_offload_off(net.client, "eth0")
    _load(net, "100 count icmp from any to any in layer2 recv vlan5\n110 count icmp from any to any via west0\n"
          "120 count layer2 mac-type arp via vlan5\n130 count icmp from any to any out layer2 mac-type ip xmit vlan5\n"
          "140 count icmp from any to any via vlan5\n" + OPEN)
    harness.true(traffic.ping(net.client, "10.5.0.1", patience=1.0), "no answer")
    harness.equal([net.firewall.packets(number) for number in (100, 110, 130, 140)], [1, 0, 1, 4])
    harness.within(net.firewall.packets(120), 2, 4, "ARP on the VLAN")


def test_no_answers(net):
    """What is refused as a frame is dropped without an answer; as a packet it would be answered."""
    _load(net, "100 reset tcp from any to any 80 layer2\n110 unreach port udp from any to any 5 layer2\n"
          "120 reset tcp from any to any 81 not layer2\n130 unreach port udp from any to any 6 not layer2\n" + OPEN)
    with traffic.tcp_server(net.server, 80, 81), traffic.udp_server(net.server, 5, 6):
        harness.equal([traffic.tcp_connect(net.client, SERVER.host4, port) for port in (80, 81)], ["timeout", "refused"])
        harness.equal([traffic.udp_exchange(net.client, SERVER.host4, port) for port in (5, 6)], ["timeout", "refused"])


def test_skipto(net):
    """The four places of the manual page, told apart by skipto."""
    _load(net, "10 skipto 1000 all from any to any layer2 in\n10 skipto 2000 all from any to any not layer2 in\n"
          "10 skipto 3000 all from any to any not layer2 out\n10 skipto 4000 all from any to any layer2 out\n"
          "1000 count icmp from any to any\n1001 allow all from any to any\n"
          "2000 count icmp from any to any\n2001 allow all from any to any\n"
          "3000 count icmp from any to any\n3001 allow all from any to any\n"
          "4000 count icmp from any to any\n4001 allow all from any to any")
    harness.true(traffic.ping(net.client, SERVER.host4), "no answer")
    harness.equal([net.firewall.packets(number) for number in (1000, 2000, 3000, 4000)], [2, 2, 2, 2])


def test_what_lasts(net):
    """Tags go from the frame's pass to the packet's, marks do not."""
    icmp = "icmp from any to any icmptypes 8"
    _load(net, f"100 count tag 7 {icmp} in layer2\n110 count {icmp} tagged 7 in not layer2\n"
          f"120 setmark 9 {icmp} in layer2\n130 count {icmp} mark 9 in layer2\n140 count {icmp} mark 9 in not layer2\n"
          + OPEN)
    harness.true(traffic.ping(net.client, SERVER.host4), "no answer")
    harness.equal([net.firewall.packets(number) for number in (100, 110, 120, 130, 140)], [1, 1, 1, 1, 0])


def test_actions_that_go_on(net):
    """Calls, tags, changes, tables and log in both passes; a call that has not returned ends with its pass."""
    icmp = "icmp from any to any icmptypes 8"
    _load(net, f"100 count tag 3 {icmp} in layer2\n110 setdscp ef {icmp} in layer2\n120 count {icmp} dscp ef in not layer2\n"
          f"130 count log {icmp} MAC any any in\n140 setfib 3 {icmp} in layer2\n150 count {icmp} fib 3 in not layer2\n"
          f"160 call 500 {icmp} in\n170 count {icmp} in\n180 reset tcp from any to any 9\n200 skipto 600 all from any to any\n"
          f"500 count {icmp}\n510 return {icmp} not layer2\n520 skipto 600 all from any to any\n"
          f"600 count {icmp} tagged 3 out\n610 return {icmp} in not layer2\n" + OPEN)
    harness.true(traffic.ping(net.client, SERVER.host4), "no answer")
    harness.equal([net.firewall.packets(number) for number in (100, 110, 120, 130, 140, 150)], [1] * 6)
    harness.equal([net.firewall.packets(number) for number in (160, 170, 500, 510, 520)], [2, 1, 2, 1, 1])
    harness.equal([net.firewall.packets(number) for number in (600, 610)], [2, 0])
    harness.contains(net.firewall("monitor -n"), f"130 Count ICMP:8.0 {CLIENT.host4} {SERVER.host4} in via west0")


@harness.time_limit(60)
def test_transfer(net):
    """A large transfer is counted as frames and arrives whole (FreeBSD's unmapped:count)."""
    _load(net, "1000 count tcp from any to any layer2\n" + OPEN)
    with traffic.tcp_sink(net.server, 5555) as served:
        traffic.tcp_transfer(net.client, SERVER.host4, 5555, 8 << 20)
    harness.equal(served.bytes, 8 << 20)
    packets, size = net.firewall.counters(1000)
    harness.true(size > 2 * (8 << 20) and packets > 2 * (8 << 20) // 1500, f"counted {packets} packets, {size} bytes")


@harness.time_limit(60)
def test_data_length(net):
    """Data is blocked by its length in the pass at layer 2 (FreeBSD's unmapped:tcpdatalen)."""
    _load(net, "1000 deny tcp from any to any 5555 tcpdatalen 1000-65535 layer2\n" + OPEN)
    with traffic.tcp_sink(net.server, 5555) as served, traffic.tcp_socket(net.client, SERVER.host4) as client:
        client.settimeout(5)
        client.connect((SERVER.host4, 5555))
        client.send(bytes(100))
        harness.true(traffic.wait_for(lambda: served.bytes == 100), "short data is blocked")
        client.send(bytes(5000))
        harness.true(not traffic.wait_for(lambda: served.bytes > 100), "long data is not blocked")
    harness.true(net.firewall.packets(1000) > 0, "nothing was blocked")


def test_malformed_frames_of_ip(net):
    """An IP header that cannot be read is dropped before rule 1 at layer 2, too."""
    _load(net, "100 count mac-type ip in recv west0\n" + OPEN)
    frames.send(net.client, "eth0", _frame(Raw(b"\x45" + bytes(9)), type=0x800))
    harness.true(traffic.wait_for(lambda: net.firewall.drops()["truncated header"] == 1), "not dropped")
    harness.equal(net.firewall.packets(100), 0)


def test_bridge(net):
    """Frames that come in by a port of a bridge are seen on the bridge, if they are for this machine."""
    net.gateway.ip("link add br0 type bridge", "addr flush dev west0", f"link set br0 address {CLIENT.firewall_mac}",
                   "link set west0 master br0", "link set br0 up", f"addr add {CLIENT.firewall4}/24 dev br0")
    _load(net, "100 count icmp from any to any icmptypes 8 in layer2 via br0\n"
          "110 count icmp from any to any icmptypes 0 out layer2 via br0\n120 count ip from any to any via west0\n" + OPEN)
    harness.true(traffic.wait_for(lambda: traffic.ping(net.client, CLIENT.firewall4)), "no answer")
    harness.equal([net.firewall.packets(number) for number in (100, 110, 120)], [1, 1, 0])


_TUNSETIFF = 0x400454ca
_IFF_TUN, _IFF_NO_PI = 1, 0x1000


@contextlib.contextmanager
def _tun(namespace, name):
    """An interface without link addresses: what is written to the file comes in by it."""
    with contextlib.ExitStack() as stack:
        with namespace:
            try:
                file = stack.enter_context(open("/dev/net/tun", "r+b", buffering=0))
                fcntl.ioctl(file, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TUN | _IFF_NO_PI))
            except OSError as error:
                raise harness.Skip("this kernel has no tun interfaces") from error
        yield file


def test_no_frames_without_link_addresses(net):
    with _tun(net.gateway, "tun7") as tun:
        net.gateway.ip("addr add 10.9.0.1/24 dev tun7", "link set tun7 up")
        _load(net, "100 count icmp from any to any via tun7\n110 count layer2 via tun7\n" + OPEN)
        tun.write(bytes(IP(src="10.9.0.2", dst="10.9.0.1") / ICMP() / Raw(bytes(8))))
        traffic.wait_for(lambda: net.firewall.packets(100) >= 2)
        harness.equal([net.firewall.packets(number) for number in (100, 110)], [2, 0])
