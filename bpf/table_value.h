/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the entry that a rule's last look-up found holds is kept until the rule has used it (tablearg.h), in the same
 * two elements as struct handover.
 */
#ifndef BPF_TABLE_VALUE_H
#define BPF_TABLE_VALUE_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "bpf/traced.h"
#include "ipfw/packet.h"
#include "maps/layout.h"

struct table_values {
	__u32 number[TABLE_NUMBERS]; /* by enum table_value (ipfw/rule.h), host order */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, HANDOVERS);
	__type(key, __u32);
	__type(value, struct table_values);
} table_values SEC(".maps") __weak;

/* The packet's element on this CPU; NULL only for the verifier. */
static __always_inline struct table_values *table_values_find(const struct packet *packet)
{
	__u32 key = packet_traced(packet) ? HANDOVER_TRACED : HANDOVER_NETWORK;

	return bpf_map_lookup_elem(&table_values, &key);
}

/* Keeps the TABLE_NUMBERS numbers of an entry, in place of what was found before. */
static __always_inline void table_keep(struct packet *packet, const __u32 *numbers)
{
	struct table_values *values = table_values_find(packet);

	if (!values)
		return;
	__builtin_memcpy(values->number, numbers, sizeof(values->number));
	packet->table_found = 1;
}

#define TABLE_KEEP_ALL 0xff
/* Likewise one number, of one kind or (TABLE_KEEP_ALL) for all; the others are 0. */
static __always_inline void table_keep_number(struct packet *packet, __u32 kind, __u32 number)
{
	struct table_values *values = table_values_find(packet);
	__u32 others = kind == TABLE_KEEP_ALL ? number : 0;

	if (!values)
		return;
	/* Else the compiler may check a copy, of which the verifier learns nothing. */
	asm volatile("" : "+r"(kind));
#pragma unroll
	for (int i = 0; i < TABLE_NUMBERS; i++)
		values->number[i] = others;
	if (kind < TABLE_NUMBERS)
		values->number[kind] = number;
	packet->table_found = 1;
}

#endif
