# SPDX-License-Identifier: GPL-2.0-only
"""The topology of most tests, with the firewall as a router in the middle:

    client eth0 ---- west0 firewall east0 ---- eth0 server
    other  eth0 ---- west1    (only when asked for)

Neighbours are permanent, so that neither ARP nor neighbour discovery runs unless a test wants it, and what the kernel
sends of its own accord, reports of multicast groups, has been sent before a test begins: rules would count it.
"""
from dataclasses import dataclass

import firewall
import namespaces


@dataclass
class Link:
    """One veth pair: a host's eth0 and the firewall's interface towards it."""
    interface: str     # in the firewall
    index: int         # there, in front of what tests add: no XDP below a VLAN device that has some (HOST_INDEX)
    host_mac: str
    firewall_mac: str
    host4: str
    firewall4: str
    host6: str
    firewall6: str

    def prefix4(self):
        """The link's IPv4 network."""
        return self.host4.rsplit(".", 1)[0] + ".0/24"

    def prefix6(self):
        """The link's IPv6 network."""
        return self.host6.rsplit("::", 1)[0] + "::/64"


def _link(interface, number, net4):
    return Link(interface, 1 + number, f"02:00:00:00:0{number}:02", f"02:00:00:00:0{number}:01", f"{net4}.2", f"{net4}.1",
                f"2001:db8:{number}::2", f"2001:db8:{number}::1")


# Of eth0 in the hosts. The kernel takes a second to notice that a link is up whose ends have the same index.
HOST_INDEX = 9

CLIENT = _link("west0", 1, "192.0.2")
SERVER = _link("east0", 2, "198.51.100")
OTHER = _link("west1", 3, "203.0.113")

# Before any interface exists: addresses usable at once, no unasked-for packets.
_QUIET = {
    "ipv6__conf__default__accept_dad": 0,
    "ipv6__conf__default__router_solicitations": 0,
    "ipv6__conf__default__accept_ra": 0,
    "ipv4__ping_group_range": "0 2147483647",
    # Version 1 reports a group once when it is joined, and marks it as reported; the next time is days later.
    "ipv6__conf__default__force_mld_version": 1,
    "ipv6__conf__default__mldv1_unsolicited_report_interval": 2_000_000_000,
    "ipv4__icmp_ratelimit": 0,
    "ipv6__icmp__ratelimit": 0,
}


class Network:
    """client, firewall, server (and other) namespaces, joined and addressed. A context manager."""

    def __init__(self, other=False):
        self.client = namespaces.Namespace(namespaces.Namespace.new_name())
        self.gateway = namespaces.Namespace(namespaces.Namespace.new_name())
        self.server = namespaces.Namespace(namespaces.Namespace.new_name())
        self.other = namespaces.Namespace(namespaces.Namespace.new_name()) if other else None
        self.hosts = {"client": (self.client, CLIENT), "server": (self.server, SERVER)}
        if other:
            self.hosts["other"] = (self.other, OTHER)
        self.firewall = firewall.Firewall(self.gateway)

    def __enter__(self):
        try:
            self._build()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.firewall.down()
        namespaces.remove(*self._all())

    def _all(self):
        return [self.gateway] + [host for host, _ in self.hosts.values()]

    def _build(self):
        namespaces.create(*self._all())
        for namespace in self._all():
            namespace.sysctl(**_QUIET)
        self.gateway.sysctl(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1, ipv6__conf__default__forwarding=1)
        links = [link for _, link in self.hosts.values()]
        self.gateway.ip("link set lo up", *(
            f"link add {link.interface} index {link.index} address {link.firewall_mac} type veth "
            f"peer name eth0 index {HOST_INDEX} netns {host.name} address {link.host_mac}" for host, link in self.hosts.values()),
                        *(line for link in links for line in self._firewall_end(link)))
        for host, link in self.hosts.values():
            host.ip("link set lo up", *self._host_end(link))
        self._wait_until_quiet(self.hosts.values())

    def configure_link(self, host, link):
        """Gives both ends of a link between `host` and the firewall their addresses, neighbours and routes."""
        self.gateway.ip(*self._firewall_end(link))
        host.ip(*self._host_end(link))
        self._wait_until_quiet([(host, link)])

    def _wait_until_quiet(self, links):
        for host, link in links:
            self.gateway.wait_until_quiet(link.interface)
            host.wait_until_quiet("eth0")

    def _firewall_end(self, link):
        return [*self._configure(link.interface, link.firewall4, link.firewall6),
                *self._neighbours(link.interface, link.host4, link.host6, link.host_mac)]

    def _host_end(self, link):
        return [*self._configure("eth0", link.host4, link.host6),
                *self._neighbours("eth0", link.firewall4, link.firewall6, link.firewall_mac),
                f"route add default via {link.firewall4}", f"route add ::/0 via {link.firewall6}"]

    @staticmethod
    def _configure(interface, address4, address6):
        return [f"addr add {address4}/24 broadcast + dev {interface}", f"addr add {address6}/64 dev {interface} nodad",
                f"link set {interface} up"]

    @staticmethod
    def _neighbours(interface, address4, address6, mac):
        return [f"neigh replace {address} lladdr {mac} dev {interface} nud permanent"
                for address in (address4, address6)]
