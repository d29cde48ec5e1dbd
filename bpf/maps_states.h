/* SPDX-License-Identifier: GPL-2.0-only */
/* The maps of dynamic rules (maps/layout.h). The loader sets their sizes. */
#ifndef BPF_MAPS_STATES_H
#define BPF_MAPS_STATES_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "maps/layout.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct state4_group);
} states4 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct state6_group);
} states6 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, struct state_parent_key);
	__type(value, struct state_parent);
} state_parents SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_QUEUE);
	__uint(max_entries, 1);
	__type(value, struct state_parent_key);
} state_ring_parents SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct state_totals);
} state_totals SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct state_rule);
} state_rules SEC(".maps");

/* The one element; NULL only for the verifier. */
static __always_inline struct state_totals *state_totals_find(void)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&state_totals, &key);
}

/* The time that states live by: the low half of jiffies64. Times are compared by their signed difference. */
static __always_inline __u32 state_clock(const struct control *settings)
{
	return settings->states_clock ? settings->states_clock : (__u32)bpf_jiffies64();
}

#endif
