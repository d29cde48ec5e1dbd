# SPDX-License-Identifier: GPL-2.0-only
"""Dynamic rules: what a state costs a packet of its flow, and packets per second beside nftables' and iptables'
connection tracking. All flows are datagrams one way, which every firewall takes for a flow to be kept."""
import contextlib
import operator
import random
import statistics
import tempfile

import loaded
import network
import packet_cost
import peers
import rulesets
import throughput
import trace

_PORT, _OTHER_PORT = 53, 9
_ROOM = 1 << 20
_LITTLE_ROOM = 1024
_SERVER = int.from_bytes(bytes(map(int, network.SERVER.host4.split("."))), "big")


def _to(port):
    return rulesets.Rule(4, "allow", "udp", destination=_SERVER, destination_length=32, destination_ports=(port, port))


_WANTED = _to(_PORT)


def _ipfw(tested, port, room=_ROOM):
    tested.firewall.sysctl(dyn_max=room, dyn_udp_lifetime=300)
    loaded.load(tested, "flush\nadd 1 allow ip from any to any out\nadd 100 check-state\n"
                        f"add 200 allow udp from any to any {port} keep-state\n")


def _ipfw_fast(tested, port):
    peers.forward_at_xdp(tested)
    _ipfw(tested, port)
    peers.check_forwarding(tested)


def _nft(tested, port):
    peers.run(tested, "nft", "-f", "-", text="table ip bench {\nchain filter {\n"
              "type filter hook forward priority filter; policy drop;\n"
              f"ct state established,related accept\nudp dport {port} ct state new accept\n}}\n}}\n")


def _iptables(tested, port):
    peers.run(tested, "iptables-legacy-restore", text="\n".join([
        "*filter", ":FORWARD DROP [0:0]", "-A FORWARD -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT",
        f"-A FORWARD -p udp -m udp --dport {port} -m conntrack --ctstate NEW -j ACCEPT", "COMMIT", ""]))


_PEERS = {peers.OWN: _ipfw, peers.OWN_FAST: _ipfw_fast, "nft ct state": _nft, "iptables conntrack": _iptables}


def _flood(gateway, flows, milliseconds, forwarded):
    with tempfile.NamedTemporaryFile(prefix="ipfw-bench-") as file:
        trace.write(file.name, 4, flows)
        flood = gateway.flood(file.name, milliseconds)
    if abs(flood.forwarded - flood.taken * forwarded) > 0.02 * flood.taken:
        raise RuntimeError(f"{gateway.name}: took {flood.taken} packets and forwarded {flood.forwarded}")
    return flood.rate


def _compare(what, port, traces, milliseconds):
    """Rates of all firewalls in turns, a round for each trace."""
    rates = {name: [] for name in _PEERS}
    with throughput.gateways(_PEERS) as gateways:
        for gateway in gateways:
            _PEERS[gateway.name](gateway.tested, port)
        for index, flows in enumerate(traces):
            for gateway in gateways:
                rate = _flood(gateway, flows, milliseconds, port == _PORT)
                # The first round warms up.
                if index:
                    rates[gateway.name].append(rate)
    return {"what": what, "rates": {name: {"median": statistics.median(found), "least": min(found), "greatest": max(found)}
                                    for name, found in rates.items()}}


def _costs(quick):
    """ns per packet of a rule without and with states, by number of flows."""
    rounds, milliseconds = (5, 10) if quick else (9, 30)
    result = []
    with network.Network() as tested, contextlib.ExitStack() as stack:
        loaded.load(tested, f"flush\nadd 100 allow udp from any to any {_PORT}\n")
        programs = {"base": stack.enter_context(loaded.kept(tested, "base"))}
        for flows in (1000, 100000) if quick else (1000, 100000, 1000000):
            packets = trace.flows([_WANTED], flows)
            # The states of the flows before end with their rules; with those of a file that has them again, they would not.
            tested.firewall.run("-q", "-f", "flush")
            _ipfw(tested, _PORT)
            programs["states"] = loaded.program(tested)
            # Once around makes the states. Afterwards the flows come in another order than that in which states lie in memory.
            packet_cost.Measurement(tested, 1, 5000 if flows > 100000 else 500).replay(programs, 4, packets)
            made = int(tested.firewall.run("sysctl", "-n", "net.inet.ip.fw.dyn_count").stdout)
            if made != flows:
                raise RuntimeError(f"{made} states of {flows} flows")
            random.Random(flows).shuffle(packets)
            result.append({"flows": flows} | packet_cost.Measurement(tested, rounds, milliseconds).replay(programs, 4, packets))
    return result


def _full(quick):
    """ns per packet when there is no room left: of flows that have a state, of new ones that are refused one, and of what
    no rule wants a state for."""
    rounds, milliseconds = (5, 10) if quick else (9, 30)
    with network.Network() as tested:
        _ipfw(tested, _PORT, _LITTLE_ROOM)
        programs = {"states": loaded.program(tested)}
        known = trace.flows([_WANTED], _LITTLE_ROOM)
        # Once around takes all the room.
        packet_cost.Measurement(tested, 1, 50).replay(programs, 4, known)
        traces = {"known": known, "refused": trace.flows([_WANTED], 10 * _LITTLE_ROOM, seed=2),
                  "unsolicited": trace.flows([_to(_OTHER_PORT)], 10 * _LITTLE_ROOM, seed=2)}
        once = packet_cost.Measurement(tested, 1, milliseconds)
        turns = [{name: once.replay(programs, 4, packets)["states"]["median"] for name, packets in traces.items()}
                 for _ in range(rounds)]
        result = {name: packet_cost.summary([turn[name] for turn in turns]) for name in traces}
        if tested.firewall.states() != _LITTLE_ROOM:
            raise RuntimeError(f"{tested.firewall.states()} states instead of {_LITTLE_ROOM}")
        return result


def measure(quick):
    """{"costs": per number of flows, "full": see _full(), "throughput": list of {"what", "rates"}}"""
    rounds, milliseconds = (3, 40) if quick else (7, 60)
    old = trace.flows([_WANTED], 1024)
    new = (trace.flows([_WANTED], 100000, seed=index + 2) for index in range(rounds + 1))
    cells = [_compare("packets of known flows", _PORT, [old] * (rounds + 1), milliseconds),
             _compare("first packets of flows", _PORT, new, milliseconds),
             _compare("refused packets", _OTHER_PORT, [old] * (rounds + 1), milliseconds)]
    return {"costs": _costs(quick), "full": _full(quick), "throughput": cells}


def cost(result, flows):
    """ns that states add to a packet, None if it was not measured."""
    for cell in result["costs"]:
        if cell["flows"] == flows:
            return packet_cost.in_turns(cell["states"], cell["base"], operator.sub)
    return None


def refusal(result):
    """How many times as much a packet costs that is refused a state as one that no rule wants a state for."""
    full = result.get("full")
    return full and packet_cost.in_turns(full["refused"], full["unsolicited"], operator.truediv)


def ratio(result, what):
    """How many times as fast as the faster of the others ipfw-bpf is, by the stack or at XDP, whichever is faster."""
    own = (peers.OWN, peers.OWN_FAST)
    for cell in result["throughput"]:
        if cell["what"] == what:
            rates = {name: rate["median"] for name, rate in cell["rates"].items()}
            return max(rates[name] for name in own if name in rates) / max(rates[name] for name in rates if name not in own)
    return None


def print_table(result):
    """Costs, then rates."""
    print("\nns per packet, a rule without and with states")
    for cell in result["costs"]:
        print(f"{cell['flows']:>9,} flows: {cell['base']['median']:>5} {cell['states']['median']:>5}")
    full = "  ".join(f"{name} {cell['median']}" for name, cell in result["full"].items())
    print(f"with all the room taken: {full}")
    print("\nmillions of packets per second of one processor")
    print(f"{'':<24}" + "".join(f"{name:>20}" for name in _PEERS))
    for cell in result["throughput"]:
        print(f"{cell['what']:<24}" + "".join(f"{cell['rates'][name]['median'] / 1e6:>20.3f}" for name in _PEERS))
