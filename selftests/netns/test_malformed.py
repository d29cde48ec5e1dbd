# SPDX-License-Identifier: GPL-2.0-only
"""No option matches a packet whose headers are cut off or lie: it is dropped before the first rule."""
import os
import sys
import tempfile

import explain
import harness
from scapy.utils import wrpcap

sys.path.append(os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "bench"))
import options  # noqa: E402  pylint: disable=wrong-import-position

_ETHERNET = 14


def _load(net):
    """A rule for each row of options.def, which lets the packet go on. Returns {number: row}."""
    numbers = dict(enumerate(options.rows(), 1000))
    net.firewall.load("".join(f"{number} {options.HEADS.get(row, 'count')} {options.RULES[row][1]}\n"
                              for number, row in numbers.items()) + "65000 allow ip from any to any")
    return numbers


def _explained(net, frames, *where):
    """What the loaded programs say of each frame: the only pass."""
    with tempfile.NamedTemporaryFile(suffix=".pcap") as capture:
        wrpcap(capture.name, frames, linktype=1)
        return [packet["passes"][0] for packet in explain.objects(net, *where, "pcap", capture.name)]


def _changed(frame, offset, value):
    return frame[:offset] + bytes([value]) + frame[offset + 1:]


def _damaged(frame):
    """{what: frame} of all headers that lie."""
    at = _ETHERNET
    if frame[at] >> 4 == 6:
        return {"version 5": _changed(frame, at, 0x50 | frame[at] & 0xf), "a longer packet": _changed(frame, at + 5, 0xff)}
    return {"version 5": _changed(frame, at, 0x50 | frame[at] & 0xf), "a header of 16 bytes": _changed(frame, at, 0x44),
            "a header behind the end": _changed(frame, at, 0x4f), "a longer packet": _changed(frame, at + 2, 1),
            "a packet of 19 bytes": _changed(frame, at + 3, 19)}


def _cut(frame, first):
    """{what: frame} of all beginnings of the frame that have `first` bytes or more."""
    return {f"its first {length} bytes": frame[:length] for length in range(first, len(frame))}


def _dropped(net, name, bad, *where):
    for what, one in zip(bad, _explained(net, list(bad.values()), *where)):
        harness.equal((one["verdict"], explain.numbers(one)), ("drop", []), f"{name}, {what}, {' '.join(where)}")


@harness.time_limit(120)
def test_in(net):
    """Each row has a frame that it matches; no beginning of the frame and no lie in it does, whatever the row."""
    numbers = _load(net)
    for name, packet in options.FRAMES.items():
        where, frame = ("in", "recv", "west0"), bytes(packet)
        matched = {numbers.get(number) for number in explain.numbers(_explained(net, [frame], *where)[0])}
        expected = {row for row in numbers.values() if options.RULES[row][0] == name and row not in options.UNCOUNTED}
        harness.equal(expected - matched, set(), f"rows that do not match {name}")
        _dropped(net, name, _cut(frame, _ETHERNET + 1) | _damaged(frame), *where)


@harness.time_limit(120)
def test_out(net):
    """The kernel runs no program at TC on less than the IP header."""
    _load(net)
    for name, packet in options.FRAMES.items():
        frame = bytes(packet)
        header = 40 if frame[_ETHERNET] >> 4 == 6 else 4 * (frame[_ETHERNET] & 0xf)
        _dropped(net, name, _cut(frame, _ETHERNET + header), "out", "recv", "west0", "xmit", "east0")
