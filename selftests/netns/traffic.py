# SPDX-License-Identifier: GPL-2.0-only
"""Ordinary traffic through sockets: connect, exchange, ping, servers.

Every call opens its sockets inside the namespace it is given and works from outside on them.
Outcomes are words: "ok", "timeout", or the error's name in lower case ("econnrefused" is "refused").
"""
import contextlib
import errno
import select
import socket
import struct
import threading
import time

import wire

# Long enough for an emulated or a busy machine, shorter than TCP's first retransmission (1 s).
PATIENCE = 0.8


def _family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def _word(number):
    if number == errno.ECONNREFUSED:
        return "refused"
    return errno.errorcode.get(number, str(number)).lower()


def _open(namespace, address, kind, protocol=0):
    with namespace:
        return socket.socket(_family(address), kind, protocol)


def tcp_socket(namespace, address, source_port=0, source=None):
    """A TCP socket of `address`'s family in `namespace`, bound if asked."""
    opened = _open(namespace, address, socket.SOCK_STREAM)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if source_port or source:
        opened.bind((source or ("::" if ":" in address else "0.0.0.0"), source_port))
    return opened


def tcp_connect(namespace, address, port, source_port=0, source=None, patience=PATIENCE):
    """Tries one TCP connection; closes it with RST so that nothing follows later."""
    with tcp_socket(namespace, address, source_port, source) as client:
        client.setblocking(False)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        status = client.connect_ex((address, port))
        if status not in (0, errno.EINPROGRESS):
            return _word(status)
        if not select.select([], [client], [], patience)[1]:
            return "timeout"
        status = client.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        return "ok" if status == 0 else _word(status)


_IP_RECVERR = {socket.AF_INET: (socket.IPPROTO_IP, 11), socket.AF_INET6: (socket.IPPROTO_IPV6, 25)}


def udp_exchange(namespace, address, port, source_port=0, payload=b"question", patience=PATIENCE):
    """Sends one datagram and waits for the answer, or for the ICMP error that stands for it."""
    with _open(namespace, address, socket.SOCK_DGRAM) as client:
        level, option = _IP_RECVERR[_family(address)]
        client.setsockopt(level, option, 1)
        client.bind(("::" if ":" in address else "0.0.0.0", source_port))
        client.settimeout(patience)
        try:
            client.connect((address, port))
            client.send(payload)
            client.recv(65536)
            return "ok"
        except TimeoutError:
            return "timeout"
        except OSError as error:
            return _word(error.errno)


def udp_send(namespace, address, port, payloads, source_port=0):
    """Sends datagrams without waiting for anything."""
    with _open(namespace, address, socket.SOCK_DGRAM) as client:
        client.bind(("::" if ":" in address else "0.0.0.0", source_port))
        for payload in payloads:
            client.sendto(payload, (address, port))


def ping(namespace, address, size=56, count=1, patience=PATIENCE):
    """Whether `count` echo requests with `size` bytes of data were all answered."""
    version6 = ":" in address
    protocol = socket.IPPROTO_ICMPV6 if version6 else socket.IPPROTO_ICMP
    with _open(namespace, address, socket.SOCK_DGRAM, protocol) as client:
        client.settimeout(patience)
        for sequence in range(count):
            request = struct.pack("!BBHHH", 128 if version6 else 8, 0, 0, 0, sequence) + bytes(size)
            try:
                client.sendto(request, (address, 0))
                answer = client.recv(65536)
            except OSError:
                return False
            if len(answer) != len(request):
                return False
    return True


@contextlib.contextmanager
def pings(namespace, address):
    """Pings the address over and over; yields [answered, lost], which are at their end behind the block."""
    counts, stop = [0, 0], threading.Event()

    def run():
        while not stop.is_set():
            counts[not ping(namespace, address)] += 1

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield counts
    finally:
        stop.set()
        thread.join()


@contextlib.contextmanager
def tcp_server(namespace, *ports, backlog=64):
    """Listens on `ports` (IPv4 and IPv6); connections are completed by the kernel and not served."""
    with contextlib.ExitStack() as stack:
        for port in ports:
            server = stack.enter_context(_open(namespace, "::", socket.SOCK_STREAM))
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            server.bind(("::", port))
            server.listen(backlog)
        yield


class Served:
    """What a server thread has seen so far."""

    def __init__(self):
        self.packets = 0
        self.bytes = 0
        self.peers = []


@contextlib.contextmanager
def _thread(function, *arguments):
    stop = threading.Event()
    worker = threading.Thread(target=function, args=(stop, *arguments), daemon=True)
    worker.start()
    try:
        yield
    finally:
        stop.set()
        worker.join()


def _udp_socket(namespace, port):
    server = _open(namespace, "::", socket.SOCK_DGRAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.setsockopt(socket.SOL_SOCKET, wire.SO_RCVBUFFORCE, 16 << 20)
    server.bind(("::", port))
    return server


@contextlib.contextmanager
def udp_server(namespace, *ports, echo=True):
    """Answers datagrams on `ports` (IPv4 and IPv6); yields what was received as Served."""
    served = Served()
    with contextlib.ExitStack() as stack:
        servers = [stack.enter_context(_udp_socket(namespace, port)) for port in ports]

        def serve(stop):
            while not stop.is_set():
                for ready in select.select(servers, [], [], 0.05)[0]:
                    data, peer = ready.recvfrom(65536)
                    served.packets += 1
                    served.bytes += len(data)
                    served.peers.append(peer)
                    if echo:
                        with contextlib.suppress(OSError):
                            ready.sendto(data, peer)

        with _thread(serve):
            yield served


@contextlib.contextmanager
def tcp_sink(namespace, port):
    """Accepts connections on `port` and reads all that comes; yields Served."""
    served = Served()
    with _open(namespace, "::", socket.SOCK_STREAM) as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("::", port))
        server.listen(16)

        def serve(stop):
            connections = []
            while not stop.is_set():
                for ready in select.select([server, *connections], [], [], 0.05)[0]:
                    if ready is server:
                        connections.append(server.accept()[0])
                        continue
                    data = ready.recv(1 << 20)
                    served.bytes += len(data)
                    if not data:
                        connections.remove(ready)
                        ready.close()
            for connection in connections:
                connection.close()

        with _thread(serve):
            yield served


def tcp_transfer(namespace, address, port, size, chunk=1 << 18):
    """Sends `size` bytes over one connection and closes it; returns the number sent."""
    with tcp_socket(namespace, address) as client:
        client.settimeout(30)
        client.connect((address, port))
        block = bytes(chunk)
        left = size
        while left:
            left -= client.send(block[:left])
        client.shutdown(socket.SHUT_WR)
        client.recv(1)
    return size


def retransmissions(namespace):
    """How many TCP segments the namespace has sent more than once."""
    with namespace, open("/proc/thread-self/net/snmp", encoding="ascii") as file:
        names, values = (line.split() for line in file if line.startswith("Tcp:"))
    return int(values[names.index("RetransSegs")])


def wait_for(condition, patience=PATIENCE * 4):
    """Polls until condition() is true; returns whether it became so."""
    end = time.monotonic() + patience
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return bool(condition())
