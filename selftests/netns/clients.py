# SPDX-License-Identifier: GPL-2.0-only
"""Programs of others that drive ipfw: they run in a namespace with a PATH on which our tool is `ipfw`."""
import contextlib
import os
import signal
import subprocess
import tempfile
import time
import zlib

import firewall
import harness
import namespaces
import traffic

# Starting an interpreter takes an emulator its time.
_START_SECONDS = 60


class Clients:
    """The firewall's host, with `ipfw` and a directory for what its programs need. A context manager."""

    def __init__(self, net):
        self._net = net
        self._files = contextlib.ExitStack()
        self.directory = None
        self._environment = {}

    def __enter__(self):
        self.directory = self._files.enter_context(tempfile.TemporaryDirectory(prefix="ifb-clients-"))
        os.mkdir(self.path("bin"))
        os.symlink(firewall.TOOL, self.path("bin/ipfw"))
        self._environment = os.environ | {"PATH": f"{self.path('bin')}:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
        self._net.firewall.permit()
        return self

    def __exit__(self, *_):
        self._files.close()

    def path(self, name):
        """The path of a file in the directory."""
        return os.path.join(self.directory, name)

    def write(self, name, text):
        """Writes a file in the directory and returns its path."""
        with open(self.path(name), "w", encoding="utf-8") as file:
            file.write(text)
        return self.path(name)

    def append(self, name, line):
        """Appends a line to a file in the directory."""
        with open(self.path(name), "a", encoding="utf-8") as file:
            file.write(line + "\n")

    def read(self, name):
        """What the file has so far."""
        with open(self.path(name), encoding="utf-8") as file:
            return file.read()

    def configure(self, **variables):
        """The tool's configuration from now on, as /etc/ipfw-bpf.conf has it."""
        text = "".join(f"net.inet.ip.fw.{name}={value}\n" for name, value in variables.items())
        self._environment["IPFW_BPF_CONF"] = self.write("ipfw-bpf.conf", text)

    def shell(self, script, status=0):
        """Runs a script as the programs of others do; anything but the exit status fails the test. Returns the result."""
        result = self._net.gateway.run("sh", "-c", script, env=self._environment, timeout=_START_SECONDS)
        if result.returncode != status:
            raise namespaces.Failure(f"{script!r}: exit {result.returncode} instead of {status}: {result.stderr.strip()}")
        return result

    def ipfw(self, command, status=0):
        """What `ipfw COMMAND` prints on standard output; the command is written as for a shell."""
        return self.shell(f"ipfw {command}", status).stdout

    @contextlib.contextmanager
    def daemon(self, *arguments):
        """A program that runs until the end of the context and is then asked to stop, with all that it has started."""
        log = self._files.enter_context(open(self.path("daemon.log"), "w", encoding="utf-8"))
        process = subprocess.Popen(self._net.gateway.command(*arguments), env=self._environment, stdout=log, stderr=log,
                                   stdin=subprocess.DEVNULL, start_new_session=True)
        try:
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=_START_SECONDS)


def wait_for(condition, what):
    """Fails unless condition() becomes true in the time that a program of others may take."""
    harness.true(traffic.wait_for(condition, patience=_START_SECONDS), what)


def failed_login(address):
    """The line of sshd about a wrong password, as syslogd writes it; each address has a process of its own."""
    return (f"{time.strftime('%b %e %H:%M:%S')} gateway sshd[{1000 + zlib.crc32(address.encode()) % 30000}]: "
            f"Failed password for root from {address} port 40022 ssh2")


class Fail2ban:
    """fail2ban-server with the package's own filters and actions, watching one log. A context manager."""

    _JAIL = """[sshd]
enabled = true
backend = polling
logpath = {log}
maxretry = 3
findtime = 600
bantime = 86400
action = {action}
"""

    def __init__(self, clients, action):
        self._clients = clients
        self._stack = contextlib.ExitStack()
        self._action = action

    def __enter__(self):
        harness.require_program("fail2ban-server")
        clients = self._clients
        os.mkdir(clients.path("fail2ban"))
        for name in ("action.d", "filter.d", "fail2ban.conf", "jail.conf", "paths-common.conf", "paths-debian.conf"):
            os.symlink(f"/etc/fail2ban/{name}", clients.path(f"fail2ban/{name}"))
        clients.write("fail2ban/fail2ban.local", "[Definition]\ndbfile = None\nallowipv6 = yes\n")
        clients.write("fail2ban/jail.local", self._JAIL.format(log=clients.write("auth.log", ""), action=self._action))
        self._stack.enter_context(clients.daemon(
            "fail2ban-server", "-f", "-x", "-c", clients.path("fail2ban"), "-s", clients.path("socket"),
            "-p", clients.path("pid"), "--logtarget", clients.write("fail2ban.log", ""), "--loglevel", "INFO",
            "--syslogsocket", "none"))
        self.wait("Jail 'sshd' started")
        return self

    def __exit__(self, *_):
        self._stack.close()

    def wait(self, message):
        """Waits until the server has logged the message."""
        wait_for(lambda: message in self._clients.read("fail2ban.log"),
                 f"fail2ban never said {message!r}: {self._clients.read('fail2ban.log')[-2000:]}")

    def attack(self, address):
        """Writes the traces of one who guesses passwords to the log, and waits for the ban."""
        for _ in range(3):
            self._clients.append("auth.log", failed_login(address))
        self.wait(f"[sshd] Ban {address}")
        self._settle()

    def pardon(self, address):
        """Has the address unbanned."""
        self._client("set", "sshd", "unbanip", address)
        self._settle()

    def errors(self):
        """Lines of the server's log that are worse than remarks."""
        return [line for line in self._clients.read("fail2ban.log").splitlines() if " ERROR " in line]

    def _client(self, *words):
        self._clients.shell(f"fail2ban-client -c {self._clients.path('fail2ban')} -s {self._clients.path('socket')} "
                            + " ".join(words))

    def _settle(self):
        """The server logs what it is about to do; it answers when that is done."""
        self._client("status", "sshd")


class Sshguard:
    """sshguard as its package has it, but for the configuration: it watches one log. A context manager."""

    _CONFIGURATION = """BACKEND=/usr/libexec/sshguard/sshg-fw-ipfw
FILES={log}
THRESHOLD=30
BLOCK_TIME={block_time}
DETECTION_TIME=600
"""

    def __init__(self, clients, block_time):
        self._clients = clients
        self._stack = contextlib.ExitStack()
        self._block_time = block_time

    def __enter__(self):
        harness.require_program("sshguard")
        own = self._clients.write("sshguard.conf", self._CONFIGURATION.format(
            log=self._clients.write("auth.log", ""), block_time=self._block_time))
        # The path of the configuration is fixed: a mount namespace of its own puts another file there.
        self._stack.enter_context(self._clients.daemon(
            "unshare", "--mount", "sh", "-c", f"mount --bind {own} /etc/sshguard/sshguard.conf && exec sshguard"))
        return self

    def __exit__(self, *_):
        self._stack.close()

    def attack(self, address):
        """Writes the trace of one who guesses a password to the log."""
        self._clients.append("auth.log", failed_login(address))
