/* SPDX-License-Identifier: GPL-2.0-only */
/* The lasting maps of `log` (maps/layout.h). */
#ifndef BPF_MAPS_LOG_H
#define BPF_MAPS_LOG_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "ipfw/limits.h"
#include "maps/layout.h"

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, LOG_RING_BYTES);
} log_records SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, COUNTER_SLOTS);
	__type(key, __u32);
	__type(value, struct log_count);
} log_counts SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct log_loss);
} log_losses SEC(".maps") __weak;

/* The ring is full: nobody reads it, or not fast enough. */
static __always_inline void log_lose(void)
{
	__u32 key = 0;
	struct log_loss *loss = bpf_map_lookup_elem(&log_losses, &key);

	if (loss)
		loss->records++;
}

#endif
