/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's routing table, asked for the way back to a packet's source. */
#ifndef BPF_ROUTE_H
#define BPF_ROUTE_H

#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "ipfw/packet.h"

/* Address families as the kernel numbers them; <sys/socket.h> is not for BPF. */
#define FAMILY_IP4 2
#define FAMILY_IP6 10

static __always_inline bool address_link_local(const __u32 *address)
{
	return (address[0] & bpf_htonl(0xffc00000)) == bpf_htonl(0xfe800000);
}

/*
 * Asks how an answer to the packet, on the interface `index`, would go on to the packet's source. `query` is zeros, and
 * the answer afterwards. Returns BPF_FIB_LKUP_RET_* or a negative error. Only interfaces that forward give an answer;
 * link-local and own addresses have none (BPF_FIB_LKUP_RET_NOT_FWDED).
 */
static __always_inline long route_back(hook_context *context, const struct packet *packet, __u32 index,
				       struct bpf_fib_lookup *query)
{
	query->ifindex = index;
	if (packet->family == 4) {
		query->family = FAMILY_IP4;
		query->ipv4_src = packet->destination[0];
		query->ipv4_dst = packet->source[0];
	} else {
		query->family = FAMILY_IP6;
		__builtin_memcpy(query->ipv6_src, packet->destination, sizeof(query->ipv6_src));
		__builtin_memcpy(query->ipv6_dst, packet->source, sizeof(query->ipv6_dst));
	}
	return bpf_fib_lookup(context, query, sizeof(*query), 0);
}

/* Whether route_back() found a route: query.ifindex is where it leads. */
static __always_inline bool route_told(long result)
{
	return result == BPF_FIB_LKUP_RET_SUCCESS || result == BPF_FIB_LKUP_RET_NO_NEIGH ||
	       result == BPF_FIB_LKUP_RET_FRAG_NEEDED;
}

#endif
