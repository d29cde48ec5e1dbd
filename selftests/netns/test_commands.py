# SPDX-License-Identifier: GPL-2.0-only
"""Commands on the ruleset: add, delete, list, show, zero, flush, enable, disable."""
import os
import subprocess

import harness
import traffic
from network import CLIENT, SERVER

OPEN = "65000 allow ip from any to any"


def _numbers(net):
    return [int(line.split()[0]) for line in net.firewall.listing()]


def test_add_echoes_and_filters(net):
    harness.true(traffic.ping(net.client, SERVER.host4), "no answer before there is a firewall")
    echo = net.firewall("add 100 deny icmp from any to any")
    harness.equal(echo, "00100 deny icmp from any to any\n")
    net.firewall("add 200 allow ip from any to any")
    harness.true(not traffic.ping(net.client, SERVER.host4), "the packet passed a deny rule")
    harness.true(traffic.ping(net.client, SERVER.host6), "another protocol was denied")
    harness.equal(net.firewall.listing(), ["00100 deny icmp from any to any", "00200 allow ip from any to any",
                                           "65535 deny ip from any to any"])


def test_add_quiet(net):
    harness.equal(net.firewall("-q add 100 deny icmp from any to any"), "")
    harness.equal(net.firewall("-q add 200 allow ip from any to any"), "")
    harness.equal(_numbers(net), [100, 200, 65535])


def test_automatic_numbers(net):
    harness.equal(net.firewall("add allow ip from any to any"), "00100 allow ip from any to any\n")
    harness.equal(net.firewall("add allow ip from any to any")[:5], "00200")
    net.firewall("add 1000 allow ip from any to any")
    harness.equal(net.firewall("add allow ip from any to any")[:5], "01100")
    net.firewall("add 65500 allow ip from any to any")
    harness.equal(net.firewall("add allow ip from any to any")[:5], "65500", "no room for a step")


def test_same_number_keeps_order(net):
    for port in (1, 2, 3):
        net.firewall(f"add 100 count udp from any to any {port}")
    net.firewall("add 50 count udp from any to any 9")
    harness.equal([line.split()[-1] for line in net.firewall.listing()[:-1]], ["9", "1", "2", "3"])
    net.firewall.load("100 allow icmp from any to any\n100 deny icmp from any to any")
    harness.true(traffic.ping(net.client, SERVER.host4), "the second rule of a number was asked first")


def test_default_rule_denies(net):
    net.firewall("add 100 count icmp from any to any")
    harness.true(not traffic.ping(net.client, SERVER.host4), "the default rule let a packet through")
    harness.equal(net.firewall.counters(100), (1, 84))
    harness.true(net.firewall.packets(65535) >= 1, "the default rule does not count")
    harness.equal(net.firewall("delete 65535", status=None), "")
    harness.equal(net.firewall.listing()[-1], "65535 deny ip from any to any", "the default rule was deleted")


def test_delete_forms(net):
    rules = "\n".join(f"{number} count ip from any to any" for number in range(100, 1000, 100))
    net.firewall.load(rules + "\n100 count tcp from any to any\n950 set 7 deny icmp from any to any\n" + OPEN)
    harness.true(not traffic.ping(net.client, SERVER.host4), "the rule of set 7 does nothing")
    net.firewall("delete set 7")
    harness.true(traffic.ping(net.client, SERVER.host4), "the rule of set 7 is still there")
    net.firewall("delete 100")
    harness.equal(_numbers(net), [200, 300, 400, 500, 600, 700, 800, 900, 65000, 65535])
    net.firewall("delete 300-500")
    harness.equal(_numbers(net), [200, 600, 700, 800, 900, 65000, 65535])
    net.firewall("delete 200 600 900")
    harness.equal(_numbers(net), [700, 800, 65000, 65535])


def test_delete_of_nothing(net):
    """The exit status tells, unless -f is given or implied because nobody is at the other end of standard input."""
    net.firewall.load(OPEN)
    ours, theirs = os.openpty()
    for words, message in ((("123",), "rule 123 not found"), (("100-200",), "100-200")):
        result = net.firewall.run("delete", *words)
        harness.contains(result.stderr, message)
        asked = subprocess.run(net.firewall.argv("delete", *words), stdin=theirs, capture_output=True, text=True,
                               check=False)
        harness.equal(asked.returncode, 69, f"delete {words[0]} at a terminal")
        harness.contains(asked.stderr, message)
    os.close(ours)
    os.close(theirs)
    harness.equal(_numbers(net), [65000, 65535])


def test_delete_takes_effect(net):
    net.firewall.load("100 deny icmp from any to any\n" + OPEN)
    harness.true(not traffic.ping(net.client, SERVER.host4), "deny does not work")
    net.firewall("delete 100")
    harness.true(traffic.ping(net.client, SERVER.host4), "the deleted rule still works")


def test_list_selects(net):
    net.firewall.load("100 count ip from any to any\n200 count tcp from any to any\n"
                      "300 count udp from any to any\n" + OPEN)
    harness.equal(net.firewall("list 200").splitlines(), ["00200 count tcp from any to any"])
    harness.equal(net.firewall("list 150-300").splitlines(),
                  ["00200 count tcp from any to any", "00300 count udp from any to any"])
    harness.equal(net.firewall("list 100 300").splitlines(),
                  ["00100 count ip from any to any", "00300 count udp from any to any"])
    harness.equal(net.firewall("show 200").split(), "00200 0 0 count tcp from any to any".split())
    harness.equal(net.firewall("-a list 200").split(), "00200 0 0 count tcp from any to any".split())
    net.firewall.run("list", "250", status=69)


def test_list_options(net):
    net.firewall.load("100 set 3 allow tcp from any to any 22,80 // remote // hands\n200 allow via lo\n" + OPEN)
    harness.equal(net.firewall.listing("-S")[0], "00100 set 3 allow tcp from any to any 22,80 // remote // hands")
    harness.contains(net.firewall.listing("-N")[0], "ssh,http")
    harness.equal(net.firewall.listing("-b")[0], "00100 allow // remote // hands")
    harness.equal(net.firewall.listing("-c")[-1], "65535 deny ip")


def test_zero(net):
    net.firewall.load("100 count icmp from any to any\n200 count icmp from any to any\n" + OPEN)
    traffic.ping(net.client, SERVER.host4)
    harness.equal([net.firewall.packets(number) for number in (100, 200)], [4, 4])
    harness.equal(net.firewall("zero 100"), "Entry 100 cleared.\n")
    harness.equal([net.firewall.packets(number) for number in (100, 200)], [0, 4])
    harness.equal(net.firewall("zero"), "Accounting cleared.\n")
    harness.equal([net.firewall.counters(number) for number in (100, 200)], [(0, 0)] * 2)
    net.firewall.run("zero", "777", status=69)
    harness.equal(net.firewall("resetlog"), "Logging counts reset.\n")


def test_counters_survive_changes(net):
    net.firewall.load("100 count icmp from any to any\n" + OPEN)
    traffic.ping(net.client, SERVER.host4)
    net.firewall("add 50 count icmp from any to any")
    net.firewall("add 150 count icmp from any to any")
    harness.equal(net.firewall.counters(100), (4, 336), "counters after rules were added around it")
    traffic.ping(net.client, SERVER.host4)
    harness.equal([net.firewall.packets(number) for number in (50, 100, 150)], [4, 8, 4])
    net.firewall("delete 50")
    harness.equal([net.firewall.packets(number) for number in (100, 150)], [8, 4])
    net.firewall("delete 100")
    net.firewall("add 100 count icmp from any to any")
    harness.equal(net.firewall.counters(100), (0, 0), "a new rule starts at nothing")


def test_flush(net):
    net.firewall.load("100 deny icmp from any to any\n150 set 31 allow ip from any to any\n" + OPEN)
    harness.true(not traffic.ping(net.client, SERVER.host4), "deny does not work")
    net.firewall("-f flush")
    harness.equal(_numbers(net), [150, 65535], "set 31 survives flush, nothing else")
    harness.true(traffic.ping(net.client, SERVER.host4), "the rule of set 31 does not work")
    net.firewall("delete 150")
    net.firewall("-q flush")
    harness.equal(_numbers(net), [65535])
    harness.true(not traffic.ping(net.client, SERVER.host4), "an empty ruleset let a packet through")


def test_disable_enable(net):
    net.firewall.load("100 deny ip from any to any")
    harness.true(not traffic.ping(net.client, SERVER.host4), "deny does not work")
    before = net.firewall.show()
    net.firewall("disable firewall")
    harness.true(traffic.ping(net.client, SERVER.host4), "a disabled firewall filters")
    harness.equal(net.firewall.show(), before, "a disabled firewall counts")
    net.firewall("add 50 deny tcp from any to any")
    harness.true(traffic.ping(net.client, SERVER.host4), "a change of rules switched the firewall on")
    net.firewall("enable firewall")
    harness.true(not traffic.ping(net.client, SERVER.host4), "an enabled firewall does not filter")


def test_one_string(net):
    result = net.firewall.run("add 100 deny icmp from any to any")
    harness.equal(result.stdout, "00100 deny icmp from any to any\n")
    net.firewall.run("add 200 allow ip from 192.0.2.0/24, 198.51.100.0/24 to any")
    harness.equal(_numbers(net), [100, 200, 65535])
    harness.true(not traffic.ping(net.client, SERVER.host4), "deny does not work")


def test_test_only_changes_nothing(net):
    net.firewall.load(OPEN)
    net.firewall("-n add 100 deny ip from any to any")
    net.firewall("-n delete 65000", status=None)
    net.firewall("-n -f flush", status=None)
    harness.equal(_numbers(net), [65000, 65535])
    harness.true(traffic.ping(net.client, SERVER.host4), "-n had an effect")
    net.firewall.run("-n", "add", "allow", "ip", "frm", "any", "to", "any", status=64)


def test_errors_change_nothing(net):
    net.firewall.load(OPEN)
    for command, status in (("add 100 allow ip from any", 64), ("add 100 alow ip from any to any", 65),
                            ("add 100 allow tcp from any to any no-such-port", None), ("nonsense", 64),
                            ("add 70000 deny ip from any to any", None),
                            ("add 100 deny ip from 300.1.1.1 to any", None)):
        result = net.firewall.run(*command.split(), status=status)
        harness.true(result.returncode != 0, f"{command!r} was accepted")
        harness.true(result.stderr.startswith("ipfw: "), f"{command!r}: {result.stderr!r}")
    harness.equal(_numbers(net), [65000, 65535])
    harness.true(traffic.ping(net.client, SERVER.host4), "an error broke the firewall")


def test_version_and_help(net):
    harness.contains(net.firewall("--version"), "ipfw-bpf")
    harness.contains(net.firewall("--help"), "add")
    harness.equal(CLIENT.interface, "west0")


def test_read_commands_need_no_firewall(net):
    harness.equal(net.firewall.listing(), ["65535 deny ip from any to any"])
    net.firewall("status")
    harness.true(traffic.ping(net.client, SERVER.host4), "reading created a firewall")
