# SPDX-License-Identifier: GPL-2.0-only
"""Vectors of kind `packets`: a ruleset, then packets through the programs that the tool has loaded."""

import contextlib
import os
import re
import tempfile

from . import environment, listing, marks, packet, wrong
from .firewall import Firewall
from .parse import flip
from .pins import NUMBERS, Pins
from .tool import Mismatch, NotSupported, Tool, expect, expect_exit, first_line

VERBOSE = "net.inet.ip.fw.verbose"
# Which pass a recording shows: the one at layer 2, or the one at layer 3.
LAYER2 = {"net.inet.ip.fw.enable": 0, "net.inet6.ip6.fw.enable": 0, "net.link.ether.ipfw": 1}
LAYER3 = {"net.inet.ip.fw.enable": 1, "net.inet6.ip6.fw.enable": 1, "net.link.ether.ipfw": 0}
# Where the recording's FreeBSD differs from the manual page.
STATE_VARIABLES = {"net.inet.ip.fw.dyn_max": 16384, "net.inet.ip.fw.dyn_udp_lifetime": 10,
                   "net.inet.ip.fw.dyn_short_lifetime": 5}
SILENCE = 1000000  # milliseconds between two vectors: longer than any state lives
CLOCK_BEGIN = 500  # milliseconds of the second in which a recording began, as its lifetimes show
DYNAMIC = "## Dynamic rules"
KEEPALIVE = re.compile(r"(?:4510.{36}.{24}5010|6.{79}.{24}5010).*")  # a TCP segment with nothing but ACK

# Recorded facts about a packet that the programs' results do not show: never passed over in silence.
UNOBSERVABLE = ("events",)
# FreeBSD's log also has what its kernel says of itself and of commands.
PACKET_LOGGED = re.compile(r"ipfw: (?:\d+ |limit )")


def _is_keepalive(sent):
    return bool(KEEPALIVE.fullmatch(sent["hex"]))


def _phases(vector):
    """
    The second of each period, counted from the vector's begin, in which the recorded kernel's timer may have looked for
    keepalives that are due, which nothing tells: one must explain all of the vector. [None] if there are none to explain.
    """
    keepalives = any(map(_is_keepalive, (sent for element in vector["packets"] for sent in packet.recorded_sent(element))))
    return range(NUMBERS["KEEPALIVE_PERIOD"]) if keepalives else [None]


class Runner:
    """Runs packet vectors one after the other in a namespace with the recording's interfaces."""

    def __init__(self, tool):
        self.tool = tool
        self.firewall = Firewall(tool)
        self.directory = None
        self.pins = None
        self.interfaces = {}
        self.traced = False
        self.tags_numbered = False
        self.verbose = False
        self.layer2 = False
        self.clock = SILENCE  # milliseconds
        self.begin = 0  # of the vector, in seconds of that clock
        self.phase = None
        self.daemon = Tool(os.path.join(os.path.dirname(tool.path), "ipfw-bpfd"))

    def start(self):
        environment.recorded()
        self.directory = tempfile.TemporaryDirectory(prefix="ifv-")
        self.interfaces = packet.interfaces()

    def stop(self):
        self._forget()
        self.directory.cleanup()
        self.tool.must(["down"])

    def run(self, vector):
        """Returns if the vector holds, raises Mismatch or NotSupported otherwise."""
        vector = wrong.left_out(vector)
        failure = None
        for self.phase in _phases(vector):
            try:
                self._try(vector)
                return
            except Mismatch as mismatch:
                failure = mismatch
        raise failure

    def _try(self, vector):
        self._forget()
        self.firewall.fresh()
        with contextlib.ExitStack() as stack:
            if any("fib" in element and element["dir"] == "in" for element in vector["packets"]):
                stack.enter_context(environment.interface_without_xdp())
            self._run(vector)

    def _run(self, vector):
        self.traced = marks.concern(vector)
        self.tags_numbered = marks.numbered(vector)
        self.layer2 = False
        self.clock += SILENCE - self.clock % 1000 + CLOCK_BEGIN
        self.begin = self.clock // 1000
        self._set_up(vector)
        self._look_again()
        shown = self.tool.must(["list"]).stdout
        if not listing.more_readable(self.tool, "\n".join(vector["listing"]), shown):
            expect("listing", vector["listing"], shown.splitlines())
        for index, element in enumerate(vector["packets"], 1):
            try:
                if "cmd" in element:
                    self._command(element)
                else:
                    self._packet(element)
            except Mismatch as mismatch:
                raise Mismatch(f"packet {index}: {mismatch}") from None
        self._end(vector)

    def _forget(self):
        if self.pins:
            self.pins.close()
        self.pins = None

    def _look_again(self):
        """Follows a commit: other programs, rules and counters may be the active ones now."""
        self._forget()
        self.pins = Pins(self.interfaces)
        self.pins.tags_numbered = self.tags_numbered
        self._set_clock()

    def _set_clock(self):
        """FreeBSD's states live by a clock that counts seconds."""
        self.pins.set_clock(self.clock // 1000)

    def _set_up(self, vector):
        with Pins(self.interfaces) as pins:
            pins.zero_default_rule()
        variables = STATE_VARIABLES if any(map(wrong.STATEFUL.search, vector["rules"])) else {}
        if variables or "sysctl" in vector:
            self.firewall.set_variables(variables | vector.get("sysctl", {}))
        self.verbose = vector.get("sysctl", {}).get(VERBOSE) == 1
        if self.verbose:
            self._logged()
        self._load(vector["rules"])
        for command, status, error in vector.get("rejected_rules", []):
            answer = self.firewall.ask(command.split(), status, error)
            expect(f"`{command}`", (status, first_line(error)), (answer.exit, answer.first_error))

    def _load(self, commands):
        """Runs the commands as one rules file: one commit instead of one for each."""
        path = os.path.join(self.directory.name, "rules")
        with open(path, "w", encoding="utf-8") as rules:
            rules.writelines(command + "\n" for command in commands)
        answer = self.tool.ask(["-q", path], 0, "")
        expect("rules", (0, ""), (answer.exit, answer.first_error))
        for command in commands:
            self.firewall.note(command.split())

    def _command(self, element):
        answer = self.firewall.ask(element["cmd"].split(), element["exit"], element["stderr"])
        expect_exit(f"exit of `{element['cmd']}`", element["exit"], answer)
        if element["stdout"].startswith(DYNAMIC):
            self._expect_states(element["stdout"].splitlines(), answer.stdout)
        elif not listing.same(element["stdout"], answer.stdout) and \
                not listing.more_readable(self.tool, element["stdout"], answer.stdout):
            expect(f"stdout of `{element['cmd']}`", listing.without_offset(element["stdout"]), answer.stdout)
        expect(f"stderr of `{element['cmd']}`", first_line(element["stderr"]), answer.first_error)
        self._look_again()

    def _packet(self, element):
        for field in UNOBSERVABLE:
            if field in element:
                raise NotSupported(f"{field}: this runner has no way to observe it")
        if "advance_ms" in element:
            self._advance(element)
        self._choose_pass(element)
        frame = packet.frame(element, self.interfaces)
        before = self.pins.counters()
        verdict, result = packet.run(element, frame, self.pins, self.interfaces)
        moved = self._moved(before)
        expect("verdict", element["verdict"], verdict if verdict != "reply" else "deny")
        expect("moved", element["moved"], moved)
        # Where rules are not evaluated in the order of their numbers (call), nothing tells which moved last.
        if element["rule"] == (element["moved"][-1][0] if element["moved"] else None):
            expect("rule", element["rule"], moved[-1][0] if moved else None)
        if verdict == "pass":
            expect("out_hex", element.get("out_hex", element["hex"]), packet.recorded_part(element, result).hex())
        packet.expect_sent(element, [sent for sent in packet.recorded_sent(element) if not _is_keepalive(sent)], frame,
                           result if verdict == "reply" else None)
        if self.traced:
            marks.check_traced(element, self.pins, lambda *mark: packet.run_traced(
                element, frame, self.pins, self.interfaces, *mark))
        # Otherwise FreeBSD logs nothing but copies packets to an interface, which is not recorded.
        if self.verbose:
            recorded = [line for line in element.get("log", "").splitlines() if PACKET_LOGGED.match(line)]
            expect("log", recorded, self._logged())

    def _advance(self, element):
        """Moves the clock on; where keepalives were recorded, stops at each tick of the timer that sends them."""
        old, self.clock = self.clock, self.clock + element["advance_ms"]
        if self.phase is not None:
            printed = []
            for second in range(old // 1000, self.clock // 1000):
                if (second - self.begin) % NUMBERS["KEEPALIVE_PERIOD"] == self.phase:
                    self.pins.set_clock(second)
                    printed += self.daemon.must(["--print"]).stdout.split()
            recorded = [sent["hex"] for sent in packet.recorded_sent(element) if _is_keepalive(sent)]
            expect("keepalives", recorded, printed)
        self._set_clock()

    def _logged(self):
        """The lines that have been logged since the last call."""
        return self.tool.must(["monitor", "-n"]).stdout.splitlines()

    def _choose_pass(self, element):
        layer2 = bool(element.get("l2"))
        if layer2 != self.layer2:
            self.firewall.set_variables(LAYER2 if layer2 else LAYER3)
            self._look_again()
            self.layer2 = layer2
        if layer2 and element["dir"] == "in":
            # ipfw did not ask for whom a frame was.
            self.pins.set_link_address(self.interfaces[element["recv"]], bytes.fromhex(element["hex"])[:6])

    def _moved(self, before):
        moved = []
        for number, old, new in zip(self.pins.numbers(), before, self.pins.counters()):
            if old != new:
                moved.append([number, new[0] - old[0], new[1] - old[1]])
        return moved

    def _end(self, vector):
        rules = zip(self.pins.numbers(), self.pins.counters(), self.pins.enabled())
        got = [[number, *counters] for number, counters, enabled in rules if enabled]
        expect("counters_list", vector["counters_list"], got)
        sums = {}
        for number, packets, size in got:
            old = sums.get(str(number), [0, 0])
            sums[str(number)] = [old[0] + packets, old[1] + size]
        expect("counters", vector["counters"], sums)
        if "states" in vector:
            self._expect_states(vector["states"], self.tool.must(["-D", "list"]).stdout)

    @staticmethod
    def _expect_states(recorded, shown):
        """The recorded order of states is that of a hash table."""
        expect("states", sorted(recorded), sorted(shown.splitlines()))


def _changed_packet(vector, index, change):
    packets = list(vector["packets"])
    packets[index] = packets[index] | change
    return vector | {"packets": packets}


def _changed_bytes(text):
    """The hexadecimal text with its last byte changed."""
    return text[:-2] + f"{int(text[-2:], 16) ^ 1:02x}"


def mutations(vector):
    """Copies of a vector that holds, each with one expected byte changed so that it must fail."""
    vector = wrong.left_out(vector)
    yield "listing", vector | {"listing": [flip(vector["listing"][0]), *vector["listing"][1:]]}
    number, packets, size = vector["counters_list"][-1]
    yield "counters_list", vector | {"counters_list": [*vector["counters_list"][:-1], [number, packets, size ^ 1]]}
    for index, element in enumerate(vector["packets"]):
        if "cmd" in element:
            continue
        other = "deny" if element["verdict"] == "pass" else "pass"
        yield f"packet {index + 1} verdict", _changed_packet(vector, index, {"verdict": other})
        if element["moved"]:
            number, packets, size = element["moved"][0]
            moved = [[number, packets, size ^ 1], *element["moved"][1:]]
            yield f"packet {index + 1} moved", _changed_packet(vector, index, {"moved": moved})
        if element["verdict"] == "pass":
            changed = _changed_bytes(element["hex"])
            yield f"packet {index + 1} out_hex", _changed_packet(vector, index, {"out_hex": changed})
        if marks.concern(vector):
            changed = {"tags": [*element.get("tags", []), 60000]}
            yield f"packet {index + 1} tags", _changed_packet(vector, index, changed)
            changed = {"fib_out": element.get("fib_out", 0) ^ 1}
            yield f"packet {index + 1} fib_out", _changed_packet(vector, index, changed)
        logged = [line for line in element.get("log", "").splitlines() if PACKET_LOGGED.match(line)]
        if logged and vector.get("sysctl", {}).get(VERBOSE) == 1:
            changed = "\n".join([logged[0][:-1] + "~", *logged[1:]])
            yield f"packet {index + 1} log", _changed_packet(vector, index, {"log": changed})
        for sent in packet.recorded_sent(element):
            changed = [sent | {"hex": _changed_bytes(sent["hex"])}]
            yield f"packet {index + 1} sent", _changed_packet(vector, index, {"sent": changed})
