# SPDX-License-Identifier: GPL-2.0-only
"""Many rules: what must load does, what cannot load is said so in plain words and changes nothing."""
import os
import tempfile

import firewall
import harness
import modes
import namespaces
import traffic
from network import SERVER


def _rules(count):
    """So many rules of five tests, and one more that lets pings through."""
    lines = [f"{1 + index * 60000 // count} deny tcp from {10 + index // 65536}.{index // 256 % 256}.{index % 256}.0/24 "
             f"1024-65535 to 172.16.0.0/12 80" for index in range(count)]
    return "\n".join([*lines, "65000 allow icmp from any to any"])


@harness.time_limit(60)
def test_ten_thousand_rules(net):
    net.firewall.load(_rules(10000))
    harness.equal(len(net.firewall.listing()), 10002)
    harness.true(traffic.ping(net.client, SERVER.host4), "the last of 10,000 rules does not match")
    # the request and the reply, each in and out
    harness.equal(net.firewall.packets(65000), 4)


@harness.time_limit(60)
def test_too_many_rules_are_refused_in_plain_words(net):
    if namespaces.in_virtual_machine():
        raise harness.Skip("the emulated verifier takes minutes to give up; tested on the machine itself")
    net.firewall.load("100 allow icmp from any to any")
    # Rules like these can be looked up; as code they are too many.
    result = net.firewall.load(_rules(120000), "--no-optimize", status=69)
    harness.contains(result.stderr, "the ruleset is too large")
    harness.true("EFAULT" not in result.stderr and "Bad address" not in result.stderr, result.stderr)
    harness.equal(net.firewall.bodies(), {100: ["allow icmp from any to any"]})
    harness.true(traffic.ping(net.client, SERVER.host4), "the old ruleset is not in force")


# Each test and action that calls a function of its own, and tables of each kind.
_EVERYTHING = """
    table t create type addr valtype skipto,tag,fib,dscp,limit
    table p create type flow:proto,dst-port
    table i create type iface
    table n create type number
    add 1 count log ip from any to any
    add 2 check-state :any
    add 3 call 600 tcp from any to any 80 in
    add 4 reset log tcp from any to any 7
    add 5 unreach host ip from any to 10.0.0.1
    add 6 setdscp ef ip from any to 10.0.0.2
    add 7 tcp-setmss 1400 tcp from any to 10.0.0.1 setup
    add 8 setfib 1 ip from any to 10.0.0.2
    add 9 count tag 7 ip from any to any uid 0
    add 10 count tag tablearg ip from table(t) to any
    add 11 count ip from any to any jail a/b
    add 12 count ip from any to any verrevpath
    add 13 count ip from any to any antispoof
    add 14 count ip from any to any ipsec
    add 15 allow log ip from table(t) to any keep-state
    add 16 allow ip from any to any flow table(p) limit src-addr 3
    add 17 count ip from any to any tagged 7 in
    add 18 count ip6 from any to any ext6hdr frag
    add 19 count tcp from any to any tcpoptions mss
    add 20 count ip from any to any sockarg
    add 21 prob 0.5 count ip from any to any via table(i)
    add 22 skipto tablearg ip from any to table(t)
    add 23 unreach6 port ip6 from any to any 9
    add 24 count ip from any to any lookup uid n
    add 64000 return ip from any to any"""


@harness.time_limit(120)
def test_everything_at_once(net):
    """Calls within calls, and their stack, are what the kernel allows: at XDP and at TC, rules looked up and as code."""
    rules = [line.strip() for line in _EVERYTHING.strip().splitlines()]
    for index in range(100):
        test = (f"from 10.{index % 7}.{index}.0/{24 + index % 8} to any {index * 3 + 1}", f"from any to 10.0.0.1 {index + 1} setup")
        for number, action, state in ((100, "allow", ""), (300, "deny log", ""), (500, "reset", ""), (600, "count tag 7", ""),
                                      (700, "call 63000", ""), (1000, "allow log", " keep-state"),
                                      (1200, "count", " limit src-addr 9"), (1400, "tcp-setmss 1400", "")):
            rules.append(f"add {number + index} {action} tcp {test[number // 100 % 2]}{state}")
    with modes.occupied(net.gateway, "west0"):
        for options, environment in (((), None), ((), {"IPFW_BPF_CLASSIFY_FROM": "1"}), (("--no-optimize",), None)):
            net.firewall.run("-q", "-f", "flush")
            net.firewall.run("-q", *options, "/dev/stdin", stdin="\n".join(rules[4 if options or environment else 0:]) + "\n",
                             environment=environment)
            harness.contains(net.firewall("status"), "tc_ingress_ruleset")
            harness.equal(len(net.firewall.listing()), len(rules) - 4 + 1)


def test_descriptors_have_room_before_threads_share_them(net):
    # The kernel enlarges a shared table only after a grace period of RCU, which every commit would wait for.
    net.firewall.load("100 allow icmp from any to any")
    library = os.path.join(firewall.BUILD, "fault", "table_size.so")
    with tempfile.NamedTemporaryFile("r", prefix="ifb-", encoding="ascii") as log:
        # A shell forks: its child's table is as small as can be, whatever this process has open.
        rule = "count log udp from any to any uid 0 jail a/b verrevpath keep-state"
        result = net.gateway.run("sh", "-c", f"{firewall.TOOL} -q add 200 {rule}; exit $?",
                                 env={**os.environ, "LD_PRELOAD": library, "FAULT_LOG": log.name})
        harness.equal(result.returncode, 0, result.stderr)
        noted = [line.split() for line in log]
    begins, ends = ([int(size) for when, size in noted if when == which] for which in ("begin", "end"))
    harness.true(begins and len(begins) == len(ends), f"no threads: {noted}")
    harness.equal(set(begins), set(ends), "sizes of the table of descriptors while there are threads")


_BTF_LOAD = 18                  # enum bpf_cmd
_QUESTIONS, _OBJECTS = 8, 3     # of libbpf about types; features.bpf.o and two programs


def test_libbpf_asks_the_kernel_once(net):
    # Two programs are loaded side by side. Unless somebody has asked before, libbpf does for each of them.
    net.firewall.load("100 allow icmp from any to any")
    counts = []
    for number in range(200, 205):
        with tempfile.NamedTemporaryFile("r", prefix="ifb-", encoding="ascii") as log:
            net.firewall(f"-q add {number} count ip from any to any", environment={
                "LD_PRELOAD": os.path.join(firewall.BUILD, "fault", "bpf_fault.so"), "FAULT_LOG": log.name})
            counts.append([int(line) for line in log].count(_BTF_LOAD))
    # The thread that asks may be late on a machine that has other things to do, but not always.
    harness.equal(min(counts), _QUESTIONS + _OBJECTS, f"how often types are loaded: {counts}")
