# SPDX-License-Identifier: GPL-2.0-only
"""What a ruleset takes to get into the kernel and to be changed there: time, memory, work of the verifier."""
import contextlib
import json
import os
import statistics
import subprocess
import sys
import time

import firewall
import loaded
import pins
import rulesets

sys.path.insert(0, os.path.join(firewall.REPOSITORY, "selftests", "vectors"))
from runner.kernel import open_pin  # noqa: E402

MEBIBYTE = 1 << 20
_SCRIPT_ADDS = 500


def _timed(tested, *arguments, text=""):
    """(seconds, seconds of processors, peak bytes) of one process of the tool."""
    argv = tested.firewall.argv(*arguments)
    begin = time.monotonic()
    with subprocess.Popen(argv, stdin=subprocess.PIPE, text=True) as process:
        # It may be refused before it has read everything.
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(text)
            process.stdin.close()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise loaded.Refused(f"ipfw-bpf {' '.join(arguments)}: exit {process.returncode}")
    return time.monotonic() - begin, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024


def _show(kind, *which):
    """What bpftool says of a program or map; None if it is none."""
    result = subprocess.run(["bpftool", "-j", kind, "show", *which], text=True, capture_output=True, check=False)
    return None if result.returncode else json.loads(result.stdout)


def _verified(path):
    """Instructions that the verifier has walked for a pinned program."""
    descriptor = open_pin(path)
    try:
        with open(f"/proc/self/fdinfo/{descriptor}", encoding="ascii") as file:
            return sum(int(line.split()[1]) for line in file if line.startswith("verified_insns:"))
    finally:
        os.close(descriptor)


def footprint(tested):
    """{"kernel_bytes": all maps and programs, "verified": instructions, "jited_bytes"} of the ruleset in force."""
    maps, programs = {}, {}
    for path in pins.files(tested.gateway.cookie()):
        program = _show("prog", "pinned", path)
        if program and "bytes_jited" in program:
            programs[program["id"]] = program | {"verified": _verified(path)}
            continue
        found = _show("map", "pinned", path)
        if found:
            maps[found["id"]] = found
    for identity in {identity for program in programs.values() for identity in program["map_ids"]} - set(maps):
        maps[identity] = _show("map", "id", str(identity))
    return {"kernel_bytes": sum(one["bytes_memlock"] for one in maps.values()) + sum(
                program["bytes_memlock"] + program["bytes_jited"] for program in programs.values()),
            "jited_bytes": sum(program["bytes_jited"] for program in programs.values()),
            "verified": sum(program["verified"] for program in programs.values())}


def _load(tested, name, count, runs):
    """Loads a file of so many rules over another ruleset, again and again."""
    text = rulesets.text(rulesets.make(name, count))
    timed = [_timed(tested, "-q", "-f", "/dev/stdin", text=text) for _ in range(runs)]
    seconds, processors, peaks = zip(*timed)
    return {"seconds": statistics.median(seconds), "processor_seconds": statistics.median(processors),
            "peak_bytes": max(peaks), **footprint(tested)}


def _edit(tested, runs):
    """{command: {"seconds", "processor_seconds"}}: medians of one `add` and one `delete` on what is loaded."""
    rule = ("deny", "tcp", "from", "192.0.2.0/24", "to", "any", "25")
    timed = {"add": [_timed(tested, "-q", "add", str(61000 + run), *rule) for run in range(runs)],
             "delete": [_timed(tested, "-q", "delete", str(61000 + run)) for run in range(runs)]}
    return {command: {"seconds": statistics.median(run[0] for run in found),
                      "processor_seconds": statistics.median(run[1] for run in found)}
            for command, found in timed.items()}


def _script(tested, adds):
    """Seconds of a shell script that flushes and adds so many rules, each by a process of its own."""
    rules = rulesets.make("acl", adds, seed=2)
    lines = [f"{firewall.TOOL} -q add {rule.text().replace('!', chr(92) + '!')}" for rule in rules]
    tested.firewall.run("-q", "-f", "flush")
    begin = time.monotonic()
    result = tested.gateway.run("sh", "-e", input="\n".join(lines) + "\n")
    if result.returncode:
        raise RuntimeError(result.stderr)
    return time.monotonic() - begin


@contextlib.contextmanager
def _reported(what):
    """A ruleset that the tool refuses is left out, not without a word."""
    try:
        yield
    except loaded.Refused as refused:
        print(f"{what}: {refused}", flush=True)


def measure(tested, quick):
    sizes = (100, 1000, 10000) if quick else (100, 1000, 10000, 50000)
    result = {"load": {}}
    for name in ("acl",) if quick else ("acl", "users", "nasty"):
        for size in sizes:
            if name == "acl" or size == 10000:
                with _reported(f"{name} {size}"):
                    result["load"][f"{name} {size}"] = _load(tested, name, size, 1 if quick or size > 10000 else 3)
    _load(tested, "acl", 10000, 1)
    result["edit_10000"] = _edit(tested, 3 if quick else 9)
    adds = _SCRIPT_ADDS // 10 if quick else _SCRIPT_ADDS
    result["script"] = {"adds": adds, "seconds": _script(tested, adds)}
    return result


def print_table(result):
    print("\nrulesets loaded from a file: whole process, and what stays in the kernel")
    print("(a peak of memory below this suite's own, some 20 to 40 MiB, is not seen)")
    print(f"{'ruleset':<14} {'seconds':>8} {'of CPUs':>8} {'peak MiB':>9} {'kernel MiB':>11} {'JIT MiB':>8} "
          f"{'verified':>10}")
    for name, row in result["load"].items():
        memory = [row[which] / MEBIBYTE for which in ("peak_bytes", "kernel_bytes", "jited_bytes")]
        print(f"{name:<14} {row['seconds']:>8.3f} {row['processor_seconds']:>8.3f} {memory[0]:>9.1f} "
              f"{memory[1]:>11.2f} {memory[2]:>8.2f} {row['verified']:>10,}")
    for command, row in result["edit_10000"].items():
        print(f"{command} with 10,000 rules: {row['seconds'] * 1000:.1f} ms, {row['processor_seconds'] * 1000:.1f} of "
              "CPUs")
    print(f"{result['script']['adds']} separate add commands: {result['script']['seconds']:.2f} s")
