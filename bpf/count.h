/* SPDX-License-Identifier: GPL-2.0-only */
/* Rule counters. */
#ifndef BPF_COUNT_H
#define BPF_COUNT_H

#include "bpf/drop.h"
#include "bpf/maps_ruleset.h"
#include "bpf/trace.h"
#include "bpf/verifier.h"
#include "ipfw/packet.h"
#include "ipfw/verdict.h"

/* The counters that a slot is among, on this CPU: the banks lie one behind the other (include/ipfw/limits.h). NULL: no
 * such slot. */
static __always_inline struct counter_group *counter_group_find(__u32 slot)
{
	__u32 key = slot / COUNTER_GROUP_SLOTS;
	struct counter_group *group;

	if (slot < COUNTER_BANK0_SLOTS) {
		group = bpf_map_lookup_elem(&counters_0, &key);
		keep_apart(0);
		return group;
	}
	key -= COUNTER_BANK0_SLOTS / COUNTER_GROUP_SLOTS;
	if (slot < COUNTER_BANK0_SLOTS + COUNTER_BANK1_SLOTS) {
		group = bpf_map_lookup_elem(&counters_1, &key);
		keep_apart(1);
		return group;
	}
	key -= COUNTER_BANK1_SLOTS / COUNTER_GROUP_SLOTS;
	group = bpf_map_lookup_elem(&counters_2, &key);
	keep_apart(2);
	return group;
}

/* Adds the packet to the counters of a rule and notes the time. */
static __always_inline void count_rule(const struct packet *packet, __u32 slot)
{
	struct counter_group *group = counter_group_find(slot);
	struct rule_counter *counter;
	__u64 within = slot % COUNTER_GROUP_SLOTS;

	if (!group)
		return;
	/* Else the optimiser would add it before the test. */
	asm volatile("" : "+r"(within));
	counter = group->counters + within;
	counter->packets += packet->segments;
	counter->bytes += packet->bytes;
	counter->last_match = bpf_jiffies64();
}

/*
 * Counts the packet whose search has ended: for the rule in the match result, or as dropped if there is none. Returns
 * false for the latter.
 */
static __always_inline bool count_result(struct packet *packet, __u64 result)
{
	__u32 reason = reason_undecided(result);

	if (packet_traced(packet))
		return trace_result(packet, result);
	if (reason != DROP_NONE) {
		count_drop(reason, packet->bytes);
		return false;
	}
	count_rule(packet, MATCH_SLOT(result));
	return true;
}

/* Counts for generated code: a rule that counts and lets the search go on. Returns 0. */
__noinline int rule_count(struct packet *packet, __u32 slot)
{
	if (!packet)
		return 0;
	if (packet_traced(packet))
		return trace_rule(packet, slot);
	count_rule(packet, slot);
	return 0;
}

#endif
