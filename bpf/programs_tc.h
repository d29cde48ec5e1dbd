/* SPDX-License-Identifier: GPL-2.0-only */
/* The TC programs that jump to each other; contracts in programs_xdp.h. */
#ifndef BPF_PROGRAMS_H
#define BPF_PROGRAMS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "maps/layout.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, TC_SLOTS);
	__type(key, __u32);
	__type(value, __u32);
} tc_programs SEC(".maps");

static __always_inline void jump_to_slow(struct __sk_buff *context, __u32 generation)
{
	bpf_tail_call(context, &tc_programs, TC_SLOT_SLOW(generation));
}

static __always_inline void jump_to_rules(struct __sk_buff *context, const struct handover *handed)
{
	if (handed->packet.transmit_interface)
		bpf_tail_call(context, &tc_programs, TC_SLOT_EGRESS(handed->generation));
	else
		bpf_tail_call(context, &tc_programs, TC_SLOT_INGRESS(handed->generation));
}

#endif
