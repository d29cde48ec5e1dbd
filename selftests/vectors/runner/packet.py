# SPDX-License-Identifier: GPL-2.0-only
"""One packet: its frame, its run through a loaded program, and the packet that the firewall itself sent."""

import json
import socket
import subprocess
from dataclasses import dataclass

from . import marks
from .pins import NUMBERS
from .tool import Mismatch, expect

ETHERNET_BYTES = 14
ETHERTYPE4, ETHERTYPE6 = bytes.fromhex("0800"), bytes.fromhex("86dd")
SCTP_HEADER_BYTES, SCTP_ABORT = 12, 6
NEIGHBOUR = bytes.fromhex("02000000000a")  # link address of whoever is at the other end

XDP_PASS = 2
XDP_ACTIONS = {1: "deny", XDP_PASS: "pass", 3: "reply"}
TC_ACTIONS = {-1: "pass", 0: "pass", 2: "deny", 7: "reply"}


@dataclass
class Interface:
    """An interface of the namespace: index and link address."""

    index: int
    mac: bytes


def interfaces():
    """All interfaces of the current namespace by name."""
    links = json.loads(subprocess.run(["ip", "-j", "link"], capture_output=True, check=True).stdout)
    return {
        link["ifname"]: Interface(link["ifindex"], bytes.fromhex(link["address"].replace(":", ""))) for link in links
    }


def frame(element, known):
    """The Ethernet frame that carries the recorded packet, to or from the interface of its direction."""
    data = bytes.fromhex(element["hex"])
    if element.get("l2"):
        return data
    ethertype = ETHERTYPE6 if data[0] >> 4 == 6 else ETHERTYPE4
    if element["dir"] == "in":
        return known[element["recv"]].mac + NEIGHBOUR + ethertype + data
    return NEIGHBOUR + known[element["xmit"]].mac + ethertype + data


def recorded_part(element, data):
    """The part of a frame that the recording shows."""
    return data if element.get("l2") else data[ETHERNET_BYTES:]


def at_xdp(element):
    """Whether the packet meets the rules at XDP. It cannot have a routing table there."""
    return element["dir"] == "in" and "fib" not in element


def _run_tc(element, data, pins, known, **context):
    receive = known[element["recv"]].index if element["recv"] else 0
    if element["dir"] == "in":
        return pins.tc_ingress.run_tc(data, receive, receive, marks.incoming(element), **context)
    return pins.tc_egress.run_tc(data, known[element["xmit"]].index, receive, marks.incoming(element), **context)


def run(element, data, pins, known):
    """
    Runs the frame through the hook of its direction, and checks what it takes along if it passes. Returns (pass, deny
    or reply; frame afterwards).
    """
    if at_xdp(element):
        action, result, metadata = pins.xdp.run_xdp(data, known[element["recv"]].index)
        if action == XDP_PASS:
            marks.check_metadata(element, metadata, pins)
        actions = XDP_ACTIONS
    else:
        action, result, mark = _run_tc(element, data, pins, known)
        if TC_ACTIONS.get(action) == "pass":
            marks.check_mark(element, mark, pins)
        actions = TC_ACTIONS
    if action not in actions:
        raise Mismatch(f"verdict: expected {element['verdict']!r} | got action {action}")
    return actions[action], result


def run_traced(element, data, pins, known, reply_mark, reply_mac):
    """Runs the programs on the frame once more, which they are to trace (struct trace_mark in maps/layout.h)."""
    mark = reply_mark + reply_mac + data[6:12]
    if at_xdp(element):
        data = data[:6] + reply_mac + data[12:]
        pins.xdp.run_xdp(data, known[element["recv"]].index, mark)
    else:
        _run_tc(element, data, pins, known, trace=mark, segment=NUMBERS["TRACE_SEGMENT_BYTES"])


def _checksum(data):
    words = sum(int.from_bytes(data[i : i + 2].ljust(2, b"\0"), "big") for i in range(0, len(data), 2))
    while words >> 16:
        words = (words & 0xFFFF) + (words >> 16)
    return words ^ 0xFFFF


def _comparable(data):
    """The packet with what is random in it (IPv4 identification, and the checksum over it) zeroed."""
    if not data or data[0] >> 4 != 4:
        return data
    return data[:4] + b"\0\0" + data[6:10] + b"\0\0" + data[12:]


def _is_abort(data):
    """Whether the packet is an SCTP ABORT."""
    protocol, transport = (data[9], (data[0] & 15) * 4) if data[0] >> 4 == 4 else (data[6], 40)
    return protocol == socket.IPPROTO_SCTP and data[transport + SCTP_HEADER_BYTES] == SCTP_ABORT


def recorded_sent(element):
    """
    The packets that are to be made. To a frame none is: ipfw takes the Ethernet header for the beginning of the IP
    header that it answers.
    """
    return [] if element.get("l2") else element.get("sent", [])


def expect_sent(element, sent, request, reply):
    """Compares the packet that the firewall made, `reply` or None, with those that were `sent` in the recording."""
    recorded = [bytes.fromhex(one["hex"]) for one in sent]
    got = [] if reply is None else [recorded_part(element, reply)]
    if not recorded and got and _is_abort(got[0]):
        recorded = got  # the kernel that was recorded could not make one
    expect("sent", [_comparable(data).hex() for data in recorded], [_comparable(data).hex() for data in got])
    for data in got:
        if data[0] >> 4 == 4:
            expect("IPv4 checksum of the packet sent", 0, _checksum(data[: (data[0] & 15) * 4]))
    if reply is not None:
        ethertype = ETHERTYPE6 if got[0][0] >> 4 == 6 else ETHERTYPE4
        expect("ethertype of the packet sent", ethertype.hex(), reply[12:14].hex())
        if element["dir"] == "in":
            expect("link addresses of the packet sent", (request[6:12] + request[:6]).hex(), reply[:12].hex())
