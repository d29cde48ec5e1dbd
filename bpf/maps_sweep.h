/* SPDX-License-Identifier: GPL-2.0-only */
/* Lasting maps of the sweep alone (sweep.bpf.c): its timer, and the rules whose states are to live (maps/layout.h). */
#ifndef BPF_MAPS_SWEEP_H
#define BPF_MAPS_SWEEP_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "ipfw/limits.h"
#include "maps/layout.h"

struct state_sweep {
	struct bpf_timer timer;
	__u32 held;    /* a CPU sweeps */
	__u32 next[2]; /* group of IPv4, of IPv6 states whose turn it is */
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct state_sweep);
} state_sweep SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, COUNTER_SLOTS);
	__type(key, __u32);
	__type(value, struct state_rule);
} state_owners SEC(".maps");

#endif
