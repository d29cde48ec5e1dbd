# SPDX-License-Identifier: GPL-2.0-only
"""The rules do the same whichever hook an interface lets them run at: native XDP, generic XDP, TC ingress."""
import contextlib
import json
import os

import harness
import modes
import pins
import traffic
import wire
from network import CLIENT, SERVER

_RULES = """
100 deny udp from any to any 1 in
110 unreach port udp from any to any 2 in
120 unreach6 port udp from any to any 3 in
130 reset tcp from any to any 80 in
140 reset6 tcp from any to any 81 in
150 count udp from any to any 9 in recv west0
160 count udp from any to me 9 in
200 deny udp from any to any 4 out
210 unreach port udp from any to any 5 out
220 reset tcp from any to any 82 out
65000 allow ip from any to any
"""


_FRAME_RULES = f"""
100 count icmp from any to any icmptypes 8 in MAC {CLIENT.firewall_mac} {CLIENT.host_mac}
110 count icmp from any to any icmptypes 8 in not layer2
120 deny udp from any to any 9 in layer2
130 count in layer2 mac-type 0x88cc
65000 allow ip from any to any
"""


def _frames_meet_the_rules(net):
    net.firewall("-q sysctl net.link.ether.ipfw=1")
    net.firewall.load(_FRAME_RULES)
    macs = bytes.fromhex((CLIENT.firewall_mac + CLIENT.host_mac).replace(":", ""))
    wire.send(net.client, "eth0", macs + bytes.fromhex("88cc") + bytes(46))
    harness.true(traffic.ping(net.client, SERVER.host4), "no answer")
    with traffic.udp_server(net.server, 9):
        harness.equal(traffic.udp_exchange(net.client, SERVER.host4, 9), "timeout")
    harness.equal([net.firewall.packets(number) for number in (100, 110, 120, 130)], [1] * 4)


def _connect(net, address, port):
    """
    tcp_connect() from the client. In IPv6 `reset` answers with an administrative prohibition: a socket takes no notice of
    it while connect() runs, and most answers come that early; from then on the connection ends with EACCES.
    """
    outcome = traffic.tcp_connect(net.client, address, port)
    return "prohibited" if ":" in address and outcome in ("timeout", "eacces") else outcome


def _everything_works(net, mode):
    net.firewall.load(_RULES)
    hooks = [line for line in net.firewall("status").splitlines() if line.split()[:1] == ["west0"]]
    harness.true(len(hooks) == 1 and mode in hooks[0], f"status shows {hooks} instead of {mode}")
    udp = {SERVER.host4: ["timeout", "refused", "timeout", "timeout", "refused", "ok"],
           SERVER.host6: ["timeout", "refused", "refused", "timeout", "refused", "ok"],
           CLIENT.firewall4: ["timeout", "refused", "timeout", "ok", "ok", "ok"],
           CLIENT.firewall6: ["timeout", "refused", "refused", "ok", "ok", "ok"]}
    tcp = {SERVER.host4: ["refused", "timeout", "refused", "ok"], SERVER.host6: ["prohibited", "refused", "prohibited", "ok"],
           CLIENT.firewall4: ["refused", "timeout", "ok", "ok"], CLIENT.firewall6: ["prohibited", "refused", "ok", "ok"]}
    with contextlib.ExitStack() as stack:
        for namespace in (net.server, net.gateway):
            stack.enter_context(traffic.udp_server(namespace, 1, 2, 3, 4, 5, 9))
            stack.enter_context(traffic.tcp_server(namespace, 80, 81, 82, 83))
        for address, expected in udp.items():
            outcomes = [traffic.udp_exchange(net.client, address, port) for port in (1, 2, 3, 4, 5, 9)]
            harness.equal(outcomes, expected, f"UDP to {address}")
        for address, expected in tcp.items():
            outcomes = [_connect(net, address, port) for port in (80, 81, 82, 83)]
            harness.equal(outcomes, expected, f"TCP to {address}")
    harness.equal([net.firewall.packets(number) for number in (150, 160)], [4, 2])
    _frames_meet_the_rules(net)


def test_vlan_device_in_front_of_its_parent(net):
    """Whichever index is lower: the kernel changes nothing below a device that has XDP."""
    net.gateway.ip("link add high0 index 90 type veth peer name high1", "link set high0 up", "link set high1 up")
    try:
        net.gateway.ip("link add link high0 name high0.7 type vlan id 7", "link set high0.7 up",
                       "link add link high0.7 name high0.7.8 type vlan id 8", "link set high0.7.8 up")
    except OSError as error:
        raise harness.Skip("this kernel has no VLAN devices") from error
    net.firewall.load("65000 allow ip from any to any")
    hooks = {line.split()[0]: line for line in net.firewall("status").splitlines() if " in: " in line}
    harness.contains(hooks["high0"], "XDP native")
    for name in ("high0.7", "high0.7.8"):
        harness.contains(hooks[name], "XDP generic")
    net.firewall("down")


@harness.time_limit(60)
def test_native(net):
    _everything_works(net, "XDP native")


@harness.time_limit(60)
def test_generic(net):
    modes.make_generic(net)
    _everything_works(net, "XDP generic")


@harness.time_limit(60)
def test_tc_ingress(net):
    with modes.occupied(net.gateway, "west0"):
        _everything_works(net, "TC ingress")


def _addressed_anew(net, mode):
    """The rules hold for an interface that has got another link address since the commit."""
    net.firewall.load("100 deny udp from any to any 7 in recv west0\n65000 allow ip from any to any")
    hooks = [line for line in net.firewall("status").splitlines() if line.split()[:1] == ["west0"]]
    harness.true(len(hooks) == 1 and mode in hooks[0], f"status shows {hooks} instead of {mode}")
    net.gateway.ip("link set west0 address 02:00:00:00:01:77")
    net.client.ip(*[f"neigh replace {address} lladdr 02:00:00:00:01:77 dev eth0 nud permanent"
                    for address in (CLIENT.firewall4, CLIENT.firewall6)])
    with traffic.udp_server(net.server, 7, 8), traffic.udp_server(net.gateway, 7):
        for address in (SERVER.host4, SERVER.host6, CLIENT.firewall4, CLIENT.firewall6):
            harness.equal(traffic.udp_exchange(net.client, address, 7), "timeout", address)
        harness.equal(traffic.udp_exchange(net.client, SERVER.host4, 8), "ok")
    harness.equal(net.firewall.packets(100), 4, "packets refused")
    wire.send(net.client, "eth0", bytes.fromhex("020000000178") + bytes(6) + bytes.fromhex("0800") + bytes(46))
    harness.equal(net.firewall.packets(100), 4, "packets refused, with one for another host")


def test_addressed_anew_native(net):
    _addressed_anew(net, "XDP native")


def test_addressed_anew_generic(net):
    modes.make_generic(net)
    _addressed_anew(net, "XDP generic")


def test_addressed_anew_tc(net):
    with modes.occupied(net.gateway, "west0"):
        _addressed_anew(net, "TC ingress")


def _has_constants(net, program):
    """Whether a ruleset's program has been told what its rules need."""
    path, = [path for path in pins.files(net.gateway.cookie()) if os.path.basename(path) == program]
    shown = json.loads(net.gateway.run("bpftool", "-j", "prog", "show", "pinned", path).stdout)
    maps = [json.loads(net.gateway.run("bpftool", "-j", "map", "show", "id", str(number)).stdout)["name"]
            for number in shown["map_ids"]]
    return any(name.startswith(".rodata.needs") for name in maps)


def test_plain_rulesets_have_their_own_programs(net):
    for rule, plain in (("deny tcp from 198.51.100.0/24 to any 25", True), ("deny ip from any to any iplen 40", False)):
        net.firewall.load(f"100 {rule}\n65000 allow ip from any to any\n")
        for program in ("xdp_ruleset", "tc_egress_ruleset"):
            harness.equal(_has_constants(net, program), not plain, f"{program}: {rule}")
        harness.true(traffic.ping(net.client, SERVER.host4), "no answer")
