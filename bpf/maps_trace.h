/* SPDX-License-Identifier: GPL-2.0-only */
/* The map that tells what became of a traced frame (maps/layout.h). */
#ifndef BPF_MAPS_TRACE_H
#define BPF_MAPS_TRACE_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "maps/layout.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct trace);
} trace SEC(".maps") __weak;

/* The one element; NULL only for the verifier. */
static __always_inline struct trace *trace_find(void)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&trace, &key);
}

#endif
