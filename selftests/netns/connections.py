# SPDX-License-Identifier: GPL-2.0-only
"""TCP connections with both ends in hand, many at once."""
import contextlib
import resource
import select
import socket
import struct

import traffic

PATIENCE = 10


class Listener:
    """Listens on a port (IPv4 and IPv6) of a namespace. A context manager."""

    def __init__(self, namespace, port):
        with namespace:
            self.socket = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self.socket.bind(("::", port))
        self.socket.listen(4096)
        self.socket.settimeout(PATIENCE)
        self.port = port

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


class Connection:
    """One connection from `namespace` to `address`, where `listener` is. A context manager."""

    def __init__(self, namespace, listener, address, source_port=0):
        self.client = traffic.tcp_socket(namespace, address, source_port)
        self.server = None
        try:
            self.client.settimeout(PATIENCE)
            self.client.connect((address, listener.port))
            self.server = listener.socket.accept()[0]
            self.server.settimeout(PATIENCE)
        except OSError:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Closes both ends, the server's first: no client port is left waiting."""
        for end in (self.server, self.client):
            if end:
                end.close()

    def reset(self, end="client"):
        """Ends it by a RST from that end."""
        chosen = {"client": self.client, "server": self.server}[end]
        chosen.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        chosen.close()

    def port(self):
        """The client's port."""
        return self.client.getsockname()[1]

    def exchange(self, data=b"question", patience=PATIENCE):
        """Sends `data` there and back, and returns whether it arrived, each way within `patience` seconds."""
        self.client.settimeout(patience)
        self.server.settimeout(patience)
        try:
            return carry(self.client, self.server, data) and carry(self.server, self.client, data)
        except OSError:
            return False


def carry(sender, receiver, data):
    """Whether `data`, which fits into the sockets' buffers, gets from one end to the other."""
    sender.sendall(data)
    left = len(data)
    while left:
        part = receiver.recv(left)
        if not part:
            return False
        left -= len(part)
    return True


@contextlib.contextmanager
def many(namespace, listener, addresses, count):
    """Opens `count` connections to `addresses` in turn."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(Connection(namespace, listener, addresses[index % len(addresses)]))
               for index in range(count)]


def broken(connections, patience=PATIENCE):
    """The connections on which nothing comes back within `patience` seconds; all are asked at the same time."""
    waiting = {}
    for connection in connections:
        connection.client.sendall(b"?")
        waiting[connection.server.fileno()] = connection
    poll = select.poll()
    for descriptor in waiting:
        poll.register(descriptor, select.POLLIN)
    while waiting:
        ready = poll.poll(patience * 1000)
        if not ready:
            break
        for descriptor, _ in ready:
            poll.unregister(descriptor)
            connection = waiting.pop(descriptor)
            if connection.server.recv(1) != b"?":
                waiting[-descriptor - 1] = connection
    return list(waiting.values())
