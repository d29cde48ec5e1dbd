# SPDX-License-Identifier: GPL-2.0-only
"""ipsec: packets that have come through a tunnel from the client to the firewall, and others."""
import subprocess

import harness
import modes
import traffic
from network import CLIENT, SERVER

_CIPHER = "enc ecb(cipher_null) \"\" auth digest_null \"\""


def _tunnel(net, interface=""):
    """What the client sends to the server goes to the firewall by ESP; `interface` as in ip-xfrm(8): if_id N."""
    state = f"xfrm state add src {CLIENT.host4} dst {CLIENT.firewall4} proto esp spi 256 reqid 1 mode tunnel {_CIPHER}"
    template = f"tmpl src {CLIENT.host4} dst {CLIENT.firewall4} proto esp reqid 1 mode tunnel"
    flow = f"src {CLIENT.host4} dst {SERVER.host4}"
    for namespace, lines in ((net.client, [state, f"xfrm policy add {flow} dir out {template}"]),
                             (net.gateway, [f"{state} {interface}",
                                            f"xfrm policy add {flow} dir in {template} {interface}",
                                            f"xfrm policy add {flow} dir fwd {template} {interface}"])):
        for line in lines:
            command = ["ip", "-n", namespace.name, *(word.strip('"') for word in line.split())]
            result = subprocess.run(command, text=True, capture_output=True, check=False)
            if result.returncode:
                raise harness.Skip(f"no ESP here: {result.stderr.strip()}")


_RULES = f"""
100 count esp from any to any not ipsec in
110 count esp from any to any ipsec in
120 count udp from {CLIENT.host4} to any ipsec in
130 count udp from {CLIENT.host4} to any not ipsec in
140 count udp from {CLIENT.host4} to any ipsec out
150 count udp from {CLIENT.host4} to any not ipsec out
160 count udp from {SERVER.host4} to any ipsec
170 count udp from {SERVER.host4} to any not ipsec
65000 allow ip from any to any
"""


def _expect(net, expected):
    net.firewall.load(_RULES)
    with traffic.udp_server(net.server, 53):
        harness.equal(traffic.udp_exchange(net.client, SERVER.host4, 53), "ok")
    counters = {rule.number: rule.packets for rule in net.firewall.show()}
    harness.equal([counters[number] for number in range(100, 180, 10)], expected)


@harness.time_limit(60)
def test_forwarded(net):
    """XDP sees what is encrypted alone; on its way out a packet still has its history."""
    _tunnel(net)
    _expect(net, [1, 0, 0, 0, 1, 0, 0, 2])


@harness.time_limit(60)
def test_at_tc_ingress(net):
    """There the packet comes by a second time, decrypted."""
    _tunnel(net)
    with modes.occupied(net.gateway, "west0"):
        _expect(net, [1, 0, 1, 0, 1, 0, 0, 2])


@harness.time_limit(60)
def test_interface_of_its_own(net):
    """What comes in by it has been decrypted."""
    try:
        net.gateway.ip("link add ipsec0 type xfrm dev west0 if_id 7")
    except OSError:
        raise harness.Skip("no interfaces for IPsec here") from None
    net.gateway.ip("link set ipsec0 up")
    _tunnel(net, "if_id 7")
    _expect(net, [1, 0, 1, 0, 1, 0, 0, 2])
