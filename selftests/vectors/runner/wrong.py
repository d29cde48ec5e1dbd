# SPDX-License-Identifier: GPL-2.0-only
"""
Packets that the recording judges by a bug of FreeBSD 13.0 which later releases do not have. They are left out, and what
they moved is taken off the sums; all the rest of their vectors is held against the recording.
"""

import re

from .tool import NotSupported

STATEFUL = re.compile(r"\b(check-state|keep-state|record-state|limit|set-limit)\b")
FLOW_LABELS = re.compile(r"\bflow-id (\S+)")
LOOKUP_DSCP = re.compile(r"\blookup dscp\b")


def _flow(element):
    """Traffic class and flow label of an IPv6 packet, else (0, None)."""
    data = bytes.fromhex(element.get("hex", ""))[14 if element.get("l2") else 0:]
    if len(data) < 4 or data[0] >> 4 != 6:
        return 0, None
    word = int.from_bytes(data[:4], "big")
    return word >> 20 & 0xff, word & 0xfffff


def _labels(rules):
    return {int(number, 0) for rule in rules for match in FLOW_LABELS.finditer(rule) for number in match[1].split(",")
            if number != "tablearg"}


def _wrong(element, labels, dscp):
    traffic_class, label = _flow(element)
    # `flow-id' was compared with the header's whole first word, so that it never matched; `lookup dscp' read other bits.
    return label in labels or (dscp and traffic_class >> 2)


def _take_off(rows, elements):
    """Rows [number, packets, bytes] without what the elements moved."""
    left = [list(row) for row in rows]
    for number, packets, size in (moved for element in elements for moved in element["moved"]):
        matching = [row for row in left if row[0] == number]
        if len(matching) != 1:
            raise NotSupported(f"rule {number} is several rules, one of which met a packet that the recording judges wrongly")
        matching[0][1] -= packets
        matching[0][2] -= size
    return left


def left_out(vector):
    """The vector without the packets that its recording judges wrongly."""
    labels, dscp = _labels(vector["rules"]), any(map(LOOKUP_DSCP.search, vector["rules"]))
    wrong = [element for element in vector["packets"] if "cmd" not in element and _wrong(element, labels, dscp)]
    if not wrong:
        return vector
    if any(map(STATEFUL.search, vector["rules"])) or any("cmd" in element for element in vector["packets"]):
        raise NotSupported("states or commands follow a packet that the recording judges wrongly")
    rows = _take_off(vector["counters_list"], wrong)
    sums = {}
    for number, packets, size in rows:
        old = sums.get(str(number), [0, 0])
        sums[str(number)] = [old[0] + packets, old[1] + size]
    packets = [element for element in vector["packets"] if element not in wrong]
    return vector | {"packets": packets, "counters_list": rows, "counters": sums}
