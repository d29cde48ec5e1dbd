/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rules that change the packet: `setdscp' and `tcp-setmss' (ipfw(8), RULE ACTIONS). Frame, checksums and descriptor
 * change together, so that later rules see what will be on the wire. Before this header comes modify_xdp.h or
 * modify_tc.h.
 */
#ifndef BPF_MODIFY_H
#define BPF_MODIFY_H

#include "bpf/checksum.h"
#include "bpf/header_options.h"

#define ECN_MASK 0x03
#define DSCP_SHIFT 2

#define IP4_CHECKSUM_WORD 5 /* 16-bit words in front of the checksum of an IPv4 header */

#define TCP_SYN 0x02

/* A traffic class with another DSCP and the same ECN bits. */
static __always_inline __u8 traffic_class_mark(__u8 traffic_class, __u32 dscp)
{
	return dscp << DSCP_SHIFT | (traffic_class & ECN_MASK);
}

static __always_inline int ip4_set_dscp(hook_context *context, struct packet *packet, __u32 dscp)
{
	__u16 words[IP4_CHECKSUM_WORD + 1], old;
	__u8 *traffic_class = (__u8 *)words + offsetof(struct iphdr, tos);

	if (frame_load_near(context, packet->network_offset, words, sizeof(words)))
		return 0;
	old = words[0];
	*traffic_class = traffic_class_mark(*traffic_class, dscp);
	words[IP4_CHECKSUM_WORD] = checksum_replace(words[IP4_CHECKSUM_WORD], old, words[0]);
	if (words[0] != old && frame_change_near(context, packet->network_offset, words, sizeof(words)))
		return 0;
	packet->traffic_class = *traffic_class;
	return 1;
}

static __always_inline int ip6_set_dscp(hook_context *context, struct packet *packet, __u32 dscp)
{
	__be16 word, old; /* version, traffic class, highest bits of the flow label */
	__u8 traffic_class;

	if (frame_load_near(context, packet->network_offset, &old, sizeof(old)))
		return 0;
	traffic_class = traffic_class_mark(bpf_ntohs(old) >> 4, dscp);
	word = (old & bpf_htons(0xf00f)) | bpf_htons(traffic_class << 4);
	if (word != old && frame_change_near(context, packet->network_offset, &word, sizeof(word)))
		return 0;
	packet->traffic_class = traffic_class;
	return 1;
}

/* For generated code: gives the packet this DSCP (0..63). Returns 1, or 0 if it is no IP packet. */
__noinline int packet_set_dscp(hook_context *context, struct packet *packet, __u32 dscp)
{
	if (!packet)
		return 0;
	if (packet->family == 4)
		return ip4_set_dscp(context, packet, dscp);
	if (packet->family == 6)
		return ip6_set_dscp(context, packet, dscp);
	return 0;
}

/*
 * Where in the frame the MSS that a packet with a TCP header offers stands, in two bytes; 0: it has none, or its header
 * is longer than the packet.
 */
static __always_inline __u32 tcp_mss_place(hook_context *context, const struct packet *packet)
{
	struct option_walk walk;

	if (!tcp_options_walk(context, packet, &walk) || walk.end > packet->network_offset + packet->bytes)
		return 0;
	return walk.mss_offset;
}

/* Replaces the 16-bit number at `offset` in a TCP header. Returns 0, or a negative error with nothing done. */
static __always_inline long tcp_change(hook_context *context, struct packet *packet, __u32 offset, __be16 from,
				       __be16 to)
{
	bool odd = (offset - packet->transport_offset) & 1;
	long error = tcp_checksum_change(context, packet, odd ? __builtin_bswap16(from) : from,
					 odd ? __builtin_bswap16(to) : to);

	return error ? error : frame_store(context, offset, &to, sizeof(to));
}

/*
 * For generated code: lowers the maximum segment size that a SYN offers to `mss`. Returns 1, also if it was not higher,
 * or 0 if the packet is no SYN with that option.
 */
__noinline int packet_set_mss(hook_context *context, struct packet *packet, __u32 mss)
{
	__be16 old, new = bpf_htons(mss);
	__u32 offset;

	if (!packet || !(packet->tcp_flags & TCP_SYN))
		return 0;
	offset = tcp_mss_place(context, packet);
	if (!offset || frame_load(context, offset, &old, sizeof(old)))
		return 0;
	if (bpf_ntohs(old) <= mss)
		return 1;
	if (tcp_change(context, packet, offset, old, new))
		return 0;
	if (packet->tcp_options)
		tcp_options_parse(context, packet);
	return 1;
}

#endif
