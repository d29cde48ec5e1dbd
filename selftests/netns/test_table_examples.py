# SPDX-License-Identifier: GPL-2.0-only
"""EXAMPLES of the manual page, LOOKUP TABLES: its commands, with the addresses of this network, and traffic."""
import harness
import traffic
from network import CLIENT, SERVER


def _reached(net, *ports):
    """What becomes of datagrams to these ports of the server, over IPv4 and IPv6."""
    return [traffic.udp_exchange(net.client, address, port) for address in (SERVER.host4, SERVER.host6) for port in ports]


def test_bandwidth_classes(net):
    """Which class an address belongs to, as rules see it. Pipes do not exist yet; the rule that uses them is only read."""
    net.firewall("table T1 create type addr")
    for entry in (f"{CLIENT.prefix4()} 1", f"{CLIENT.host4.rsplit('.', 1)[0]}.0/27 4", f"{CLIENT.host4} 1"):
        net.firewall(f"table T1 add {entry}")
    listed = net.firewall("-n add pipe tablearg ip from table(T1) to any").split(" ", 1)[1]
    harness.equal(listed, "pipe tablearg ip from table(T1) to any\n")
    net.firewall.load("100 count ip from table(T1) to any in\n200 count ip from table(T1,1) to any in\n"
                      "300 count ip from table(T1,4) to any in\n65000 allow ip from any to any")

    def classified():
        net.firewall("zero")
        harness.true(traffic.ping(net.client, SERVER.host4), "no answer")
        return [net.firewall.packets(number) for number in (100, 200, 300)]

    harness.equal(classified(), [1, 1, 0], "the host's own entry")
    net.firewall(f"table T1 delete {CLIENT.host4}")
    harness.equal(classified(), [1, 0, 1], "the entry of 32 addresses")
    net.firewall(f"table T1 delete {CLIENT.host4.rsplit('.', 1)[0]}.0/27")
    harness.equal(classified(), [1, 1, 0], "the entry of the network")
    net.firewall("table T1 flush")
    harness.equal(classified(), [0, 0, 0])


def test_flows(net):
    net.firewall("table fl create type flow:src-ip,proto,dst-ip,dst-port")
    net.firewall(f"table fl add {CLIENT.host6},udp,{SERVER.host6},80 11")
    net.firewall(f"table fl add {CLIENT.host4},udp,{SERVER.host4},53 12")
    net.firewall.load(f"100 allow ip from any to any flow table(fl,11) recv {CLIENT.interface}\n"
                      "200 deny udp from any to any recv west0\n65000 allow ip from any to any")
    with traffic.udp_server(net.server, 53, 80):
        harness.equal(_reached(net, 53, 80), ["timeout", "timeout", "timeout", "ok"], "the value of a flow decides")
        net.firewall(f"table fl delete {CLIENT.host4},udp,{SERVER.host4},53")
        net.firewall(f"table fl add {CLIENT.host4},udp,{SERVER.host4},53 11")
        harness.equal(_reached(net, 53, 80), ["ok", "timeout", "timeout", "ok"])
        net.firewall("table fl flush")
        harness.equal(_reached(net, 53, 80), ["timeout"] * 4)
