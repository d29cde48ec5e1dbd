# SPDX-License-Identifier: GPL-2.0-only
"""Entries of tables that expire, and their counters, with real packets."""
import json
import signal
import subprocess
import time

import harness
import modes
import traffic
from network import CLIENT, SERVER

# Bytes of an echo request of traffic.ping() are told by the rule that the table is looked up in.
_RULES = "100 count ip from table(t) to any in\n200 allow ip from any to any"


def _passes(net):
    """Which of ping over IPv4 and IPv6 are answered."""
    return traffic.ping(net.client, SERVER.host4), traffic.ping(net.client, SERVER.host6)


def _entries(net, name, *options):
    return net.firewall(" ".join(("table", name, "list", *options))).splitlines()


def _counters(net, name):
    """{key: (packets, bytes, last match)}"""
    found = [json.loads(line) for line in _entries(net, name, "-c", "-j")]
    return {entry["key"]: (entry["packets"], entry["bytes"], entry["last_match"]) for entry in found}


def _counted_with_rule(net, name, number):
    """The same, and (packets, bytes) of a rule, with no packet between both: neighbours may be asked for at any time."""
    for _ in range(20):
        rule = net.firewall.counters(number)
        found = _counters(net, name)
        if net.firewall.counters(number) == rule:
            return found, rule
    raise AssertionError(f"packets do not cease to meet rule {number}")


def _wait_until(moment):
    time.sleep(max(0, moment - time.monotonic()))


def test_expired_entries_do_not_match(net):
    net.firewall("table t create")
    net.firewall.load("100 deny ip from table(t,2) to any\n200 allow ip from any to any")
    net.firewall(f"table t add {CLIENT.prefix4()} 1 {CLIENT.prefix6()} 1")
    net.firewall(f"table t add {CLIENT.host4} 2 timeout 8 {CLIENT.host6} 2 timeout 8")
    begin = time.monotonic()
    harness.equal(_passes(net), (False, False), "an entry with a timeout does not match")
    harness.equal(len(_entries(net, "t")), 4)
    harness.contains(net.firewall(f"table t lookup {CLIENT.host4}"), f"{CLIENT.host4}/32 2 timeout ")
    _wait_until(begin + 8.1)
    harness.equal(_passes(net), (True, True), "an expired entry matches, or hides a shorter prefix")
    harness.equal(_entries(net, "t"), [f"{CLIENT.prefix4()} 1", f"{CLIENT.prefix6()} 1"])
    harness.contains(net.firewall("table t info"), "items: 2,")
    harness.equal(net.firewall(f"table t lookup {CLIENT.host4}"), f"{CLIENT.prefix4()} 1\n")


def test_prefixes_that_expire_in_turn(net):
    net.firewall("table t create")
    net.firewall.load(f"100 deny ip from table(t,2) to any recv {CLIENT.interface}\n200 allow ip from any to any")
    net.firewall(f"table t add 0.0.0.0/0 2 {CLIENT.host4}/16 1 timeout 12 {CLIENT.host4}/30 2 timeout 7 {CLIENT.host4} 1 timeout 2 "
                 f"::/0 2 {CLIENT.host6}/48 1 timeout 12 {CLIENT.host6}/126 2 timeout 7 {CLIENT.host6} 1 timeout 2")
    begin = time.monotonic()
    for moment, passes in ((2.1, False), (7.1, True), (12.1, False)):
        _wait_until(begin + moment)
        harness.equal(_passes(net), (passes, passes), f"{moment} seconds after")


def test_adding_again_refreshes(net):
    net.firewall("table t create timeout 2")
    net.firewall.load("100 deny ip from table(t) to any\n200 allow ip from any to any")
    harness.equal(net.firewall(f"table t add {CLIENT.host4}"), f"added: {CLIENT.host4}/32 0 timeout 2\n")
    begin = time.monotonic()
    harness.contains(net.firewall(f"table t add {CLIENT.host4} 7 timeout 20"), f"updated: {CLIENT.host4}/32 7 timeout 20\n")
    net.firewall(f"table t add {CLIENT.host6} timeout 0")
    _wait_until(begin + 2.1)
    harness.equal(_passes(net), (False, False))
    harness.equal(_entries(net, "t")[-1], f"{CLIENT.host6}/128 0")
    net.firewall(f"table t add {CLIENT.host4} timeout 0 {CLIENT.host6} timeout 1")
    time.sleep(1.1)
    harness.equal(_passes(net), (False, True))
    harness.equal(_entries(net, "t"), [f"{CLIENT.host4}/32 0"])
    net.firewall("table t modify timeout 0")
    harness.contains(net.firewall.run("table", "t", "add", CLIENT.host4, status=71).stderr, "record already exists")


def test_expired_entries_make_room(net):
    net.firewall("table t create limit 2")
    net.firewall("table t add 192.0.2.1 timeout 1 2001:db8::1 timeout 1")
    net.firewall("table t add 192.0.2.2", status=71)
    time.sleep(1.1)
    net.firewall("table t add 192.0.2.2")
    net.firewall("table t add 2001:db8::2")
    net.firewall("table t add 192.0.2.3", status=71)
    harness.equal(_entries(net, "t"), ["192.0.2.2/32 0", "2001:db8::2/128 0"])


def test_other_types_expire(net):
    net.firewall("table i create type iface timeout 3")
    net.firewall("table p create type number timeout 3")
    net.firewall("table f create type flow:dst-ip,proto timeout 3")
    net.firewall.load(f"100 allow ip from any to any via table(i,5)\n200 allow tcp from any to any lookup dst-port p\n"
                      f"300 allow ip from any to any flow table(f)\n400 allow tcp from any to any established\n"
                      f"500 deny ip from any to {SERVER.host4}\n600 allow ip from any to any")

    def matching():
        found = {}
        for name, entry in (("i", f"{CLIENT.interface} 5"), ("p", "80"), ("f", f"icmp,{SERVER.host4}")):
            net.firewall(f"table {name} add {entry}")
        begin = time.monotonic()
        found["number"] = traffic.tcp_connect(net.client, SERVER.host4, 80)
        net.firewall(f"table i add {SERVER.interface} 5")
        found["ping"] = traffic.ping(net.client, SERVER.host4)
        _wait_until(begin + 3.1)
        return found

    with traffic.tcp_server(net.server, 80):
        harness.equal(matching(), {"number": "ok", "ping": True})
        harness.equal(traffic.ping(net.client, SERVER.host4), False, "an expired interface or flow matches")
        harness.equal(traffic.tcp_connect(net.client, SERVER.host4, 80), "timeout", "an expired number matches")
    harness.equal([_entries(net, name) for name in "ipf"], [[], [], []])


def test_entries_are_counted(net):
    net.firewall("table t create counters")
    net.firewall(f"table t add {CLIENT.prefix4()} 1 {CLIENT.prefix6()} 1 192.0.2.1 1")
    net.firewall.load(_RULES)
    for _ in range(3):
        harness.equal(_passes(net), (True, True))
    counted, (packets, octets) = _counted_with_rule(net, "t", 100)
    mine = [counted[CLIENT.prefix4()], counted[CLIENT.prefix6()]]
    harness.equal((sum(entry[0] for entry in mine), sum(entry[1] for entry in mine)), (packets, octets))
    harness.true(all(entry[0] >= 3 and abs(entry[2] - time.time()) < 30 for entry in mine), f"{mine}")
    harness.equal(counted["192.0.2.1/32"], (0, 0, None))
    line = _entries(net, "t", "-c")[-1]
    harness.true(line.endswith(f" {CLIENT.prefix6()} 1") and line.split()[0] == str(mine[1][0]), line)


def test_counters_survive(net):
    net.firewall("table t create counters")
    net.firewall("table u create counters")
    net.firewall(f"table t add {CLIENT.host4} 1 {CLIENT.host6} 1")
    net.firewall.load(_RULES)
    _passes(net)
    before = _counters(net, "t")
    key4, key6 = f"{CLIENT.host4}/32", f"{CLIENT.host6}/128"
    harness.true(before[key4][0] and before[key6][0], "nothing was counted")
    net.firewall.run("-q", "table", "t", "add", *(word for number in range(300) for word in (f"10.1.{number // 9}.{number % 9}", "1")))
    net.firewall("table t add 10.2.0.0/16 7")
    net.firewall.load(_RULES.replace("count", "deny"))
    harness.equal({key: _counters(net, "t")[key] for key in before}, before, "lost by a change of the table or of rules")
    net.firewall("table t swap u")
    harness.equal(_counters(net, "t"), {})
    harness.equal({key: _counters(net, "u")[key] for key in before}, before, "lost by a swap")
    net.firewall("table t swap u")
    net.firewall(f"-q table t add {CLIENT.host4} 9")
    harness.equal(_counters(net, "t")[key4], before[key4], "lost by another value")
    net.firewall(f"table t delete {CLIENT.host4}")
    net.firewall(f"table t add {CLIENT.host4}")
    net.firewall("table t zero 10.2.0.0/16")
    harness.equal(_counters(net, "t")[key4], (0, 0, None), "kept by a new entry")
    harness.equal(_counters(net, "t")[key6], before[key6])
    _passes(net)
    net.firewall(f"table t zero {CLIENT.host4}")
    harness.equal(_counters(net, "t")[key4], (0, 0, None))
    harness.true(_counters(net, "t")[key6][0] > before[key6][0], "not counted any more")
    net.firewall("table all zero")
    harness.true(all(entry == (0, 0, None) for entry in _counters(net, "t").values()), "left by `zero'")


def test_counters_survive_growth(net):
    net.firewall("table t create counters")
    net.firewall(f"table t add {CLIENT.host4}")
    net.firewall.load(_RULES)
    traffic.ping(net.client, SERVER.host4)
    before = _counters(net, "t")
    net.firewall("-q table t add -", stdin="".join(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}\n" for number in range(70000)))
    harness.equal({key: _counters(net, "t")[key] for key in before}, before)
    traffic.ping(net.client, SERVER.host4)
    harness.true(_counters(net, "t")[f"{CLIENT.host4}/32"][0] > before[f"{CLIENT.host4}/32"][0], "not counted any more")


def test_no_packet_is_lost_while_a_table_grows(net):
    net.firewall("table t create counters")
    net.firewall(f"table t add {CLIENT.host4}")
    net.firewall.load(_RULES)
    with traffic.pings(net.client, SERVER.host4) as answered:
        for size in 10, 500, 3000, 40000:
            added = "".join(f"10.{size % 200}.{number >> 8}.{number & 255}\n" for number in range(size))
            net.firewall("-q table t add -", stdin=added)
            net.firewall(f"table t add 192.0.2.{size % 199}")
    counted, rule = _counted_with_rule(net, "t", 100)
    harness.equal(counted[f"{CLIENT.host4}/32"][:2], rule)
    harness.true(rule[0] >= answered[0] > 0, f"{rule[0]} packets counted, {answered[0]} pings answered")


def test_new_entries_begin_at_0(net):
    """Whether they come alone or with others, where an entry that had been counted was before."""
    net.firewall("table t create counters")
    net.firewall.load(_RULES)
    for others in (["203.0.113.1/32"], ["203.0.113.2/32", "203.0.113.3/32"]):
        net.firewall(f"table t add {CLIENT.host4}")
        traffic.ping(net.client, SERVER.host4)
        harness.true(_counters(net, "t")[f"{CLIENT.host4}/32"][0] > 0, "not counted")
        net.firewall(f"table t delete {CLIENT.host4}")
        net.firewall("table t add " + " ".join(others))
        net.firewall(f"table t add {CLIENT.host4}")
        traffic.ping(net.client, SERVER.host4)
        exchange = [f"table t delete {CLIENT.host4}"] + [f"table t add {other.replace('203', '204')}" for other in others]
        net.firewall("/dev/stdin", stdin="\n".join(exchange) + "\n")
        harness.equal({key: entry for key, entry in _counters(net, "t").items() if entry != (0, 0, None)}, {})


def test_other_types_are_counted(net):
    net.firewall("table i create type iface counters")
    net.firewall("table p create type number counters")
    net.firewall("table f create type flow:dst-ip,dst-port counters")
    net.firewall("table m create type mac counters")
    net.firewall(f"table i add {CLIENT.interface} 5 nowhere0 5")
    net.firewall("table p add 80 1 81 1")
    net.firewall(f"table f add {SERVER.host4},80 1 {SERVER.host4},81 1")
    net.firewall("table m add 00:00:00:00:00:00/0")
    net.firewall("sysctl net.link.ether.ipfw=1")
    net.firewall.load("10 count ip from any to any in layer2 src-mac table(m)\n100 count ip from any to any in not layer2 recv table(i)\n"
                      "200 count tcp from any to any in not layer2 lookup dst-port p\n"
                      "300 count ip from any to any in not layer2 flow table(f)\n1000 allow ip from any to any")
    with traffic.tcp_server(net.server, 80):
        harness.equal(traffic.tcp_connect(net.client, SERVER.host4, 80), "ok")
    for name, number, key, other in (("i", 100, CLIENT.interface, "nowhere0"), ("p", 200, "80", "81"),
                                     ("f", 300, f"{SERVER.host4},80", f"{SERVER.host4},81"),
                                     ("m", 10, "00:00:00:00:00:00/0", None)):
        counted, rule = _counted_with_rule(net, name, number)
        harness.equal(counted[key][:2], rule, name)
        harness.true(counted[key][0] >= 3, name)
        harness.equal(counted.get(other, (0, 0, None)), (0, 0, None), name)


def test_counters_on_request(net):
    net.firewall("table t create")
    net.firewall(f"table t add {CLIENT.prefix4()}")
    net.firewall.load(_RULES)
    traffic.ping(net.client, SERVER.host4)
    harness.contains(net.firewall.run("table", "t", "list", "-c", status=69).stderr, "table t has no counters")
    net.firewall("table t modify counters")
    harness.equal(_counters(net, "t"), {CLIENT.prefix4(): (0, 0, None)})
    traffic.ping(net.client, SERVER.host4)
    harness.true(_counters(net, "t")[CLIENT.prefix4()][0] > 0, "not counted")
    net.firewall("table t modify no-counters")
    net.firewall("table t list -c", status=69)


def test_counters_of_entries_that_expire(net):
    net.firewall("table t create counters timeout 60")
    net.firewall(f"table t add {CLIENT.host4}")
    net.firewall.load(_RULES)
    traffic.ping(net.client, SERVER.host4)
    before = _counters(net, "t")[f"{CLIENT.host4}/32"]
    harness.true(before[0] > 0, "not counted")
    net.firewall(f"table t add {CLIENT.host4} timeout 0")
    harness.equal(_counters(net, "t")[f"{CLIENT.host4}/32"], before, "lost when the entry is to stay")
    net.firewall(f"table t add {CLIENT.host4} timeout 1")
    time.sleep(1.1)
    net.firewall(f"table t add {CLIENT.host4}")
    harness.equal(_counters(net, "t")[f"{CLIENT.host4}/32"], (0, 0, None), "a new entry has the counters of an old one")


def test_killed_while_entries_change(net):
    """Commands are killed at any moment: what does not change is always right, and the numbers agree at the end."""
    net.firewall("table t create counters")
    net.firewall(f"table t add {CLIENT.host4} 1 {CLIENT.host6} 1 timeout 10000")
    net.firewall.load(_RULES)
    _passes(net)
    before = _counters(net, "t")
    for number in range(40):
        command = (f"add 192.0.2.{number} timeout {number % 2 * 5000}", f"delete 192.0.2.{number - 1}",
                   f"add 10.0.{number}.1 1 10.0.{number}.2 2 timeout 5000", f"add 192.0.2.{number - 3} timeout 6000")[number % 4]
        process = net.firewall.start(*f"-q table t {command}".split())
        time.sleep(0.002 * number % 0.03)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        listing = _entries(net, "t")
        harness.equal(len(listing), len({line.split()[0] for line in listing}), f"an entry twice after {command}")
        harness.contains(net.firewall("table t info"), f"items: {len(listing)},")
    net.firewall("table t add 203.0.113.1")
    harness.equal({key: _counters(net, "t")[key] for key in before}, before)
    harness.contains(net.firewall("table t info"), f"items: {len(_entries(net, 't'))},")


def test_where_rules_run_at_tc(net):
    """Look-ups below the classifier, with all that they need of the stack."""
    net.firewall("table t create counters")
    net.firewall("table p create type number counters")
    net.firewall("table f create type flow:src-ip,proto,src-port,dst-ip,dst-port counters")
    net.firewall(f"table t add {CLIENT.host4} 2 {CLIENT.prefix6()} 2 timeout 9000")
    rules = "".join(f"{number} count tcp from 10.{number}.0.0/16 to table(t) setup flow table(f) lookup dst-port p\n"
                    f"{number} count log ip4 from {CLIENT.prefix4()} to any lookup src-ip t recv {CLIENT.interface}\n"
                    f"{number} count log ip6 from {CLIENT.prefix6()} to any lookup src-ip t recv {CLIENT.interface}\n"
                    for number in range(100, 108))
    with modes.occupied(net.gateway, CLIENT.interface):
        net.firewall.load(rules + "900 reset tcp from any to any lookup dst-port p keep-state\n1000 allow ip from any to any",
                          environment={"IPFW_BPF_CLASSIFY_FROM": "1"})
        harness.contains(net.firewall("status"), "tc")
        harness.equal(_passes(net), (True, True))
    counted = _counters(net, "t")
    for key in f"{CLIENT.host4}/32", CLIENT.prefix6():
        harness.true(counted[key][0] >= 8, f"{key} was found {counted[key][0]} times")


def test_listing_with_a_reader_that_stops(net):
    net.firewall("table t create counters")
    net.firewall("table t add 192.0.2.1")
    result = subprocess.run(net.firewall.argv("table", "t", "list", "-x"), capture_output=True, text=True, check=False)
    harness.equal(result.returncode, 64)
    harness.contains(result.stderr, "unknown option -x")
