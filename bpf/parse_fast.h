/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The path of most packets: Ethernet, no VLAN, IPv4 without options or IPv6 without extension headers, not a
 * fragment, TCP, UDP or ICMP, headers directly accessible. Counted in nanoseconds: no helper calls, nothing
 * twice. It refuses what it does not know at once and leaves judging to the slow parser (slow.h).
 */
#ifndef BPF_PARSE_FAST_H
#define BPF_PARSE_FAST_H

#include "bpf/link.h"
#include "bpf/header_options.h"
#include "bpf/needs.h"
#include "bpf/parse_common.h"

#define IP4_PLAIN 0x45		     /* version 4, five words: no options */
#define IP4_FLAGS_OFFSET 6	     /* of the octet with the flags */
#define IP4_FLAG_DONT 0x40	     /* "don't fragment" in it */
#define IP4_NOT_FRAGMENT_MASK 0xbfff /* everything but "don't fragment" */

/* Transport header of `length` bytes packet, of which `room` belong to it. False: leave it to the slow parser. */
static __always_inline bool fast_transport(hook_context *context, struct packet *packet, const void *header,
					   const void *end, __u32 room, __u32 needs)
{
	const struct tcphdr *tcp = header;
	const __u8 *bytes = header;

	/* The smallest frame that any of them makes; the check serves all. */
	if (bytes + UDP_BYTES > (const __u8 *)end || room < UDP_BYTES)
		return false;
	if (packet->protocol == IPPROTO_TCP) {
		if (bytes + TCP_BYTES > (const __u8 *)end || room < TCP_BYTES)
			return false;
		packet->tcp_flags = bytes[TCP_FLAGS_OFFSET];
		packet->flags = PACKET_PORTS | PACKET_TCP;
		if (needs & PACKET_NEEDS_HEADERS)
			tcp_numbers(packet, tcp);
		if (needs & PACKET_NEEDS_TCP_OPTIONS)
			tcp_options_parse(context, packet);
	} else if (packet->protocol == IPPROTO_UDP) {
		packet->flags = PACKET_PORTS;
	} else if (packet->protocol == (packet->family == 4 ? IPPROTO_ICMP : IPPROTO_ICMPV6)) {
		packet->icmp_type = bytes[0];
		packet->icmp_code = bytes[1];
		packet->flags = packet->family == 4 ? PACKET_ICMP : PACKET_ICMP6;
		return true;
	} else {
		return false;
	}
	packet->source_port = bpf_ntohs(tcp->source);
	packet->destination_port = bpf_ntohs(tcp->dest);
	return true;
}

static __always_inline bool fast_ip4(hook_context *context, const struct iphdr *ip, const void *end, __u32 frame,
				     __u32 mtu, __u32 needs, struct packet *packet)
{
	__u32 length;

	if ((const void *)(ip + 1) > end || *(const __u8 *)ip != IP4_PLAIN)
		return false;
	length = bpf_ntohs(ip->tot_len);
	if (ip->frag_off & bpf_htons(IP4_NOT_FRAGMENT_MASK) || length > mtu || length + ETH_HLEN > frame)
		return false;
	packet->source[0] = ip->saddr;
	packet->destination[0] = ip->daddr;
	packet->family = 4;
	packet->protocol = ip->protocol;
	/* No branch, which the verifier would follow on both ways: only "don't fragment" can be set. */
	packet->fragment = *((const __u8 *)ip + IP4_FLAGS_OFFSET) / IP4_FLAG_DONT * FRAGMENT_DONT;
	packet->bytes = length;
	packet->network_length = sizeof(*ip);
	packet->transport_offset = ETH_HLEN + sizeof(*ip);
	if (needs & PACKET_NEEDS_HEADERS)
		ip4_numbers(packet, ip);
	return length >= sizeof(*ip) && fast_transport(context, packet, ip + 1, end, length - sizeof(*ip), needs);
}

static __always_inline bool fast_ip6(hook_context *context, const struct ipv6hdr *ip, const void *end, __u32 frame,
				     __u32 mtu, __u32 needs, struct packet *packet)
{
	__u32 payload;

	if ((const void *)(ip + 1) > end || *(const __u8 *)ip >> 4 != 6)
		return false;
	payload = bpf_ntohs(ip->payload_len);
	if (payload + sizeof(*ip) > mtu || payload + sizeof(*ip) + ETH_HLEN > frame)
		return false;
	__builtin_memcpy(packet->source, &ip->saddr, sizeof(packet->source));
	__builtin_memcpy(packet->destination, &ip->daddr, sizeof(packet->destination));
	packet->family = 6;
	packet->protocol = ip->nexthdr;
	packet->bytes = payload + sizeof(*ip);
	packet->network_length = sizeof(*ip);
	packet->transport_offset = ETH_HLEN + sizeof(*ip);
	if (needs & PACKET_NEEDS_HEADERS)
		ip6_numbers(packet, ip);
	return fast_transport(context, packet, ip + 1, end, payload, needs);
}

/* Whether an incoming frame is addressed to this interface by its link address and not of our own making. */
static __always_inline bool fast_link(hook_context *context, const struct ethhdr *ethernet,
				      const struct interface_entry *interface)
{
	const struct control *settings = control_find();

	return settings && mac_equal(ethernet->h_dest, interface->mac) && !link_from_firewall(ethernet, settings) &&
	       !frame_for_other_host(context);
}

/* One question for all that few programs need to know of the frame. */
#define FAST_FRAME_NEEDS (PACKET_NEEDS_LINK | PACKET_NEEDS_LAYER2 | PACKET_WITHOUT_IP4 | PACKET_WITHOUT_IP6)

/* Fills in link addresses, EtherType and layers. False for a frame that meets no rule: the slow parser lets it pass. */
static __always_inline bool fast_frame(struct packet *packet, const struct ethhdr *ethernet,
				       const struct interface_entry *interface, __u32 needs)
{
	packet->ether_type = bpf_ntohs(ethernet->h_proto);
	packet->layers = link_layers(interface, packet->ether_type, needs);
	link_addresses(packet, ethernet);
	return packet->layers;
}

/*
 * Fills the descriptor, which the caller has cleared, and returns true, or returns false with it half filled.
 * `input`: the frame came in by `interface`, it does not leave by it. `needs`: packet_needs, or what is known to be
 * enough.
 */
static __always_inline bool parse_fast(hook_context *context, const struct interface_entry *interface, bool input,
				       __u32 needs, struct packet *packet)
{
	const void *data = (void *)(long)context->data, *end = (void *)(long)context->data_end;
	const struct ethhdr *ethernet = data;
	__u32 frame = frame_length_quick(context);

	if (data + ETH_HLEN > end || interface->link_header != ETH_HLEN || frame_special(context))
		return false;
	if (input && !fast_link(context, ethernet, interface))
		return false;
	packet->segments = 1;
	packet->network_offset = ETH_HLEN;
	if (needs & FAST_FRAME_NEEDS && !fast_frame(packet, ethernet, interface, needs))
		return false;
	if (ethernet->h_proto == bpf_htons(ETH_P_IP))
		return fast_ip4(context, data + ETH_HLEN, end, frame, interface->mtu, needs, packet);
	if (ethernet->h_proto == bpf_htons(ETH_P_IPV6))
		return fast_ip6(context, data + ETH_HLEN, end, frame, interface->mtu, needs, packet);
	return false;
}

#endif
