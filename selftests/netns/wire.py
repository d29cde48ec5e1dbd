# SPDX-License-Identifier: GPL-2.0-only
"""Frames as bytes: send any on a wire, see what comes out of another. Needs nothing but Python."""
import ctypes
import errno
import fcntl
import select
import socket
import struct
import time

SO_RCVBUFFORCE = 33
_SOL_PACKET = 263
_PACKET_AUXDATA = 8
_PACKET_OUTGOING = 4
_ETH_P_ALL = 3
_STATUS_CHECKSUM_NOT_READY = 1 << 3
_STATUS_VLAN_VALID = 1 << 4
_SEND_ATTEMPTS = 1000

_SIOCETHTOOL = 0x8946
_ETHTOOL_SET_TX_CHECKSUM, _ETHTOOL_SET_TSO, _ETHTOOL_SET_FLAGS, _ETHTOOL_SET_GRO = 0x17, 0x1f, 0x26, 0x2c


def _ethtool(namespace, interface, command, value):
    with namespace, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        argument = ctypes.create_string_buffer(struct.pack("II", command, value), 8)
        fcntl.ioctl(any_socket, _SIOCETHTOOL, struct.pack("16sP", interface.encode(), ctypes.addressof(argument)))


def segmentation_off(namespace, interface):
    """Makes the kernel cut the TCP super-packets that leave by `interface`."""
    _ethtool(namespace, interface, _ETHTOOL_SET_TSO, 0)


def checksums_in_software(namespace, interface):
    """Makes the kernel compute the checksums of what leaves by `interface`."""
    _ethtool(namespace, interface, _ETHTOOL_SET_TX_CHECKSUM, 0)


def receive_offload_on(namespace, interface):
    """Makes the kernel glue together what comes in by `interface`; a veth then takes XDP frames from its peer."""
    _ethtool(namespace, interface, _ETHTOOL_SET_GRO, 1)


def vlan_offload_off(namespace, interface):
    """Makes the kernel write VLAN tags into the frames that leave by `interface`."""
    _ethtool(namespace, interface, _ETHTOOL_SET_FLAGS, 0)


def send(namespace, interface, *frames):
    """
    Sends whole Ethernet frames (bytes, or anything that bytes() takes) by `interface`, just as they are. One that finds
    no room, of which the kernel tells, is sent again.
    """
    with namespace:
        wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        with wire:
            wire.bind((interface, 0))
            for frame in frames:
                _send_one(wire, bytes(frame))


def refused(namespace, interface, frame):
    """Sends one frame likewise, once. Whether the kernel says that it was dropped on its way out."""
    with namespace:
        wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
        with wire:
            wire.bind((interface, 0))
            try:
                wire.send(frame)
            except OSError as error:
                if error.errno != errno.ENOBUFS:
                    raise
                return True
    return False


def _send_one(wire, frame):
    for _ in range(_SEND_ATTEMPTS):
        try:
            wire.send(frame)
            return
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
            time.sleep(0.001)
    raise OSError(errno.ENOBUFS, "the interface takes no frame any more")


class Sniffer:
    """What arrives at an interface from outside (or leaves by it), from the moment of construction on."""

    def __init__(self, namespace, interface="eth0", outgoing=False):
        self._outgoing = outgoing
        with namespace:
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ETH_P_ALL))
            self.socket.setsockopt(_SOL_PACKET, _PACKET_AUXDATA, 1)
            self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 32 << 20)
            self.socket.bind((interface, _ETH_P_ALL))
        self._seen = []
        self.unfinished = 0  # frames whose checksum was left to the hardware

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def _receive(self):
        data, ancillary, _, address = self.socket.recvmsg(70000, 256)
        if (address[2] == _PACKET_OUTGOING) != self._outgoing:
            return
        for level, kind, value in ancillary:
            if (level, kind) != (_SOL_PACKET, _PACKET_AUXDATA):
                continue
            status, _, _, _, _, tag, protocol = struct.unpack("=IIIHHHH", value[:20])
            if status & _STATUS_CHECKSUM_NOT_READY:
                self.unfinished += 1
            # The kernel has moved the outer tag out of the frame: put it back.
            if status & _STATUS_VLAN_VALID:
                data = data[:12] + struct.pack("!HH", protocol or 0x8100, tag) + data[12:]
        self._seen.append(data)

    def raw(self, patience=0.0):
        """All frames so far as bytes, after waiting for `patience` seconds of silence."""
        while select.select([self.socket], [], [], patience)[0]:
            self._receive()
        return list(self._seen)


def internet_sum(data):
    """The Internet checksum's sum over `data`: 0xffff when a checksum inside is right."""
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return total


def datagram(source_mac, destination_mac, source, destination, ports, payload=b"spoof"):
    """A UDP datagram of either family in a frame, from any addresses; without checksum in IPv4, which may be."""
    macs = bytes.fromhex((destination_mac + source_mac).replace(":", ""))
    udp = struct.pack("!HHHH", *ports, 8 + len(payload), 0) + payload
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    addresses = socket.inet_pton(family, source) + socket.inet_pton(family, destination)
    if family == socket.AF_INET6:
        pseudo = addresses + struct.pack("!IHBB", len(udp), 0, 0, socket.IPPROTO_UDP)
        checksum = 0xffff - internet_sum(pseudo + udp) or 0xffff
        udp = udp[:6] + struct.pack("!H", checksum) + udp[8:]
        return macs + b"\x86\xdd" + struct.pack("!IHBB", 6 << 28, len(udp), socket.IPPROTO_UDP, 64) + addresses + udp
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, socket.IPPROTO_UDP, 0)
    checksum = 0xffff - internet_sum(header + addresses)
    return macs + b"\x08\0" + header[:10] + struct.pack("!H", checksum) + addresses + udp
