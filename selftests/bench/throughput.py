# SPDX-License-Identifier: GPL-2.0-only
"""Packets per second through a gateway between veth pairs, with no firewall, with ipfw-bpf and with others.

Each firewall has a gateway and neighbours of its own, all set up before anything is measured, so that they can take
turns. A flood (flood.c) comes from one CPU; the gateway's interface is served by a kernel thread on another one, which
does all the work from the frame's arrival to its leaving. The neighbour behind it drops what arrives at XDP (sink.bpf.c).
Rates are packets per second of that thread's processor time:
on an idle machine the same as packets per second, on a busy one what they would be on an idle one.
"""
import contextlib
import os
import statistics
import tempfile
import time
from dataclasses import dataclass

import loaded
import network
import peers
import rulesets
import trace

NOTHING = "no firewall"
_FLOWS = 1024
_WARM_UP = 30  # milliseconds
_WORDS = {"allow": "forwarded", "deny": "dropped"}


def _interface_threads():
    """Process ids of the kernel threads that serve interfaces."""
    found = set()
    for process in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{process}/comm", encoding="ascii") as file:
                if file.read().startswith("napi/"):
                    found.add(int(process))
        except OSError:
            pass
    return found


class Gateway:
    """A network whose gateway has one of the firewalls."""

    def __init__(self, name, tested):
        self.name = name
        self.tested = tested
        self._cpus = sorted(os.sched_getaffinity(0))
        self._prepare()

    def _prepare(self):
        gateway = self.tested.gateway
        gateway.sysctl(ipv4__conf__all__rp_filter=0, ipv4__conf__west0__rp_filter=0)
        gateway.ip(f"route add default via {network.SERVER.host4}")
        attached = self.tested.server.run("ip", "link", "set", "dev", "eth0", "xdpdrv", "obj", loaded.binary("sink.bpf.o"),
                                          "sec", "xdp")
        if attached.returncode:
            raise RuntimeError(attached.stderr)
        before = _interface_threads()
        # Without GRO or XDP a veth device takes no XDP frames from its peer.
        for command in (("ethtool", "-K", network.CLIENT.interface, "gro", "on"),
                        ("ip", "netns", "exec", gateway.name, "sh", "-c",
                         f"echo 1 > /sys/class/net/{network.CLIENT.interface}/threaded")):
            result = gateway.run(*command)
            if result.returncode:
                raise RuntimeError(f"{' '.join(command)}: {result.stderr}")
        self._thread, = _interface_threads() - before
        os.sched_setaffinity(self._thread, {self._cpus[-1]})

    def set_up(self, rules, verdict):
        """Loads the rules into this gateway's firewall."""
        if self.name != NOTHING:
            peers.PEERS[self.name](self.tested, rules, verdict)

    def flood(self, path, milliseconds):
        """What came of a flood of so long: see Flood."""
        before = self._counters()
        output = self.tested.client.run(loaded.binary("flood"), "eth0", network.CLIENT.firewall_mac, str(milliseconds),
                                         str(self._cpus[0]), path)
        if output.returncode:
            raise RuntimeError(output.stderr)
        self._wait()
        taken, forwarded, processor = (now - then for now, then in zip(self._counters(), before))
        offered, nanoseconds = map(int, output.stdout.split())
        return Flood(taken, forwarded, taken * 1e9 / processor, taken * 1e9 / nanoseconds, offered * 1e9 / nanoseconds)

    def _wait(self):
        """Until the thread has nothing left to do."""
        for _ in range(500):
            with open(f"/proc/{self._thread}/stat", encoding="ascii") as file:
                if file.read().rpartition(")")[2].split()[0] in "SI":
                    return
            time.sleep(0.01)
        raise RuntimeError(f"{self.name}: the interface's thread never rests")

    def _counters(self):
        """Packets that the gateway has taken in, that have reached the neighbour, nanoseconds of the thread."""
        with open(f"/proc/{self._thread}/schedstat", encoding="ascii") as file:
            processor = int(file.read().split()[0])
        return (self.tested.gateway.statistics(network.CLIENT.interface)["rx_packets"],
                self.tested.server.statistics("eth0")["rx_packets"], processor)


@dataclass
class Flood:
    """Packets that the gateway took and forwarded; rates per second of its thread, by the clock, and of the flood."""
    taken: int
    forwarded: int
    rate: float
    clock_rate: float
    offered: float


@contextlib.contextmanager
def gateways(names):
    """A Gateway for each name."""
    with contextlib.ExitStack() as stack:
        yield [Gateway(name, stack.enter_context(network.Network())) for name in names]


def _check(name, verdict, flood):
    """A firewall that does something else than it was told is not measured."""
    expected = flood.taken if verdict == "allow" else 0
    if abs(flood.forwarded - expected) > 0.02 * flood.taken:
        raise RuntimeError(f"{name}: took {flood.taken} packets and forwarded {flood.forwarded}, expected {expected}")


def compare(rules, verdict, rounds, milliseconds):
    """{name: {"median", "least", "greatest", "rounds": rates, "clock", "offered": medians}}, packets per second, of
    all firewalls in turns."""
    names = [*([NOTHING] if verdict == "allow" else []), *peers.PEERS]
    floods = {name: [] for name in names}
    with gateways(names) as all_gateways, tempfile.NamedTemporaryFile(prefix="ipfw-bench-") as file:
        trace.write(file.name, 4, trace.flows(rules, _FLOWS))
        for gateway in all_gateways:
            gateway.set_up(rules, verdict)
            gateway.flood(file.name, _WARM_UP)
        for _ in range(rounds):
            for gateway in all_gateways:
                floods[gateway.name].append(gateway.flood(file.name, milliseconds))
                _check(gateway.name, verdict, floods[gateway.name][-1])
    return {name: _summary(found) for name, found in floods.items()}


def _summary(floods):
    rates = [flood.rate for flood in floods]
    return {"median": statistics.median(rates), "least": min(rates), "greatest": max(rates), "rounds": rates,
            "clock": statistics.median(flood.clock_rate for flood in floods),
            "offered": statistics.median(flood.offered for flood in floods)}


def measure(quick):
    """A list of {"set", "size", "verdict", "rates": compare()}."""
    sizes = (10, 1000) if quick else (10, 1000, 10000)
    rounds, milliseconds = (5, 60) if quick else (9, 150)
    result = []
    for name in ("tuples", "ports"):
        for size in sizes:
            for verdict in ("allow", "deny"):
                if quick and verdict == "deny" and size != 10:
                    continue
                rates = compare(rulesets.make(name, size), verdict, rounds, milliseconds)
                result.append({"set": name, "size": size, "verdict": verdict, "rates": rates})
                print(describe(result[-1]), flush=True)
    return result


def describe(cell):
    """One line."""
    rates = "  ".join(f"{name} {rate['median'] / 1e6:.3f}" for name, rate in cell["rates"].items())
    return f"{title(cell)}: {rates}"


def title(cell):
    """Which rules, and what becomes of the packets."""
    return f"{cell['set']} {cell['size']:,} {_WORDS[cell['verdict']]}"


def find(cells, name, size, verdict):
    """{firewall: its "median", "rounds" and so on} of one cell, {} if it was not measured."""
    for cell in cells:
        if (cell["set"], cell["size"], cell["verdict"]) == (name, size, verdict):
            return cell["rates"]
    return {}


def ratio(rates, others):
    """
    How many times as fast as the fastest of `others` ipfw-bpf is, by the stack or at XDP, whichever is faster: median of
    the rounds. None without any of them.
    """
    others = [rates[other]["rounds"] for other in others if other in rates]
    if not others:
        return None
    own = max((rates[name] for name in (peers.OWN, peers.OWN_FAST) if name in rates), key=lambda rate: rate["median"])
    return statistics.median(mine / max(rest) for mine, *rest in zip(own["rounds"], *others))


def print_table(cells):
    """Cells down, firewalls across."""
    names = [NOTHING, *peers.PEERS]
    print("\nmillions of packets per second of one processor, least and greatest of the rounds below")
    print(f"{'':<24}" + "".join(f"{name:>14}" for name in names))
    for cell in cells:
        rates = cell["rates"]
        print(f"{title(cell):<24}" + "".join(f"{rates[name]['median'] / 1e6:>14.3f}" if name in rates else f"{'':>14}"
                                       for name in names))
        print(f"{'':<24}" + "".join(f"{rates[name]['least'] / 1e6:>8.3f}-{rates[name]['greatest'] / 1e6:.3f}"
                                    if name in rates else f"{'':>14}" for name in names))
