# SPDX-License-Identifier: GPL-2.0-only
"""Spreads vectors over processes, each in network namespaces of its own, and cleans up after them."""

import ctypes
import itertools
import json
import os
import shutil
import signal
import struct
import sys
import traceback

from . import kernel, packets, parse, pins, sessions
from .tool import Mismatch, NotSupported

KINDS = {"parse": parse, "packets": packets, "sessions": sessions}
PR_SET_PDEATHSIG = 1
PASSED, FAILED, NOT_SUPPORTED = "passed", "failed", "not yet supported"


def judge(runner, vector):
    """Runs one vector. Returns (outcome, what differs)."""
    try:
        runner.run(vector)
    except Mismatch as mismatch:
        return FAILED, str(mismatch)
    except NotSupported as refusal:
        return NOT_SUPPORTED, str(refusal)
    except (OSError, RuntimeError, LookupError) as error:
        return FAILED, f"runner: {error!r}"
    return PASSED, ""


class Job:
    """A runner in a new namespace, with the Tool that `tool` makes; leaving it takes the firewall down, whatever happened."""

    def __init__(self, kind, tool):
        self.runner = KINDS[kind].Runner(tool())

    def __enter__(self):
        self.runner.start()
        return self.runner

    def __exit__(self, *_):
        try:
            self.runner.stop()
        except Mismatch as mismatch:
            print(f"cleaning up: {mismatch}", file=sys.stderr)
        # Only pins can outlive the namespace, which vanishes with this process.
        shutil.rmtree(pins.directory(), ignore_errors=True)


def _work(kind, tool, jobs, results, vectors):
    """One process: takes indices of vectors from the pipe `jobs`, writes outcomes to `results`."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    kernel.libc.prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGTERM))
    with Job(kind, tool) as runner, os.fdopen(results, "w", encoding="utf-8", buffering=1) as output:
        while index := os.read(jobs, 4):
            number = struct.unpack("=I", index)[0]
            output.write(json.dumps([number, *judge(runner, vectors[number])]) + "\n")


def _start(kind, tool, jobs, results, vectors, processor):
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        # Memory that a process with threads returns costs an interrupt of each other processor that it has run on.
        os.sched_setaffinity(0, {processor})
        _work(kind, tool, jobs, results, vectors)
        status = 0
    except SystemExit:
        pass
    except BaseException:  # the process must end here, not in its parent's code
        traceback.print_exc()
    finally:
        os._exit(status)


def _feed(read_end, write_end, count):
    """A process that hands out the indices, so that a full pipe never blocks whoever waits for results."""
    pid = os.fork()
    if pid:
        return pid
    try:
        os.close(read_end)
        for index in range(count):
            os.write(write_end, struct.pack("=I", index))
    finally:
        os._exit(0)


def _collect(files):
    results = {}
    for file in files:
        with os.fdopen(file, "r", encoding="utf-8") as lines:
            lines.seek(0)
            for line in lines:
                if line.endswith("\n"):
                    index, outcome, text = json.loads(line)
                    results[index] = (outcome, text)
    return results


def _finish(children):
    """Ends the processes that still run, and waits until they have cleaned up."""
    for pid in children:
        os.kill(pid, signal.SIGTERM)
    for pid in children:
        os.waitpid(pid, 0)


def run_all(kind, vectors, tool, processes):
    """Runs all vectors of one kind on what `tool` makes, a Tool for each process. Returns [(outcome, what differs)] in their order."""
    read_end, write_end = os.pipe2(os.O_CLOEXEC)
    files = [os.memfd_create("results") for _ in range(min(processes, len(vectors)))]
    children = []
    try:
        children.append(_feed(read_end, write_end, len(vectors)))
        os.close(write_end)
        children += [_start(kind, tool, read_end, file, vectors, processor)
                     for file, processor in zip(files, itertools.cycle(os.sched_getaffinity(0)))]
        os.close(read_end)
        while children:
            os.waitpid(children[-1], 0)
            children.pop()
    finally:
        _finish(children)
    results = _collect(files)
    lost = (FAILED, "runner: the process ended before this vector")
    return [results.get(index, lost) for index in range(len(vectors))]
