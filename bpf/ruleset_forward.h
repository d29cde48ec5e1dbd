/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One generation of the rules for outgoing packets, for what XDP forwards (fast_forward.h). Before this header comes
 * the one that says how packets are refused.
 */
#ifndef BPF_RULESET_FORWARD_H
#define BPF_RULESET_FORWARD_H

#include "bpf/carry.h"
#include "bpf/checksum.h"
#include "bpf/local.h"
#include "bpf/maps_forward.h"
#include "bpf/programs_xdp.h"

#include "bpf/parse.h"

/* Sends the packet; its frame has the link addresses for that. */
static __always_inline int allow(struct xdp_md *context, struct packet *packet)
{
	return bpf_redirect(packet->transmit_interface, 0);
}

#include "bpf/passes.h"

/* Takes one hop off and makes up for it in the checksum: the two bytes make a word with the protocol. */
static __always_inline void hop_ip4(struct iphdr *ip)
{
	__u16 *word = (__u16 *)&ip->ttl, old = *word;

	ip->ttl--;
	ip->check = checksum_replace(ip->check, old, *word);
}

/* Cuts off what is behind the packet, but for what a short frame is padded with. */
static __always_inline bool trim(struct xdp_md *context, const struct packet *packet)
{
	__u32 wanted = ETH_HLEN + packet->bytes, length = frame_length(context);

	if (wanted < ETH_ZLEN)
		wanted = ETH_ZLEN;
	return length <= wanted || !bpf_xdp_adjust_tail(context, wanted - length);
}

/* Makes the frame what is to leave. Returns false for one that cannot be: fast_forward_decide() sends none such. */
static __always_inline bool hop(struct xdp_md *context, struct fast_forward *forward)
{
	void *data = (void *)(long)context->data, *end = (void *)(long)context->data_end;
	struct ethhdr *ethernet = data;
	struct iphdr *ip = data + ETH_HLEN;
	struct ipv6hdr *ip6 = data + ETH_HLEN;

	if ((void *)(ip + 1) > end)
		return false;
	__builtin_memcpy(forward->sender_mac, ethernet->h_source, ETH_ALEN);
	__builtin_memcpy(ethernet->h_dest, forward->destination_mac, ETH_ALEN);
	__builtin_memcpy(ethernet->h_source, forward->source_mac, ETH_ALEN);
	if (ethernet->h_proto == bpf_htons(ETH_P_IP))
		hop_ip4(ip);
	else
		ip6->hop_limit--;
	return true;
}

SEC("xdp")
int xdp_forward_ruleset(struct xdp_md *context)
{
	struct fast_forward *forward = fast_forward_find();
	struct packet packet __attribute__((aligned(8)));

	if (!forward || !hop(context, forward) ||
	    !parse_ordinary(context, context->ingress_ifindex, forward->interface, false, &packet) ||
	    !trim(context, &packet)) {
		count_drop(DROP_NO_RULESET, frame_length(context));
		return XDP_DROP;
	}
	return passes(context, &packet, false);
}

#endif
