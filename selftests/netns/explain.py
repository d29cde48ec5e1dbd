# SPDX-License-Identifier: GPL-2.0-only
"""`ipfw-bpf explain`: its two forms, held against each other, and against what happens to real frames."""
import json
import re

import harness


def text(net, *words, status=0):
    """What it prints for people."""
    return net.firewall.run("explain", *words, status=status).stdout


def objects(net, *words, status=0):
    """The JSON objects that it prints, one a packet."""
    return [json.loads(line) for line in net.firewall.run("explain", "-j", *words, status=status).stdout.splitlines()]


_RULE = re.compile(r"^    (\d{5}) (.*)$")
_LOOKUP = re.compile(r"^      table (\S+): (.*)$")


def _told(printed):
    """What the text tells of the rules and the verdict of each packet."""
    passes = []
    for line in printed.splitlines():
        if re.match(r"^(in|out) via ", line):
            passes.append({"rules": [], "verdict": None, "direction": line.split()[0], "interface": line.split()[2].rstrip(":"),
                           "packet": line.split(": ", 1)[1].rsplit(", ", 1)[0]})
        elif match := _RULE.match(line):
            passes[-1]["rules"].append([int(match[1]), match[2], []])
        elif match := _LOOKUP.match(line):
            passes[-1]["rules"][-1][2].append([match[1], match[2]])
        elif line.startswith("  verdict: "):
            words = line.split(": ", 1)[1]
            passes[-1]["verdict"] = re.match(r"\w+", words)[0]
            passes[-1]["answer"] = words.split("would answer: ")[1] if "would answer" in words else None
    return passes


def _without_macs(description):
    return re.sub(r" mac [0-9a-f:]+ > [0-9a-f:]+", "", description)


def lookups(rule):
    """What a rule found in tables, as the text tells it: [table, text]."""
    return [[one["table"], f"{one['entry']} {one['value']}" if one["entry"] else f"nothing for {one['key']}"]
            for one in rule["lookups"]]


def both(net, *words):
    """The JSON objects, after making sure that the text says the same."""
    found = objects(net, *words)
    told = _told(text(net, *words))
    passes = [one for packet in found for one in packet["passes"]]
    harness.equal(len(told), len(passes), "passes in text and JSON")
    for line, one in zip(told, passes):
        harness.equal(line["rules"], [[rule["number"], rule["rule"], lookups(rule)] for rule in one["rules"]],
                      f"rules of {words}")
        for name in ("verdict", "direction", "interface"):
            harness.equal(line[name], one[name], f"{name} of {words}")
        harness.equal(line["packet"], _without_macs(one["packet"]), f"packet of {words}")
        answer = one.get("answer")
        if one["verdict"] != "pass":
            harness.equal(line["answer"], answer and re.sub(r" id \d+", "", _without_macs(answer["packet"])),
                          f"answer to {words}")
    quiet = net.firewall.run("explain", "-q", *words).stdout.split()
    harness.equal(quiet, [packet["verdict"] for packet in found], f"-q of {words}")
    return found


def one(net, *words):
    """The only pass of the only packet."""
    found = both(net, *words)
    harness.equal((len(found), len(found[0]["passes"])), (1, 1), f"packets and passes of {words}")
    return found[0]["passes"][0]


def numbers(explained):
    """Numbers of the rules that matched."""
    return [rule["number"] for rule in explained["rules"]]
