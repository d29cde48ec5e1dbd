# SPDX-License-Identifier: GPL-2.0-only
"""Rulesets as people have them, unmodified, by our command under the name ipfw."""
import contextlib
import os
import subprocess
import tempfile
import time

import connections
import firewall
import harness
import traffic
from network import CLIENT, OTHER, SERVER

# The stateful ruleset of FreeBSD's handbook, for a machine whose public interface is east0 and whose LAN is on west0.
_HANDBOOK = """#!/bin/sh
# Flush out the list before we begin.
ipfw -q -f flush

# Set rules command prefix
cmd="ipfw -q add"
pif="east0"     # interface name of NIC attached to Internet

# Change xl0 to LAN NIC interface name
$cmd 00005 allow all from any to any via west0

# No restrictions on Loopback Interface
$cmd 00010 allow all from any to any via lo0

$cmd 00101 check-state

# Allow access to public DNS
$cmd 00110 allow tcp from any to 198.51.100.2 53 out via $pif setup keep-state
$cmd 00111 allow udp from any to 198.51.100.2 53 out via $pif keep-state

# Allow access to ISP's DHCP server for cable/DSL configurations.
$cmd 00120 allow log udp from any to any 67 out via $pif keep-state

# Allow outbound HTTP and HTTPS connections
$cmd 00200 allow tcp from any to any 80 out via $pif setup keep-state
$cmd 00220 allow tcp from any to any 443 out via $pif setup keep-state

# Allow outbound email connections
$cmd 00230 allow tcp from any to any 25 out via $pif setup keep-state
$cmd 00231 allow tcp from any to any 110 out via $pif setup keep-state

# Allow outbound ping
$cmd 00250 allow icmp from any to any out via $pif keep-state

# Allow outbound NTP
$cmd 00260 allow udp from any to any 123 out via $pif keep-state

# Allow outbound SSH
$cmd 00280 allow tcp from any to any 22 out via $pif setup keep-state

# deny and log all other outbound connections
$cmd 00299 deny log all from any to any out via $pif

# Deny all inbound traffic from non-routable reserved address spaces
$cmd 00300 deny all from 192.168.0.0/16 to any in via $pif     #RFC 1918 private IP
$cmd 00301 deny all from 172.16.0.0/12 to any in via $pif      #RFC 1918 private IP
$cmd 00302 deny all from 10.0.0.0/8 to any in via $pif         #RFC 1918 private IP
$cmd 00303 deny all from 127.0.0.0/8 to any in via $pif        #loopback
$cmd 00304 deny all from 0.0.0.0/8 to any in via $pif          #loopback
$cmd 00305 deny all from 169.254.0.0/16 to any in via $pif     #DHCP auto-config
$cmd 00306 deny all from 192.0.2.0/24 to any in via $pif       #reserved for docs
$cmd 00307 deny all from 204.152.64.0/23 to any in via $pif    #Sun cluster interconnect
$cmd 00308 deny all from 224.0.0.0/3 to any in via $pif        #Class D & E multicast

# Deny public pings
$cmd 00310 deny icmp from any to any in via $pif

# Deny ident
$cmd 00315 deny tcp from any to any 113 in via $pif

# Deny all Netbios services.
$cmd 00320 deny tcp from any to any 137 in via $pif
$cmd 00321 deny tcp from any to any 138 in via $pif
$cmd 00322 deny tcp from any to any 139 in via $pif
$cmd 00323 deny tcp from any to any 81 in via $pif

# Deny fragments
$cmd 00330 deny all from any to any frag in via $pif

# Deny ACK packets that did not match the dynamic rule table
$cmd 00332 deny tcp from any to any established in via $pif

# Allow HTTP connections to internal web server
$cmd 00400 allow tcp from any to me 80 in via $pif setup limit src-addr 2

# Allow inbound SSH connections
$cmd 00410 allow tcp from any to me 22 in via $pif setup limit src-addr 2

# Reject and log all other incoming connections
$cmd 00499 deny log all from any to any in via $pif

# Everything else is denied and logged
$cmd 00999 deny log all from any to any
"""

# What rc.firewall runs for each type, in FreeBSD's order.
_RC_START = """
fwcmd="ipfw -q"
${fwcmd} -f flush
${fwcmd} add 100 pass all from any to any via lo0
${fwcmd} add 200 deny all from any to 127.0.0.0/8
${fwcmd} add 300 deny ip from 127.0.0.0/8 to any
${fwcmd} add 400 deny all from any to ::1
${fwcmd} add 500 deny all from ::1 to any
${fwcmd} add pass ipv6-icmp from :: to ff02::/16
${fwcmd} add pass ipv6-icmp from fe80::/10 to fe80::/10
${fwcmd} add pass ipv6-icmp from fe80::/10 to ff02::/16
${fwcmd} add pass ipv6-icmp from any to any icmp6types 1
${fwcmd} add pass ipv6-icmp from any to any icmp6types 2,135,136
"""
_RC_CLIENT = _RC_START + """
net="192.0.2.0/24"
net6="2001:db8:1::/64"
${fwcmd} add pass all from me to ${net}
${fwcmd} add pass all from ${net} to me
${fwcmd} add pass all from me6 to ${net6}
${fwcmd} add pass all from ${net6} to me6
${fwcmd} add pass udp from fe80::/10 to me6 546
${fwcmd} add pass tcp from any to any established
${fwcmd} add pass all from any to any frag
${fwcmd} add pass tcp from any to me 25 setup
${fwcmd} add pass tcp from me to any setup
${fwcmd} add deny tcp from any to any setup
${fwcmd} add pass udp from me to any 53 keep-state
${fwcmd} add pass udp from me to any 123 keep-state
"""
_RC_WORKSTATION = _RC_START + """
${fwcmd} add check-state
${fwcmd} add pass tcp from me to any established
${fwcmd} add pass tcp from me to any setup keep-state
${fwcmd} add pass udp from me to any keep-state
${fwcmd} add pass icmp from me to any keep-state
${fwcmd} add pass ipv6-icmp from me to any keep-state
${fwcmd} add pass udp from 0.0.0.0 68 to 255.255.255.255 67 out
${fwcmd} add pass udp from any 67 to me 68 in
${fwcmd} add pass udp from any 67 to 255.255.255.255 68 in
${fwcmd} add pass udp from fe80::/10 to me 546 in
${fwcmd} add pass icmp from any to any icmptype 8
${fwcmd} add pass ipv6-icmp from any to any icmp6type 128,129
${fwcmd} add pass icmp from any to any icmptype 3,4,11
${fwcmd} add pass ipv6-icmp from any to any icmp6type 3
for i in 192.0.2.0/24 2001:db8:1::/64 ; do
  for j in 22/tcp 53/udp 80 ; do
    case $j in
    */tcp) ${fwcmd} add pass tcp from $i to me ${j%/tcp} ;;
    */udp) ${fwcmd} add pass udp from $i to me ${j%/udp} ;;
    *) ${fwcmd} add pass tcp from $i to me $j ;;
    esac
  done
done
for i in 203.0.113.0/24 ; do
  ${fwcmd} add pass ip from $i to me
done
${fwcmd} add 65000 count ip from any to any
for i in 135-139,445 1026,1027 1433,1434 ; do
  ${fwcmd} add deny { tcp or udp } from any to any $i in
done
${fwcmd} add deny ip from any to 255.255.255.255
${fwcmd} add deny ip from any to 224.0.0.0/24 in
${fwcmd} add deny udp from any to any 520 in
${fwcmd} add deny tcp from any 80,443 to any 1024-65535 in
${fwcmd} add deny log logamount 500 ip from any to any
"""

# Without NAT, as when natd_enable is not set.
_RC_SIMPLE = _RC_START + """
oif="east0"
onet="198.51.100.0/24"
iif="west0"
inet="192.0.2.0/24"
oif6="east0"
onet6="2001:db8:2::/64"
iif6="west0"
inet6="2001:db8:1::/64"
${fwcmd} add deny all from ${inet} to any in via ${oif}
${fwcmd} add deny all from ${onet} to any in via ${iif}
${fwcmd} add deny all from ${inet6} to any in via ${oif6}
${fwcmd} add deny all from ${onet6} to any in via ${iif6}
BAD_ADDR_TBL=13
${fwcmd} table ${BAD_ADDR_TBL} flush
for net in 10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 0.0.0.0/8 169.254.0.0/16 192.0.2.0/24 224.0.0.0/4 240.0.0.0/4 ; do
  ${fwcmd} table ${BAD_ADDR_TBL} add ${net}
done
${fwcmd} add deny all from any to "table($BAD_ADDR_TBL)" via ${oif}
${fwcmd} add deny all from "table($BAD_ADDR_TBL)" to any via ${oif}
for net in fc00::/7 fec0::/10 ::ffff:0.0.0.0/96 ::/96 ff05::/16 ; do
  ${fwcmd} add deny all from any to ${net} via ${oif6}
  ${fwcmd} add deny all from ${net} to any via ${oif6}
done
${fwcmd} add pass tcp from any to any established
${fwcmd} add pass all from any to any frag
${fwcmd} add pass tcp from any to me 25 setup
${fwcmd} add pass tcp from any to me 53 setup
${fwcmd} add pass udp from any to me 53
${fwcmd} add pass udp from me 53 to any
${fwcmd} add pass tcp from any to me 80 setup
${fwcmd} add deny log ip4 from any to any in via ${oif} setup proto tcp
${fwcmd} add deny log ip6 from any to any in via ${oif6} setup proto tcp
${fwcmd} add pass tcp from any to any setup
${fwcmd} add pass udp from me to any 53 keep-state
${fwcmd} add pass udp from me to any 123 keep-state
"""


@contextlib.contextmanager
def _ipfw(net):
    """Runs shell scripts in the firewall's namespace, with the tool as `ipfw`; yields what runs one."""
    net.gateway.check_foreign()
    net.firewall.run("-q", "flush")

    with tempfile.TemporaryDirectory(prefix="ifb-") as directory:
        os.symlink(firewall.TOOL, f"{directory}/ipfw")

        def run(script):
            result = subprocess.run(net.gateway.command("sh", "-e"), input=script, text=True, capture_output=True, check=False,
                                    env={**os.environ, "PATH": f"{directory}:{os.environ['PATH']}"})
            harness.equal((result.returncode, result.stdout, result.stderr), (0, "", ""))
        yield run


@contextlib.contextmanager
def _services(host):
    with traffic.tcp_server(host, 22, 25, 80, 113, 8080), traffic.udp_server(host, 53, 123, 1000):
        yield


def _expect(outcomes):
    """Holds {(what, ...): (outcome, expected)} as a whole against what was expected."""
    harness.equal({what: outcome for what, (outcome, _) in outcomes.items()},
                  {what: expected for what, (_, expected) in outcomes.items()})


@harness.time_limit(60)
def test_handbook_workstation(net):
    with _ipfw(net) as run, _services(net.server), _services(net.gateway):
        run(_HANDBOOK)
        harness.equal(len(net.firewall.listing()), 36)
        connect, exchange = traffic.tcp_connect, traffic.udp_exchange
        _expect({
            "web out": (connect(net.gateway, SERVER.host4, 80), "ok"),
            "ssh out": (connect(net.gateway, SERVER.host4, 22), "ok"),
            "forwarded web": (connect(net.client, SERVER.host4, 80), "ok"),
            "another port": (connect(net.gateway, SERVER.host4, 8080), "timeout"),
            "name server": (exchange(net.gateway, SERVER.host4, 53), "ok"),
            "time": (exchange(net.gateway, SERVER.host4, 123), "ok"),
            "another service": (exchange(net.gateway, SERVER.host4, 1000), "enobufs"),
            "pinged": (traffic.ping(net.server, SERVER.firewall4), False),
            # From here on pings of the server have a state as well.
            "ping": (traffic.ping(net.gateway, SERVER.host4), True),
            "web in": (connect(net.server, SERVER.firewall4, 80), "ok"),
            "ident in": (connect(net.server, SERVER.firewall4, 113), "timeout"),
            "unasked": (exchange(net.server, SERVER.firewall4, 53), "timeout"),
            "LAN": (connect(net.client, CLIENT.firewall4, 8080), "ok"),
        })


@harness.time_limit(60)
def test_rc_firewall_client(net):
    with _ipfw(net) as run, _services(net.server), _services(net.gateway):
        run(_RC_CLIENT)
        connect, exchange = traffic.tcp_connect, traffic.udp_exchange
        for address, own, lan in ((SERVER.host4, SERVER.firewall4, CLIENT.firewall4),
                                  (SERVER.host6, SERVER.firewall6, CLIENT.firewall6)):
            _expect({
                "LAN": (connect(net.client, lan, 80), "ok"),
                "LAN's datagrams": (exchange(net.client, lan, 1000), "ok"),
                "mail in": (connect(net.server, own, 25), "ok"),
                "another service": (connect(net.server, own, 80), "timeout"),
                "TCP out": (connect(net.gateway, address, 80), "ok"),
                "name server": (exchange(net.gateway, address, 53), "ok"),
                "time": (exchange(net.gateway, address, 123), "ok"),
                "other datagrams": (exchange(net.gateway, address, 1000) == "ok", False),
                "unasked": (exchange(net.server, own, 53), "timeout"),
            })


@harness.three_hosts
@harness.time_limit(60)
def test_rc_firewall_workstation(net):
    with _ipfw(net) as run, _services(net.server), _services(net.gateway), _services(net.client):
        run(_RC_WORKSTATION)
        connect, exchange = traffic.tcp_connect, traffic.udp_exchange
        _expect({
            "TCP out": (connect(net.gateway, SERVER.host4, 8080), "ok"),
            "TCP out, IPv6": (connect(net.gateway, SERVER.host6, 8080), "ok"),
            "datagrams out": (exchange(net.gateway, SERVER.host4, 1000), "ok"),
            "datagrams out, IPv6": (exchange(net.gateway, SERVER.host6, 1000), "ok"),
            "ping out": (traffic.ping(net.gateway, SERVER.host4), True),
            "ping out, IPv6": (traffic.ping(net.gateway, SERVER.host6), True),
            "pinged": (traffic.ping(net.server, SERVER.firewall4), True),
            "ssh from the LAN": (connect(net.client, CLIENT.firewall4, 22), "ok"),
            "ssh from the LAN, IPv6": (connect(net.client, CLIENT.firewall6, 22), "ok"),
            "names from the LAN": (exchange(net.client, CLIENT.firewall4, 53), "ok"),
            "anything from who is trusted": (connect(net.other, OTHER.firewall4, 8080), "ok"),
            "anything from the LAN": (connect(net.client, CLIENT.firewall4, 8080), "timeout"),
            "ssh from elsewhere": (connect(net.server, SERVER.firewall4, 22), "timeout"),
            "unasked": (exchange(net.server, SERVER.firewall4, 53), "timeout"),
            "forwarded": (connect(net.client, SERVER.host4, 80), "timeout"),
        })


@harness.time_limit(120)
def test_rc_firewall_simple(net):
    with _ipfw(net) as run, _services(net.server), _services(net.gateway):
        run(_RC_SIMPLE)
        connect, exchange = traffic.tcp_connect, traffic.udp_exchange
        for address, own in ((SERVER.host4, SERVER.firewall4), (SERVER.host6, SERVER.firewall6)):
            _expect({
                "mail in": (connect(net.server, own, 25), "ok"),
                "web in": (connect(net.server, own, 80), "ok"),
                "names in": (exchange(net.server, own, 53), "ok"),
                "ssh in": (connect(net.server, own, 22), "timeout"),
                "unasked": (exchange(net.server, own, 123), "timeout"),
                "TCP out": (connect(net.gateway, address, 8080), "ok"),
                "name server": (exchange(net.gateway, address, 53), "ok"),
                "time": (exchange(net.gateway, address, 123), "ok"),
                "other datagrams": (exchange(net.gateway, address, 1000) == "ok", False),
            })
        _expect({
            "LAN": (connect(net.client, CLIENT.firewall4, 22), "ok"),
            "out of the LAN": (connect(net.client, SERVER.host6, 8080), "ok"),
            "out of a net that must not be seen outside": (connect(net.client, SERVER.host4, 8080), "timeout"),
            "into the LAN": (connect(net.server, CLIENT.host6, 8080), "timeout"),
        })


@harness.time_limit(60)
def test_session(net):
    """What a user does: an idle login, names, pings; unasked-for traffic; as many connections as are allowed."""
    with _ipfw(net) as run, _services(net.server), _services(net.gateway):
        run(_HANDBOOK)
        net.firewall.sysctl(dyn_syn_lifetime=1)
        with connections.Listener(net.server, 443) as listener, \
                connections.Connection(net.gateway, listener, SERVER.host4) as login:
            time.sleep(2)
            harness.true(login.exchange(b"ls\n"), "the login is broken")
        harness.equal(traffic.udp_exchange(net.gateway, SERVER.host4, 53), "ok")
        harness.true(traffic.ping(net.gateway, SERVER.host4, count=2), "no answer")
        harness.equal((traffic.tcp_connect(net.server, SERVER.firewall4, 25), traffic.udp_exchange(net.server, SERVER.firewall4, 53)),
                      ("timeout", "timeout"))
        net.firewall.sysctl(dyn_syn_lifetime=20)
        with connections.Listener(net.gateway, 8022):
            first, second = (traffic.tcp_socket(net.server, SERVER.firewall4) for _ in range(2))
            for one in (first, second):
                one.connect((SERVER.firewall4, 22))
            harness.equal(traffic.tcp_connect(net.server, SERVER.firewall4, 22), "timeout")
            second.setsockopt(traffic.socket.SOL_SOCKET, traffic.socket.SO_LINGER, traffic.struct.pack("ii", 1, 0))
            second.close()
            harness.true(traffic.wait_for(lambda: traffic.tcp_connect(net.server, SERVER.firewall4, 22) == "ok", patience=10),
                         "the place of the second is not given back")
            first.close()
