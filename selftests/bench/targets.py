# SPDX-License-Identifier: GPL-2.0-only
"""What is expected of the results, beside what was measured."""
import changes
import packet_cost
import states
import tables
import throughput

_LINEAR = ("nft linear", "iptables")


def _ratio(one, other):
    """None unless both are there."""
    return one / other if one and other else None


class Targets:
    """Rows of (what, measured or None, limit, whether the limit is the most or the least)."""

    def __init__(self):
        self.rows = []

    def at_most(self, what, measured, limit):
        self.rows.append((what, measured, limit, True))

    def at_least(self, what, measured, limit):
        self.rows.append((what, measured, limit, False))


def _packets(targets, cells):
    def cost(name, rules, flows):
        return packet_cost.find(cells, name, rules, flows)

    for flows, most, nanoseconds, most_50000 in ((1024, 2.5, 300, 5), (65536, 5, 600, 9)):
        targets.at_most(f"ACL, {flows:,} flows: 10,000 rules against 10", _ratio(
            cost("acl", 10000, flows), cost("acl", 10, flows)), most)
        targets.at_most(f"ACL, {flows:,} flows: 10,000 rules, ns", cost("acl", 10000, flows), nanoseconds)
        targets.at_most(f"ACL, {flows:,} flows: 50,000 rules against 10", _ratio(
            cost("acl", 50000, flows), cost("acl", 10, flows)), most_50000)
    targets.at_most("one rule per user: 10,000 rules against 10", _ratio(
        cost("users", 10000, 1024), cost("users", 10, 1024)), 1.5)
    for name in ("stateful acl", "stateful acl, new flows", "stateful users", "stateful users, new flows"):
        targets.at_most(f"{name}: 10,000 rules against 10", _ratio(cost(name, 10000, 1024), cost(name, 10, 1024)), 2.5)
    for name in ("logged acl", "logged users"):
        targets.at_most(f"{name}: 10,000 rules against 10", _ratio(cost(name, 10000, 1024), cost(name, 10, 1024)), 3)
    small = [(name, rules) for name in ("acl", "fw", "ipc", "users", "nasty", "ports") for rules in (10, 100)]
    handbooks = sorted({(cell["set"], cell["size"]) for cell in cells if cell["set"].startswith("handbook")})
    for name, rules in [*small, ("sections", 1500), *handbooks]:
        targets.at_most(f"{name}, {rules} rules: against linear code", packet_cost.against_linear(
            cells, name, rules, 1024), 1.05)


def _throughput(targets, cells):
    def against(name, rules, verdict, others):
        return throughput.ratio(throughput.find(cells, name, rules, verdict), others)

    sets = {"tuples": "random rules", "ports": "rules differing in a port"}
    for name, title in sets.items():
        targets.at_least(f"dropping, 10 {title}: against nftables and iptables", against(
            name, 10, "deny", _LINEAR), 2)
        for rules, least in ((10, 0.88), (10000, 0.75)):
            targets.at_least(f"forwarding, {rules:,} {title}: against no firewall", against(
                name, rules, "allow", [throughput.NOTHING]), least)
        for rules, least in ((1000, {"tuples": 4, "ports": 12}[name]), (10000, 25)):
            targets.at_least(f"forwarding, {rules:,} {title}: against nftables and iptables", against(
                name, rules, "allow", _LINEAR), least)
        for rules in (10, 1000, 10000):
            for verdict, word in (("allow", "forwarding"), ("deny", "dropping")):
                targets.at_least(f"{word}, {rules:,} {title}: against nftables with maps", against(
                    name, rules, verdict, ["nft maps"]), 1)


def _states(targets, result):
    for flows, nanoseconds in ((1000, 60), (1000000, 250)):
        targets.at_most(f"states, {flows:,} flows: ns more than without", states.cost(result, flows), nanoseconds)
    targets.at_most("a packet refused a state for want of room: against an unsolicited one", states.refusal(result), 1.5)
    for what, times in (("packets of known flows", 1.25), ("first packets of flows", 2), ("refused packets", 2)):
        targets.at_least(f"{what}: against connection tracking", states.ratio(result, what), times)


def _tables(targets, result):
    for version, most, seconds in ((4, 150, 3), (6, 300, None)):
        cell = tables.cost(result, version, 1_000_000)
        title = f"a table of 1,000,000 IPv{version} prefixes"
        targets.at_most(f"{title}: ns for a look-up", cell and tables.lookup(cell), most)
        if seconds:
            targets.at_most(f"{title}: seconds to load", cell and cell["seconds"], seconds)
            targets.at_most(f"{title}: bytes in the kernel for each", cell and cell["bytes"] / cell["size"], 100)
    for title in ("a number of its own", "nothing, counted"):
        targets.at_most(f"a table of IPv4 prefixes that hold {title}: bytes in the kernel for each",
                        result["bytes"].get(title), 100)
    for cell in result["updates"]:
        targets.at_most(f"a change of one of {cell['size']:,} IPv{cell['version']} prefixes: ms more than in a small table",
                        cell["large"] - cell["small"], 1)
    for kind in tables.PEERS:
        for size in (1000, 100_000, 1_000_000):
            targets.at_least(f"a table of {size:,} {kind}: against sets of nftables and ipset",
                             tables.ratio(result, kind, size), 1)


def _changes(targets, result):
    load = result["load"]
    for size, seconds in ((10000, 1), (50000, 5)):
        targets.at_most(f"loading {size:,} ACL rules, seconds", load.get(f"acl {size}", {}).get("seconds"), seconds)
    kernel = load.get("acl 10000", {}).get("kernel_bytes")
    targets.at_most("10,000 ACL rules: MiB in the kernel", kernel and kernel / changes.MEBIBYTE, 64)
    for command, row in result["edit_10000"].items():
        targets.at_most(f"one {command} with 10,000 rules, milliseconds", row["seconds"] * 1000, 50)
    script = result["script"]
    targets.at_most(f"{script['adds']} separate adds, seconds", script["seconds"], 5 * script["adds"] / 500)


def judge(results):
    """(rows of Targets, number of those that were not measured and are left out)."""
    targets = Targets()
    for part, check in (("packets", _packets), ("throughput", _throughput), ("states", _states), ("tables", _tables),
                        ("changes", _changes)):
        if part in results:
            check(targets, results[part])
    measured = [row for row in targets.rows if row[1] is not None]
    return measured, len(targets.rows) - len(measured)


def _met(row):
    _, measured, limit, most = row
    return measured <= limit if most else measured >= limit


def describe(row):
    """(what, measured, limit, verdict) as text."""
    what, measured, limit, most = row
    return (what, f"{measured:.{0 if measured >= 100 else 2}f}", f"at {'most' if most else 'least'} {limit:g}",
            "met" if _met(row) else "MISSED")


def print_table(results):
    rows, missing = judge(results)
    print("\nexpected")
    for what, measured, limit, verdict in map(describe, rows):
        print(f"{what:<76} {measured:>8}  {limit:<14} {verdict}")
    met = sum(1 for row in rows if _met(row))
    print(f"{met} met, {len(rows) - met} missed, {missing} not measured")
