# SPDX-License-Identifier: GPL-2.0-only
"""Rules with `log`: what they record of real packets, how often, and who reads it."""
import json
import os
import re
import select
import signal
import subprocess
import threading
import time

import frames
import harness
import traffic
from frames import ICMP, IP, TCP, UDP, Ether, IPv6, Raw
from network import CLIENT, SERVER

OPEN = "65000 allow ip from any to any"
_FROM_CLIENT = Ether(src=CLIENT.host_mac, dst=CLIENT.firewall_mac)


def _lines(net, *options):
    """What has been logged since the last call."""
    return net.firewall.run("monitor", "-n", *options).stdout.splitlines()


def _send(net, *packets):
    """Sends packets from the client and waits until all have met rule 1, which counts them."""
    before = net.firewall.packets(1)
    frames.send(net.client, "eth0", *(_FROM_CLIENT / packet for packet in packets))
    harness.true(traffic.wait_for(lambda: net.firewall.packets(1) >= before + len(packets)), "packets got lost")


def _load(net, rules):
    net.firewall.load("1 count ip from any to any in recv west0\n" + rules + "\n" + OPEN)


def _ip4(**fields):
    return IP(src=CLIENT.host4, dst=SERVER.host4, **fields)


def _ip6(**fields):
    return IPv6(src=CLIENT.host6, dst=SERVER.host6, **fields)


_TO4, _TO6 = f"{CLIENT.host4} {SERVER.host4}", f"[{CLIENT.host6}] [{SERVER.host6}]"


def _fragment6(protocol, offset, more, data):
    """Payload of an IPv6 packet whose next header is 44."""
    return bytes([protocol, 0]) + (offset | more).to_bytes(2, "big") + (99).to_bytes(4, "big") + data


def test_lines_of_real_packets(net):
    net.server.ip("route del default", "route del ::/0")
    # what the kernel of the client sends of its own does not count
    _load(net, "90 allow ipv6-icmp from any to any icmp6types 130,131,132,133,134,135,136,143\n"
          "100 count log ip from any to any recv west0")
    packets = [
        (_ip4() / TCP(sport=1025, dport=80),
         f"TCP {CLIENT.host4}:1025 {SERVER.host4}:80", ""),
        (_ip6() / TCP(sport=1025, dport=80),
         f"TCP [{CLIENT.host6}]:1025 [{SERVER.host6}]:80", ""),
        (_ip4() / UDP(sport=1025, dport=53) / Raw(b"1234"), f"UDP {CLIENT.host4}:1025 {SERVER.host4}:53", ""),
        (_ip6() / UDP(sport=1025, dport=53), f"UDP [{CLIENT.host6}]:1025 [{SERVER.host6}]:53", ""),
        (_ip4() / ICMP(type=13, code=2), f"ICMP:13.2 {_TO4}", ""),
        (_ip6(nh=58) / Raw(bytes([200, 7, 0, 0, 0, 0, 0, 0])), f"ICMPv6:200.7 {_TO6}", ""),
        (_ip4(proto=47) / Raw(bytes(4)), f"P:47 {_TO4}", ""),
        (_ip4(proto=136) / Raw(bytes.fromhex("0401003500080000")), f"UDPLite {CLIENT.host4}:1025 {SERVER.host4}:53",
         ""),
        (_ip4(id=77, frag=2, proto=17) / Raw(bytes(24)), f"UDP {_TO4}", " (frag 77:24@16)"),
        (_ip4(id=77, frag=3, flags="MF", proto=1) / Raw(bytes(24)), f"ICMP {_TO4}", " (frag 77:24@24+)"),
        (_ip4(id=77, flags="MF") / UDP(sport=1025, dport=53) / Raw(bytes(16)),
         f"UDP {CLIENT.host4}:1025 {SERVER.host4}:53", " (frag 77:24@0+)"),
        # ipfw's own arithmetic: 8 times the offset of 16, and 16 bytes of data less 40.
        (_ip6(nh=44) / Raw(_fragment6(17, 16, 1, bytes(16))), f"UDP {_TO6}", " (frag 00000063:-24@128+)"),
    ]
    _send(net, *(packet for packet, _, _ in packets))
    harness.true(traffic.wait_for(lambda: net.firewall.packets(100) == 2 * len(packets)), "not all were forwarded")
    lines = _lines(net)
    for direction, interface in (("in", "west0"), ("out", "east0")):
        expected = [f"ipfw: 100 Count {text} {direction} via {interface}{fragment}" for _, text, fragment in packets]
        harness.equal([line for line in lines if line.split()[-1].endswith(interface) or f"via {interface} (" in line],
                      expected, direction)
    harness.equal(_lines(net), [], "records are read twice")


def test_actions(net):
    net.server.ip("route del default", "route del ::/0")
    _load(net, "100 skipto 200 log udp from any to any 1 in\n200 allow log udp from any to any 1\n"
               "300 deny log udp from any to any 2\n310 reject log udp from any to any 3\n"
               "320 unreach port log udp from any to any 4\n330 reset log tcp from any to any\n"
               "340 unreach6 admin-prohib log udp from any to any 5")
    _send(net, *(_ip4() / UDP(sport=9, dport=port) for port in (1, 2, 3, 4)), _ip4() / TCP(sport=9, dport=6),
          _ip6() / UDP(sport=9, dport=5))
    harness.true(traffic.wait_for(lambda: net.firewall.packets(200) == 2), "not forwarded")
    between = f"{CLIENT.host4}:9 {SERVER.host4}"
    harness.equal(sorted(_lines(net)), sorted([
        f"ipfw: 100 SkipTo 200 UDP {between}:1 in via west0",
        f"ipfw: 200 Accept UDP {between}:1 in via west0",
        f"ipfw: 200 Accept UDP {between}:1 out via east0",
        f"ipfw: 300 Deny UDP {between}:2 in via west0",
        f"ipfw: 310 Reject UDP {between}:3 in via west0",
        f"ipfw: 320 Unreach 3 UDP {between}:4 in via west0",
        f"ipfw: 330 Reset TCP {between}:6 in via west0",
        f"ipfw: 340 Unreach 1 UDP [{CLIENT.host6}]:9 [{SERVER.host6}]:5 in via west0"]))


def test_actions_that_go_on(net):
    """They are logged as they are met, before they change the packet."""
    net.server.ip("route del default", "route del ::/0")
    _load(net, "100 call 400 log udp from any to any 9 in\n200 setdscp ef log udp from any to any 9 in\n"
               "210 setmark 0x10 log udp from any to any 9 in\n220 count log udp from any to any 9 in\n"
               "230 tcp-setmss 1000 log udp from any to any 9 in\n300 deny log dscp ef in\n"
               "400 return log udp from any to any 9 in")
    _send(net, _ip4() / UDP(sport=1, dport=9))
    packet, marked = (f"UDP {CLIENT.host4}:1 {SERVER.host4}:9{mark} in via west0" for mark in ("", " mark:0x10"))
    harness.equal(_lines(net), [
        f"ipfw: 100 Call 400 {packet}", f"ipfw: 400 Return {packet}", f"ipfw: 200 SetDscp 46 {packet}",
        f"ipfw: 210 SetMark 0x10 {packet}", f"ipfw: 220 Count {marked}",
        f"ipfw: 230 Eaction tcp-setmss {marked}", f"ipfw: 300 Deny {marked}"])


def _blast(net, processor, packets, port):
    """Sends so many datagrams to the firewall from one CPU, slowly enough for the veth pair's ring."""
    os.sched_setaffinity(0, {processor})
    for _ in range(packets // 20):
        traffic.udp_send(net.client, CLIENT.firewall4, port, [b"x"] * 20)
        time.sleep(0.001)


@harness.alone
def test_limit_is_exact_over_cpus(net):
    processors = sorted(os.sched_getaffinity(0))[:2]
    if len(processors) < 2:
        raise harness.Skip("one CPU only")
    _load(net, "100 deny log logamount 500 udp from any to any 9")
    senders = [threading.Thread(target=_blast, args=(net, processor, 1000, 9)) for processor in processors]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    harness.true(traffic.wait_for(lambda: net.firewall.packets(100) == 2000), "packets got lost")
    lines = _lines(net)
    harness.equal(len([line for line in lines if line.startswith("ipfw: 100 Deny UDP")]), 500)
    harness.equal([line for line in lines if "limit" in line], ["ipfw: limit 500 reached on entry 100"])


def _logged(net, port=9, packets=5):
    """How many of so many datagrams to a port are logged, and the limit that is said to be reached."""
    _send(net, *[_ip4() / UDP(sport=1, dport=port)] * packets)
    lines = _lines(net)
    limits = [line for line in lines if "limit" in line]
    return len(lines) - len(limits), limits


_REACHED = "ipfw: limit 3 reached on entry 100"


def test_limits_are_reset(net):
    _load(net, "100 deny log logamount 3 udp from any to any 9\n200 deny log logamount 3 udp from any to any 10")
    harness.equal(_logged(net), (3, [_REACHED]))
    harness.equal(_logged(net), (0, []))
    harness.equal(net.firewall("resetlog 100"), "Entry 100 logging count reset.\n")
    harness.equal(_logged(net), (3, [_REACHED]))
    net.firewall("resetlog 200")
    harness.equal(_logged(net), (0, []), "after a reset of another rule")
    net.firewall("zero 100")
    harness.equal(_logged(net), (3, [_REACHED]), "after zero")
    harness.equal(_logged(net, 10), (3, ["ipfw: limit 3 reached on entry 200"]))
    harness.equal(net.firewall("resetlog"), "Logging counts reset.\n")
    harness.equal(_logged(net, 10), (3, ["ipfw: limit 3 reached on entry 200"]))


def test_limits_belong_to_rules(net):
    rule = "100 deny log logamount 3 udp from any to any 9"
    _load(net, rule)
    harness.equal(_logged(net), (3, [_REACHED]))
    net.firewall("add 50 count tcp from any to any")
    harness.equal(_logged(net), (0, []), "after another rule came")
    net.firewall.run("-q", "/dev/stdin", stdin=f"flush\nadd 1 count ip from any to any in recv west0\nadd {rule}\n"
                                               f"add {OPEN}\n")
    harness.equal(_logged(net), (0, []), "after a reload of the same rules")
    net.firewall("delete 100")
    net.firewall(f"add {rule}")
    harness.equal(_logged(net), (3, [_REACHED]), "a new rule that looks the same")


def test_new_rules_do_not_inherit_counts(net):
    """1,200 rules, one after the other, share the 1,024 slots that there are at first."""
    _load(net, "100 count tcp from any to any")
    for port in range(1, 5):
        net.firewall.run("-q", "/dev/stdin", stdin="delete 100-399\n" + "\n".join(
            f"add {number} count log logamount 1 udp from any to any {port},9 in" for number in range(100, 400)))
        logged, limits = _logged(net, packets=2)
        harness.equal((logged, len(limits)), (300, 300))


def _lost(net):
    return int(re.search(r"(\d+) records lost", net.firewall("status"))[1])


@harness.alone
def test_full_ring(net):
    _load(net, "100 count log udp from any to any 9")
    for _ in range(20):
        _send(net, *[_ip4() / UDP(sport=1, dport=9)] * 60)
    harness.true(traffic.wait_for(lambda: net.firewall.packets(100) == 2400), "filtering did not go on")
    lines = _lines(net)
    harness.within(len(lines), 400, 1000, "records in the ring")
    harness.equal(_lost(net), 2400 - len(lines))
    _send(net, _ip4() / UDP(sport=1, dport=9))
    harness.true(traffic.wait_for(lambda: net.firewall.packets(100) == 2402), "not forwarded")
    harness.equal(len(_lines(net)), 2, "after it was read")
    harness.equal(_lost(net), 2400 - len(lines))


class _Monitor:
    """A running `monitor`."""

    def __init__(self, net, *options):
        self._process = net.firewall.start("monitor", *options)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.communicate()

    def line(self, patience=5):
        """The next line it prints, or None."""
        if not select.select([self._process.stdout], [], [], patience)[0]:
            return None
        return os.read(self._process.stdout.fileno(), 4096).decode()

    def end(self, number=None):
        """Waits for its end, which a signal may bring about. Returns (exit status, remaining output, errors)."""
        if number:
            self._process.send_signal(number)
        try:
            output, errors = self._process.communicate(timeout=30)
        except subprocess.TimeoutExpired as late:
            self._process.kill()
            raise harness.Failure(f"`monitor` does not end; it printed {self._process.communicate()}") from late
        return self._process.returncode, output, errors


def _expect_line(monitor, net, port=9):
    _send(net, _ip4() / UDP(sport=1, dport=port))
    harness.equal(monitor.line(), f"ipfw: 100 Deny UDP {CLIENT.host4}:1 {SERVER.host4}:{port} in via west0\n")


def test_monitor_follows_the_firewall(net):
    for number in (signal.SIGINT, signal.SIGTERM):
        with _Monitor(net) as monitor:
            harness.equal(monitor.line(0.3), None)
            _load(net, "100 deny log udp from any to any 9")
            _expect_line(monitor, net)
            net.firewall("add 200 deny log tcp from any to any")
            _expect_line(monitor, net)
            net.firewall("down")
            _load(net, "100 deny log udp from any to any 10")
            _expect_line(monitor, net, 10)
            harness.equal(monitor.end(number), (0, "", ""))
        net.firewall("down")


def test_one_reader_at_a_time(net):
    _load(net, "100 deny log udp from any to any 9")
    with _Monitor(net) as monitor:
        _expect_line(monitor, net)
        refused = net.firewall.run("monitor", status=69)
        harness.contains(refused.stderr, "the log of this network namespace is being read already")
        harness.equal(net.firewall.run("monitor", "-n", status=69).stdout, "")
        _expect_line(monitor, net)
    harness.equal(_lines(net), [], "a reader that was killed still has the lock")


@harness.alone
def test_losses_are_reported(net):
    _load(net, "100 deny log udp from any to any 9")
    with _Monitor(net) as monitor:
        _expect_line(monitor, net)
        monitor._process.send_signal(signal.SIGSTOP)  # pylint: disable=protected-access
        for _ in range(20):
            _send(net, *[_ip4() / UDP(sport=1, dport=9)] * 60)
        lost = _lost(net)
        harness.true(lost > 200, f"only {lost} records lost")
        monitor._process.send_signal(signal.SIGCONT)  # pylint: disable=protected-access
        harness.true(traffic.wait_for(lambda: monitor.line(0.5) is None, 10), "it prints for ever")
        status, _, errors = monitor.end(signal.SIGTERM)
        harness.equal((status, errors), (0, f"ipfw: {lost} log records lost\n"))


def test_monitor_options(net):
    _load(net, "100 count log udp from any to any 9 in\n200 count log logamount 1 udp from any to any 9 in")
    with _Monitor(net, "-c", "2", "200-300", "100") as monitor:
        _send(net, *[_ip4() / UDP(sport=1, dport=9)] * 3)
        between = f"UDP {CLIENT.host4}:1 {SERVER.host4}:9 in via west0"
        harness.equal(monitor.end(), (0, f"ipfw: 100 Count {between}\nipfw: 200 Count {between}\n"
                                         "ipfw: limit 1 reached on entry 200\n", ""))
    _send(net, *[_ip4() / UDP(sport=1, dport=9)] * 2)
    # Four are there: two more than before.
    for _ in range(2):
        harness.equal(net.firewall("monitor -c 1"), f"ipfw: 100 Count {between}\n")
    before, lines, after = time.time(), _lines(net, "-t"), time.time()
    harness.equal([line.split(" ", 2)[2] for line in lines], [f"ipfw: 100 Count {between}"] * 2)
    shown = time.mktime(time.strptime(lines[0].split(".")[0], "%Y-%m-%d %H:%M:%S"))
    harness.within(shown, before - 10, after)
    _send(net, _ip4(id=5, frag=1, flags="MF", proto=17) / Raw(bytes(8)), _ip4() / UDP(sport=1, dport=9))
    (record,) = [json.loads(line) for line in _lines(net, "-j")]
    harness.within(record.pop("time"), before - 10, time.time())
    harness.equal(record, {
        "rule": 100, "action": "Count", "direction": "in", "interface": "west0", "family": 4, "protocol": 17,
        "length": 28, "source": CLIENT.host4, "destination": SERVER.host4, "source_port": 1, "destination_port": 9,
        "line": f"ipfw: 100 Count {between}"})
    for arguments, status in ((["-c"], 64), (["-c", "0"], 65), (["-c", "x"], 64), (["-x"], 64), (["abc"], 64),
                              (["9-2"], 64), (["70000"], 64)):
        harness.equal(net.firewall.run("monitor", *arguments, status=status).stdout, "")


def test_monitor_without_firewall(net):
    harness.equal(_lines(net), [])
    harness.equal(net.firewall.run("list").stdout, "65535 deny ip from any to any\n")


def test_super_packets(net):
    """Frames whose data lies in pages, from which XDP cannot read directly."""
    _load(net, "100 count log tcp from any to any 80 in recv lo")
    with traffic.tcp_sink(net.gateway, 80) as served:
        traffic.tcp_transfer(net.gateway, "127.0.0.1", 80, 300_000)
        harness.true(traffic.wait_for(lambda: served.bytes == 300_000, 10), f"{served.bytes} bytes arrived")
    lines = _lines(net, "-j")
    expected = re.compile(r"ipfw: 100 Count TCP 127.0.0.1:\d+ 127.0.0.1:80 in via lo")
    records = [json.loads(line) for line in lines]
    harness.true(all(expected.fullmatch(record["line"]) for record in records), lines[:3])
    harness.true(max(record["length"] for record in records) > 10_000, "no super-packet")
