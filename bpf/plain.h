/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For programs of plain rulesets (plan_plain()): what the loader writes into other programs before it loads them is 0
 * in these, and known to the compiler. The verifier need not find, and take out, what that leaves out. Before all other
 * headers.
 */
#ifndef BPF_PLAIN_H
#define BPF_PLAIN_H

#define RULESET_PLAIN

#endif
