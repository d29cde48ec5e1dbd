# SPDX-License-Identifier: GPL-2.0-only
"""Sockets that belong to others: to users, groups, and control groups."""
import contextlib
import ctypes
import os
import platform
import socket
import tempfile

import harness

# System calls act on the calling thread alone, where the C library's functions act on all.
_SETGROUPS, _SETRESUID, _SETRESGID = {"x86_64": (116, 117, 119), "aarch64": (159, 147, 149)}[platform.machine()]
_libc = ctypes.CDLL(None, use_errno=True)


def _system_call(number, *arguments):
    if _libc.syscall(number, *arguments) != 0:
        raise OSError(ctypes.get_errno(), f"system call {number}: {os.strerror(ctypes.get_errno())}")


def _set_groups(groups):
    _system_call(_SETGROUPS, len(groups), (ctypes.c_uint32 * len(groups))(*groups))


@contextlib.contextmanager
def user(uid, gid=0, groups=()):
    """Inside, sockets that this thread makes or accepts belong to the user and the groups."""
    before = os.getgroups()
    _set_groups(groups)
    _system_call(_SETRESGID, -1, gid, -1)
    _system_call(_SETRESUID, -1, uid, -1)
    try:
        yield
    finally:
        _system_call(_SETRESUID, -1, 0, -1)
        _system_call(_SETRESGID, -1, 0, -1)
        _set_groups(before)


class ControlGroups:
    """A control group file system (version 2) with a group of our own. A context manager."""

    def __init__(self):
        self._mount = tempfile.mkdtemp(prefix="ifb-cgroup-")
        self.name = f"ifb-{os.getpid()}"
        self._made = []

    def __enter__(self):
        if _libc.mount(b"ifb", self._mount.encode(), b"cgroup2", 0, None) != 0:
            os.rmdir(self._mount)
            raise harness.Skip(f"no cgroup2 to mount: {os.strerror(ctypes.get_errno())}")
        self.make("")
        return self

    def __exit__(self, *_):
        for path in reversed(list(self._made)):
            self.remove(path)
        _libc.umount2(self._mount.encode(), 0)
        os.rmdir(self._mount)

    def _directory(self, path):
        return os.path.join(self._mount, self.name, path)

    def path(self, path=""):
        """The path of a group, given relative to ours, from the root."""
        return os.path.join(self.name, path).rstrip("/")

    def make(self, path):
        """Makes the group `path` in ours and returns its id."""
        os.mkdir(self._directory(path))
        self._made.append(path)
        return os.stat(self._directory(path)).st_ino

    def remove(self, path):
        """Removes it again."""
        os.rmdir(self._directory(path))
        self._made.remove(path)

    def socket(self, path, namespace, family, kind):
        """A socket made in the group `path`."""
        ours, theirs = socket.socketpair()
        child = os.fork()
        if child == 0:
            try:
                with open(self._directory(path) + "/cgroup.procs", "w", encoding="ascii") as members:
                    members.write(str(os.getpid()))
                with namespace:
                    made = socket.socket(family, kind)
                    socket.send_fds(theirs, [b"socket"], [made.fileno()])
            finally:
                os._exit(0)  # pylint: disable=protected-access
        theirs.close()
        with ours:
            _, descriptors, _, _ = socket.recv_fds(ours, 16, 1)
        os.waitpid(child, 0)
        if not descriptors:
            raise harness.Skip("no process can be put into a control group here")
        return socket.socket(fileno=descriptors[0])
