/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One generation of the rules for incoming packets at XDP. ruleset_match() comes from the generated
 * object that the loader links to this one; it calls back rule_count() and packet_local(). Before this header comes the
 * one that says how packets are refused: reply_none.h, or what answers them.
 */
#ifndef BPF_RULESET_XDP_H
#define BPF_RULESET_XDP_H

#include "bpf/carry_xdp.h"
#include "bpf/fast_forward.h"
#include "bpf/local.h"
#include "bpf/programs_xdp.h"

#include "bpf/parse.h"

/* What the rules allow goes on, with what they gave it. */
static __always_inline int allow(struct xdp_md *context, struct packet *packet)
{
	if (!carry_leave(context, packet))
		return XDP_DROP;
	if (packet_needs & PACKET_FORWARDS)
		fast_forward_packet(context, packet);
	return XDP_PASS;
}

#include "bpf/passes.h"

/* Multi-buffer frames are handled; whether that is declared (xdp.frags) depends on the entry, so the loader says it. */
SEC("xdp")
int xdp_ruleset(struct xdp_md *context)
{
	struct packet packet __attribute__((aligned(8)));

	if (!parse(context, context->ingress_ifindex, 0, true, &packet))
		return XDP_DROP;
	return passes(context, &packet, true);
}

#endif
