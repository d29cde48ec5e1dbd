# SPDX-License-Identifier: GPL-2.0-only
"""Many dynamic rules at once: exact counts, a full table, floods, and what may die meanwhile."""
import contextlib
import json
import os
import re
import signal
import struct
import subprocess
import tempfile
import threading
import time

import connections
import firewall
import harness
import namespaces
import pins
import traffic
import wire
from network import CLIENT, SERVER

_EMULATED = namespaces.in_virtual_machine()
_BPF_OBJ_PIN = "6"
_RULES = """
    100 check-state
    200 allow tcp from any to any 80 setup keep-state
    65000 deny ip from any to any"""
# The end of a connection leaves its state for a second, and the sweep a while to remove it.
_CLOSED = 15


def _syn(number, network="10.99"):
    """A SYN frame of its own flow from the client; right only as far as a firewall looks."""
    macs = bytes.fromhex((CLIENT.firewall_mac + CLIENT.host_mac).replace(":", ""))
    source = bytes([*map(int, network.split(".")), number >> 8 & 0xff, number & 0xff])
    addresses = source + bytes(map(int, SERVER.host4.split(".")))
    tcp = struct.pack("!HHIIBBHHH", 1024 + (number >> 16), 80, number, 0, 5 << 4, 2, 1024, 0, 0)
    pseudo = addresses + struct.pack("!HH", 6, len(tcp))
    tcp = tcp[:16] + struct.pack("!H", 0xffff - wire.internet_sum(pseudo + tcp)) + tcp[18:]
    header = struct.pack("!BBHHHBBH", 0x45, 0, 40, 0, 0, 64, 6, 0)
    return macs + b"\x08\0" + header[:10] + struct.pack("!H", 0xffff - wire.internet_sum(header + addresses)) + addresses + tcp


def _refused(net):
    return int(re.search(r"(\d+) packets refused by limits", net.firewall("status"))[1])


@contextlib.contextmanager
def _bulk(net):
    """Keeps a CPU busy with one connection's data from the client to the server."""
    stop = threading.Event()

    def send():
        with contextlib.suppress(OSError):
            while not stop.is_set():
                bulk.client.sendall(bytes(1 << 18))

    def receive():
        with contextlib.suppress(OSError):
            while bulk.server.recv(1 << 20):
                pass

    with connections.Listener(net.server, 80) as listener, connections.Connection(net.client, listener, SERVER.host6) as bulk:
        workers = [threading.Thread(target=work) for work in (send, receive)]
        for worker in workers:
            worker.start()
        try:
            yield
        finally:
            stop.set()
            workers[0].join()
            bulk.client.shutdown(1)
            workers[1].join()


@harness.alone
@harness.three_hosts
@harness.time_limit(90)
def test_two_thousand_connections(net):
    """From two hosts at once, while a third flow keeps the CPUs busy: each has its state, and loses nothing."""
    count = 200 if _EMULATED else 2000
    net.firewall.load(_RULES)
    with contextlib.ExitStack() as stack:
        stack.enter_context(_bulk(net))
        listener = stack.enter_context(connections.Listener(net.gateway, 80))
        opened = []
        for host, link in ((net.client, CLIENT), (net.other, net.hosts["other"][1])):
            opened += stack.enter_context(connections.many(host, listener, [link.firewall4, link.firewall6], count // 2))
        harness.equal(connections.broken(opened), [])
        dynamic = net.firewall.dynamic()
        harness.equal(len(dynamic), count + 1)
        harness.equal(len({(state.source, state.source_port, state.destination) for state in dynamic}), count + 1)
        harness.equal(net.firewall("sysctl -n net.inet.ip.fw.dyn_count"), f"{count + 1}\n")
    harness.true(traffic.wait_for(lambda: net.firewall("sysctl -n net.inet.ip.fw.dyn_count") == "0\n", patience=_CLOSED),
                 "states are left behind")


@harness.time_limit(60)
def test_full_table(net):
    """Nothing new gets in while there is no room, what is established goes on, and places are given back."""
    net.firewall.sysctl(dyn_max=100, dyn_syn_lifetime=1)
    net.firewall.load(_RULES)
    with connections.Listener(net.server, 80) as listener, \
            connections.many(net.client, listener, [SERVER.host4, SERVER.host6], 50) as opened:
        wire.send(net.client, "eth0", *map(_syn, range(1000)))
        harness.equal(net.firewall.states(), 100)
        harness.equal(traffic.tcp_connect(net.client, SERVER.host4, 80), "timeout")
        harness.true(_refused(net) >= 950, f"{_refused(net)} packets refused")
        harness.equal(connections.broken(opened), [])
        harness.true(traffic.wait_for(lambda: traffic.tcp_connect(net.client, SERVER.host4, 80) == "ok", patience=_CLOSED),
                     "no place is ever given back")
        harness.equal(connections.broken(opened), [])


def test_more_room(net):
    """A greater dyn_max makes room, and costs no connection its state."""
    net.firewall.sysctl(dyn_max=100)
    net.firewall.load(_RULES)
    with connections.Listener(net.server, 80) as listener, \
            connections.many(net.client, listener, [SERVER.host4, SERVER.host6], 20) as opened:
        net.firewall.sysctl(dyn_max=200)
        net.firewall("-q add 1000 count ip from any to any")
        harness.equal((net.firewall.states(), connections.broken(opened)), (20, []))
        harness.contains(net.firewall("status"), "20 states of at most 200, room for 200")
    harness.true(traffic.wait_for(lambda: net.firewall("sysctl -n net.inet.ip.fw.dyn_count") == "0\n", patience=_CLOSED),
                 "states are left behind")


def _map(net, name):
    """What the kernel says of a pinned map."""
    shown = subprocess.run(["bpftool", "-j", "map", "show", "pinned", f"{pins.directory(net.gateway.cookie())}/{name}"],
                           capture_output=True, check=True).stdout
    return json.loads(shown)


@harness.time_limit(120)
def test_more_room_is_made_whole_or_not_at_all(net):
    """A command that makes room is killed whenever it pins something: no connection loses its state, nor with the next."""
    library = os.path.join(firewall.BUILD, "fault", "bpf_fault.so")
    net.firewall.sysctl(dyn_max=100, dyn_parent_max=100)
    net.firewall.load(_RULES)
    room = 100
    with connections.Listener(net.server, 80) as listener, tempfile.NamedTemporaryFile("r", prefix="ifb-") as log, \
            contextlib.ExitStack() as stack:
        # The cells of those that stay are not the first ones.
        with connections.many(net.client, listener, [SERVER.host4, SERVER.host6], 60):
            opened = stack.enter_context(connections.many(net.client, listener, [SERVER.host4, SERVER.host6], 20))
        harness.true(traffic.wait_for(lambda: net.firewall.states() == 20, patience=_CLOSED), "closed connections stay")

        def grow(**environment):
            return net.firewall.run("sysctl", f"net.inet.ip.fw.dyn_max={room}", f"net.inet.ip.fw.dyn_parent_max={room}", status=None,
                                    environment={"LD_PRELOAD": library, **environment}).returncode

        room += 10
        harness.equal(grow(FAULT_LOG=log.name), 0)
        pinning = [number for number, command in enumerate(log.read().split(), 1) if command == _BPF_OBJ_PIN]
        harness.true(len(pinning) > 8, f"only {len(pinning)} pins")
        killed = 0
        for call in pinning[::4 if _EMULATED else 1]:
            room += 10
            killed += grow(FAULT_AT=str(call), FAULT_KILL="1") == -signal.SIGKILL
            harness.equal(connections.broken(opened), [], f"killed at call {call}")
            net.firewall("-q add 1000 count ip from any to any")
            harness.equal((net.firewall.states(), connections.broken(opened)), (20, []), f"after a kill at call {call}")
            # The sweep finds by the ring what is in the table of parents: these belong together.
            entries = {_map(net, name)["max_entries"] for name in ("state_parents", "state_ring_parents")}
            harness.equal(len(entries), 1, f"killed at {call}: {entries}")
            net.firewall("-q delete 1000")
        # What was killed before leaves less to be pinned.
        harness.true(killed >= 2, f"only {killed} of {len(pinning)} were killed")
    harness.true(traffic.wait_for(lambda: net.firewall("sysctl -n net.inet.ip.fw.dyn_count") == "0\n", patience=_CLOSED),
                 "states are left behind")


def test_memory(net):
    """All maps together take what the documentation says, for each state that there may be."""
    # Linux 6.1 reckons with keys that arrays have not, and rounds up.
    for family, least, most in (("4", 120, 128 if _EMULATED else 120.1), ("6", 150, 192 if _EMULATED else 150.1)):
        for room in (1 << 17, 200000):
            net.firewall("-q flush")
            net.firewall("down")
            net.firewall.sysctl(dyn_max=room)
            net.firewall.load(_RULES)
            harness.within(_map(net, f"states{family}")["bytes_memlock"] / room, least, most, f"bytes of an IPv{family} state of {room}")


@harness.alone
@harness.time_limit(60)
def test_syn_flood(net):
    """Ten times as many as there is room for in a second; established connections notice nothing."""
    room = 100 if _EMULATED else 1000
    net.firewall.sysctl(dyn_max=room)
    net.firewall.load(_RULES)
    frames = [_syn(number) for number in range(room * 10)]
    with connections.Listener(net.server, 80) as listener, \
            connections.many(net.client, listener, [SERVER.host4, SERVER.host6], 20) as opened:
        flood = threading.Thread(target=wire.send, args=(net.client, "eth0", *frames))
        flood.start()
        while flood.is_alive():
            harness.equal(connections.broken(opened), [])
        flood.join()
        harness.equal(connections.broken(opened), [])
        harness.equal(net.firewall.states(), room)
        harness.equal(_refused(net), room * 9 + 20)


@harness.time_limit(90)
def test_nothing_needs_a_process(net):
    """Commits and the daemon are killed again and again under live connections; the next command works."""
    net.firewall.load(_RULES)
    with connections.Listener(net.server, 80) as listener, \
            connections.many(net.client, listener, [SERVER.host4, SERVER.host6], 50 if _EMULATED else 500) as opened:
        for delay in (0, 5, 10, 20, 40, 80):
            running = [net.firewall.start("-q", "add", "1000", "count", "ip", "from", "any", "to", "any"),
                       subprocess.Popen(net.gateway.command(firewall.DAEMON))]
            time.sleep(delay / 1000)
            for process in running:
                process.send_signal(signal.SIGKILL)
                process.communicate()
            harness.equal(connections.broken(opened), [], f"killed after {delay} ms")
        net.firewall("-q add 2000 count ip from any to any")
        harness.equal(net.firewall.states(), len(opened))
        harness.equal(connections.broken(opened), [])


@harness.time_limit(90)
def test_upgrade(net):
    """Another version of the tool takes over: its commits find the states that the old one's programs made."""
    net.firewall.load(_RULES)
    with firewall.other_version() as other, connections.Listener(net.server, 80) as listener, \
            connections.many(net.client, listener, [SERVER.host4, SERVER.host6], 50) as opened:
        for tool in (other, firewall.TOOL):
            result = net.gateway.run(tool, "-q", "add", "1000", "count", "ip", "from", "any", "to", "any")
            harness.equal((result.returncode, result.stderr), (0, ""))
            harness.equal(connections.broken(opened), [])
            harness.equal(net.firewall.states(), 50)
            with connections.Connection(net.client, listener, SERVER.host4) as new:
                harness.true(new.exchange(), "no new connection")
            harness.true(traffic.wait_for(lambda: net.firewall.states() == 50, patience=_CLOSED), "a closed one stays")
