# SPDX-License-Identifier: GPL-2.0-only
"""uid, gid, jail, sockarg: which packets belong to whose socket. The firewall is the host that has the sockets."""
import contextlib
import random
import re
import socket
import struct

import frames
import harness
import modes
import owners
import traffic
from frames import IP, UDP, Ether, Raw
from network import CLIENT, SERVER

_SO_MARK = 36
_PORT = 7000
_FAMILIES = ((CLIENT.firewall4, CLIENT.host4), (CLIENT.firewall6, CLIENT.host6))


class Count:
    """Which `count` rules with these bodies, in and out, see all the packets of a protocol, and which none."""

    def __init__(self, net, protocol, bodies):
        self._net = net
        self._bodies = ["", *bodies]
        rules = [f"{100 + 10 * index + offset} count {protocol} from any to any {body} {direction}"
                 for index, body in enumerate(self._bodies) for offset, direction in enumerate(("in", "out"))]
        net.firewall.load("\n".join(rules) + "\n65000 allow ip from any to any")

    def _counters(self):
        return {rule.number: rule.packets for rule in self._net.firewall.show()}

    def _settled(self, at_least=(0, 0)):
        """The counters when so many packets have come and nothing moves any more."""
        found = [None, self._counters()]

        def still():
            found[:] = [found[1], self._counters()]
            return found[0] == found[1] and found[1][100] >= at_least[0] and found[1][101] >= at_least[1]

        traffic.wait_for(still)
        return found[1]

    def begin(self):
        """Forgets the packets so far, of connections that were closed for instance."""
        self._settled()
        self._net.firewall("zero")

    def expect(self, expected, at_least=(1, 1), what=""):
        """expected: {body: "both", "in", "out" or "none"}: where it matched all packets; elsewhere it matched none."""
        counters = self._settled(at_least)
        total = counters[100], counters[101]
        harness.true(total[0] >= at_least[0] and total[1] >= at_least[1], f"{what}: only {total} packets")
        for index, body in enumerate(self._bodies):
            where = expected.get(body, "both" if not body else None)
            if where is None:
                continue  # another part of the test is about it
            wanted = (total[0] if where in ("both", "in") else 0, total[1] if where in ("both", "out") else 0)
            harness.equal((counters[100 + 10 * index], counters[101 + 10 * index]), wanted,
                          f"{what}: {body!r} in and out, of {total}")
        self._net.firewall("zero")


def _open(namespace, address, kind, port=0):
    """A socket of the current user, bound to the address."""
    with namespace:
        opened = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    opened.bind((address, port))
    opened.settimeout(5)
    return opened


@contextlib.contextmanager
def _connected(server, connection, peer):
    """Connects `connection` to `server`, which is bound to `peer`, and datagrams' server to it; yields the server's end."""
    if server.type == socket.SOCK_STREAM:
        server.listen(1)
    connection.connect((peer, _PORT))
    if server.type == socket.SOCK_STREAM:
        other = server.accept()[0]
    else:
        other = server
        other.connect(connection.getsockname()[:2])
    with other:
        yield other


def _talk(one, other):
    """A few packets both ways over a connection."""
    for _ in range(2):
        one.sendall(b"question")
        other.recv(16)
        other.sendall(b"answer")
        one.recv(16)


@contextlib.contextmanager
def _owned_by(namespace, *owner):
    """Enters the namespace, for which it takes root, and becomes the owner."""
    with namespace, owners.user(*owner):
        yield


class _Here:
    """The namespace that one is in already."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None


def _serve(net, server, client, owner):
    """One connection to a server of `owner` in the firewall; yields both ends."""
    with _owned_by(net.gateway, *owner):
        listener = _open(_Here(), server, socket.SOCK_STREAM, _PORT)
        listener.listen(5)
    connection = _open(net.client, client, socket.SOCK_STREAM)
    connection.connect((server, _PORT))
    with owners.user(*owner):
        accepted, _ = listener.accept()
    accepted.settimeout(5)
    listener.close()
    return accepted, connection


# Users and groups that every Debian has; others would be refused in rules.
_OWNER = (2, 3, (8, 50, 65534))
_BODIES = {"uid 2": "both", "uid 0": "none", "uid 3": "none", "not uid 2": "none", "not uid 3": "both",
           "gid 3": "both", "gid 8": "both", "gid 50": "both", "gid 65534": "both", "gid 9": "none", "gid 0": "none",
           "uid 2 gid 3": "both", "{ uid 5 or gid 50 }": "both", "sockarg": "none",
           "lookup uid owners": "both", "lookup uid others": "none", "not lookup uid owners": "none",
           "lookup uid:0xfd others": "both", "lookup jail others": "none"}
_TABLES = "table owners create type number\ntable owners add 2 1 5 1\n" \
          "table others create type number\ntable others add 0 1 3 1 65534 1\n"


def _servers(net):
    net.firewall.load(_TABLES)
    count = Count(net, "tcp", _BODIES)
    for server, client in _FAMILIES:
        count.begin()
        accepted, connection = _serve(net, server, client, _OWNER)
        with accepted, connection:
            _talk(connection, accepted)
            count.expect(_BODIES, (4, 3), f"TCP server {server}")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
            count.expect({"uid 2": "in", "gid 3": "in"}, (1, 0), f"reset of {server}")
    count = Count(net, "udp", _BODIES)
    for server, client in _FAMILIES:
        with _owned_by(net.gateway, *_OWNER):
            bound = _open(_Here(), server, socket.SOCK_DGRAM, _PORT)
        with bound, _open(net.client, client, socket.SOCK_DGRAM) as asker:
            for _ in range(2):
                asker.sendto(b"question", (server, _PORT))
                bound.sendto(*bound.recvfrom(16))
                asker.recv(16)
            count.expect(_BODIES, (2, 2), f"UDP server {server}")


@harness.time_limit(60)
def test_servers(net):
    _servers(net)


@harness.time_limit(60)
def test_servers_at_generic_xdp(net):
    modes.make_generic(net)
    _servers(net)


@harness.time_limit(60)
def test_servers_at_tc(net):
    with modes.occupied(net.gateway, "west0"):
        _servers(net)


@harness.time_limit(60)
def test_clients(net):
    net.firewall.load(_TABLES)
    for kind, protocol in ((socket.SOCK_STREAM, "tcp"), (socket.SOCK_DGRAM, "udp")):
        count = Count(net, protocol, _BODIES)
        for own, peer in _FAMILIES:
            count.begin()
            server = _open(net.client, peer, kind, _PORT)
            with _owned_by(net.gateway, *_OWNER):
                connection = _open(_Here(), own, kind)
            with server, connection, _connected(server, connection, peer) as other:
                _talk(connection, other)
                count.expect(_BODIES, (2, 2), f"{protocol} client {own}")


@harness.time_limit(60)
def test_sockets_for_both_families(net):
    """IPv4 packets of IPv6 sockets, and several sockets of which one fits best."""
    count = Count(net, "udp", ["uid 2", "uid 3", "uid 5"])
    with contextlib.ExitStack() as stack:
        for uid, address in ((2, "::"), (3, CLIENT.firewall4)):
            with _owned_by(net.gateway, uid):
                stack.enter_context(_open(_Here(), address, socket.SOCK_DGRAM, _PORT + uid))
        with _owned_by(net.gateway, 5):
            connected = stack.enter_context(_open(_Here(), CLIENT.firewall4, socket.SOCK_DGRAM, _PORT + 3))
        asker = stack.enter_context(_open(net.client, CLIENT.host4, socket.SOCK_DGRAM, 5000))
        connected.connect((CLIENT.host4, 5000))
        asker.sendto(b"x", (CLIENT.firewall4, _PORT + 2))
        count.expect({"uid 2": "in", "uid 3": "none", "uid 5": "none"}, (1, 0), "an IPv6 socket")
        asker.sendto(b"x", (CLIENT.firewall4, _PORT + 3))
        count.expect({"uid 2": "none", "uid 3": "none", "uid 5": "in"}, (1, 0), "the connected socket")
        with _open(net.client, CLIENT.host4, socket.SOCK_DGRAM, 5001) as another:
            another.sendto(b"x", (CLIENT.firewall4, _PORT + 3))
        count.expect({"uid 2": "none", "uid 3": "in", "uid 5": "none"}, (1, 0), "the bound socket")


@harness.time_limit(60)
def test_many_groups(net):
    """Those that a user is in are looked up by halves."""
    groups = (1, 3, *range(4000, 4300), 65534)
    asked = {f"gid {group}": "both" if group in groups else "none" for group in (0, 1, 2, 3, 4, 100, 65534)}
    count = Count(net, "udp", asked)
    with _owned_by(net.gateway, 2, 1, groups):
        bound = _open(_Here(), CLIENT.firewall4, socket.SOCK_DGRAM, _PORT)
    with bound, _open(net.client, CLIENT.host4, socket.SOCK_DGRAM) as asker:
        asker.sendto(b"x", (CLIENT.firewall4, _PORT))
        bound.sendto(*bound.recvfrom(16))
        count.expect(asked, what="many groups")


@harness.time_limit(60)
def test_connections_without_a_process(net):
    """Not accepted yet, closed but lingering, in TIME_WAIT."""
    bodies = ["uid 2", "gid 3", "gid 8", "gid 0", "sockarg"]
    count = Count(net, "tcp", bodies)
    for server, client in _FAMILIES:
        with _owned_by(net.gateway, *_OWNER):
            listener = _open(_Here(), server, socket.SOCK_STREAM, _PORT)
            listener.listen(5)
        connection = _open(net.client, client, socket.SOCK_STREAM)
        connection.connect((server, _PORT))
        connection.sendall(b"data")
        count.expect({"uid 2": "both", "gid 3": "both", "gid 8": "both", "gid 0": "none", "sockarg": "none"},
                     (3, 2), f"not accepted, {server}")
        accepted, _ = listener.accept()
        listener.close()
        accepted.recv(16)
        accepted.close()  # root accepted it: his is the connection now
        count.expect({"uid 2": "none", "gid 0": "out"}, (1, 1), f"closed, {server}")
        connection.close()
        count.expect({"uid 2": "none", "gid 0": "none", "gid 3": "none"}, (1, 1), f"the rest, {server}")


@harness.time_limit(60)
def test_packets_of_nobody(net):
    """The kernel's own answers, forwarded packets, fragments and other protocols."""
    # Answers of the kernel: to a port where nobody listens.
    count = Count(net, "tcp", ["uid 0", "not uid 0", "gid 0", "sockarg"])
    for server, _ in _FAMILIES:
        harness.equal(traffic.tcp_connect(net.client, server, 7), "refused")
        count.expect({"uid 0": "none", "not uid 0": "both", "gid 0": "none"}, what=f"refused by {server}")
    # Forwarded, though a socket of ours has the address and port of the server.
    with _open(net.gateway, CLIENT.firewall4, socket.SOCK_DGRAM, 53), traffic.udp_server(net.server, 53):
        count = Count(net, "udp", ["uid 0", "not uid 0", "gid 0"])
        for address in (SERVER.host4, SERVER.host6):
            harness.equal(traffic.udp_exchange(net.client, address, 53), "ok")
        count.expect({"uid 0": "none", "not uid 0": "both", "gid 0": "none"}, (4, 4), "forwarded")
    count = Count(net, "icmp", ["uid 0", "not uid 0"])
    harness.true(traffic.ping(net.client, CLIENT.firewall4), "no answer to a ping")
    count.expect({"uid 0": "none", "not uid 0": "both"}, what="ICMP")
    with _open(net.gateway, CLIENT.firewall4, socket.SOCK_DGRAM, 53) as bound:
        count = Count(net, "udp", ["uid 0", "not uid 0"])
        ether = Ether(src=CLIENT.host_mac, dst=CLIENT.firewall_mac)
        packet = IP(src=CLIENT.host4, dst=CLIENT.firewall4, frag=100, proto=17) / Raw(bytes(UDP(sport=1, dport=53)))
        frames.send(net.client, "eth0", ether / packet)
        count.expect({"uid 0": "none", "not uid 0": "in"}, (1, 0), f"fragment for {bound.getsockname()}")


@harness.time_limit(60)
def test_sockarg(net):
    for kind, protocol in ((socket.SOCK_STREAM, "tcp"), (socket.SOCK_DGRAM, "udp")):
        count = Count(net, protocol, ["sockarg", "not sockarg"])
        for own, peer in _FAMILIES:
            for mark in (0, 7, 0x80000000):
                count.begin()
                server = _open(net.client, peer, kind, _PORT)
                connection = _open(net.gateway, own, kind)
                connection.setsockopt(socket.SOL_SOCKET, _SO_MARK, struct.pack("I", mark))
                with server, connection, _connected(server, connection, peer) as other:
                    _talk(connection, other)
                    count.expect({"sockarg": "both" if mark else "none", "not sockarg": "none" if mark else "both"},
                                 what=f"{protocol} {own} mark {mark}")


def _jail_flow(net, groups, path, address):
    """Datagrams to and from a socket that is made in the group."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with groups.socket(path, net.gateway, family, socket.SOCK_DGRAM) as bound:
        bound.bind((address, _PORT))
        bound.settimeout(5)
        peer = CLIENT.host6 if ":" in address else CLIENT.host4
        with _open(net.client, peer, socket.SOCK_DGRAM) as asker:
            asker.sendto(b"question", (address, _PORT))
            bound.sendto(*bound.recvfrom(16))
            asker.recv(16)


@harness.time_limit(60)
def test_jail(net):
    with owners.ControlGroups() as groups:
        upper = groups.make("upper.slice")
        service = groups.make("upper.slice/web.service")
        another = groups.make("upper.slice/web.service2")
        bodies = [f"jail {groups.path('upper.slice/web.service')}", f"jail /{groups.path('upper.slice')}/",
                  f"jail {upper}", f"jail {service}", f"jail /sys/fs/cgroup/{groups.path('upper.slice/web.service2')}",
                  "jail /", "jail upper.slice/web.service", f"not jail {service}", "jail 0", "jail -1",
                  "lookup jail one", "lookup jail above", "lookup jail another", "not lookup jail one"]
        net.firewall.load(f"table one create type number\ntable one add {service} 1\n"
                          f"table above create type number\ntable above add {upper} 1 0 1\n"
                          f"table another create type number\ntable another add {another} 1\n")
        count = Count(net, "udp", bodies)
        for address, _ in _FAMILIES:
            _jail_flow(net, groups, "upper.slice/web.service", address)
            count.expect(dict(zip(bodies, ("both", "both", "both", "both", "none", "both", "none", "none", "none",
                                           "none", "both", "both", "none", "none"))), what=f"a service's socket, {address}")
            _jail_flow(net, groups, "upper.slice/web.service2", address)
            count.expect(dict(zip(bodies, ("none", "both", "both", "none", "both", "both", "none", "both", "none",
                                           "none", "none", "both", "both", "both"))), what=f"another one's, {address}")
            _jail_flow(net, groups, "upper.slice", address)
            count.expect(dict(zip(bodies, ("none", "both", "both", "none", "none", "both", "none", "both", "none",
                                           "none", "none", "both", "none", "both"))), what=f"the group above, {address}")


@harness.time_limit(60)
def test_jail_that_comes_and_goes(net):
    """A path means the group that is there; an id means one group that never comes back."""
    with owners.ControlGroups() as groups:
        by_path = f"jail {groups.path('web.service')}"
        count = Count(net, "udp", [by_path])
        old = groups.make("web.service")
        _jail_flow(net, groups, "web.service", CLIENT.firewall4)
        count.expect({by_path: "both"}, what="made after the rule")
        groups.remove("web.service")
        by_id = f"jail {old}"
        count = Count(net, "udp", [by_path, by_id])
        groups.make("web.service")
        _jail_flow(net, groups, "web.service", CLIENT.firewall4)
        count.expect({by_path: "both", by_id: "none"}, what="made again")


@harness.time_limit(60)
def test_jail_of_a_connection(net):
    """An accepted connection is in the group of the socket that listened."""
    with owners.ControlGroups() as groups:
        groups.make("web.service")
        body = f"jail {groups.path('web.service')}"
        count = Count(net, "tcp", [body])
        for server, client in _FAMILIES:
            family = socket.AF_INET6 if ":" in server else socket.AF_INET
            count.begin()
            listener = groups.socket("web.service", net.gateway, family, socket.SOCK_STREAM)
            listener.bind((server, 0))
            listener.listen(1)
            with listener, _open(net.client, client, socket.SOCK_STREAM) as connection:
                connection.connect((server, listener.getsockname()[1]))
                with listener.accept()[0] as accepted:
                    _talk(connection, accepted)
                    count.expect({body: "both"}, (4, 3), f"connection to {server}")


def test_refused_jails(net):
    deep = "/".join(str(number) for number in range(13))
    harness.contains(net.firewall.run("add", "count", "jail", deep, "in", status=69).stderr, "within each other")
    wide = "a/" + "x" * 128
    harness.contains(net.firewall.run("add", "count", "jail", wide, "in", status=69).stderr, "characters")
    harness.contains(net.firewall.run("add", "count", "jail", "foo", "in", status=65).stderr, 'jail "foo" not found')


def test_filtering(net):
    """What it is for: one user's programs may not talk."""
    net.firewall.load("100 deny udp from any to any uid 2\n200 allow ip from any to any")
    with traffic.udp_server(net.client, 53):
        for uid, expected in ((2, "eperm"), (3, "ok")):
            with _owned_by(net.gateway, uid):
                asker = _open(_Here(), CLIENT.firewall4, socket.SOCK_DGRAM)
            with asker:
                asker.settimeout(traffic.PATIENCE)
                try:
                    asker.sendto(b"x", (CLIENT.host4, 53))
                    asker.recv(16)
                    outcome = "ok"
                except TimeoutError:
                    outcome = "timeout"
                except PermissionError:
                    outcome = "eperm"
                harness.true(outcome == expected or (expected, outcome) == ("eperm", "timeout"), f"{uid}: {outcome}")


_OPTIONS = ("uid 2", "gid 3", "sockarg", "jail 77", "jail a.slice/b.service", "lookup uid n", "lookup jail n")


@harness.time_limit(100)
def test_in_rules_that_are_looked_up(net):
    """The kernel allows little stack to what is called behind a search among many rules."""
    net.firewall("table n create type number")
    chosen = random.Random(1)
    flows = [(f"{chosen.randrange(1, 220)}.{chosen.randrange(256)}.{chosen.randrange(256)}.0/{chosen.choice((8, 16, 20, 24))}",
              chosen.randrange(65536)) for _ in range(2000)]
    for option in _OPTIONS:
        net.firewall.load("\n".join(f"{100 + index} deny tcp from {network} to any {port} {option if index % 50 == 0 else ''}"
                                    for index, (network, port) in enumerate(flows)) + "\n65000 allow ip from any to any")
        harness.true(re.search(r"^  00100 to 02099 .* looked up", net.firewall("status -v"), re.M), f"{option}: not looked up")
