# SPDX-License-Identifier: GPL-2.0-only
"""Runs the tool under test and judges its answers."""

import os
import select
import signal
import socket
import struct
from dataclasses import dataclass

TIMEOUT_SECONDS = 60
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "TZ": "UTC"}


class Mismatch(Exception):
    """The answer differs from the recorded one; the text says where."""


class NotSupported(Exception):
    """The tool refused, as a feature that is still to come, what the recording accepted."""


@dataclass
class Answer:
    """What one run of the tool gave."""

    exit: int
    stdout: str
    stderr: str

    @property
    def first_error(self):
        return first_line(self.stderr)


def first_line(text):
    """The first line of a message, without its newline."""
    return text.partition("\n")[0]


def shortened(text, around=0):
    """At most 200 characters of the text, beginning shortly before `around`."""
    start = max(0, around - 40)
    return ("..." if start else "") + text[start : start + 200] + ("..." if len(text) > start + 200 else "")


def expect(field, expected, got):
    """Raises Mismatch if the two differ."""
    if expected == got:
        return
    first, second = repr(expected), repr(got)
    different = 0
    if max(len(first), len(second)) > 200:
        different = len(os.path.commonprefix([first, second]))
    raise Mismatch(f"{field}: expected {shortened(first, different)} | got {shortened(second, different)}")


def expect_exit(field, expected, answer):
    """Raises Mismatch, with what the tool said, if it ended in another way."""
    said = f" ({answer.first_error})" if answer.exit and answer.exit != expected else ""
    expect(field, f"{expected}", f"{answer.exit}{said}")


class Server:
    """The program of ../serve.c, which runs the tool without starting it anew, in the namespace of its start."""

    def __init__(self, path, name, environment, streams):
        self.socket, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        os.set_inheritable(other.fileno(), True)
        self.namespace = os.stat("/proc/self/ns/net").st_ino
        self.name = name
        self.pid = os.posix_spawn(path, [name, str(other.fileno())], environment, file_actions=streams)
        other.close()

    def run(self, words):
        """Runs the tool; a signal N gives -N. None when there is no answer in time: the server is of no more use."""
        self.socket.settimeout(TIMEOUT_SECONDS)
        try:
            self.socket.send(b"".join(os.fsencode(word) + b"\0" for word in [self.name, *words]))
            return os.waitstatus_to_exitcode(struct.unpack("i", self.socket.recv(4))[0])
        except (OSError, struct.error):
            return None

    def stop(self):
        """Ends the server, and with it what it runs."""
        self.socket.close()
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


class Tool:
    """
    One executable, with its output caught in memory files so that a run costs no pipes or threads. With `server`,
    the path of a serve program, that runs in its place.
    """

    def __init__(self, path, server=None):
        self.path = path
        self.server_path = server
        self.server = None
        self.output = os.memfd_create("stdout")
        self.errors = os.memfd_create("stderr")
        self.nothing = os.open("/dev/null", os.O_RDONLY)
        self.environment = ENVIRONMENT | {k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")}
        self.streams = [(os.POSIX_SPAWN_DUP2, self.nothing, 0), (os.POSIX_SPAWN_DUP2, self.output, 1),
                        (os.POSIX_SPAWN_DUP2, self.errors, 2)]

    def _wait(self, pid):
        handle = os.pidfd_open(pid)
        try:
            if not select.select([handle], [], [], TIMEOUT_SECONDS)[0]:
                signal.pidfd_send_signal(handle, signal.SIGKILL)
        finally:
            os.close(handle)
            _, status = os.waitpid(pid, 0)
        return os.waitstatus_to_exitcode(status)

    def _serve(self, words):
        if self.server and self.server.namespace != os.stat("/proc/self/ns/net").st_ino:
            self._stop_server()
        if not self.server:
            self.server = Server(self.server_path, self.path, self.environment, self.streams)
        status = self.server.run(words)
        if status is None:
            self._stop_server()
            return -signal.SIGKILL
        return status

    def _stop_server(self):
        self.server.stop()
        self.server = None

    def run(self, words):
        """Runs the tool with these arguments; a signal N gives exit -N."""
        for stream in (self.output, self.errors):
            os.ftruncate(stream, 0)
            os.lseek(stream, 0, os.SEEK_SET)
        if self.server_path:
            status = self._serve(words)
        else:
            status = self._wait(os.posix_spawn(self.path, [self.path, *words], self.environment,
                                               file_actions=self.streams))
        return Answer(status, self._caught(self.output), self._caught(self.errors))

    @staticmethod
    def _caught(stream):
        return os.pread(stream, os.fstat(stream).st_size, 0).decode("utf-8", "backslashreplace")

    def must(self, words):
        """Runs a command of the runner's own, which has to succeed."""
        answer = self.run(words)
        if answer.exit:
            raise Mismatch(f"`{' '.join(words)}` of the runner: exit {answer.exit}: {answer.first_error!r}")
        return answer

    def ask(self, words, expected_exit, expected_error):
        """
        Runs a recorded command. Raises NotSupported when the tool refuses it as not supported and the recording
        either accepted it or refused it in other words.
        """
        answer = self.run(words)
        if answer.exit and "not supported" in answer.stderr:
            if not expected_exit or answer.first_error != first_line(expected_error):
                refusal = next(line for line in answer.stderr.splitlines() if "not supported" in line)
                raise NotSupported(refusal)
        return answer
