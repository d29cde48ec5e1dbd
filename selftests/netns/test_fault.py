# SPDX-License-Identifier: GPL-2.0-only
"""Each bpf() call of a command refused in turn, and the process killed at each: what is in force is the
old ruleset or the new one, whole, by its listing and by what happens to packets; the next command works.

All calls are tried with FAULT_STRIDE=1, which takes minutes; otherwise every so many is refused, and the process killed
at as many others.
"""
import errno
import json
import os
import re
import subprocess
import tempfile

import firewall
import harness
import namespaces
import pins
import traffic
import wire
from network import SERVER

_LIBRARY = os.path.join(firewall.BUILD, "fault", "bpf_fault.so")

# Ports 7 and 8 are answered by the server; the rules of 7 work on input, those of 8 on output.
_CLOSED = ("100 unreach port log logamount 9 udp from any to any 7 in\n110 unreach port udp from any to any 8 out\n"
           "120 count udp from any to any uid 0 jail a/b verrevpath in\n65000 allow ip from any to any")
_OPEN = "200 count udp from any to any\n65000 allow ip from any to any"


# Only old rules with the old table p and new ones with the new p leave port 7 closed and port 8 open.
_TABLES = f"""table p destroy
table q destroy
table n destroy
table p create type number
table q create type number limit 5
table p add 7 1
table q add 8 1 9 1
100 unreach port udp from any to {SERVER.host4} lookup dst-port p
65000 allow ip from any to any"""
_TABLES_AND_RULES = f"""flush
table n create type addr
table n add 192.0.2.1 1 2001:db8::/32 2
table p swap q
table q destroy
add 100 allow udp from any to {SERVER.host4} lookup dst-port p
add 110 unreach port udp from any to {SERVER.host4}
add 65000 allow ip from any to any
"""


_FORWARDING = "net.inet.ip.fastforwarding"


class _Scenario:
    """A command, the states before and after it, and how to get back."""

    def __init__(self, net, prepare, arguments, stdin=""):
        self.net = net
        self._prepare = prepare
        self.arguments = arguments
        self.stdin = stdin
        prepare()
        self.old = self.state()
        self.calls = self._count_calls()
        self.new = self.state()
        harness.true(self.old != self.new, "the command changes nothing that this test can see")
        self.prepare()

    def state(self):
        """(listing, tables, answers from port 7 and 8, who forwards)."""
        answers = tuple(traffic.udp_exchange(self.net.client, SERVER.host4, port) for port in (7, 8))
        return self.net.firewall.listing(), self.tables(), answers, self.net.firewall(f"sysctl -n {_FORWARDING}")

    def tables(self):
        """What the tables hold and are like, whatever their indexes."""
        info = re.sub("kindex: [0-9]+", "", self.net.firewall("table all info"))
        listing = re.sub("timeout [0-9]+", "timeout", self.net.firewall("table all list"))
        return listing, re.sub(" references: [0-9]+", "", info)

    def has_tables(self):
        """Whether there are any before or after the command."""
        return any(self.old[1] + self.new[1])

    def contents(self):
        """How many tables have contents in the kernel."""
        pinned = pins.directory(self.net.gateway.cookie())
        count = 0
        for kind in ("address4", "interface", "number", "flow", "mac"):
            dump = subprocess.run(["bpftool", "-j", "map", "dump", "pinned", f"{pinned}/table_{kind}"], text=True,
                                  capture_output=True, check=False).stdout
            count += sum("value" in element for element in json.loads(dump))
        return count

    def prepare(self):
        """Puts the old state back."""
        self._prepare()
        harness.equal(self.state(), self.old, "the state before")

    def run(self, **environment):
        """Runs the command with the library preloaded."""
        return self.net.firewall.run(*self.arguments, stdin=self.stdin, status=None,
                                     environment={"LD_PRELOAD": _LIBRARY, **environment})

    def _count_calls(self):
        with tempfile.NamedTemporaryFile(prefix="ifb-") as log:
            result = self.run(FAULT_LOG=log.name)
            harness.equal(result.returncode, 0, result.stderr)
            with open(log.name, encoding="ascii") as lines:
                commands = lines.read().split()
        harness.true(len(commands) > 5, f"only {len(commands)} bpf() calls: the library has no effect")
        return commands


def _try(scenario, call, kill):
    command = scenario.calls[call - 1] if call <= len(scenario.calls) else "?"
    what = f"{'killed at' if kill else 'refused'} bpf() call {call} of {len(scenario.calls)} (command {command})"
    fault = {"FAULT_KILL": "1"} if kill else {"FAULT_ERRNO": str(errno.ENOMEM)}
    result = scenario.run(FAULT_AT=str(call), **fault)
    state = scenario.state()
    harness.true(state in (scenario.old, scenario.new), f"{what}: neither the old nor the new ruleset: {state}")
    if not kill:
        harness.true(result.returncode >= 0, f"{what}: died of signal {-result.returncode}")
        expected = scenario.new if result.returncode == 0 else scenario.old
        harness.equal(state, expected, f"{what}: exit {result.returncode}, {result.stderr.strip()!r}")
    after = scenario.net.firewall.run("add", "60000", "count", "ip", "from", "any", "to", "any", status=None)
    harness.equal((after.returncode, after.stderr), (0, ""), f"{what}: the next command")
    harness.true(any(line.startswith("60000 ") for line in scenario.net.firewall.listing()), f"{what}: the next add")
    harness.equal(scenario.tables(), state[1], f"{what}: the tables behind the next command")
    # To look into a map of maps takes Linux 6.1 a grace period for each of 4,096 slots.
    if scenario.has_tables() and not namespaces.in_virtual_machine():
        harness.equal(scenario.contents(), state[1][1].count("---\n"), f"{what}: contents of tables that are left over")
    return state == scenario.old


def _loop(scenario, calls=50):
    harness.true(os.path.exists(_LIBRARY), f"no {_LIBRARY}: run make")
    default = max(1, len(scenario.calls) // (5 if namespaces.in_virtual_machine() else calls))
    stride = int(os.environ.get("FAULT_STRIDE", default))
    outcomes = {True: 0, False: 0}
    for kill in (False, True):
        # Killed at other calls than those that are refused, so that more are tried.
        for call in range(1 + kill * (stride // 2), len(scenario.calls) + 1, stride):
            outcomes[_try(scenario, call, kill)] += 1
            scenario.prepare()
    print(f"# {len(scenario.calls)} bpf() calls, every {stride}.: old ruleset {outcomes[True]} times, "
          f"new {outcomes[False]} times", flush=True)


@harness.time_limit(600)
@harness.no_second_try
def test_first_load(net):
    with traffic.udp_server(net.server, 7, 8):
        _loop(_Scenario(net, lambda: net.firewall("down"), ("-q", "/dev/stdin"),
                        "".join(f"add {line}\n" for line in _CLOSED.splitlines())))


@harness.time_limit(600)
@harness.no_second_try
def test_add(net):
    with traffic.udp_server(net.server, 7, 8):
        _loop(_Scenario(net, lambda: net.firewall.load(_CLOSED),
                        ("-q", "add", "50", "allow", "udp", "from", "any", "to", "any")))


@harness.time_limit(600)
@harness.no_second_try
def test_file_load(net):
    with traffic.udp_server(net.server, 7, 8):
        _loop(_Scenario(net, lambda: net.firewall.load(_OPEN), ("-q", "/dev/stdin"),
                        "flush\n" + "".join(f"add {line}\n" for line in _CLOSED.splitlines())))


@harness.time_limit(600)
@harness.no_second_try
def test_tables_with_rules(net):
    with traffic.udp_server(net.server, 7, 8):
        _loop(_Scenario(net, lambda: net.firewall.load(_TABLES), ("-q", "/dev/stdin"), _TABLES_AND_RULES))


@harness.time_limit(600)
@harness.no_second_try
def test_tables_alone(net):
    with traffic.udp_server(net.server, 7, 8):
        _loop(_Scenario(net, lambda: net.firewall.load(_TABLES), ("-q", "/dev/stdin"),
                        "table n create\ntable p swap q\ntable q lock\ntable n add 192.0.2.1 1\n"))


@harness.time_limit(600)
@harness.no_second_try
def test_table_entry(net):
    with traffic.udp_server(net.server, 7, 8):
        _loop(_Scenario(net, lambda: net.firewall.load(_TABLES), ("-q", "table", "p", "add", "8")))


@harness.time_limit(600)
def test_table_entry_that_expires(net):
    """The entry is to be in another map than before."""
    rules = _TABLES.replace("type number", "counters").replace("add 7 1", f"add {SERVER.host4} 1 192.0.2.1 1 timeout 9000")
    rules = rules.replace("add 8 1 9 1", "add 192.0.2.8").replace("lookup dst-port p", "7 dst-ip table(p,1)")
    with traffic.udp_server(net.server, 7, 8):
        _loop(_Scenario(net, lambda: net.firewall.load(rules), ("-q", "table", "p", "add", SERVER.host4, "2", "timeout", "9000")))


@harness.time_limit(600)
@harness.no_second_try
def test_forwarding(net):
    """XDP takes over from the stack, with rules for outgoing packets that it has to hold to as well."""
    for host in (net.client, net.server):
        wire.receive_offload_on(host, "eth0")
        wire.checksums_in_software(host, "eth0")
    rules = "100 unreach port udp from any to any 7 in\n110 unreach port udp from any to any 8 out\n65000 allow ip from any to any"
    with traffic.udp_server(net.server, 7, 8):
        _loop(_Scenario(net, lambda: (net.firewall(f"-q sysctl {_FORWARDING}=0"), net.firewall.load(rules)),
                        ("-q", "/dev/stdin"), f"sysctl {_FORWARDING}=2\nadd 50 skipto 120 udp from any to any 8\ndelete 100\n"), 20)
