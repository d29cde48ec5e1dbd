# SPDX-License-Identifier: GPL-2.0-only
"""Variables: the command sysctl, what each of them does, and their values from the configuration file."""
import errno
import os
import re
import tempfile

import firewall
import frames
import harness
import traffic
from frames import IP, UDP, Ether, IPv6, Raw
from network import CLIENT, SERVER
from scapy.layers.inet6 import IPv6ExtHdrFragment

OPEN = "65000 allow ip from any to any"
_ROW = re.compile(r'^VARIABLE\(\w+, "([\w.]+)", \w+, \w+, (\w+), (\w+), (\w+), ([\w| ]+), "(.*)"\)$', re.M)
_NUMBERS = {"RULE_NUMBER_STEP": 100, "RULE_NUMBER_DEFAULT": 65535}


def _rows():
    """{name: (low, high, initial, flags, description)} of variables.def."""
    with open(os.path.join(firewall.REPOSITORY, "include/ipfw/variables.def"), encoding="utf-8") as table:
        found = _ROW.findall(table.read())
    numbers = {name: [_NUMBERS[text] if text in _NUMBERS else int(text, 0) for text in texts]
               for name, *texts in (row[:4] for row in found)}
    return {row[0]: (*numbers[row[0]], *row[4:]) for row in found}


def _writable():
    return {name: row for name, row in _rows().items() if row[3] == "0"}


def _value(net, name):
    return int(net.firewall("sysctl -n " + name))


def _forwarded(net, packet):
    """Whether the packet, sent alone by the client, arrives at the server."""
    with frames.Sniffer(net.server) as sniffer:
        frames.send(net.client, "eth0", Ether(src=CLIENT.host_mac, dst=CLIENT.firewall_mac) / packet)
        return bool(sniffer.wait(lambda seen: Raw in seen and b"marked" in bytes(seen), patience=traffic.PATIENCE))


def _configuration(net, text, *arguments, **options):
    with tempfile.NamedTemporaryFile("w", prefix="ifb-", suffix=".conf") as file:
        file.write(text)
        file.flush()
        return net.firewall.run(*arguments, environment={"IPFW_BPF_CONF": file.name}, **options)


def test_all_are_documented():
    with open(os.path.join(firewall.REPOSITORY, "docs/ipfw-bpf.8"), encoding="utf-8") as manual:
        text = manual.read()
    for name, (low, high, initial, flags, _) in _rows().items():
        bounds = re.search(rf"^\.It Li {re.escape(name)} No \((.*)\)$", text, re.M)
        harness.true(bounds, f"{name} is not in the manual")
        if "READ_ONLY" not in flags:
            harness.true(bounds[1].startswith(f"{initial}; {low} {'or' if high == 1 else 'to'} {high}"), f"{name}: {bounds[1]}")


def test_all(net):
    rows = _rows()
    harness.true(len(rows) > 10, "variables.def cannot be read any more")
    expected = {name: row[2] for name, row in rows.items()} | {"net.inet.ip.fw.static_count": 1, "net.inet.ip.fw.curr_dyn_buckets": 1}
    for loaded in (False, True):
        harness.equal(net.firewall("sysctl -a").splitlines(), [f"{name}: {value}" for name, value in expected.items()])
        harness.equal(net.firewall("sysctl -na").split(), [str(value) for value in expected.values()])
        if not loaded:
            net.firewall("-q flush")
    harness.equal(net.firewall("sysctl -d -a").splitlines(), [f"{name}: {row[4]}" for name, row in rows.items()])
    harness.equal(net.firewall("sysctl net.inet6").splitlines(),
                  [f"{name}: {value}" for name, value in expected.items() if name.startswith("net.inet6.")])
    harness.equal(net.firewall("sysctl -e net.inet.ip.fw.verbose net.inet.ip.fw.autoinc_step"),
                  "net.inet.ip.fw.verbose=0\nnet.inet.ip.fw.autoinc_step=100\n")


@harness.time_limit(90)
def test_every_value_is_kept(net):
    """Lowest and highest value, also by a commit; out of range and not a number are refused."""
    net.firewall.load(OPEN)
    for name, (low, high, initial, *_) in _writable().items():
        old = initial
        for value in dict.fromkeys((low, high, initial)):
            harness.equal(net.firewall(f"sysctl {name}={value}"), f"{name}: {old} -> {value}\n")
            harness.equal(_value(net, name), value, name)
            old = value
        net.firewall(f"sysctl {name}={low}")
        net.firewall("-q add 100 count ip from any to any")
        harness.equal(_value(net, name), low, f"{name} after a commit")
        net.firewall(f"-q sysctl {name}={initial}")
        for wrong, message in ((low - 1, f"sysctl: {name}={low - 1}: Invalid argument"),
                               (high + 1, f"sysctl: {name}={high + 1}: Invalid argument"),
                               ("", "sysctl: invalid integer ''"), ("1x", "sysctl: invalid integer '1x'")):
            result = net.firewall.run("sysctl", f"{name}={wrong}", status=1)
            harness.equal(result.stderr.splitlines()[0], message)
            harness.contains(result.stderr, f"the value must be {low} to {high}")
        harness.equal(_value(net, name), initial, name)


def test_messages(net):
    for words, message in (("net.inet.ip.fw.nosuch", "unknown oid 'net.inet.ip.fw.nosuch'"),
                           ("nosuch=1", "unknown oid 'nosuch'"), ("net.inet.i", "unknown oid 'net.inet.i'"),
                           ("net.inet.ip.fw=1", "oid 'net.inet.ip.fw' isn't a leaf node"),
                           ("net.inet.ip.fw.default_rule=1", "oid 'net.inet.ip.fw.default_rule' is read only"),
                           ("net.inet.ip.fw.static_count=1", "oid 'net.inet.ip.fw.static_count' is read only"),
                           ("net.inet.ip.fw.default_to_accept=1",
                            "oid 'net.inet.ip.fw.default_to_accept' is a read only tunable"),
                           ("net.inet.ip.dummynet.hash_size=1", "net.inet.ip.dummynet.hash_size: not supported yet"),
                           ("-y net.inet", "illegal option -- y")):
        result = net.firewall.run("sysctl", *words.split(), status=1)
        harness.equal((result.stdout, result.stderr.splitlines()[0]), ("", f"sysctl: {message}"))
    harness.equal(net.firewall.run("sysctl", status=1).stderr.splitlines()[0][:14], "sysctl: usage:")
    # What can be read is printed all the same.
    result = net.firewall.run("sysctl", "nosuch", "net.inet.ip.fw.verbose", status=1)
    harness.equal(result.stdout, "net.inet.ip.fw.verbose: 0\n")


def test_all_assignments_or_none(net):
    net.firewall.load(OPEN)
    harness.equal(net.firewall("sysctl net.inet.ip.fw.verbose=1 net.inet.ip.fw.verbose_limit=5 net.inet.ip.fw.verbose"),
                  "net.inet.ip.fw.verbose: 0 -> 1\nnet.inet.ip.fw.verbose_limit: 0 -> 5\nnet.inet.ip.fw.verbose: 1\n")
    for wrong in ("nosuch", "nosuch=1", "net.inet.ip.fw.autoinc_step=0"):
        result = net.firewall.run("sysctl", "net.inet.ip.fw.verbose=0", wrong, "net.inet6.ip6.fw.enable=0", status=1)
        harness.equal(result.stdout, "")
    harness.equal([_value(net, name) for name in ("net.inet.ip.fw.verbose", "net.inet6.ip6.fw.enable")], [1, 1])


def test_rules_file(net):
    """Variables are part of the file's transaction: they hold for the lines behind, and fail with the others."""
    net.firewall.load("sysctl net.inet.ip.fw.autoinc_step=7\n100 count ip from any to any\n"
                      "add count ip from any to any\ndisable firewall\nenable firewall\n" + OPEN)
    harness.equal([line[:5] for line in net.firewall.listing()], ["00100", "00107", "65000", "65535"])
    text = "sysctl net.inet.ip.fw.autoinc_step=9\nadd 200 count ip from any to any\nsysctl net.inet.ip.fw.nosuch=1\n"
    result = net.firewall.run("/dev/stdin", stdin=text, status=1)
    harness.equal(result.stderr.splitlines()[0], "Line 3: unknown oid 'net.inet.ip.fw.nosuch'")
    harness.equal((_value(net, "net.inet.ip.fw.autoinc_step"), len(net.firewall.listing())), (7, 4))
    net.firewall.run("-f", "/dev/stdin", stdin=text, status=1)
    harness.equal((_value(net, "net.inet.ip.fw.autoinc_step"), len(net.firewall.listing())), (9, 5))
    net.firewall("-n sysctl net.inet.ip.fw.autoinc_step=11")
    net.firewall.run("-n", "sysctl", "net.inet.ip.fw.autoinc_step=1001", status=1)
    harness.equal(_value(net, "net.inet.ip.fw.autoinc_step"), 9, "-n had an effect")


def test_autoinc_step(net):
    net.firewall("sysctl net.inet.ip.fw.autoinc_step=1000")
    numbers = [int(net.firewall("add count ip from any to any").split()[0]) for _ in range(2)]
    net.firewall("sysctl net.inet.ip.fw.autoinc_step=1")
    numbers.append(int(net.firewall("add count ip from any to any").split()[0]))
    harness.equal(numbers, [1000, 2000, 2001])


def test_counts(net):
    harness.equal(_value(net, "net.inet.ip.fw.static_count"), 1)
    net.firewall.load("100 count ip from any to any\n" + OPEN)
    harness.equal(_value(net, "net.inet.ip.fw.static_count"), 3)
    harness.equal(_value(net, "net.inet.ip.fw.default_rule"), 65535)


def _check_family(net, variable, filtered, passing):
    """With the variable at 0 packets to `passing` meet no rule, malformed ones included; the others do."""
    net.firewall.load("100 deny icmp from any to any\n110 deny ipv6-icmp from any to any icmp6types 128\n" + OPEN)
    short = {4: IP(src=CLIENT.host4, dst=SERVER.host4, ihl=6, proto=17) / Raw(b"\x07\x03\x04marked"),
             6: IPv6(src=CLIENT.host6, dst=SERVER.host6, nh=253) / Raw(b"marked")}[6 if ":" in passing else 4]
    for value in (1, 0, 1):
        net.firewall(f"-q sysctl {variable}={value}")
        before = net.firewall.show()
        harness.equal(traffic.ping(net.client, passing), not value, f"{variable}={value}, ping {passing}")
        harness.equal(net.firewall.show() == before, not value, f"{variable}={value}: counters")
        harness.true(not traffic.ping(net.client, filtered), f"{variable}={value}: {filtered} is not filtered")
        if ":" in passing:
            harness.equal(_forwarded(net, short), not value, f"{variable}={value}, malformed")


@harness.time_limit(60)
def test_enable_ip6(net):
    _check_family(net, "net.inet6.ip6.fw.enable", SERVER.host4, SERVER.host6)


@harness.time_limit(60)
def test_enable_ip4(net):
    _check_family(net, "net.inet.ip.fw.enable", SERVER.host6, SERVER.host4)


def test_enable_both(net):
    """Both together are what `disable firewall` sets, and take no new programs."""
    names = ("net.inet.ip.fw.enable", "net.inet6.ip6.fw.enable")
    net.firewall.load("100 deny ip from any to any")
    generation = re.search(r"generation:.*", net.firewall("status"))[0]

    def check(on):
        harness.equal([_value(net, name) for name in names], [on, on])
        harness.equal([traffic.ping(net.client, address) for address in (SERVER.host4, SERVER.host6)], [not on] * 2)
        harness.equal(re.search(r"generation:.*", net.firewall("status"))[0], generation, "a commit was made")

    net.firewall("disable firewall")
    check(0)
    net.firewall("sysctl net.inet.ip.fw.enable=1 net.inet6.ip6.fw.enable=1")
    check(1)
    net.firewall("sysctl net.inet.ip.fw.enable=0 net.inet6.ip6.fw.enable=0")
    check(0)
    net.firewall("enable firewall")
    check(1)


@harness.time_limit(60)
def test_enable_one_after_none(net):
    """From all packets passing to one family filtered, with a change of rules in between."""
    net.firewall.load("100 deny ip from any to any")
    net.firewall("disable firewall")
    net.firewall("-q add 50 count ip from any to any")
    net.firewall("sysctl net.inet6.ip6.fw.enable=1")
    harness.equal([traffic.ping(net.client, address) for address in (SERVER.host4, SERVER.host6)], [True, False])
    net.firewall("enable firewall")
    harness.equal([traffic.ping(net.client, address) for address in (SERVER.host4, SERVER.host6)], [False, False])
    net.firewall("sysctl net.inet.ip.fw.enable=0")
    net.firewall("disable firewall")
    harness.equal([traffic.ping(net.client, address) for address in (SERVER.host4, SERVER.host6)], [True, True])


def test_status(net):
    """The first line of `status` says which packets meet the rules."""
    net.firewall.load(OPEN)
    for values, text in (((1, 1, 0), "enabled"), ((0, 1, 0), "enabled, IPv4 packets pass"),
                         ((1, 0, 1), "enabled, IPv6 packets pass, for frames as well"),
                         ((0, 0, 0), "disabled, every packet passes")):
        net.firewall("-q sysctl net.inet.ip.fw.enable={} net.inet6.ip6.fw.enable={} net.link.ether.ipfw={}".format(*values))
        harness.equal(net.firewall("status").splitlines()[0].split(None, 1)[1], text)


def test_shortcuts(net):
    net.firewall.load(OPEN)
    for word in ("one_pass", "verbose", "debug", "dyn_keepalive"):
        for command, value in (("disable", 0), ("enable", 1)):
            harness.equal(net.firewall(f"{command} {word}"), "")
            harness.equal(_value(net, f"net.inet.ip.fw.{word}"), value, f"{command} {word}")
    harness.contains(net.firewall.run("enable", "altq", status=69).stderr, "not supported yet")


@harness.time_limit(60)
def test_extension_headers(net):
    """What deny_unknown_exthdrs and permit_single_frag6 let to the rules."""
    net.firewall.load(OPEN)
    base = {"src": CLIENT.host6, "dst": SERVER.host6}
    unknown = IPv6(**base, nh=253) / Raw(b"marked")
    routing = IPv6(**base, nh=43) / Raw(bytes.fromhex("3b00090000000000") + b"marked")
    single = IPv6(**base) / IPv6ExtHdrFragment() / UDP(sport=1, dport=9) / Raw(b"marked")
    deny, permit = "net.inet6.ip6.fw.deny_unknown_exthdrs", "net.inet6.ip6.fw.permit_single_frag6"
    for values, expected in (((1, 1), (False, False, True)), ((0, 1), (True, True, True)),
                             ((1, 0), (False, False, False)), ((0, 0), (True, True, True))):
        net.firewall(f"-q sysctl {deny}={values[0]} {permit}={values[1]}")
        got = tuple(_forwarded(net, packet) for packet in (unknown, routing, single))
        harness.equal(got, expected, f"{deny}={values[0]} {permit}={values[1]}")
    harness.equal((net.firewall.drops()["unknown IPv6 extension header"], net.firewall.drops()["bogus fragment"]), (4, 1))
    net.firewall(f"-q sysctl {deny}=0")
    net.firewall.load("100 count ip6 from any to any proto 253\n" + OPEN)
    harness.true(_forwarded(net, unknown), "the packet does not pass")
    harness.equal(net.firewall.packets(100), 2, "an unknown header does not end the chain")


def test_before_the_first_rule(net):
    """Setting a variable starts nothing; the first commit takes it over."""
    net.firewall("sysctl net.inet.ip.fw.enable=0 net.inet.ip.fw.verbose=1")
    harness.true(traffic.ping(net.client, SERVER.host6), "a variable switched the firewall on")
    net.firewall("add 100 deny ip from any to any")
    harness.equal([_value(net, f"net.inet.ip.fw.{name}") for name in ("enable", "verbose")], [0, 1])
    harness.equal([traffic.ping(net.client, address) for address in (SERVER.host4, SERVER.host6)], [True, False])


@harness.time_limit(60)
def test_values_outlive_a_failed_first_commit(net):
    """Whichever bpf() call is refused, if the command cannot do without it."""
    library = os.path.join(firewall.BUILD, "fault", "bpf_fault.so")
    failures = 0
    for call in range(4, 64, 6):
        net.firewall("-q sysctl net.inet.ip.fw.verbose=1")
        net.firewall("disable firewall")
        environment = {"LD_PRELOAD": library, "FAULT_AT": str(call), "FAULT_ERRNO": str(errno.ENOMEM)}
        result = net.firewall.run("add", "100", "deny", "ip", "from", "any", "to", "any", status=None,
                                  environment=environment)
        failures += result.returncode != 0
        harness.equal([_value(net, f"net.inet.ip.fw.{name}") for name in ("enable", "verbose")], [0, 1], f"call {call}")
        net.firewall("-q add 200 deny ip from any to any")
        harness.true(traffic.ping(net.client, SERVER.host4), f"call {call}: the wish to start disabled is lost")
        net.firewall("down")
    harness.within(failures, 3, 10, "failed commands")


def test_configuration_file(net):
    text = ("net.inet.ip.fw.verbose_limit = 100 # comment\nnet.inet6.ip6.fw.enable=0\nnet.inet.ip.fw.autoinc_step=10\n"
            "net.inet.ip.fw.nosuch=1\nnet.inet.ip.fw.one_pass=2\nnet.inet.ip.fw.default_rule=7\nnonsense\n")
    result = _configuration(net, text, "add", "deny", "ip", "from", "any", "to", "any")
    harness.equal(result.stdout[:5], "00010")
    for number, complaint in ((4, "unknown name"), (5, "from 0 to 1"), (6, "read only"), (7, "NAME=VALUE")):
        line = next((line for line in result.stderr.splitlines() if f"line {number}:" in line), "")
        harness.contains(line, complaint)
    harness.equal([traffic.ping(net.client, address) for address in (SERVER.host4, SERVER.host6)], [False, True])
    harness.equal(_value(net, "net.inet.ip.fw.verbose_limit"), 100)
    # It is the start that counts.
    result = _configuration(net, "net.inet.ip.fw.verbose_limit=5\n", "sysctl", "-n", "net.inet.ip.fw.verbose_limit")
    harness.equal(result.stdout, "100\n")
