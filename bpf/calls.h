/* SPDX-License-Identifier: GPL-2.0-only */
/* The stack of `call` and `return` (ipfw(8), RULE ACTIONS), in the same two elements as struct handover. */
#ifndef BPF_CALLS_H
#define BPF_CALLS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "bpf/traced.h"
#include "ipfw/limits.h"
#include "ipfw/packet.h"
#include "ipfw/rule.h"
#include "maps/layout.h"

/* Positions in the plan where a `return` may go on. */
struct call_frame {
	__u32 next_rule;   /* the rule behind the caller */
	__u32 next_number; /* the first rule with a higher number than the caller's */
};

struct call_stack {
	struct call_frame frames[CALL_DEPTH_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, HANDOVERS);
	__type(key, __u32);
	__type(value, struct call_stack);
} call_stacks SEC(".maps");

/* The packet's frame number `depth` on this CPU; NULL only for the verifier. */
static __always_inline struct call_frame *call_frame_find(const struct packet *packet, __u32 depth)
{
	__u32 key = packet_traced(packet) ? HANDOVER_TRACED : HANDOVER_NETWORK;
	struct call_stack *stack = bpf_map_lookup_elem(&call_stacks, &key);

	return stack ? &stack->frames[depth & (CALL_DEPTH_MAX - 1)] : NULL;
}

/*
 * For generated code: goes to position `target`, which is left in packet->resume, and notes where to return to. Returns
 * 1, or 0 when the stack is full: the call does not happen.
 */
__noinline int packet_call(struct packet *packet, __u32 target, __u32 next_rule, __u32 next_number)
{
	struct call_frame *frame;

	if (!packet || packet->call_depth >= CALL_DEPTH_MAX)
		return 0;
	frame = call_frame_find(packet, packet->call_depth);
	if (!frame)
		return 0;
	frame->next_rule = next_rule;
	frame->next_number = next_number;
	packet->call_depth++;
	packet->resume = target;
	return 1;
}

/*
 * Likewise: takes the position to go on at, for `to` (enum return_to), off the stack. Returns 1, or 0 when there is no
 * call to return from.
 */
__noinline int packet_return(struct packet *packet, __u32 to)
{
	struct call_frame *frame;

	if (!packet || !packet->call_depth || packet->call_depth > CALL_DEPTH_MAX)
		return 0;
	packet->call_depth--;
	frame = call_frame_find(packet, packet->call_depth);
	if (!frame)
		return 0;
	packet->resume = to == RETURN_TO_NEXT_RULE ? frame->next_rule : frame->next_number;
	return 1;
}

#endif
