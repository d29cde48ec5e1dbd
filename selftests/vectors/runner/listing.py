# SPDX-License-Identifier: GPL-2.0-only
"""Listings with counters, freed from what the recording machine did before the recording began."""

import re

# Rule 65535 had already seen this when each recording began, and its last match was 2 seconds after boot.
OFFSET_PACKETS, OFFSET_BYTES = 7, 544
COUNTED = re.compile(r"(?P<head>(?:# DISABLED )?(?P<number>\d{5})) +(?P<packets>\d+) +(?P<bytes>\d+) (?P<rest>.*)")
BOOT_DATE = re.compile(r"^(65535(?: +\d+ +\d+)?) Thu Jan  1 00:00:02 1970 ")
BOOT_SECOND = re.compile(r"^(65535(?: +\d+ +\d+)?)          2 ")


def _render(rows):
    packets = max(len(str(row[1])) for row in rows)
    size = max(len(str(row[2])) for row in rows)
    return "".join(f"{head} {count:>{packets}} {total:>{size}} {rest}\n" for head, count, total, rest in rows)


def without_offset(text):
    """
    The recorded listing as a machine would print it whose rule 65535 had seen nothing before the recording:
    offset taken off, columns as wide as what is left asks for. Text that is not such a listing stays as it is.
    """
    lines = [BOOT_SECOND.sub(r"\1          0 ", BOOT_DATE.sub(r"\1" + " " * 26, line)) for line in text.splitlines()]
    matches = [COUNTED.fullmatch(line) for line in lines]
    if not lines or not all(matches):
        return "".join(line + "\n" for line in lines) if text.endswith("\n") else text
    rows = []
    for match in matches:
        packets, size = int(match["packets"]), int(match["bytes"])
        if match["number"] == "65535" and packets >= OFFSET_PACKETS and size >= OFFSET_BYTES:
            packets, size = packets - OFFSET_PACKETS, size - OFFSET_BYTES
        rows.append((match["head"], packets, size, match["rest"]))
    return _render(rows)


def same(recorded, got):
    """Whether `got` is what was recorded, with or without the offset (`zero` takes it off there too)."""
    return got in (recorded, without_offset(recorded))


# An entry of a table with all kinds of values that there were, as it is listed and as it was added.
ALL_VALUES = re.compile(r"^(\S+ (?:\w+,){8})\d+(,[\d.]+,[\da-f:]+)$", re.M)
ADDED = re.compile(r"^added: (?=\S+ (?:\w+,){8}\d+,[\d.]+,[\da-f:]+$)(.*)$", re.M)


class Limits:
    """The limits of entries: of these, the ninth of all values, ipfw lists 0 (a bug), and tells what they are when it adds them."""

    def __init__(self):
        self._entries = {}

    def note(self, recorded):
        """Takes in what a command printed."""
        for entry in ADDED.findall(recorded):
            self._entries[ALL_VALUES.sub(r"\g<1>0\2", entry)] = entry

    def restore(self, recorded):
        """The recorded listing with the limits that were added."""
        return "\n".join(self._entries.get(line, line) for line in recorded.split("\n"))


def _reads_back(tool, line):
    answer = tool.run(["-n", "add", *line.split()])
    return not answer.exit and answer.stdout == line + "\n"


PROBABILITY = re.compile(r"prob (\d+\.\d+)")
EXTENSION_HEADERS = re.compile(r"ext6hdr (\S+)")
EXTENSION_NAMES = {
    "frag": "fragmentation", "hopopt": "hop options", "route": "routing options", "dstopt": "destination options",
    "ah": "authentication header", "esp": "encapsulated security payload",
}
ANY_INTERFACE = re.compile(r" (?:not )?(?:via|recv|xmit) any")


# ipfw takes `lookup' for a test of the destination address, and lists it so.
LOOKUP_ALONE = re.compile(r"(?<= to )any (?=(?:not )?lookup )")
LOOKUP = re.compile(r"(?<! to )(?<! to not )lookup (?=\S+ \S)")
LIMIT_FIELDS = re.compile(r"(?<=limit )(?:(?:src|dst)-(?:addr|port) )+(?=\d)")


def _extension_headers(match):
    return "extension header: " + ",".join(EXTENSION_NAMES.get(name, name) for name in match[1].split(","))


def _as_ipfw(line):
    """
    The line with what ipfw leaves out of it, digits of a probability and interface tests that any packet passes, with
    its names for extension headers, its commas between the fields of a limit, and its places for `lookup`.
    """
    line = LIMIT_FIELDS.sub(lambda match: ",".join(match[0].split()) + " ", line)
    line = LOOKUP.sub("dst-ip lookup ", LOOKUP_ALONE.sub("", line))
    line = EXTENSION_HEADERS.sub(_extension_headers, line)
    return ANY_INTERFACE.sub("", PROBABILITY.sub(lambda match: f"prob {float(match[1]):f}", line))


def more_readable(tool, recorded, got):
    """
    Whether `got` differs from the recording only in rules of which ipfw prints less than it would have to read again
    (`roundtrip` false where a recording says it), and reads back itself.
    """
    pairs = list(zip(recorded.splitlines(), got.splitlines()))
    return len(pairs) == len(recorded.splitlines()) == len(got.splitlines()) and all(
        old == new or (_as_ipfw(new) == old and _reads_back(tool, new) and not _reads_back(tool, old))
        for old, new in pairs)
