# SPDX-License-Identifier: GPL-2.0-only
"""ns per packet of loaded rulesets over many different packets (replay.c), for rulesets and traces of all kinds.

A cell is one ruleset with one trace. Where the tool can also compile the same rules without its optimizations, both
programs take turns.
"""
import contextlib
import operator
import statistics
import tempfile

import handbook
import loaded
import network
import rulesets
import trace

NO_OPTIMIZE = "--no-optimize"
# Compiled rule by rule, these take minutes to load or microseconds per packet.
LINEAR_MAX = 10000
_ALL = ((64, False), (1024, False), (65536, False), (1024, True), (65536, True))
_SOME = ((1024, False), (65536, True))


# A turn is long enough to meet all flows of a trace, if a packet takes no longer.
_LONG_NANOSECONDS = 600


class Measurement:
    """
    Cells of one ruleset. `rounds` turns per program, of `milliseconds`, or of as many as it takes to go once around all
    flows: what the programs before have driven from the caches comes back meanwhile.
    """

    def __init__(self, tested, rounds, milliseconds):
        self._tested = tested
        self._rounds = rounds
        self._milliseconds = milliseconds
        self._linear = loaded.understands(tested, NO_OPTIMIZE)

    def cells(self, text, rules, wanted, compare=False):
        """One dictionary per (flows, popularity) in `wanted`, packets drawn from what `rules` want; if the tool refuses
        the text, a single one with "refused". `compare`: against the same without optimizations."""
        with contextlib.ExitStack() as stack:
            programs = {}
            if compare and self._linear:
                with contextlib.suppress(loaded.Refused):
                    loaded.load(self._tested, text, NO_OPTIMIZE)
                    programs["linear"] = stack.enter_context(loaded.kept(self._tested, "linear"))
            try:
                seconds = loaded.load(self._tested, text)
            except loaded.Refused as refused:
                yield {"refused": str(refused)}
                return
            programs["rules"] = loaded.program(self._tested)
            for flows, popularity in wanted:
                packets = trace.sequence(trace.flows(rules, flows), popularity)
                cell = {"flows": flows, "popularity": "zipf" if popularity else "even", "load_seconds": seconds}
                yield cell | self.replay(programs, rules[0].version, packets)

    def replay(self, programs, version, packets):
        """{name: {"median", "least", "greatest", "rounds"}} of all programs, and of the replay itself."""
        milliseconds = max(self._milliseconds, len(set(packets)) * _LONG_NANOSECONDS // 1000000)
        with tempfile.NamedTemporaryFile(prefix="ipfw-bench-") as file:
            trace.write(file.name, version, packets)
            output = self._tested.gateway.run(
                loaded.binary("replay"), network.CLIENT.interface, str(self._rounds), str(milliseconds),
                file.name, *(f"{name}={path}" for name, path in programs.items()))
        if output.returncode:
            raise RuntimeError(output.stderr)
        result = {}
        for line in output.stdout.splitlines():
            name, _, *figures = line.split()
            result[name] = summary([int(figure) for figure in figures])
        return result


def summary(rounds):
    """Of the figures of all rounds, in their order."""
    return {"median": statistics.median_low(rounds), "least": min(rounds), "greatest": max(rounds), "rounds": rounds}


def in_turns(one, other, compare):
    """
    The median of what `compare` makes of two programs' figures in the same round: the clock of a processor that others
    share may change from one round to the next, which the medians of both would show as a difference.
    """
    return statistics.median(map(compare, one["rounds"], other["rounds"]))


def hits(tested):
    """(rules that have been hit, share of packets that hit none) since the counters were at zero."""
    shown = tested.firewall.show()
    own = [rule.packets for rule in shown if rule.number != 65535]
    return sum(1 for packets in own if packets), shown[-1].packets / max(1, sum(own) + shown[-1].packets)


def _plan(quick):
    """(set, version, sizes, traces) of all rulesets that are made up."""
    if quick:
        return [("acl", 4, (10, 1000, 10000), ((1024, False),)), ("users", 4, (10, 10000), ((1024, False),))]
    plan = [(name, 4, (10, 100, 1000, 10000, 50000), _ALL) for name in ("acl", "fw", "ipc")]
    plan += [("acl", 6, (10, 100, 1000, 10000, 50000), _ALL)]
    plan += [(name, 6, (10, 10000), _SOME) for name in ("fw", "ipc")]
    plan += [("users", version, (10, 100, 10000), _SOME) for version in (4, 6)]
    plan += [("nasty", 4, (10, 100, 1000, 10000), _SOME), ("ports", 4, (10, 100, 1000, 10000), _SOME)]
    plan += [(name, 4, (10, 10000), ((1024, False),)) for name in ("logged acl", "logged users")]
    plan += [("sections", 4, (1500,), ((1024, False),))]
    return plan


_LIFETIMES = {"dyn_ack_lifetime": 300, "dyn_syn_lifetime": 300, "dyn_fin_lifetime": 4, "dyn_rst_lifetime": 4,
              "dyn_udp_lifetime": 300, "dyn_short_lifetime": 300}


def lives(tested, lasting):
    """How long states live: as long as it takes, or not at all, so that each packet makes its flow's state anew."""
    tested.firewall.sysctl(dyn_max=1 << 17, **{name: seconds * lasting for name, seconds in _LIFETIMES.items()})


def _measure_states(tested, measurement, quick):
    """Cells of rulesets most of whose rules make states, for packets of known flows and of new ones."""
    for name in ("stateful acl",) if quick else ("stateful acl", "stateful users"):
        for size in (10, 10000) if quick else (10, 1000, 10000):
            rules = rulesets.make(name, size)
            for title, lasting in ((name, True), (f"{name}, new flows", False)):
                lives(tested, lasting)
                for cell in measurement.cells(rulesets.text(rules), rules, ((1024, False),), compare=size <= 1000):
                    yield {"set": title, "version": 4, "size": size} | cell
    lives(tested, True)


def measure(tested, quick):
    """A list of cells, with "set", "version" and "size" (number of rules) in each."""
    rounds, milliseconds = (5, 10) if quick else (9, 15)
    measurement = Measurement(tested, rounds, milliseconds)
    result = []
    for name, version, sizes, wanted in _plan(quick):
        for size in sizes:
            rules = rulesets.make(name, size, version)
            for cell in measurement.cells(rulesets.text(rules), rules, wanted, compare=size <= LINEAR_MAX):
                result.append({"set": name, "version": version, "size": size} | cell)
                print(describe(result[-1]), flush=True)
    for cell in _measure_states(tested, measurement, quick):
        result.append(cell)
        print(describe(cell), flush=True)
    for name, stateful in (("handbook", False), ("handbook with states", True)):
        text = handbook.text(stateful)
        for cell in measurement.cells(text, handbook.traffic(), ((1024, False),), compare=True):
            result.append({"set": name, "version": 4, "size": text.count("add ")} | cell)
            print(describe(result[-1]), flush=True)
    return result


def describe(cell):
    """One line."""
    title = f"{cell['set']} v{cell['version']} {cell['size']} rules"
    if "refused" in cell:
        return f"{title}: refused: {cell['refused']}"
    figures = [f"{name} {cell[name]['median']} ({cell[name]['least']}-{cell[name]['greatest']}) ns"
               for name in ("rules", "linear", "replay", "empty") if name in cell]
    return (f"{title}, {cell['flows']} flows {cell['popularity']}:  {'  '.join(figures)}  "
            f"load {cell['load_seconds']:.3f} s")


def _find_cell(cells, name, size, flows, program, popularity="even", version=4):
    for cell in cells:
        if program in cell and (cell["set"], cell["version"], cell["size"], cell["flows"], cell["popularity"]) == (
                name, version, size, flows, popularity):
            return cell
    return None


def find(cells, name, size, flows, program="rules", popularity="even"):
    """Median ns of one cell, None if it was not measured."""
    cell = _find_cell(cells, name, size, flows, program, popularity=popularity)
    return cell and cell[program]["median"]


def against_linear(cells, name, size, flows):
    """How many times as much as without optimizations, None if it was not measured."""
    cell = _find_cell(cells, name, size, flows, "linear")
    return cell and in_turns(cell["rules"], cell["linear"], operator.truediv)


def traces(cells):
    """All (popularity, flows), in order."""
    return sorted({(cell["popularity"], cell["flows"]) for cell in cells if "refused" not in cell})


def rows(cells):
    """{title of the ruleset: {(popularity, flows): summary() of ns}}"""
    found = {}
    for cell in cells:
        for program in ("rules", "linear"):
            if program in cell:
                title = f"{cell['set']} v{cell['version']} {cell['size']:,}" + ", linear" * (program == "linear")
                found.setdefault(title, {})[cell["popularity"], cell["flows"]] = cell[program]
    return found


def print_table(cells):
    """Rulesets down, traces across."""
    columns = traces(cells)
    print("\nns per packet, packets of so many flows; `linear' without the tool's optimizations")
    print(f"{'ruleset':<34}" + "".join(f"{flows:>8} {popularity}" for popularity, flows in columns))
    for title, row in rows(cells).items():
        print(f"{title:<34}" + "".join(f"{row[one]['median'] if one in row else '':>13}" for one in columns))


def main(arguments):
    """One ruleset on the command line: prints a line per trace."""
    with network.Network() as tested:
        measurement = Measurement(tested, arguments.rounds, arguments.milliseconds)
        lives(tested, not arguments.new_flows)
        for count in arguments.rules:
            rules = rulesets.make(arguments.set, count, arguments.version, arguments.seed)
            wanted = [(flows, arguments.zipf) for flows in arguments.flows]
            for cell in measurement.cells(rulesets.text(rules), rules, wanted, compare=not arguments.no_linear):
                cell |= {"set": arguments.set, "version": arguments.version, "size": count}
                print(describe(cell), flush=True)
            hit, missed = hits(tested)
            print(f"    {hit} rules hit, {missed:.1%} of packets hit none of them", flush=True)


def add_arguments(parser):
    """Of `--only classbench`."""
    parser.add_argument("--family", "--set", dest="set", choices=rulesets.SETS, default="acl")
    parser.add_argument("--rules", type=int, nargs="+", default=[1000])
    parser.add_argument("--flows", type=int, nargs="+", default=[1024])
    parser.add_argument("--version", type=int, choices=(4, 6), default=4, help="of IP")
    parser.add_argument("--zipf", action="store_true", help="popularity of the flows; else all the same")
    parser.add_argument("--new-flows", action="store_true", help="states do not last: each packet makes its own anew")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--milliseconds", type=int, default=20, help="per program and round")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-linear", action="store_true", help="not against the rules without optimizations")
