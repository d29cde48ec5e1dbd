# SPDX-License-Identifier: GPL-2.0-only
"""Runs ipfw-bpf in a namespace and reads what it prints. Who else runs the tool (clients.py) asks argv() first."""
import contextlib
import glob
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass

import namespaces

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(REPOSITORY, os.environ.get("BUILD", "build"))
TOOL = os.path.join(BUILD, "ipfw-bpf")

DAEMON = os.path.join(BUILD, "ipfw-bpfd")

_LINE = re.compile(r"^(\d{5})\s+(\d+)\s+(\d+)\s+(.*)$")

# The texts of DROP_REASONS in include/ipfw/verdict.h.
_DROP_REASONS = ("truncated header", "malformed header", "bogus fragment", "unknown IPv6 extension header",
                 "no ruleset loaded", "ruleset ended without a verdict", "too many calls, returns and states",
                 "tags or routing table lost")


@dataclass
class Rule:
    """One line of `ipfw-bpf show`."""
    number: int
    packets: int
    bytes: int
    body: str


_DYNAMIC = re.compile(r"^(\d{5}) +(\d+) +(\d+) \((\d+)s\) (STATE|LIMIT|PARENT)(?: (\d+))? (\S+) (\S+) (\d+) <-> (\S+) (\d+) "
                      r":(\S+)$")


@dataclass
class Dynamic:
    """One line of `ipfw-bpf -D show`."""
    number: int
    packets: int
    bytes: int
    seconds: int
    kind: str
    states: int      # of a parent
    protocol: str
    source: str
    source_port: int
    destination: str
    destination_port: int
    name: str


class Firewall:
    """ipfw-bpf inside one namespace."""

    def __init__(self, namespace):
        self.namespace = namespace
        self._used = False

    def permit(self):
        """Makes sure that the tool may be run inside; down() will undo what it did."""
        self.namespace.check_foreign()
        self._used = True

    def argv(self, *arguments):
        """The argument vector that runs the tool inside, after making sure that it may."""
        self.permit()
        return self.namespace.command(TOOL, *arguments)

    def run(self, *arguments, status=0, stdin="", environment=None):
        """Runs the tool; anything but exit status `status` (None: any) fails the test."""
        self.permit()
        result = self.namespace.run(TOOL, *arguments, input=stdin, env={**os.environ, **(environment or {})}, timeout=300)
        if status is not None and result.returncode != status:
            raise namespaces.Failure(f"ipfw-bpf {' '.join(arguments)}: exit {result.returncode} instead of {status}: "
                                     f"{result.stderr.strip() or result.stdout.strip()}")
        return result

    def __call__(self, command, **options):
        """The tool with a command line written as a shell would split it; returns what it printed."""
        return self.run(*command.split(), **options).stdout

    def start(self, *arguments, **options):
        """The tool as a subprocess.Popen, for tests that run several at once."""
        return subprocess.Popen(self.argv(*arguments), text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, **options)

    def load(self, rules, *options, **keywords):
        """Replaces the ruleset by `rules`, a text with one rule (without `add`) or command per line; counters at 0."""
        lines = ["flush"]
        for line in rules.strip().splitlines():
            line = line.strip()
            lines.append(line if not line[:1].isdigit() else f"add {line}")
        # Rules that were there before would keep their counters.
        lines.append("zero")
        return self.run("-q", *options, "/dev/stdin", stdin="\n".join(lines) + "\n", **keywords)

    def listing(self, *options):
        """Lines of `list`, the default rule included."""
        return self.run(*options, "list").stdout.splitlines()

    def bodies(self):
        """{number: [bodies]} of `list` without the default rule."""
        found = {}
        for line in self.listing():
            number, _, body = line.partition(" ")
            if number != "65535":
                found.setdefault(int(number), []).append(body)
        return found

    def show(self):
        """All rules with their counters."""
        rules = []
        for line in self.run("show").stdout.splitlines():
            match = _LINE.match(line)
            if not match:
                raise namespaces.Failure(f"`show` printed {line!r}")
            rules.append(Rule(int(match[1]), int(match[2]), int(match[3]), match[4]))
        return rules

    def counters(self, number):
        """(packets, bytes) of the first rule with this number."""
        for rule in self.show():
            if rule.number == number:
                return rule.packets, rule.bytes
        raise namespaces.Failure(f"rule {number} is not listed")

    def packets(self, number):
        """Packets of the first rule with this number."""
        return self.counters(number)[0]

    def dynamic(self, *options):
        """The dynamic rules, as `-D show` with these options lists them; the heading is held against them."""
        lines = self.run("-D", *options, "show").stdout.splitlines()
        found = [_DYNAMIC.match(line) for line in lines[1:]]
        if lines and (lines[0] != f"## Dynamic rules ({len(found)} {16 + 136 * len(found)}):" or not all(found)):
            raise namespaces.Failure(f"`-D show` printed {lines[:3]!r}")
        return [Dynamic(int(line[1]), int(line[2]), int(line[3]), int(line[4]), line[5], int(line[6] or 0), line[7], line[8],
                        int(line[9]), line[10], int(line[11]), line[12]) for line in found]

    def states(self):
        """How many dynamic rules there are, parents aside."""
        return sum(dynamic.kind != "PARENT" for dynamic in self.dynamic())

    def sysctl(self, **values):
        """Sets variables below net.inet.ip.fw."""
        self.run("-q", "sysctl", *(f"net.inet.ip.fw.{name}={value}" for name, value in values.items()))

    def drops(self):
        """{reason: packets} that `status` shows for packets dropped before any rule."""
        text = self.run("status").stdout
        return {reason: int(found[1]) for reason in _DROP_REASONS
                if (found := re.search(re.escape(reason) + r"\D*?(\d+)", text))}

    def down(self):
        """Takes the firewall away, if the tool was ever run here. Never fails: it is clean-up."""
        if self._used and os.path.exists(self.namespace.path):
            try:
                self.run("down", status=None)
            except (OSError, subprocess.SubprocessError):
                pass


@contextlib.contextmanager
def other_version():
    """A copy of the tool whose BPF objects differ in a byte that nothing reads: for the tool, another version."""
    with tempfile.TemporaryDirectory(prefix="ifb-") as directory:
        shutil.copy(TOOL, directory)
        shutil.copytree(f"{BUILD}/bpf", f"{directory}/bpf")
        for name in glob.glob(f"{directory}/bpf/*.bpf.o"):
            with open(name, "ab") as file:
                file.write(b"\0")
        yield f"{directory}/ipfw-bpf"


def clean_up(names):
    """Removes the namespaces of these names, pins first."""
    for name in names:
        namespace = namespaces.Namespace(name)
        namespaces.kill_processes(namespace)
        try:
            namespace.run(TOOL, "down", timeout=60)
        except (OSError, subprocess.SubprocessError):
            pass
        namespaces.remove(namespace)
