# SPDX-License-Identifier: GPL-2.0-only
"""The firewall that vectors of kinds `parse` and `packets` share: made fresh before each of them."""

from enum import IntEnum

from .tool import Mismatch

NOTHING_BUT_DEFAULT = "65535 set 31 deny ip from any to any\n"


class Changed(IntEnum):
    """What accepted commands may have changed since the firewall was fresh."""

    NOTHING = 0
    RULES = 1
    ANYTHING = 2


class Firewall:
    """
    A tool in a namespace of its own. Between vectors everything is taken down, which is fast where there are few
    interfaces. With `keep_hooks` only the rules are flushed, unless commands may have changed more than rules: a
    flush leaves tables, sets and settings.
    """

    def __init__(self, tool, preparation=(), keep_hooks=False):
        self.tool = tool
        self.preparation = preparation
        self.keep_hooks = keep_hooks
        self.changed = Changed.ANYTHING
        self.old_values = {}

    def fresh(self):
        """Leaves a firewall without rules and with the objects of `preparation`; a loaded one with `keep_hooks`."""
        if self.changed == Changed.ANYTHING or (self.changed and not self.keep_hooks):
            self.tool.must(["down"])
            self.old_values = {}
            self._prepare()
        if self.changed and self.keep_hooks:
            self._flush()
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

    def note(self, words):
        """Takes note of an accepted command, whichever way it was run."""
        command = [word for argument in words for word in argument.split() if not word.startswith("-")]
        self.changed = max(self.changed, Changed.RULES if command[:1] == ["add"] else Changed.ANYTHING)

    def ask(self, words, expected_exit, expected_error):
        """Tool.ask() that takes note of what may have changed: nothing, if the command is refused."""
        answer = self.tool.ask(words, expected_exit, expected_error)
        if not answer.exit:
            self.note(words)
        return answer
