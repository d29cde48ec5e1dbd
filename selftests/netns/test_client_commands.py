# SPDX-License-Identifier: GPL-2.0-only
"""The commands that programs run which drive ipfw and are no packages here: exit codes, and output as they read it."""
import time

import clients
import harness
import traffic
from network import CLIENT, OTHER, SERVER


def _passes(net):
    """Which of ping over IPv4 and IPv6 are answered."""
    return traffic.ping(net.client, SERVER.host4), traffic.ping(net.client, SERVER.host6)


def test_sshguard(net):
    """The commands of sshg-fw-ipfw, several addresses at once too."""
    with clients.Clients(net) as host:
        harness.equal(host.shell("ipfw table 22 create 2>/dev/null || ipfw table 22 list").stdout, "")
        host.ipfw("-q add deny ip from 'table(22)' to any")
        host.ipfw("-q add allow ip from any to any")
        harness.true(host.ipfw("table 22 create 2>/dev/null", status=71) == "", "output of a failure")
        harness.equal(host.ipfw(f"-q table 22 add {CLIENT.host4}/32 203.0.113.5/32"), "")
        harness.equal(host.ipfw(f"-q table 22 add {CLIENT.host4}/32"), "", "what is there already")
        shown = host.shell("ipfw table 22 create 2>/dev/null || ipfw table 22 list").stdout
        harness.equal(shown, f"{CLIENT.host4}/32 0\n203.0.113.5/32 0\n")
        harness.equal(_passes(net), (False, True))
        host.ipfw(f"-q table 22 delete {CLIENT.host4}/32")
        host.ipfw(f"-q table 22 delete {CLIENT.host4}/32")
        harness.equal(_passes(net), (True, True))
        host.ipfw(f"-q table 22 add {CLIENT.host6}/128")
        harness.equal(_passes(net), (True, False))
        host.ipfw("table 22 flush")
        harness.equal(_passes(net), (True, True))
        harness.equal(host.ipfw("table 22 destroy 2>/dev/null", status=71), "", "a rule refers to the table")
        host.ipfw("delete 100")
        host.ipfw("table 22 destroy")
        host.ipfw("table 22 list 2>/dev/null", status=71)


_BLOCKLISTD_ADD = """ipfw table port22 create type addr 2>/dev/null
ipfw -q table port22 add "{address}/32"
ipfw show 2022 >/dev/null 2>&1 || ipfw add 2022 drop tcp from table"(port22)" to any dst-port 22"""


def test_blocklistd(net):
    """The commands of blocklistd-helper: a table and a rule for each port."""
    with clients.Clients(net) as host, traffic.tcp_server(net.server, 22, 80):

        def reached():
            return [traffic.tcp_connect(net.client, SERVER.host4, port) for port in (22, 80)]

        host.ipfw("-q add 65000 allow ip from any to any")
        host.ipfw("show 2022 >/dev/null 2>&1", status=69)
        added = host.shell(_BLOCKLISTD_ADD.format(address="198.51.100.7")).stdout
        harness.equal(added, "02022 deny tcp from table(port22) to any 22\n")
        harness.equal(reached(), ["ok", "ok"])
        harness.equal(host.shell(_BLOCKLISTD_ADD.format(address=CLIENT.host4)).stdout, "", "the rule is there already")
        harness.equal(len(net.firewall.bodies()[2022]), 1)
        harness.equal(reached(), ["timeout", "ok"])
        harness.equal(host.ipfw(f'table port22 delete "{CLIENT.host4}/32" 2>/dev/null'), f"deleted: {CLIENT.host4}/32 0\n")
        harness.equal(reached(), ["ok", "ok"])
        missing = host.ipfw(f'table port22 delete "{CLIENT.host4}/32" 2>/dev/null', status=71)
        harness.equal(missing, f"notfound: {CLIENT.host4}/32 0\n")
        host.ipfw("table port22 flush 2>/dev/null")
        harness.equal(host.ipfw("table port22 list"), "")


def test_crowdsec(net):
    with clients.Clients(net) as host:
        host.ipfw("table crowdsec create type addr")
        harness.contains(host.shell("ipfw table crowdsec create type addr", 71).stderr, "File exists")
        host.ipfw("-q add deny ip from 'table(crowdsec)' to any")
        host.ipfw("-q add allow ip from any to any")
        harness.equal(host.ipfw(f"-q table crowdsec add {CLIENT.host4}"), "")
        host.ipfw(f"-q table crowdsec add {CLIENT.host6}")
        harness.equal(_passes(net), (False, False))
        harness.equal(host.ipfw(f"-q table crowdsec delete {CLIENT.host4}"), "")
        harness.equal(_passes(net), (True, False))
        host.ipfw("table crowdsec flush")
        harness.equal(_passes(net), (True, True))


# The rules file that OPNsense makes, and what is listed then: protocols by name where /etc/protocols has them.
_OPNSENSE_RULES = {
    "100 allow pfsync from any to any": "allow pfsync from any to any",
    "110 allow carp from any to any": "allow carp from any to any",
    "120 pass layer2 mac-type arp,rarp": "allow layer2 mac-type 0x0806,0x8035",
    "130 pass layer2 mac-type 0x888e,0x88c7": "allow layer2 mac-type 0x888e,0x88c7",
    "140 pass layer2 mac-type 0x8863,0x8864": "allow layer2 mac-type 0x8863,0x8864",
    "150 deny layer2 not mac-type ip,ipv6": "deny layer2 not mac-type 0x0800,0x86dd",
    "200 skipto 60000 ipv6 from ::1 to any": "skipto 60000 ip6 from ::1 to any",
    "201 skipto 60000 ipv4 from 127.0.0.0/8 to any": "skipto 60000 ip4 from 127.0.0.0/8 to any",
    "202 skipto 60000 ipv6 from any to ::1": "skipto 60000 ip6 from any to ::1",
    "203 skipto 60000 ipv4 from any to 127.0.0.0/8": "skipto 60000 ip4 from any to 127.0.0.0/8",
    "3000 skipto tablearg ip from table(0) to any via em1": "skipto tablearg ip from table(0) to any via em1",
    "3000 skipto tablearg ip from any to table(0) via em1": "skipto tablearg ip from any to table(0) via em1",
    "60000 return via any": "return via any",
    "65533 pass ip from any to any": "allow ip from any to any",
    "65534 deny all from any to any": "deny ip from any to any",
}
# What it has besides needs pipes and queues, which do not exist yet: these are read and printed.
_OPNSENSE_SHAPER = {
    "60001 queue 10000 tcp from 192.168.1.0/24 to any src-port any dst-port 443 out via igb0 // 6f9c wan: Web":
        "queue 10000 tcp from 192.168.1.0/24 to any 443 out via igb0 // 6f9c wan: Web",
    "60002 pipe 10001 ip from any to not 10.0.0.0/8 src-port any dst-port any recv igb1 xmit igb0 // uuid lan -> wan: text":
        "pipe 10001 ip from any to not 10.0.0.0/8 recv igb1 xmit igb0 // uuid lan -> wan: text",
    "60003 pipe 10002 tcp from any to any src-port any dst-port any out tcpflags ack iplen 1-80 via igb0 // uuid wan: ACK":
        "pipe 10002 tcp from any to any out tcpflags ack iplen 1-80 via igb0 // uuid wan: ACK",
    "60004 pipe 10002 tcp from any to any src-port any dst-port any out not tcpflags ack via igb0 // uuid wan: no ACK":
        "pipe 10002 tcp from any to any out not tcpflags ack via igb0 // uuid wan: no ACK",
    "60005 queue 10003 udp from any to any src-port any dst-port 5060 out dscp ef,af41 via igb0 // uuid wan: voip":
        "queue 10003 udp from any to any 5060 out dscp af41,ef via igb0 // uuid wan: voip",
}


def test_opnsense_rules(net):
    with clients.Clients(net) as host:
        path = host.write("ipfw.rules", "flush\n" + "".join(f"add {rule}\n" for rule in _OPNSENSE_RULES))
        host.ipfw(f"-f -q {path}")
        harness.equal([line.split(" ", 1)[1] for line in net.firewall.listing()[:-1]], list(_OPNSENSE_RULES.values()))
        harness.equal(_passes(net), (True, True))
        harness.equal(net.firewall.packets(65533), 8)
        host.shell("ipfw -q sysctl net.link.ether.ipfw=1")
        harness.equal(_passes(net), (True, True), "frames that are IP were denied")
        for rule, listed in _OPNSENSE_SHAPER.items():
            path = host.write("shaper.rules", f"add {rule}\n")
            harness.equal(host.ipfw(f"-n {path}").split(" ", 1)[1], listed + "\n")


def _accounting(text):
    """{address: [packets, bytes, time of the last one]} of the rules that the captive portal counts clients with."""
    found = {}
    for line in text.splitlines():
        number, packets, size, seconds, action, *rest = line.split()
        if 30001 <= int(number) <= 50000 and action == "count":
            address = rest[2] if rest[2] != "any" else rest[4]
            sums = found.setdefault(address, [0, 0, 0])
            sums[0] += int(packets)
            sums[1] += int(size)
            sums[2] = max(sums[2], int(seconds))
    return found


@harness.three_hosts
def test_opnsense_captive_portal(net):
    """Clients that have logged in are in a table, each with two rules of one number that count its traffic."""
    with clients.Clients(net) as host:
        host.ipfw("-q table 1 create")
        host.shell("printf 'add 100 deny ip from not table(1) to not table(1)\nadd 65533 pass ip from any to any\n' | "
                   "ipfw -q /dev/stdin")
        for address, number in ((CLIENT.host4, 30001), (OTHER.host4, 30002)):
            harness.equal(host.ipfw(f"table 1 add {address}"), f"added: {address}/32 0\n")
            host.ipfw(f"-q add {number} count ip from {address} to any")
            host.ipfw(f"-q add {number} count ip from any to {address}")
        harness.equal([line.split()[0] for line in host.ipfw("table 1 list").splitlines()],
                      [f"{CLIENT.host4}/32", f"{OTHER.host4}/32"])
        begin = int(time.time())
        harness.true(traffic.ping(net.client, SERVER.host4, count=3), "a client that has logged in was not let through")
        harness.true(not traffic.ping(net.client, SERVER.host6), "an address that is not in the table was let through")
        counted = _accounting(host.ipfw("-aT list"))
        harness.equal(counted[CLIENT.host4][:2], [12, 12 * 84])
        harness.within(counted[CLIENT.host4][2], begin - 1, time.time() + 1, "time of the last packet")
        harness.equal(counted[OTHER.host4], [0, 0, 0])
        host.ipfw(f"table 1 delete {CLIENT.host4}")
        host.ipfw("delete 30001")
        harness.equal(sorted(_accounting(host.ipfw("-aT list"))), [OTHER.host4])
        harness.true(not traffic.ping(net.client, SERVER.host4), "a client that has logged out was let through")


_OVER_LIMIT = """ipfw -a list | grep " log " | grep ' logamount ' |
awk '{if ($6 == "logamount") {if ($2 > $7) print $0}}'"""


def test_periodic(net):
    """The daily reports of FreeBSD, and what its rc.d/ipfw asks for to know whether the firewall is closed."""
    with clients.Clients(net) as host:
        harness.equal(host.ipfw("list 65535"), "65535 deny ip from any to any\n")
        host.shell("printf 'add 100 deny log logamount 2 icmp from any to any\nadd 200 reset tcp from any to any 25\n"
                   "add 300 deny log logamount 9 ipv6-icmp from any to any\nadd 65000 allow ip from any to any\n' | "
                   "ipfw -q /dev/stdin")
        denied = [line.split()[0] for line in host.shell('ipfw -a list 2>/dev/null | grep -E "deny|reset|unreach"').stdout
                  .splitlines()]
        harness.equal(denied, ["00100", "00200", "00300", "65535"])
        harness.equal(host.shell(_OVER_LIMIT).stdout, "")
        for _ in range(3):
            harness.equal(_passes(net), (False, False))
        over = host.shell(_OVER_LIMIT).stdout.splitlines()
        harness.equal([line.split()[:2] for line in over], [["00100", "3"]])
