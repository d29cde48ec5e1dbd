# SPDX-License-Identifier: GPL-2.0-only
"""Look-up tables: what survives what, and many entries."""
import harness
import modes
import traffic
from network import CLIENT, SERVER

_TABLES_SETS = "net.inet.ip.fw.tables_sets"


def _entries(net, name):
    return net.firewall(f"table {name} list").splitlines()


def test_contents_survive_rules(net):
    net.firewall("table t create")
    net.firewall("table t add 192.0.2.0/24 5 2001:db8::/32 6")
    net.firewall.load("100 allow ip from any to any")
    net.firewall("-q flush")
    harness.equal(_entries(net, "t"), ["192.0.2.0/24 5", "2001:db8::/32 6"])


def test_file_is_one_transaction(net):
    net.firewall("table t create")
    net.firewall("table t add 192.0.2.1 1")
    text = "table t add 192.0.2.2 2\ntable u create\ntable t swap u\ntable t add 192.0.2.3 3\nnonsense\n"
    net.firewall.run("-q", "/dev/stdin", stdin=text, status=64)
    harness.equal(net.firewall("table all list"), "--- table(t), set(0) ---\n192.0.2.1/32 1\n")
    net.firewall.run("-q", "/dev/stdin", stdin=text.replace("nonsense", "table t add 192.0.2.4 4"))
    harness.equal(_entries(net, "t"), ["192.0.2.3/32 3", "192.0.2.4/32 4"])
    harness.equal(_entries(net, "u"), ["192.0.2.1/32 1", "192.0.2.2/32 2"])


def test_atomic_add(net):
    net.firewall("table t create limit 3")
    net.firewall("table t add 192.0.2.1 1")
    result = net.firewall.run("table", "t", "atomic", "add", "192.0.2.2", "2", "192.0.2.1", "3", status=71)
    harness.contains(result.stderr, "record already exists")
    harness.equal(_entries(net, "t"), ["192.0.2.1/32 1"])
    net.firewall("table t atomic add 192.0.2.2 2 192.0.2.3 3")
    net.firewall("table t add 192.0.2.4 4", status=71)
    harness.equal(len(_entries(net, "t")), 3)
    net.firewall("-q table t add 192.0.2.1 9")
    harness.equal(_entries(net, "t")[0], "192.0.2.1/32 9")


def test_many_entries(net):
    words = [word for number in range(5000) for word in (f"10.{number // 250}.{number % 250}.0/24", str(number))]
    net.firewall.run("table", "t", "create")
    net.firewall.run("-q", "table", "t", "add", *words)
    harness.equal(len(_entries(net, "t")), 5000)
    harness.equal(net.firewall("table t lookup 10.3.7.9"), "10.3.7.0/24 757\n")
    net.firewall.run("-q", "table", "n", "add", *(word for number in range(5000) for word in (str(number), "1")))
    net.firewall("table n add 5000 2")
    harness.equal(_entries(net, "n")[-1], "5000 2")
    net.firewall("table n flush")
    harness.equal(_entries(net, "n"), [])


def _passes(net):
    """Which of ping over IPv4 and IPv6 are answered."""
    return traffic.ping(net.client, SERVER.host4), traffic.ping(net.client, SERVER.host6)


def test_longest_prefix_decides(net):
    net.firewall("table t create")
    net.firewall(f"table t add {CLIENT.prefix4()} 1 {CLIENT.prefix6()} 1")
    net.firewall.load("100 deny ip from table(t,2) to any\n200 allow ip from table(t) to any\n"
                      "300 allow ip from any to table(t)")
    harness.equal(_passes(net), (True, True))
    net.firewall(f"table t add {CLIENT.host4} 2")
    harness.equal(_passes(net), (False, True), "the longest prefix does not win")
    net.firewall(f"table t add {CLIENT.host6} 2")
    harness.equal(_passes(net), (False, False))
    net.firewall(f"table t delete {CLIENT.host4} {CLIENT.host6}")
    harness.equal(_passes(net), (True, True), "deleted entries match")


def test_swap_and_flush_are_seen_by_packets(net):
    net.firewall("table bad create")
    net.firewall("table new create")
    net.firewall(f"table new add {CLIENT.host4}")
    net.firewall.load("100 deny ip from table(bad) to any\n200 allow ip from any to any")
    harness.equal(_passes(net), (True, True))
    net.firewall("table bad swap new")
    harness.equal(_passes(net), (False, True))
    net.firewall("table bad flush")
    harness.equal(_passes(net), (True, True))
    net.firewall(f"table bad atomic add {CLIENT.host4} 1 {CLIENT.host6} 2")
    harness.equal(_passes(net), (False, False))
    harness.contains(net.firewall.run("table", "bad", "destroy", status=71).stderr, "Device or resource busy")
    net.firewall("delete 100")
    net.firewall("table bad destroy")
    harness.equal(_passes(net), (True, True))


def test_interfaces(net):
    net.firewall("table i create type iface")
    net.firewall.load(f"100 deny ip from any to any recv table(i)\n200 allow ip from any to any xmit table(i,7)\n"
                      f"300 allow ip from any to any")
    harness.equal(_passes(net), (True, True))
    net.firewall(f"table i add nowhere0 7 {CLIENT.interface} 1")
    harness.equal(_passes(net), (False, False), "an entry has no effect")
    net.firewall(f"table i delete {CLIENT.interface}")
    net.firewall(f"table i add {SERVER.interface} 7")
    harness.equal(_passes(net), (False, False), "the answer came in by an interface in the table")
    net.firewall("table i flush")
    harness.equal(_passes(net), (True, True))


def test_ports_and_flows(net):
    net.firewall("table ports create type number")
    net.firewall("table f create type flow:src-ip,proto,dst-ip,dst-port")
    net.firewall(f"table ports add 80 1")
    net.firewall(f"table f add {CLIENT.host4},tcp,{SERVER.host4},443")
    net.firewall.load("100 allow tcp from any to any lookup dst-port ports\n200 allow ip from any to any flow table(f)\n"
                      "300 allow tcp from any to any established\n400 deny tcp from any to any\n500 allow ip from any to any")
    with traffic.tcp_server(net.server, 80, 81, 443):
        harness.equal(traffic.tcp_connect(net.client, SERVER.host4, 80), "ok")
        harness.equal(traffic.tcp_connect(net.client, SERVER.host4, 443), "ok")
        harness.equal(traffic.tcp_connect(net.client, SERVER.host4, 81), "timeout")
        harness.equal(traffic.tcp_connect(net.client, SERVER.host6, 443), "timeout")
        net.firewall("table ports add 81")
        harness.equal(traffic.tcp_connect(net.client, SERVER.host4, 81), "ok")


def test_missing_table_is_made_by_a_rule(net):
    net.firewall("add 100 count ip from any to any via table(x) lookup src-port y")
    harness.contains(net.firewall("table x info"), "kindex: 1, type: iface\n references: 1")
    harness.contains(net.firewall("table y info"), "type: number\n references: 1")
    result = net.firewall.run("add", "200", "deny", "ip", "from", "table(x)", "to", "any", status=69)
    harness.contains(result.stderr, "getsockopt(IP_FW_XADD): Invalid argument")


def test_tables_of_sets(net):
    """tables_sets: names in rules mean tables of the rule's set, which go along with it."""
    for number in (0, 5):
        net.firewall(f"set {number} table t create")
    net.firewall(f"set 5 table t add {CLIENT.host4} 1")
    net.firewall.load("100 set 5 deny ip from table(t) to any\n65000 allow ip from any to any")
    harness.equal(_passes(net), (True, True), "a rule of set 5 asks for the table of set 0")
    refused = net.firewall.run("sysctl", f"{_TABLES_SETS}=1", status=1)
    harness.contains(refused.stderr, f"{_TABLES_SETS}=1: Device or resource busy")
    net.firewall("delete 100")
    harness.equal(net.firewall(f"sysctl {_TABLES_SETS}=1"), f"{_TABLES_SETS}: 0 -> 1\n")
    net.firewall("add 100 set 5 deny ip from table(t) to any")
    harness.equal(_passes(net), (False, True), "a rule of set 5 asks for another set's table")
    harness.contains(net.firewall("set 5 table t info"), "references: 1")
    harness.contains(net.firewall("table t info"), "references: 0")
    net.firewall("add 200 set 6 count ip from table(made) to any")
    harness.contains(net.firewall("set 6 table made info"), "table(made), set(6)")
    net.firewall.run("table", "made", "info", status=71)
    net.firewall("set swap 5 0")
    harness.equal(net.firewall("table t list"), f"{CLIENT.host4}/32 1\n")
    harness.equal(_passes(net), (False, True))
    harness.contains(net.firewall.run("set", "move", "0", "to", "5", status=71).stderr, "failed to move set: File exists")
    net.firewall("set move rule 100 to 7")
    harness.equal(net.firewall("set 7 table t list"), f"{CLIENT.host4}/32 1\n")
    net.firewall("add 300 set 7 count ip from table(t) to any")
    refused = net.firewall.run("set", "move", "rule", "100", "to", "8", status=71)
    harness.contains(refused.stderr, "failed to move rule: Device or resource busy")
    net.firewall("set move 7 to 8")
    harness.contains(net.firewall("set 8 table t info"), "references: 2")
    harness.equal(_passes(net), (False, True))
    net.firewall.run("sysctl", f"{_TABLES_SETS}=0", status=1)


def test_tables_max(net):
    net.firewall("-q sysctl net.inet.ip.fw.tables_max=2")
    net.firewall("table a create")
    net.firewall("add 100 count ip from table(b) to any")
    harness.contains(net.firewall.run("table", "c", "create", status=71).stderr, "Table creation failed: ")
    refused = net.firewall.run("add", "200", "count", "ip", "from", "table(c)", "to", "any", status=69)
    harness.contains(refused.stderr, "getsockopt(IP_FW_XADD): No space left on device")
    net.firewall("-q sysctl net.inet.ip.fw.tables_max=3")
    net.firewall("table c create")
    net.firewall("-q sysctl net.inet.ip.fw.tables_max=1")
    harness.equal(len(net.firewall("table all info").splitlines()) // 5, 3)


def test_what_cannot_be_done_is_refused(net):
    for rule in ("fwd tablearg ip from table(t) to any",):
        harness.contains(net.firewall.run(*("add 100 " + rule).split(), status=69).stderr, "not supported yet")
    harness.equal(net.firewall("table all list"), "", "a refused rule left a table")


def test_in_rules_that_are_looked_up(net):
    """The deepest chain of calls that there is, for which the stack must do: also where XDP cannot be used."""
    rules = "\n".join(f"{100 + port} deny udp from table(t,{port % 2}) to any {port} in" for port in range(1, 300))
    net.firewall("table t create")
    net.firewall(f"table t add {CLIENT.host4} 1 {CLIENT.host6} 0 {CLIENT.prefix6()} 1")
    with modes.occupied(net.gateway, CLIENT.interface), traffic.udp_server(net.server, 7, 8):
        net.firewall.load(rules + "\n65000 allow ip from any to any", environment={"IPFW_BPF_CLASSIFY_FROM": "1"})
        harness.contains(net.firewall("status -v"), "looked up")
        for address, answers in ((SERVER.host4, (False, True)), (SERVER.host6, (True, False))):
            harness.equal(tuple(traffic.udp_exchange(net.client, address, port) == "ok" for port in (7, 8)), answers)
