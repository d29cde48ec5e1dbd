# SPDX-License-Identifier: GPL-2.0-only
"""Tables with very many addresses: loaded from a file, changed under traffic, and by processes that are killed."""
import random
import signal
import time

import harness
import traffic
from network import CLIENT, SERVER

_MANY = 200_000


def _prefixes(seed, count):
    """Different prefixes of networks that nobody here has an address in."""
    choose = random.Random(seed)
    found = {}
    while len(found) < count:
        bits = choose.choice((18, 22, 24, 24, 24, 28, 32, 32))
        first = choose.choice((1, 20, 44, 60, 88, 101, 144, 160, 183, 205))
        number = (first << 24 | choose.getrandbits(24)) >> (32 - bits) << (32 - bits)
        found[f"{number >> 24}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}/{bits}"] = len(found) + 1
    return found


def _load(net, entries):
    """Fills table t by one rules file."""
    text = "table t create\n" + "".join(f"table t add {key} {value % 50}\n" for key, value in entries.items())
    net.firewall.run("-q", "/dev/stdin", stdin=text)


def _items(net, name="t"):
    return int(net.firewall(f"table {name} info").split("items: ")[1].split(",")[0])


def test_listing_and_lookup(net):
    entries = _prefixes(1, _MANY)
    _load(net, entries)
    listed = dict(line.split() for line in net.firewall("table t list").splitlines())
    harness.equal(len(listed), _MANY)
    harness.true(all(listed[key] == str(value % 50) for key, value in entries.items()), "an entry is listed wrongly")
    for key in [key for key in entries if key.endswith("/32")][:20]:
        harness.equal(net.firewall(f"table t lookup {key.split('/')[0]}"), f"{key} {entries[key] % 50}\n")
    gone = "".join(f"table t delete {key}\n" for key in list(entries)[:_MANY // 2])
    net.firewall.run("-q", "/dev/stdin", stdin=gone)
    harness.equal(_items(net), _MANY // 2)
    listed = dict(line.split() for line in net.firewall("table t list").splitlines())
    harness.equal(set(listed), set(list(entries)[_MANY // 2:]))


@harness.alone
def test_changes_under_traffic(net):
    """Whatever happens to other entries, those that let the packets through are there for each of them."""
    entries = list(_prefixes(2, _MANY))
    _load(net, dict.fromkeys(entries[:-2000], 7))
    net.firewall.run("table", "t", "add", CLIENT.prefix4(), "1", SERVER.host4, "1")
    net.firewall.load("100 allow ip from table(t,1) to any\n200 deny ip from any to any")
    with traffic.pings(net.client, SERVER.host4) as counts:
        spare = entries[-2000:]
        for first in range(0, 1000, 100):
            for key in spare[first:first + 5]:
                net.firewall("-q table t add " + key + " 9")
            net.firewall.run("-q", "table", "t", "add", *(word for key in spare[first + 5:first + 100] for word in (key, "3")))
            net.firewall("-q table t delete " + spare[first])
            net.firewall(f"-q table t add {CLIENT.host4} 1")
            net.firewall(f"-q table t delete {CLIENT.host4}")
            net.firewall("-q table t add 0.0.0.0/0 4")
            net.firewall("-q table t delete 0.0.0.0/0")
        harness.true(counts[0] > 10, "hardly any traffic")
    harness.equal(counts[1], 0, "packets did not find an entry that was there all the time")
    harness.equal(_items(net), _MANY - 2000 + 2 + 990)
    net.firewall(f"table t delete {CLIENT.prefix4()}")
    harness.true(not traffic.ping(net.client, SERVER.host4), "a deleted entry is found")


@harness.alone
def test_swap_of_large_tables(net):
    entries = _prefixes(3, 50_000)
    _load(net, entries)
    net.firewall("table u create")
    net.firewall(f"table u add {CLIENT.host4} 1 {SERVER.host4} 1")
    net.firewall(f"table t add {CLIENT.host4} 1 {SERVER.host4} 1")
    net.firewall.load("100 allow ip from table(t,1) to any\n200 deny ip from any to any")
    with traffic.pings(net.client, SERVER.host4) as counts:
        for _ in range(10):
            net.firewall("table t swap u")
            time.sleep(0.05)
    harness.equal(counts[1], 0, "a swap lost packets")
    harness.equal((_items(net), _items(net, "u")), (50_002, 2))
    net.firewall("table t flush")
    harness.true(not traffic.ping(net.client, SERVER.host4), "an entry of a table that was emptied is found")


def test_killed_in_between(net):
    """Commands killed at random moments: what does not concern them is as it was, and the next command works."""
    entries = list(_prefixes(4, 20_000))
    _load(net, dict.fromkeys(entries, 7))
    net.firewall(f"table t add {CLIENT.prefix4()} 1 {SERVER.host4} 1")
    net.firewall.load("100 allow ip from table(t,1) to any\n200 deny ip from any to any")
    choose = random.Random(5)
    extra = [f"99.{number >> 8}.{number & 255}.0/24" for number in range(60)]
    for key in extra:
        command = net.firewall.start("-q", "table", "t", choose.choice(("add", "add", "delete")), key)
        time.sleep(choose.random() * 0.02)
        command.send_signal(signal.SIGKILL)
        command.communicate()
    harness.true(traffic.ping(net.client, SERVER.host4), "an entry that nobody touched has gone")
    net.firewall.run("-q", "table", "t", "add", *(word for key in extra for word in (key, "5")))
    listed = dict(line.split() for line in net.firewall("table t list").splitlines())
    harness.equal(listed, {**dict.fromkeys(entries, "7"), **dict.fromkeys(extra, "5"), CLIENT.prefix4(): "1",
                           SERVER.host4 + "/32": "1"})
