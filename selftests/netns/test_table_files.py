# SPDX-License-Identifier: GPL-2.0-only
"""Lists of entries in files: `table add FILE`, `table delete FILE`."""
import contextlib
import tempfile

import harness
import traffic
from network import CLIENT, SERVER


@contextlib.contextmanager
def _file(text):
    with tempfile.NamedTemporaryFile("wb", prefix="ifb-") as file:
        file.write(text if isinstance(text, bytes) else text.encode())
        file.flush()
        yield file.name


def _entries(net, name):
    return net.firewall(f"table {name} list").splitlines()


def test_published_list(net):
    net.firewall("table t create")
    with _file(b"\xef\xbb\xbf# a list\r\n\r\n1.10.16.0/20 ; SBL256894\r\n\t192.0.2.77\n10.9.9.9/8 # host bits\n"
               b"10.0.0.0/8\n; another comment\n2001:db8::/32 7\n203.0.113.1/32") as path:
        result = net.firewall(f"table t add {path}")
        harness.equal(result, f"{path}: 5 added, 0 updated, 1 unchanged\n")
        listing = ["1.10.16.0/20 0", "10.0.0.0/8 0", "192.0.2.77/32 0", "203.0.113.1/32 0", "2001:db8::/32 7"]
        harness.equal(_entries(net, "t"), listing)
        harness.equal(net.firewall(f"table t add {path}"), f"{path}: 0 added, 0 updated, 6 unchanged\n")
        harness.equal(net.firewall(f"table t delete {path}"), f"{path}: 5 deleted\n")
        harness.equal(_entries(net, "t"), [])
    with _file("\n".join(listing)) as path:
        net.firewall(f"set 0 table t atomic add {path}")
    harness.equal(_entries(net, "t"), listing, "a listing is not a file of entries")


def test_all_types(net):
    for kind, entry in (("iface", "eth0 5"), ("number", "4000000000 5"), ("mac", "02:00:00:00:00:00/24 5"),
                        ("flow:src-ip,dst-port", "192.0.2.1,443 5")):
        name = kind[:4]
        net.firewall(f"table {name} create type {kind}")
        with _file(f"{entry}\n") as path:
            net.firewall(f"table {name} add {path}")
            harness.equal(_entries(net, name), [entry])
            net.firewall(f"table {name} delete -", stdin=entry.split()[0])
            harness.equal(_entries(net, name), [])
            if name != "flow":
                net.firewall(f"-n table {name} add {path}")
                harness.equal(_entries(net, name), [], "-n changed something")


def _refused(net, text, status, *parts, options=("table", "t", "add")):
    before = net.firewall("table all list"), net.firewall("table all info")
    result = net.firewall.run(*options, "-", stdin=text, status=status)
    for part in parts:
        harness.contains(result.stderr, part)
    harness.equal((net.firewall("table all list"), net.firewall("table all info")), before,
                  f"{text!r} left something behind")


def test_an_error_changes_nothing(net):
    net.firewall("table t create limit 3")
    net.firewall("table t add 192.0.2.1 1")
    good = "192.0.2.2 2\n"
    _refused(net, good + "\n192.0.2.0/33 5\n", 65, "Line 3 of -: bad IPv4 mask width: 33",
             "    192.0.2.0/33 5\n    ^~~~~~~~~~")
    _refused(net, good + "192.0.2.3 5 6\n", 65, "Line 2 of -: one entry a line is expected", "\n                ^\n")
    _refused(net, good + "192.0.2.1 2\n", 71, "Line 2 of -: Adding record failed: record already exists")
    _refused(net, good + "192.0.2.2 3\n", 71, "Line 2 of -: Adding record failed: record already exists")
    _refused(net, good + "192.0.2.3\n192.0.2.4\n", 71, "Line 3 of -: Adding record failed: limit hit")
    _refused(net, "192.0.2.1\n192.0.2.9\n", 71, "Line 2 of -: Deleting record failed: record not found",
             options=("table", "t", "delete"))
    _refused(net, "192.0.2.1\0\n", 65, "not a text file")
    _refused(net, "192.0.2.1 1\n", 64, "one file at a time", options=("table", "t", "add", "-"))
    _refused(net, "eth0 5\neth1 6 7\n", 65, "Line 2", options=("table", "missing", "add"))
    _refused(net, "", 65, "Table missing does not exist", options=("table", "missing", "add"))
    net.firewall("table t lock")
    _refused(net, good, 71, "Line 1 of -: Adding record failed: table is locked")
    harness.contains(net.firewall.run("table", "t", "add", "/nowhere/at/all", status=69).stderr,
                     "/nowhere/at/all: No such file or directory")


def test_quiet_goes_on(net):
    net.firewall("table t create")
    net.firewall("table t add 192.0.2.1 1")
    net.firewall("-q table t add -", stdin="192.0.2.1 2\n192.0.2.2\n")
    harness.equal(_entries(net, "t"), ["192.0.2.1/32 2", "192.0.2.2/32 0"])
    net.firewall("-q table t delete -", stdin="192.0.2.9\n192.0.2.1\n")
    harness.equal(_entries(net, "t"), ["192.0.2.2/32 0"])


def test_in_a_rules_file(net):
    net.firewall("table t create")
    with _file(f"{CLIENT.host4}\n{CLIENT.host6}\n") as path:
        text = f"table t add 192.0.2.1 1\ntable t add {path}\nadd 100 deny ip from table(t) to any\nadd 200 allow ip from any to any\n"
        net.firewall.run("-q", "/dev/stdin", stdin=text + "table t add -\n", status=64)
        harness.equal(_entries(net, "t"), [])
        net.firewall.run("-q", "/dev/stdin", stdin=text + f"table t delete {path} # again\n")
        harness.equal(_entries(net, "t"), ["192.0.2.1/32 1"])
        net.firewall.run("-q", "/dev/stdin", stdin=f"table t add {path}\n")
    harness.equal([traffic.ping(net.client, host) for host in (SERVER.host4, SERVER.host6)], [False, False])


def test_many_lines(net):
    lines = [f"10.{number >> 16}.{number >> 8 & 255}.{number & 255} {number}" for number in range(10000)]
    net.firewall("table t create")
    with _file("\n".join(lines)) as path:
        net.firewall(f"table t add {path}")
        harness.equal(len(_entries(net, "t")), 10000)
        harness.equal(net.firewall("table t lookup 10.0.20.7"), "10.0.20.7/32 5127\n")
        net.firewall(f"-q table t delete {path}")
    harness.equal(_entries(net, "t"), [])
