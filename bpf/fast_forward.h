/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Forwarding at XDP (net.inet.ip.fastforwarding): what the rules on input allow goes on to the rules on output and to
 * the interface that the kernel's routing table names, past the stack.
 *
 * Here it is decided. Whatever the stack might judge otherwise, or would have to answer, goes to the stack, as it is:
 * so does a packet of which the kernel knows no neighbour to send it to, or that is larger than the MTU.
 */
#ifndef BPF_FAST_FORWARD_H
#define BPF_FAST_FORWARD_H

#include <linux/if_ether.h>
#include <stdbool.h>

#include "bpf/checksum_pending.h"
#include "bpf/link.h"
#include "bpf/local.h"
#include "bpf/maps_forward.h"
#include "bpf/needs.h"
#include "bpf/parse_common.h"
#include "bpf/parse_fast.h"
#include "bpf/programs_xdp.h"
#include "bpf/route.h"

/* Seconds after which the stack sees another packet for a next hop: see fast_forward_show(). */
#define FAST_FORWARD_SHOW 4

/* ICMPv6 types of RFC 4861, from router solicitation to redirect. */
#define NEIGHBOUR_DISCOVERY_FIRST 133
#define NEIGHBOUR_DISCOVERY_LAST 137

enum fast_forward_decision { FAST_FORWARD_STACK, FAST_FORWARD_EVEN, FAST_FORWARD_ODD };

/* Whether an address is neither 0.0.0.0/8, loopback, link-local, multicast nor reserved (RFC 6890). */
static __always_inline bool address4_forwarded(__be32 address)
{
	__u32 host = bpf_ntohl(address), octet = host >> 24;

	return octet != 0 && octet != 127 && octet < 224 && host >> 16 != 0xa9fe;
}

/* Whether an address is none of ::/16, which has the unspecified, loopback and IPv4-mapped ones, nor multicast or
 * link-local. */
static __always_inline bool address6_forwarded(const __u32 *address)
{
	return address[0] & bpf_htonl(0xffff0000) && (address[0] & bpf_htonl(0xff000000)) != bpf_htonl(0xff000000) &&
	       !address_link_local(address);
}

/* Whether the checksum of an IPv4 header without options is right: routers drop what has a wrong one (RFC
 * 1812, 4.2.2.5). */
static __always_inline bool ip4_checksum_right(const struct iphdr *ip)
{
	const __u32 *words = (const __u32 *)ip;

	return !checksum_fold_words((__u64)words[0] + words[1] + words[2] + words[3] + words[4]);
}

/* Whether it is neighbour discovery, which the stack answers in place of others if told to (proxy_ndp). */
static __always_inline bool neighbour_discovery(const struct packet *packet)
{
	return packet->flags & PACKET_ICMP6 && packet->icmp_type >= NEIGHBOUR_DISCOVERY_FIRST &&
	       packet->icmp_type <= NEIGHBOUR_DISCOVERY_LAST;
}

/* Whether the packet at the end of the IP headers is of a kind that needs no care, with its checksum in place. */
static __always_inline bool fast_forward_transport(const struct packet *packet, const void *header, const void *end)
{
	const struct tcphdr *tcp = header;
	const struct udphdr *udp = header;

	if (packet->flags & PACKET_TCP)
		return (const void *)(tcp + 1) <= end && !checksum_may_be_pending(packet, tcp->check);
	if (packet->flags & PACKET_PORTS && packet->protocol == IPPROTO_UDP)
		return (const void *)(udp + 1) <= end && !checksum_may_be_pending(packet, udp->check);
	return packet->flags & (PACKET_ICMP | PACKET_ICMP6) && !neighbour_discovery(packet);
}

/* Judges the headers and fills in what the routing table is asked. */
static __always_inline bool fast_forward_ip4(const struct packet *packet, const struct iphdr *ip, const void *end,
					     struct bpf_fib_lookup *query)
{
	if ((const void *)(ip + 1) > end || *(const __u8 *)ip != IP4_PLAIN || ip->ttl <= 1 ||
	    ip->frag_off & bpf_htons(IP4_NOT_FRAGMENT_MASK))
		return false;
	if (!address4_forwarded(ip->saddr) || !address4_forwarded(ip->daddr) || !ip4_checksum_right(ip))
		return false;
	query->family = FAMILY_IP4;
	query->tos = ip->tos;
	query->ipv4_src = ip->saddr;
	query->ipv4_dst = ip->daddr;
	return fast_forward_transport(packet, ip + 1, end);
}

static __always_inline bool fast_forward_ip6(const struct packet *packet, const struct ipv6hdr *ip, const void *end,
					     struct bpf_fib_lookup *query)
{
	if ((const void *)(ip + 1) > end || ip->nexthdr != packet->protocol || ip->hop_limit <= 1)
		return false;
	if (!address6_forwarded(packet->source) || !address6_forwarded(packet->destination))
		return false;
	query->family = FAMILY_IP6;
	query->flowinfo = *(const __be32 *)ip & bpf_htonl(0x0fffffff);
	__builtin_memcpy(query->ipv6_src, packet->source, sizeof(query->ipv6_src));
	__builtin_memcpy(query->ipv6_dst, packet->destination, sizeof(query->ipv6_dst));
	return fast_forward_transport(packet, ip + 1, end);
}

/* Whether the frame is an ordinary one addressed to `from`. Fills in what the routing table is asked. */
static __always_inline bool fast_forward_frame(struct xdp_md *context, const struct packet *packet,
					       const struct interface_entry *from, struct bpf_fib_lookup *query)
{
	const void *data = (void *)(long)context->data, *end = (void *)(long)context->data_end;
	const struct ethhdr *ethernet = data;

	if (packet->segments != 1 || packet->network_offset != ETH_HLEN || data + ETH_HLEN > end)
		return false;
	if (!mac_equal(ethernet->h_dest, from->mac))
		return false;
	query->ifindex = packet->receive_interface;
	query->l4_protocol = packet->protocol;
	query->sport = bpf_htons(packet->source_port);
	query->dport = bpf_htons(packet->destination_port);
	query->tot_len = packet->bytes;
	if (packet->family == 4)
		return fast_forward_ip4(packet, data + ETH_HLEN, end, query);
	return packet->family == 6 && fast_forward_ip6(packet, data + ETH_HLEN, end, query);
}

/* Whether the stack would take the packet's source for a true one (rp_filter; its own address it never would). */
static __always_inline bool fast_forward_source(struct xdp_md *context, const struct packet *packet,
						const struct interface_entry *from, struct bpf_fib_lookup *query)
{
	if (!(from->forward & (FORWARD_SOURCE_STRICT | FORWARD_SOURCE_LOOSE)) || packet->family == 6)
		return !address_local(packet->family, packet->source);
	__builtin_memset(query, 0, sizeof(*query));
	if (!route_told(route_back(context, packet, packet->receive_interface, query)))
		return false;
	return !(from->forward & FORWARD_SOURCE_STRICT) || query->ifindex == packet->receive_interface;
}

/*
 * Whether the stack is to send this packet on, so that it sees to it that the next hop is still there (RFC 4861, 7.3):
 * nobody else does. Its own packets for that hop serve as well, but there may be none.
 */
static __always_inline bool fast_forward_show(struct fast_forward *forward)
{
	const struct control *settings = control_find();
	__u32 now = bpf_jiffies64();
	__u8 hop = forward->destination_mac[4] ^ forward->destination_mac[5] ^ forward->interface;

	if (!settings || now - forward->shown[hop] < FAST_FORWARD_SHOW * settings->jiffies_per_second)
		return false;
	forward->shown[hop] = now;
	return true;
}

/*
 * Whether XDP forwards a packet that the rules allow, and by the program of which generation; then it has noted where
 * to. Changes nothing else.
 */
__noinline int fast_forward_decide(struct xdp_md *context, struct packet *packet)
{
	struct fast_forward *forward = fast_forward_find();
	const struct interface_entry *from, *to;
	struct bpf_fib_lookup query = {};

	if (!packet || !forward)
		return FAST_FORWARD_STACK;
	from = interface_find(packet->receive_interface);
	if (!from || !(from->forward & FORWARD_FROM) || !fast_forward_frame(context, packet, from, &query))
		return FAST_FORWARD_STACK;
	if (bpf_fib_lookup(context, &query, sizeof(query), 0) != BPF_FIB_LKUP_RET_SUCCESS)
		return FAST_FORWARD_STACK;
	to = interface_find(query.ifindex);
	if (!to || to == from || !(to->forward & FORWARD_TO) || packet->bytes > to->mtu)
		return FAST_FORWARD_STACK;
	/* Another interface may have come to have the index since. */
	if (!mac_equal(query.smac, to->mac))
		return FAST_FORWARD_STACK;
	forward->interface = query.ifindex;
	__builtin_memcpy(forward->destination_mac, query.dmac, ETH_ALEN);
	__builtin_memcpy(forward->source_mac, query.smac, ETH_ALEN);
	if (!fast_forward_source(context, packet, from, &query) || fast_forward_show(forward))
		return FAST_FORWARD_STACK;
	return from->generation & 1 ? FAST_FORWARD_ODD : FAST_FORWARD_EVEN;
}

/* Goes on with the rules for outgoing packets if XDP can forward the packet; returns if the stack is to have it. */
static __always_inline void fast_forward_packet(struct xdp_md *context, struct packet *packet)
{
	int decision = fast_forward_decide(context, packet);

	/* Constant slots become direct jumps. */
	if (decision == FAST_FORWARD_ODD) {
		jump_to_forward(context, true);
		keep_apart(1);
	} else if (decision == FAST_FORWARD_EVEN) {
		jump_to_forward(context, false);
		keep_apart(0);
	}
}

#endif
