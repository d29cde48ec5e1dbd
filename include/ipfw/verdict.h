/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What generated match code returns to the runtime, and why a packet was dropped before any rule.
 */
#ifndef IPFW_VERDICT_H
#define IPFW_VERDICT_H

#ifndef __bpf__
#include <linux/types.h>
#endif

/* What becomes of the packet; the numbers are part of generated programs, not of pinned state. */
enum verdict {
	VERDICT_NONE = 0, /* no terminal rule in this function: go on at packet.resume */
	VERDICT_ALLOW,
	VERDICT_DENY,
	VERDICT_UNREACH,  /* drop; argument: ICMP code (needfrag MTU in bits 16..31) */
	VERDICT_UNREACH6, /* drop; argument: ICMPv6 code */
	VERDICT_RESET,	  /* drop; TCP RST in IPv4, ICMPv6 admin-prohibited in IPv6 */
	VERDICT_RESET6,	  /* drop; TCP RST in IPv6, nothing in IPv4 */
	VERDICT_ABORT,	  /* drop; SCTP ABORT in IPv4, as VERDICT_RESET for IPv6 */
	VERDICT_ABORT6,	  /* drop; SCTP ABORT in IPv6, nothing in IPv4 */
	VERDICT_BOUND,	  /* drop, counted as DROP_BOUND: rules call each other, or find states, too often */
	VERDICT_TAGS,	  /* drop, counted as DROP_CARRIED: more tags than a packet can have (PACKET_TAGS_MAX) */
	VERDICT_AGAIN,	  /* start over at packet.resume (PACKET_NEEDS_ROUNDS); argument: enum again */
	VERDICT_STATE,	  /* of a stretch: the rule makes a state before it acts (include/ipfw/stretch.h) */
};

/* Why a packet starts over. A round costs AGAIN_COST less that, and a packet has CALLS_MAX * AGAIN_COST to spend. */
#define AGAIN_COST 2
enum again {
	AGAIN_CALLED = 0,	       /* a call, a return, or a state is found: packets may do so endlessly */
	AGAIN_ONWARD = AGAIN_COST - 1, /* it goes on further down: where that was found out no stack is left for it */
};

/*
 * A match result is one 64-bit scalar: counter slot in bits 0..23, verdict in bits 24..31, argument of the
 * verdict in bits 32..63. It travels in R0, so a match costs one load and an exit.
 */
#define MATCH_RESULT(verdict, slot, argument) ((__u64)(argument) << 32 | (__u64)(verdict) << 24 | (__u64)(slot))
#define MATCH_VERDICT(result) ((__u32)((result) >> 24) & 0xff)
#define MATCH_SLOT(result) ((__u32)(result)&0xffffff)
#define MATCH_ARGUMENT(result) ((__u32)((result) >> 32))

/*
 * Drops that no rule decided. Stable numbers: index of the pinned map "drops", shown by
 * `ipfw-bpf status`.
 */
#define DROP_REASONS(X)                                                                                                \
	X(NONE, "none")                                                                                                \
	X(TRUNCATED, "truncated header")                                                                               \
	X(MALFORMED, "malformed header")                                                                               \
	X(BOGUS_FRAGMENT, "bogus fragment")                                                                            \
	X(UNKNOWN_EXTENSION, "unknown IPv6 extension header")                                                          \
	X(NO_RULESET, "no ruleset loaded")                                                                             \
	X(NO_VERDICT, "ruleset ended without a verdict")                                                               \
	X(BOUND, "too many calls, returns and states")                                                                 \
	X(CARRIED, "tags or routing table lost")

enum drop_reason {
#define X(name, text) DROP_##name,
	DROP_REASONS(X)
#undef X
		DROP_REASON_COUNT
};

/* Why a frame passed without meeting any rule. Only traces (maps/layout.h) tell. */
#define PASS_REASONS(X)                                                                                                \
	X(NOT_IP, "not IP")                                                                                            \
	X(OTHER_HOST, "addressed to another host")                                                                     \
	X(VLAN, "filtered on the VLAN's own device")                                                                   \
	X(OWN, "sent by the firewall itself")                                                                          \
	X(SHORT, "shorter than its link header")                                                                       \
	X(SWITCHED_OFF, "its IP version is switched off")

enum pass_reason {
#define X(name, text) PASS_##name,
	PASS_REASONS(X)
#undef X
		PASS_REASON_COUNT
};

#endif
