/* SPDX-License-Identifier: GPL-2.0-only */
/* The options behind an IPv4 or a TCP header: which kinds there are. */
#ifndef BPF_HEADER_OPTIONS_H
#define BPF_HEADER_OPTIONS_H

#include "bpf/parse_common.h"

#define HEADER_OPTIONS_MAX 40 /* bytes, hence options */

/* Kinds that both have, then those of IPv4 (RFC 791) and of TCP (RFC 9293, 7323, 2018). */
#define KIND_END 0
#define KIND_NO_OPERATION 1
#define KIND_IP_RECORD_ROUTE 7
#define KIND_IP_TIMESTAMP 68
#define KIND_IP_LOOSE_ROUTE 131
#define KIND_IP_STRICT_ROUTE 137
#define KIND_TCP_MSS 2
#define KIND_TCP_WINDOW 3
#define KIND_TCP_SACK_PERMITTED 4
#define KIND_TCP_SACK 5
#define KIND_TCP_TIMESTAMP 8

#define TCP_MSS_BYTES 4 /* of the option */

#define TCP_LENGTH_OFFSET 12 /* of the octet with the header length in its high half */

struct option_walk {
	hook_context *context;
	__u32 offset, end; /* of the next option and of the header, from the start of the frame */
	__u8 tcp;	   /* 1: TCP, 0: IPv4 */
	__u8 found;	   /* IP_OPTION_* or TCP_OPTION_* */
	__u16 mss;	   /* host order */
	__u32 mss_offset;  /* of the value of the first MSS option, 0: none, or behind an option with a wrong length */
	__u8 spoilt;	   /* 1: a TCP option has a wrong length */
};

static __always_inline __u8 ip_option_bit(__u8 kind)
{
	switch (kind) {
	case KIND_IP_RECORD_ROUTE:
		return IP_OPTION_RECORD_ROUTE;
	case KIND_IP_TIMESTAMP:
		return IP_OPTION_TIMESTAMP;
	case KIND_IP_LOOSE_ROUTE:
		return IP_OPTION_LOOSE_ROUTE;
	case KIND_IP_STRICT_ROUTE:
		return IP_OPTION_STRICT_ROUTE;
	default:
		return 0;
	}
}

/* As in ipfw an option counts only if it has the length that its kind has. */
static __always_inline __u8 tcp_option_bit(__u8 kind, __u32 length)
{
	switch (kind) {
	case KIND_TCP_MSS:
		return length == 4 ? TCP_OPTION_MSS : 0;
	case KIND_TCP_WINDOW:
		return length == 3 ? TCP_OPTION_WINDOW : 0;
	case KIND_TCP_SACK_PERMITTED:
		return length == 2 ? TCP_OPTION_SACK : 0;
	case KIND_TCP_SACK:
		return length > 2 && (length - 2) % 8 == 0 ? TCP_OPTION_SACK : 0;
	case KIND_TCP_TIMESTAMP:
		return length == 10 ? TCP_OPTION_TIMESTAMP : 0;
	default:
		return 0;
	}
}

/* Bytes of the option of this kind at walk->offset, 0 where the walk ends. */
static __always_inline __u32 option_length(struct option_walk *walk, __u8 kind)
{
	__u8 length = 0;

	if (kind == KIND_END)
		return 0;
	if (kind == KIND_NO_OPERATION)
		return 1;
	if (frame_load(walk->context, walk->offset + 1, &length, sizeof(length)))
		length = 0;
	/* A length that lies spoils all IPv4 options; of TCP's it ends the list. So does ipfw. */
	if (!walk->tcp && (!length || length > walk->end - walk->offset))
		walk->found |= IP_OPTION_INVALID;
	return length;
}

/* Notes the place of an MSS that may be changed; other than a test of options, `tcp-setmss' takes no wrong length. */
static __always_inline void option_mss_place(struct option_walk *walk, __u8 kind, __u32 length)
{
	if (kind == KIND_NO_OPERATION)
		return;
	if (length < 2 || length > walk->end - walk->offset || (kind == KIND_TCP_MSS && length != TCP_MSS_BYTES))
		walk->spoilt = 1;
	if (kind == KIND_TCP_MSS && !walk->spoilt && !walk->mss_offset)
		walk->mss_offset = walk->offset + 2;
}

/* One round of bpf_loop(): one option. */
static long option_next(__u32 index, struct option_walk *walk)
{
	__u32 length;
	__be16 mss = 0;
	__u8 kind, bit;

	if (walk->offset >= walk->end || frame_load(walk->context, walk->offset, &kind, sizeof(kind)))
		return 1;
	length = option_length(walk, kind);
	if (!length)
		return 1;
	bit = walk->tcp ? tcp_option_bit(kind, length) : ip_option_bit(kind);
	walk->found |= bit;
	if (walk->tcp && bit == TCP_OPTION_MSS && !frame_load(walk->context, walk->offset + 2, &mss, sizeof(mss)))
		walk->mss = bpf_ntohs(mss);
	option_mss_place(walk, kind, length);
	walk->offset += length;
	return 0;
}

/* Walks the options of a packet with a TCP header. False if the header cannot be read. */
static __always_inline bool tcp_options_walk(hook_context *context, const struct packet *packet,
					     struct option_walk *walk)
{
	__u8 length = 0;

	if (frame_load(context, packet->transport_offset + TCP_LENGTH_OFFSET, &length, sizeof(length)))
		return false;
	*walk = (struct option_walk){.context = context, .tcp = 1};
	walk->offset = packet->transport_offset + TCP_BYTES;
	walk->end = packet->transport_offset + (length >> 4) * 4;
	bpf_loop(HEADER_OPTIONS_MAX, option_next, walk, 0);
	return true;
}

/*
 * Fills packet->tcp_options and tcp_mss of a packet with a TCP header. Returns 0. Weak, as ip_options_parse(): a module
 * that is linked to a ruleset program brings its own copy.
 */
__weak int tcp_options_parse(hook_context *context, struct packet *packet)
{
	struct option_walk walk;

	if (!packet || !tcp_options_walk(context, packet, &walk))
		return 0;
	packet->tcp_options = walk.found;
	packet->tcp_mss = walk.mss;
	return 0;
}

/* Fills packet->ip_options of a packet with `options` bytes behind its IPv4 header. Returns 0. */
__weak int ip_options_parse(hook_context *context, struct packet *packet, __u32 options)
{
	struct option_walk walk = {.context = context};

	if (!packet)
		return 0;
	walk.offset = packet->network_offset + sizeof(struct iphdr);
	walk.end = walk.offset + options;
	bpf_loop(HEADER_OPTIONS_MAX, option_next, &walk, 0);
	packet->ip_options = walk.found;
	return 0;
}

#endif
