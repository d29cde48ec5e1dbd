# SPDX-License-Identifier: GPL-2.0-only
"""Network namespaces: make, enter, configure, delete.

Names are `ifb-OWNER-PID-N`; OWNER is the process that imported this module, PID the one (it or a
child) that made the namespace. Whoever finds one knows whether its owner still lives. Entering is a setns() of
the calling thread: sockets that are opened inside stay in the namespace when the thread leaves it again.
"""
import contextlib
import ctypes
import os
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time

PREFIX = "ifb-"
DIRECTORY = "/run/netns"
CLONE_NEWNET = 0x40000000
_SO_NETNS_COOKIE = 71
_MNT_DETACH = 2
_SCOPE_LINK = "20"
_SOLICITED_NODE = "ff0200000000000000000001ff"
_REPORTED_OR_SILENT = 0x02 | 0x08  # MAF_LAST_REPORTER, MAF_NOREPORT of the kernel's net/if_inet6.h
_QUIET_PATIENCE = 30

_libc = ctypes.CDLL(None, use_errno=True)
_owner = os.getpid()
_own_inode = os.stat("/proc/self/ns/net").st_ino
_serial = 0
# A line for each namespace made, also by children of the importing process: who made it, and its cookie.
_made = tempfile.TemporaryFile("a+", buffering=1)  # pylint: disable=consider-using-with


class Failure(Exception):
    """A test's expectation that did not hold."""


def in_virtual_machine():
    """Whether this is the machine of selftests/vm, whose root namespace may be filtered."""
    with open("/proc/cmdline", encoding="ascii") as cmdline:
        return "ipfw_vm=" in cmdline.read()


def _table(name):
    """The lines of a table in /proc/net of this thread's namespace, as words."""
    with open(f"/proc/thread-self/net/{name}", encoding="ascii") as file:
        return [line.split() for line in file]


def _setns(path):
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        if _libc.setns(descriptor, CLONE_NEWNET) != 0:
            error = ctypes.get_errno()
            raise OSError(error, f"setns {path}: {os.strerror(error)}")
    finally:
        os.close(descriptor)


def ip_batch(lines):
    """Runs `ip` once for all `lines` (an iterable of commands without the leading `ip`)."""
    result = subprocess.run(["ip", "-batch", "-"], input="\n".join(lines) + "\n", text=True, capture_output=True, check=False)
    if result.returncode != 0:
        raise OSError(f"ip -batch: {result.stderr.strip()}")


class Namespace:
    """A network namespace that this process made, or (see root()) the virtual machine's own."""

    def __init__(self, name):
        self.name = name
        self.path = f"{DIRECTORY}/{name}"
        self._saved = threading.local()

    @staticmethod
    def new_name():
        """A name that nobody else uses: see the module's comment."""
        global _serial
        _serial += 1
        return f"{PREFIX}{_owner}-{os.getpid()}-{_serial}"

    def __enter__(self):
        stack = self._saved.__dict__.setdefault("stack", [])
        stack.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC))
        try:
            _setns(self.path)
        except OSError:
            os.close(stack.pop())
            raise
        return self

    def __exit__(self, *_):
        descriptor = self._saved.stack.pop()
        _setns(f"/proc/self/fd/{descriptor}")
        os.close(descriptor)

    def inode(self):
        """Inode of the namespace, which identifies it."""
        return os.stat(self.path).st_ino

    def cookie(self):
        """The namespace's cookie: unlike the inode it is never used again."""
        with self, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
            return struct.unpack("Q", any_socket.getsockopt(socket.SOL_SOCKET, _SO_NETNS_COOKIE, 8))[0]

    def check_foreign(self):
        """Raises unless this is another namespace than the one the tests were started in."""
        if self.inode() == _own_inode and not in_virtual_machine():
            raise Failure(f"{self.name} is the namespace the tests were started in: refusing to filter it")

    def command(self, *arguments):
        """The argument vector that runs `arguments` inside. `ip netns exec` would hide /sys/fs/bpf."""
        return ["nsenter", f"--net={self.path}", *arguments]

    def run(self, *arguments, **options):
        """subprocess.run() inside, output captured as text. The child inherits the namespace: that spares a program."""
        with self:
            return subprocess.run(arguments, text=True, capture_output=True, check=False, **options)

    def ip(self, *lines):
        """Runs `ip` commands inside."""
        with self:  # `ip -n` would make a mount namespace, too
            ip_batch(lines)

    def sysctl(self, **values):
        """Writes sysctls; names with `__` for `/` under /proc/sys/net."""
        with self:
            for name, value in values.items():
                with open("/proc/sys/net/" + name.replace("__", "/"), "w", encoding="ascii") as file:
                    file.write(str(value))

    def statistics(self, interface):
        """Counters of /proc/net/dev: rx_bytes, rx_packets, tx_bytes, tx_packets."""
        with self, open("/proc/thread-self/net/dev", encoding="ascii") as file:
            for line in file:
                name, _, fields = line.strip().partition(":")
                if name == interface:
                    numbers = [int(field) for field in fields.split()]
                    return {"rx_bytes": numbers[0], "rx_packets": numbers[1],
                            "tx_bytes": numbers[8], "tx_packets": numbers[9]}
        raise Failure(f"no interface {interface} in {self.name}")

    def _is_quiet(self, interface):
        with self:
            addresses, groups = _table("if_inet6"), _table("igmp6")
        scopes = {line[0]: line[3] for line in addresses if line[5] == interface}
        reported = {line[2]: int(line[4], 16) & _REPORTED_OR_SILENT for line in groups if line[1] == interface}
        return (_SCOPE_LINK in scopes.values() and all(reported.values())
                and all(_SOLICITED_NODE + address[-6:] in reported for address in scopes))

    def wait_until_quiet(self, interface):
        """
        Waits until the link is up and the multicast groups of its addresses have been reported (by version 1 of MLD,
        which notes that). From then on the kernel sends nothing by it of its own accord.
        """
        end = time.monotonic() + _QUIET_PATIENCE
        while not self._is_quiet(interface):
            if time.monotonic() > end:
                raise OSError(f"{interface} of {self.name}: its multicast groups are not reported")
            time.sleep(0.002)


def create(*created):
    """Makes namespaces of new names, as many as there are objects in `created`."""
    ip_batch(f"netns add {namespace.name}" for namespace in created)
    _made.write("".join(f"{os.getpid()} {namespace.cookie()}\n" for namespace in created))


def _processes_in(inodes):
    """Processes but this one whose network namespace has one of these inodes."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            with contextlib.suppress(OSError):  # ended meanwhile
                if os.stat(f"/proc/{name}/ns/net").st_ino in inodes:
                    found.append(int(name))
    return found


def kill_processes(*within):
    """Ends the processes that still live in these namespaces: they can only be ours."""
    inodes = {namespace.inode() for namespace in within if os.path.exists(namespace.path)} - {_own_inode}
    for _ in range(20):
        alive = _processes_in(inodes)
        if not alive:
            return
        for process in alive:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        time.sleep(0.02)


def remove(*doomed):
    """Ends what still runs in these namespaces and removes them, as `ip netns delete` does; their devices go with them."""
    kill_processes(*doomed)
    for namespace in doomed:
        _libc.umount2(os.fsencode(namespace.path), _MNT_DETACH)
        with contextlib.suppress(OSError):  # never made
            os.unlink(namespace.path)


def made(maker):
    """Cookies of all the namespaces that the process `maker` made."""
    # By its own offset: all processes share that of the file, and others may be adding to it.
    fd = _made.fileno()
    lines = [line.split() for line in os.pread(fd, os.fstat(fd).st_size, 0).decode().splitlines()]
    return {int(cookie) for process, cookie in lines if int(process) == maker}


class RootNamespace(Namespace):
    """The namespace the tests run in. Only inside the virtual machine."""

    def __init__(self):
        super().__init__("root")
        if not in_virtual_machine():
            raise Failure("the root namespace may only be filtered inside the virtual machine")
        self.path = "/proc/1/ns/net"

    def command(self, *arguments):
        return list(arguments)


def existing(*processes):
    """Names of our namespaces, or only those of an owner, or those that one maker made for an owner."""
    prefix = PREFIX + "".join(f"{process}-" for process in processes)
    try:
        return sorted(name for name in os.listdir(DIRECTORY) if name.startswith(prefix))
    except FileNotFoundError:
        return []


def orphaned():
    """Names of our namespaces whose owner is gone."""
    return [name for name in existing() if not os.path.exists(f"/proc/{name.split('-')[1]}")]
