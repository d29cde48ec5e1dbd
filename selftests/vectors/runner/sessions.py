# SPDX-License-Identifier: GPL-2.0-only
"""Vectors of kind `sessions`: commands one after the other on one firewall."""

import os
import re
import tempfile

from . import environment, listing
from .parse import flip
from .tool import Mismatch, expect, expect_exit, first_line, shortened

FILE_WORD = "RULES"


class Runner:
    """Runs sessions one after the other in a namespace of its own."""

    def __init__(self, tool):
        self.tool = tool
        self.directory = None
        self.path = None
        self.limits = None

    def start(self):
        environment.quiet()
        self.directory = tempfile.TemporaryDirectory(prefix="ifv-")
        self.path = os.path.join(self.directory.name, "rules")

    def stop(self):
        self.directory.cleanup()
        self.tool.must(["down"])

    def run(self, vector):
        """Returns if all steps hold, raises Mismatch or NotSupported otherwise."""
        self.tool.must(["down"])
        self.limits = listing.Limits()
        for index, step in enumerate(vector["steps"], 1):
            try:
                self._step(step)
            except Mismatch as mismatch:
                raise Mismatch(f"step {index} `{shortened(step['cmd'])}`: {mismatch}") from None

    def _write_file(self, text):
        with open(self.path, "w", encoding="utf-8") as rules:
            rules.write(text)

    def _step(self, step):
        words = [word.replace(FILE_WORD, self.path) for word in step["cmd"].split()]
        if "file" not in step:
            self._compare(step, self.tool.ask(words, step["exit"], step["stderr"]))
            return
        self._write_file(step["file"])
        if step["exit"] and not goes_on(words):
            self._failing_file(step, words)
        else:
            self._compare(step, self.tool.ask(words, step["exit"], step["stderr"]))

    def _compare(self, step, answer):
        stdout = answer.stdout.replace(self.path, FILE_WORD)
        expect_exit("exit", step["exit"], answer)
        self.limits.note(step["stdout"])
        recorded = self.limits.restore(step["stdout"])
        if not listing.same(recorded, stdout) and not listing.more_readable(self.tool, recorded, stdout):
            expect("stdout", listing.without_offset(recorded), stdout)
        expect("stderr", first_line(step["stderr"]), answer.first_error.replace(self.path, FILE_WORD))

    def _failing_file(self, step, words):
        """
        Known deviation: ipfw keeps what stood before the failing line, ours changes nothing. After that has been
        seen, the lines before it are loaded, so that the recording's next steps find what they found there.
        """
        before = self.tool.must(["-aS", "list"]).stdout
        answer = self.tool.ask(words, step["exit"], step["stderr"])
        expect_exit("exit", step["exit"], answer)
        expect("stderr", first_line(step["stderr"]), answer.first_error.replace(self.path, FILE_WORD))
        expect("rules after a file that failed", before, self.tool.must(["-aS", "list"]).stdout)
        failed = re.search(r"Line (\d+)", step["stderr"])
        if failed and int(failed[1]) > 1:
            self._write_file("".join(step["file"].splitlines(keepends=True)[: int(failed[1]) - 1]))
            self.tool.must(words)


def goes_on(words):
    """Whether the command has the option -f, with which a file goes on past errors."""
    for word in words:
        if not word.startswith("-"):
            return False
        if "f" in word:
            return True
        if "p" in word:
            return False
    return False


def mutations(vector):
    """Copies of a vector that holds, each with one expected byte changed so that it must fail."""
    for index, step in enumerate(vector["steps"]):
        for field in ("stdout", "stderr"):
            if step[field]:
                changed = list(vector["steps"])
                changed[index] = step | {field: flip(step[field])}
                yield f"step {index + 1} {field}", vector | {"steps": changed}
