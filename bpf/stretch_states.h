/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rules of classified stretches that make states: a module. Their tests are those of the stretch; what they do behind
 * them is data (struct stretch_state), so that thousands of them cost no code.
 */
#ifndef BPF_STRETCH_STATES_H
#define BPF_STRETCH_STATES_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "bpf/stretch_code.h"
#include "ipfw/packet.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* the loader sets it, as of the following */
	__type(key, __u32);
	__type(value, struct stretch_state);
} stretch_states SEC(".maps");

/* By position: that of the first rule of the same stretch from there on that asks for states, or ~0. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64); /* elements of less lie as far apart */
} stretch_questions SEC(".maps");

/* Of states.h. */
extern int packet_state_keep(struct packet *packet, __u32 slot, __u32 name, __u32 order, __u32 connections);

/* What a packet does that the action has not stopped: it goes on at `at`. */
static __always_inline __u64 stretch_state_next(struct packet *packet, __u32 at, enum again why)
{
	packet->resume = at;
	return MATCH_RESULT(VERDICT_AGAIN, 0, why);
}

/*
 * Performs the rule's action. Returns what a function of rules would, with VERDICT_AGAIN, and `why`, for VERDICT_NONE.
 */
static __always_inline __u64 stretch_state_act(hook_context *context, struct packet *packet,
					       const struct stretch_state *rule, enum again why)
{
	__u64 result = 0;

	if (rule->code)
		result = stretch_code(context, packet, rule->group, rule->code, STRETCH_RULE(rule));
	switch (rule->action) {
	case DISPATCH_VERDICT:
		return rule->result;
	case DISPATCH_CODE:
		if (result)
			return result;
		return stretch_state_next(packet, packet->resume ? packet->resume : rule->next, why);
	default:
		rule_count(packet, MATCH_SLOT(rule->result));
		return stretch_state_next(
			packet, rule->action == DISPATCH_SKIPTO ? MATCH_ARGUMENT(rule->result) : rule->next, why);
	}
}

/*
 * For generated code: does what the rule with this counter slot, whose tests hold, does to the packet. Returns a match
 * result.
 */
__noinline __u64 stretch_state_make(hook_context *context, struct packet *packet, __u32 slot)
{
	const struct stretch_state *rule = bpf_map_lookup_elem(&stretch_states, &slot);

	if (!packet || !rule)
		return VERDICT_NONE;
	if (!packet_state_keep(packet, slot, rule->name, rule->order, rule->connections))
		return MATCH_RESULT(VERDICT_DENY, slot, 0);
	if (rule->defers)
		return stretch_state_next(packet, rule->next, AGAIN_ONWARD);
	return stretch_state_act(context, packet, rule, AGAIN_ONWARD);
}

/*
 * Likewise, for a packet whose state is found: its rule is in packet->resume (RESUME_STATE). Returns VERDICT_NONE,
 * without having done anything, if the rule is not one of a stretch.
 */
__noinline __u64 stretch_state_found(hook_context *context, struct packet *packet)
{
	const struct stretch_state *rule;
	__u32 slot;

	if (!packet)
		return VERDICT_NONE;
	slot = packet->resume & ~RESUME_STATE;
	rule = bpf_map_lookup_elem(&stretch_states, &slot);
	if (!rule || !rule->here)
		return VERDICT_NONE;
	packet->resume = 0;
	packet->table_found = 0; /* what comes of a state has found nothing in tables */
	return stretch_state_act(context, packet, rule, AGAIN_CALLED);
}

/*
 * Likewise: how far a packet may walk through the stretch of the rules from position `first` to before `end` until
 * states must be asked for it: to the position of the first rule that asks, or to `end`.
 */
__noinline __u32 stretch_state_until(struct packet *packet, __u32 first, __u32 end)
{
	const __u64 *question;

	if (!packet)
		return end;
	if (packet->resume)
		first = packet->resume;
	question = bpf_map_lookup_elem(&stretch_questions, &first);
	return question && *question < end ? (__u32)*question : end;
}

#endif
