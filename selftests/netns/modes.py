# SPDX-License-Identifier: GPL-2.0-only
"""Interfaces on which the firewall cannot run at native XDP."""
import bpf_calls
from network import CLIENT


def occupied(namespace, interface):
    """Somebody else's XDP program, which leaves no place for another one. A context manager."""
    return bpf_calls.xdp_link(namespace, interface)


def make_generic(net):
    """Replaces the client's link by a veth that takes no native program: its peer has more transmit queues than it
    can receive from."""
    net.gateway.ip("link delete west0")
    net.gateway.ip(f"link add dev west0 address {CLIENT.firewall_mac} numrxqueues 1 numtxqueues 1 type veth "
                   f"peer name eth0 address {CLIENT.host_mac} numrxqueues 2 numtxqueues 2 netns {net.client.name}")
    net.configure_link(net.client, CLIENT)
