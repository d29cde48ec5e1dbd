# SPDX-License-Identifier: GPL-2.0-only
"""Cases of FreeBSD's own test suites (tests/sys/netpfil, sbin/ipfw/tests), made anew. Those of tos.sh are in
test_actions.py."""
import frames
import harness
import traffic
from frames import ICMP, IP, Ether, IPv6
from network import CLIENT, SERVER
from scapy.layers.inet6 import ICMPv6EchoReply, ICMPv6EchoRequest


def _far_requests(net, packet, kind):
    """Echo requests that get to the server of the one that the client sends."""
    with frames.Sniffer(net.server) as far:
        frames.send(net.client, "eth0", Ether(src=CLIENT.host_mac, dst=CLIENT.firewall_mac) / packet)
        return len(far.packets(lambda seen: kind in seen))


def test_pass_block_v4(net):
    net.firewall.load("100 deny all from any to any")
    harness.equal(traffic.ping(net.client, CLIENT.firewall4), False)
    net.firewall.load("100 allow all from any to any")
    harness.equal(traffic.ping(net.client, CLIENT.firewall4), True)


def test_pass_block_v6(net):
    """Denying all denies neighbour discovery as well: nobody is found."""
    net.client.ip(f"neigh del {CLIENT.firewall6} dev eth0")
    net.firewall.load("100 deny all from any to any")
    harness.equal(traffic.ping(net.client, CLIENT.firewall6), False)
    neighbours = net.client.run("ip", "-6", "neigh", "show", CLIENT.firewall6).stdout
    harness.true(CLIENT.firewall_mac not in neighbours, f"found in spite of deny: {neighbours}")
    net.firewall.load("100 allow all from any to any")
    harness.true(traffic.wait_for(lambda: traffic.ping(net.client, CLIENT.firewall6)), "no answer")
    harness.contains(net.client.run("ip", "-6", "neigh", "show", CLIENT.firewall6).stdout, CLIENT.firewall_mac)


def test_forward_v4(net):
    request = IP(src=CLIENT.host4, dst=SERVER.host4) / ICMP()
    for rule, arrived in (("allow ip from any to any", 1), ("deny icmp from any to any in", 0),
                          ("deny icmp from any to any out", 0), ("deny icmp from any to any in recv east0", 1)):
        net.firewall.load(f"100 {rule}\n65000 allow ip from any to any")
        harness.equal(_far_requests(net, request, ICMP), arrived, rule)


def test_ipv6_flow_id(net):
    """Version and traffic class, which stand in the same word, are not part of the label."""
    net.firewall.load("""
        100 allow ip6 from any to any flow-id 0xbaad
        200 deny ipv6-icmp from any to any icmp6types 128
        65000 allow ip from any to any""")
    for label, traffic_class, answers in ((0xbaad, 0, 1), (0xbaae, 0, 0), (0xbaad, 0xff, 1), (0x1baad, 0, 0)):
        packet = IPv6(src=CLIENT.host6, dst=CLIENT.firewall6, fl=label, tc=traffic_class) / ICMPv6EchoRequest()
        with frames.Sniffer(net.client) as near:
            frames.send(net.client, "eth0", Ether(src=CLIENT.host_mac, dst=CLIENT.firewall_mac) / packet)
            harness.equal(len(near.packets(lambda seen: ICMPv6EchoReply in seen)), answers, f"{label:#x}")


@harness.time_limit(60)
def test_unmapped_data_at_layer_2(net):
    """unmapped.sh: data in pages is seen at layer 2, and gets through whole or not at all."""
    size = 8 << 20
    net.firewall("-q sysctl net.link.ether.ipfw=1")
    net.firewall.load("100 count tcp from any to any layer2\n65000 allow ip from any to any")
    with traffic.tcp_sink(net.server, 5555) as served:
        traffic.tcp_transfer(net.client, SERVER.host4, 5555, size)
        harness.true(traffic.wait_for(lambda: served.bytes == size), f"{served.bytes} of {size} bytes")
    # in and out, both ways
    packets, counted = net.firewall.counters(100)
    harness.true(packets > 4 and counted > 2 * size, f"{packets} packets, {counted} bytes")
    net.firewall.load("""
        100 deny tcp from any to any 5555 tcpdatalen 1000-65535 layer2
        65000 allow ip from any to any""")
    with traffic.tcp_sink(net.server, 5555) as served, traffic.tcp_socket(net.client, SERVER.host4) as client:
        client.settimeout(5)
        client.connect((SERVER.host4, 5555))
        client.send(bytes(8000))
        harness.true(not traffic.wait_for(lambda: served.bytes, patience=traffic.PATIENCE), "data got through")
    harness.true(net.firewall.packets(100) > 0, "nothing was denied")


# What test_add_rule.py adds, and how it is listed. Tables, states and what hands packets to other parts are not here.
_ADDED = {
    "200 allow ip from any to any": "allow ip from any to any",
    "allow ip from { 1.2.3.4 or 2.3.4.5 } to any": "allow ip from { 1.2.3.4 or 2.3.4.5 } to any",
    "allow ip from any to 1.2.3.4 // test comment": "allow ip from any to 1.2.3.4 // test comment",
    "tcp-setmss 123 ip from any to 1.2.3.4": "tcp-setmss 123 ip from any to 1.2.3.4",
    "// test comment": "count // test comment",
    "prob 0.7 allow ip from any to any": "prob 0.700000 allow ip from any to any",
    "allow tcp from any to any": "allow tcp from any to any",
    "allow ip from any 57 to any": "allow ip from any 57 to any",
    "allow ip from any to any 57": "allow ip from any to any 57",
    "allow ip from any 57-59 to any": "allow ip from any 57-59 to any",
    "allow ip from any to any 57-59": "allow ip from any to any 57-59",
    "allow ip from any 57-59,41 to any": "allow ip from any 57-59,41 to any",
    "allow ip from any to any 57-59,41": "allow ip from any to any 57-59,41",
    **{f"{action} ip from any to any": f"{listed} ip from any to any" for action, listed in {
        "allow": "allow", "accept": "allow", "abort": "abort", "abort6": "abort6", "deny": "deny", "reject": "reject",
        "reset": "reset", "reset6": "reset6", "unreach port": "unreach port", "unreach needfrag": "unreach needfrag",
        "unreach needfrag 1420": "unreach needfrag 1420", "unreach6 port": "unreach6 port", "count": "count",
        "skipto 42": "skipto 42", "call 420": "call 420", "setfib 1": "setfib 1", "setdscp 42": "setdscp 42",
        "return": "return"}.items()},
}


def test_add_rule(net):
    for text, listed in _ADDED.items():
        harness.equal(net.firewall(f"-n add {text}").split(" ", 1)[1].rstrip("\n"), listed, text)
    net.firewall.run("-q", "/dev/stdin", stdin="".join(f"add {text}\n" for text in _ADDED))
    bodies = [line.split(" ", 1)[1] for line in net.firewall.listing()[:-1]]
    harness.equal(sorted(bodies), sorted(_ADDED.values()))
