# SPDX-License-Identifier: GPL-2.0-only
"""The firewall that vectors of kinds `parse` and `packets` share: made fresh before each of them."""

import re
from enum import IntEnum

from .tool import Mismatch

NOTHING_BUT_DEFAULT = "65535 set 31 deny ip from any to any\n"
TABLE = re.compile(r"^--- table\((.*)\), set", re.MULTILINE)


class Changed(IntEnum):
    """What accepted commands may have changed since the firewall was fresh."""

    NOTHING = 0
    RULES = 1
    TABLES = 2  # and rules
    ANYTHING = 3


class Firewall:
    """
    A tool in a namespace of its own. To take everything down between vectors and load it again is slow: rules and
    tables are removed, and only what may have changed more than them, sets and settings, makes that necessary.
    """

    def __init__(self, tool, preparation=()):
        self.tool = tool
        self.preparation = preparation
        self.changed = Changed.ANYTHING
        self.old_values = {}

    def fresh(self):
        """Leaves a loaded firewall without rules and with the objects of `preparation`."""
        if self.changed == Changed.ANYTHING:
            self.tool.must(["down"])
            self.old_values = {}
        if self.changed:
            self._flush()
        if self.changed == Changed.TABLES:
            self._destroy_tables()
        if self.changed >= Changed.TABLES:
            self._prepare()
        self.changed = Changed.NOTHING
        if self.old_values:
            self.tool.must(["-q", "sysctl", *(f"{name}={value}" for name, value in self.old_values.items())])
            self.old_values = {}

    def set_variables(self, values):
        """Sets {variable: value}, until the next fresh()."""
        answer = self.tool.ask(["sysctl", *(f"{name}={value}" for name, value in values.items())], 0, "")
        if answer.exit:
            raise Mismatch(f"`sysctl`: {answer.first_error}")
        for line in answer.stdout.splitlines():
            name, _, change = line.partition(": ")
            self.old_values.setdefault(name, change.split()[0])

    def _prepare(self):
        """Makes the objects that the tool supports; the others are not tried again."""
        made = []
        for command in self.preparation:
            answer = self.tool.run(command.split())
            if not answer.exit:
                made.append(command)
            elif "not supported" not in answer.stderr:
                raise Mismatch(f"`{command}` of the runner: {answer.first_error}")
        self.preparation = made

    def _flush(self):
        self.tool.must(["-q", "-f", "flush"])
        if self.tool.must(["-S", "list"]).stdout != NOTHING_BUT_DEFAULT:
            self.tool.must(["-q", "delete", "set", "31"])

    def _destroy_tables(self):
        for name in TABLE.findall(self.tool.must(["table", "all", "info"]).stdout):
            self.tool.must(["-q", "table", name, "destroy"])

    def note(self, words):
        """Takes note of an accepted command, whichever way it was run."""
        command = [word for argument in words for word in argument.split() if not word.startswith("-")]
        self.changed = max(self.changed, what_changes(command))

    def ask(self, words, expected_exit, expected_error):
        """Tool.ask() that takes note of what may have changed: nothing, if the command is refused."""
        answer = self.tool.ask(words, expected_exit, expected_error)
        if not answer.exit:
            self.note(words)
        return answer


def what_changes(command):
    """What an accepted command, whose words these are, may have changed."""
    if command[:1] == ["add"]:
        # A rule makes the tables that it names, which outlive it.
        return Changed.TABLES if any("table(" in word or word == "lookup" for word in command) else Changed.RULES
    if command[:1] == ["table"] and "lock" not in command:
        return Changed.TABLES
    return Changed.ANYTHING
