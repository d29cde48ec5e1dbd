# SPDX-License-Identifier: GPL-2.0-only
"""What a test imports: expectations, and the marks that tell the runner how to run it.

A test is a function test_*() in a file test_*.py. If it has a parameter, it gets a fresh
network.Network. It fails by raising; it is skipped by raising Skip.
"""
import os

from namespaces import Failure, in_virtual_machine  # noqa: F401  pylint: disable=unused-import


class Skip(Exception):
    """The test cannot be run here, for the reason given."""


def time_limit(seconds):
    """The runner kills the test after five times as long: so much may an emulator or a busy machine slow it down."""
    def mark(function):
        function.time_limit = seconds
        return function
    return mark


def three_hosts(function):
    """The network has the second client `other` too."""
    function.other = True
    return function


def no_second_try(function):
    """Marks a test of something that must never happen: one failure is one too many."""
    function.no_second_try = True
    return function


def alone(function):
    """No other test runs beside it: it counts on the machine's speed, or floods it."""
    function.alone = True
    return function


def virtual_machine_only(function):
    """The test changes the machine it runs in, so that no other runs beside it."""
    function.virtual_machine_only = function.alone = True
    return function


def equal(actual, expected, what=""):
    """Fails unless both are equal, showing both."""
    if actual != expected:
        raise Failure(f"{what + ': ' if what else ''}got {actual!r}, expected {expected!r}")


def true(condition, what):
    """Fails with `what` unless `condition` holds."""
    if not condition:
        raise Failure(what)


def contains(text, part):
    """Fails unless `part` occurs in `text`."""
    if part not in text:
        raise Failure(f"{part!r} is not in {text!r}")


def within(actual, low, high, what=""):
    """Fails unless low <= actual <= high."""
    if not low <= actual <= high:
        raise Failure(f"{what + ': ' if what else ''}{actual} is not in {low}..{high}")


def require_program(name):
    """Skips the test when a program is not installed."""
    for directory in os.environ.get("PATH", "").split(":") + ["/usr/sbin", "/sbin"]:
        if os.access(os.path.join(directory, name), os.X_OK):
            return
    raise Skip(f"no {name} here")
