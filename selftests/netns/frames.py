# SPDX-License-Identifier: GPL-2.0-only
"""Frames as packets: wire.py with scapy.

Packets are built and dissected with scapy; its own sockets are not used, because they look at the
interfaces of the namespace that scapy was imported in.
"""
import logging
import select
import socket
import struct
import time

import traffic
import wire
from wire import send  # noqa: F401  pylint: disable=unused-import

logging.getLogger("scapy.runtime").setLevel(logging.ERROR)
from scapy.layers.inet import ICMP, IP, TCP, UDP  # noqa: E402,F401
from scapy.layers.inet6 import IPv6  # noqa: E402
from scapy.layers.l2 import Dot1Q, Ether  # noqa: E402,F401
from scapy.packet import Raw  # noqa: E402,F401


class Sniffer(wire.Sniffer):
    """wire.Sniffer with dissected packets."""

    def packets(self, wanted=lambda packet: True, patience=0.15):
        """All frames so far that `wanted` says yes to, dissected."""
        return [packet for packet in map(Ether, self.raw(patience)) if wanted(packet)]

    def wait(self, wanted, count=1, patience=None):
        """Waits until `count` frames that `wanted` says yes to are there; returns those that are."""
        end = time.monotonic() + (traffic.PATIENCE * 2 if patience is None else patience)
        while True:
            found = self.packets(wanted, patience=0.0)
            if len(found) >= count or time.monotonic() >= end:
                return found
            select.select([self.socket], [], [], 0.02)


def checksums_right(packet):
    """Whether the IPv4 header's and the TCP, UDP or ICMP checksum of a dissected packet are right."""
    if IP in packet:
        data = bytes(packet[IP])
        header = (data[0] & 15) * 4
        length = struct.unpack("!H", data[2:4])[0]
        pseudo = data[12:20] + struct.pack("!HH", data[9], length - header)
        if wire.internet_sum(data[:header]) != 0xffff:
            return False
        transport, protocol = data[header:length], data[9]
    else:
        data = bytes(packet[IPv6])
        length = struct.unpack("!H", data[4:6])[0]
        transport, protocol = data[40:40 + length], data[6]
        pseudo = data[8:40] + struct.pack("!IHBB", length, 0, 0, protocol)
    return wire.internet_sum(transport if protocol == socket.IPPROTO_ICMP else pseudo + transport) == 0xffff
