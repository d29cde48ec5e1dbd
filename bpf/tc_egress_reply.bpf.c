// SPDX-License-Identifier: GPL-2.0-only
/* One generation of the rules for outgoing packets, if they answer with RST or ICMP. */
#include "bpf/frame_tc.h"

#include "bpf/reply.h"
#include "bpf/reply_tc.h"

/*
 * Hands the reply to the stack of this machine, whose own packet it answers. On loopback it goes out, with the
 * route of that packet, and comes in as any local packet does. Elsewhere it comes in by the interface the
 * packet was about to leave by, from the random link address that tells our own hooks to let it in.
 */
static __always_inline int reply_to_stack(struct __sk_buff *context, const struct interface_entry *interface)
{
	const struct control *settings = control_find();
	struct ethhdr ethernet __attribute__((aligned(4)));

	if (!settings)
		return TC_ACT_SHOT;
	if (interface->link_header != ETH_HLEN) {
		context->mark = settings->reply_mark;
		return bpf_redirect(context->ifindex, BPF_F_INGRESS);
	}
	if (frame_load(context, 0, &ethernet, sizeof(ethernet)))
		return TC_ACT_SHOT;
	__builtin_memcpy(ethernet.h_dest, interface->mac, ETH_ALEN);
	__builtin_memcpy(ethernet.h_source, settings->reply_mac, ETH_ALEN);
	if (frame_store(context, 0, &ethernet, sizeof(ethernet)))
		return TC_ACT_SHOT;
	if (!(interface->flags & INTERFACE_LOOPBACK))
		return bpf_redirect(context->ifindex, BPF_F_INGRESS);
	context->mark = settings->reply_mark;
	return bpf_redirect(context->ifindex, 0);
}

/* To a local sender through the stack, to any other one by the route that leads there. */
__noinline int refuse(struct __sk_buff *context, struct packet *packet, __u64 result)
{
	const struct interface_entry *interface;
	struct reply reply = {};
	__u32 route;

	if (!packet)
		return TC_ACT_SHOT;
	interface = interface_find(packet->interface);
	if (!interface || !reply_decide(context, packet, result, &reply))
		return TC_ACT_SHOT;
	route = reply_route(context, packet);
	if (!reply_replace(context, &reply))
		return TC_ACT_SHOT;
	if (interface->flags & INTERFACE_LOOPBACK || packet_local(packet) & PACKET_LOCAL_SOURCE)
		return reply_to_stack(context, interface);
	reply_mark(context);
	return bpf_redirect_neigh(route, NULL, 0, 0);
}

#include "bpf/ruleset_tc.h"
#include "bpf/settled.h"

SEC("tc")
int tc_egress_ruleset(struct __sk_buff *context)
{
	if (settle_leaving(context, context->ifindex))
		return MATCH_VERDICT(settled) == VERDICT_ALLOW ? TC_ACT_UNSPEC : TC_ACT_SHOT;
	return filter(context, context->ingress_ifindex, context->ifindex, false);
}

char LICENSE[] SEC("license") = "GPL";
