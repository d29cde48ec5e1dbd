# SPDX-License-Identifier: GPL-2.0-only
"""The same rules for ipfw-bpf and for the firewalls that it is compared with.

All of them filter what comes in, once, as early as they can without losing what makes them what they are: ipfw-bpf's
`in` pass, nftables and iptables in the hook prerouting in front of connection tracking. What no rule wants gets the
other verdict than the rules'. Rules are of the sets `tuples` (everything named) and `ports` (one field differs).
"""
import socket
import struct

import loaded

OWN, OWN_FAST = "ipfw-bpf", "ipfw-bpf fast"
_OTHER = {"allow": "deny", "deny": "allow"}
_NFT = {"allow": "accept", "deny": "drop"}
_IPTABLES = {"allow": "ACCEPT", "deny": "DROP"}


def _name(address):
    return socket.inet_ntoa(struct.pack("!I", address))


def run(tested, *command, text=""):
    """Runs a command in the gateway; anything it complains of ends the measurement."""
    tested.gateway.check_foreign()
    result = tested.gateway.run(*command, input=text)
    if result.returncode:
        raise RuntimeError(f"{' '.join(command)}: {result.stderr.strip()}")


def _ipfw(tested, rules, verdict):
    lines = ["flush", "add 1 allow ip from any to any out"]
    lines += [f"add {2 + index} {verdict} {rule.text().partition(' ')[2]} in" for index, rule in enumerate(rules)]
    lines.append(f"add 65534 {_OTHER[verdict]} ip from any to any")
    loaded.load(tested, "\n".join(lines) + "\n")


def forward_at_xdp(tested):
    """The gateway's rules, those for outgoing packets included, and its forwarding leave out the stack."""
    tested.firewall.run("-q", "sysctl", "net.inet.ip.fastforwarding=1")


def check_forwarding(tested):
    """Raises unless packets are forwarded at XDP."""
    if "forwarding:  at XDP" not in tested.firewall("status"):
        raise RuntimeError("the gateway does not forward at XDP")


def _ipfw_fast(tested, rules, verdict):
    forward_at_xdp(tested)
    _ipfw(tested, rules, verdict)
    check_forwarding(tested)


def _nft_table(verdict, lines, maps=""):
    return (f"table ip bench {{\n{maps}\nchain filter {{\ntype filter hook prerouting priority raw; "
            f"policy {_NFT[_OTHER[verdict]]};\n" + "\n".join(lines) + "\n}\n}\n")


def _nft_match(rule):
    """All that a rule asks for."""
    parts = []
    if rule.source_length:
        parts.append(f"ip saddr {_name(rule.source)}")
    parts.append(f"ip daddr {_name(rule.destination)}")
    if rule.source_ports[0] == rule.source_ports[1]:
        parts.append(f"{rule.protocol} sport {rule.source_ports[0]}")
    parts.append(f"{rule.protocol} dport {rule.destination_ports[0]}")
    return " ".join(parts)


def _nft_linear(tested, rules, verdict):
    lines = [f"{_nft_match(rule)} {_NFT[verdict]}" for rule in rules]
    run(tested, "nft", "-f", "-", text=_nft_table(verdict, lines))


def _nft_sets(tested, rules, verdict):
    """As somebody who knows nftables well would write it: one verdict map."""
    if rules[0].source_length:
        key, line = "ipv4_addr . ipv4_addr . inet_proto . inet_service . inet_service", \
            "ip saddr . ip daddr . meta l4proto . th sport . th dport vmap @rules"
        elements = [f"{_name(rule.source)} . {_name(rule.destination)} . {rule.protocol} . {rule.source_ports[0]} . "
                    f"{rule.destination_ports[0]} : {_NFT[verdict]}" for rule in rules]
    else:
        key, line = "inet_service", f"ip daddr {_name(rules[0].destination)} tcp dport vmap @rules"
        elements = [f"{rule.destination_ports[0]} : {_NFT[verdict]}" for rule in rules]
    maps = f"map rules {{ type {key} : verdict; elements = {{ {', '.join(elements)} }} }}"
    run(tested, "nft", "-f", "-", text=_nft_table(verdict, [line], maps))


def _iptables_table(verdict, lines):
    return "\n".join(["*raw", f":PREROUTING {_IPTABLES[_OTHER[verdict]]} [0:0]", *lines, "COMMIT", ""])


def _iptables(tested, rules, verdict):
    lines = []
    for rule in rules:
        source = f"-s {_name(rule.source)} " if rule.source_length else ""
        ports = f"--sport {rule.source_ports[0]} " if rule.source_length else ""
        lines.append(f"-A PREROUTING {source}-d {_name(rule.destination)} -p {rule.protocol} -m {rule.protocol} {ports}"
                     f"--dport {rule.destination_ports[0]} -j {_IPTABLES[verdict]}")
    run(tested, "iptables-legacy-restore", text=_iptables_table(verdict, lines))


def _ipset(tested, rules, verdict):
    """Its sets have no place for a source port: it asks for less than the others."""
    if rules[0].source_length:
        kind, match = f"hash:ip,port,ip maxelem {len(rules) + 1}", "-m set --match-set rules src,dst,dst"
        elements = [f"{_name(rule.source)},{rule.protocol}:{rule.destination_ports[0]},{_name(rule.destination)}"
                    for rule in rules]
    else:
        kind = "bitmap:port range 0-65535"
        match = f"-d {_name(rules[0].destination)} -p tcp -m set --match-set rules dst"
        elements = [rule.destination_ports[0] for rule in rules]
    lines = [f"create rules {kind}"] + [f"add rules {element} -exist" for element in elements]
    run(tested, "ipset", "restore", text="\n".join(lines) + "\n")
    run(tested, "iptables-legacy-restore",
         text=_iptables_table(verdict, [f"-A PREROUTING {match} -j {_IPTABLES[verdict]}"]))


# Each sets up the firewall of the gateway: (network, rules, "allow" or "deny", what the rules say).
PEERS = {
    OWN: _ipfw,
    OWN_FAST: _ipfw_fast,
    "nft linear": _nft_linear,
    "nft maps": _nft_sets,
    "iptables": _iptables,
    "ipset": _ipset,
}
