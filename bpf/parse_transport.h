/* SPDX-License-Identifier: GPL-2.0-only */
/* The transport header, the thorough way, for both families. */
#ifndef BPF_PARSE_TRANSPORT_H
#define BPF_PARSE_TRANSPORT_H

#include "bpf/header_options.h"
#include "bpf/parse_common.h"

static __always_inline void transport_ports(struct packet *packet, const __be16 *ports)
{
	packet->source_port = bpf_ntohs(ports[0]);
	packet->destination_port = bpf_ntohs(ports[1]);
	packet->flags |= PACKET_PORTS;
}

/*
 * Reads the transport header of an unfragmented packet or first fragment at packet->transport_offset.
 * `needed` bytes of it must lie within the `available` ones. Returns PARSE_RULES or -DROP_TRUNCATED.
 */
static __always_inline int transport_load(hook_context *context, struct packet *packet, void *header, __u32 needed,
					  __u32 available)
{
	if (needed > available || frame_load(context, packet->transport_offset, header, needed))
		return -DROP_TRUNCATED;
	return PARSE_RULES;
}

/*
 * Fills in what the transport header tells, for all protocols that have one in ipfw's eyes.
 * `available`: bytes behind the IP headers. Returns PARSE_RULES or -DROP_TRUNCATED. Global, so that the verifier walks
 * it once and not for each family.
 */
__noinline int transport_parse(hook_context *context, struct packet *packet, __u32 available)
{
	__u8 header[TCP_BYTES] __attribute__((aligned(4))) = {};
	int result;

	if (!packet)
		return -DROP_TRUNCATED;
	switch (packet->protocol) {
	case IPPROTO_TCP:
		result = transport_load(context, packet, header, TCP_BYTES, available);
		packet->tcp_flags = header[TCP_FLAGS_OFFSET];
		packet->flags = PACKET_TCP;
		if (result != PARSE_RULES)
			break;
		tcp_numbers(packet, (const struct tcphdr *)header);
		tcp_options_parse(context, packet);
		break;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		result = transport_load(context, packet, header, UDP_BYTES, available);
		break;
	case IPPROTO_SCTP:
		result = transport_load(context, packet, header, SCTP_BYTES, available);
		break;
	case IPPROTO_ICMP:
		if (packet->family != 4)
			return PARSE_RULES;
		result = transport_load(context, packet, header, ICMP_BYTES, available);
		packet->flags = PACKET_ICMP;
		break;
	case IPPROTO_ICMPV6:
		if (packet->family != 6)
			return PARSE_RULES;
		result = transport_load(context, packet, header, ICMP6_BYTES, available);
		packet->flags = PACKET_ICMP6;
		break;
	default:
		return PARSE_RULES;
	}
	if (packet->flags & (PACKET_ICMP | PACKET_ICMP6)) {
		packet->icmp_type = header[0];
		packet->icmp_code = header[1];
	} else {
		transport_ports(packet, (__be16 *)header);
	}
	return result;
}

#endif
