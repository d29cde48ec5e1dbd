# SPDX-License-Identifier: GPL-2.0-only
"""Network namespaces for the runner's processes, with the interfaces of the recording where packets need them."""

import contextlib
import os
import socket
import subprocess
import time

from . import kernel

LINK_LOCAL = "fe80::1/64"
ADDRESSES = {
    "em0": ["192.0.2.1/24", "2001:db8:0:1::1/64"],
    "em1": ["198.51.100.1/24", "2001:db8:0:2::1/64"],
    "em2": ["10.1.1.1/16"],
    "vlan10": ["172.16.10.1/24"],
    "em10": [], "vlan20": [], "tun0": [], "tun1": [], "eth0": [], "eth1": [], "ng0": [], "igb0": [], "wlan0": [],
}
ROUTES = ["route add default via 192.0.2.254 dev em0", "route add default via 2001:db8:0:1::fe dev em0"]


def _configure(lines):
    text = "\n".join(lines) + "\n"
    result = subprocess.run(["ip", "-batch", "-"], input=text, text=True, capture_output=True, check=False)
    if result.returncode:
        raise RuntimeError(f"ip -batch: {result.stderr.strip()}")


def _sysctl(name, value):
    with open("/proc/sys/" + name.replace(".", "/"), "w", encoding="ascii") as setting:
        setting.write(str(value))


def bare():
    """Moves this process into a new namespace with nothing but the loopback interface."""
    kernel.unshare_network()
    _configure(["link set lo up"])


def quiet():
    """Likewise, with two of the recording's interfaces that no packet passes: some commands look for them."""
    bare()
    _configure(["link add em0 type veth peer name em1"])


def _messages_sent():
    """How many ICMPv6 messages this namespace has sent of its own accord."""
    with open("/proc/net/snmp6", encoding="ascii") as counters:
        return next(line.split()[1] for line in counters if line.startswith("Icmp6OutMsgs"))


def _wait_for_silence():
    """Waits until the kernel has reported its multicast groups: rules would count these packets."""
    before = None
    while before != (before := _messages_sent()):
        time.sleep(0.5)


def recorded():
    """
    Moves this process into a new namespace with the recording's interfaces and addresses. The interfaces are
    veths whose peers are in a namespace of their own, so that the firewall does not see them. The peers stay
    down, so that nothing is ever received. Both namespaces vanish with this process.
    """
    kernel.unshare_network()
    peers = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    kernel.unshare_network()
    _sysctl("net.ipv6.conf.default.accept_dad", 0)
    _sysctl("net.ipv6.conf.default.addr_gen_mode", 1)
    for version in (1, 2):
        _sysctl(f"net.ipv6.conf.default.mldv{version}_unsolicited_report_interval", 10)
    _sysctl("net.ipv4.ip_forward", 1)
    _sysctl("net.ipv6.conf.all.forwarding", 1)
    lines = ["link set lo name lo0", "link set lo0 up"]
    for name, addresses in ADDRESSES.items():
        lines.append(f"link add {name} type veth peer name {name} netns /proc/{os.getpid()}/fd/{peers}")
        lines += [f"address add {address} dev {name}" for address in [*addresses, LINK_LOCAL]]
        lines.append(f"link set {name} up")
    _configure(lines + ROUTES)
    _wait_for_silence()


@contextlib.contextmanager
def interface_without_xdp():
    """As long as there is one, commits make the programs for TC ingress, too; they work for any interface."""
    _configure(["link add held0 type veth peer name held1"])
    try:
        holder = kernel.hold_xdp(socket.if_nametoindex("held0"))
        try:
            yield
        finally:
            os.close(holder)
    finally:
        _configure(["link delete held0"])
