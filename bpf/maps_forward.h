/* SPDX-License-Identifier: GPL-2.0-only */
/* The map by which one rules program at XDP tells the next where a packet goes (maps/layout.h). */
#ifndef BPF_MAPS_FORWARD_H
#define BPF_MAPS_FORWARD_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "maps/layout.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct fast_forward);
} fast_forward SEC(".maps");

/* This CPU's element; NULL only for the verifier. */
static __always_inline struct fast_forward *fast_forward_find(void)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&fast_forward, &key);
}

#endif
