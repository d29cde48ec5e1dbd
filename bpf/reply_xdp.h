/* SPDX-License-Identifier: GPL-2.0-only */
/* Replies sent from XDP: built in place of the packet and sent back by the interface it came in by. */
#ifndef BPF_REPLY_XDP_H
#define BPF_REPLY_XDP_H

#include "bpf/reply.h"
#include "bpf/reply_build.h"

#define LINK_HEADER_MAX 32 /* Ethernet with two VLAN tags, rounded up */

/*
 * Leaves the reply to the TC ingress program, which finds it in front of the packet. False if the
 * driver has no room for metadata.
 */
static __always_inline bool reply_by_tc(struct xdp_md *context, const struct reply *reply)
{
	const struct control *settings = control_find();
	struct packet_metadata *metadata;

	if (!settings || bpf_xdp_adjust_meta(context, -(int)sizeof(*metadata)))
		return false;
	metadata = (void *)(long)context->data_meta;
	if ((void *)(metadata + 1) > (void *)(long)context->data)
		return false;
	metadata->mark = settings->reply_mark;
	metadata->reply = *reply;
	return true;
}

/*
 * Opens a gap of `room` bytes behind the link header by moving that to the front. False if there is no
 * headroom.
 */
static __always_inline bool room_make(struct xdp_md *context, const struct reply *reply, __u32 room)
{
	__u8 link[LINK_HEADER_MAX];
	__u32 length = reply->network_offset;

	if (bpf_xdp_adjust_head(context, -(int)room))
		return false;
	if (!length)
		return true;
	length = bounded_length(length, sizeof(link));
	if (frame_load(context, room, link, length))
		return false;
	return !frame_store(context, 0, link, length);
}

/* Turns the frame into the reply. Returns XDP_TX, or XDP_DROP if it cannot be done. */
__noinline int reply_send(struct xdp_md *context, const struct reply *reply)
{
	struct reply_headers headers = {};
	__u32 room;

	if (!reply)
		return XDP_DROP;
	room = reply_headers_bytes(reply);
	if (!reply_compose(context, reply, &headers))
		return XDP_DROP;
	/* A RST or an ABORT overwrites the packet; an error goes in front of it. */
	if (reply->kind == REPLY_UNREACHABLE && !room_make(context, reply, room))
		return XDP_DROP;
	if (bpf_xdp_adjust_tail(context, reply->network_offset + room + reply->quote - frame_length(context)))
		return XDP_DROP;
	if (!reply_finish(context, reply, &headers, reply->network_offset))
		return XDP_DROP;
	link_turn(context, reply);
	return XDP_TX;
}

#endif
