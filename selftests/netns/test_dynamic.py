# SPDX-License-Identifier: GPL-2.0-only
"""How dynamic rules are listed, deleted, limited and kept."""
import re
import socket
import subprocess
import threading
import time

import connections
import firewall
import frames
import harness
import namespaces
import traffic
import wire
from frames import IP, TCP, Ether, IPv6
from network import CLIENT, SERVER

_RULES = """
    100 check-state
    200 set 3 allow tcp from any to any 80 setup keep-state
    300 allow udp from any to any 53 keep-state :dns
    400 allow icmp from any to any limit src-addr 2
    65000 deny ip from any to any"""


def _some(net):
    """Makes states of several kinds; the server listens on 80 and answers on 53."""
    net.firewall.load(_RULES)
    harness.equal(traffic.udp_exchange(net.client, SERVER.host6, 53, source_port=5000), "ok")
    harness.true(traffic.ping(net.client, SERVER.host4), "no answer")


def test_listing_formats(net):
    with traffic.udp_server(net.server, 53):
        _some(net)
    lines = ["00300 STATE udp 2001:db8:1::2 5000 <-> 2001:db8:2::2 53 :dns", "00400 PARENT 1 icmp 192.0.2.2 0 <-> 0.0.0.0 0 :default",
             "00400 LIMIT icmp 192.0.2.2 0 <-> 198.51.100.2 0 :default"]
    rules = net.firewall("list").splitlines()
    harness.equal(net.firewall("-D list").splitlines(), ["## Dynamic rules (3 424):", *lines])
    harness.equal(net.firewall("-d list").splitlines(), [*rules, "## Dynamic rules (3 424):", *lines])
    harness.equal(net.firewall("-D list 1-350 400").splitlines(), ["## Dynamic rules:", *lines])
    harness.equal(net.firewall("-d list 300").splitlines(), [rules[2], "## Dynamic rules:", lines[0]])
    harness.equal(net.firewall("-D set 3 list").splitlines(), ["## Dynamic rules (3 424):"])
    harness.equal(net.firewall("-D list 999"), "## Dynamic rules:\n")
    harness.contains(net.firewall.run("-D", "list", "x", status=64).stderr, "invalid rule number: x")
    harness.equal(re.sub(r"\(\d+s\)", "(Ns)", net.firewall("-D show")).splitlines()[1:],
                  ["00300 4 224 (Ns) STATE udp 2001:db8:1::2 5000 <-> 2001:db8:2::2 53 :dns",
                   "00400 0   0 (Ns) PARENT 1 icmp 192.0.2.2 0 <-> 0.0.0.0 0 :default",
                   "00400 4 336 (Ns) LIMIT icmp 192.0.2.2 0 <-> 198.51.100.2 0 :default"])
    harness.equal(net.firewall("-D show"), net.firewall("-aD list"))
    harness.contains(net.firewall("-Dv list"), f"{lines[0]} state 0x00000000, f_ack 0x0, r_ack 0x0\n")


def test_verbose_listing(net):
    net.firewall.load(_RULES)
    with connections.Listener(net.server, 80) as listener, connections.Connection(net.client, listener, SERVER.host4) as one:
        harness.true(one.exchange(), "nothing passes")
        harness.true(re.search(r" :default state 0x000[0-3]0202 BOTH_SYN, f_ack 0x[0-9a-f]+, r_ack 0x[0-9a-f]+\n$",
                               net.firewall("-Dv list")), net.firewall("-Dv list"))
        one.client.shutdown(1)
        harness.true(traffic.wait_for(lambda: "BOTH_SYN,F_FIN, f_ack" in net.firewall("-Dv list")), net.firewall("-Dv list"))


def test_expired(net):
    """-e lists what has expired and is still there; other listings and packets do not see it."""
    net.firewall.load(_RULES)
    net.firewall.sysctl(dyn_udp_lifetime=1)
    with traffic.udp_server(net.server, 53):
        harness.equal(traffic.udp_exchange(net.client, SERVER.host4, 53), "ok")
        harness.within(net.firewall.dynamic()[0].seconds, 1, 1)
    seen = []
    harness.true(traffic.wait_for(lambda: seen.append(net.firewall.dynamic("-e")) or not net.firewall.dynamic()), "no end")
    harness.true(traffic.wait_for(lambda: not net.firewall.dynamic("-e"), patience=10), "it is never removed")
    harness.true(all(state.seconds <= 1 for listing in seen for state in listing), f"{seen}")
    harness.true(traffic.wait_for(lambda: net.firewall("sysctl -n net.inet.ip.fw.dyn_count") == "0\n", patience=10), "counted on")


def test_delete_dynamic(net):
    """-D delete ends states and leaves rules: by number, range and set."""
    with traffic.udp_server(net.server, 53):
        _some(net)
    rules = net.firewall("list")
    for words, left in (("-D set 2 delete 1-65000", {300, 400}), ("-D delete 999", {300, 400}), ("-D delete 300", {400}),
                        ("-D delete 100-500", set())):
        harness.equal(net.firewall(words), "")
        harness.equal({state.number for state in net.firewall.dynamic() if state.kind != "PARENT"}, left, words)
    harness.equal(net.firewall("list"), rules)
    harness.true(traffic.wait_for(lambda: all(not state.states for state in net.firewall.dynamic()), patience=10),
                 "a state that was deleted is counted by its parent")
    net.firewall("-q -D delete set 0")


def test_rules_take_their_states_along(net):
    """Deleting a rule ends its states, disabling its set or changing other rules does not; equal rules inherit."""
    net.firewall.load(_RULES)
    with connections.Listener(net.server, 80) as listener, connections.Connection(net.client, listener, SERVER.host4) as one:
        harness.true(one.exchange(), "before")
        net.firewall("-q add 250 count ip from any to any")
        net.firewall("-q delete 250")
        harness.true(one.exchange(), "after other rules changed")
        net.firewall.load(_RULES)
        harness.true(one.exchange(), "after a reload of the same rules")
        harness.equal(net.firewall.states(), 1)
        net.firewall("-q delete 200")
        harness.equal(net.firewall.dynamic(), [])
        harness.true(not one.exchange(patience=traffic.PATIENCE), "after its rule was deleted")
        net.firewall("-q add 200 set 3 allow tcp from any to any 80 setup keep-state")
        harness.equal(net.firewall.dynamic(), [])


def test_states_of_deleted_rules(net):
    """With dyn_keep_states they act, count and are listed as before, until they expire or it is 0 again."""
    net.firewall.load(_RULES)
    net.firewall.sysctl(dyn_keep_states=1)
    rules = net.firewall("list").splitlines()
    count = int(net.firewall("sysctl -n net.inet.ip.fw.static_count"))
    with connections.Listener(net.server, 80) as listener, connections.Connection(net.client, listener, SERVER.host4) as one:
        harness.true(one.exchange(), "before")
        net.firewall("-q delete 200")
        harness.equal(net.firewall("list").splitlines(), rules[:1] + rules[2:])
        harness.equal(int(net.firewall("sysctl -n net.inet.ip.fw.static_count")), count - 1)
        before, = net.firewall.dynamic()
        harness.equal((before.number, before.kind), (200, "STATE"))
        harness.true(one.exchange(), "after its rule was deleted")
        after, = net.firewall.dynamic()
        harness.true(after.packets > before.packets, f"{before} {after}")
        harness.equal(traffic.tcp_connect(net.client, SERVER.host4, 80), "timeout", "a new connection")
        harness.contains(net.firewall.run("delete", "200").stderr, "rule 200 not found")
        net.firewall("-q zero")
        # It stays from commit to commit, and a rule like it is another one.
        net.firewall("-q add 200 set 3 allow tcp from any to any 80 setup keep-state")
        net.firewall("-q delete 200")
        net.firewall("-q flush")
        net.firewall("-q add 100 check-state")
        harness.true(one.exchange(), "after all rules were deleted")
        harness.equal(net.firewall.dynamic()[0].number, 200)
        net.firewall("-q -D delete 200")
        harness.equal(net.firewall.dynamic(), [])
        harness.true(not one.exchange(patience=traffic.PATIENCE), "after its state was deleted")
    with connections.Listener(net.server, 80) as listener:
        net.firewall.load(_RULES)
        with connections.Connection(net.client, listener, SERVER.host6) as one:
            net.firewall("-q delete 200")
            harness.true(one.exchange(), "after its rule was deleted")
            net.firewall.sysctl(dyn_keep_states=0)
            harness.equal(net.firewall.dynamic(), [])
            harness.true(not one.exchange(patience=traffic.PATIENCE), "after dyn_keep_states=0")


def test_where_states_of_deleted_rules_lead(net):
    """A skipto to its target; what any other action lets go on, to the default rule. A limit is kept."""
    net.firewall.sysctl(dyn_keep_states=1)
    net.firewall.load("""
        100 check-state
        200 skipto 1000 udp from any to any 53 keep-state
        300 count udp from any to any 54 keep-state
        400 allow udp from any to any 55 limit dst-port 1
        500 allow udp from any to any 54
        600 allow udp from any 54 to any
        900 deny ip from any to any
        1000 allow ip from any to any""")
    with traffic.udp_server(net.server, 53, 54, 55):
        for port in (53, 54, 55):
            harness.equal(traffic.udp_exchange(net.client, SERVER.host4, port, source_port=5000), "ok", str(port))
        net.firewall("-q delete 200 300 400")
        for port, outcome in ((53, "ok"), (54, "timeout"), (55, "ok")):
            harness.equal(traffic.udp_exchange(net.client, SERVER.host4, port, source_port=5000), outcome, str(port))
        harness.equal([(state.number, state.kind) for state in net.firewall.dynamic()],
                      [(200, "STATE"), (300, "STATE"), (400, "PARENT"), (400, "LIMIT")])
        harness.true(net.firewall.packets(65535) >= 1, "packets of a count do not reach the default rule")


def test_variables(net):
    net.firewall.load(_RULES)
    with connections.Listener(net.server, 80) as listener, \
            connections.many(net.client, listener, [SERVER.host4, SERVER.host6], 5):
        harness.equal(net.firewall("sysctl -n net.inet.ip.fw.dyn_count"), "5\n")
        harness.true(traffic.ping(net.client, SERVER.host4), "no answer")
        harness.equal(net.firewall("sysctl -n net.inet.ip.fw.dyn_count net.inet.ip.fw.dyn_parent_count"), "6\n1\n")
        harness.contains(net.firewall("status"), "6 states of at most 8192, room for 8192; 1 parents of at most 4096")
    harness.equal(net.firewall("sysctl net.inet.ip.fw.curr_dyn_buckets"), "net.inet.ip.fw.curr_dyn_buckets: 8192\n")
    harness.contains(net.firewall.run("sysctl", "net.inet.ip.fw.dyn_count=1", status=1).stderr, "read only")


def test_limit(net):
    """The third connection of a source is refused, and accepted again after one has closed."""
    net.firewall.load("100 check-state\n200 allow tcp from any to any 80 setup limit src-addr 2\n65000 deny ip from any to any")
    with connections.Listener(net.server, 80) as listener:
        with connections.many(net.client, listener, [SERVER.host4], 1), \
                connections.Connection(net.client, listener, SERVER.host4) as second:
            harness.equal(traffic.tcp_connect(net.client, SERVER.host4, 80), "timeout")
            harness.equal(traffic.tcp_connect(net.client, SERVER.host6, 80), "ok", "another source")
            harness.equal([state.states for state in net.firewall.dynamic() if state.source == CLIENT.host4 and
                           state.kind == "PARENT"], [2])
            second.reset()
            harness.true(traffic.wait_for(lambda: traffic.tcp_connect(net.client, SERVER.host4, 80) == "ok", patience=10),
                         "the place of a closed connection is not given back")
        harness.true(int(re.search(r"(\d+) packets refused by limits", net.firewall("status"))[1]) >= 1, "none refused")


@harness.time_limit(60)
def test_set_limit(net):
    """It counts as limit does, and asks for no state: packets of a flow that has one meet the limit again."""
    others = "300 allow ip from any to any out\n400 allow udp from any 53 to any in\n65000 deny ip from any to any"
    with traffic.udp_server(net.server, 53):
        for rules, again in (("200 allow udp from any to any 53 in set-limit src-addr 2", "timeout"),
                             ("200 allow udp from any to any 53 in limit src-addr 2", "ok"),
                             ("100 check-state\n200 allow udp from any to any 53 in set-limit src-addr 2", "ok")):
            net.firewall.load(f"{rules}\n{others}")
            outcomes = [traffic.udp_exchange(net.client, SERVER.host4, 53, source_port=port)
                        for port in (5000, 5000, 5001, 5002, 5000)]
            harness.equal(outcomes, ["ok", "ok", "ok", "timeout", again], rules)
            harness.equal([(rule.kind, rule.states, rule.source_port) for rule in net.firewall.dynamic()],
                          [("PARENT", 2, 0), ("LIMIT", 0, 5000), ("LIMIT", 0, 5001)], rules)
            _clear_dynamic(net)


def _clear_dynamic(net):
    net.firewall("-q -D delete 1-65000")
    net.firewall("-q flush")


@harness.three_hosts
@harness.time_limit(60)
@harness.no_second_try
def test_limit_is_exact(net):
    """As many as the limit says, whoever comes first on whatever CPU."""
    count = 300 if namespaces.in_virtual_machine() else 3000
    net.firewall.load("100 allow udp from any to any 9 limit dst-port 50\n65000 deny ip from any to any")
    net.firewall.sysctl(dyn_udp_lifetime=60)

    def flood(host, source, destination):
        wire.send(host, "eth0", *(wire.datagram(*destination, source, CLIENT.firewall4, (1024 + port, 9))
                                  for port in range(count)))

    senders = [threading.Thread(target=flood, args=(host, link.host4, (link.host_mac, link.firewall_mac)))
               for host, link in (net.hosts["client"], net.hosts["other"])]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    time.sleep(0.1)
    dynamic = net.firewall.dynamic()
    harness.equal(sum(rule.kind == "LIMIT" for rule in dynamic), 50)
    harness.equal([rule.states for rule in dynamic if rule.kind == "PARENT"], [50])
    # Refused packets are counted there as well.
    harness.equal(net.firewall.packets(100), 2 * count)


@harness.time_limit(60)
def test_keepalives(net):
    """An idle connection lives on as long as the daemon runs; segments are as ipfw's, and meet no rules."""
    # what the kernels send of their own does not count
    net.firewall.load("10 allow ipv6-icmp from any to any icmp6types 130,131,132,133,134,135,136,143\n"
                      "100 check-state\n200 allow tcp from any to any 80 setup keep-state\n65000 deny ip from any to any")
    with connections.Listener(net.server, 80) as listener:
        for address, kind in ((SERVER.host4, IP), (SERVER.host6, IPv6)):
            with connections.Connection(net.client, listener, address) as one:
                harness.true(one.exchange(), "nothing passes")
                harness.equal(_once(net), 0, "keepalives of a connection that is not idle")
                net.firewall.sysctl(dyn_ack_lifetime=15)
                harness.true(one.exchange(), "nothing passes")
                time.sleep(0.3)  # acknowledgments come late
                net.firewall("-q zero")
                with frames.Sniffer(net.client) as near, frames.Sniffer(net.server) as far:
                    before = net.firewall.dynamic()[0]
                    sent = _once(net)
                    harness.within(sent, 1, 2, "keepalives")
                    seen = [packet for sniffer in (near, far) for packet in sniffer.packets(lambda seen: TCP in seen)]
                    asked = [packet for packet in seen if packet[kind].src in (address, one.client.getsockname()[0])
                             and packet[TCP].window == 0]
                    harness.equal(len(asked), sent)
                    harness.true(all(map(frames.checksums_right, asked)), "checksums")
                    harness.true(all(packet[TCP].flags == "A" and not packet[TCP].payload for packet in asked), f"{asked}")
                after = net.firewall.dynamic()[0]
                harness.equal(after.packets - before.packets, 2 * sent, "answers, each in and out")
                harness.equal(net.firewall.packets(65000), 0)
            net.firewall.sysctl(dyn_ack_lifetime=300)
            harness.true(traffic.wait_for(lambda: not net.firewall.states(), patience=10), "a closed connection lives on")
    net.firewall("disable dyn_keepalive")
    harness.equal(_once(net), 0)


@harness.time_limit(60)
def test_keepalives_take_the_table_of_setfib(net):
    """What is sent in the name of an end takes the table that the rules give to that end's own packets."""
    client = socket.inet_aton(CLIENT.host4)
    net.gateway.sysctl(ipv4__conf__all__rp_filter=0, ipv4__conf__west0__rp_filter=0)
    net.gateway.ip(f"route add table 5 {CLIENT.host4} dev {CLIENT.interface}", f"route add blackhole {CLIENT.host4}")
    net.firewall.load("50 setfib 5 ip from any to any in recv east0\n100 check-state\n"
                      "200 allow tcp from any to any 80 setup keep-state\n65000 deny ip from any to any")
    with connections.Listener(net.server, 80) as listener, connections.Connection(net.client, listener, SERVER.host4) as one:
        net.firewall.sysctl(dyn_ack_lifetime=15)
        for sender, receiver in ((one.client, one.server), (one.server, one.client)) * 3:
            harness.true(connections.carry(sender, receiver, b"data"), "nothing passes")
            time.sleep(0.3)  # acknowledgments come late
            due = [bytes.fromhex(line) for line in net.gateway.run(firewall.DAEMON, "--print").stdout.split()]
            if any(packet[16:20] == client for packet in due):
                break
        harness.true(any(packet[16:20] == client for packet in due), f"none is due for the client: {due}")
        with frames.Sniffer(net.client) as near:
            harness.equal(_once(net), len(due))
            seen = near.packets(lambda seen: TCP in seen)
            harness.equal(sum(packet[IP].dst == CLIENT.host4 and packet[TCP].window == 0 for packet in seen), 1)


def _once(net):
    result = net.gateway.run(firewall.DAEMON, "--once")
    harness.equal((result.returncode, result.stderr), (0, ""))
    return int(result.stdout.split()[0])


@harness.time_limit(60)
def test_daemon_keeps_connections(net):
    """To the machine's own end by way of lo as well; without the daemon the state expires."""
    net.firewall.load(_RULES)
    net.firewall.sysctl(dyn_ack_lifetime=7)
    with connections.Listener(net.server, 80) as listener, \
            connections.Connection(net.client, listener, SERVER.host4) as forwarded, \
            connections.Connection(net.gateway, listener, SERVER.host6) as own:
        harness.true(forwarded.exchange() and own.exchange(), "nothing passes")
        daemon = subprocess.Popen(net.gateway.command(firewall.DAEMON))
        try:
            time.sleep(10)
            harness.equal(net.firewall.states(), 2)
            harness.true(forwarded.exchange() and own.exchange(), "nothing passes after a while")
        finally:
            daemon.kill()
            daemon.wait()
        harness.true(traffic.wait_for(lambda: not net.firewall.states(), patience=10), "states live on without the daemon")
