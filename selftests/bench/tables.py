# SPDX-License-Identifier: GPL-2.0-only
"""Tables of addresses: what a look-up costs, loading, memory; packets per second beside nftables' and ipset's sets.

All packets come from addresses that are in the table, evenly spread, so that nearly each finds its entry in no cache.
"""
import contextlib
import ipaddress
import json
import operator
import random
import statistics
import subprocess
import tempfile
import time

import loaded
import network
import packet_cost
import peers
import rulesets
import throughput
import trace

_LENGTHS = {4: (16, 20, 22, 24, 24, 24, 24, 28, 32, 32), 6: (32, 40, 48, 48, 48, 56, 64, 64, 64, 128)}
_WIDTHS = {4: 32, 6: 128}
_FLOWS = 100_000
_CLASSES = {4: ipaddress.IPv4Address, 6: ipaddress.IPv6Address}


def _number(text):
    return int(ipaddress.ip_address(text))


def entries(version, count, hosts=False):
    """{(address, length)}, none of them this machine's; `hosts`: single addresses only."""
    source = random.Random(f"tables {version} {count} {hosts}")
    width, found = _WIDTHS[version], {}
    octets = [octet for octet in range(1, 224) if octet not in (10, 127, 192, 198)]
    while len(found) < count:
        length = width if hosts else source.choice(_LENGTHS[version])
        head = source.choice(octets) if version == 4 else 0x20 | source.getrandbits(4)
        address = head << (width - 8) | source.getrandbits(width - 8)
        found[address >> (width - length) << (width - length), length] = None
    return list(found)


def _text(version, entry):
    address, length = entry
    return str(_CLASSES[version](address)) + ("" if length == _WIDTHS[version] else f"/{length}")


def _flows(version, found, seed=1):
    """Packets from addresses in the entries."""
    source = random.Random(f"table flows {seed} {len(found)}")
    chosen = source.choices(found, k=_FLOWS)
    other = network.SERVER.host4 if version == 4 else network.SERVER.host6
    rules = [rulesets.Rule(version, "allow", "udp", address, length, _number(other), _WIDTHS[version],
                           destination_ports=(53, 53)) for address, length in chosen]
    return trace.flows(rules, _FLOWS, seed)


def _memory():
    """Bytes in the maps of tables, by number."""
    maps = json.loads(subprocess.run(["bpftool", "map", "show", "-j"], check=True, capture_output=True).stdout)
    return {row["id"]: row["bytes_memlock"] for row in maps if row.get("name") in ("table", "table_counts")}


def _ipfw(tested, version, found, options="", value=lambda number: ""):
    """Fills the table anew, made with the options; `value`: what follows the entry with a number. Seconds and bytes."""
    before = set(_memory())
    tested.firewall.run("-q", "table", "all", "flush")
    with tempfile.NamedTemporaryFile("w", prefix="ipfw-bench-", suffix=".rules") as file:
        file.write(f"table t create {options} or-flush\n")
        file.writelines(f"table t add {_text(version, entry)}{value(number)}\n" for number, entry in enumerate(found))
        file.flush()
        begin = time.monotonic()
        tested.firewall.run("-q", file.name)
        seconds = time.monotonic() - begin
    memory = sum(size for number, size in _memory().items() if number not in before)
    return {"seconds": seconds, "bytes": memory}


def _ipfw_rules(tested, version, found):
    _ipfw(tested, version, found)
    loaded.load(tested, "flush\nadd 1 allow ip from any to any out\nadd 100 allow ip from table(t) to any in\n"
                        "add 65000 deny ip from any to any\n")


def _ipfw_rules_fast(tested, version, found):
    peers.forward_at_xdp(tested)
    _ipfw_rules(tested, version, found)
    peers.check_forwarding(tested)


def _nft(flags):
    def set_up(tested, version, found):
        elements = ", ".join(_text(version, entry) for entry in found)
        family, kind = ("ip", "ipv4_addr") if version == 4 else ("ip6", "ipv6_addr")
        # In one transaction netlink takes so many elements at once only in parts.
        text = (f"table {family} bench {{\nset t {{ type {kind}; {flags} }}\nchain filter {{\n"
                f"type filter hook prerouting priority raw; policy drop;\n{family} saddr @t accept\n}}\n}}\n"
                f"add element {family} bench t {{ {elements} }}\n")
        peers.run(tested, "nft", "-f", "-", text=text)
    return set_up


def _ipset(kind):
    def set_up(tested, version, found):
        family = "inet" if version == 4 else "inet6"
        lines = [f"create t {kind} family {family} maxelem {len(found) + 1} hashsize {max(64, len(found))}"]
        peers.run(tested, "ipset", "restore",
                  text="\n".join(lines + [f"add t {_text(version, entry)}" for entry in found]) + "\n")
        command = "iptables-legacy-restore" if version == 4 else "ip6tables-legacy-restore"
        peers.run(tested, command, text="*raw\n:PREROUTING DROP [0:0]\n"
                                        "-A PREROUTING -m set --match-set t src -j ACCEPT\nCOMMIT\n")
    return set_up


# By what the entries are; overlapping prefixes are joined for nftables.
PEERS = {
    "hosts": {peers.OWN: _ipfw_rules, peers.OWN_FAST: _ipfw_rules_fast, "nft hash": _nft(""),
              "ipset hash:ip": _ipset("hash:ip")},
    "prefixes": {peers.OWN: _ipfw_rules, peers.OWN_FAST: _ipfw_rules_fast, "nft interval": _nft("flags interval; auto-merge;"),
                 "ipset hash:net": _ipset("hash:net")},
}


def _costs(quick):
    """ns per packet without and with a look-up, seconds to load, bytes, by version and size."""
    rounds, milliseconds = (5, 10) if quick else (9, 30)
    result = []
    with network.Network() as tested, contextlib.ExitStack() as stack:
        loaded.load(tested, "flush\nadd 100 allow ip from any to any\n")
        programs = {"base": stack.enter_context(loaded.kept(tested, "base"))}
        for version in (4, 6):
            for size in (1000, 100_000, 1_000_000):
                found = entries(version, size)
                load = _ipfw(tested, version, found)
                loaded.load(tested, "flush\nadd 100 allow ip from table(t) to any\nadd 200 deny ip from any to any\n")
                programs["table"] = loaded.program(tested)
                packets = _flows(version, found)
                cell = packet_cost.Measurement(tested, rounds, milliseconds).replay(programs, version, packets)
                result.append({"version": version, "size": size} | load | cell)
                print(describe(result[-1]), flush=True)
    return result


# Memory for IPv4: title: options of the table, and what follows the entry with a number.
_HELD = {
    "nothing": ("", lambda number: ""),
    "a number of its own": ("", lambda number: f" {number}"),
    "two numbers of its own": ("valtype skipto,mark", lambda number: f" {number % 65535 + 1},{number}"),
    "nothing, counted": ("counters", lambda number: ""),
}


def _bytes(quick):
    """{title: bytes for each entry}"""
    size, result = 100_000 if quick else 1_000_000, {}
    found = entries(4, size)
    with network.Network() as tested:
        for title, (options, value) in _HELD.items():
            tested.firewall.run("-q", "table", "t", "destroy", status=None)
            result[title] = _ipfw(tested, 4, found, options, value)["bytes"] / size
            print(_describe_bytes(title, result[title]), flush=True)
    return result


def _describe_bytes(title, each):
    return f"IPv4 entries that hold {title}: {each:.0f} bytes each"


def _describe_update(cell):
    return (f"IPv{cell['version']} one entry added or removed: {cell['large']:.2f} ms among {cell['size']:,}, "
            f"{cell['small']:.2f} in a table of two")


def _change(tested, version, table, times):
    """Seconds of commands that add one entry, and remove it again."""
    result = []
    for number in range(times):
        entry = f"192.0.{number % 256}.0/24" if version == 4 else f"3fff:{number:x}::/48"
        for command in ("add", "delete"):
            begin = time.monotonic()
            tested.firewall.run("-q", "table", table, command, entry)
            result.append(time.monotonic() - begin)
    return result


def _updates(quick):
    """ms that a command on one entry takes, in a small table and in a large one: a list by version."""
    size, times, result = 100_000 if quick else 1_000_000, 10 if quick else 40, []
    with network.Network() as tested:
        for version in (4, 6):
            _ipfw(tested, version, entries(version, size))
            tested.firewall.run("-q", "table", "small", "create", "or-flush")
            for host in ("198.51.100.1", "2001:db8::1"):
                tested.firewall.run("-q", "table", "small", "add", host)
            small, large = [], []
            for _ in range(5):
                small += _change(tested, version, "small", times // 5)
                large += _change(tested, version, "t", times // 5)
            result.append({"version": version, "size": size, "small": statistics.median(small) * 1000,
                           "large": statistics.median(large) * 1000})
            print(_describe_update(result[-1]), flush=True)
    return result


def describe(cell):
    """One line."""
    return (f"IPv{cell['version']} {cell['size']:>9,} entries: {cell['table']['median']} ns, without "
            f"{cell['base']['median']}; loaded in {cell['seconds']:.2f} s, {cell['bytes'] / cell['size']:.0f} bytes each")


def _compare(kind, size, rounds, milliseconds):
    """Rates of all firewalls in turns."""
    found = entries(4, size, kind == "hosts")
    rates = {name: [] for name in PEERS[kind]}
    with throughput.gateways(PEERS[kind]) as gateways, tempfile.NamedTemporaryFile(prefix="ipfw-bench-") as file:
        trace.write(file.name, 4, _flows(4, found))
        for gateway in gateways:
            PEERS[kind][gateway.name](gateway.tested, 4, found)
        for turn in range(rounds + 1):
            for gateway in gateways:
                flood = gateway.flood(file.name, milliseconds)
                if abs(flood.forwarded - flood.taken) > 0.02 * flood.taken:
                    raise RuntimeError(f"{gateway.name}: took {flood.taken} and forwarded {flood.forwarded}")
                # The first round warms up.
                if turn:
                    rates[gateway.name].append(flood.rate)
    return {"kind": kind, "size": size,
            "rates": {name: {"median": statistics.median(every), "least": min(every), "greatest": max(every)}
                      for name, every in rates.items()}}


def measure(quick):
    """{"costs": list by version and size, "bytes": of _bytes(), "updates": of _updates(), "throughput": list of {"kind",
    "size", "rates"}}"""
    rounds, milliseconds = (3, 40) if quick else (7, 60)
    sizes = (1000, 100_000) if quick else (1000, 100_000, 1_000_000)
    costs, held, updates = _costs(quick), _bytes(quick), _updates(quick)
    cells = [_compare(kind, size, rounds, milliseconds) for kind in PEERS for size in sizes]
    return {"costs": costs, "bytes": held, "updates": updates, "throughput": cells}


def cost(result, version, size):
    """The cell, None if it was not measured."""
    for cell in result["costs"]:
        if (cell["version"], cell["size"]) == (version, size):
            return cell
    return None


def lookup(cell):
    """ns that the look-up adds to a packet."""
    return packet_cost.in_turns(cell["table"], cell["base"], operator.sub)


def ratio(result, kind, size):
    """How many times as fast as the faster of the others ipfw-bpf is."""
    for cell in result["throughput"]:
        if (cell["kind"], cell["size"]) == (kind, size):
            rates = {name: rate["median"] for name, rate in cell["rates"].items()}
            own = [rates.pop(name) for name in (peers.OWN, peers.OWN_FAST) if name in rates]
            return max(own) / max(rates.values())
    return None


def print_table(result):
    """Costs, then rates."""
    print("\nns per packet, without and with a look-up in a table")
    for cell in result["costs"]:
        print(describe(cell))
    for title, each in result["bytes"].items():
        print(_describe_bytes(title, each))
    for cell in result["updates"]:
        print(_describe_update(cell))
    print("\nmillions of packets per second of one processor, all from addresses in the table")
    for cell in result["throughput"]:
        rates = "".join(f"{name:>16} {rate['median'] / 1e6:.3f}" for name, rate in cell["rates"].items())
        print(f"{cell['size']:>9,} {cell['kind']:<9}{rates}")
