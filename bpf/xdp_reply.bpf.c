// SPDX-License-Identifier: GPL-2.0-only
/* The XDP program of rulesets that answer with RST or ICMP. */
#include "bpf/frame_xdp.h"

#include "bpf/reply_xdp.h"
#include "bpf/traced.h"

/* Sends the answer that the rule owes, if any. Returns the XDP action. */
__noinline int refuse(struct xdp_md *context, struct packet *packet, __u64 result)
{
	const struct interface_entry *interface;
	struct reply reply = {};

	if (!packet)
		return XDP_DROP;
	interface = interface_find(packet->interface);
	if (!interface || !reply_decide(context, packet, result, &reply))
		return XDP_DROP;
	/* The answer to a traced packet is only to be seen: here it is made at once. */
	if (interface->flags & INTERFACE_REPLY_BY_TC && !packet_traced(packet) && reply_by_tc(context, &reply))
		return XDP_PASS;
	return reply_send(context, &reply);
}

#include "bpf/ruleset_xdp.h"

char LICENSE[] SEC("license") = "GPL";
