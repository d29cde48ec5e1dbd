# SPDX-License-Identifier: GPL-2.0-only
"""Programs that drive ipfw: some themselves, as Debian packages them, of others the commands that they run."""
import contextlib

import clients
import harness
import traffic
from network import CLIENT, OTHER


def _reach(net, host, link):
    """Whether a host's connections to the firewall's ssh come about, over IPv4 and IPv6."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(traffic.tcp_server(net.gateway, 22))
        return [traffic.tcp_connect(host, address, 22) == "ok" for address in (link.firewall4, link.firewall6)]


@harness.three_hosts
@harness.time_limit(60)
def test_fail2ban_with_a_table(net):
    """The action bsd-ipfw: one rule, offenders in a table."""
    with clients.Clients(net) as host:
        host.shell("printf 'flush\nadd 65000 allow ip from any to any\n' | ipfw -qf /dev/stdin")
        started = host.path("started")
        with clients.Fail2ban(host, f"bsd-ipfw[table=22, startstatefile={started}]") as fail2ban:
            harness.equal(_reach(net, net.client, CLIENT), [True, True])
            fail2ban.attack(CLIENT.host4)
            harness.equal(net.firewall.bodies()[111], ["unreach port ip from table(22) to me"])
            harness.equal(host.ipfw("table 22 list"), f"{CLIENT.host4}/32 0\n")
            before = net.firewall.packets(111)
            harness.equal(_reach(net, net.client, CLIENT), [False, True], "the offender")
            harness.true(net.firewall.packets(111) > before, "it was not the rule that refused the offender")
            harness.equal(_reach(net, net.other, OTHER), [True, True], "somebody else")
            fail2ban.attack(CLIENT.host6)
            harness.equal(_reach(net, net.client, CLIENT), [False, False])
            fail2ban.pardon(CLIENT.host4)
            harness.equal(_reach(net, net.client, CLIENT), [True, False])
            harness.equal(host.ipfw("table 22 list"), f"{CLIENT.host6}/128 0\n")
        harness.equal(fail2ban.errors(), [])
        harness.equal(list(net.firewall.bodies()), [65000], "the action's rule is still there")
        harness.equal(_reach(net, net.client, CLIENT), [True, True])


@harness.time_limit(60)
def test_fail2ban_finds_what_it_left(net):
    """It was killed: the rule and the offender are there when it starts again, and both count as success."""
    with clients.Clients(net) as host:
        host.ipfw("-q add 65000 allow ip from any to any")
        host.ipfw("-q add 300 unreach port ip from 'table(1)' to me")
        host.ipfw(f"table 1 add {CLIENT.host4}")
        with clients.Fail2ban(host, f"bsd-ipfw[startstatefile={host.path('started')}]") as fail2ban:
            fail2ban.attack(CLIENT.host4)
            harness.equal(sorted(net.firewall.bodies()), [300, 65000], "a second rule was made")
            host.ipfw(f"table 1 delete {CLIENT.host4}")
            fail2ban.pardon(CLIENT.host4)
        harness.equal(fail2ban.errors(), [])
        harness.equal(_reach(net, net.client, CLIENT), [True, True])


@harness.three_hosts
@harness.time_limit(60)
def test_fail2ban_with_rules(net):
    """The action ipfw: a rule for each offender, of which the number is found in the listing."""
    with clients.Clients(net) as host:
        host.configure(default_to_accept=1)
        host.ipfw("-q add 100 count ip from any to any")
        with clients.Fail2ban(host, f"ipfw[localhost={CLIENT.firewall4}]") as fail2ban:
            harness.equal(_reach(net, net.client, CLIENT), [True, True])
            fail2ban.attack(CLIENT.host4)
            fail2ban.attack(OTHER.host4)
            harness.equal(net.firewall.bodies()[200], [f"unreach port tcp from {CLIENT.host4} to {CLIENT.firewall4} 22"])
            harness.equal(_reach(net, net.client, CLIENT), [False, True], "the offender")
            harness.true(net.firewall.packets(200) > 0, "it was not the rule that refused the offender")
            fail2ban.pardon(CLIENT.host4)
            harness.equal(sorted(net.firewall.bodies()), [100, 300])
            harness.equal(_reach(net, net.client, CLIENT), [True, True], "after the pardon")
        harness.equal(fail2ban.errors(), [])
        harness.equal(sorted(net.firewall.bodies()), [100], "rules of offenders are still there")


@harness.three_hosts
@harness.time_limit(60)
def test_sshguard(net):
    """Reader, parser, blocker and the backend sshg-fw-ipfw of the package; it releases by itself."""
    with clients.Clients(net) as host:
        with clients.Sshguard(host, block_time=4) as sshguard:
            clients.wait_for(lambda: "22" in host.ipfw("table all info"), "sshguard made no table")
            host.shell("printf 'add deny ip from table(22) to any\nadd 65000 allow ip from any to any\n' | ipfw -q /dev/stdin")
            harness.equal(_reach(net, net.client, CLIENT), [True, True])

            def blocked():
                sshguard.attack(CLIENT.host4)  # again: the log's reader may not have been there
                return host.ipfw("table 22 list") == f"{CLIENT.host4}/32 0\n"

            clients.wait_for(blocked, f"sshguard did not block: {host.read('daemon.log')}")
            harness.equal(_reach(net, net.client, CLIENT), [False, True], "the offender")
            harness.equal(_reach(net, net.other, OTHER), [True, True], "somebody else")
            clients.wait_for(lambda: host.ipfw("table 22 list") == "", "sshguard did not release")
            harness.equal(_reach(net, net.client, CLIENT), [True, True], "after the release")
            host.ipfw("-q delete 100")
        clients.wait_for(lambda: "22" not in host.ipfw("table all info"), "sshguard's table outlives it")
