# SPDX-License-Identifier: GPL-2.0-only
"""Dynamic rules: what a state costs a packet of its flow, and packets per second beside nftables' and iptables'
connection tracking. All flows are datagrams one way, which every firewall takes for a flow to be kept."""
import contextlib
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
_SERVER = int.from_bytes(bytes(map(int, network.SERVER.host4.split("."))), "big")
_WANTED = rulesets.Rule(4, "allow", "udp", destination=_SERVER, destination_length=32, destination_ports=(_PORT, _PORT))


def _ipfw(tested, port):
    tested.firewall.sysctl(dyn_max=_ROOM, dyn_udp_lifetime=300)
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
        _ipfw(tested, _PORT)
        programs["states"] = loaded.program(tested)
        for flows in (1000, 100000) if quick else (1000, 100000, 1000000):
            packets = trace.flows([_WANTED], flows)
            # Once around makes the states.
            packet_cost.Measurement(tested, 1, 5000 if flows > 100000 else 500).replay(programs, 4, packets)
            result.append({"flows": flows} | packet_cost.Measurement(tested, rounds, milliseconds).replay(programs, 4, packets))
    return result


def measure(quick):
    """{"costs": per number of flows, "throughput": list of {"what", "rates"}}"""
    rounds, milliseconds = (3, 40) if quick else (7, 60)
    old = trace.flows([_WANTED], 1024)
    new = (trace.flows([_WANTED], 100000, seed=index + 2) for index in range(rounds + 1))
    cells = [_compare("packets of known flows", _PORT, [old] * (rounds + 1), milliseconds),
             _compare("first packets of flows", _PORT, new, milliseconds),
             _compare("refused packets", _OTHER_PORT, [old] * (rounds + 1), milliseconds)]
    return {"costs": _costs(quick), "throughput": cells}


def cost(result, flows):
    """ns that states add to a packet, None if it was not measured."""
    for cell in result["costs"]:
        if cell["flows"] == flows:
            return cell["states"]["median"] - cell["base"]["median"]
    return None


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
    print("\nmillions of packets per second of one processor")
    print(f"{'':<24}" + "".join(f"{name:>20}" for name in _PEERS))
    for cell in result["throughput"]:
        print(f"{cell['what']:<24}" + "".join(f"{cell['rates'][name]['median'] / 1e6:>20.3f}" for name in _PEERS))
