# SPDX-License-Identifier: GPL-2.0-only
"""The example ruleset of the FreeBSD handbook (chapter "Firewalls"), and packets that come in to such a machine."""
import network
import rulesets

# Its interfaces are ours: dc0 is west0, the LAN's xl0 east0. `S' and `L' are its keep-state and limit.
_RULES = """\
5 allow all from any to any via east0
10 allow all from any to any via lo0
101 check-state
110 allow tcp from any to 198.51.100.53 53 out via west0 setup S
111 allow udp from any to 198.51.100.53 53 out via west0 S
120 allow log udp from any to any 67 out via west0 S
200 allow tcp from any to any 80 out via west0 setup S
220 allow tcp from any to any 443 out via west0 setup S
230 allow tcp from any to any 25 out via west0 setup S
231 allow tcp from any to any 110 out via west0 setup S
250 allow icmp from any to any out via west0 S
260 allow udp from any to any 123 out via west0 S
280 allow tcp from any to any 22 out via west0 setup S
299 deny log all from any to any out via west0
300 deny all from 192.168.0.0/16 to any in via west0
301 deny all from 172.16.0.0/12 to any in via west0
302 deny all from 10.0.0.0/8 to any in via west0
303 deny all from 127.0.0.0/8 to any in via west0
304 deny all from 0.0.0.0/8 to any in via west0
305 deny all from 169.254.0.0/16 to any in via west0
306 deny all from 192.0.2.0/24 to any in via west0
307 deny all from 204.152.64.0/23 to any in via west0
308 deny all from 224.0.0.0/3 to any in via west0
310 deny icmp from any to any in via west0
315 deny tcp from any to any 113 in via west0
320 deny tcp from any to any 137 in via west0
321 deny tcp from any to any 138 in via west0
322 deny tcp from any to any 139 in via west0
323 deny tcp from any to any 81 in via west0
330 deny all from any to any frag in via west0
332 deny tcp from any to any established in via west0
400 allow tcp from any to me 80 in via west0 setup L
410 allow tcp from any to me 22 in via west0 setup L
499 deny log all from any to any in via west0
999 deny log all from any to any
"""


def text(stateful):
    """A rules file. Without states, what asks for them is left out: each packet is judged by itself."""
    lines = ["flush"]
    for rule in _RULES.splitlines():
        if stateful or not rule.endswith("check-state"):
            rule = rule.removesuffix(" S") + " keep-state" * (stateful and rule.endswith(" S"))
            rule = rule.removesuffix(" L") + " limit src-addr 2" * (stateful and rule.endswith(" L"))
            lines.append(f"add {rule}")
    return "\n".join(lines) + "\n"


def traffic():
    """What packets are drawn from: visitors mostly, forged sources, knocking on closed doors."""
    me = int.from_bytes(bytes(map(int, network.CLIENT.firewall4.split("."))), "big")
    visit = {"destination": me, "destination_length": 32}

    def to_port(protocol, port, words=""):
        return rulesets.Rule(4, "allow", protocol, destination_ports=(port, port), words=words, **visit)

    return [*[to_port("tcp", 80, "setup")] * 4, *[to_port("tcp", 22, "setup")] * 2, to_port("tcp", 80, "tcpflags ack"),
            to_port("tcp", 113, "setup"), to_port("tcp", 139, "setup"), to_port("udp", 53), to_port("udp", 5060),
            to_port("tcp", 23, "setup"), rulesets.Rule(4, "deny", "icmp", **visit),
            rulesets.Rule(4, "deny", "tcp", 0xc0a80000, 16, **visit),
            rulesets.Rule(4, "deny", "udp", 10 << 24, 8, **visit)]
