# SPDX-License-Identifier: GPL-2.0-only
"""The network without a firewall: when these fail, the others say nothing about the firewall."""
import frames
import harness
import traffic
from frames import IP, TCP, UDP, Ether, IPv6, Raw
from network import CLIENT, SERVER


@harness.three_hosts
def test_all_is_open(net):
    with traffic.tcp_server(net.server, 80), traffic.udp_server(net.server, 53) as served:
        for address in (SERVER.host4, SERVER.host6):
            for host in (net.client, net.other):
                harness.true(traffic.ping(host, address), f"no answer from {address}")
                harness.equal(traffic.tcp_connect(host, address, 80), "ok")
                harness.equal(traffic.tcp_connect(host, address, 81), "refused")
                harness.equal(traffic.udp_exchange(host, address, 53), "ok")
                harness.equal(traffic.udp_exchange(host, address, 54), "refused")
        harness.equal(served.packets, 4)


def test_silence_is_a_timeout(net):
    net.server.ip("route add blackhole 192.0.2.0/24")
    harness.equal(traffic.tcp_connect(net.client, SERVER.host4, 80), "timeout")
    harness.true(not traffic.ping(net.client, SERVER.host4), "an answer from nowhere")


def test_frames_and_sniffer(net):
    with frames.Sniffer(net.server) as wire:
        ether = Ether(src=CLIENT.host_mac, dst=CLIENT.firewall_mac)
        frames.send(net.client, "eth0",
                    ether / IP(src=CLIENT.host4, dst=SERVER.host4, ttl=9) / UDP(sport=7, dport=9) / Raw(b"four"),
                    ether / IPv6(src=CLIENT.host6, dst=SERVER.host6) / TCP(sport=7, dport=9, flags="S"))
        seen = wire.wait(lambda packet: UDP in packet) + wire.wait(lambda packet: TCP in packet)
        harness.equal([bytes(packet[UDP].payload) if UDP in packet else packet[TCP].dport for packet in seen],
                      [b"four", 9])
        harness.equal(seen[0][IP].ttl, 8)
        harness.true(all(map(frames.checksums_right, seen)), "checksums")
        seen[0][UDP].chksum ^= 1
        harness.true(not frames.checksums_right(seen[0]), "a wrong checksum was not noticed")


def test_transfer(net):
    with traffic.tcp_sink(net.server, 80) as served:
        traffic.tcp_transfer(net.client, SERVER.host4, 80, 3_000_000)
        harness.true(traffic.wait_for(lambda: served.bytes == 3_000_000), f"{served.bytes} of 3000000 bytes arrived")
