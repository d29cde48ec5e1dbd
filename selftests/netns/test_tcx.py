# SPDX-License-Identifier: GPL-2.0-only
"""TC entries by TCX, where the kernel has it: first of all programs, put right, and taking over from clsact."""
import contextlib
import multiprocessing
import os
import tempfile
import time

import bpf_calls
import firewall
import harness
import modes
import namespaces
import traffic
from blast import Receiver, blast
from network import CLIENT, SERVER

_OPEN = "65000 allow ip from any to any"
_HIDE = {"LD_PRELOAD": os.path.join(firewall.BUILD, "fault", "no_tcx.so")}
_INTERFACES = ("lo", "west0", "east0")
_ALLOWED, _DENIED = 5000, 5001


def require(net):
    """Skips the test where the kernel has no TCX."""
    try:
        bpf_calls.tcx_programs(net.gateway, "lo", "egress")
    except OSError as error:
        raise harness.Skip("this kernel has no TCX") from error


def _programs(net, interface="east0", direction="egress"):
    return bpf_calls.tcx_programs(net.gateway, interface, direction)


def _filters(net, interface="east0", direction="egress"):
    """Lines of the filters of ours on clsact."""
    shown = net.gateway.run("tc", "filter", "show", "dev", interface, direction).stdout
    return [line for line in shown.splitlines() if "0x69706677" in line]


def _qdiscs(net):
    return net.gateway.run("tc", "qdisc", "show").stdout


def _shown(net, environment=None):
    """What `status` says of each interface."""
    lines = net.firewall.run("status", environment=environment).stdout.splitlines()
    return {line.split()[0]: line for line in lines if " in: " in line}


def _by_clsact(net, rules):
    """Loads rules as on a kernel that has no TCX."""
    net.firewall.load(rules, environment=_HIDE)
    harness.true(_filters(net), "TCX is not hidden")


def _denied(net, port):
    """Whether datagrams of the client's to the server's port do not arrive."""
    with traffic.udp_server(net.server, port):
        return traffic.udp_exchange(net.client, SERVER.host4, port) == "timeout"


def test_first_and_alone(net):
    """Ours come before a program that lets everything through, which stays; `down` takes ours only."""
    require(net)
    foreign = {direction: bpf_calls.tcx_accept_first(net.gateway, "east0", direction) for direction in ("egress", "ingress")}
    net.firewall.load("100 deny udp from any to any 7 out\n" + _OPEN)
    harness.equal(_programs(net)[1:], [foreign["egress"]], "programs behind ours")
    harness.equal(_programs(net, direction="ingress"), [foreign["ingress"]], "programs on input, where no rule needs one")
    harness.true(_denied(net, 7), "the rule for outgoing packets does nothing")
    harness.equal(net.firewall.packets(100), 1)
    harness.true("clsact" not in _qdiscs(net), "clsact beside TCX")
    net.firewall("down")
    harness.equal(_programs(net), [foreign["egress"]], "programs that `down` left")
    harness.equal(_programs(net, "west0"), [], "programs that `down` left")


def test_taken_off_by_somebody(net):
    """Status tells, and the next change of the rules puts it right."""
    require(net)
    net.firewall.load("100 deny udp from any to any 7 out\n" + _OPEN)
    program, = _programs(net)
    bpf_calls.tcx_detach(net.gateway, "east0", "egress", program)
    shown = _shown(net)
    harness.contains(shown["east0"], "not filtered on output")
    harness.true("not filtered" not in shown["west0"], shown["west0"])
    net.firewall("-q add 50 count ip from any to any")
    harness.equal(len(_programs(net)), 1)
    harness.true(_denied(net, 7), "the rule for outgoing packets does nothing")
    harness.true("not filtered" not in net.firewall("status"), "status")


def test_input_taken_off_by_somebody(net):
    """Likewise where the rules run at TC ingress, and where an entry there does what XDP cannot."""
    require(net)
    with modes.occupied(net.gateway, "west0"):
        net.firewall.load("100 deny udp from any to any 7 in\n200 reset tcp from any to any 7 in\n" + _OPEN)
        for interface in ("west0", "east0"):
            program, = _programs(net, interface, "ingress")
            bpf_calls.tcx_detach(net.gateway, interface, "ingress", program)
        shown = _shown(net)
        harness.contains(shown["west0"], "not filtered on input:")
        harness.contains(shown["east0"], "replies and marks by TC ingress, which somebody took off")
        harness.true("not filtered" not in shown["east0"], shown["east0"])
        asked = f"explain in recv west0 udp {CLIENT.host4}:1 to {SERVER.host4}:7"
        harness.contains(net.firewall(asked), "somebody has taken the firewall's TC entry off")
        bpf_calls.tcx_detach(net.gateway, "west0", "egress", _programs(net, "west0")[0])
        harness.contains(_shown(net)["west0"], "not filtered on input and output:")
        net.firewall("-q add 50 count ip from any to any")
        harness.true(_denied(net, 7), "the rule for incoming packets does nothing")
        harness.equal(traffic.tcp_connect(net.server, CLIENT.host4, 7), "refused", "no reply")
        harness.true("took" not in net.firewall("status") and "taken" not in net.firewall(asked), "it is still said")


def test_filters_taken_off_by_somebody(net):
    """The same by clsact."""
    with modes.occupied(net.gateway, "west0"):
        _by_clsact(net, "100 deny udp from any to any 7 in\n" + _OPEN)
        for side, said in (("ingress", "input"), ("egress", "input and output")):
            net.gateway.run("tc", "filter", "del", "dev", "west0", side)
            harness.contains(_shown(net, _HIDE)["west0"], f"not filtered on {said}:")
        net.firewall.run("-q", "add", "50", "count", "ip", "from", "any", "to", "any", environment=_HIDE)
        harness.true("not filtered" not in _shown(net, _HIDE)["west0"], "it is still said")
        harness.true(_denied(net, 7), "the rule for incoming packets does nothing")


def test_interface_comes_back(net):
    """With the interface go its programs; one of the same name and index gets them with the next change."""
    require(net)
    net.firewall.load("100 deny udp from any to any 7 out\n" + _OPEN)
    net.gateway.ip("link delete east0")
    net.gateway.ip(f"link add dev east0 index {SERVER.index} address {SERVER.firewall_mac} type veth "
                   f"peer name eth0 address {SERVER.host_mac} netns {net.server.name}")
    net.configure_link(net.server, SERVER)
    harness.equal(_programs(net), [])
    net.firewall("-q add 50 count ip from any to any")
    harness.equal(len(_programs(net)), 1)
    harness.true(_denied(net, 7), "the rule for outgoing packets does nothing")


def test_interface_moves_to_another_namespace(net):
    """It takes its programs along; those of the firewall there take their place."""
    require(net)
    net.gateway.ip("link add dev new0 type veth peer name new1", "link set new0 up", "link set new1 up")
    net.firewall.load(_OPEN)
    before = _programs(net, "new0")
    net.gateway.ip(f"link set new0 netns {net.server.name}")
    there = firewall.Firewall(net.server)
    try:
        there.load(_OPEN)
        now = bpf_calls.tcx_programs(net.server, "new0", "egress")
        harness.equal((len(before), len(now)), (1, 1))
        harness.true(now != before, "the entry of the firewall that the interface has left")
        there("down")
        harness.equal(bpf_calls.tcx_programs(net.server, "new0", "egress"), [])
    finally:
        there.down()


def test_takes_over_from_clsact(net):
    """With the filters goes the qdisc that was made for them, but not one that somebody else uses."""
    require(net)
    with modes.occupied(net.gateway, "west0"):
        _by_clsact(net, "100 deny udp from any to any 7 out\n110 deny udp from any to any 8 in\n" + _OPEN)
        net.gateway.run("tc", "filter", "add", "dev", "east0", "egress", "pref", "9", "bpf", "bytecode", "1,6 0 0 0")
        harness.equal([len(_filters(net, *side)) for side in (("east0", "egress"), ("west0", "ingress"))], [1, 1])
        net.firewall("-q add 50 count ip from any to any")
        for side in (("east0", "egress"), ("west0", "egress"), ("west0", "ingress")):
            harness.equal((len(_programs(net, *side)), _filters(net, *side)), (1, []), f"programs and filters of {side}")
        harness.true("dev west0" not in "".join(line for line in _qdiscs(net).splitlines() if "clsact" in line),
                     "an empty clsact qdisc is left")
        harness.contains(net.gateway.run("tc", "filter", "show", "dev", "east0", "egress").stdout, "pref 9 bpf")
        harness.true(_denied(net, 7) and _denied(net, 8), "a rule does nothing")
        harness.equal([net.firewall.packets(number) for number in (100, 110)], [1, 1])
        net.firewall("down")


def test_down_removes_both(net):
    """A process that was killed between attaching to TCX and removing the filter leaves both."""
    require(net)
    net.firewall.load(_OPEN)
    _by_clsact(net, _OPEN)
    harness.equal((len(_programs(net)), len(_filters(net))), (1, 1))
    net.firewall("down")
    harness.equal((_programs(net), _filters(net)), ([], []))
    harness.true("clsact" not in _qdiscs(net), "the qdisc is left")


@contextlib.contextmanager
def _traffic(net, rate):
    """Datagrams to both ports; on leaving, none to the denied one has arrived."""
    receivers = [Receiver(net.server, port) for port in (_ALLOWED, _DENIED)]
    stop, sent = multiprocessing.Event(), multiprocessing.Value("q", 0)
    sender = multiprocessing.Process(target=blast, args=(net.client, CLIENT.host4, SERVER.host4, (_ALLOWED, _DENIED), rate,
                                                         stop, sent), daemon=True)
    sender.start()
    try:
        time.sleep(0.2)
        yield
        time.sleep(0.2)
    finally:
        stop.set()
        sender.join()
    harness.equal([receiver.stop() > 0 for receiver in receivers], [True, False], "whether packets arrived")


@harness.alone
@harness.time_limit(120)
@harness.no_second_try
def test_takes_over_under_traffic(net):
    """No packet falls between the two, and none meets the rules twice: what came in goes out, and is counted as often."""
    require(net)
    rules = (f"100 count udp from any to any {_ALLOWED} in recv west0\n200 count udp from any to any {_ALLOWED} out xmit east0\n"
             f"300 count udp from any to any {_DENIED} in recv west0\n400 deny udp from any to any {_DENIED} out\n" + _OPEN)
    _by_clsact(net, rules)
    rounds = 3 if namespaces.in_virtual_machine() else 15
    with _traffic(net, 1000 if namespaces.in_virtual_machine() else 16000):
        for number in range(rounds):
            net.firewall(f"-q add {1000 + number} count tcp from any to any 9")
            harness.equal((len(_programs(net)), _filters(net)), (1, []))
            net.firewall(f"-q add {2000 + number} count tcp from any to any 9", environment=_HIDE)
            harness.equal((len(_programs(net)), len(_filters(net))), (1, 1))
            for interface in _INTERFACES:
                program, = _programs(net, interface)
                bpf_calls.tcx_detach(net.gateway, interface, "egress", program)
    counts = [net.firewall.packets(number) for number in (100, 200, 300, 400)]
    print(f"# {2 * rounds} changes from one to the other: {counts}", flush=True)
    harness.true(counts[0] > 1000, "hardly any traffic")
    harness.equal(counts[1::2], counts[::2], "packets counted going out, and coming in")


@harness.time_limit(60)
def test_killed_while_taking_over(net):
    """At each bpf() call: the rules are in force all the time, and the next command completes it."""
    require(net)
    rules = "100 deny udp from any to any 7 out\n" + _OPEN
    library = os.path.join(firewall.BUILD, "fault", "bpf_fault.so")
    command = ("-q", "add", "50", "count", "udp", "from", "any", "to", "any", "7", "out")
    with tempfile.NamedTemporaryFile(prefix="ifb-") as log:
        _by_clsact(net, rules)
        net.firewall.run(*command, environment={"LD_PRELOAD": library, "FAULT_LOG": log.name})
        calls = [int(line) for line in log.read().split()]
    attaching = [number for number, call in enumerate(calls, 1) if call in (bpf_calls.PROG_ATTACH, bpf_calls.PROG_QUERY)]
    harness.true(len(attaching) > 5, f"{len(attaching)} calls that look or attach")
    for number in attaching:
        net.firewall("down")
        _by_clsact(net, rules)
        result = net.firewall.run(*command, status=None,
                                  environment={"LD_PRELOAD": library, "FAULT_AT": str(number), "FAULT_KILL": "1"})
        harness.equal(result.returncode, -9, "the command was not killed")
        harness.equal(traffic.udp_exchange(net.client, SERVER.host4, 7), "timeout", f"killed at call {number}")
        harness.equal(net.firewall.packets(100), 1, f"killed at call {number}: packets counted")
        net.firewall.run(*command)
        harness.equal((len(_programs(net)), _filters(net)), (1, []), f"killed at call {number}")
        harness.equal(traffic.udp_exchange(net.client, SERVER.host4, 7), "timeout", f"killed at call {number}")
        harness.equal(net.firewall.packets(50), 1, f"killed at call {number}: packets counted")
