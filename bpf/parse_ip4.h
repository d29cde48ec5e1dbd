/* SPDX-License-Identifier: GPL-2.0-only */
/* IPv4, the thorough way: options, fragments, lengths that lie. */
#ifndef BPF_PARSE_IP4_H
#define BPF_PARSE_IP4_H

#include "bpf/maps_control.h"
#include "bpf/parse_transport.h"

#define IP4_RESERVED 0x8000
#define IP4_DONT_FRAGMENT 0x4000
#define IP4_MORE_FRAGMENTS 0x2000
#define IP4_OFFSET_MASK 0x1fff

/* FRAGMENT_* bits of the fragment field (host order). */
static __always_inline __u8 ip4_fragment(__u16 field)
{
	__u8 fragment = 0;

	if (field & IP4_MORE_FRAGMENTS)
		fragment |= FRAGMENT_MORE;
	if (field & IP4_DONT_FRAGMENT)
		fragment |= FRAGMENT_DONT;
	if (field & IP4_RESERVED)
		fragment |= FRAGMENT_RESERVED;
	if (field & IP4_OFFSET_MASK)
		fragment |= FRAGMENT_OFFSET;
	return fragment;
}

/*
 * Checks the lengths of the header and sets packet->bytes and network_length. *available becomes the
 * number of bytes that belong to the packet. Returns PARSE_RULES or -enum drop_reason.
 */
static __always_inline int ip4_lengths(hook_context *context, struct packet *packet, const struct iphdr *ip,
				       __u32 *available)
{
	__u32 length = bpf_ntohs(ip->tot_len);
	__u32 header = ip->ihl * 4;

	/* A super-packet above 64 KB has no length in its header. */
	if (!length && frame_segment_payload(context, *available, header, *available))
		length = *available;
	packet->network_length = header;
	packet->bytes = length < *available ? length : *available;
	if (unvalidated())
		return PARSE_RULES;
	if (header < sizeof(*ip) || length < header)
		return -DROP_MALFORMED;
	if (length > *available)
		return -DROP_TRUNCATED;
	*available = length;
	return PARSE_RULES;
}

/* Parses the IPv4 packet at packet->network_offset. Returns enum parse_result or -enum drop_reason. */
__noinline int parse_ip4(hook_context *context, struct packet *packet)
{
	__u32 offset, available;
	struct iphdr ip;
	int result;

	if (!packet)
		return -DROP_TRUNCATED;
	offset = packet->network_offset;
	available = frame_length(context) - offset;
	if (frame_load(context, offset, &ip, sizeof(ip)))
		return PARSE_UNREADABLE_SHORT;
	if (ip.version != 4)
		return PARSE_UNREADABLE_VERSION;
	result = ip4_lengths(context, packet, &ip, &available);
	if (result)
		return result;
	packet->family = 4;
	packet->protocol = ip.protocol;
	packet->source[0] = ip.saddr;
	packet->destination[0] = ip.daddr;
	ip4_numbers(packet, &ip);
	if (packet->network_length > sizeof(ip))
		ip_options_parse(context, packet, packet->network_length - sizeof(ip));
	packet->fragment = ip4_fragment(bpf_ntohs(ip.frag_off));
	if (packet->fragment & FRAGMENT_OFFSET) {
		/* It would overwrite the flags of the TCP header that the first fragment showed (RFC 3128). */
		if (ip.protocol == IPPROTO_TCP && (bpf_ntohs(ip.frag_off) & IP4_OFFSET_MASK) == 1)
			return -DROP_BOGUS_FRAGMENT;
		return PARSE_RULES;
	}
	if (available < packet->network_length)
		return -DROP_TRUNCATED;
	packet->transport_offset = offset + packet->network_length;
	return transport_parse(context, packet, available - packet->network_length);
}

#endif
