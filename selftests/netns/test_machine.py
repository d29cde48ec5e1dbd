# SPDX-License-Identifier: GPL-2.0-only
"""Only in the virtual machine: the root namespace, and another XDP program beside ours."""
import contextlib

import firewall
import harness
import namespaces
import traffic
from network import CLIENT

OPEN = "65000 allow ip from any to any"


class _Machine:
    """The root namespace with a veth pair to a peer's namespace. A context manager."""

    def __enter__(self):
        self.root = namespaces.RootNamespace()
        self.peer = namespaces.Namespace(namespaces.Namespace.new_name())
        self.firewall = firewall.Firewall(self.root)
        namespaces.create(self.peer)
        namespaces.ip_batch([f"link add west0 type veth peer name eth0 netns {self.peer.name}",
                             f"addr add {CLIENT.firewall4}/24 dev west0", "link set west0 up"])
        self.peer.ip(f"addr add {CLIENT.host4}/24 dev eth0", "link set eth0 up")
        self.peer.sysctl(ipv4__ping_group_range="0 2147483647")
        self.root.sysctl(ipv4__ping_group_range="0 2147483647")
        return self

    def __exit__(self, *_):
        self.firewall.down()
        with contextlib.suppress(OSError):
            namespaces.ip_batch(["link delete west0"])
        namespaces.remove(self.peer)


@harness.virtual_machine_only
@harness.time_limit(60)
def test_root_namespace():
    with _Machine() as machine, traffic.udp_server(machine.root, 7, 8, 9):
        machine.firewall.load("100 deny icmp from any to any\n110 unreach port udp from any to me 7 in\n"
                              "120 deny udp from any to any 8\n" + OPEN)
        harness.true(not traffic.ping(machine.peer, CLIENT.firewall4), "deny does not work")
        harness.true(not traffic.ping(machine.root, "127.0.0.1"), "deny does not work on lo")
        outcomes = [traffic.udp_exchange(machine.peer, CLIENT.firewall4, port) for port in (7, 8, 9)]
        harness.equal(outcomes, ["refused", "timeout", "ok"])
        status = machine.firewall.run("status").stdout
        for word in ("lo", "west0"):
            harness.contains(status, word)
        machine.firewall("down")
        harness.true(traffic.ping(machine.peer, CLIENT.firewall4), "no answer after `down`")


def _filter(machine, *arguments):
    result = machine.root.run("xdp-filter", *arguments)
    harness.equal(result.returncode, 0, f"xdp-filter {' '.join(arguments)}: {result.stderr}{result.stdout}")


@contextlib.contextmanager
def _other_program(machine):
    """xdp-filter on west0, dropping UDP to port 7."""
    harness.require_program("xdp-filter")
    _filter(machine, "load", "west0", "-f", "udp")
    try:
        _filter(machine, "port", "7", "-p", "udp", "-m", "dst")
        yield
    finally:
        machine.root.run("xdp-filter", "unload", "west0")


def _both_work(machine):
    with traffic.udp_server(machine.root, 7, 8, 9):
        outcomes = [traffic.udp_exchange(machine.peer, CLIENT.firewall4, port) for port in (7, 8, 9)]
    harness.equal(outcomes, ["timeout", "timeout", "ok"], "xdp-filter drops 7, our rule drops 8")
    listing = machine.root.run("xdp-loader", "status", "west0").stdout
    harness.contains(listing, "xdp_dispatcher")
    harness.contains(listing, "xdpfilt")


@harness.virtual_machine_only
@harness.time_limit(60)
def test_another_program_was_there_first():
    with _Machine() as machine, _other_program(machine):
        machine.firewall.load("100 deny udp from any to any 8 in\n" + OPEN)
        _both_work(machine)
        machine.firewall("add 110 count ip from any to any")
        _both_work(machine)
        machine.firewall("down")
        with traffic.udp_server(machine.root, 7, 8):
            outcomes = [traffic.udp_exchange(machine.peer, CLIENT.firewall4, port) for port in (7, 8)]
        harness.equal(outcomes, ["timeout", "ok"], "after `down` xdp-filter alone is left")


@harness.virtual_machine_only
@harness.time_limit(60)
def test_another_program_comes_later():
    with _Machine() as machine:
        machine.firewall.load("100 deny udp from any to any 8 in\n" + OPEN)
        with _other_program(machine):
            _both_work(machine)
            machine.firewall("add 110 count ip from any to any")
            _both_work(machine)
        with traffic.udp_server(machine.root, 7, 8):
            outcomes = [traffic.udp_exchange(machine.peer, CLIENT.firewall4, port) for port in (7, 8)]
        harness.equal(outcomes, ["ok", "timeout"], "after xdp-filter went our rules alone are left")
        machine.firewall("down")
        with traffic.udp_server(machine.root, 8):
            harness.equal(traffic.udp_exchange(machine.peer, CLIENT.firewall4, 8), "ok")
