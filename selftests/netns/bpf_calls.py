# SPDX-License-Identifier: GPL-2.0-only
"""Programs of somebody else: made and attached by bpf(2) itself, whatever the distribution's tools know."""
import contextlib
import ctypes
import os
import socket

_SYS_BPF = 321
PROG_ATTACH, PROG_QUERY = 8, 16
_PROG_LOAD, _PROG_DETACH, _PROG_GET_FD_BY_ID, _LINK_CREATE = 5, 9, 13, 28
_SCHED_CLS, _XDP, _BPF_XDP = 3, 6, 37
_TCX_TYPES = {"ingress": 46, "egress": 47}
_BEFORE = 1 << 3
_TCX_MOST = 64


class _ProgramLoad(ctypes.Structure):
    _fields_ = [("type", ctypes.c_uint32), ("count", ctypes.c_uint32), ("instructions", ctypes.c_uint64),
                ("license", ctypes.c_uint64), ("unused", ctypes.c_uint32 * 10), ("interface", ctypes.c_uint32),
                ("attach_type", ctypes.c_uint32)]


class _LinkCreate(ctypes.Structure):
    _fields_ = [("program", ctypes.c_uint32), ("interface", ctypes.c_uint32), ("attach_type", ctypes.c_uint32),
                ("flags", ctypes.c_uint32)]


class _Attach(ctypes.Structure):
    _fields_ = [("interface", ctypes.c_uint32), ("program", ctypes.c_uint32), ("attach_type", ctypes.c_uint32),
                ("flags", ctypes.c_uint32)]


class _Query(ctypes.Structure):
    _fields_ = [("interface", ctypes.c_uint32), ("attach_type", ctypes.c_uint32), ("flags", ctypes.c_uint32 * 2),
                ("ids", ctypes.c_uint64), ("count", ctypes.c_uint32),
                ("rest", ctypes.c_uint8 * 92)]  # the kernel writes there, whatever size it is told


class _Id(ctypes.Structure):
    _fields_ = [("id", ctypes.c_uint32)]


def _bpf(command, attributes):
    result = ctypes.CDLL(None, use_errno=True).syscall(_SYS_BPF, command, ctypes.byref(attributes),
                                                      ctypes.sizeof(attributes))
    if result < 0:
        raise OSError(ctypes.get_errno(), f"bpf({command}): {os.strerror(ctypes.get_errno())}")
    return result


@contextlib.contextmanager
def _program(kind, result, attach_type):
    """A program that only returns `result`: its descriptor."""
    code = ctypes.create_string_buffer(bytes.fromhex(f"b7000000{result:02x}000000 9500000000000000"))
    text = ctypes.create_string_buffer(b"GPL")
    program = _bpf(_PROG_LOAD, _ProgramLoad(type=kind, count=2, instructions=ctypes.addressof(code),
                                            license=ctypes.addressof(text), attach_type=attach_type))
    try:
        yield program
    finally:
        os.close(program)


@contextlib.contextmanager
def xdp_link(namespace, interface):
    """A link of a program that passes everything (XDP_PASS) holds the interface."""
    with _program(_XDP, 2, _BPF_XDP) as program:
        with namespace:
            link = _bpf(_LINK_CREATE, _LinkCreate(program=program, interface=socket.if_nametoindex(interface),
                                                  attach_type=_BPF_XDP))
        try:
            yield
        finally:
            os.close(link)


def tcx_programs(namespace, interface, direction):
    """Ids of the programs at one side of an interface, in their order. OSError where the kernel has no TCX."""
    ids = (ctypes.c_uint32 * _TCX_MOST)()
    with namespace:
        query = _Query(interface=socket.if_nametoindex(interface), attach_type=_TCX_TYPES[direction],
                       ids=ctypes.addressof(ids), count=len(ids))
        _bpf(PROG_QUERY, query)
    return list(ids[:query.count])


def tcx_accept_first(namespace, interface, direction):
    """Attaches a program that ends the list for every packet (TCX_PASS), in front of all others. Returns its id."""
    with _program(_SCHED_CLS, 0, 0) as program, namespace:
        _bpf(PROG_ATTACH, _Attach(interface=socket.if_nametoindex(interface), program=program,
                                   attach_type=_TCX_TYPES[direction], flags=_BEFORE))
    return tcx_programs(namespace, interface, direction)[0]


def tcx_detach(namespace, interface, direction, program):
    """Detaches the program with this id."""
    descriptor = _bpf(_PROG_GET_FD_BY_ID, _Id(program))
    try:
        with namespace:
            _bpf(_PROG_DETACH, _Attach(interface=socket.if_nametoindex(interface), program=descriptor,
                                       attach_type=_TCX_TYPES[direction]))
    finally:
        os.close(descriptor)
