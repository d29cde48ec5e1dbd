# SPDX-License-Identifier: GPL-2.0-only
"""Rulesets are replaced under traffic: nothing that both allow is lost, nothing that both deny passes."""
import contextlib
import multiprocessing
import os
import subprocess
import tempfile
import time

import firewall
import harness
import namespaces
import traffic
from blast import Receiver, blast, ring_drops
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
        receivers = [Receiver(net.server, port) for port in (_ALLOWED, _DENIED)]
        stop, sent = multiprocessing.Event(), multiprocessing.Value("q", 0)
        sender = multiprocessing.Process(target=blast, args=(net.client, source, address, (_ALLOWED, _DENIED), rate, stop, sent, options),
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
              f"refused by veth rings {ring_drops(net)}", flush=True)
        harness.equal(leaked, 0, f"packets of {denied} that both rulesets deny")
        harness.within(allowed - passed, 0, ring_drops(net), f"lost packets of {allowed} that both rulesets allow")
        harness.true(ring_drops(net) < allowed / 100, f"{ring_drops(net)} packets lost by the test's own wires")
        return sent.value / elapsed


@harness.alone
@harness.time_limit(120)
@harness.no_second_try
def test_replacement_under_traffic(net):
    emulated = namespaces.in_virtual_machine()
    rate = _replace_under_traffic(net, CLIENT.host4, SERVER.host4, 20 if emulated else 200, 2000 if emulated else 24000)
    harness.true(emulated or rate >= 20000 or os.getloadavg()[0] > 2, f"only {rate:.0f} packets/s")


@harness.alone
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


@harness.alone
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
