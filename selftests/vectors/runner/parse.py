# SPDX-License-Identifier: GPL-2.0-only
"""Vectors of kind `parse`: one command on a fresh firewall, then how the firewall lists it."""

import os
import re
import tempfile

from . import environment
from .firewall import Firewall
from .tool import Mismatch, NotSupported, expect, expect_exit, first_line

# What depends on the machine that recorded it: only the exit code can be compared.
MACHINE_TAGS = {"passwd", "hosts", "jail-stub", "ng-stub", "scope-stub"}
DEFAULT_RULE = "65535 deny ip from any to any"
LISTINGS = {"list_c": "-c list", "list_S": "-S list", "list_b": "-b list", "list_N": "-N list"}
# Words of the language that FreeBSD 13.0 did not have yet: it rejects what is right now.
NEWER = re.compile(r"(?:.*,)?va(?:,.*)?|src-mac|dst-mac")
# How the recording's kernel refused a rule whose objects it did not find.
NO_SUCH_OBJECT = "getsockopt(IP_FW_XADD): No such process"
# Objects that every recording found in its firewall.
PREPARATION = [
    "table T46 create type addr valtype ipv6",
    "table T64 create type addr valtype ipv4",
    "nptv6 inst1 create int_prefix fd00:1:: ext_prefix 2001:db8:5:: prefixlen 48",
    "nat64lsn inst1 create prefix4 192.0.2.0/28",
    "nat64clat inst1 create clat_prefix 2001:db8::/96 plat_prefix 64:ff9b::/96",
    "nat64stl inst1 create table4 T46 table6 T64",
]


class Runner:
    """Runs parse vectors one after the other in a namespace of its own."""

    def __init__(self, tool):
        self.tool = tool
        self.firewall = Firewall(tool, PREPARATION)

        self.directory = tempfile.TemporaryDirectory(prefix="ifv-")
        self.listings = os.path.join(self.directory.name, "listings")
        with open(self.listings, "w", encoding="utf-8") as commands:
            commands.write("".join(f"{command}\n" for command in LISTINGS.values()))

    def start(self):
        environment.bare()

    def stop(self):
        self.tool.must(["down"])
        self.directory.cleanup()

    def _list(self):
        """The listing in the form that the recording kept: no newline at the end, no default rule."""
        lines = self.tool.must(["list"]).stdout.splitlines()
        expect("last line of list", DEFAULT_RULE, lines[-1] if lines else "")
        return "\n".join(lines[:-1])

    def _listings(self):
        """{field: listing} of the other forms, all of them from one run, in which the default rule ends each."""
        found, lines = [], []
        for line in self.tool.must([self.listings]).stdout.splitlines():
            lines.append(line)
            if line.startswith("65535 "):
                found.append(lines)
                lines = []
        expect("number of listings", len(LISTINGS), len(found))
        return {field: "\n".join(lines if field == "list_b" else lines[:-1]) for field, lines in zip(LISTINGS, found)}

    def run(self, vector):
        """Returns if the vector holds, raises Mismatch or NotSupported otherwise."""
        self.firewall.fresh()
        words = vector.get("argv", vector["cmd"].split())
        try:
            answer = self.firewall.ask(words, vector["exit"], vector["stderr"])
        except NotSupported:
            self._check_only(vector, words)
            raise
        if vector["exit"] and not answer.exit and newer(words):
            self._reads_back()
            return
        expect_exit("exit", vector["exit"], answer)
        if MACHINE_TAGS.intersection(vector.get("tags", [])):
            return
        if vector.get("roundtrip") is False:
            self._reads_back()
            return
        expect("stdout", vector["stdout"], answer.stdout)
        expect("stderr", first_line(vector["stderr"]), answer.first_error)
        listing = self._list()
        expect("list", vector["list"], listing)
        if answer.exit and not listing:
            expect("list_b", vector["list_b"], "65535 deny // ...")
            return
        for field, listing in self._listings().items():
            expect(field, vector[field], listing)

    def _check_only(self, vector, words):
        """A rule that cannot be installed yet: what -n, which parses and prints it, makes of it."""
        answer = self.tool.run(["-n", *words] if len(words) > 1 else ["-n " + words[0]])
        if "not supported" in answer.stderr:
            return
        # Without the objects of a rule only the kernel can tell that one is missing.
        if not answer.exit and (NO_SUCH_OBJECT in vector["stderr"] or (vector["exit"] and newer(words))):
            return
        expect_exit("exit with -n", vector["exit"], answer)
        if MACHINE_TAGS.intersection(vector.get("tags", [])):
            return
        expect("stderr with -n", first_line(vector["stderr"]), answer.first_error)
        if vector.get("roundtrip") is False:
            again = self.tool.run(["-n", "add", *answer.stdout.split()])
            expect("reading back with -n", answer.stdout, again.stdout)
        else:
            expect("stdout with -n", without_number(vector["stdout"], answer.stdout), answer.stdout)

    def _reads_back(self):
        """ipfw cannot read its own listing of this rule; ours must come back as the same line."""
        listing = self._list()
        if not listing:
            raise Mismatch("list: expected the rule | got ''")
        self.firewall.fresh()
        for line in listing.splitlines():
            answer = self.firewall.ask(["-q", "add", *line.split()], 0, "")
            expect(f"reading back {line!r}", "", answer.stderr)
        expect("list after reading back", listing, self._list())


def newer(words):
    """Whether the command has words that came after the recording."""
    return any(NEWER.fullmatch(word) for argument in words for word in argument.split())


def without_number(recorded, got):
    """The recorded echo with the number of `got` where only a kernel could have given the rule another one."""
    return "00000" + recorded[5:] if got.startswith("00000 ") else recorded


def mutations(vector):
    """Copies of a vector that holds, each with one expected byte changed so that it must fail."""
    yield "exit", vector | {"exit": vector["exit"] ^ 1}
    if vector["list"] and "roundtrip" in vector and vector["roundtrip"]:
        for field in ("list", *LISTINGS):
            yield field, vector | {field: flip(vector[field])}
        yield "stdout", vector | {"stdout": flip(vector["stdout"])}


def flip(text):
    """`text` with its first byte changed."""
    return chr(ord(text[0]) ^ 1) + text[1:]
