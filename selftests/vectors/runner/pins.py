# SPDX-License-Identifier: GPL-2.0-only
"""The pinned programs and maps of the current namespace's firewall, as maps/layout.h describes them."""

import os
import struct

from .kernel import Map, Program, network_cookie
from .layout import read_layouts

ROOT = "/sys/fs/bpf/ipfw"
STRUCTS, NUMBERS = read_layouts()


def directory():
    """Where the firewall of the current network namespace pins its objects."""
    return f"{ROOT}/netns-{network_cookie()}"


class Pins:
    """
    What the active generation consists of, opened once: valid until the next commit. Opening it asks the
    programs to take malformed headers to the rules and to answer from XDP, as the recording shows both.
    """

    def __init__(self, interfaces):
        base = directory()
        self.opened = []
        self.control = self._open(Map(f"{base}/control", STRUCTS["control"]))
        self.banks = self._open_banks(base)
        self._change_control("unvalidated", 1)
        generation = STRUCTS["control"].get(self.control.read(0), "generation") & 1
        active = f"{base}/generation-{generation}"
        self.xdp = self._open(Program(f"{active}/xdp_ruleset"))
        self.tc_egress = self._open(Program(f"{active}/tc_egress_ruleset"))
        ingress = f"{active}/tc_ingress_ruleset"
        self.tc_ingress = self._open(Program(ingress)) if os.path.exists(ingress) else None
        sweep = f"{base}/state_sweep_all"
        self.sweep = self._open(Program(sweep)) if os.path.exists(sweep) else None
        self.trace = self._open(Map(f"{base}/trace", STRUCTS["trace"]))
        ruleset = self._open(Map(f"{active}/ruleset", STRUCTS["stored_rule"]))
        self.rules = self._read_rules(ruleset)
        self.tags = self._read_tags(ruleset)
        self.tags_numbered = False  # who knows the rules says it
        self.interfaces = self._open(Map(f"{active}/interfaces", STRUCTS["interface_entry"]))
        self._answer_from_xdp(interfaces)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        """Closes all file descriptors."""
        for thing in self.opened:
            thing.close()
        self.opened = []

    def _open(self, thing):
        self.opened.append(thing)
        return thing

    def _open_banks(self, base):
        """Maps of counters, and of what they are zero from, with the first slot that each pair holds."""
        first, banks = 0, []
        for bank in range(NUMBERS["COUNTER_BANKS"]):
            counters = self._open(Map(f"{base}/counters_{bank}", STRUCTS["counter_group"], per_cpu=True))
            banks.append((first, counters, self._open(Map(f"{base}/counter_zeros_{bank}", STRUCTS["counter_zero"]))))
            first += NUMBERS[f"COUNTER_BANK{bank}_SLOTS"]
        return banks

    def _change_control(self, member, value):
        control = self.control.read(0)
        STRUCTS["control"].set(control, member, value)
        self.control.write(0, control)

    @staticmethod
    def _read_rules(ruleset):
        """(number, counter slot, whether its set is enabled) of the rules in evaluation order."""
        rule = STRUCTS["stored_rule"]
        head, first = rule.members["bytes"][0], ruleset.read(0)
        elements = STRUCTS["stored_ruleset"].get(first, "elements", head)
        disabled = STRUCTS["stored_ruleset"].get(first, "disabled_sets", head)
        stored = [ruleset.read(index) for index in range(NUMBERS["STORED_HEAD_ELEMENTS"], elements)]
        return [(rule.get(data, "number"), rule.get(data, "slot"), not disabled >> rule.get(data, "set") & 1)
                for data in stored if not rule.get(data, "part")]

    @staticmethod
    def _read_tags(ruleset):
        """The number of the tag that each bit of packet.tags stands for, 0: none."""
        head = STRUCTS["stored_rule"].members["bytes"][0]
        return STRUCTS["stored_tags"].numbers(ruleset.read(1), "numbers", head)

    def _answer_from_xdp(self, interfaces):
        entry = STRUCTS["interface_entry"]
        for interface in interfaces.values():
            data = self.interfaces.read(interface.index)
            flags = entry.get(data, "flags")
            if flags & NUMBERS["INTERFACE_REPLY_BY_TC"]:
                entry.set(data, "flags", flags & ~NUMBERS["INTERFACE_REPLY_BY_TC"])
                self.interfaces.write(interface.index, data)

    def set_clock(self, seconds):
        """Makes this the time that states live by, and removes those whose time is over."""
        control = STRUCTS["control"]
        self._change_control("states_clock", seconds * control.get(self.control.read(0), "jiffies_per_second"))
        if self.sweep:
            self.sweep.run_tc(bytes(64), 0, 0)

    def set_link_address(self, interface, address):
        """Makes the programs take frames for this link address for the interface's own."""
        data = self.interfaces.read(interface.index)
        offset, _, size = STRUCTS["interface_entry"].members["mac"]
        data[offset : offset + size] = address
        self.interfaces.write(interface.index, data)

    def _counted(self, slot):
        """(packets, bytes) since the counter was made; the map of zeros, and the slot's index there."""
        counters, zeros, index = next((counters, zeros, slot - first) for first, counters, zeros in reversed(self.banks)
                                      if slot >= first)
        counter = STRUCTS["rule_counter"]
        key, within = divmod(index, NUMBERS["COUNTER_GROUP_SLOTS"])
        data = counters.read(key)
        copies = range(within * counter.size, len(data), counters.stride)
        sums = [sum(counter.get(data, member, base) for base in copies) for member in ("packets", "bytes")]
        return sums, zeros, index

    def numbers(self):
        """Rule numbers in evaluation order."""
        return [number for number, _, _ in self.rules]

    def enabled(self):
        """For each rule in evaluation order, whether its set is enabled: others are not listed."""
        return [enabled for _, _, enabled in self.rules]

    def counters(self):
        """(packets, bytes) of the rules in evaluation order."""
        zero = STRUCTS["counter_zero"]
        result = []
        for _, slot, _ in self.rules:
            sums, zeros, index = self._counted(slot)
            start = zeros.read(index)
            result.append(tuple(total - zero.get(start, member) for total, member in zip(sums, ("packets", "bytes"))))
        return result

    def zero_default_rule(self):
        """Forgets what rule 65535 has counted before: it survives a flush."""
        sums, zeros, index = self._counted(NUMBERS["COUNTER_SLOT_DEFAULT"])
        zeros.write(index, struct.pack("=QQ", *sums))
