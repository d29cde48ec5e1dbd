# SPDX-License-Identifier: GPL-2.0-only
"""Datagrams at a steady rate, from one process to others that count them: is any lost?"""
import multiprocessing
import socket
import time

import wire


def blast(namespace, source, address, ports, rate, stop, sent, options=b""):
    """
    Sends numbered datagrams to the `ports` in turn at `rate` per second until `stop` is set, with these IPv4 options;
    then `sent` says how many.
    """
    with namespace:
        sender = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    with sender:
        sender.bind((source, 0))
        if options:
            sender.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, options)
        number = 0
        begin = time.monotonic()
        while not stop.is_set():
            due = int((time.monotonic() - begin) * rate)
            # Small bursts, because a veth pair's ring holds 256 frames.
            for _ in range(min(due - number, 32)):
                sender.sendto(number.to_bytes(8, "big"), (address, ports[number % len(ports)]))
                number += 1
            if due - number > 0:
                continue
            time.sleep(0.0005)
        sent.value = number


class Receiver:
    """Counts datagrams to a port in a process of its own."""

    def __init__(self, namespace, port):
        with namespace:
            self._socket = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, wire.SO_RCVBUFFORCE, 64 << 20)
        self._socket.bind(("::", port))
        self.count = multiprocessing.Value("q", 0)
        self._process = multiprocessing.Process(target=self._run, daemon=True)
        self._process.start()

    def _run(self):
        receive = self._socket.recv
        while True:
            receive(64)
            self.count.value += 1

    def stop(self):
        """Ends the process and returns the count once it has stood still."""
        before = -1
        while before != self.count.value:
            before = self.count.value
            time.sleep(0.3)
        self._process.kill()
        self._process.join()
        self._socket.close()
        return before


def ring_drops(net):
    """Frames that a veth's own ring refused, on the way from the client to the server."""
    drops = 0
    for namespace, interface in ((net.client, "eth0"), (net.gateway, "east0")):
        with namespace, open("/proc/thread-self/net/dev", encoding="ascii") as file:
            for line in file:
                if line.strip().startswith(interface + ":"):
                    drops += int(line.split(":")[1].split()[11])
    return drops
