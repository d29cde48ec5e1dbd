/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Traced frames: the tool runs the loaded programs on frames of its own (BPF_PROG_TEST_RUN), which are not sent
 * anywhere, and reads here what became of them. They are made so that the fast parser gives up; the slow one recognises
 * their mark and sets packet.segments to 0, by which all code behind it knows them at no cost.
 */
#ifndef BPF_TRACE_H
#define BPF_TRACE_H

#include <linux/if_ether.h>
#include <bpf/bpf_helpers.h>

#include "bpf/link.h"
#include "bpf/maps_trace.h"
#include "bpf/traced.h"
#include "ipfw/verdict.h"

/* Whether the frame bears the mark. Not for the fast path. */
static __always_inline bool frame_traced(hook_context *context)
{
	const struct control *settings = control_find();
	struct trace_mark mark;

	return settings && frame_trace_mark(context, &mark) && mark.reply_mark == settings->reply_mark &&
	       mac_equal(mark.reply_mac, settings->reply_mac);
}

/* Puts the true source back into a copy of a traced frame's link header. */
static __always_inline void trace_source(hook_context *context, struct ethhdr *ethernet)
{
	struct trace_mark mark;

	if (frame_trace_mark(context, &mark))
		__builtin_memcpy(ethernet->h_source, mark.source_mac, ETH_ALEN);
}

/* Gives a traced packet what it shall bring along from the rules on input. */
static __always_inline void trace_carried(struct packet *packet)
{
	const struct trace *found = trace_find();

	if (!found)
		return;
	packet->fib = found->packet.fib;
	packet->tags = found->packet.tags;
}

static __always_inline void trace_end(__u32 outcome, __u32 reason)
{
	struct trace *found = trace_find();

	if (!found)
		return;
	found->outcome = outcome;
	found->reason = reason;
}

/* The frame passes without meeting any rule, for enum pass_reason. */
static __always_inline void trace_pass(__u32 reason)
{
	trace_end(TRACE_PASSED, reason);
}

/* The frame is dropped without a rule, for enum drop_reason. */
static __always_inline void trace_drop(__u32 reason)
{
	trace_end(TRACE_DROPPED, reason);
}

/* Notes that the rule with this counter slot matched. Global, so that the verifier walks it once. Returns 0. */
__noinline int trace_rule(struct packet *packet, __u32 slot)
{
	struct trace *found = trace_find();
	__u32 index;

	if (!packet || !found)
		return 0;
	if (packet->layer2)
		slot |= TRACE_SLOT_LAYER2;
	index = found->matches++;
	if (index >= TRACE_RULES_MAX)
		index = TRACE_RULES_MAX - 1;
	found->slots[index] = slot;
	return 0;
}

/* Why a packet with this match result is dropped without a rule; DROP_NONE: a rule decided. */
static __always_inline __u32 reason_undecided(__u64 result)
{
	switch (MATCH_VERDICT(result)) {
	case VERDICT_NONE:
		return DROP_NO_VERDICT;
	case VERDICT_BOUND:
		return DROP_BOUND;
	case VERDICT_TAGS:
		return DROP_CARRIED;
	default:
		return DROP_NONE;
	}
}

/* Notes how the search of a traced packet has ended. Returns whether a rule decided. Global as above. */
__noinline int trace_result(struct packet *packet, __u64 result)
{
	__u32 reason = reason_undecided(result);
	struct trace *found = trace_find();

	if (!packet || !found)
		return 0;
	found->packet = *packet;
	found->result = result;
	if (reason != DROP_NONE) {
		trace_drop(reason);
		return 0;
	}
	trace_rule(packet, MATCH_SLOT(result));
	trace_end(TRACE_DECIDED, 0);
	return 1;
}

#endif
