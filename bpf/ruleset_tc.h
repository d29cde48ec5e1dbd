/* SPDX-License-Identifier: GPL-2.0-only */
/* What the TC rulesets share: from frame to verdict. Before it comes the header or function that says how packets are
 * refused. */
#ifndef BPF_RULESET_TC_H
#define BPF_RULESET_TC_H

#include "bpf/carry_tc.h"
#include "bpf/local.h"
#include "bpf/programs_tc.h"

#include "bpf/parse.h"

/* What the rules allow goes on, with what they gave it. */
static __always_inline int allow(struct __sk_buff *context, struct packet *packet)
{
	return carry_leave(context, packet) ? TC_ACT_UNSPEC : TC_ACT_SHOT;
}

#include "bpf/passes.h"

/* Filters the frame; `receive`, `transmit` and `input` as in parse(). Returns the TC action. */
static __always_inline int filter(struct __sk_buff *context, __u32 receive, __u32 transmit, bool input)
{
	struct packet packet __attribute__((aligned(8)));

	if (!parse(context, receive, transmit, input, &packet) || !carry_take(context, &packet))
		return TC_ACT_SHOT;
	return passes(context, &packet, input);
}

#endif
