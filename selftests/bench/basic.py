# SPDX-License-Identifier: GPL-2.0-only
"""Rules one after another: ns per packet against their number, changes of the ruleset, the language."""
import statistics
import subprocess
import time

import firewall
import network
import options
from loaded import binary, load, program

MEASURE = binary("measure")
EMPTY = binary("empty.bpf.o")
LANGUAGE = binary("language")


def rule(index, rules):
    """Rule `index` of a set of `rules`: five tests, the source network tells rules apart."""
    number = 1 + index * (60000 // max(rules, 1)) if rules < 60000 else index + 1
    high, low = divmod(index, 256)
    return f"add {number} allow tcp from 10.{high}.{low}.0/24 1024-65535 to 172.16.0.0/12 80"


def ruleset(rules):
    """A rules file of so many five-test rules."""
    return "flush\n" + "".join(rule(index, rules) + "\n" for index in range(rules))


def frame(gateway_mac, index):
    """A 64-byte Ethernet frame, TCP SYN, that rule `index` matches."""
    high, low = divmod(index, 256)
    mac = bytes.fromhex(gateway_mac.replace(":", ""))
    ip = bytes.fromhex("450000320001000040060000") + bytes([10, high, low, 7]) + bytes([172, 16, 1, 1])
    total = sum(int.from_bytes(ip[i:i + 2], "big") for i in range(0, 20, 2))
    total = (total & 0xffff) + (total >> 16)
    checksum = 0xffff - ((total & 0xffff) + (total >> 16))
    ip = ip[:10] + checksum.to_bytes(2, "big") + ip[12:]
    tcp = bytes.fromhex("04010050000000010000000050022000") + bytes(4)
    return (mac + bytes.fromhex("020000000102") + b"\x08\x00" + ip + tcp + bytes(10)).hex()


def packet_cost(tested, rules, rounds, repeat):
    """Medians in ns: empty program, then the match at the first, middle and last rule."""
    load(tested, ruleset(rules))
    path, mac = program(tested), network.CLIENT.firewall_mac
    places = {"first": 0, "middle": rules // 2, "last": rules - 1}
    candidates = [f"empty={EMPTY}@{frame(mac, 0)}"]
    candidates += [f"{name}={path}@{frame(mac, index)}" for name, index in places.items()]
    output = tested.gateway.run(MEASURE, network.CLIENT.interface, str(rounds), str(repeat), *candidates)
    if output.returncode:
        raise RuntimeError(output.stderr)
    result = {}
    for line in output.stdout.splitlines():
        name, action, median, least, greatest = line.split()
        if action != "2":
            raise RuntimeError(f"{name}: XDP action {action}, not XDP_PASS: the rule did not match")
        result[name] = {"median": int(median), "least": int(least), "greatest": int(greatest)}
    return result


def add_time(tested, rules, runs):
    """Median seconds of one `add`, the whole process, with so many rules present."""
    load(tested, ruleset(rules))
    times = []
    for run in range(runs):
        argv = [firewall.TOOL, "-q", "add", str(61000 + run), "deny", "tcp", "from", "192.0.2.0/24", "to", "any", "25"]
        with tested.gateway:
            begin = time.monotonic()
            subprocess.run(argv, check=True)
            times.append(time.monotonic() - begin)
    return statistics.median(times)


def load_time(tested, rules, runs):
    """Median seconds of loading a file of so many rules over another ruleset."""
    text = ruleset(rules)
    return statistics.median(load(tested, text) for _ in range(runs))


def language_rates(rounds):
    """Rules per second: parsed and printed, parsed alone, printed alone."""
    result = subprocess.run([LANGUAGE, "100000", str(rounds)], text=True, capture_output=True, check=True)
    return dict(zip(("both", "parse", "print"), map(int, result.stdout.split())))


def measure(tested, quick):
    """Everything that the table shows."""
    rounds, repeat = (5, 100000) if quick else (15, 300000)
    cost = {}
    for rules in (1, 10, 100, 1000):
        cost[rules] = packet_cost(tested, rules, rounds, repeat // (1 + rules // 100))
    return {
        "packet_ns": cost,
        "add_seconds": {rules: add_time(tested, rules, 5 if quick else 15) for rules in (10, 100, 1000)},
        "language_rules_per_second": language_rates(3 if quick else 9),
        "load_seconds": {rules: load_time(tested, rules, 1 if quick else 5) for rules in (1000, 10000)},
        "option_ns": options.measure(tested, rounds, repeat // 5),
    }


EXPECTED_ADD = {10: 0.010, 100: 0.015, 1000: 0.060}
EXPECTED_LOAD = {1000: 0.2, 10000: 1.5}
EXPECTED_LANGUAGE = 500000


def verdict(good):
    return "ok" if good else "MISSED"


def print_table(results):
    """The figures, with what is expected of them."""
    print("ns per packet (BPF_PROG_TEST_RUN, XDP, 64-byte TCP): median, and times the empty program")
    print(f"{'rules':>6} {'empty':>6} {'first':>14} {'middle':>14} {'last':>14} {'ns per rule':>12}")
    for rules, row in results["packet_ns"].items():
        empty = row["empty"]["median"]
        cells = [f"{row[place]['median']:>6} {row[place]['median'] / empty:>6.2f}x" for place in
                 ("first", "middle", "last")]
        per_rule = (row["last"]["median"] - row["first"]["median"]) / max(rules - 1, 1)
        print(f"{rules:>6} {empty:>6} {cells[0]:>14} {cells[1]:>14} {cells[2]:>14} {per_rule:>12.2f}")
    ten, thousand = results["packet_ns"][10], results["packet_ns"][1000]
    ratio = ten["last"]["median"] / ten["empty"]["median"]
    slope = (thousand["last"]["median"] - thousand["first"]["median"]) / 999
    print(f"10 rules, last match: {ratio:.2f} times empty (expected at most 2.6) {verdict(ratio <= 2.6)}")
    print(f"1,000 rules: {slope:.2f} ns per non-matching rule (expected at most 1.2) {verdict(slope <= 1.2)}")
    for rules, seconds in results["add_seconds"].items():
        limit = EXPECTED_ADD[rules]
        print(f"add with {rules} rules: {seconds * 1000:.1f} ms (expected at most {limit * 1000:.0f}) "
              f"{verdict(seconds <= limit)}")
    for rules, seconds in results["load_seconds"].items():
        limit = EXPECTED_LOAD[rules]
        print(f"load {rules} rules: {seconds:.3f} s (expected at most {limit}) {verdict(seconds <= limit)}")
    rates = results["language_rules_per_second"]
    print(f"language: {rates['both']:,} rules per second parsed and printed (parsing {rates['parse']:,}, printing "
          f"{rates['print']:,}; expected at least {EXPECTED_LANGUAGE:,}) {verdict(rates['both'] >= EXPECTED_LANGUAGE)}")
    options.print_table(results["option_ns"])
