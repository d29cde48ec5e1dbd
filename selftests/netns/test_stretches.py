# SPDX-License-Identifier: GPL-2.0-only
"""Rules that are looked up do to packets what they do as straight-line code, and `status -v' tells which are."""
import collections
import re
import time

import frames
import harness
import traffic
from frames import IP, TCP, UDP, Ether, IPv6
from network import CLIENT, SERVER

_OPEN = "65000 allow ip from any to any"
_RULES = 400

# From one: the costs are not asked.
_LOOKED_UP = {"IPFW_BPF_CLASSIFY_FROM": "1"}


def _ruleset():
    """Rules for many ports of the server, of which some count, skip, call and log, and some look at TCP flags."""
    lines = []
    for port in range(1, _RULES + 1):
        number = 100 + 10 * port
        kind = port % 8
        action = {0: "count log logamount 1000", 1: f"skipto {number + 15}", 2: "call 60000", 3: "deny"}.get(kind, "count")
        tail = {4: " setup", 5: " not tcpflags ack"}.get(kind, "")
        protocol = "tcp" if tail else "{ tcp or udp }"
        lines.append(f"{number} {action} {protocol} from any to {{ {SERVER.prefix4()} or {SERVER.prefix6()} }} {port} in{tail}")
    lines.append("58000 count { tcp or udp } from any 40000 to any in")
    lines.append("59000 allow ip from any to any")
    lines.append(f"60000 count udp from {CLIENT.host4} to {SERVER.host4} 1-65535")
    lines.append("60010 return ip from any to any")
    return "\n".join(lines + [_OPEN])


def _alike():
    """Rules that differ in a port only, one of which calls and one of which looks at TCP flags."""
    lines = [f"{99 + port} {'allow' if port % 3 else 'count' if port % 2 else 'skipto 58000'} tcp from any to any {port} in"
             for port in range(1, _RULES + 1)]
    return "\n".join(lines + ["900 count log tcp from any to any 7 in", "901 count tcp from any to any 9 in setup",
                              "902 deny tcp from any to any 9,15 in",
                              "58000 count ip from any to any in", _OPEN])


def _stateful():
    """Likewise, most with states, some behind a question that is asked early, some with a name of their own."""
    shapes = ("allow {} keep-state{}", "count {} keep-state{}", "count {} record-state{}", "deny {} keep-state{}",
              "allow log logamount 1000 {} limit src-addr 3{}", "skipto 58000 {} setup keep-state{}", "deny {}",
              "count {} keep-state{} defer-action")
    # what is reset is forgotten after a time that depends on the machine
    lines = ["50 deny tcp from any to any tcpflags rst"]
    for port in range(1, _RULES + 1):
        body = f"{{ tcp or udp }} from any to any {port} in"
        name = " :late" if port > _RULES // 2 else ""
        lines.append(f"{100 + 10 * port} {shapes[port % len(shapes)].format(body, name)}")
    return "\n".join(lines + ["58000 count ip from any to any", _OPEN])


def _send(net, flags="A"):
    """One packet of each kind to each port, TCP over IPv6 with these flags."""
    ether = Ether(src=CLIENT.host_mac, dst=CLIENT.firewall_mac)
    four, six = IP(src=CLIENT.host4, dst=SERVER.host4), IPv6(src=CLIENT.host6, dst=SERVER.host6)
    packets = []
    for port in range(1, _RULES + 1):
        packets += [ether / four / UDP(sport=40000, dport=port), ether / four / TCP(sport=40000, dport=port, flags="S"),
                    ether / six / TCP(sport=40000, dport=port, flags=flags)]
    frames.send(net.client, "eth0", *packets)
    return len(packets)


def _counted(net, environment, *options):
    """{number: packets} of all rules after the packets, with the rules compiled so."""
    net.firewall.run("-q", "-f", "flush")
    net.firewall.load(_ruleset(), *options, environment=environment)
    sent = _send(net)
    denied = 3 * (_RULES // 8)
    harness.true(traffic.wait_for(lambda: net.firewall.packets(58000) == sent - denied), "packets are missing")
    # Behind it come answers as well.
    return {rule.number: rule.packets for rule in net.firewall.show() if rule.number < 59000}, _records(net)


def _records(net):
    """What has been logged since the last time, and how often."""
    return collections.Counter(net.firewall("monitor -n").splitlines())


def _forms(net):
    """What `status -v' says of the rules of the program for incoming packets."""
    text = net.firewall.run("status", "-v").stdout
    return re.search(r"^rules in xdp_ruleset:\n((?:  .*\n)+)", text, re.MULTILINE).group(1)


@harness.time_limit(120)
def test_both_forms_do_the_same(net):
    looked_up = _counted(net, _LOOKED_UP)
    harness.contains(_forms(net), "looked up")
    code = _counted(net, None, "--no-optimize")
    harness.contains(_forms(net), "code: --no-optimize")
    harness.true("looked up" not in _forms(net), "--no-optimize does not hold")
    harness.equal(looked_up, code)
    counts, records = looked_up
    harness.equal((counts[130], counts[140]), (3, 1))
    # Each rule that logs has the same code.
    harness.equal({record.split()[1] for record in records}, {str(100 + 10 * port) for port in range(8, _RULES + 1, 8)})
    harness.equal(set(records.values()), {1})


@harness.time_limit(120)
def test_rules_that_are_alike_are_looked_up_by_hash(net):
    counted = []
    for options, environment, form in (((), {"IPFW_BPF_EXACT_FROM": "1"}, "looked up by hash: 2 tables"),
                                       (("--no-optimize",), None, "code: --no-optimize")):
        net.firewall.run("-q", "-f", "flush")
        net.firewall.load(_alike(), *options, environment=environment)
        harness.contains(_forms(net), form)
        sent = _send(net)
        harness.true(traffic.wait_for(lambda: net.firewall.packets(58000) >= sent // 3), "packets are missing")
        counted.append({rule.number: rule.packets for rule in net.firewall.show() if rule.number < 58000})
    harness.equal(*counted)
    harness.equal([counted[0][number] for number in (100, 102, 105, 900, 901, 902)], [2, 2, 2, 0, 1, 4])


@harness.time_limit(60)
def test_more_stretches_than_the_kernel_takes(net):
    """Rules that are code part them, each a function of its own: 256 functions are refused, so short stretches are code."""
    def groups(count, long):
        lines = []
        for group in range(count):
            lines += [f"{100 + 2 * group} deny udp from 10.{group}.0.0/24 to any {port}" for port in (7, 8)]
            lines.append(f"{101 + 2 * group} tcp-setmss 1400 tcp from any to 10.{group}.0.0/16 setup")
        lines += [f"{1000 + index} deny udp from {CLIENT.host4} to any {1000 + index}" for index in range(long)]
        return "\n".join([*lines, "20000 allow udp from any to any 9 in", _OPEN])

    scattered = "code: as stretches they would be too many"
    for count, long, forms in ((100, 300, {"looked up"}), (250, 0, {scattered}), (250, 300, {scattered, "looked up"})):
        net.firewall.load(groups(count, long), environment=_LOOKED_UP)
        net.firewall("-q zero")
        shown = _forms(net)
        harness.equal({form for form in ("looked up", scattered) if form in shown}, forms)
        frames.send(net.client, "eth0", *(Ether(src=CLIENT.host_mac, dst=CLIENT.firewall_mac) /
                                          IP(src=CLIENT.host4, dst=SERVER.host4) / UDP(sport=40000, dport=port)
                                          for port in (9, 1000 + long - 1)))
        for number in (20000, *[1000 + long - 1] * bool(long)):
            harness.true(traffic.wait_for(lambda one=number: net.firewall.packets(one) == 1), f"rule {number} is not met")


def _dynamic(net):
    """What stays the same of all dynamic rules, however long it takes."""
    return sorted((one.number, one.packets, one.bytes, one.kind, one.protocol, one.source, one.source_port,
                   one.destination, one.destination_port) for one in net.firewall.dynamic())


@harness.time_limit(240)
def test_rules_that_make_states_are_looked_up(net):
    """New flows and packets of known ones: counters and states are those of straight-line code."""
    seen = []
    net.firewall.sysctl(dyn_syn_lifetime=300, dyn_udp_lifetime=300)
    for options, environment in (((), _LOOKED_UP), ((), _LOOKED_UP | {"IPFW_BPF_EXACT_FROM": "1"}),
                                 (("--no-optimize",), None)):
        net.firewall.run("-q", "-f", "flush")
        net.firewall.load(_stateful(), *options, environment=environment)
        harness.equal("looked up" in _forms(net), not options)
        for _ in range(2):
            _send(net, flags="S")
            time.sleep(1)
        seen.append(({rule.number: rule.packets for rule in net.firewall.show() if rule.number < 58000}, _dynamic(net),
                     _records(net)))
    harness.true(len(seen[0][1]) > _RULES and len(seen[0][2]) > _RULES / 8, "states or records are missing")
    harness.equal(seen[0], seen[2])
    harness.equal(seen[1], seen[2])
    harness.equal([seen[0][0][100 + 10 * port] for port in (3, 6)], [6, 6])
    # known ones count on their way out, too
    harness.true(seen[0][0][100 + 10 * 8] > 6, "no packet of a known flow counts")
