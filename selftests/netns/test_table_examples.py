# SPDX-License-Identifier: GPL-2.0-only
"""EXAMPLES of the manual page, LOOKUP TABLES: its commands, with the addresses of this network, and traffic."""
import harness
import traffic
from network import CLIENT, OTHER, SERVER


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


@harness.three_hosts
@harness.time_limit(60)
def test_firewall_for_each_interface(net):
    """Where a packet goes on, and by which routing table it leaves, is looked up by its interfaces."""
    client, other = CLIENT.interface, OTHER.interface
    net.firewall("table IN create type iface valtype skipto,fib")
    net.firewall(f"table IN add {client} 12000,12")
    net.firewall(f"table IN add {other} 13000,13")
    net.firewall("table OUT create type iface valtype skipto")
    net.firewall(f"table OUT add {client} 22000")
    net.firewall(f"table OUT add {other} 23000")
    net.firewall.load("""
        100 setfib tablearg ip from any to any recv table(IN) in
        200 skipto tablearg ip from any to any recv table(IN) in
        300 skipto tablearg ip from any to any xmit table(OUT) out
        400 allow ip from any to any
        12000 deny udp from any to any 7
        12100 allow ip from any to any
        13000 allow ip from any to any
        22000 allow ip from any to any
        23000 deny ip from any 9 to any
        23100 allow ip from any to any""")
    # What the table 13 answers is for the other client alone.
    net.gateway.ip(f"route add unreachable {SERVER.host6} table 13")

    def reached(host):
        return [traffic.udp_exchange(host, address, port) == "ok" for address in (SERVER.host4, SERVER.host6) for port in (7, 8, 9)]

    with traffic.udp_server(net.server, 7, 8, 9):
        harness.equal(reached(net.client), [False, True, True] * 2)
        harness.equal(reached(net.other), [True, True, False] + [False] * 3)
        net.firewall(f"table OUT delete {other}")
        net.firewall(f"-q table IN add {client} 13000,12 {other} 13000,12")
        harness.equal(reached(net.client), [True] * 6)
        harness.equal(reached(net.other), [True] * 6)
