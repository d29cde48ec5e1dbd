# SPDX-License-Identifier: GPL-2.0-only
"""Tests in processes of their own, several at once; what they leave behind is removed and told."""
import contextlib
import inspect
import os
import select
import signal
import time
import traceback

import firewall
import harness
import namespaces
import network
import pins

DEFAULT_LIMIT = 30
# How much longer than its mark says a test may take: in an emulator, or beside other suites.
PATIENCE_FACTOR = 5


def _describe(error):
    """One line for an exception, with the place in the test for those nobody expected."""
    if isinstance(error, namespaces.Failure):
        place = [frame for frame in traceback.extract_tb(error.__traceback__)
                 if os.path.basename(frame.filename).startswith("test_")]
    else:
        place = traceback.extract_tb(error.__traceback__)
    where = f" ({os.path.basename(place[-1].filename)}:{place[-1].lineno})" if place else ""
    name = "" if isinstance(error, namespaces.Failure) else type(error).__name__ + ": "
    return " ".join(f"{name}{error}".split()) + where


def _run_here(function):
    """Runs one test in this process; returns the verdict line ("ok", "skip REASON", "FAIL REASON")."""
    try:
        if getattr(function, "virtual_machine_only", False) and not namespaces.in_virtual_machine():
            raise harness.Skip("only in the virtual machine")
        if inspect.signature(function).parameters:
            with network.Network(other=getattr(function, "other", False)) as net:
                function(net)
        else:
            function()
        return "ok"
    except harness.Skip as reason:
        return f"skip {reason}"
    except Exception as error:  # pylint: disable=broad-except
        if os.environ.get("TRACEBACK"):
            traceback.print_exc()
        return f"FAIL {_describe(error)}"


def time_limit(function):
    """Seconds that a test may take where nothing slows it down."""
    return getattr(function, "time_limit", DEFAULT_LIMIT)


def is_alone(function):
    """Whether no other test may run beside this one."""
    return getattr(function, "alone", False)


class _Trial:
    """A run of one test, in a process group of its own, from its construction until end()."""

    def __init__(self, name, function, second):
        self.name, self.function, self.second = name, function, second
        self.begin = time.monotonic()
        self.limit = time_limit(function) * PATIENCE_FACTOR
        self.pipe, write_end = os.pipe()
        self._process = os.fork()
        if self._process == 0:
            os.setpgid(0, 0)
            verdict = _run_here(function)
            os.write(write_end, verdict.encode()[:4000])
            os._exit(0)  # pylint: disable=protected-access
        os.close(write_end)
        with contextlib.suppress(OSError):  # whoever comes first; the child may also be gone already
            os.setpgid(self._process, self._process)

    def left(self):
        """Seconds until the test's time is over."""
        return max(0, self.begin + self.limit - time.monotonic())

    def end(self):
        """Ends what still runs and removes what was left behind. Returns the verdict line."""
        verdict = f"FAIL no end after {self.limit} seconds"
        if select.select([self.pipe], [], [], 0)[0]:
            verdict = os.read(self.pipe, 4096).decode(errors="replace") or "FAIL the test's process died"
        os.close(self.pipe)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)
        firewall.clean_up(namespaces.existing(os.getpid(), self._process))
        left = set(namespaces.existing(os.getpid(), self._process)) | {
            f"pins of namespace {cookie}" for cookie in pins.namespaces() & namespaces.made(self._process)}
        return f"FAIL {verdict}, and left behind: {', '.join(sorted(left))}" if left else verdict


def _start(together, alone, running, jobs):
    """
    Starts what may be running now: takes it from the iterators of (name, function, second try) and adds it to `running`.
    Returns whether anything runs.
    """
    while len(running) < jobs and (test := next(together, None)):
        running.append(_Trial(*test))
    if not running and (test := next(alone, None)):
        running.append(_Trial(*test))
    return bool(running)


def _ended(running):
    """Waits until a test has ended or its time is over. Returns those trials."""
    ready = select.select([trial.pipe for trial in running], [], [], min(trial.left() for trial in running))[0]
    return [trial for trial in running if trial.pipe in ready or not trial.left()]


def _first_of(again, tests):
    """What is in the list `again` by the time it is asked for, in front of `tests`; both without what is taken."""
    tests = iter(tests)
    while test := again.pop() if again else next(tests, None):
        yield test


def run(together, alone, jobs, tell):
    """
    Runs tests, iterables of (name, function) that are asked for the next one when it can be run: `together`, `jobs` at
    once, and behind them `alone`, one by one. So runs the second try of one that failed, of which `tell` is told by a
    line. Yields (name, verdict line, seconds) of each as it ends.
    """
    again, running = [], []
    together = ((*test, False) for test in together)
    alone = _first_of(again, ((*test, False) for test in alone))
    try:
        while _start(together, alone, running, jobs):
            for trial in _ended(running):
                running.remove(trial)
                verdict = trial.end()
                if verdict.startswith("FAIL") and not trial.second and not getattr(trial.function, "no_second_try", False):
                    tell(f"# once more: {trial.name} {verdict}")
                    again.append((trial.name, trial.function, True))
                else:
                    yield trial.name, verdict, time.monotonic() - trial.begin
    finally:
        for trial in running:
            trial.end()
