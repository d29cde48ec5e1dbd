/* SPDX-License-Identifier: GPL-2.0-only */
/* `tablearg`: a module, for rules that use what a table holds for the packet. */
#ifndef BPF_TABLEARG_H
#define BPF_TABLEARG_H

#include "bpf/maps_trace.h"
#include "bpf/table_value.h"

/* Notes for a traced packet what a rule takes. */
static __always_inline void trace_value(__u32 kind, __u32 slot, __u32 value)
{
	struct trace *found = trace_find();
	__u32 index;

	if (!found)
		return;
	index = found->value_count;
	if (index >= TRACE_VALUES_MAX)
		return;
	found->values[index] = (struct trace_value){found->matches, slot, kind, value};
	found->value_count = index + 1;
}

/*
 * For generated code: the number of this kind (enum table_value) in what is kept for the rule with this counter slot, 0
 * if that is nothing.
 */
__noinline __u32 packet_table_value(struct packet *packet, __u32 kind, __u32 slot)
{
	const struct table_values *values = packet ? table_values_find(packet) : NULL;
	__u32 value = 0;

	if (!packet || !values || kind >= TABLE_NUMBERS)
		return 0;
	if (packet->table_found)
		value = values->number[kind];
	if (packet_traced(packet))
		trace_value(kind, slot, value);
	return value;
}

#endif
