# SPDX-License-Identifier: GPL-2.0-only
"""What each option costs: ns per packet of a rule with it, against a bare rule on the same frame."""
import os
import re

import firewall
import loaded
import network
from frames import ICMP, IP, TCP, UDP, Ether, IPv6
from scapy.layers.inet import IPOption_RR
from scapy.layers.inet6 import ICMPv6EchoRequest, IPv6ExtHdrDestOpt

MEASURE = loaded.binary("measure")
_TABLE = os.path.join(firewall.REPOSITORY, "include", "ipfw", "options.def")
_ETHER = Ether(src=network.CLIENT.host_mac, dst=network.CLIENT.firewall_mac)
_IP4 = IP(src=network.CLIENT.host4, dst=network.SERVER.host4, tos=0xb8, id=7, ttl=64)
_IP6 = IPv6(src=network.CLIENT.host6, dst=network.SERVER.host6, tc=0xb8, fl=7)
_SYN = TCP(sport=1025, dport=80, flags="S", seq=1, window=512, options=[("MSS", 1460)])

FRAMES = {
    "tcp4": _ETHER / _IP4 / _SYN,
    "tcp6": _ETHER / _IP6 / _SYN,
    "icmp4": _ETHER / _IP4 / ICMP(),
    "icmp6": _ETHER / _IP6 / ICMPv6EchoRequest(),
    "options4": _ETHER / IP(src=network.CLIENT.host4, dst=network.SERVER.host4, options=[IPOption_RR()]) / _SYN,
    "headers6": _ETHER / _IP6 / IPv6ExtHdrDestOpt() / UDP(sport=1025, dport=53),
}

# By row of options.def: the frame, and a rule body (behind what may stand in front of `count') that matches it. What no
# packet of this measurement has is asked for inverted.
_ALL = "ip from any to any"
_BARE = f"count {_ALL}"
RULES = {
    "PROTOCOL": ("tcp4", "tcp from any to any"),
    "IP4": ("tcp4", "ip4 from any to any"),
    "IP6": ("tcp6", "ip6 from any to any"),
    "SOURCE_IP4": ("tcp4", f"ip from {network.CLIENT.prefix4()} to any"),
    "DESTINATION_IP4": ("tcp4", f"ip from any to {network.SERVER.prefix4()}"),
    "SOURCE_SET": ("tcp4", f"ip from {network.CLIENT.prefix4()}{{2,7-9}} to any"),
    "DESTINATION_SET": ("tcp4", f"ip from any to {network.SERVER.prefix4()}{{2,7-9}}"),
    "SOURCE_ME": ("tcp4", "ip from not me to any"),
    "DESTINATION_ME": ("tcp4", "ip from any to not me"),
    "SOURCE_IP6": ("tcp6", f"ip from {network.CLIENT.prefix6()} to any"),
    "DESTINATION_IP6": ("tcp6", f"ip from any to {network.SERVER.prefix6()}"),
    "SOURCE_ME6": ("tcp6", "ip from not me6 to any"),
    "DESTINATION_ME6": ("tcp6", "ip from any to not me6"),
    "SOURCE_PORT": ("tcp4", "ip from any 1024-65535 to any"),
    "DESTINATION_PORT": ("tcp4", "ip from any to any 22,80,443"),
    "IN": ("tcp4", "in"),
    "RECV": ("tcp4", "recv west0"),
    "XMIT": ("tcp4", "not xmit east0"),
    "VIA": ("tcp4", "via west*"),
    "ESTABLISHED": ("tcp4", "not established"),
    "TCP_FLAGS": ("tcp4", "setup"),
    "ICMP_TYPES": ("icmp4", "icmptypes 0,8"),
    "ICMP6_TYPES": ("icmp6", "icmp6types 128,129"),
    "FRAGMENT": ("tcp4", "not frag"),
    "PROBABILITY": ("tcp4", _ALL),
    "COMMENT": ("tcp4", f"{_ALL} // measured"),
    "IP_ID": ("tcp4", "ipid 7"),
    "IP_LENGTH": ("tcp4", "iplen 40-100"),
    "IP_TTL": ("tcp4", "ipttl 64"),
    "IP_VERSION": ("tcp4", "ipver 4"),
    "IP_PRECEDENCE": ("tcp4", "ipprecedence 5"),
    "IP_TOS": ("tcp4", "iptos lowdelay"),
    "DSCP": ("tcp4", "dscp ef"),
    "IP_OPTIONS": ("options4", "ipoptions rr"),
    "TCP_SEQUENCE": ("tcp4", "tcpseq 1"),
    "TCP_ACKNOWLEDGMENT": ("tcp4", "tcpack 0"),
    "TCP_WINDOW": ("tcp4", "tcpwin 512"),
    "TCP_DATA_LENGTH": ("tcp4", "tcpdatalen 0"),
    "TCP_OPTIONS": ("tcp4", "tcpoptions mss"),
    "TCP_MSS": ("tcp4", "tcpmss 1460"),
    "EXTENSION_HEADER": ("headers6", "ext6hdr dstopt"),
    "FLOW_LABEL": ("tcp6", "ip6 from any to any flow-id 7"),
    "LAYER2": ("tcp4", "not layer2"),
    "MAC": ("tcp4", "not MAC any any"),
    "MAC_TYPE": ("tcp4", "not mac-type ip"),
    "VERREVPATH": ("tcp4", "verrevpath"),
    "VERSRCREACH": ("tcp4", "versrcreach"),
    "ANTISPOOF": ("tcp4", "antispoof"),
    "UID": ("tcp4", "not uid 0"),
    "GID": ("tcp4", "not gid 0"),
    "JAIL": ("tcp4", "not jail 1"),
    "SOCKARG": ("tcp4", "not sockarg"),
    "FIB": ("tcp4", "fib 0"),
    "TAGGED": ("tcp4", "not tagged 1"),
    "IPSEC": ("tcp4", "not ipsec"),
    "DIVERTED": ("tcp4", "not diverted"),
    "DIVERTED_LOOPBACK": ("tcp4", "not diverted-loopback"),
    "DIVERTED_OUTPUT": ("tcp4", "not diverted-output"),
    "MARK": ("tcp4", "mark 0"),
    "LOG": ("tcp4", _ALL),
    "TAG": ("tcp4", _ALL),
    "UNTAG": ("tcp4", _ALL),
    "SOURCE_TABLE": ("tcp4", "ip from not table(a) to any"),
    "DESTINATION_TABLE": ("tcp4", "ip from any to not table(a)"),
    "RECV_TABLE": ("tcp4", "not recv table(i)"),
    "XMIT_TABLE": ("tcp4", "not xmit table(i)"),
    "VIA_TABLE": ("tcp4", "not via table(i)"),
    "FLOW": ("tcp4", "not flow table(f)"),
    "LOOKUP": ("tcp4", "not lookup dst-port n"),
    "SOURCE_MAC": ("tcp4", "not src-mac table(m)"),
    "DESTINATION_MAC": ("tcp4", "not dst-mac table(m)"),
    "KEEP_STATE": ("tcp4", f"{_ALL} keep-state"),
    "RECORD_STATE": ("tcp4", f"{_ALL} record-state"),
    "LIMIT": ("tcp4", f"{_ALL} limit src-addr 10"),
    "SET_LIMIT": ("tcp4", f"{_ALL} set-limit src-addr 10"),
    "DEFER_ACTION": ("tcp4", f"{_ALL} record-state defer-action"),
}
# Frames of the slow parser, which jumps back to the program in force: there only that one can be measured.
_SLOW = {"options4", "headers6"}
# Matches without counting: the packet goes on as if it had not.
UNCOUNTED = {"DEFER_ACTION"}
# What stands elsewhere than in the body.
HEADS = {"PROBABILITY": "prob 0.999999999 count", "LOG": "count log logamount 1", "TAG": "count tag 1",
         "UNTAG": "count untag 1"}


def rows():
    """The codes of options.def that rules can have, in its order. Fails if RULES has not the same."""
    with open(_TABLE, encoding="utf-8") as file:
        found = re.findall(r"^OPTION\((\w+), (?:[^,]+, ){4}(?!later)\w", file.read(), re.MULTILINE)
    if set(found) != set(RULES):
        raise SystemExit(f"bench: options.def and RULES differ in {', '.join(sorted(set(found) ^ set(RULES)))}")
    return found


def _load(tested, rule):
    """Loads the rule, and one that lets all pass. Returns the path of the program."""
    tested.firewall.load(f"100 {rule}\n200 allow {_ALL}")
    return loaded.program(tested)


def _medians(tested, programs, frame, rounds, repeat):
    """{name: ns} of programs that take turns."""
    data = bytes(FRAMES[frame]).hex()
    output = tested.gateway.run(MEASURE, network.CLIENT.interface, str(rounds), str(repeat),
                                *(f"{name}={path}@{data}" for name, path in programs.items()))
    if output.returncode:
        raise RuntimeError(output.stderr)
    medians = {}
    for line in output.stdout.splitlines():
        name, action, median, *_ = line.split()
        if action != "2":
            raise RuntimeError(f"{frame}: XDP action {action}, not XDP_PASS")
        medians[name] = int(median)
    return medians


def measure(tested, rounds, repeat):
    """{row: {"frame", "rule", "bare", "with"}}, ns per packet."""
    result = {}
    _load(tested, _BARE)
    with loaded.kept(tested, "bare") as bare:
        for row in rows():
            frame, body = RULES[row]
            rule = f"{HEADS.get(row, 'count')} {body}"
            result[row] = {"frame": frame, "rule": rule}
            if frame in _SLOW:
                result[row] |= _medians(tested, {"bare": _load(tested, _BARE)}, frame, rounds, repeat)
                result[row] |= _medians(tested, {"with": _load(tested, rule)}, frame, rounds, repeat)
            else:
                result[row] |= _medians(tested, {"bare": bare, "with": _load(tested, rule)}, frame, rounds, repeat)
            if row not in UNCOUNTED and not tested.firewall.packets(100):
                raise RuntimeError(f"{rule!r} does not match the frame {frame}")
    return result


def print_table(results):
    """One line per option."""
    print("\nns per packet of one rule with the option, against `count ip from any to any' on the same frame")
    print(f"{'option':<20} {'frame':<9} {'bare':>5} {'with':>5} {'more':>5}  rule")
    for row, cost in results.items():
        print(f"{row:<20} {cost['frame']:<9} {cost['bare']:>5} {cost['with']:>5} {cost['with'] - cost['bare']:>5}  "
              f"{cost['rule']}")
