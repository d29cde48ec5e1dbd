# SPDX-License-Identifier: GPL-2.0-only
"""What all measurements do with the firewall: load rules, find the program, keep it."""
import contextlib
import os
import subprocess
import time

import firewall
import pins


def binary(name):
    """A program of this suite, as built."""
    return os.path.join(firewall.BUILD, "bench", name)


class Refused(RuntimeError):
    """The tool did not take the rules, for the reason given."""


def load(tested, text, *options):
    """Replaces the ruleset; returns the seconds that the whole process took."""
    begin = time.monotonic()
    result = tested.firewall.run(*options, "-q", "-f", "/dev/stdin", stdin=text, status=None)
    if result.returncode:
        raise Refused(result.stderr.strip())
    return time.monotonic() - begin


def program(tested):
    """The path of the pinned XDP program in force."""
    found = [path for path in pins.files(tested.gateway.cookie()) if path.endswith("/xdp_ruleset")]
    if len(found) != 1:
        raise RuntimeError(f"expected one pinned xdp_ruleset, found {found}")
    return found[0]


@contextlib.contextmanager
def kept(tested, name):
    """A second pin of the program in force, which outlasts the loading of others."""
    path = os.path.join(os.path.dirname(pins.root()), f"ipfw-bench-{os.getpid()}-{name}")
    subprocess.run(["bpftool", "prog", "pin", "pinned", program(tested), path], check=True)
    try:
        yield path
    finally:
        os.unlink(path)


def understands(tested, *options):
    """Whether the tool has these options."""
    return not tested.firewall.run(*options, "-n", "-q", "/dev/stdin", stdin="add allow ip from any to any\n",
                                   status=None).returncode
