/* SPDX-License-Identifier: GPL-2.0-only */
/* IPv6 with its chain of extension headers. */
#ifndef BPF_PARSE_IP6_H
#define BPF_PARSE_IP6_H

#include "bpf/maps_control.h"
#include "bpf/parse_transport.h"

#define IP6_HEADERS_MAX 32 /* longer chains are dropped as malformed */
#define IP6_OFFSET_MASK 0xfff8
#define IP6_MORE_FRAGMENTS 0x0001

#define ROUTING_SOURCE 0 /* routing header types whose shape is known */
#define ROUTING_MOBILE 2

#define CARP_BYTES 8
#define CARP_ADVERTISEMENT 1 /* low half of the first octet */

/* Protocol numbers that <linux/in.h> lacks. */
#define PROTOCOL_OSPF 89
#define PROTOCOL_CARP 112

/* First 8 bytes of any extension header. */
struct ip6_extension {
	__u8 next;
	__u8 length; /* in units that depend on the header */
	union {
		__u8 routing_type;
		__be16 fragment;
	};
	__u8 rest[4];
};

/* Whether ipfw knows this protocol as one that ends the chain without being a transport header. */
static __always_inline bool ip6_known_end(__u8 protocol)
{
	switch (protocol) {
	case IPPROTO_ESP:
	case IPPROTO_NONE:
	case PROTOCOL_OSPF:
	case IPPROTO_PIM:
	case IPPROTO_GRE:
	case PROTOCOL_CARP:
	case IPPROTO_IPV6:
	case IPPROTO_IPIP:
		return true;
	default:
		return false;
	}
}

/* Bytes that must be there of what ends the chain without being a transport header. */
static __always_inline __u32 ip6_end_bytes(__u8 protocol)
{
	switch (protocol) {
	case IPPROTO_IPV6:
		return sizeof(struct ipv6hdr);
	case IPPROTO_IPIP:
		return sizeof(struct iphdr);
	case PROTOCOL_CARP:
		return CARP_BYTES;
	case IPPROTO_ESP:
	case IPPROTO_GRE:
	case IPPROTO_PIM:
		return 4;
	case IPPROTO_NONE:
		return 0;
	default:
		return 2; /* OSPF, and what is not known */
	}
}

/* Whether a packet is dropped for a header that ipfw does not know (net.inet6.ip6.fw.deny_unknown_exthdrs). */
static __always_inline bool ip6_deny_unknown(void)
{
	const struct control *settings = control_find();

	return !settings || settings->deny_unknown_extensions;
}

/* Whether a packet with a fragment header is dropped if it is all there is (net.inet6.ip6.fw.permit_single_frag6). */
static __always_inline bool ip6_deny_single(void)
{
	const struct control *settings = control_find();

	return settings && !settings->permit_single_fragments && settings->deny_unknown_extensions;
}

/* The chain ends at a header without ports. Returns PARSE_RULES or -enum drop_reason. */
static __always_inline int ip6_end(hook_context *context, struct packet *packet, __u32 available)
{
	__u8 first = 0;

	if (packet->protocol == IPPROTO_ESP)
		packet->extension_headers |= EXTENSION_ESP;
	if (!ip6_known_end(packet->protocol) && ip6_deny_unknown())
		return -DROP_UNKNOWN_EXTENSION;
	if (available < ip6_end_bytes(packet->protocol))
		return -DROP_TRUNCATED;
	if (packet->protocol != PROTOCOL_CARP)
		return PARSE_RULES;
	if (frame_load(context, packet->network_offset + packet->network_length, &first, sizeof(first)))
		return -DROP_TRUNCATED;
	return (first & 0xf) == CARP_ADVERTISEMENT ? PARSE_RULES : -DROP_MALFORMED;
}

/* Notes the fragment header in the descriptor. */
static __always_inline void ip6_fragment(struct packet *packet, __u16 field)
{
	if (field & IP6_OFFSET_MASK)
		packet->fragment |= FRAGMENT_OFFSET;
	if (field & IP6_MORE_FRAGMENTS)
		packet->fragment |= FRAGMENT_MORE;
}

/* How many bytes of the extension header must be there to walk on, 0 if `protocol` is none. */
static __always_inline __u32 ip6_extension_bytes(__u8 protocol)
{
	switch (protocol) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_DSTOPTS:
	case IPPROTO_AH:
		return 2;
	case IPPROTO_ROUTING:
		return 4;
	case IPPROTO_FRAGMENT:
		return 8;
	default:
		return 0;
	}
}

/* EXTENSION_* of a header that ip6_step() steps over. */
static __always_inline __u8 ip6_extension_bit(__u8 protocol, __u8 routing_type)
{
	switch (protocol) {
	case IPPROTO_HOPOPTS:
		return EXTENSION_HOP_BY_HOP;
	case IPPROTO_DSTOPTS:
		return EXTENSION_DESTINATION;
	case IPPROTO_AH:
		return EXTENSION_AUTHENTICATION;
	case IPPROTO_FRAGMENT:
		return EXTENSION_FRAGMENT;
	default:
		if (routing_type == ROUTING_SOURCE)
			return EXTENSION_ROUTING | EXTENSION_ROUTING_0;
		return EXTENSION_ROUTING | (routing_type == ROUTING_MOBILE ? EXTENSION_ROUTING_2 : 0);
	}
}

/*
 * Steps over one extension header: packet->protocol and network_length then describe what is behind it.
 * `available`: bytes of the packet from its IP header on. Returns 1 when it did, 0 when the chain has ended
 * (also at a later fragment), or -enum drop_reason. A function of its own, so that the verifier walks it once.
 */
__noinline int ip6_step(hook_context *context, struct packet *packet, __u32 available)
{
	struct ip6_extension extension = {};
	__u32 needed, length, place;

	if (!packet)
		return 0;
	needed = ip6_extension_bytes(packet->protocol);
	if (!needed || packet->fragment & FRAGMENT_OFFSET)
		return 0;
	place = packet->network_length;
	if (place + needed > available)
		return -DROP_TRUNCATED;
	if (frame_load(context, packet->network_offset + place, &extension, needed & (sizeof(extension) * 2 - 1)))
		return -DROP_TRUNCATED;
	length = (extension.length + 1) * 8;
	if (packet->protocol == IPPROTO_AH)
		length = (extension.length + 2) * 4;
	if (packet->protocol == IPPROTO_FRAGMENT) {
		length = sizeof(extension);
		ip6_fragment(packet, bpf_ntohs(extension.fragment));
		if (!packet->fragment && ip6_deny_single())
			return -DROP_BOGUS_FRAGMENT;
	}
	if (packet->protocol == IPPROTO_ROUTING && extension.routing_type != ROUTING_SOURCE &&
	    extension.routing_type != ROUTING_MOBILE && ip6_deny_unknown())
		return -DROP_UNKNOWN_EXTENSION;
	if (place + length > available)
		return -DROP_TRUNCATED;
	packet->extension_headers |= ip6_extension_bit(packet->protocol, extension.routing_type);
	packet->network_length = place + length;
	packet->protocol = extension.next;
	return 1;
}

/* The chain being walked. */
struct ip6_chain {
	hook_context *context;
	struct packet *packet;
	__u32 available; /* as in ip6_step() */
	int result;	 /* of the last step */
};

/* One round of bpf_loop(), which the verifier does not walk for every header as it would a loop. */
static long ip6_next(__u32 index, struct ip6_chain *chain)
{
	chain->result = ip6_step(chain->context, chain->packet, chain->available);
	return chain->result <= 0;
}

/* As ip4_lengths(). */
static __always_inline int ip6_lengths(hook_context *context, struct packet *packet, const struct ipv6hdr *ip,
				       __u32 *available)
{
	__u32 length = bpf_ntohs(ip->payload_len) + sizeof(*ip);

	if (!ip->payload_len && frame_segment_payload(context, *available, sizeof(*ip), *available))
		length = *available;
	packet->network_length = sizeof(*ip);
	packet->bytes = length < *available ? length : *available;
	if (unvalidated())
		return PARSE_RULES;
	if (length > *available)
		return -DROP_TRUNCATED;
	*available = length;
	return PARSE_RULES;
}

static __always_inline bool ip6_transport(__u8 protocol)
{
	return protocol == IPPROTO_TCP || protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE ||
	       protocol == IPPROTO_SCTP || protocol == IPPROTO_ICMPV6;
}

/* Parses the IPv6 packet at packet->network_offset. Returns enum parse_result or -enum drop_reason. */
__noinline int parse_ip6(hook_context *context, struct packet *packet)
{
	struct ip6_chain chain = {.context = context, .packet = packet};
	__u32 offset, available;
	struct ipv6hdr ip;
	int result;

	if (!packet)
		return -DROP_TRUNCATED;
	offset = packet->network_offset;
	available = frame_length(context) - offset;
	if (frame_load(context, offset, &ip, sizeof(ip)))
		return PARSE_UNREADABLE_SHORT;
	if (ip.version != 6)
		return PARSE_UNREADABLE_VERSION;
	result = ip6_lengths(context, packet, &ip, &available);
	if (result)
		return result;
	packet->family = 6;
	ip6_numbers(packet, &ip);
	packet->protocol = ip.nexthdr;
	__builtin_memcpy(packet->source, &ip.saddr, sizeof(packet->source));
	__builtin_memcpy(packet->destination, &ip.daddr, sizeof(packet->destination));
	chain.available = available;
	bpf_loop(IP6_HEADERS_MAX, ip6_next, &chain, 0);
	if (chain.result)
		return chain.result < 0 ? chain.result : -DROP_MALFORMED;
	if (packet->fragment & FRAGMENT_OFFSET)
		return PARSE_RULES;
	available -= packet->network_length;
	if (!ip6_transport(packet->protocol))
		return ip6_end(context, packet, available);
	packet->transport_offset = offset + packet->network_length;
	return transport_parse(context, packet, available);
}

#endif
