# SPDX-License-Identifier: GPL-2.0-only
"""Dynamic rules on real flows: who is let through by a state, for how long, and how many there may be."""
import json
import select
import socket
import struct
import subprocess
import threading
import time

import frames
import harness
import pins
import traffic
from frames import IP, TCP, UDP, Ether
from network import CLIENT, SERVER

_FROM_CLIENT = Ether(src=CLIENT.host_mac, dst=CLIENT.firewall_mac)
# What lets the machines find each other, whatever the test is about.
_NEIGHBOURS = "10 allow ipv6-icmp from any to any icmp6types 133,134,135,136,143\n"


def _totals(net):
    """The only element of the map "state_totals"."""
    return _dump(net, "state_totals")[0]["value"]


def _dump(net, name):
    path = f"{pins.directory(net.gateway.cookie())}/{name}"
    output = subprocess.run(["bpftool", "-j", "map", "dump", "pinned", path], capture_output=True, check=True).stdout
    return [element["formatted"] for element in json.loads(output)]


def _cells(net):
    """How many cells of the map "states4" are in use."""
    return sum(cell["state"]["rule"] != 0 for group in _dump(net, "states4")[1:] for cell in group["value"]["cells"])


def _gone(net, within=4):
    """Whether all states and parents are gone soon."""
    return traffic.wait_for(lambda: _totals(net)["states"] == _totals(net)["parents"] == 0, within)


def _send(net, *packets):
    frames.send(net.client, "eth0", *(_FROM_CLIENT / packet for packet in packets))


def _udp(source_port):
    return IP(src=CLIENT.host4, dst=SERVER.host4) / UDP(sport=source_port, dport=9)


def _syn(source_port, destination=SERVER.host4):
    return IP(src=CLIENT.host4, dst=destination) / TCP(sport=source_port, dport=9, flags="S")


def test_only_answers_come_back(net):
    """The client may begin, the server may only answer: TCP, UDP and echo, IPv4 and IPv6."""
    net.firewall.load(_NEIGHBOURS + "100 check-state\n200 allow ip from any to any recv west0 keep-state\n"
                      "300 deny ip from any to any")
    with traffic.tcp_server(net.server, 80), traffic.udp_server(net.server, 53), \
            traffic.tcp_server(net.client, 80), traffic.udp_server(net.client, 53):
        for server, client in ((SERVER.host4, CLIENT.host4), (SERVER.host6, CLIENT.host6)):
            harness.equal(traffic.tcp_connect(net.client, server, 80), "ok", server)
            harness.equal(traffic.udp_exchange(net.client, server, 53), "ok", server)
            harness.true(traffic.ping(net.client, server), f"no answer from {server}")
            harness.equal(traffic.tcp_connect(net.server, client, 80), "timeout", client)
            harness.equal(traffic.udp_exchange(net.server, client, 53), "timeout", client)
    harness.equal(net.firewall.packets(100), 0, "packets counted by check-state")


def test_own_connections(net):
    """States of the firewall's own connections: made on output, met on input."""
    net.firewall.load(_NEIGHBOURS + "100 check-state\n200 allow ip from me to any out keep-state\n"
                      "300 deny ip from any to any")
    with traffic.tcp_server(net.server, 80), traffic.udp_server(net.server, 53), traffic.tcp_server(net.gateway, 80):
        for server, address in ((SERVER.host4, SERVER.firewall4), (SERVER.host6, SERVER.firewall6)):
            harness.equal(traffic.tcp_connect(net.gateway, server, 80), "ok", server)
            harness.equal(traffic.udp_exchange(net.gateway, server, 53), "ok", server)
            harness.equal(traffic.tcp_connect(net.server, address, 80), "timeout", address)


def test_the_rule_of_the_state_acts(net):
    """Whatever direction a packet has: the rule that made the state counts, and goes where it goes."""
    net.firewall.load("100 check-state :out\n200 skipto 500 tcp from any to any 80 recv west0 xmit east0 keep-state :out\n"
                      "300 allow tcp from any to any in recv west0\n400 deny tcp from any to any\n"
                      "500 count tcp from any to any\n600 allow ip from any to any")
    with traffic.tcp_server(net.server, 80):
        harness.equal(traffic.tcp_connect(net.client, SERVER.host4, 80), "ok")
    harness.equal(net.firewall.packets(400), 0, "packets of the connection that its state did not save")
    harness.true(net.firewall.packets(200) >= 4, "the rule of the state did not count all its packets")
    harness.equal(net.firewall.packets(200), net.firewall.packets(500), "packets that went on behind the skipto")


def test_behind_the_rule_of_the_state(net):
    """What goes on behind the rule that made its state meets the tests of the rules there, as if it had come to them."""
    net.firewall.load(f"100 check-state\n200 count udp from {CLIENT.host4} to any in record-state\n"
                      f"300 count udp from {CLIENT.host4} to any in\n400 count udp from {SERVER.host4} to any in\n"
                      "500 allow ip from any to any")
    with traffic.udp_server(net.server, 53):
        harness.equal(traffic.udp_exchange(net.client, SERVER.host4, 53), "ok")
    harness.equal([net.firewall.packets(number) for number in (200, 300, 400)], [4, 1, 1])


def test_states_that_lead_to_each_other(net):
    """Each is found behind the other's rule, for ever: the packet is dropped and counted, in both forms of the rules."""
    rules = ("100 count udp from any to any 9 in record-state :one\n200 check-state :two\n"
             "300 count udp from any to any 9 in record-state :two\n400 check-state :one\n500 allow ip from any to any")
    for times, (options, environment) in enumerate([((), {"IPFW_BPF_CLASSIFY_FROM": "0"}), (("--no-optimize",), None)], 1):
        net.firewall.load(rules, *options, environment=environment)
        net.firewall("-q -D delete 1-65000")
        with traffic.udp_server(net.server, 8, 9):
            harness.equal(traffic.udp_exchange(net.client, SERVER.host4, 9), "timeout")
            harness.equal(traffic.udp_exchange(net.client, SERVER.host4, 8), "ok")
        harness.equal(net.firewall.drops()["too many calls, returns and states"], times)
        harness.within(net.firewall.packets(100) + net.firewall.packets(300), 100, 2 * 129, "times that the states were found")


def test_transfer(net):
    """A long transfer lives by one state, which counts all of its packets."""
    net.firewall.load(_NEIGHBOURS + "100 check-state\n200 allow tcp from any to any in recv west0 setup keep-state\n"
                      "300 deny ip from any to any")
    size = 20_000_000
    with traffic.tcp_sink(net.server, 5001) as served:
        harness.equal(traffic.tcp_transfer(net.client, SERVER.host4, 5001, size), size)
        harness.true(traffic.wait_for(lambda: served.bytes == size), f"{served.bytes} bytes of {size} came through")
    harness.true(_totals(net)["states"] <= 1, "more than one state for a connection")
    harness.true(net.firewall.counters(200)[1] > size, "the rule has not counted what its state let through")


def test_lifetimes(net):
    """Answers to UDP pass as long as they should, and places become free, also of connections that are reset."""
    net.firewall("sysctl net.inet.ip.fw.dyn_udp_lifetime=2")
    net.firewall.load("100 check-state\n200 allow { tcp or udp } from any to any recv west0 keep-state\n"
                      "250 deny udp from any to any\n300 deny ip from any to any")
    answer = Ether(src=SERVER.host_mac, dst=SERVER.firewall_mac) / IP(src=SERVER.host4, dst=CLIENT.host4) / \
        UDP(sport=9, dport=1000)
    begin = time.monotonic()
    _send(net, _udp(1000), _syn(1001))
    harness.true(traffic.wait_for(lambda: _totals(net)["states"] == 2), "there are no two states")
    frames.send(net.server, "eth0", answer)
    # each packet twice, in and out: UDP and its answer, SYN and RST
    harness.true(traffic.wait_for(lambda: net.firewall.packets(200) == 8), "the answers did not pass in and out")
    harness.true(_gone(net, 6), f"the states are still there: {_totals(net)}")
    harness.true(time.monotonic() - begin > 1.5, "a state has gone too early")
    frames.send(net.server, "eth0", answer)
    harness.true(traffic.wait_for(lambda: net.firewall.packets(250) == 1), "a late answer came through")


def test_port_reuse(net):
    """A connection with the ports of one that was just closed is a new one."""
    net.firewall.load(_NEIGHBOURS + "100 check-state\n150 deny tcp from any to any established\n"
                      "200 allow tcp from any to any in recv west0 setup keep-state\n300 deny ip from any to any")
    with traffic.tcp_server(net.server, 80):
        for _ in range(3):
            harness.equal(traffic.tcp_connect(net.client, SERVER.host4, 80, source_port=4000), "ok")


def test_limit(net):
    """The third connection is refused, and accepted again once one is closed."""
    net.firewall.load(_NEIGHBOURS + "100 check-state\n200 allow tcp from any to any in recv west0 setup limit src-addr 2\n"
                      "300 deny ip from any to any")
    with traffic.tcp_server(net.server, 80):
        held = [_connect(net, reset=True) for _ in range(2)]
        harness.equal(traffic.tcp_connect(net.client, SERVER.host4, 80), "timeout", "the third")
        held.pop().close()
        # closed by both sides, a state lives for one second (dyn_fin_lifetime); reset, likewise
        harness.true(traffic.wait_for(lambda: traffic.tcp_connect(net.client, SERVER.host4, 80) == "ok", 6),
                     "no third connection after one was closed")
        for each in held:
            each.close()
    lines = net.firewall.run("monitor", "-n").stdout
    harness.contains(lines, f"ipfw: 200 drop session type 40 {CLIENT.host4} 0 -> 0.0.0.0 0, 2 too many entries")


def _connect(net, reset=False):
    """A connection to the server; with `reset`, its end is RST."""
    opened = traffic.tcp_socket(net.client, SERVER.host4)
    if reset:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    opened.settimeout(2)
    opened.connect((SERVER.host4, 80))
    return opened


@harness.no_second_try
def test_limit_on_two_cpus(net):
    """Both directions at once, on two CPUs: never one more than the limit."""
    net.firewall("sysctl net.inet.ip.fw.dyn_udp_lifetime=60")
    net.firewall.load("100 check-state\n200 allow udp from any to any 9 in limit dst-port 100\n300 deny ip from any to any")
    send = [threading.Thread(target=frames.send, args=(host, "eth0", *packets)) for host, packets in (
        (net.client, [_FROM_CLIENT / _udp(port) for port in range(1000, 1400)]),
        (net.server, [Ether(src=SERVER.host_mac, dst=SERVER.firewall_mac) /
                      IP(src=SERVER.host4, dst=CLIENT.host4) / UDP(sport=port, dport=9) for port in range(1000, 1400)]))]
    for thread in send:
        thread.start()
    for thread in send:
        thread.join()
    harness.true(traffic.wait_for(lambda: net.firewall.packets(200) >= 800), "packets got lost")
    harness.equal([(parent["value"]["count"]) for parent in _dump(net, "state_parents")], [100], "states of the parent")
    harness.equal(_totals(net)["states"], 100, "states")


def test_full_table(net):
    """A flood that fills the table neither breaks a connection nor goes beyond dyn_max; it is told once a second."""
    net.firewall("sysctl net.inet.ip.fw.dyn_max=50 net.inet.ip.fw.dyn_syn_lifetime=300")
    net.firewall.load(_NEIGHBOURS + "100 check-state\n200 allow tcp from any to any in recv west0 setup keep-state\n"
                      "300 deny ip from any to any")
    with traffic.tcp_sink(net.server, 80) as served:
        connection = _connect(net)
        # to a host that is not there: an answer would shorten the states' lives
        nobody = SERVER.host4.rsplit(".", 1)[0] + ".77"
        begin = time.monotonic()
        for first in range(10000, 12500, 50):
            _send(net, *(_syn(port, nobody) for port in range(first, first + 50)))
            time.sleep(0.05)
        passed = time.monotonic() - begin
        harness.true(traffic.wait_for(lambda: _totals(net)["refused"] >= 2451), f"not full: {_totals(net)}")
        harness.equal(_totals(net)["states"], 50, "states")
        connection.sendall(b"still there")
        harness.true(traffic.wait_for(lambda: served.bytes == 11), "the flood has broken a connection")
        connection.close()
    lines = net.firewall.run("monitor", "-n").stdout.splitlines()
    told = [line for line in lines if "Cannot allocate dynamic state" in line]
    harness.within(len(told), 2, 2 + passed, f"records of a flood of {passed:.1f} seconds")


def test_no_room_for_parents(net):
    """Whoever needs another parent than there may be is denied at the rule, which is told; who has one is not."""
    net.firewall("sysctl net.inet.ip.fw.dyn_parent_max=1 net.inet.ip.fw.dyn_udp_lifetime=300")
    net.firewall.load(_NEIGHBOURS + "100 check-state\n200 allow udp from any to any in recv west0 limit src-port 3\n"
                      "300 allow ip from any to any out\n65000 allow ip from any to any")
    with traffic.udp_server(net.server, 9):
        outcomes = [traffic.udp_exchange(net.client, SERVER.host4, 9, source_port=port) for port in (5000, 5001, 5000)]
        harness.equal(outcomes, ["ok", "timeout", "ok"])
        begin = time.monotonic()
        for _ in range(50):
            _send(net, *(_udp(port) for port in range(6000, 6020)))
            time.sleep(0.05)
        passed = time.monotonic() - begin
    harness.equal((_totals(net)["states"], _totals(net)["parents"]), (1, 1), "states and parents")
    harness.true(traffic.wait_for(lambda: _totals(net)["refused"] == 1001), f"refused: {_totals(net)}")
    told = [line for line in net.firewall.run("monitor", "-n").stdout.splitlines() if "Cannot allocate parent dynamic state" in line]
    harness.within(len(told), 2, 2 + passed, f"records of {passed:.1f} seconds")


def test_more_room(net):
    """A greater dyn_max works at once, and breaks no connection."""
    net.firewall("sysctl net.inet.ip.fw.dyn_max=20 net.inet.ip.fw.dyn_udp_lifetime=60")
    net.firewall.load(_NEIGHBOURS + "100 check-state\n200 allow ip from any to any in recv west0 keep-state\n"
                      "300 deny ip from any to any")
    with traffic.tcp_sink(net.server, 80) as served, traffic.udp_server(net.server, 9, echo=False):
        connection = _connect(net)
        _send(net, *(_udp(port) for port in range(1000, 1100)))
        harness.true(traffic.wait_for(lambda: _totals(net)["refused"] == 81), f"not full: {_totals(net)}")
        net.firewall("sysctl net.inet.ip.fw.dyn_max=50 net.inet.ip.fw.dyn_syn_lifetime=300")
        connection.sendall(b"still there")
        harness.true(traffic.wait_for(lambda: served.bytes == 11), "more room has broken a connection")
        harness.equal((_cells(net), _totals(net)["states"]), (20, 20), "states")
        _send(net, *(_udp(port) for port in range(1000, 1100)))
        harness.true(traffic.wait_for(lambda: _totals(net)["states"] == 50), f"no more room: {_totals(net)}")
        connection.close()
    net.firewall("delete 200")
    harness.equal((_cells(net), _totals(net)["states"]), (0, 0), "states that the sweep has missed")


def test_states_outlive_a_commit(net):
    """Rules that stay keep their states, those of deleted rules go; a disabled set changes nothing for them."""
    rules = _NEIGHBOURS + "100 check-state\n200 set 1 allow tcp from any to any in recv west0 setup keep-state\n" \
        "300 deny ip from any to any"
    net.firewall.load(rules)
    with traffic.tcp_sink(net.server, 80) as served:
        connection = _connect(net)
        for number, change in enumerate(("add 250 count ip from any to any", "set disable 1", "set enable 1",
                                         "set move 1 to 2"), 1):
            net.firewall(change)
            connection.sendall(b"x")
            harness.true(traffic.wait_for(lambda n=number: served.bytes == n), f"`{change}' has broken a connection")
        net.firewall.load(rules.replace("set 1", "set 2"))
        connection.sendall(b"x")
        harness.true(traffic.wait_for(lambda: served.bytes == 5), "loading the same rules has broken a connection")
        net.firewall("delete 200")
        harness.equal(_totals(net)["states"], 0, "states of a deleted rule")
        connection.sendall(b"x")
        harness.true(not select.select([connection], [], [], 0.3)[0] and served.bytes == 5, "the state is still there")
        connection.close()


def test_explaining_makes_no_state(net):
    """The tool's own packets leave nothing behind."""
    net.firewall.load("100 check-state\n200 allow udp from any to any in limit src-addr 2\n300 deny ip from any to any")
    for _ in range(3):
        answer = net.firewall(f"explain in recv west0 udp {CLIENT.host4}:1000 to {SERVER.host4}:9")
        harness.contains(answer, "00200")
    harness.equal((_totals(net)["states"], _totals(net)["parents"]), (0, 0), "states and parents")
