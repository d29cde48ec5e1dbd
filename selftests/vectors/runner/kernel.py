# SPDX-License-Identifier: GPL-2.0-only
"""bpf(2) and network namespaces by ctypes: pinned maps, test runs of pinned programs."""

import ctypes
import os
import platform
import socket
import struct

SO_NETNS_COOKIE = 71
CLONE_NEWNET = 0x40000000
SYS_BPF = {"x86_64": 321, "aarch64": 280, "riscv64": 280}[platform.machine()]
PROGRAM_LOAD, LINK_CREATE = 5, 28
PROGRAM_TYPE_XDP, ATTACH_XDP = 6, 37
MAP_LOOKUP, MAP_UPDATE, OBJECT_GET, PROGRAM_TEST_RUN, OBJECT_INFO = 1, 2, 7, 10, 15
OUTPUT_BYTES = 8192
# Offsets in struct __sk_buff of linux/bpf.h.
SKB_MARK, SKB_INGRESS_IFINDEX, SKB_CB, SKB_GSO_SIZE = 8, 36, 48, 176

libc = ctypes.CDLL(None, use_errno=True)


def unshare_network():
    """Moves this process into a new network namespace; refuses to go on if it did not."""
    before = network_cookie()
    if libc.unshare(CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "unshare(CLONE_NEWNET)")
    if network_cookie() == before:
        raise RuntimeError("still in the network namespace that the runner was started in")


def enter_network(namespace):
    """Enters the network namespace behind the file descriptor."""
    if libc.setns(namespace, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def network_cookie():
    """The kernel's never re-used number of the current network namespace."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        return struct.unpack("=Q", any_socket.getsockopt(socket.SOL_SOCKET, SO_NETNS_COOKIE, 8))[0]


def _bpf(command, attributes):
    buffer = ctypes.create_string_buffer(attributes, 128)
    result = libc.syscall(SYS_BPF, command, buffer, 128)
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"bpf({command}): {os.strerror(error)}")
    return result, buffer.raw


def open_pin(path):
    """A file descriptor of the pinned object."""
    name = ctypes.create_string_buffer(os.fsencode(path))
    try:
        return _bpf(OBJECT_GET, struct.pack("=QII", ctypes.addressof(name), 0, 0))[0]
    except OSError as error:
        raise OSError(error.errno, f"{path}: {error.strerror}") from None


def hold_xdp(interface):
    """Attaches an XDP program that passes all to ifindex `interface`, as somebody else would. Closing the fd ends it."""
    code = ctypes.create_string_buffer(bytes.fromhex("b700000002000000 9500000000000000"))
    text = ctypes.create_string_buffer(b"GPL")
    request = struct.pack("=IIQQ40xII", PROGRAM_TYPE_XDP, 2, ctypes.addressof(code), ctypes.addressof(text), 0, ATTACH_XDP)
    program = _bpf(PROGRAM_LOAD, request)[0]
    try:
        return _bpf(LINK_CREATE, struct.pack("=IIII", program, interface, ATTACH_XDP, 0))[0]
    finally:
        os.close(program)


def _possible_cpus():
    text = open("/sys/devices/system/cpu/possible", encoding="ascii").read().strip()
    return max(int(part.split("-")[-1]) for part in text.split(",")) + 1


class Map:
    """A pinned array whose values must be `layout`; keys are indices."""

    def __init__(self, path, layout, per_cpu=False):
        self.fd = open_pin(path)
        self.copies = _possible_cpus() if per_cpu else 1
        size, self.entries = self._information()
        if size != layout.size:
            raise RuntimeError(f"{path}: values of {size} bytes, but struct {layout.name} has {layout.size}")
        self.stride = -(-size // 8) * 8 if per_cpu else size
        self.key = ctypes.create_string_buffer(4)
        self.value = ctypes.create_string_buffer(self.stride * self.copies)
        self.request = struct.pack("=IIQQQ", self.fd, 0, ctypes.addressof(self.key), ctypes.addressof(self.value), 0)

    def _information(self):
        information = ctypes.create_string_buffer(256)
        _bpf(OBJECT_INFO, struct.pack("=IIQ", self.fd, len(information), ctypes.addressof(information)))
        _, _, _, value_size, entries = struct.unpack_from("=IIIII", information.raw)
        return value_size, entries

    def read(self, index):
        """The value at `index`: of a per-CPU map the values of all CPUs, `stride` bytes apart."""
        struct.pack_into("=I", self.key, 0, index)
        _bpf(MAP_LOOKUP, self.request)
        return bytearray(self.value.raw)

    def write(self, index, value):
        """Replaces the value at `index` (of a per-CPU map on all CPUs)."""
        struct.pack_into("=I", self.key, 0, index)
        self.value.raw = bytes(value)
        _bpf(MAP_UPDATE, self.request)

    def close(self):
        os.close(self.fd)


class Program:
    """A pinned XDP or TC program, run on packets of our own."""

    def __init__(self, path):
        self.fd = open_pin(path)

    def _run(self, frame, context):
        """Returns what the program returned, the frame afterwards, and the context afterwards."""
        data = ctypes.create_string_buffer(frame, len(frame))
        output = ctypes.create_string_buffer(OUTPUT_BYTES)
        context_in = ctypes.create_string_buffer(context, len(context))
        context_out = ctypes.create_string_buffer(len(context))
        attributes = struct.pack("=IIIIQQ", self.fd, 0, len(frame), OUTPUT_BYTES, ctypes.addressof(data),
                                 ctypes.addressof(output))
        attributes += struct.pack("=IIIIQQIII", 1, 0, len(context), len(context), ctypes.addressof(context_in),
                                  ctypes.addressof(context_out), 0, 0, 0)
        _, answer = _bpf(PROGRAM_TEST_RUN, attributes)
        _, result, _, length = struct.unpack_from("=IiII", answer)
        return result, output.raw[:length], context_out.raw

    def run_xdp(self, frame, receive, metadata=b""):
        """
        Runs on `frame` as if received by ifindex `receive`, with `metadata` in front of it. Returns (XDP action, frame
        afterwards, metadata afterwards).
        """
        # struct xdp_md: data, data_end, data_meta, ingress_ifindex, rx_queue_index, egress_ifindex. The kernel
        # takes 0 for the loopback interface, which has no XDP receive queue of its own.
        interface = 0 if receive == socket.if_nametoindex("lo0") else receive
        context = struct.pack("=6I", len(metadata), len(metadata) + len(frame), 0, interface, 0, 0)
        result, output, context = self._run(metadata + frame, context)
        start = struct.unpack_from("=I", context)[0]
        return result, output[start:], output[:start]

    def run_tc(self, frame, interface, receive, mark=0, trace=b"", segment=0):
        """
        Runs on `frame` at ifindex `interface`, received by `receive` or 0, with skb->mark, with `trace` in cb and
        `segment` bytes of gso_size. Returns (TC action, frame afterwards, mark afterwards).
        """
        context = bytearray(192)  # struct __sk_buff
        struct.pack_into("=I", context, SKB_MARK, mark)
        struct.pack_into("=II", context, SKB_INGRESS_IFINDEX, receive, interface)
        context[SKB_CB : SKB_CB + len(trace)] = trace
        struct.pack_into("=I", context, SKB_GSO_SIZE, segment)
        result, output, context = self._run(frame, bytes(context))
        return result, output, struct.unpack_from("=I", context, SKB_MARK)[0]

    def close(self):
        os.close(self.fd)
