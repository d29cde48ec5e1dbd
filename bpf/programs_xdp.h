/* SPDX-License-Identifier: GPL-2.0-only */
/* The XDP programs that jump to each other (slots: maps/layout.h). */
#ifndef BPF_PROGRAMS_H
#define BPF_PROGRAMS_H

#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_helpers.h>

#include "maps/layout.h"

struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, XDP_SLOTS);
	__type(key, __u32);
	__type(value, __u32);
} xdp_programs SEC(".maps");

/* Jumps to the slow parser of a generation; returns only if its slot is empty. */
static __always_inline void jump_to_slow(struct xdp_md *context, __u32 generation)
{
	bpf_tail_call(context, &xdp_programs, XDP_SLOT_SLOW(generation));
}

/* Jumps back to the rules that asked. Likewise. */
static __always_inline void jump_to_rules(struct xdp_md *context, const struct handover *handed)
{
	bpf_tail_call(context, &xdp_programs, XDP_SLOT(handed->generation));
}

/* Jumps to the rules for outgoing packets at XDP. `odd`, a constant: of an odd generation. Likewise. */
static __always_inline void jump_to_forward(struct xdp_md *context, bool odd)
{
	bpf_tail_call(context, &xdp_programs, XDP_SLOT_FORWARD(odd));
}

#endif
