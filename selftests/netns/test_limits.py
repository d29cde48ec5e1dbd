# SPDX-License-Identifier: GPL-2.0-only
"""Many rules: what must load does, what cannot load is said so in plain words and changes nothing."""
import os
import tempfile

import firewall
import harness
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
