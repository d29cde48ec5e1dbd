/* SPDX-License-Identifier: GPL-2.0-only */
/* Counting of what is dropped without a rule. */
#ifndef BPF_DROP_H
#define BPF_DROP_H

#include "bpf/maps_control.h"

/* Counts a frame of `bytes` bytes that no rule decided. Global, so that the verifier walks it once. Returns 0. */
__noinline int count_drop(__u32 reason, __u32 bytes)
{
	struct drop_counter *counter = bpf_map_lookup_elem(&drops, &reason);

	if (!counter)
		return 0;
	counter->packets++;
	counter->bytes += bytes;
	return 0;
}

#endif
