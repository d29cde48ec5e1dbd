# SPDX-License-Identifier: GPL-2.0-only
"""Where a firewall lives: one per network namespace, in pins, until `down`; several callers at once."""
import contextlib
import glob
import json
import os
import re
import shutil
import subprocess
import tempfile
import time

import firewall
import harness
import namespaces
import pins
import traffic
from network import CLIENT, SERVER

OPEN = "65000 allow ip from any to any"
_PID_NAMESPACE_OF_MACHINE = 0xeffffffc


def test_refuses_its_own_namespace():
    """The harness's promise, without which no other test may run."""
    if namespaces.in_virtual_machine():
        raise harness.Skip("the virtual machine's own namespace may be filtered")
    own = namespaces.Namespace("own")
    own.path = "/proc/self/ns/net"
    try:
        firewall.Firewall(own).run("list")
    except namespaces.Failure:
        return
    raise namespaces.Failure("the tool was run in the namespace that the tests were started in")


def test_each_namespace_has_its_own(net):
    at_client = firewall.Firewall(net.client)
    try:
        net.firewall.load("100 count icmp from any to any\n" + OPEN)
        at_client.load("200 deny udp from any to any 9 out\n" + OPEN)
        harness.equal(set(net.firewall.bodies()), {100, 65000})
        harness.equal(set(at_client.bodies()), {200, 65000})
        harness.true(traffic.ping(net.client, SERVER.host4), "no answer")
        harness.equal(net.firewall.packets(100), 4)
        harness.equal(traffic.udp_exchange(net.client, SERVER.host4, 10), "refused")
        harness.true(traffic.udp_exchange(net.client, SERVER.host4, 9) != "refused", "the client's rule does nothing")
        net.firewall("down")
        harness.equal(set(at_client.bodies()), {200, 65000}, "`down` of another namespace")
        harness.true(traffic.udp_exchange(net.client, SERVER.host4, 9) != "refused", "`down` of another namespace")
    finally:
        at_client.down()


@contextlib.contextmanager
def _lasting_root():
    """A pin root that `ip netns exec` does not hide where process 1, which the tool asks for one, is out of reach."""
    if os.access("/proc/1/root/sys/fs/bpf", os.X_OK):
        yield {}
        return
    directory = tempfile.mkdtemp(prefix="ifb-")
    subprocess.run(["mount", "-t", "bpf", "bpf", directory], check=True)
    try:
        yield {"IPFW_BPF_PIN_ROOT": directory + "/ipfw"}
    finally:
        subprocess.run(["umount", directory], check=False)
        os.rmdir(directory)


@harness.time_limit(60)
def test_under_ip_netns_exec_and_nsenter(net):
    net.gateway.check_foreign()
    with _lasting_root() as environment:
        def through(*prefix):
            return lambda *words: subprocess.run([*prefix, firewall.TOOL, *words], text=True, capture_output=True,
                                                 check=True, env={**os.environ, **environment}).stdout

        by_exec = through("ip", "netns", "exec", net.gateway.name)
        by_nsenter = through("nsenter", f"--net={net.gateway.path}")
        try:
            by_exec("add", "100", "deny", "icmp", "from", "any", "to", "any")
            by_nsenter("add", "200", "allow", "ip", "from", "any", "to", "any")
            harness.equal(by_exec("list"), by_nsenter("list"))
            harness.equal(len(by_exec("list").splitlines()), 3)
            harness.true(not traffic.ping(net.client, SERVER.host4), "deny does not work")
            by_exec("delete", "100")
            harness.true(traffic.ping(net.client, SERVER.host4), "delete does not work")
            harness.contains(by_exec("show"), "allow ip from any to any")
        finally:
            by_nsenter("down")
        harness.equal(by_exec("list").splitlines(), ["65535 deny ip from any to any"])


def _status(net):
    return net.firewall.run("status").stdout


def test_status(net):
    harness.true("west0" not in _status(net) or "not" in _status(net), "status of no firewall")
    net.firewall.load("100 reset tcp from any to any\n" + OPEN)
    status = _status(net)
    for word in ("lo", "west0", "east0", "xdp", "tc", "native", "generation"):
        harness.contains(status.lower(), word)
    before = re.findall(r"generation\D*(\d+)", status)
    net.firewall("add 50 count ip from any to any")
    harness.true(re.findall(r"generation\D*(\d+)", _status(net)) != before, "the generation did not change")
    for program in set(re.findall(r"\bid (\d+)", status)):
        harness.true(int(program) > 0, "a program without id")


def _bpftool(*arguments):
    harness.require_program("bpftool")
    result = subprocess.run(["bpftool", *arguments], text=True, capture_output=True, check=False)
    if result.returncode != 0:
        raise harness.Failure(f"bpftool {' '.join(arguments)}: {result.stderr.strip() or result.stdout.strip()}")
    return result.stdout


def test_pins_show_field_names(net):
    net.firewall.load("100 count icmp from any to any\n" + OPEN)
    traffic.ping(net.client, SERVER.host4)
    harness.equal(net.firewall.counters(100), (4, 336), "the pins outlive the process that made them")
    paths = {os.path.basename(path): path for path in pins.files(net.gateway.cookie())}
    harness.contains(_bpftool("map", "dump", "pinned", paths["control"]), '"generation"')
    counters = _bpftool("map", "dump", "pinned", paths["counters_0"])
    for field in ('"packets": 4', '"bytes": 336', '"last_match"'):
        harness.contains(counters, field)
    harness.contains(_bpftool("map", "dump", "pinned", paths["drops"]), '"packets"')


def _programs(net):
    """Ids of the programs in this namespace's program arrays."""
    found = set()
    for path in pins.files(net.gateway.cookie()):
        if os.path.basename(path).endswith("_programs"):
            for entry in json.loads(_bpftool("-j", "map", "dump", "pinned", path)):
                value = entry.get("formatted", {}).get("value", entry.get("value"))
                if isinstance(value, list) and value and isinstance(value[0], str):
                    value = int.from_bytes(bytes(int(byte, 16) for byte in value), "little")
                if isinstance(value, int) and value:
                    found.add(value)
    return found


def test_programs_show_the_rules(net):
    net.firewall.load("100 deny tcp from 10.86.44.0/24 to any 22 in // brute force\n"
                      "200 count udp from any to any 53\n" + OPEN)
    programs = _programs(net)
    harness.true(programs, "no programs in the arrays")
    text = "".join(_bpftool("prog", "dump", "xlated", "id", str(program), "linum") for program in programs)
    harness.contains(text, "00100 deny tcp from 10.86.44.0/24 to any 22 in")
    harness.contains(text, "00200 count udp from any to any 53")


def test_programs_bring_no_lines_of_their_own(net):
    """Every commit would link and load them. The kernel wants one for each function."""
    net.firewall.load("100 deny tcp from 10.86.44.0/24 to any 22\n" + OPEN)
    for program in _programs(net):
        lines = _bpftool("prog", "dump", "xlated", "id", str(program), "linum").splitlines()
        functions = [line for line in lines if re.match(r"\w.*\):$", line)]
        own = [line for line in lines if re.match(r";.*\[file:\S+\.[ch] ", line)]
        harness.true(functions, "no functions are shown")
        harness.true(len(own) <= len(functions), f"{len(own)} lines for {len(functions)} functions: {own[:5]}")


def _leftovers(net):
    """What is attached or pinned in the firewall's namespace."""
    links = net.gateway.run("ip", "-d", "link", "show").stdout
    qdiscs = net.gateway.run("tc", "qdisc", "show").stdout
    found = [word for word in ("xdp", "xdpgeneric", "prog/xdp") if re.search(rf"\b{word}\b", links)]
    found += ["clsact"] if "clsact" in qdiscs else []
    return found + pins.files(net.gateway.cookie())


def test_down_leaves_nothing(net):
    net.firewall.load("100 deny icmp from any to any\n110 reset tcp from any to any 9\n" + OPEN)
    harness.true(len(_leftovers(net)) > 5, "nothing attached and pinned: this test cannot see it")
    programs = _programs(net)
    harness.true(not traffic.ping(net.client, SERVER.host4), "deny does not work")
    net.firewall("down")
    harness.equal(_leftovers(net), [])
    harness.true(not os.path.exists(pins.directory(net.gateway.cookie())), "the pin directory is still there")
    harness.true(traffic.ping(net.client, SERVER.host4), "it filters although it is down")
    time.sleep(0.3)
    alive = {program["id"] for program in json.loads(_bpftool("-j", "prog", "show"))}
    harness.equal(sorted(programs & alive), [], "programs still loaded")
    net.firewall("down")
    net.firewall("add 100 deny icmp from any to any")
    harness.true(not traffic.ping(net.client, SERVER.host4), "no firewall after `down`")


def test_pins_of_dead_namespaces_are_swept():
    """A namespace deleted without `down` leaves pins, which `down` anywhere removes."""
    if os.stat("/proc/self/ns/pid").st_ino != _PID_NAMESPACE_OF_MACHINE or not os.path.exists("/proc/1/ns/net"):
        raise harness.Skip("in a sandbox nobody can tell which network namespaces are alive")
    dead, other = (namespaces.Namespace(namespaces.Namespace.new_name()) for _ in range(2))
    namespaces.create(dead, other)
    cookie = dead.cookie()
    try:
        firewall.Firewall(dead)("add 100 allow ip from any to any")
        harness.true(cookie in pins.namespaces(), "no pins")
        namespaces.remove(dead)

        def swept():
            firewall.Firewall(other)("-q add 100 allow ip from any to any")
            firewall.Firewall(other)("down")
            return cookie not in pins.namespaces()

        harness.true(traffic.wait_for(swept, 10), "the dead namespace's pins are still there")
    finally:
        namespaces.remove(other)
        shutil.rmtree(pins.directory(cookie), ignore_errors=True)


@harness.time_limit(60)
def test_parallel_adds(net):
    net.firewall.load(OPEN)
    started = [net.firewall.start("add", f"{1000 + index}", "count", "udp", "from", "any", "to", "any", str(index + 1))
               for index in range(20)]
    for process in started:
        _, errors = process.communicate(timeout=50)
        harness.equal((process.returncode, errors), (0, ""))
    harness.equal([line[:5] for line in net.firewall.listing()],
                  [f"{1000 + index:05}" for index in range(20)] + ["65000", "65535"])
    traffic.udp_send(net.client, SERVER.host4, 20, [b"x"])
    harness.true(traffic.wait_for(lambda: net.firewall.packets(1019) == 2), "the last rule does not count")


@harness.time_limit(60)
def test_parallel_automatic_numbers(net):
    started = [net.firewall.start("add", "count", "udp", "from", "any", "to", "any", str(index + 1))
               for index in range(20)]
    for process in started:
        _, errors = process.communicate(timeout=50)
        harness.equal((process.returncode, errors), (0, ""))
    harness.equal([line[:5] for line in net.firewall.listing()],
                  [f"{100 * index:05}" for index in range(1, 21)] + ["65535"])


@harness.time_limit(120)
def test_readers_see_whole_rulesets(net):
    """While a writer swaps two rulesets, every listing is one of the two."""
    texts = []
    for action, step in (("allow", 10), ("deny", 7)):
        texts.append("".join(f"add {100 + step * index} {action} udp from any to any {index + 1}\n"
                             for index in range(60)))
    expected = []
    for text in texts:
        net.firewall.run("-q", "/dev/stdin", stdin="flush\n" + text)
        expected.append(net.firewall("list"))
    swaps = 40 if namespaces.in_virtual_machine() else 200
    script = ('for i in $(seq "$1"); do "$0" -q "$2" || exit 1; "$0" -q "$3" || exit 1; done')
    with tempfile.TemporaryDirectory(prefix="ifb-") as directory:
        paths = []
        for index, text in enumerate(texts):
            paths.append(f"{directory}/{index}")
            with open(paths[-1], "w", encoding="ascii") as file:
                file.write("flush\n" + text)
        argv = net.gateway.command("sh", "-c", script, firewall.TOOL, str(swaps // 2), *paths)
        with subprocess.Popen(argv, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as writer:
            seen = [0, 0]
            while writer.poll() is None:
                listing = net.firewall("list")
                if listing not in expected:
                    writer.kill()
                    raise harness.Failure(f"a listing of neither ruleset: {listing[:300]!r} ...")
                seen[expected.index(listing)] += 1
            harness.equal((writer.returncode, writer.stdout.read()), (0, ""))
    harness.true(min(seen) > 0, f"the readers saw only one of the rulesets: {seen}")


def test_new_interfaces_and_addresses(net):
    """What exists when a command runs is covered, also what was made after the firewall."""
    net.firewall.load("100 deny icmp from any to me in\n" + OPEN)
    net.gateway.ip("link add dev new0 type veth peer name new1", "link set new0 up",
                   "addr add 192.0.2.55/24 dev west0")
    net.firewall("add 110 count ip from any to any via new0")
    harness.true(not traffic.ping(net.client, "192.0.2.55"), "`me` does not know the new address")
    harness.contains(_status(net), "new0")
    harness.equal(CLIENT.interface, "west0")


def test_tool_leaves_no_process(net):
    net.firewall.load(OPEN)
    listing = subprocess.run(["ip", "netns", "pids", net.gateway.name], text=True, capture_output=True, check=True)
    harness.equal(listing.stdout, "", "processes in the firewall's namespace")
    found = set(glob.glob("/tmp/ipfw*")) - set(glob.glob("/tmp/ipfw-bench-*"))
    harness.equal(found, set(), "temporary files")
