# SPDX-License-Identifier: GPL-2.0-only
"""The figures of docs/performance.md, drawn by gnuplot from the results."""
import os
import subprocess

import packet_cost
import throughput

_SIZE = "640,420"
_COLOURS = ["#1b6ca8", "#c0392b", "#2e8b57", "#b8860b", "#6a3d9a", "#555555", "#d35400"]


def _draw(path, title, labels, lines, logarithmic):
    """One figure. lines: {name: [(x, y)]}; `logarithmic`: the axes that are."""
    script = [f"set terminal pngcairo size {_SIZE} font 'sans,10' background rgb 'white'", f"set output '{path}'",
              f"set title '{title}'", f"set xlabel '{labels[0]}'", f"set ylabel '{labels[1]}'",
              "set key outside right top", "set grid ytics lc rgb '#dddddd'", "set border 3", "set tics nomirror out",
              f"set logscale {logarithmic}", "set format x '%.0f'"]
    ticks = sorted({x for points in lines.values() for x, _ in points})
    script.append(f"set xtics ({', '.join(str(tick) for tick in ticks)})")
    script.append(f"set xrange [{ticks[0] * 0.8}:{ticks[-1] * 1.25}]")
    if "y" not in logarithmic:
        script.append("set yrange [0:*]")
    for index, points in enumerate(lines.values()):
        script += [f"$line{index} << END", *(f"{x} {y}" for x, y in points), "END"]
    script.append("plot " + ", ".join(
        f"$line{index} with linespoints pt {index + 4} ps 1 lw 2 dt {1 + index % 4} "
        f"lc rgb '{_COLOURS[index % len(_COLOURS)]}' title '{name}'" for index, name in enumerate(lines)))
    subprocess.run(["gnuplot"], input="\n".join(script) + "\n", text=True, check=True)


def _sizes(cells, **wanted):
    return sorted({cell["size"] for cell in cells if all(cell[key] == value for key, value in wanted.items())})


def _against_rules(cells):
    """ns per packet against the number of rules."""
    lines = {}
    for name in ("acl", "fw", "ipc", "users", "nasty"):
        for program, suffix in (("rules", ""), ("linear", ", linear")):
            points = [(size, packet_cost.find(cells, name, size, 1024, program=program))
                      for size in _sizes(cells, set=name, version=4)]
            points = [point for point in points if point[1]]
            if len(points) > 1 and (program == "rules" or name == "acl"):
                lines[name + suffix] = points
    return lines


def _against_flows(cells):
    """ns per packet against the number of flows."""
    lines = {}
    for size in _sizes(cells, set="acl", version=4):
        for popularity, suffix in (("even", ""), ("zipf", ", Zipf")):
            points = [(flows, packet_cost.find(cells, "acl", size, flows, popularity=popularity))
                      for flows in (64, 1024, 65536)]
            points = [point for point in points if point[1]]
            if len(points) > 1 and (popularity == "even" or size == 10000):
                lines[f"{size:,} rules{suffix}"] = points
    return lines


def _rates(cells, name, verdict):
    """Millions of packets per second against the number of rules."""
    lines = {}
    for size in _sizes(cells, set=name, verdict=verdict):
        for peer, rate in throughput.find(cells, name, size, verdict).items():
            lines.setdefault(peer, []).append((size, rate["median"] / 1e6))
    return lines


def draw(results, directory):
    """Writes performance-*.png; returns their paths. What was not measured has none."""
    figures = {}
    if "packets" in results:
        cells = results["packets"]
        axis = "ns per packet"
        figures["rules"] = ("Cost of a packet, 1,024 flows", ("rules", axis), _against_rules(cells), "xy")
        figures["flows"] = ("Cost of a packet, ACL rules", ("flows", axis), _against_flows(cells), "x")
    if "throughput" in results:
        axis = "million packets per second"
        for verdict, word in (("allow", "forwarded"), ("deny", "dropped")):
            for name, title in (("tuples", "random rules"), ("ports", "rules differing in a port")):
                figures[f"{word}-{name}"] = (f"Packets {word}, {title}", ("rules", axis),
                                             _rates(results["throughput"], name, verdict), "xy")
    drawn = []
    for figure, (title, labels, lines, logarithmic) in figures.items():
        if any(len(points) > 1 for points in lines.values()):
            drawn.append(os.path.join(directory, f"performance-{figure}.png"))
            _draw(drawn[-1], title, labels, lines, logarithmic)
    return drawn
