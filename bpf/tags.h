/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tags as numbers (PACKET_TAG() in ipfw/packet.h): a module, for rules that take tags out of tables. As in ipfw, of the
 * number that a packet is tagged with 16 bits count.
 */
#ifndef BPF_TAGS_H
#define BPF_TAGS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "ipfw/packet.h"

/* Whether the packet has a tag from `low` to `high`. */
static __always_inline int tags_hold(__u64 tags, __u32 low, __u32 high)
{
#pragma unroll
	for (int i = 0; i < PACKET_TAGS_MAX; i++) {
		__u32 tag = PACKET_TAG_AT(tags, i), number = PACKET_TAG(tag);

		if (tag && number >= low && number <= high)
			return 1;
	}
	return 0;
}

/* For generated code: tags the packet. Returns 1, or 0 if there is no room for one more. */
__noinline int packet_tag(struct packet *packet, __u32 number)
{
	__u64 tag = PACKET_TAG(number);

	if (!packet)
		return 0;
	if (!tag || tags_hold(packet->tags, number & 0xffff, number & 0xffff))
		return 1;
#pragma unroll
	for (int i = 0; i < PACKET_TAGS_MAX; i++)
		if (!PACKET_TAG_AT(packet->tags, i)) {
			packet->tags |= tag << 16 * i;
			return 1;
		}
	return 0;
}

/* Likewise: takes the tag off the packet. Returns 0. */
__noinline int packet_untag(struct packet *packet, __u32 number)
{
	if (!packet)
		return 0;
#pragma unroll
	for (int i = 0; i < PACKET_TAGS_MAX; i++) {
		__u32 tag = PACKET_TAG_AT(packet->tags, i);

		if (tag && PACKET_TAG(tag) == number)
			packet->tags &= ~(0xffffull << 16 * i);
	}
	return 0;
}

/* Likewise: whether the packet has a tag from `low` to `high`. */
__noinline int packet_tagged(struct packet *packet, __u32 low, __u32 high)
{
	return packet ? tags_hold(packet->tags, low, high) : 0;
}

#endif
