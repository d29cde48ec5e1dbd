# SPDX-License-Identifier: GPL-2.0-only
"""Sets of rules: the examples of the manual page, with traffic. Each command is one commit."""
import os
import signal
import subprocess

import harness
import traffic
from network import SERVER

ALL_ENABLED = "enable " + " ".join(map(str, range(31))) + "\n"


def _passes(net):
    """Which of ping over IPv4 and IPv6 are answered."""
    return traffic.ping(net.client, SERVER.host4), traffic.ping(net.client, SERVER.host6)


def test_set_is_added_and_deleted_as_one(net):
    net.firewall.load("65000 allow ip from any to any")
    net.firewall("set disable 18")
    net.firewall("add 100 set 18 deny ip4 from any to any proto icmp")
    net.firewall("add 200 set 18 deny ip6 from any to any proto ipv6-icmp")
    harness.equal(_passes(net), (True, True), "rules of a disabled set deny")
    harness.equal(net.firewall.listing("-S")[0], "# DISABLED 00100 set 18 deny ip4 from any to any proto icmp")
    harness.equal(len(net.firewall.listing()), 2, "rules of a disabled set are listed")
    net.firewall("set enable 18")
    harness.equal(_passes(net), (False, False), "rules of an enabled set do nothing")
    net.firewall("delete set 18")
    harness.equal(_passes(net), (True, True), "rules of a deleted set deny")


def _try_out(net, seconds):
    """The idiom of the manual page, as a shell runs it; when the set is on."""
    tool = " ".join(net.firewall.argv())
    idiom = subprocess.Popen(["sh", "-c", f"{tool} set enable 18; echo done; sleep {seconds} && {tool} set disable 18"],
                             text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True)
    harness.equal(idiom.stdout.readline(), "done\n")
    return idiom


def test_control_is_regained(net):
    """What the idiom is for: the set cuts everybody off, and nobody can press control-C."""
    net.firewall.load("65000 allow ip from any to any")
    net.firewall("set disable 18")
    net.firewall("add 100 set 18 deny ip from any to any")
    with _try_out(net, 5) as idiom:
        harness.equal(_passes(net), (False, False), "the set is not in force")
        harness.equal(idiom.wait(60), 0)
    harness.equal(_passes(net), (True, True), "control was not regained")
    harness.contains(net.firewall("set show"), "disable 18 ")


def test_control_is_kept(net):
    """All went well, and control-C leaves the set active."""
    net.firewall.load("65000 allow ip from any to any")
    net.firewall("set disable 18")
    net.firewall("add 100 set 18 deny icmp from any to any")
    with _try_out(net, 60) as idiom:
        harness.equal(_passes(net), (False, True))
        os.killpg(idiom.pid, signal.SIGINT)
        harness.true(idiom.wait(60) != 0, "control-C had no effect")
    harness.equal(_passes(net), (False, True))
    harness.equal(net.firewall("set show"), ALL_ENABLED)


def test_several_sets_switch_together(net):
    net.firewall.load("set disable 2 3\n100 set 1 deny icmp from any to any\n200 set 2 deny ipv6-icmp from any to any\n"
                      "300 set 3 count ip from any to any\n65000 allow ip from any to any")
    harness.equal(_passes(net), (False, True))
    net.firewall("set disable 1 enable 2 3")
    harness.equal(_passes(net), (True, False))
    harness.equal(net.firewall("set show"), ALL_ENABLED.replace("enable 0 1", "disable 1 enable 0"))
    net.firewall("set disable 31 enable 1")
    harness.equal(net.firewall("set show"), ALL_ENABLED)
    harness.true("set 31 deny" in net.firewall.listing("-S")[-1], "the default rule was disabled")


def test_swapped_sets_keep_their_counters(net):
    net.firewall.load("set disable 2\n100 set 1 deny icmp from any to any\n200 set 2 deny ipv6-icmp from any to any\n"
                      "65000 allow ip from any to any")
    harness.equal(_passes(net), (False, True))
    counted = net.firewall.counters(100)
    harness.equal(counted[0], 1)
    net.firewall("set swap 1 2")
    harness.equal(_passes(net), (True, False))
    net.firewall("set swap 1 2")
    harness.equal(net.firewall.counters(100), counted)


def test_move(net):
    net.firewall.load("set disable 7\n100 deny icmp from any to any\n200 deny ipv6-icmp from any to any\n"
                      "65000 set 30 allow ip from any to any")
    harness.equal(_passes(net), (False, False))
    counted = net.firewall.counters(100)
    net.firewall("set move rule 100 to 7")
    harness.equal(_passes(net), (True, False))
    net.firewall("set move 0 to 7")
    harness.equal(_passes(net), (True, True))
    net.firewall("set move 7 to 31")
    harness.equal(_passes(net), (False, False), "moved to a set that is never disabled")
    harness.equal(net.firewall.counters(100)[0], counted[0] + 1)
    net.firewall("-q flush")
    harness.equal([line.split()[0] for line in net.firewall.listing()], ["00100", "00200", "65535"])


def test_commands_on_one_set(net):
    net.firewall.load("100 set 18 count icmp from any to any\n100 count icmp from any to any\n"
                      "200 set 18 allow ip from any to any\n300 count ip from any to any")
    harness.equal(_passes(net), (True, True))
    packets = net.firewall.packets(100)
    shown = net.firewall("set 18 show").splitlines()
    harness.equal([line.split()[0] for line in shown], ["00100", "00200"])
    harness.equal(net.firewall("set 18 zero 100"), "Entry 100 cleared.\n")
    harness.equal([rule.packets for rule in net.firewall.show() if rule.number == 100], [0, packets])
    net.firewall("set disable 18")
    harness.equal(net.firewall("set 18 show"), "")
    harness.equal(len(net.firewall("-S set 18 show").splitlines()), 2)
    net.firewall("set 18 delete 100")
    harness.equal(net.firewall("-S set 18 list"), "# DISABLED 00200 set 18 allow ip from any to any\n")
    harness.equal(net.firewall.bodies()[100], ["count icmp from any to any"], "a rule of another set was deleted")


def test_nothing_to_change_is_no_commit(net):
    net.firewall.load("100 allow ip from any to any")
    before = net.firewall("status")
    for command in ("set enable 5", "set disable 31", "set move 5 to 6", "set move rule 200 to 3", "set swap 4 5",
                    "-n set disable 0"):
        net.firewall(command)
        harness.equal(net.firewall("status"), before, command)


def test_messages(net):
    for words, status, message in (("set disable 32", 65, "invalid set number 32"), ("set swap 1", 64, "set swap needs"),
                                   ("set swap 1 x", 65, "invalid set number x"),
                                   ("set disable 1 enable 1", 65, "cannot enable and disable the same set"),
                                   ("set move rule x to 1", 65, "invalid source number x"),
                                   ("set move 40 to 1", 71, "failed to move set: Invalid argument"),
                                   ("set move 1 2", 64, "syntax: set move [rule] X to Y")):
        harness.contains(net.firewall.run(*words.split(), status=status).stderr, message)
