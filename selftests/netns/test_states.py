# SPDX-License-Identifier: GPL-2.0-only
"""Dynamic rules under real connections, forwarded and the machine's own."""
import contextlib
import socket
import time

import connections
import harness
import namespaces
import traffic
from network import CLIENT, SERVER

_WEB = """
    100 check-state
    200 allow tcp from any to any 80 setup keep-state
    300 allow udp from any to any 53 keep-state
    400 allow icmp from any to any keep-state
    500 allow ipv6-icmp from any to any icmp6types 128,129 keep-state
    65000 deny ip from any to any"""

# More than the second that a state lives on after the end of a connection.
_LINGER = 1.5


def _places(net):
    """(namespace that connects, namespace that listens, address): forwarded, from this machine, to it; v4 and v6."""
    return [(net.client, net.server, SERVER.host4), (net.client, net.server, SERVER.host6),
            (net.gateway, net.server, SERVER.host4), (net.gateway, net.server, SERVER.host6),
            (net.client, net.gateway, CLIENT.firewall4), (net.client, net.gateway, CLIENT.firewall6)]


def _clear(net):
    """Ends all dynamic rules."""
    net.firewall("-q -D delete 1-65000")


def _expect_end(net, what):
    """Waits until no dynamic rule is left."""
    if not traffic.wait_for(lambda: net.firewall.dynamic() == [], patience=_LINGER * 4):
        raise harness.Failure(f"the state of {what} lives on: {net.firewall('-Dv show')}")


def test_connections(net):
    """One state per connection, in place while it lives, with what went through it."""
    net.firewall.load(_WEB)
    for here, there, address in _places(net):
        with connections.Listener(there, 80) as listener, connections.Connection(here, listener, address) as connection:
            harness.true(connection.exchange(bytes(5000)), f"no exchange with {address}")
            state, = net.firewall.dynamic()
            harness.equal((state.number, state.kind, state.protocol, state.destination, state.destination_port, state.name,
                           state.source_port), (200, "STATE", "tcp", address, 80, "default", connection.port()))
            harness.within(state.seconds, 290, 300, "lifetime")
            harness.true(state.packets >= 5 and state.bytes > 10000, f"{state}")
            harness.equal((state.packets, state.bytes), net.firewall.counters(200))
        if address == SERVER.host4:
            _expect_end(net, f"a closed connection to {address}")
        _clear(net)
        net.firewall("-q zero")


def test_what_has_no_state_is_refused(net):
    net.firewall.load(_WEB)
    with connections.Listener(net.server, 80) as listener, connections.Connection(net.client, listener, SERVER.host4) as one:
        net.firewall("-q -D delete 200")
        harness.equal(net.firewall.dynamic(), [])
        harness.true(not one.exchange(patience=traffic.PATIENCE), "a segment that has no state passed")
        harness.equal(traffic.tcp_connect(net.server, CLIENT.host4, 80), "timeout" if not net.firewall.states() else "refused")


@contextlib.contextmanager
def _everywhere(net, port=0):
    """A connection in each of the places, all at once, from this port and the next ones."""
    with contextlib.ExitStack() as stack:
        listeners = {there: stack.enter_context(connections.Listener(there, 80)) for there in (net.server, net.gateway)}
        yield [stack.enter_context(connections.Connection(here, listeners[there], address, port and port + index))
               for index, (here, there, address) in enumerate(_places(net))]


def test_half_close(net):
    """What one end still sends after the other's FIN passes."""
    net.firewall.load(_WEB)
    with _everywhere(net) as opened:
        for one in opened:
            one.client.shutdown(socket.SHUT_WR)
            harness.equal(one.server.recv(1), b"")
        time.sleep(_LINGER)
        for one in opened:
            harness.true(connections.carry(one.server, one.client, bytes(200000)), "nothing passes after one FIN")
        harness.equal(net.firewall.states(), len(opened))
    _expect_end(net, "closed connections")


def test_reset(net):
    """By either end."""
    net.firewall.load(_WEB)
    with _everywhere(net) as opened:
        for one, end in zip(opened, ("client", "server") * 3):
            one.reset(end)
        harness.true(traffic.wait_for(lambda: all(state.seconds <= 1 for state in net.firewall.dynamic())), "after RST")
        _expect_end(net, "connections that were reset")


def test_simultaneous_close(net):
    """Either end has sent its FIN before that of the other comes: on their first way both get no further than here."""
    net.firewall.load(_WEB)
    with connections.Listener(net.server, 80) as listener:
        for address in (SERVER.host4, SERVER.host6):
            with connections.Connection(net.client, listener, address) as one:
                net.gateway.sysctl(ipv4__ip_forward=0, ipv6__conf__all__forwarding=0)
                one.client.shutdown(socket.SHUT_WR)
                one.server.shutdown(socket.SHUT_WR)
                harness.true(traffic.wait_for(lambda: "BOTH_SYN,BOTH_FIN," in net.firewall("-Dv list")),
                             net.firewall("-Dv list"))
                net.gateway.sysctl(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1)
                harness.equal((one.client.recv(1), one.server.recv(1)), (b"", b""))
            _expect_end(net, "a connection that both ends closed")


def test_port_is_used_again(net):
    """A new connection from the same port, once the old state is gone, gets a state of its own."""
    net.firewall.load(_WEB)
    for _ in range(2):
        with _everywhere(net, 4000) as opened:
            harness.true(all(one.exchange() for one in opened), "nothing passes")
        _expect_end(net, "closed connections")
    with _everywhere(net, 4000) as opened:
        time.sleep(_LINGER)
        harness.true(all(one.exchange() for one in opened), "the new states do not last")
        harness.equal([290 <= state.seconds <= 300 for state in net.firewall.dynamic()], [True] * len(opened), "lifetimes")


def test_idle_longer_than_the_syn_lifetime(net):
    net.firewall.load(_WEB)
    net.firewall.sysctl(dyn_syn_lifetime=1)
    with connections.Listener(net.server, 80) as listener, connections.Connection(net.client, listener, SERVER.host4) as one:
        time.sleep(_LINGER)
        harness.true(one.exchange(), "an established connection lives as long as one that is being opened")
    net.firewall.sysctl(dyn_ack_lifetime=1)
    with connections.Listener(net.server, 80) as listener, connections.Connection(net.client, listener, SERVER.host6) as one:
        time.sleep(_LINGER)
        harness.true(not one.exchange(patience=traffic.PATIENCE), "an idle connection lives on")


def test_datagrams(net):
    """The answer passes, what nobody asked for does not; the lifetime begins anew with each packet."""
    net.firewall.load(_WEB)
    net.firewall.sysctl(dyn_udp_lifetime=1, dyn_short_lifetime=1)
    for here, there, address in _places(net):
        with traffic.udp_server(there, 53):
            harness.equal(traffic.udp_exchange(here, address, 53), "ok", address)
            state, = net.firewall.dynamic()
            harness.equal((state.number, state.protocol, state.destination, state.destination_port),
                          (300, "udp", address, 53))
        _clear(net)
    with traffic.udp_server(net.server, 53):
        harness.equal(traffic.udp_exchange(net.client, SERVER.host4, 53), "ok")
    _expect_end(net, "datagrams")
    net.client.sysctl(ipv4__icmp_ratelimit=0)
    with traffic.udp_server(net.client, 54) as served:
        traffic.udp_send(net.server, CLIENT.host4, 54, [b"unasked"] * 3)
        time.sleep(0.1)
        harness.equal(served.packets, 0, "unasked datagrams")


def test_pings(net):
    net.firewall.load(_WEB)
    net.firewall.sysctl(dyn_short_lifetime=1)
    for here, _, address in _places(net):
        harness.true(traffic.ping(here, address, count=3), f"no answer from {address}")
        state, = net.firewall.dynamic()
        harness.equal((state.protocol, state.destination, state.source_port, state.destination_port),
                      ("ipv6-icmp" if ":" in address else "icmp", address, 0, 0))
        _clear(net)
    harness.true(traffic.ping(net.client, SERVER.host4), "no answer")
    _expect_end(net, "pings")


@harness.time_limit(60)
def test_transfer(net):
    """Bulk data in super-packets: all of it passes, all of it is counted as it is on the wire."""
    size = (4 if namespaces.in_virtual_machine() else 100) << 20
    net.firewall.load(_WEB)
    for here, there, address in _places(net):
        with traffic.tcp_sink(there, 80) as served:
            traffic.tcp_transfer(here, address, 80, size)
            harness.true(traffic.wait_for(lambda to=served: to.bytes == size), f"{served.bytes} of {size} bytes")
        state, = net.firewall.dynamic("-e") or [None]
        times = 2 if (here, there) == (net.client, net.server) else 1  # in, and out
        harness.true(state and state.bytes > times * size and state.packets > times * size / 1500, f"{state}")
        harness.equal((state.packets, state.bytes), net.firewall.counters(200))
        _clear(net)
        net.firewall("-q zero")


def test_names(net):
    """A state is found under its own name, and under any."""
    for check, passes in (("check-state :one", True), ("check-state :any", True), ("check-state :two", False),
                          ("check-state", False)):
        net.firewall.load(f"100 {check}\n200 allow udp from any to any 53 record-state :one\n"
                          "300 count udp from any to any record-state :two\n65000 deny ip from any to any")
        with traffic.udp_server(net.server, 53):
            harness.equal(traffic.udp_exchange(net.client, SERVER.host4, 53) == "ok", passes, check)
        # An answer that is refused has come to rule 300.
        harness.equal({state.name for state in net.firewall.dynamic()}, {"one"} if passes else {"one", "two"}, check)


_ACTIONS = """
    100 check-state
    200 skipto 1000 udp from any to any 53 keep-state
    300 deny udp from any to any 54 keep-state
    400 reject udp from any to any 55 keep-state
    500 call 2000 udp from any to any 56 keep-state
    550 allow udp from any to any 56
    560 allow udp from any 56 to any
    600 count log logamount 100 tag 9 udp from any to any 57 keep-state
    650 allow udp from any to any tagged 9
    900 deny udp from any to any
    1000 count udp from any to any
    1100 allow udp from any to any
    2000 count udp from any to any
    2010 return ip from any to any"""


@harness.time_limit(60)
def test_state_of_each_action(net):
    """A state does what its rule does, whatever that is, and counts there; rules looked up, and as code."""
    for options, environment in (((), {"IPFW_BPF_CLASSIFY_FROM": "0"}), (("--no-optimize",), None)):
        net.firewall.load(_ACTIONS, *options, environment=environment)
        _clear(net)
        with traffic.udp_server(net.server, 53, 54, 55, 56, 57):
            for port, outcome in ((53, "ok"), (54, "timeout"), (55, "ehostunreach"), (56, "ok"), (57, "ok")):
                for _ in range(2):
                    harness.equal(traffic.udp_exchange(net.client, SERVER.host4, port, source_port=5000), outcome, str(port))
        counted = {rule.number: rule.packets for rule in net.firewall.show()}
        harness.equal((counted[200], counted[1000], counted[1100]), (8, 8, 8))
        harness.equal((counted[300], counted[400], counted[900]), (2, 2, 0))
        harness.equal((counted[500], counted[2000], counted[2010], counted[550], counted[560]), (8, 8, 8, 4, 4))
        harness.equal((counted[600], counted[650]), (8, 8))
        harness.equal(net.firewall("monitor -n").count("ipfw: 600 Count UDP "), 8, "records")
        harness.equal({state.number: state.packets for state in net.firewall.dynamic("-e")},
                      {200: 8, 300: 2, 400: 2, 500: 8, 600: 8})
