// SPDX-License-Identifier: GPL-2.0-only
/*
 * Declares every map with type information but no program: the loader makes maps from these declarations (program
 * arrays, which cannot carry types, excepted). "ruleset", "hooks" and "counter_zeros_*" are userland's alone.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "bpf/handover.h"
#include "bpf/maps_forward.h"
#include "bpf/maps_control.h"
#include "bpf/maps_log.h"
#include "bpf/maps_routes.h"
#include "bpf/maps_ruleset.h"
#include "bpf/maps_slow.h"
#include "bpf/maps_states.h"
#include "bpf/maps_sweep.h"
#include "bpf/maps_tables.h"
#include "bpf/maps_trace.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1); /* set by the loader */
	__type(key, __u32);
	__type(value, struct stored_rule);
} ruleset SEC(".maps");

#define COUNTER_ZEROS(bank)                                                                                            \
	struct {                                                                                                       \
		__uint(type, BPF_MAP_TYPE_ARRAY);                                                                      \
		__uint(max_entries, COUNTER_BANK##bank##_SLOTS);                                                       \
		__type(key, __u32);                                                                                    \
		__type(value, struct counter_zero);                                                                    \
	} counter_zeros_##bank SEC(".maps")

COUNTER_ZEROS(0);
COUNTER_ZEROS(1);
COUNTER_ZEROS(2);

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, STRETCHES_NOTED);
	__type(key, __u32);
	__type(value, struct stretch_note);
} stretches SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 2 * TABLES_MAX); /* notes and the journal */
	__type(key, __u32);
	__type(value, struct table_info);
} tables SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 65536); /* interfaces */
	__type(key, __u32);
	__type(value, struct interface_hooks);
} hooks SEC(".maps");

char LICENSE[] SEC("license") = "GPL";
