# SPDX-License-Identifier: GPL-2.0-only
"""The rulesets that are measured, as objects: text of them for ipfw (text()), packets that match them (trace.py), and
what other firewalls need to say the same (peers.py). Everything depends on the seed alone."""
import random
from dataclasses import dataclass, replace

import addresses
from families import FAMILIES

ANY_PORT = (0, 65535)
_ICMP6_TYPES = {8: 128, 0: 129, 5: 137, 4: 3, 13: 133, 15: 134, 17: 135}


@dataclass(frozen=True)
class Rule:
    """One rule. Addresses are whole ones with zeros behind the prefix; behind all stand `words`, and `state`: what makes
    one."""
    version: int
    action: str
    protocol: str
    source: int = 0
    source_length: int = 0
    destination: int = 0
    destination_length: int = 0
    source_ports: tuple = ANY_PORT
    destination_ports: tuple = ANY_PORT
    words: str = ""
    state: str = ""

    def text(self):
        """Without `add` and number."""
        parts = [self.action, self.protocol, "from", addresses.text(self.version, self.source, self.source_length),
                 _ports(self.source_ports), "to",
                 addresses.text(self.version, self.destination, self.destination_length),
                 _ports(self.destination_ports), self.words, self.state]
        return " ".join(part for part in parts if part)

    def scope(self):
        """How much it asks for, in bits: ClassBench puts the narrow ones first."""
        narrow = sum(16 - (high - low).bit_length() for low, high in (self.source_ports, self.destination_ports))
        return self.source_length + self.destination_length + narrow + 8 * (self.protocol not in ("ip", "ip6"))


def _ports(ports):
    low, high = ports
    return "" if ports == ANY_PORT else str(low) if low == high else f"{low}-{high}"


def _choose(source, rows):
    """One of the rows, by their first members, without that."""
    row = source.choices(rows, [row[0] for row in rows])[0]
    return row[1:]


class _FamilyMaker:
    """Makes rules of one family, no two alike."""

    def __init__(self, family, version, seed):
        self._family = family
        self._version = version
        self._random = random.Random(f"{family.applications} {version} {seed}")
        self._salt = seed
        self._known = set()

    def rules(self, count):
        """`count` rules, the narrow ones first."""
        made = []
        failures = 0
        while len(made) < count:
            rule = self._make()
            if replace(rule, action="") in self._known:
                failures += 1
                # One organisation has no more to say; the next one has networks of its own.
                if failures > 3 + len(made) // 200:
                    self._salt, failures = self._salt + 1, 0
                continue
            self._known.add(replace(rule, action=""))
            made.append(rule)
        return sorted(made, key=Rule.scope, reverse=True)

    def _make(self):
        family, version = self._family, self._version
        protocol, source_class, destination_class = _choose(self._random, family.applications)
        lengths = _choose(self._random, family.prefixes[source_class, destination_class])
        source, destination = self._addresses(*lengths)
        ports = {"source_ports": self._port(source_class), "destination_ports": self._port(destination_class)}
        action = self._random.choice(("allow", "deny"))
        return Rule(version, action, self._protocol(protocol), *source, *destination, **ports,
                    words=self._words(protocol))

    def _addresses(self, source_length, destination_length):
        family, source_random = self._family, self._random
        source = addresses.walk(source_random, family.source, 2 * self._salt, source_length)
        prefix = depth = 0
        if min(source_length, destination_length) >= 21 and source_random.random() < family.correlation:
            depth = 21
            prefix = source >> (source_length - depth)
        destination = addresses.walk(source_random, family.destination, 2 * self._salt + 1, destination_length,
                                     prefix, depth)
        return self._whole(source, source_length), self._whole(destination, destination_length)

    def _whole(self, prefix, length):
        width = 32
        if self._version == 6:
            prefix, length = addresses.stretch(prefix, length)
            width = 128
        return prefix << (width - length), length

    def _port(self, port_class):
        if port_class == "EM":
            port, = _choose(self._random, self._family.ports)
            return port, port
        if port_class == "AR":
            return _choose(self._random, self._family.ranges)
        return {"WC": ANY_PORT, "HI": (1024, 65535), "LO": (0, 1023)}[port_class]

    def _protocol(self, name):
        return {"ip": "ip6", "icmp": "ipv6-icmp"}.get(name, name) if self._version == 6 else name

    def _words(self, protocol):
        if protocol == "tcp":
            return _choose(self._random, self._family.tcp_flags)[0]
        kind = _choose(self._random, self._family.icmp_types)[0] if protocol == "icmp" else None
        if kind is None:
            return ""
        return f"icmptypes {kind}" if self._version == 4 else f"icmp6types {_ICMP6_TYPES[kind]}"


def family(name, count, version=4, seed=1):
    """A set like ClassBench's: name acl, fw or ipc."""
    return _FamilyMaker(FAMILIES[name], version, seed).rules(count)


def _base(version):
    """The first address of a network with room for all users: 10.0.0.0 or 2001:db8::."""
    return 10 << 24 if version == 4 else 0x20010db8 << 96


def users(count, version=4, seed=1):
    """One rule per user; they differ in the source address only. Addresses have gaps and come in any order."""
    width = 32 if version == 4 else 128
    source = random.Random(f"users {seed}")
    numbers = source.sample(range(1, min(8 * count + 1, 1 << 24)), count)
    protocol = "ip" if version == 4 else "ip6"
    return [Rule(version, "allow" if number % 4 else "deny", protocol, _base(version) + number, width)
            for number in numbers]


def ports(count, version=4, seed=1):
    """Rules that differ in one port only."""
    source = random.Random(f"ports {seed}")
    width = 32 if version == 4 else 128
    server = _base(version) + 1
    return [Rule(version, "allow", "tcp", destination=server, destination_length=width, destination_ports=(port, port))
            for port in source.sample(range(1, 65536), count)]


def tuples(count, version=4, seed=1):
    """Random rules that name everything: protocol, two hosts, two ports."""
    source = random.Random(f"tuples {version} {seed}")
    width = 32 if version == 4 else 128
    made = []
    for _ in range(count):
        hosts = [_base(version) + source.getrandbits(24) for _ in range(2)]
        source_port, destination_port = source.randint(1024, 65535), source.randint(1, 65535)
        made.append(Rule(version, source.choice(("allow", "deny")), source.choice(("tcp", "udp")), hosts[0], width,
                         hosts[1], width, (source_port, source_port), (destination_port, destination_port)))
    return made


def nasty(count, version=4, seed=1):
    """Wildcards and overlapping ranges: every field alone leaves hundreds of rules, all together few. One rule in 16
    only counts, so that the search goes on behind it."""
    source = random.Random(f"nasty {version} {seed}")
    made = []
    for index in range(count):
        made.append(Rule(version, "count" if index % 16 == 0 else source.choice(("allow", "deny")),
                         source.choice(("tcp", "udp", "ip" if version == 4 else "ip6")),
                         *_wide_prefix(source, version), *_wide_prefix(source, version),
                         _wide_range(source), _wide_range(source)))
    # Ports without a protocol that has them would be refused.
    return [replace(rule, protocol="tcp") if rule.protocol.startswith("ip") and
            (rule.source_ports, rule.destination_ports) != (ANY_PORT, ANY_PORT) else rule for rule in made]


def _wide_prefix(source, version):
    """(address, length): nothing, or a few bits."""
    length = source.choice((0, 1, 3, 5, 6, 7, 8))
    if not length:
        return 0, 0
    width = 32
    bits = source.getrandbits(length)
    if version == 6:
        # All of them in 2001::/16.
        bits, length, width = 0x2001 << length | bits, length + 16, 128
    return bits << (width - length), length


def _wide_range(source):
    if source.random() < 0.2:
        return ANY_PORT
    low = source.randint(0, 65000)
    return low, min(65535, low + source.choice((50, 500, 4000, 20000)))


def stateful(count, version=4, seed=1):
    """The access list, of which what is allowed makes a state."""
    return [replace(rule, state="keep-state") if rule.action == "allow" else rule
            for rule in family("acl", count, version, seed)]


def stateful_users(count, version=4, seed=1):
    """One rule per user, which makes states."""
    return [replace(rule, action="allow", state="keep-state") for rule in users(count, version, seed)]


def logged(count, version=4, seed=1):
    """The access list with `log` in each rule, which writes one record."""
    return [replace(rule, action=f"{rule.action} log logamount 1") for rule in family("acl", count, version, seed)]


def logged_users(count, version=4, seed=1):
    """One rule per user, likewise."""
    return [replace(rule, action=f"{rule.action} log logamount 1") for rule in users(count, version, seed)]


_SECTION = 150


def sections(count, version=4, seed=1):
    """Sections of rules for the services of a host each; one rule of each has an action that looking up does not do."""
    width = 32 if version == 4 else 128
    first = _base(version) + random.Random(f"sections {seed}").getrandbits(16)
    made = []
    for index in range(count):
        host, port = first + index // _SECTION, 1 + index % _SECTION
        made.append(Rule(version, "allow" if port > 1 else "tcp-setmss 1400", "tcp", destination=host,
                         destination_length=width, destination_ports=(port, port)))
    return made


SETS = {"acl": family, "fw": family, "ipc": family, "users": users, "ports": ports, "tuples": tuples, "nasty": nasty,
        "logged acl": logged, "logged users": logged_users, "sections": sections,
        "stateful acl": stateful, "stateful users": stateful_users}


def make(name, count, version=4, seed=1):
    """Rules of the set `name`, one of SETS."""
    if name in FAMILIES:
        return family(name, count, version, seed)
    return SETS[name](count, version, seed)


def text(rules):
    """A rules file: numbers spread over what there is."""
    step = max(1, 60000 // max(1, len(rules)))
    numbers = (min(65534, 1 + index * step) for index in range(len(rules)))
    return "flush\n" + "".join(f"add {number} {rule.text()}\n" for number, rule in zip(numbers, rules))
