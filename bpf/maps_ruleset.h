/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Maps that only ruleset programs use (maps/layout.h): the counters, which last, and what belongs
 * to one generation. The loader sets max_entries of "interfaces".
 */
#ifndef BPF_MAPS_RULESET_H
#define BPF_MAPS_RULESET_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

#include "ipfw/limits.h"
#include "maps/layout.h"

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, COUNTER_BANK0_SLOTS / COUNTER_GROUP_SLOTS);
	__type(key, __u32);
	__type(value, struct counter_group);
} counters_0 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, COUNTER_BANK1_SLOTS / COUNTER_GROUP_SLOTS);
	__type(key, __u32);
	__type(value, struct counter_group);
} counters_1 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, COUNTER_BANK2_SLOTS / COUNTER_GROUP_SLOTS);
	__type(key, __u32);
	__type(value, struct counter_group);
} counters_2 SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 64);
	__type(key, __u32);
	__type(value, struct interface_entry);
} interfaces SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, struct local_address_key);
	__type(value, struct local_address);
} local_addresses SEC(".maps");

/* The interface with this index, or NULL when the generation does not know it. */
static __always_inline const struct interface_entry *interface_find(__u32 index)
{
	const struct interface_entry *interface = bpf_map_lookup_elem(&interfaces, &index);

	return interface && interface->flags & INTERFACE_KNOWN ? interface : NULL;
}

#endif
