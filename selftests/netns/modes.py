# SPDX-License-Identifier: GPL-2.0-only
"""Interfaces on which the firewall cannot run at native XDP."""
import contextlib
import ctypes
import os
import socket

from network import CLIENT

_SYS_BPF = 321
_PROG_LOAD, _LINK_CREATE = 5, 28
_XDP, _BPF_XDP = 6, 37


class _ProgramLoad(ctypes.Structure):
    _fields_ = [("type", ctypes.c_uint32), ("count", ctypes.c_uint32), ("instructions", ctypes.c_uint64),
                ("license", ctypes.c_uint64), ("unused", ctypes.c_uint32 * 10), ("interface", ctypes.c_uint32),
                ("attach_type", ctypes.c_uint32)]


class _LinkCreate(ctypes.Structure):
    _fields_ = [("program", ctypes.c_uint32), ("interface", ctypes.c_uint32), ("attach_type", ctypes.c_uint32),
                ("flags", ctypes.c_uint32)]


def _bpf(command, attributes):
    result = ctypes.CDLL(None, use_errno=True).syscall(_SYS_BPF, command, ctypes.byref(attributes),
                                                      ctypes.sizeof(attributes))
    if result < 0:
        raise OSError(ctypes.get_errno(), f"bpf({command}): {os.strerror(ctypes.get_errno())}")
    return result


@contextlib.contextmanager
def occupied(namespace, interface):
    """Somebody else's XDP program (return XDP_PASS), which leaves no place for another one."""
    code = ctypes.create_string_buffer(bytes.fromhex("b700000002000000 9500000000000000"))
    text = ctypes.create_string_buffer(b"GPL")
    with contextlib.ExitStack() as stack:
        program = _bpf(_PROG_LOAD, _ProgramLoad(type=_XDP, count=2, instructions=ctypes.addressof(code),
                                                license=ctypes.addressof(text), attach_type=_BPF_XDP))
        stack.callback(os.close, program)
        with namespace:
            link = _bpf(_LINK_CREATE, _LinkCreate(program=program, interface=socket.if_nametoindex(interface),
                                                  attach_type=_BPF_XDP))
        stack.callback(os.close, link)
        yield


def make_generic(net):
    """Replaces the client's link by a veth that takes no native program: its peer has more transmit queues than it
    can receive from."""
    net.gateway.ip("link delete west0")
    net.gateway.ip(f"link add dev west0 address {CLIENT.firewall_mac} numrxqueues 1 numtxqueues 1 type veth "
                   f"peer name eth0 address {CLIENT.host_mac} numrxqueues 2 numtxqueues 2 netns {net.client.name}")
    net.configure_link(net.client, CLIENT)
