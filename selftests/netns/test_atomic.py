# SPDX-License-Identifier: GPL-2.0-only
"""Rulesets are replaced under traffic: nothing that both allow is lost, nothing that both deny passes."""
import contextlib
import multiprocessing
import os
import socket
import subprocess
import tempfile
import time

import firewall
import harness
import namespaces
import traffic
import wire
from network import CLIENT, SERVER

_ALLOWED, _DENIED, _TCP = 5000, 5001, 80

_A = f"""add 100 allow udp from any to any {_ALLOWED}
add 200 allow tcp from any to any
add 300 deny udp from any to any
"""
_B = f"""add 40 deny udp from any to any {_DENIED} out
add 50 deny udp from any to any {_DENIED}
add 60 skipto 500 ip from any to any in
add 70 count tcp from any to any out
add 80 allow ip from any to any
add 500 deny icmp from any to any
add 600 allow ip from any to any
"""


# Makes a header that the fast path of the parser leaves to the slow parser.
_NO_OPERATION = bytes([1, 1, 1, 0])


def _blast(namespace, source, address, rate, options, stop, sent):
    """
    Sends numbered datagrams to both ports in turn at `rate` per second until `stop` is set, with these IPv4 options.
    """
    with namespace:
        sender = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    with sender:
        sender.bind((source, 0))
        if options:
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, options)
        number = 0
        begin = time.monotonic()
        while not stop.is_set():
            due = int((time.monotonic() - begin) * rate)
            # Small bursts, because a veth pair's ring holds 256 frames.
            for _ in range(min(due - number, 32)):
                sender.sendto(number.to_bytes(8, "big"), (address, _DENIED if number & 1 else _ALLOWED))
                number += 1
            if due - number > 0:
                continue
            time.sleep(0.0005)
        sent.value = number


class _Receiver:
    """Counts datagrams to a port in a process of its own."""

    def __init__(self, namespace, port):
        with namespace:
            self._socket = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, wire.SO_RCVBUFFORCE, 64 << 20)
        self._socket.bind(("::", port))
        self.count = multiprocessing.Value("q", 0)
        self._process = multiprocessing.Process(target=self._run, daemon=True)
        self._process.start()

    def _run(self):
        receive = self._socket.recv
        while True:
            receive(64)
            self.count.value += 1

    def stop(self):
        """Ends the process and returns the count once it has stood still."""
        before = -1
        while before != self.count.value:
            before = self.count.value
            time.sleep(0.3)
        self._process.kill()
        self._process.join()
        self._socket.close()
        return before


def _ring_drops(net):
    """Frames that a veth's own ring refused, on the way from the client to the server."""
    drops = 0
    for namespace, interface in ((net.client, "eth0"), (net.gateway, "east0")):
        with namespace, open("/proc/thread-self/net/dev", encoding="ascii") as file:
            for line in file:
                if line.strip().startswith(interface + ":"):
                    drops += int(line.split(":")[1].split()[11])
    return drops


@contextlib.contextmanager
def _tcp_stream(net, served):
    """One connection that is never idle; yields a function that tells how many bytes were sent."""
    def run(stop, sent):
        with traffic.tcp_socket(net.client, SERVER.host4) as stream:
            stream.settimeout(20)
            stream.connect((SERVER.host4, _TCP))
            while not stop.is_set():
                sent.value += stream.send(bytes(2000))
                time.sleep(0.002)

    stop, sent = multiprocessing.Event(), multiprocessing.Value("q", 0)
    process = multiprocessing.Process(target=run, args=(stop, sent), daemon=True)
    process.start()
    try:
        yield
    finally:
        stop.set()
        process.join(20)
        process.kill()
    harness.equal(process.exitcode, 0, "the TCP stream's sender")
    harness.true(traffic.wait_for(lambda: served.bytes == sent.value, 5),
                 f"{served.bytes} of {sent.value} bytes of TCP arrived")
    harness.true(sent.value > 100_000, f"the TCP stream stood still after {sent.value} bytes")


def _replace_under_traffic(net, source, address, swaps, rate, options=b"", other=firewall.TOOL):
    """Loads two rulesets in turn, one with the tool and one with the `other` tool. Returns packets per second."""
    with tempfile.TemporaryDirectory(prefix="ifb-") as directory:
        paths = [f"{directory}/a", f"{directory}/b"]
        for path, text in zip(paths, (_A, _B)):
            with open(path, "w", encoding="ascii") as file:
                file.write("flush\n" + text)
        net.firewall.run("-q", paths[0])
        receivers = [_Receiver(net.server, port) for port in (_ALLOWED, _DENIED)]
        stop, sent = multiprocessing.Event(), multiprocessing.Value("q", 0)
        sender = multiprocessing.Process(target=_blast, args=(net.client, source, address, rate, options, stop, sent),
                                         daemon=True)
        script = 'for i in $(seq "$1"); do "$4" -q "$3" && "$0" -q "$2" || exit 1; done'
        with traffic.tcp_sink(net.server, _TCP) as served, _tcp_stream(net, served):
            sender.start()
            begin = time.monotonic()
            time.sleep(0.3)
            result = subprocess.run(net.gateway.command("sh", "-c", script, firewall.TOOL, str(swaps // 2), *paths, other),
                                    text=True, capture_output=True, check=False)
            time.sleep(0.3)
            stop.set()
            sender.join()
            elapsed = time.monotonic() - begin
            passed, leaked = (receiver.stop() for receiver in receivers)
        harness.equal((result.returncode, result.stderr), (0, ""))
        allowed, denied = (sent.value + 1) // 2, sent.value // 2
        print(f"# {swaps} swaps in {elapsed:.1f} s, {sent.value / elapsed:.0f} packets/s, {allowed} to be allowed, "
              f"{denied} to be denied: lost {allowed - passed}, leaked {leaked}, "
              f"refused by veth rings {_ring_drops(net)}", flush=True)
        harness.equal(leaked, 0, f"packets of {denied} that both rulesets deny")
        harness.within(allowed - passed, 0, _ring_drops(net), f"lost packets of {allowed} that both rulesets allow")
        harness.true(_ring_drops(net) < allowed / 100, f"{_ring_drops(net)} packets lost by the test's own wires")
        return sent.value / elapsed


@harness.time_limit(120)
@harness.no_second_try
def test_replacement_under_traffic(net):
    emulated = namespaces.in_virtual_machine()
    rate = _replace_under_traffic(net, CLIENT.host4, SERVER.host4, 20 if emulated else 200, 2000 if emulated else 24000)
    harness.true(emulated or rate >= 20000 or os.getloadavg()[0] > 2, f"only {rate:.0f} packets/s")


@harness.time_limit(120)
@harness.no_second_try
def test_replacement_under_traffic_ip6(net):
    emulated = namespaces.in_virtual_machine()
    _replace_under_traffic(net, CLIENT.host6, SERVER.host6, 10 if emulated else 50, 2000 if emulated else 24000)


def _programs(net):
    """Ids of what runs, by name: programs of the generation, and the entries on the client's interface."""
    ids = {}
    for line in net.firewall("status").splitlines():
        if " tag " in line:
            ids[line.rsplit("/", 1)[1]] = line.split()[1]
    ids["entry"] = net.gateway.run("ip", "-details", "link", "show", "west0").stdout.partition("prog/xdp id ")[2].split()[0]
    return ids


@harness.time_limit(180)
@harness.no_second_try
def test_versions_replace_each_other_under_traffic(net):
    """Entries and slow parsers of another version are replaced, those of the same are kept; no packet falls between."""
    emulated = namespaces.in_virtual_machine()
    with firewall.other_version() as other:
        _replace_under_traffic(net, CLIENT.host4, SERVER.host4, 6 if emulated else 40, 1000 if emulated else 8000,
                               _NO_OPERATION, other)
        first = _programs(net)
        net.firewall("-q add 1000 count ip from any to any")
        second = _programs(net)
        net.firewall.run("-q", "delete", "1000")
        result = net.gateway.run(other, "-q", "add", "1000", "count", "ip", "from", "any", "to", "any")
        harness.equal((result.returncode, result.stderr), (0, ""))
        third = _programs(net)
    stays = {"xdp_slow", "tc_slow", "entry"}
    for name in first:
        harness.equal(first[name] == second[name], name in stays, f"{name} kept by the same version")
        harness.true(second[name] != third[name], f"{name} is of another version and not replaced")
