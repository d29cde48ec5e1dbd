# SPDX-License-Identifier: GPL-2.0-only
"""verrevpath, versrcreach, antispoof: sources, true and spoofed, on all the links of a router and of a host."""
import contextlib

import frames
import harness
import modes
import traffic
from frames import IP, UDP, Ether, IPv6, Raw
from network import CLIENT, OTHER, SERVER

_LINKS = {"west0": CLIENT, "east0": SERVER, "west1": OTHER}
_ALL = ("west0", "east0", "west1")
_ROUTES = [f"route add default via {SERVER.host4}", f"route add 10.0.0.0/8 via {CLIENT.host4}",
           f"route add 10.1.0.0/16 via {OTHER.host4}", "route add blackhole 10.66.0.0/16",
           "route add unreachable 10.67.0.0/16", "route add prohibit 10.68.0.0/16",
           f"route add 10.9.0.0/16 nexthop via {CLIENT.host4} nexthop via {OTHER.host4}",
           f"route add 10.7.0.0/16 via {CLIENT.host4} metric 9", f"route add 10.7.0.0/16 via {OTHER.host4} metric 5",
           f"route add 10.8.0.0/16 via {SERVER.host4}", "addr add 10.5.5.1 peer 10.5.5.2/32 dev west0",
           f"route add ::/0 via {SERVER.host6}", f"route add fd00::/8 via {CLIENT.host6}",
           f"route add fd01::/16 via {OTHER.host6}", "route add blackhole fd66::/16", "route add unreachable fd67::/16",
           "route add prohibit fd68::/16",
           f"route add fd09::/16 nexthop via {CLIENT.host6} nexthop via {OTHER.host6}",
           f"route add fd08::/16 via {SERVER.host6}"]

# source: the links where it fulfils verrevpath, versrcreach, antispoof
_SOURCES = {
    "192.0.2.9": (("west0",), _ALL, ("west0",)),
    "198.51.100.9": (("east0",), _ALL, ("east0",)),
    "203.0.113.9": (("west1",), _ALL, ("west1",)),
    "8.8.8.8": (("east0",), (), _ALL),
    "10.2.0.1": (("west0",), _ALL, _ALL),
    "10.1.0.1": (("west1",), _ALL, _ALL),
    "10.7.0.1": (("west1",), _ALL, _ALL),
    "10.8.0.1": (("east0",), _ALL, _ALL),   # the same way as the default route
    "10.9.0.1": (("west0", "west1"), _ALL, _ALL),
    "10.9.3.77": (("west0", "west1"), _ALL, _ALL),
    "10.66.0.1": ((), (), _ALL),
    "10.67.0.1": ((), (), _ALL),
    "10.68.0.1": ((), (), _ALL),
    "10.5.5.2": (("west0",), _ALL, ("west0",)),
    CLIENT.firewall4: (("west0",), _ALL, ("west0",)),
    "127.0.0.1": ((), _ALL, ()),
    "2001:db8:1::9": (("west0",), _ALL, ("west0",)),
    "2001:db8:3::9": (("west1",), _ALL, ("west1",)),
    "2001:db8:9::9": (("east0",), (), _ALL),
    "fd02::1": (("west0",), _ALL, _ALL),
    "fd01::1": (("west1",), _ALL, _ALL),
    "fd08::1": (("east0",), _ALL, _ALL),
    "fd09::1": (("west0", "west1"), _ALL, _ALL),
    "fd09::5:77": (("west0", "west1"), _ALL, _ALL),
    "fd66::1": ((), (), _ALL),
    "fd67::1": ((), (), _ALL),
    "fd68::1": ((), (), _ALL),
    "fe80::77": (_ALL, _ALL, _ALL),
    CLIENT.firewall6: (("west0",), _ALL, ("west0",)),
}
_OPTIONS = ("verrevpath", "versrcreach", "antispoof")
_NUMBERS = {100: "verrevpath", 101: "versrcreach", 102: "antispoof"}
_RULES = """
100 count udp from any 4242 to any verrevpath in
101 count udp from any 4242 to any versrcreach in
102 count udp from any 4242 to any antispoof in
110 count udp from any 4242 to any not verrevpath in
111 count udp from any 4242 to any not versrcreach in
112 count udp from any 4242 to any not antispoof in
200 deny udp from any 4242 to any in
65000 allow ip from any to any
"""


def _packet(link, source):
    ether = Ether(src=link.host_mac, dst=link.firewall_mac)
    if ":" in source:
        return ether / IPv6(src=source, dst=link.firewall6) / UDP(sport=4242, dport=9) / Raw(b"x")
    return ether / IP(src=source, dst=link.firewall4) / UDP(sport=4242, dport=9) / Raw(b"x")


def _fulfilled(net, interface, source):
    """The options that one packet fulfils."""
    host = {"west0": net.client, "east0": net.server, "west1": net.other}[interface]
    net.firewall("zero")
    frames.send(host, "eth0", _packet(_LINKS[interface], source))
    harness.true(traffic.wait_for(lambda: net.firewall.packets(200) == 1), f"{source} did not come by {interface}")
    counters = {rule.number: rule.packets for rule in net.firewall.show()}
    for number in (100, 101, 102):
        harness.equal(counters[number] + counters[number + 10], 1, f"{number} and its opposite")
    return {_NUMBERS[number] for number in _NUMBERS if counters[number]}


def _expect(net, sources, what):
    wrong = []
    for source, places in sources.items():
        for interface in _ALL:
            expected = {option for option, links in zip(_OPTIONS, places) if interface in links}
            got = _fulfilled(net, interface, source)
            if got != expected:
                wrong.append(f"{source} by {interface}: {sorted(got)} instead of {sorted(expected)}")
    harness.true(not wrong, f"{what}: {'; '.join(wrong)}")


def _prepare(net, forwarding):
    net.gateway.sysctl(ipv4__ip_forward=forwarding, ipv6__conf__all__forwarding=forwarding)
    net.gateway.ip(*_ROUTES)
    net.firewall.load(_RULES)


@harness.three_hosts
@harness.time_limit(90)
def test_router(net):
    _prepare(net, 1)
    _expect(net, _SOURCES, "router")


@harness.three_hosts
@harness.time_limit(90)
def test_host(net):
    _prepare(net, 0)
    _expect(net, _SOURCES, "host")


_FEW = {source: _SOURCES[source] for source in ("192.0.2.9", "8.8.8.8", "10.1.0.1", "10.9.0.1", "2001:db8:1::9",
                                                 "2001:db8:9::9", "fd01::1", "fd66::1", "fe80::77")}


@harness.three_hosts
@harness.time_limit(90)
def test_generic_xdp(net):
    modes.make_generic(net)
    for forwarding in (1, 0):
        _prepare(net, forwarding)
        _expect(net, _FEW, f"forwarding {forwarding}")
        net.gateway.ip(*(route.replace(" add ", " delete ") for route in _ROUTES))


@harness.three_hosts
@harness.time_limit(90)
def test_tc_ingress(net):
    with contextlib.ExitStack() as stack:
        for interface in _ALL:
            stack.enter_context(modes.occupied(net.gateway, interface))
        for forwarding in (1, 0):
            _prepare(net, forwarding)
            _expect(net, _FEW, f"forwarding {forwarding}")
            net.gateway.ip(*(route.replace(" add ", " delete ") for route in _ROUTES))


@harness.three_hosts
@harness.time_limit(60)
def test_without_a_default_route(net):
    for forwarding in (1, 0):
        net.gateway.sysctl(ipv4__ip_forward=forwarding, ipv6__conf__all__forwarding=forwarding)
        net.firewall.load(_RULES)
        _expect(net, {"8.8.8.8": ((), (), _ALL), "2001:db8:9::9": ((), (), _ALL)}, f"forwarding {forwarding}")


@harness.three_hosts
@harness.time_limit(60)
def test_routes_change(net):
    """A router asks the kernel for each packet; a host knows the routes of the last commit."""
    _prepare(net, 1)
    moved = {"10.1.0.1": (("east0",), _ALL, _ALL), "fd01::1": (("east0",), _ALL, _ALL)}
    before = {source: _SOURCES[source] for source in moved}
    net.gateway.ip(f"route replace 10.1.0.0/16 via {SERVER.host4}", f"route replace fd01::/16 via {SERVER.host6}")
    _expect(net, moved, "router")
    net.gateway.sysctl(ipv4__ip_forward=0, ipv6__conf__all__forwarding=0)
    _expect(net, before, "host, before the next commit")
    net.firewall("add 60000 count ip from any to any")
    _expect(net, moved, "host, after it")
    net.gateway.sysctl(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1)
    net.gateway.ip("route replace blackhole 10.1.0.0/16", "route delete fd01::/16", "route add blackhole fd01::/16")
    _expect(net, {source: ((), _ALL, _ALL) for source in moved}, "router, a route that ends")


@harness.time_limit(60)
def test_outgoing_packets_and_loopback(net):
    """All outgoing packets fulfil the options, as does what the machine sends to itself."""
    rules = "\n".join(f"{100 + 10 * index + offset} count ip from any to any {option} {direction}"
                      for index, option in enumerate([*_OPTIONS, *(f"not {option}" for option in _OPTIONS)])
                      for offset, direction in enumerate(("in", "out")))
    for forwarding in (1, 0):
        net.gateway.sysctl(ipv4__ip_forward=forwarding, ipv6__conf__all__forwarding=forwarding)
        net.firewall.load(rules + "\n65000 allow ip from any to any")
        for address in ("127.0.0.1", "::1", CLIENT.firewall4, CLIENT.firewall6):
            net.firewall("zero")
            harness.true(traffic.ping(net.gateway, address), f"no answer from {address}")
            counters = {rule.number: rule.packets for rule in net.firewall.show()}
            expected = {100 + 10 * index + offset: 2 if index < 3 else 0 for index in range(6) for offset in (0, 1)}
            harness.equal({number: counters[number] for number in expected}, expected, address)
        net.firewall("zero")
        harness.true(traffic.ping(net.client, CLIENT.firewall4), "no answer")
        counters = {rule.number: rule.packets for rule in net.firewall.show()}
        harness.equal([counters[101 + 10 * index] for index in range(6)], [1, 1, 1, 0, 0, 0], "an answer")


@harness.three_hosts
@harness.time_limit(60)
def test_the_manual_s_examples(net):
    """Both anti-spoofing rules of ipfw(8) let honest traffic through and stop forged sources."""
    for option in ("verrevpath", "antispoof"):
        net.firewall.load(f"100 deny ip from any to any not {option} in\n200 allow ip from any to any")
        with traffic.udp_server(net.server, 53) as served:
            for address in (SERVER.host4, SERVER.host6):
                harness.equal(traffic.udp_exchange(net.client, address, 53), "ok", option)
            harness.equal(served.packets, 2)
            forged = IP(src=OTHER.host4, dst=SERVER.host4) / UDP(sport=1, dport=53) / Raw(b"x")
            frames.send(net.client, "eth0", Ether(src=CLIENT.host_mac, dst=CLIENT.firewall_mac) / forged)
            harness.true(traffic.wait_for(lambda: net.firewall.packets(100) == 1), f"{option} lets a forged source in")
            harness.equal(served.packets, 2)
