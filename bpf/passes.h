/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How often a packet meets the rules: as an IP packet, and, with net.link.ether.ipfw=1, as a frame as well (ipfw(8),
 * PACKET FLOW): before that when it comes in, behind that when it goes out. Before this header come refuse() and
 * allow(), which say what becomes of packets then.
 */
#ifndef BPF_PASSES_H
#define BPF_PASSES_H

#include <stdbool.h>

#include "bpf/count.h"
#include "bpf/needs.h"
#include "bpf/ruleset.h"
#include "ipfw/packet.h"

/* One pass; `last` is constant. Returns the hook's action: HOOK_PASS if another pass is to follow. */
static __always_inline int pass(hook_context *context, struct packet *packet, bool last)
{
	__u64 result = ruleset_ask(context, packet);

	if (!count_result(packet, result))
		return HOOK_DROP;
	if (MATCH_VERDICT(result) == VERDICT_ALLOW)
		return last ? allow(context, packet) : HOOK_PASS;
	/* Frames are refused without an answer, as in ipfw. */
	if (MATCH_VERDICT(result) == VERDICT_DENY || (packet_needs & PACKET_NEEDS_LAYER2 && packet->layer2))
		return HOOK_DROP;
	return refuse(context, packet, result);
}

/* A pass begins with nothing of what lives no longer than one: calls, and what `setmark' wrote. */
static __always_inline int pass_at(hook_context *context, struct packet *packet, __u8 layer, bool last)
{
	packet->layer2 = layer == LAYER_FRAME;
	packet->mark = 0;
	packet->call_depth = 0;
	packet->state_asked = 0;
	packet->resume = 0;
	return pass(context, packet, last);
}

/* All passes of a packet that comes in (`input`, a constant) or goes out, until one does not allow it. */
static __always_inline int passes(hook_context *context, struct packet *packet, bool input)
{
	int action;

	if (!(packet_needs & PACKET_NEEDS_LAYER2))
		return pass(context, packet, true);
	if (packet->layers != (LAYER_FRAME | LAYER_PACKET))
		return pass_at(context, packet, packet->layers, true);
	action = pass_at(context, packet, input ? LAYER_FRAME : LAYER_PACKET, false);
	if (action != HOOK_PASS)
		return action;
	return pass_at(context, packet, input ? LAYER_PACKET : LAYER_FRAME, true);
}

#endif
