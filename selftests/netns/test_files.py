# SPDX-License-Identifier: GPL-2.0-only
"""Rules from files: one transaction, -f, standard input, preprocessor; and the configuration file."""
import os
import tempfile

import firewall
import harness
import traffic
from network import SERVER

OPEN = "65000 allow ip from any to any"


def _write(text):
    with tempfile.NamedTemporaryFile("w", prefix="ifb-", suffix=".rules", delete=False) as file:
        file.write(text)
    return file.name


class _File:
    """A rules file that goes away with the block."""

    def __init__(self, text):
        self._text = text

    def __enter__(self):
        self.path = _write(self._text)
        return self.path

    def __exit__(self, *_):
        os.unlink(self.path)


def test_file(net):
    with _File("# a comment\n\nflush\nadd 100 deny icmp from any to any // no ping\n"
               "add 65000 allow ip from any to any\n") as path:
        net.firewall.run("-q", path)
        harness.equal(net.firewall.listing()[0], "00100 deny icmp from any to any // no ping")
        harness.true(not traffic.ping(net.client, SERVER.host4), "deny does not work")
        harness.true(traffic.ping(net.client, SERVER.host6), "allow does not work")
        harness.equal(net.firewall.run("-q", path).stdout, "")
        harness.equal(len(net.firewall.listing()), 3, "the file was added to instead of replacing")


def test_file_echoes(net):
    with _File("add 100 deny icmp from any to any\nadd allow ip from any to any\n") as path:
        harness.equal(net.firewall.run(path).stdout.splitlines(),
                      ["00100 deny icmp from any to any", "00200 allow ip from any to any"])


def test_error_changes_nothing(net):
    net.firewall.load("100 deny icmp from any to any\n" + OPEN)
    before = net.firewall.listing()
    with _File("flush\nadd 100 allow ip from any to any\n\n"
               "add 200 alow ip from any to any\nadd 300 deny ip from any to any\n") as path:
        result = net.firewall.run("-q", path, status=65)
        harness.contains(result.stderr, "Line 4")
        harness.contains(result.stderr, "alow")
    harness.equal(net.firewall.listing(), before)
    harness.true(not traffic.ping(net.client, SERVER.host4), "a refused file changed the filter")
    with _File("delete 100\nadd 200 deny ip from any to any\nadd 300 deny ip from any to 300.1.1.1\n") as path:
        result = net.firewall.run("-q", path, status=None)
        harness.true(result.returncode != 0, "the error in line 3 was not noticed")
        harness.contains(result.stderr, "Line 3")
    harness.equal(net.firewall.listing(), before)
    harness.true(traffic.ping(net.client, SERVER.host6), "a refused file changed the filter")


def test_force_goes_on(net):
    net.firewall.load(OPEN)
    with _File("add 100 deny icmp from any to any\nadd 200 alow ip from any to any\n"
               "add 300 count ip from any to any\n") as path:
        result = net.firewall.run("-f", "-q", path, status=None)
        harness.contains(result.stderr, "Line 2")
    harness.equal([line[:5] for line in net.firewall.listing()], ["00100", "00300", "65000", "65535"])
    harness.true(not traffic.ping(net.client, SERVER.host4), "the rule before the error does nothing")


def test_force_says_once_what_no_line_can_help(net):
    """Without the firewall no command of the file can do anything."""
    net.firewall.load(OPEN)
    with _File("add 100 count ip from any to any\n" * 5) as path:
        os.chmod(path, 0o644)
        result = net.gateway.run("setpriv", "--reuid=65534", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all",
                                 firewall.TOOL, "-f", "-q", path)
    harness.equal((result.returncode != 0, result.stderr.count("Line ")), (True, 1), result.stderr)


def test_standard_input(net):
    net.firewall.run("-q", "/dev/stdin", stdin="add 100 deny icmp from any to any\nadd 200 allow ip from any to any\n")
    harness.equal([line[:5] for line in net.firewall.listing()], ["00100", "00200", "65535"])
    net.firewall.run("-qf", "/dev/stdin", stdin="flush\nadd 300 allow ip from any to any\n")
    harness.equal([line[:5] for line in net.firewall.listing()], ["00300", "65535"])


def test_preprocessor(net):
    with _File("add 100 deny PROTOCOL from any to any\nadd 200 allow ip from any to any\n") as path:
        net.firewall.run("-q", "-p", "sed", "s/PROTOCOL/icmp/", path)
        harness.equal(net.firewall.listing()[0], "00100 deny icmp from any to any")
    harness.true(not traffic.ping(net.client, SERVER.host4), "deny does not work")
    before = net.firewall.listing()
    with _File("flush\nadd 100 count ip from any to any\n") as path:
        result = net.firewall.run("-q", "-p", "false", path, status=None)
        harness.true(result.returncode != 0, "a failing preprocessor was not noticed")
    harness.equal(net.firewall.listing(), before)


def test_preprocessor_cpp(net):
    harness.require_program("cpp")
    with _File("#define WEB 80,443\nadd 100 allow tcp from any to any WEB\n") as path:
        net.firewall.run("-q", "-p", "cpp", "-P", path)
    harness.equal(net.firewall.listing()[0], "00100 allow tcp from any to any 80,443")


def test_test_only(net):
    net.firewall.load(OPEN)
    with _File("flush\nadd 100 deny ip from any to any\n") as path:
        net.firewall.run("-n", "-q", path)
        harness.equal([line[:5] for line in net.firewall.listing()], ["65000", "65535"])
        harness.true(traffic.ping(net.client, SERVER.host4), "-n had an effect")
    with _File("add 100 dny ip from any to any\n") as path:
        net.firewall.run("-n", "-q", path, status=65)


def test_many_rules(net):
    rules = "".join(f"add {number} count udp from any to any {number}\n" for number in range(1, 1201))
    net.firewall.run("-q", "/dev/stdin", stdin=rules + "add 65000 allow udp from any to any\n")
    with traffic.udp_server(net.server, 1, 700, 1200):
        for port in (1, 700, 1200):
            harness.equal(traffic.udp_exchange(net.client, SERVER.host4, port), "ok")
    moved = {rule.number: rule.packets for rule in net.firewall.show() if rule.packets}
    harness.equal(moved, {1: 2, 700: 2, 1200: 2, 65000: 12})


def test_reload_keeps_counters(net):
    """A rule that is the same before and after a file that begins with flush goes on counting."""
    text = ("flush\nadd 100 count icmp from any to any\nadd 200 {} icmp from any to any\n"
            "add 65000 allow ip from any to any\n")
    with _File(text.format("count")) as path:
        net.firewall.run("-q", path)
    traffic.ping(net.client, SERVER.host4)
    with _File(text.format("allow")) as path:
        net.firewall.run("-q", path)
    harness.equal([net.firewall.counters(number) for number in (100, 200)], [(4, 336), (0, 0)])


def test_default_to_accept(net):
    with _File("net.inet.ip.fw.default_to_accept=1\n") as path:
        environment = {"IPFW_BPF_CONF": path}
        net.firewall.run("add", "100", "deny", "icmp", "from", "any", "to", "any", environment=environment)
        harness.equal(net.firewall.listing()[-1], "65535 allow ip from any to any")
        harness.true(not traffic.ping(net.client, SERVER.host4), "deny does not work")
        harness.true(traffic.ping(net.client, SERVER.host6), "the default rule denies")
    with _File("net.inet.ip.fw.default_to_accept=0\n") as path:
        net.firewall("down")
        net.firewall.run("add", "100", "count", "ip", "from", "any", "to", "any", environment={"IPFW_BPF_CONF": path})
        harness.true(not traffic.ping(net.client, SERVER.host4), "the default rule allows")


def test_relative_path_is_a_command(net):
    net.firewall.run("rules.txt", status=64)
