/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Replies sent from TC. The reply is written behind the packet and the packet is then pulled from under it: that
 * alone makes the kernel forget a pending checksum (CHECKSUM_PARTIAL, which no program can see), which the
 * device would else compute over the reply. What remains is an skb whose checksums are complete.
 */
#ifndef BPF_REPLY_TC_H
#define BPF_REPLY_TC_H

#include "bpf/checksum.h"
#include "bpf/reply_build.h"

/* The packet to be pulled must end behind where a pending checksum starts, the transport header at most. */
#define PULL_MARGIN 64

/* Copies chunk number `index` of `length` bytes within the frame. A global function for the reason of checksum_chunk().
 */
__noinline int frame_copy_chunk(struct __sk_buff *context, __u32 to, __u32 from, __u32 length, __u32 index)
{
	__u32 begin = index * CHECKSUM_CHUNK, part;
	__u8 chunk[CHECKSUM_CHUNK];

	if (begin >= length)
		return true;
	part = length - begin;
	if (part > sizeof(chunk))
		part = sizeof(chunk);
	part = bounded_length(part, sizeof(chunk));
	if (frame_load(context, from + begin, chunk, part))
		return false;
	return !frame_store(context, to + begin, chunk, part);
}

/* Copies `length` bytes (at most CHECKSUM_CHUNKS_MAX chunks) within the frame, to where they do not overlap. */
__noinline int frame_copy(struct __sk_buff *context, __u32 to, __u32 from, __u32 length)
{
	for (__u32 index = 0; index < CHECKSUM_CHUNKS_MAX; index++)
		if (!frame_copy_chunk(context, to, from, length, index))
			return false;
	return true;
}

/*
 * Replaces the packet by the reply, behind the same link header. False if it cannot be done (no memory,
 * a VLAN tag inside the frame, a tunnel packet): the packet is to be dropped then.
 */
static __noinline bool reply_replace(struct __sk_buff *context, const struct reply *reply)
{
	__u32 link = reply->network_offset, room = reply_headers_bytes(reply);
	__u32 place = reply->transport_offset + PULL_MARGIN;
	struct reply_headers headers = {};

	if (place < link + reply->quote)
		place = link + reply->quote;
	if (!reply_compose(context, reply, &headers))
		return false;
	if (bpf_skb_change_tail(context, place + room + reply->quote, 0))
		return false;
	if (!frame_copy(context, place + room, link, reply->quote))
		return false;
	if (!reply_finish(context, reply, &headers, place))
		return false;
	return !bpf_skb_adjust_room(context, -(int)(place - link), BPF_ADJ_ROOM_MAC, 0);
}

/* Marks the frame as the firewall's own: tc_egress_entry lets it pass and takes the mark away. */
static __always_inline void reply_mark(struct __sk_buff *context)
{
	const struct control *settings = control_find();

	if (settings)
		context->mark = settings->reply_mark;
}

#endif
