/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lasting maps that entry programs and rulesets share (maps/layout.h). Pinning and re-use by name
 * are the loader's business. An object creates every map that it includes, so include what is used.
 */
#ifndef BPF_MAPS_CONTROL_H
#define BPF_MAPS_CONTROL_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

#include "ipfw/verdict.h"
#include "maps/layout.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct control);
} control SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, DROP_REASON_COUNT);
	__type(key, __u32);
	__type(value, struct drop_counter);
} drops SEC(".maps") __weak;

/* The one element of "control"; NULL only for the verifier. */
static __always_inline const struct control *control_find(void)
{
	__u32 key = 0;

	return bpf_map_lookup_elem(&control, &key);
}

/*
 * Whether lengths that contradict each other go to the rules: ipfw_chk() does not check them, and
 * recordings of it are replayed so. Never set in a firewall at work.
 */
static __always_inline bool unvalidated(void)
{
	const struct control *settings = control_find();

	return settings && settings->unvalidated;
}

#endif
