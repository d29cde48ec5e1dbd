/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which answer a rule owes to a packet: reset, abort, unreach and their IPv6 twins, and everything that forbids an
 * answer. The result, struct reply, is all that reply_build.h needs besides the frame.
 */
#ifndef BPF_REPLY_H
#define BPF_REPLY_H

#include <linux/icmpv6.h>
#include <bpf/bpf_endian.h>

#include "bpf/icmp.h"
#include "bpf/local.h"
#include "bpf/maps_control.h"
#include "bpf/parse_common.h"
#include "bpf/reply_abort.h"
#include "bpf/route.h"
#include "ipfw/verdict.h"

#define TCP_RESET 0x04

/* An ICMP error quotes the IP headers and this much behind them (RFC 1812, 4.3.2.3, as FreeBSD counts it). */
#define ICMP_QUOTE_BYTES 548
/* An ICMPv6 error, headers included, fits into the smallest MTU of IPv6 (RFC 4443, 2.4 c). */
#define ICMP6_QUOTE_BYTES (1280 - 40 - 8)

/* One bit per ICMP type: queries, the only ICMP messages that may be answered by an error. */
#define ICMP_QUERIES                                                                                                   \
	(1u << ICMP_ECHO | 1u << ICMP_ROUTER_SOLICITATION | 1u << ICMP_TIMESTAMP | 1u << ICMP_INFO_REQUEST |           \
	 1u << ICMP_ADDRESS_MASK_REQUEST)

static __always_inline bool icmp_query(const struct packet *packet)
{
	if (packet->flags & PACKET_ICMP)
		return packet->icmp_type < 32 && ICMP_QUERIES >> packet->icmp_type & 1;
	if (packet->flags & PACKET_ICMP6)
		return packet->icmp_type == ICMPV6_ECHO_REQUEST || packet->icmp_type == ICMPV6_MGM_QUERY ||
		       packet->icmp_type == ICMP6_NODE_INFORMATION;
	return true;
}

/* Whether an answer could only do harm: to or from a group, to nobody, to all. */
static __always_inline bool address_unanswerable(const struct packet *packet)
{
	__u8 source = *(const __u8 *)packet->source, destination = *(const __u8 *)packet->destination;

	if (packet->family == 4) /* this network, multicast, experimental, broadcast */
		return !source || source >= 224 || destination >= 224;
	return source == 0xff || destination == 0xff ||
	       !(packet->source[0] | packet->source[1] | packet->source[2] | packet->source[3]);
}

/*
 * Whether the reply would find nobody: an incoming packet "from" one of our own addresses is forged, except on
 * loopback. Recordings know a link-local sender without its zone, which ipfw could not answer either.
 */
static __always_inline bool sender_unreachable(struct packet *packet)
{
	const struct interface_entry *interface = interface_find(packet->interface);

	if (packet->family == 6 && address_link_local(packet->source) && unvalidated())
		return true;
	if (packet->transmit_interface || (interface && interface->flags & INTERFACE_LOOPBACK))
		return false;
	return packet_local(packet) & PACKET_LOCAL_SOURCE;
}

/* Whether the frame went to all hosts on the link, or to a group of them. */
static __always_inline bool link_group(hook_context *context, const struct packet *packet)
{
	__u8 first = 0;

	return packet->network_offset >= ETH_HLEN && !frame_load(context, 0, &first, sizeof(first)) && first & 1;
}

/* ICMPv6 code for an ICMP unreachable code (RFC 7915, 4.2; what has no twin is prohibited). */
static __always_inline __u8 unreach_code6(__u32 code)
{
	switch (code) {
	case ICMP_NET_UNREACH:
	case ICMP_HOST_UNREACH:
	case ICMP_SOURCE_ROUTE_FAILED:
	case ICMP_NET_UNKNOWN:
	case ICMP_HOST_UNKNOWN:
	case ICMP_NET_UNREACH_TOS:
	case ICMP_HOST_UNREACH_TOS:
		return ICMPV6_NOROUTE;
	case ICMP_PORT_UNREACH:
		return ICMPV6_PORT_UNREACH;
	default:
		return ICMPV6_ADM_PROHIBITED;
	}
}

/* Kind and code of the answer, by verdict and family. */
static __always_inline void reply_kind(hook_context *context, struct reply *reply, const struct packet *packet,
				       __u64 result)
{
	__u32 verdict = MATCH_VERDICT(result), argument = MATCH_ARGUMENT(result);
	__u32 family = packet->family;

	reply->code = argument;
	if (verdict == (family == 4 ? VERDICT_RESET : VERDICT_RESET6)) {
		if (packet->flags & PACKET_TCP && !(packet->tcp_flags & TCP_RESET))
			reply->kind = REPLY_RESET;
	} else if (verdict == (family == 4 ? VERDICT_ABORT : VERDICT_ABORT6)) {
		if (packet->protocol == IPPROTO_SCTP && packet->flags & PACKET_PORTS &&
		    abort_decide(context, packet, reply))
			reply->kind = REPLY_ABORT;
	} else if (family == 4) {
		if (verdict == VERDICT_UNREACH)
			reply->kind = REPLY_UNREACHABLE;
		if ((argument & 0xffff) == ICMP_FRAG_NEEDED)
			reply->mtu = argument >> 16;
	} else {
		reply->kind = REPLY_UNREACHABLE;
		if (verdict == VERDICT_UNREACH)
			reply->code = unreach_code6(argument & 0xffff);
		if (verdict == VERDICT_RESET || verdict == VERDICT_ABORT)
			reply->code = ICMPV6_ADM_PROHIBITED;
	}
}

/* Copies the address of `interface` that suits the packet's sender. False if it has none. */
static __always_inline bool source_of_interface(__u32 index, const struct packet *packet, __u32 *source)
{
	const struct interface_entry *interface = interface_find(index);
	const __u32 *address;

	if (!interface)
		return false;
	if (packet->family == 4) {
		source[0] = interface->address4;
		return source[0] != 0;
	}
	address = address_link_local(packet->source) ? interface->link_local6 : interface->address6;
	if (!(address[0] | address[1] | address[2] | address[3]))
		return false;
	__builtin_memcpy(source, address, sizeof(packet->source));
	return true;
}

/*
 * Index of the interface by which a reply leaves for the packet's source. Where the routing table gives no answer
 * (forwarding is off, no route, link-local) it is the interface the packet came in by, or else the one it was about to
 * leave by.
 */
static __noinline __u32 reply_route(hook_context *context, const struct packet *packet)
{
	__u32 index = packet->receive_interface ? packet->receive_interface : packet->interface;
	struct bpf_fib_lookup query = {};

	return route_told(route_back(context, packet, index, &query)) ? query.ifindex : index;
}

/*
 * The address that an ICMP error comes from: the packet's destination if that is ours, else the
 * address of the interface that the error leaves by, else (no address there) the destination all the same.
 * A local sender also sees the destination: a packet "from" its own address would be taken for a forgery.
 */
__noinline int reply_source(hook_context *context, struct packet *packet, struct reply *reply)
{
	__u32 local = packet_local(packet);

	if (!packet || !reply)
		return 0;
	__builtin_memcpy(reply->source, packet->destination, sizeof(reply->source));
	if (reply->kind != REPLY_UNREACHABLE || local & PACKET_LOCAL_DESTINATION)
		return 0;
	if (packet->transmit_interface && local & PACKET_LOCAL_SOURCE)
		return 0;
	if (!source_of_interface(reply_route(context, packet), packet, reply->source))
		source_of_interface(packet->interface, packet, reply->source);
	return 0;
}

/* Bytes of the packet that an ICMP error quotes. */
static __always_inline __u16 reply_quote(const struct packet *packet)
{
	__u32 limit = packet->family == 4 ? packet->network_length + ICMP_QUOTE_BYTES : ICMP6_QUOTE_BYTES;

	return packet->bytes < limit ? packet->bytes : limit;
}

/*
 * Decides on the answer to a packet that met `result` (include/ipfw/verdict.h). Returns false if there
 * is to be none; *reply is complete otherwise.
 */
__noinline int reply_decide(hook_context *context, struct packet *packet, __u64 result, struct reply *reply)
{
	if (!packet || !reply)
		return false;
	*reply = (struct reply){
		.family = packet->family,
		.network_offset = packet->network_offset,
		.transport_offset = packet->network_offset + packet->network_length,
		.quote = reply_quote(packet),
	};
	if (!packet->family || packet->fragment & FRAGMENT_OFFSET || !icmp_query(packet))
		return false;
	if (address_unanswerable(packet) || link_group(context, packet))
		return false;
	reply_kind(context, reply, packet, result);
	if (reply->kind == REPLY_NONE || sender_unreachable(packet))
		return false;
	if (reply->kind != REPLY_UNREACHABLE)
		reply->quote = 0;
	reply_source(context, packet, reply);
	return true;
}

#endif
