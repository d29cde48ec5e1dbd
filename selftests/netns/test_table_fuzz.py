# SPDX-License-Identifier: GPL-2.0-only
"""
Random changes of two tables by four processes at once while packets ask both: FreeBSD's table.sh:fuzz, with what must
come out of it. TABLE_FUZZ_SECONDS says for how long, TABLE_FUZZ_SEED repeats the same changes.

What the tables hold at the end depends on the order in which the commands took effect, which nobody can see from
outside. So all but changes of single entries are rules files that also add an entry to a table `journal` and print how
many it has: that tells their order. A change of a single entry, which is made in place, prints the number without
adding to it: it tells between which of the others it came; the entries of each process are its own.
"""
import contextlib
import ipaddress
import os
import random
import re
import threading
import time
from dataclasses import dataclass

import frames
import harness
import wire
from frames import IP, UDP, Ether, IPv6
from network import CLIENT, SERVER

_SECONDS = float(os.environ.get("TABLE_FUZZ_SECONDS", 10))
_SEED = int(os.environ.get("TABLE_FUZZ_SEED", 0)) or int.from_bytes(os.urandom(4), "big") + 1
_WORKERS = 4
_TABLES = ("tb0", "tb1")
# Entries that both tables have all the time, and addresses within. The server's network is one of them.
_CONSTANT = {"10.0.0.0/24": 7, "2001:db8:10::/64": 7, SERVER.prefix4(): 7, SERVER.prefix6(): 7}
_INSIDE = ("10.0.0.1", "2001:db8:10::1")
# Addresses that no entry ever covers.
_OUTSIDE = ("172.16.0.1", "fd00::1")
_RULES = """
    100 allow udp from table(tb0,7) to table(tb1,7) in
    110 deny udp from table(tb0) to any src-ip 172.16.0.1 in
    110 deny udp from table(tb0) to any src-ip6 fd00::1 in
    120 allow udp from 172.16.0.1 to any in
    120 allow udp from fd00::1 to any in
    65000 deny udp from any to any in
    65100 allow ip from any to any"""


def _entries(worker):
    """What a process changes: alone, around and within the networks that stay. No other process has one of them."""
    keys = ([f"10.2.{worker}.{host}/32" for host in range(6)] + [f"10.{3 + worker}.0.0/16", f"10.0.0.{128 + 8 * worker}/29"] +
            [f"10.0.{4 * worker}.0/{20 + worker}", f"198.51.100.{128 + 8 * worker}/29", f"198.51.96.0/{19 + worker}"] +
            [f"2001:db8:20:{worker}::{host}/128" for host in range(4)] +
            [f"2001:db8:10::{worker + 8}:0/112", f"2001:db8:{worker:x}0::/{36 + worker}", f"2001:db8:2::{worker + 8}:0/112",
             f"2001:db8::/{40 + worker}"])
    return [str(ipaddress.ip_network(key, strict=False)) for key in keys]


@dataclass
class _Change:
    """One command that took effect behind so many of the journal's."""
    behind: int
    single: bool
    worker: int
    serial: int
    apply: object  # applies it to {table: {key: value}}

    def order(self):
        """Sorts changes by when they took effect."""
        return self.behind, self.single, self.worker, self.serial


def _add(table, key, value):
    return lambda model: model[table].__setitem__(key, value)


def _delete(table, key):
    return lambda model: model[table].pop(key, None)


def _flush(table):
    return lambda model: model.__setitem__(table, dict(_CONSTANT))


def _swap(model):
    model["tb0"], model["tb1"] = model["tb1"], model["tb0"]


def _load(table, entries):
    return lambda model: model[table].update(entries)


_CONSTANT_TEXT = " ".join(f"{key} {value}" for key, value in _CONSTANT.items())


class _Worker(threading.Thread):
    """Runs random commands, one process after the other, until it is told to stop."""

    def __init__(self, net, number, stop):
        super().__init__(daemon=True)
        self._net = net
        self._number = number
        self._stop_event = stop
        self._random = random.Random(_SEED * _WORKERS + number)
        self._keys = _entries(number)
        self.changes = []
        self.error = None

    def _choose(self):
        """A random command as lines of a rules file, whether it changes a single entry, and what it does."""
        choose, table = self._random, self._random.choice(_TABLES)
        key, value = choose.choice(self._keys), choose.randrange(8, 1000)
        kind = choose.choices(("add", "delete", "load", "swap", "flush"), (6, 5, 2, 2, 1))[0]
        if kind == "add":
            return [f"table {table} add {key} {value}"], True, _add(table, key, value)
        if kind == "delete":
            return [f"table {table} delete {key}"], True, _delete(table, key)
        if kind == "load":
            entries = {one: choose.randrange(8, 1000) for one in choose.sample(self._keys, 5)}
            words = " ".join(f"{one} {number}" for one, number in entries.items())
            return [f"table {table} add {words}"], False, _load(table, entries)
        if kind == "swap":
            return ["table tb0 swap tb1"], False, _swap
        return [f"table {table} flush", f"table {table} add {_CONSTANT_TEXT}"], False, _flush(table)

    def _step(self):
        lines, single, apply = self._choose()
        serial = len(self.changes)
        if not single:
            lines.append(f"table journal add {self._number * 1000000 + serial}")
        lines.append("table journal info")
        text = self._net.firewall.run("-q", "/dev/stdin", stdin="\n".join(lines) + "\n").stdout
        items = re.search(r"items: (\d+)", text)
        harness.true(items is not None, f"`table journal info` printed {text!r}")
        self.changes.append(_Change(int(items[1]), single, self._number, serial, apply))

    def run(self):
        try:
            while not self._stop_event.is_set():
                self._step()
        except Exception as error:  # pylint: disable=broad-except
            self.error = f"process {self._number}: {error}"
            self._stop_event.set()


def _frame(source):
    link = Ether(src=CLIENT.host_mac, dst=CLIENT.firewall_mac)
    packet = IPv6(src=source, dst=SERVER.host6) if ":" in source else IP(src=source, dst=SERVER.host4)
    return bytes(link / packet / UDP(sport=1000, dport=7) / b"fuzz")


@contextlib.contextmanager
def _traffic(net, stop):
    """Packets from all addresses until `stop`; yields a list whose first element is how many of each were sent."""
    sent = [0]
    batch = [_frame(source) for source in (*_INSIDE, *_OUTSIDE)]

    def send():
        while not stop.is_set():
            wire.send(net.client, "eth0", *batch)
            sent[0] += 1
            time.sleep(0.002)

    sender = threading.Thread(target=send, daemon=True)
    sender.start()
    try:
        yield sent
    finally:
        stop.set()
        sender.join()


def _listed(net, table):
    return {key: int(value) for key, value in map(str.split, net.firewall(f"table {table} list").splitlines())}


def _expect_verdicts(net, sent):
    """No packet of an address in or outside of what stays met another rule than its own."""
    counted = {}
    for rule in net.firewall.show():
        counted[rule.number] = counted.get(rule.number, 0) + rule.packets
    harness.true(sent > 100, f"only {sent} rounds of packets")
    harness.equal([counted[number] for number in (100, 110, 120, 65000)], [2 * sent, 0, 2 * sent, 0],
                  f"matches of rules 100, 110, 120 and 65000 by {4 * sent} packets")


@harness.time_limit(60 + _SECONDS)
def test_fuzz(net):
    net.firewall.load("table tb0 create\ntable tb1 create\ntable journal create type number\n" +
                      "".join(f"table {table} add {_CONSTANT_TEXT}\n" for table in _TABLES) + _RULES)
    stop = threading.Event()
    workers = [_Worker(net, number, stop) for number in range(_WORKERS)]
    with _traffic(net, threading.Event()) as sent:
        for worker in workers:
            worker.start()
        stop.wait(_SECONDS)
        stop.set()
        for worker in workers:
            worker.join()
    harness.equal([worker.error for worker in workers if worker.error], [], f"seed {_SEED}")
    _expect_verdicts(net, sent[0])
    model = {table: dict(_CONSTANT) for table in _TABLES}
    changes = sorted((change for worker in workers for change in worker.changes), key=_Change.order)
    for change in changes:
        change.apply(model)
    for table in _TABLES:
        harness.equal(_listed(net, table), model[table], f"{table} after {len(changes)} changes, seed {_SEED}")
    harness.true(len(changes) > 20, f"only {len(changes)} changes")
    if os.environ.get("TABLE_FUZZ_SECONDS"):
        print(f"seed {_SEED}: {len(changes)} changes, {4 * sent[0]} packets", flush=True)
