/* SPDX-License-Identifier: GPL-2.0-only */
/* Refusing with an answer at XDP. */
#ifndef BPF_REFUSE_XDP_H
#define BPF_REFUSE_XDP_H

#include "bpf/reply_xdp.h"
#include "bpf/traced.h"

/*
 * Sends the answer that the rule owes to a packet that came in by `interface`, if any, with the link addresses in place
 * that the frame came with. Returns the XDP action.
 */
static __always_inline int refuse_at(struct xdp_md *context, struct packet *packet,
				     const struct interface_entry *interface, __u64 result)
{
	struct reply reply = {};

	if (!reply_decide(context, packet, result, &reply))
		return XDP_DROP;
	/* The answer to a traced packet is only to be seen: here it is made at once. */
	if (interface->flags & INTERFACE_REPLY_BY_TC && !packet_traced(packet) && reply_by_tc(context, &reply))
		return XDP_PASS;
	return reply_send(context, &reply);
}

#endif
