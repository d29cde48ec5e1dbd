# SPDX-License-Identifier: GPL-2.0-only
"""Proves that the runner can fail: vectors that hold must stop holding when one expected byte is changed."""

import os
import traceback

from .workers import FAILED, KINDS, PASSED, Job, judge

VECTORS_PER_KIND = 5


def _check(kind, runner, vector, complaints):
    """Runs the mutations of a vector that holds; returns how many were noticed."""
    noticed = 0
    for what, changed in KINDS[kind].mutations(vector):
        outcome, text = judge(runner, changed)
        if outcome == FAILED and not text.startswith("runner:"):
            noticed += 1
        else:
            complaints.append(f"{kind} {vector['id']}: a changed {what} gives {outcome} {text}")
    return noticed


def _check_kind(kind, vectors, tool):
    """A changed byte that is noticed has passed, one that is not has failed. Returns whether all passed."""
    complaints, noticed, held = [], 0, 0
    with Job(kind, tool) as runner:
        for vector in vectors:
            if held < VECTORS_PER_KIND and judge(runner, vector)[0] == PASSED:
                held += 1
                noticed += _check(kind, runner, vector, complaints)
    if not noticed:
        complaints.append(f"{kind}: no vector holds, so nothing could be changed")
    for complaint in complaints:
        print(complaint)
    print(f"{kind}: {noticed} passed, {len(complaints)} failed", flush=True)
    return not complaints


def self_test(vectors, tool):
    """Runs the proof for each kind, in a process of its own. Returns whether all changes were noticed."""
    good = True
    for kind, chosen in vectors.items():
        pid = os.fork()
        if not pid:
            status = 1
            try:
                status = 0 if _check_kind(kind, chosen, tool) else 1
            except BaseException:  # the process must end here, not in its parent's code
                traceback.print_exc()
            finally:
                os._exit(status)
        good = os.waitpid(pid, 0)[1] == 0 and good
    return good
